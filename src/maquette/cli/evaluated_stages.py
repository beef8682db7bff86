"""``maquette evaluate`` where there are stages instead of one result: shows, writes and compares them."""

from pathlib import Path
from typing import TYPE_CHECKING

from maquette.errors import InputError
from maquette.evaluate.pose_machine_report import StagedReport, compare_staged, is_staged, read_staged, staged_remarks

if TYPE_CHECKING:
    from maquette.cli.evaluate import Evaluate


def run_staged(options: "Evaluate") -> None:
    """Evaluate (or read the report), print, write, compare.

    Raises:
        InputError: see :func:`maquette.cli.evaluated_pose_machine.evaluated`; or the other report is not one in stages.
        OutputError: something cannot be written.
    """
    if options.by_joint:
        raise InputError("--by-joint: is for lifters; joints of the stages stand in the --csv and --json")
    other = _read(options.against) if options.against else None
    if options.model.endswith(".json"):
        options.check_read()
        report = read_staged(options.model)
    else:
        from maquette.cli.evaluated_pose_machine import evaluated

        report = evaluated(options)
    _show(report, by_subject=options.by_subject)
    _write(report, options)
    if other is not None:
        _show_differences(report, other)


def _read(path: Path) -> StagedReport:
    if path.is_file() and not is_staged(path):
        raise InputError(f"{path}: is no report of the stages of a pose machine, and cannot be compared with one")
    return read_staged(path)


def _show(report: StagedReport, *, by_subject: bool) -> None:
    from maquette.cli.evaluate import report_console
    from maquette.evaluate.pose_machine_tables import described_stages, stage_table

    console = report_console()
    for line in described_stages(report):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    console.print(stage_table(report, by_subject=by_subject))


def _write(report: StagedReport, options: "Evaluate") -> None:
    from maquette.atomic import write_text
    from maquette.evaluate.pose_machine_tables import stages_as_csv, stages_as_latex

    if options.json:
        report.write(options.json)
    if options.csv:
        write_text(options.csv, stages_as_csv(report))
    if options.latex:
        write_text(options.latex, stages_as_latex(report))
    if options.figure:
        from maquette.evaluate.pose_machine_figure import draw_stages

        draw_stages(report, options.figure)
    for path in (options.json, options.csv, options.latex, options.figure):
        if path:
            print(f"wrote {path}")


def _show_differences(report: StagedReport, other: StagedReport) -> None:
    from maquette.cli.evaluate import report_console
    from maquette.evaluate.tables import differences

    console = report_console()
    compared = compare_staged(report, other)
    for line in staged_remarks(report, other):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    headline = report.stages[0].report.protocol.headline
    for stage, found in compared.items():
        rows = [
            (d.name, d.frames, d.value, d.against)
            for d in found
            if d.metric == headline and d.group in ("action", "average")
        ]
        console.print(stage, highlight=False)
        console.print(differences(rows, ("this", "that"), headline))

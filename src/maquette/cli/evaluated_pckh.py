"""``maquette evaluate`` in the picture (PCKh): shows, writes and compares what was found."""

from pathlib import Path
from typing import TYPE_CHECKING

from maquette.errors import InputError
from maquette.evaluate.pckh_report import (
    PckhReport,
    check_comparable,
    described_pckh,
    draw_pckh,
    is_pckh_report,
    pckh_as_csv,
    pckh_as_latex,
    pckh_table,
    read_pckh_report,
)

if TYPE_CHECKING:
    from maquette.cli.evaluate import Evaluate


def run_pckh(options: "Evaluate") -> None:
    """Evaluate (or read the report), print, write, compare.

    Raises:
        InputError: see :func:`maquette.cli.evaluated_pictures.evaluated_in_picture`; or the other report is not one of
            PCKh, or of other people.
        OutputError: something cannot be written.
    """
    from maquette.cli.evaluate import report_console

    other = _read(options.against) if options.against else None
    if options.model.endswith(".json"):
        options.check_read()
        report = read_pckh_report(options.model)
    else:
        from maquette.cli.evaluated_pictures import evaluated_in_picture

        report = evaluated_in_picture(options)
    if other is not None:
        check_comparable(report, other)
    console = report_console()
    for line in described_pckh(report):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    console.print(pckh_table(report, other, by_joint=options.by_joint))
    _write(report, options)


def _read(path: Path) -> PckhReport:
    if path.is_file() and not is_pckh_report(path):
        raise InputError(f"{path}: is no report of PCKh, and cannot be compared with one")
    return read_pckh_report(path)


def _write(report: PckhReport, options: "Evaluate") -> None:
    from maquette.atomic import write_text

    if options.json:
        report.write(options.json)
    if options.csv:
        write_text(options.csv, pckh_as_csv(report))
    if options.latex:
        write_text(options.latex, pckh_as_latex(report))
    if options.figure:
        draw_pckh(report, options.figure)
    for path in (options.json, options.csv, options.latex, options.figure):
        if path:
            print(f"wrote {path}")

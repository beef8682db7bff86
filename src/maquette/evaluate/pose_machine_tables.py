"""Results of a pose machine for the terminal, as CSV and for LaTeX: its stages beside each other."""

from typing import TYPE_CHECKING

from maquette.evaluate.pose_machine_report import StagedReport
from maquette.evaluate.report import Row
from maquette.evaluate.tables import HEADS, as_csv, as_latex, described

if TYPE_CHECKING:
    from rich.table import Table

STAGE_TITLES = {"coarse": "coarse", "corrected": "corr.", "refined": "refined"}
"""Narrow, for the heads of columns."""


def described_stages(report: StagedReport) -> list[str]:
    """What was evaluated, how, on what: the lines above the table."""
    first = report.stages[0].report
    head, *rest = described(first)
    lines = [head.removesuffix(f" ({report.stages[0].name})"), *rest]
    lines.append(f"truth: {report.truth}")
    if report.published_truncation:
        dropped = sum(row.dropped for row in first.of("action"))
        lines.append(f"frames as the published programs count them: {dropped} dropped that do not fill a batch")
    lines += [f"{stage.name}: {stage.about}" for stage in report.stages]
    if report.refinement:
        lines.append(f"refinement: {report.refinement}")
    return lines


def stage_table(report: StagedReport, *, by_subject: bool = False) -> "Table":
    """For the terminal: a line for each action, then the average; each metric for each stage."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    first = report.stages[0].report
    out = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True, header_style="bold")
    out.add_column("", no_wrap=True)
    out.add_column("\n\n\nframes", justify="right", no_wrap=True)
    columns = []
    for metric in first.average.metrics:
        known = [s for s in report.stages if s.report.average.metrics[metric] is not None]
        for stage in known:
            style = "bold" if metric == first.protocol.headline else ""
            head = f"{HEADS[metric]}\n{STAGE_TITLES[stage.name]}"
            out.add_column(head, justify="right", style=style, no_wrap=True)
            columns.append((stage.report, metric))
    groups = ["action", *(["subject and action"] if by_subject else []), "all frames", "average"]
    for group in groups:
        for i, row in enumerate(first.of(group)):
            cells = [_cell(report_.of(group)[i], metric) for report_, metric in columns]
            title = "average" if group == "average" else row.title
            out.add_row(title, str(row.frames), *cells, style="bold" if group == "average" else "")
        if group != groups[-1] and group != "all frames":
            out.add_section()
    return out


def stages_as_csv(report: StagedReport) -> str:
    """All lines of every stage with full precision; the stage stands behind the model's name."""
    texts = [as_csv(stage.report) for stage in report.stages]
    return texts[0] + "".join(text.split("\n", 1)[1] for text in texts[1:])


def stages_as_latex(report: StagedReport) -> str:
    """A row of a paper's table for each stage, under one set of comments."""
    rows = [as_latex(stage.report).rstrip("\n").split("\n") for stage in report.stages]
    comments = [f"% {line}" for line in described_stages(report)]
    heads = [line for line in rows[0][:-1] if line.startswith("%")][-2:]
    return "\n".join([*comments, *heads, *(lines[-1] for lines in rows), ""])


def _cell(row: Row, metric: str) -> str:
    value = row.metrics[metric]
    return "–" if value is None else f"{value:.1f}"

"""A report as a table on the terminal, as CSV and as a row of a LaTeX table."""

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from maquette.evaluate.protocols import METRIC_TITLES
from maquette.evaluate.report import Report, Row

if TYPE_CHECKING:
    from rich.table import Table

TITLES: dict[str, tuple[str, str]] = {str(metric): title for metric, title in METRIC_TITLES.items()}
_SHORT = {
    "Directions": "Dir.",
    "Discussion": "Disc.",
    "Eating": "Eat",
    "Greeting": "Greet",
    "Phoning": "Phone",
    "Posing": "Pose",
    "Purchases": "Purch.",
    "Sitting": "Sit",
    "SittingDown": "SitD.",
    "Smoking": "Smoke",
    "Waiting": "Wait",
    "WalkDog": "WalkD.",
    "Walking": "Walk",
    "WalkTogether": "WalkT.",
}
"""As tables of papers write Human3.6M's actions."""


HEADS = {
    "mpjpe": "\nMPJPE\nmm",
    "pa_mpjpe": "PA-\nMPJPE\nmm",
    "n_mpjpe": "N-\nMPJPE\nmm",
    "mpjve": "MPJVE\nmm/\nframe",
    "acceleration": "Accel.\nmm/\nframe²",
    "pck150": "PCK\n@150\n%",
    "auc": "\nAUC\n%",
    "pcp": "PCP\n@0.5\n%",
}
"""Narrow, for terminals of 80 characters."""
_DECIMALS = {"mpjve": 2, "acceleration": 2}


def described(report: Report) -> list[str]:
    """What was evaluated, how, on what: the lines above the table."""
    model, data, protocol = report.model, report.data, report.protocol
    flip = {True: ", averaged with the mirrored input", False: ", without the mirrored input", None: ""}[model.flip]
    source = f", 2D from '{data.source}'" if data.source else ""
    return [
        f"{model.name}{flip}",
        f"on {data.name}{source}, subjects {', '.join(data.subjects) or 'not said'}",
        f"protocol {protocol.name} ({len(protocol.joints)} joints, {report.average.frames} frames): {protocol.about}",
        *(f"note: {note}" for note in data.notes),
    ]


def table(report: Report, *, by_subject: bool = False) -> "Table":
    """For the terminal: a line for each action (by subject as well where asked for), then the averages."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    metrics = list(report.average.metrics)
    out = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True, header_style="bold")
    out.add_column("", no_wrap=True)
    out.add_column("\n\nframes", justify="right", no_wrap=True)
    for metric in metrics:
        style = "bold" if metric == report.protocol.headline else ""
        out.add_column(HEADS[metric], justify="right", style=style, no_wrap=True)
    parts = _parts(report, by_subject)
    for i, rows in enumerate(parts):
        for row in rows:
            style = "bold" if row.group == "average" else ""
            title = "average" if row.group == "average" else row.title
            out.add_row(
                title, str(row.frames), *(_number(row.metrics[m], _DECIMALS.get(m, 1)) for m in metrics), style=style
            )
        if i < len(parts) - 1:
            out.add_section()
    return out


def _parts(report: Report, by_subject: bool) -> list[list[Row]]:
    actions, subjects = report.of("action"), report.of("subject")
    cells = report.of("subject and action")
    if report.protocol.average == "subjects and actions" or by_subject:
        names = list(dict.fromkeys(row.subject for row in cells))
        first = [[row for row in cells if row.subject == name] for name in names]
    else:
        first = []
    if report.protocol.average != "subjects and actions":
        first.append(actions)
    whole = [*report.of("average")]
    # Where the average is that of all frames the line stands there already.
    if report.protocol.average != "frames":
        whole.insert(0, report.of("all frames")[0])
    return [*first, subjects if len(subjects) > 1 else [], whole] if len(subjects) > 1 else [*first, whole]


def joint_table(report: Report) -> "Table":
    """The error of each joint, over all frames."""
    from rich.table import Table

    out = Table(header_style="bold")
    out.add_column("joint")
    for name in ("MPJPE\nmm", "PA-MPJPE\nmm"):
        out.add_column(name, justify="right")
    for row in report.joints:
        out.add_row(row.name, _number(row.mpjpe), _number(row.pa_mpjpe))
    return out


def limb_table(report: Report) -> "Table":
    """PCP of each kind of limb, over all frames; their average is the table's."""
    from rich.table import Table

    out = Table(header_style="bold")
    out.add_column("limbs")
    for name in ("counted", "PCP@0.5\n%"):
        out.add_column(name, justify="right")
    for row in report.limbs:
        out.add_row(row.name, str(row.limbs), _number(row.pcp, 1))
    return out


def _number(value: float | None, decimals: int = 2) -> str:
    return "–" if value is None else f"{value:.{decimals}f}"


def as_csv(report: Report) -> str:
    """All lines of the report with full precision, then its joints and limbs; the protocol stands in every line."""
    metrics = list(report.average.metrics)
    out = io.StringIO()
    head = ["model", "data", "source", "protocol", "group", "name", "frames", "left_out", "dropped"]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*head, *(f"{m}_{_unit(m)}" for m in metrics)])
    start = [report.model.name, report.data.name, report.data.source, report.protocol.name]
    for row in report.rows:
        values = ["" if row.metrics[m] is None else repr(row.metrics[m]) for m in metrics]
        writer.writerow([*start, row.group, row.title, row.frames, row.left_out, row.dropped, *values])
    whole = report.of("all frames")[0]
    counts = [whole.frames, whole.left_out, whole.dropped]
    for joint in report.joints:
        known = {"mpjpe": joint.mpjpe, "pa_mpjpe": joint.pa_mpjpe}
        values = [repr(known[m]) if m in known else "" for m in metrics]
        writer.writerow([*start, "joint", joint.name, *counts, *values])
    for limb in report.limbs:
        values = [repr(limb.pcp) if m == "pcp" else "" for m in metrics]
        writer.writerow([*start, "limb", limb.name, *counts, *values])
    return out.getvalue()


def _unit(metric: str) -> str:
    return {"%": "percent", "mm": "mm", "mm/frame": "mm_per_frame", "mm/frame²": "mm_per_frame2"}[TITLES[metric][1]]


def as_latex(report: Report) -> str:
    """The row of a paper's table: one decimal of the headline for each action, then the average.

    The heads of the columns, and what the numbers are, stand above it as comments.
    """
    protocol = report.protocol
    rows = report.of("action")
    if protocol.average == "subjects and actions":
        rows = report.of("subject and action")
    name, unit = TITLES[protocol.headline]
    heads = [_short(row) for row in rows]
    values = [_cell(row.metrics[protocol.headline]) for row in [*rows, report.average]]
    comments = [f"% {line}" for line in described(report)]
    columns = " & ".join(escaped(text) for text in ["", *heads, "Avg."])
    return "\n".join(
        [
            *comments,
            f"% {name} in {unit}, average over {protocol.average}",
            f"% {columns} \\\\",
            f"{escaped(report.model.name)} & {' & '.join(values)} \\\\",
            "",
        ]
    )


def _short(row: Row) -> str:
    action = _SHORT.get(row.action or "", row.action or "")
    return f"{row.subject} {action}" if row.subject else action


def _cell(value: float | None) -> str:
    return "--" if value is None else f"{value:.1f}"


_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"} | {
    c: "\\" + c for c in "&%$#_{}"
}


def escaped(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)


def differences(
    rows: Sequence[tuple[str, int, float | None, float | None]], names: tuple[str, str], metric: str
) -> "Table":
    """For the terminal: two reports beside each other."""
    from rich.table import Table

    title, unit = TITLES[metric]
    out = Table(header_style="bold", title=f"{title}, {unit}", title_justify="left")
    out.add_column("", no_wrap=True)
    out.add_column("frames", justify="right")
    for name in (*names, "difference"):
        out.add_column(name, justify="right")
    for name, frames, new, old in rows:
        difference = "–" if new is None or old is None else f"{new - old:+.2f}"
        out.add_row(name, str(frames), _number(new), _number(old), difference)
    return out

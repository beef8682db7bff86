"""What an evaluation in the picture found: PCKh of each joint, as a document with a schema and as tables."""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from maquette.atomic import write_bytes
from maquette.errors import InputError
from maquette.evaluate.pckh import CURVE, PARTS, THRESHOLD, PckhScores
from maquette.evaluate.report import DataFacts, ModelFacts
from maquette.evaluate.tables import escaped
from maquette.skeletons import MPII_16

if TYPE_CHECKING:
    from rich.table import Table

_KIND = "maquette evaluation in the picture"
SCHEMA = f"{_KIND} 1"


class PckhRow(msgspec.Struct, frozen=True, kw_only=True):
    """One joint, or one pair of joints."""

    name: str
    pckh: float | None
    """Percent; None where nobody has the joint."""
    counted: int
    """Joints."""


class PckhCurve(msgspec.Struct, frozen=True, kw_only=True):
    """The mean over its threshold."""

    thresholds: list[float]
    """In sizes of the head."""
    correct: list[float]
    """Percent."""


class PckhReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that such an evaluation found."""

    schema: str = SCHEMA
    model: ModelFacts
    data: DataFacts
    people: int
    threshold: float
    """In sizes of the head."""
    mean: float
    """Percent, of 14 joints: without pelvis and thorax."""
    parts: list[PckhRow]
    """Columns of published tables."""
    joints: list[PckhRow]
    curve: PckhCurve

    def write(self, path: str | Path) -> None:
        """As JSON.

        Raises:
            OutputError: it cannot be written.
        """
        write_bytes(path, msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")


def pckh_report(scores: PckhScores, people: int, model: ModelFacts, data: DataFacts) -> PckhReport:
    """Scores as a report."""
    index = MPII_16.index
    return PckhReport(
        model=model,
        data=data,
        people=people,
        threshold=THRESHOLD,
        mean=scores.mean,
        parts=[
            _row(part, scores.parts[part], sum(scores.counted[index(name)] for name in names))
            for part, names in PARTS.items()
        ],
        joints=[_row(name, scores.joints[i], scores.counted[i]) for i, name in enumerate(MPII_16.joints)],
        curve=PckhCurve(thresholds=[round(float(t), 3) for t in CURVE], correct=[float(c) for c in scores.curve]),
    )


def _row(name: str, value: float, counted: float) -> PckhRow:
    return PckhRow(name=name, pckh=float(value) if np.isfinite(value) else None, counted=int(counted))


def is_pckh_report(path: str | Path) -> bool:
    """Whether a file is such a report."""
    try:
        document = msgspec.json.decode(Path(path).read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return False
    return isinstance(document, dict) and str(document.get("schema", "")).startswith(_KIND)


def read_pckh_report(path: str | Path) -> PckhReport:
    """The report in a file that :meth:`PckhReport.write` made.

    Raises:
        InputError: the file cannot be read, is no such report, or is one of another version.
    """
    try:
        report = msgspec.json.decode(Path(path).read_bytes(), type=PckhReport)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); expected a report as JSON") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is no report of PCKh ({error}); evaluate again") from None
    if report.schema != SCHEMA:
        raise InputError(f"{path}: a report of schema '{report.schema}', this version reads '{SCHEMA}'; evaluate again")
    if [row.name for row in report.parts] != list(PARTS) or [row.name for row in report.joints] != list(MPII_16.joints):
        raise InputError(f"{path}: its lines are not those of PCKh; evaluate again")
    return report


def described_pckh(report: PckhReport) -> list[str]:
    """The lines above the table."""
    flip = {True: ", averaged with the mirrored picture", False: ", without the mirrored picture", None: ""}
    return [
        f"{report.model.name}{flip[report.model.flip]}",
        f"on {report.data.name}, {report.people} people",
        f"PCKh@{report.threshold:g}: joints within {report.threshold:g} sizes of the head; the mean is of 14 joints, "
        "without pelvis and thorax",
        *(f"note: {note}" for note in report.data.notes),
    ]


def pckh_table(report: PckhReport, against: PckhReport | None = None, *, by_joint: bool = False) -> "Table":
    """For the terminal: the parts (or every joint), and the mean; those of another report beside them."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    out = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    out.add_column("", no_wrap=True)
    out.add_column("joints", justify="right")
    for name in ["PCKh, %"] if against is None else ["this, %", "that, %", "difference"]:
        out.add_column(name, justify="right")

    def line(name: str, counted: str, mine: float | None, theirs: float | None, style: str = "") -> None:
        cells = [_number(mine)]
        if against is not None:
            cells += [_number(theirs), "–" if mine is None or theirs is None else f"{mine - theirs:+.2f}"]
        out.add_row(name, counted, *cells, style=style)

    rows = report.joints if by_joint else report.parts
    others = rows if against is None else against.joints if by_joint else against.parts
    for row, other in zip(rows, others, strict=True):
        line(row.name.replace("_", " "), str(row.counted), row.pckh, other.pckh)
    out.add_section()
    line("mean", "", report.mean, None if against is None else against.mean, "bold")
    return out


def check_comparable(report: PckhReport, against: PckhReport) -> None:
    """Whether two reports are of the same joints.

    Raises:
        InputError: they are not, in everything that differs.
    """
    problems = [
        f"{what}: {mine} and {theirs}"
        for what, mine, theirs in (
            ("data", report.data.name, against.data.name),
            ("people", report.people, against.people),
            ("threshold", report.threshold, against.threshold),
            ("joints", [r.counted for r in report.joints], [r.counted for r in against.joints]),
        )
        if mine != theirs
    ]
    if problems:
        raise InputError.from_problems(
            f"{report.model.name} and {against.model.name} cannot be compared (evaluate both the same way)", problems
        )


def pckh_as_csv(report: PckhReport) -> str:
    """All numbers with full precision."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["model", "data", "group", "name", "joints", "pckh_percent"])
    start = [report.model.name, report.data.name]
    for group, rows in (("part", report.parts), ("joint", report.joints)):
        for row in rows:
            writer.writerow([*start, group, row.name, row.counted, "" if row.pckh is None else repr(row.pckh)])
    writer.writerow([*start, "average", "average", "", repr(report.mean)])
    return out.getvalue()


def pckh_as_latex(report: PckhReport) -> str:
    """The row of a paper's table, under comments that say what it is."""
    comments = [f"% {line}" for line in described_pckh(report)]
    heads = " & ".join(["", *(row.name for row in report.parts), "mean"])
    values = " & ".join("--" if v is None else f"{v:.1f}" for v in (*(row.pckh for row in report.parts), report.mean))
    return "\n".join([*comments, f"% {heads} \\\\", f"{escaped(report.model.name)} & {values} \\\\", ""])


def draw_pckh(report: PckhReport, path: str | Path) -> None:
    """The figure: each part, and the mean over the threshold (extra: plot).

    Raises:
        OutputError: it cannot be written.
    """
    from matplotlib.figure import Figure

    from maquette.atomic import atomic_path
    from maquette.evaluate.figure import COLOURS, INK, dress

    figure = Figure(figsize=(12, 4.2), layout="constrained", facecolor="white")
    parts, curve = figure.subplots(1, 2, width_ratios=(1.55, 1))
    known = [row for row in report.parts if row.pckh is not None]
    bars = parts.bar([row.name for row in known], [row.pckh or 0.0 for row in known], 0.7, color=COLOURS[0])
    parts.bar_label(bars, fmt="%.1f", fontsize=8.5, color="white", label_type="center")
    parts.axhline(report.mean, color=COLOURS[1], linewidth=1.4, label=f"mean of 14 joints {report.mean:.1f} %")
    parts.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0, 1.0))
    dress(parts, f"PCKh@{report.threshold:g}, %")
    curve.plot(report.curve.thresholds, report.curve.correct, color=COLOURS[0], linewidth=2)
    curve.set_xlim(0, report.curve.thresholds[-1])
    curve.set_ylim(0, 101)
    curve.set_xlabel("threshold, sizes of the head", fontsize=9, color=INK)
    dress(curve, "mean, %")
    figure.suptitle(
        f"{report.model.name} on {report.data.name}: PCKh@{report.threshold:g} {report.mean:.1f} %, {report.people:,} "
        "people",
        color=INK,
        fontsize=12,
    )
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=130)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"

"""What an evaluation found: a document with a schema, whose numbers all say what they are."""

from pathlib import Path
from typing import get_args

import msgspec

from maquette.atomic import write_bytes
from maquette.errors import InputError
from maquette.evaluate.protocols import H36M_ACTIONS, Metric

SCHEMA = "maquette evaluation 1"


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The model that was evaluated."""

    name: str
    sha256: str = ""
    file: str = ""
    training_data: str = ""
    flip: bool | None = None
    """Whether predictions were averaged with those for the mirrored input."""


class DataFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What it was evaluated on."""

    name: str
    skeleton: str = ""
    source: str = ""
    """The 2D that went in."""
    subjects: list[str] = []
    actions: list[str] = []
    """Kinds of actions."""
    notes: list[str] = []


class ProtocolFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the numbers mean."""

    name: str
    about: str
    joints: list[str]
    """Compared, by name."""
    root: str
    average: str
    headline: str
    batch: int
    velocity_weight: str
    pck_joints: list[str] = []
    """Those that PCK and AUC are of; empty: all that are compared."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table."""

    group: str
    """``action``, ``subject`` (the protocol's average over what is of one), ``subject and action``, ``all frames``
    (every frame alike) or ``average`` (as the protocol says)."""
    subject: str | None
    action: str | None
    frames: int
    """Frames counted."""
    sequences: int
    left_out: int
    """Frames without a true pose."""
    dropped: int
    """Frames that did not fill a batch."""
    metrics: dict[str, float | None]
    """Errors in mm (of MPJVE per frame, of the acceleration per frame squared), PCK, AUC and PCP in percent."""

    @property
    def title(self) -> str:
        """What the line is of."""
        return " ".join(part for part in (self.subject, self.action) if part) or self.group


class JointRow(msgspec.Struct, frozen=True, kw_only=True):
    """One joint, over all frames: mm."""

    name: str
    mpjpe: float
    pa_mpjpe: float


class LimbRow(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of limb, over all frames."""

    name: str
    pcp: float
    """Percent."""
    limbs: int
    """Counted."""


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """PCK over its threshold, over all frames."""

    thresholds_mm: list[float]
    correct: list[float]
    """Percent."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that an evaluation found."""

    schema: str
    model: ModelFacts
    data: DataFacts
    protocol: ProtocolFacts
    rows: list[Row]
    joints: list[JointRow]
    limbs: list[LimbRow]
    pck_curve: Curve

    def of(self, group: str) -> list[Row]:
        """Lines of a group; Human3.6M's actions in the order of the published tables."""
        rows = [row for row in self.rows if row.group == group]
        order = {name: i for i, name in enumerate(H36M_ACTIONS)}
        subjects = list(dict.fromkeys(row.subject for row in rows))
        if all(row.action in order for row in rows):
            rows.sort(key=lambda row: (subjects.index(row.subject), order[row.action or ""]))
        return rows

    @property
    def average(self) -> Row:
        """The line whose number a paper would quote."""
        return self.of("average")[0]

    @property
    def headline(self) -> float | None:
        """That number."""
        return self.average.metrics[self.protocol.headline]

    def write(self, path: str | Path) -> None:
        """As JSON.

        Raises:
            OutputError: it cannot be written.
        """
        write_bytes(path, msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")


def read_report(path: str | Path) -> Report:
    """The report in a file that :meth:`Report.write` made.

    Raises:
        InputError: the file cannot be read, is no report, or is one of another version.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); expected a report as JSON") from None
    try:
        report = msgspec.json.decode(data, type=Report)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is no report of `maquette evaluate --json` ({error})") from None
    if report.schema != SCHEMA:
        raise InputError(f"{path}: a report of schema '{report.schema}', this version reads '{SCHEMA}'; evaluate again")
    problems = contradictions(report)
    if problems:
        raise InputError.from_problems(f"{path} (evaluate again)", problems)
    return report


def contradictions(report: Report) -> list[str]:
    """What a report that somebody has edited can lack."""
    problems = [f"the report has no line '{group}'" for group in ("all frames", "average") if not report.of(group)]
    if problems:
        return problems
    metrics = list(report.average.metrics)
    unknown = [name for name in metrics if name not in get_args(Metric)]
    if unknown:
        problems.append(f"metrics {', '.join(unknown)}; known are {', '.join(get_args(Metric))}")
    if report.protocol.headline not in metrics:
        problems.append(f"its headline '{report.protocol.headline}' is none of its metrics: {', '.join(metrics)}")
    problems += [f"line '{row.title}' has other metrics" for row in report.rows if list(row.metrics) != metrics]
    # Where somebody else has measured whole poses nothing is known of the joints.
    if report.joints and [joint.name for joint in report.joints] != report.protocol.joints:
        problems.append("its joints are not those of its protocol")
    return problems

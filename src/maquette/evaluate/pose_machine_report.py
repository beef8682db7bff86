"""What an evaluation of the 3D pose machine found: one report for each of its stages, and what they share."""

from pathlib import Path

import msgspec

from maquette.atomic import write_bytes
from maquette.errors import InputError
from maquette.evaluate.comparison import Difference, compare
from maquette.evaluate.report import Report, contradictions

SCHEMA = "maquette evaluation in stages 1"
STAGES = {
    "coarse": "as the network gives it",
    "corrected": "behind the correction layers as they were trained",
    "refined": "behind the correction layers after they were tuned to the 2D of the frame",
}
"""In their order."""


class RefinementFacts(msgspec.Struct, frozen=True, kw_only=True):
    """How the third column was made."""

    correction: str
    """Name of the weights."""
    sha256: str = ""
    source: str
    """The 2D that it explains."""
    updates: int
    """Of each frame."""
    learning_rate: float
    optimiser_state: str
    """``reset`` for each frame, or ``carry`` over frames as published."""
    batch_norm_scale: bool
    """Whether the factor of the untrained batch normalisations is there, as published."""

    def __str__(self) -> str:
        times = "update" if self.updates == 1 else "updates"
        norm = ", batch normalisations of the published graph" if self.batch_norm_scale else ""
        return (
            f"{self.updates} {times} of {self.correction} to the 2D '{self.source}', learning rate "
            f"{self.learning_rate:g}, optimiser {self.optimiser_state}{norm}"
        )


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One column."""

    name: str
    about: str
    report: Report


class StagedReport(msgspec.Struct, frozen=True, kw_only=True):
    """All columns."""

    schema: str = SCHEMA
    truth: str
    """Which ground truth."""
    published_truncation: bool
    """Whether frames were dropped as the published programs do."""
    stages: list[Stage]
    refinement: RefinementFacts | None = None
    """None: there is no third column, or it was read from files."""

    def write(self, path: str | Path) -> None:
        """As JSON.

        Raises:
            OutputError: it cannot be written.
        """
        write_bytes(path, msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")


def is_staged(path: str | Path) -> bool:
    """Whether a file is a report in stages (and not one of a lifter)."""
    try:
        document = msgspec.json.decode(Path(path).read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return False
    return isinstance(document, dict) and str(document.get("schema", "")).startswith("maquette evaluation in stages")


def read_staged(path: str | Path) -> StagedReport:
    """The report in a file that :meth:`StagedReport.write` made.

    Raises:
        InputError: the file cannot be read, is no such report, or is one of another version.
    """
    try:
        report = msgspec.json.decode(Path(path).read_bytes(), type=StagedReport)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); expected a report as JSON") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is no report of the stages of a pose machine ({error}); evaluate again") from None
    if report.schema != SCHEMA:
        raise InputError(f"{path}: a report of schema '{report.schema}', this version reads '{SCHEMA}'; evaluate again")
    names = [stage.name for stage in report.stages]
    problems = [f"{stage.name}: {text}" for stage in report.stages for text in contradictions(stage.report)]
    if not names or len(set(names)) < len(names) or set(names) - STAGES.keys():
        problems.append(f"its stages are {', '.join(names) or 'none'}, expected some of {', '.join(STAGES)}")
    if not problems:
        problems = _uneven(report)
    if problems:
        raise InputError.from_problems(f"{path} (evaluate again)", problems)
    return report


def _uneven(report: StagedReport) -> list[str]:
    """Stages that are not columns of one table."""

    def lines(found: Report) -> list[tuple]:
        return [(row.group, row.subject, row.action, row.frames, *row.metrics) for row in found.rows]

    first = report.stages[0]
    return [
        f"{stage.name}: its lines or its protocol are not those of {first.name}"
        for stage in report.stages[1:]
        if lines(stage.report) != lines(first.report) or stage.report.protocol != first.report.protocol
    ]


def compare_staged(report: StagedReport, against: StagedReport) -> dict[str, list[Difference]]:
    """Stage -> every number of both, for the stages that both have.

    Raises:
        InputError: they are errors on different truths, of different frames, or share no stage.
    """
    problems = []
    if report.truth != against.truth:
        problems.append(f"the truth: {report.truth} and {against.truth}")
    if report.published_truncation != against.published_truncation:
        words = {True: "as published", False: "none"}
        said = " and ".join(words[r.published_truncation] for r in (report, against))
        problems.append(f"truncation: {said}")
    theirs = {stage.name: stage.report for stage in against.stages}
    pairs = {s.name: (s.report, theirs[s.name]) for s in report.stages if s.name in theirs}
    if not pairs:
        problems.append(f"no stage in common: {_names(report)} and {_names(against)}")
    if problems:
        raise InputError.from_problems("the two reports cannot be compared (evaluate both the same way)", problems)
    return {name: compare(mine, other) for name, (mine, other) in pairs.items()}


def staged_remarks(report: StagedReport, against: StagedReport) -> list[str]:
    """What was done differently although the numbers mean the same."""
    notes = []
    sources = [r.stages[0].report.data.source for r in (report, against)]
    if sources[0] != sources[1]:
        notes.append(f"the 2D that went in differs: {' against '.join(repr(name) for name in sources)}")
    made = [r.refinement for r in (report, against)]
    if None not in made and made[0] != made[1]:
        notes.append(f"refined differently: {made[0]}; against: {made[1]}")
    return notes


def _names(report: StagedReport) -> str:
    return ", ".join(stage.name for stage in report.stages)

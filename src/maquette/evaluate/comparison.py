"""Two reports beside each other, if their numbers mean the same."""

from dataclasses import dataclass

from maquette.errors import InputError
from maquette.evaluate.report import Report, Row


@dataclass(frozen=True)
class Difference:
    """One number of both reports."""

    group: str
    name: str
    frames: int
    metric: str
    value: float | None
    against: float | None

    @property
    def change(self) -> float | None:
        """``value`` minus ``against``; None where one of them is not there."""
        return None if self.value is None or self.against is None else self.value - self.against


def compare(report: Report, against: Report) -> list[Difference]:
    """Every number of every line (subjects, actions, joints, limbs, averages) of both.

    Raises:
        InputError: they were made under different protocols, joints or data, or counted other frames; all of it.
    """
    problems = _unlike(report, against)
    if problems:
        raise InputError.from_problems(
            f"{report.model.name} and {against.model.name} cannot be compared (evaluate both the same way)", problems
        )
    other = {_key(row): row for row in against.rows}
    found = [
        Difference(row.group, row.title, row.frames, metric, value, other[_key(row)].metrics[metric])
        for group in dict.fromkeys(row.group for row in report.rows)
        for row in report.of(group)
        for metric, value in row.metrics.items()
    ]
    frames = report.of("all frames")[0].frames
    both = report.joints and against.joints
    for mine, theirs in zip(report.joints, against.joints, strict=True) if both else ():
        for metric in ("mpjpe", "pa_mpjpe"):
            values = (getattr(mine, metric), getattr(theirs, metric))
            found.append(Difference("joint", mine.name, frames, metric, *values))
    limbs = {limb.name: limb.pcp for limb in against.limbs}
    found += [Difference("limb", m.name, frames, "pcp", m.pcp, limbs.get(m.name)) for m in report.limbs]
    return found


def remarks(report: Report, against: Report) -> list[str]:
    """What was given to the two models differently although the numbers mean the same."""
    notes = []
    if report.data.source != against.data.source:
        notes.append(f"the 2D differs: '{report.data.source}' against '{against.data.source}'")
    if report.model.flip != against.model.flip:
        words = {True: "averaged with the mirrored input", False: "not averaged", None: "not said"}
        notes.append(f"predictions: {words[report.model.flip]} against {words[against.model.flip]}")
    return notes


def _key(row: Row) -> tuple[str, str | None, str | None]:
    return row.group, row.subject, row.action


def _unlike(report: Report, against: Report) -> list[str]:
    problems = []
    for name in ("name", "joints", "root", "average", "batch", "velocity_weight", "pck_joints"):
        mine, theirs = getattr(report.protocol, name), getattr(against.protocol, name)
        if mine != theirs:
            what = "protocol" if name == "name" else f"protocol's {name}"
            problems.append(f"{what}: {_said(mine)} and {_said(theirs)}")
    for name in ("name", "skeleton"):
        mine, theirs = getattr(report.data, name), getattr(against.data, name)
        if mine != theirs:
            problems.append(f"data's {name}: {_said(mine)} and {_said(theirs)}")
    if list(report.average.metrics) != list(against.average.metrics):
        problems.append(f"metrics: {_said(list(report.average.metrics))} and {_said(list(against.average.metrics))}")
    mine, theirs = ({_key(row): row for row in r.rows} for r in (report, against))
    for key in [*mine, *(key for key in theirs if key not in mine)]:
        row = mine.get(key) or theirs[key]
        counts = [rows[key].frames if key in rows else None for rows in (mine, theirs)]
        if counts[0] != counts[1] and row.group in ("subject and action", "average"):
            said = " and ".join("none" if count is None else str(count) for count in counts)
            problems.append(f"frames of {row.title}: {said}")
    return problems


def _said(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else repr(value)

"""Which means and deviations an imported network of Martinez et al. was trained with."""

from dataclasses import dataclass
from pathlib import Path

from maquette.datasets.pose_statistics import PoseStatistics, published_statistics, statistics_from_file
from maquette.datasets.standard_scores import statistics_of_store
from maquette.datasets.store import open_store
from maquette.errors import InputError
from maquette.skeleton import Skeleton
from maquette.skeletons import H36M_32, MPII_16

POINTS: dict[str, tuple[str, Skeleton]] = {
    "gt": ("exact 2D points", H36M_32),
    "sh": ("Stacked Hourglass", MPII_16),
    "sh_ft": ("fine-tuned Stacked Hourglass", MPII_16),
}
"""2D points that networks were trained on -> what they are, their joints."""
PUBLISHED = {"published-gt": "gt", "published-sh": "sh"}
TRAIN_SUBJECTS = ("S1", "S5", "S6", "S7", "S8")


@dataclass(frozen=True, eq=False)
class ChosenStatistics:
    """The statistics, and the 2D points they belong to."""

    statistics: PoseStatistics
    source: str
    """Key of :data:`POINTS`."""
    notes: tuple[str, ...]

    @property
    def points(self) -> Skeleton:
        """Joints of the 2D points."""
        return POINTS[self.source][1]

    @property
    def about_points(self) -> str:
        """The 2D points in words."""
        return POINTS[self.source][0]


def choose_statistics(
    which: str | None, source: str | None, said: str | None, *, camera_frame: bool = True
) -> ChosenStatistics:
    """The statistics that the user asks for, or those published for the 2D points the network was trained on.

    Args:
        which: ``published-gt``, ``published-sh``, a file or a store; None: published.
        source: 2D points, as the user says.
        said: 2D points, as the checkpoint's folder says.
        camera_frame: the network was trained in the camera's frame.

    Raises:
        InputError: the 2D points are not known, or statistics of others were asked for.
    """
    if which is not None and which not in PUBLISHED and not Path(which).exists():
        raise _unknown(which)
    known = {PUBLISHED.get(which or ""), source, said} - {None}
    if not known <= POINTS.keys():
        raise InputError(f"--source {source}: no such 2D points; expected {', '.join(POINTS)}")
    # The published program takes fine-tuned detections for its own by the name of a folder, so "sh" may be either.
    if source and said and source != said and (source, said) != ("sh_ft", "sh"):
        raise InputError(
            f"--source {source}, but the folder's name says {said}; leave --source away or rename the folder"
        )
    points = source or said or PUBLISHED.get(which or "")
    if points is None:
        raise InputError(
            "nothing says which 2D points this network was trained on, and statistics of others would give wrong "
            f"poses; choose --source ({', '.join(POINTS)}) or --statistics (published-gt, published-sh)"
        )
    which = which or f"published-{points}"
    if which in PUBLISHED and PUBLISHED[which] != points:
        raise InputError(
            f"--statistics {which}: the network was trained on {POINTS[points][0]} ('{points}'), whose statistics "
            "differ" + ("" if f"published-{points}" in PUBLISHED else "; give a file, or a store with such points")
        )
    origin = "as --source says" if source else "as the folder's name says" if said else "as the statistics are of those"
    notes = [f"trained on {POINTS[points][0]} ('{points}'), {origin}"]
    statistics = _read(which, points, camera_frame)
    notes.append(f"statistics: {statistics.source}")
    return ChosenStatistics(statistics, points, tuple(notes))


def _read(which: str, points: str, camera_frame: bool) -> PoseStatistics:
    if which in PUBLISHED:
        return published_statistics(PUBLISHED[which], camera_frame=camera_frame)
    path = Path(which)
    if path.is_dir():
        store = open_store(path)
        return statistics_of_store(store, source=points, subjects=TRAIN_SUBJECTS, camera_frame=camera_frame)
    if path.is_file():
        return statistics_from_file(path)
    raise _unknown(which)


def _unknown(which: str) -> InputError:
    if which.startswith("published"):
        return InputError(
            f"no published statistics '{which}'; there are {', '.join(PUBLISHED)}; those of other points come from a "
            "file or a store (--statistics)"
        )
    return InputError(f"--statistics {which}: no such file or store; expected one, or {', '.join(PUBLISHED)}")

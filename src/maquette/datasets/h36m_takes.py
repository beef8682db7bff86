"""Which files a tree of Human3.6M has, and which it lacks: all of those at once.

A take is one recording of one subject: ``Sitting 1``. The numbers in the names are irregular (none, 1, 2, 3); what is
certain is that everybody did each action twice and that four cameras looked on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from maquette.datasets.h36m_facts import ACTIONS, CAMERAS, DAMAGED_VIDEO, RENAMED_ACTIONS, SUBJECTS
from maquette.errors import InputError

HOURGLASS_FOLDERS = {"sh": "StackedHourglass", "sh_ft": "StackedHourglassFineTuned240"}
"""2D source -> its folder in Martinez' tree: as published for MPII, and fine-tuned on Human3.6M."""


@dataclass(frozen=True)
class TreeLayout:
    """Where a layout keeps its 3D files."""

    folder: str
    suffixes: tuple[str, ...]
    camera_file: str


TREE_LAYOUTS = {
    "martinez": TreeLayout("MyPoses/3D_positions", (".h5",), "cameras.h5"),
    "release": TreeLayout("MyPoseFeatures/D3_Positions", (".cdf", ".cdf.mat"), "metadata.xml"),
}


@dataclass(frozen=True)
class Take:
    """The files of one recording."""

    subject: str
    action: str
    positions: Path
    hourglass: dict[str, dict[str, Path]] = field(default_factory=dict)
    """2D source -> camera -> file."""

    @property
    def kind(self) -> str:
        """The action without the number of the take."""
        return self.action.split(" ")[0]


@dataclass(frozen=True)
class TakeList:
    """What was found, in the published order of subjects and actions, and what should be known about it."""

    takes: tuple[Take, ...]
    sources: tuple[str, ...]
    """Stacked Hourglass sources that are there."""
    notes: tuple[str, ...]


def canonical_action(name: str) -> str:
    """The name of a take as everybody's files but S1's have it; underscores become spaces."""
    kind, _, number = name.replace("_", " ").partition(" ")
    return f"{RENAMED_ACTIONS.get(kind, kind)} {number}".rstrip()


def find_takes(root: Path, layout: TreeLayout, subjects: Sequence[str], *, need_cameras: bool = True) -> TakeList:
    """The takes of ``subjects`` in the tree at ``root``; with ``need_cameras`` its camera file must be there as well.

    Raises:
        InputError: files are missing; names all of them.
    """
    problems: list[str] = []
    notes: list[str] = []
    if need_cameras and not (root / layout.camera_file).is_file():
        problems.append(f"{layout.camera_file} is missing (or take the published table: --published-cameras)")
    found = {subject: _positions_of(root, subject, layout, problems, notes) for subject in subjects}
    empty = [subject for subject, files in found.items() if not files]
    for subject in empty:
        files = " or ".join(f"*{suffix}" for suffix in layout.suffixes)
        problems.append(f"{subject}/{layout.folder}: no {files} files")
    if empty and len(empty) < len(subjects):
        there = " ".join(s for s in subjects if s not in empty)
        problems[-1] += f" (to prepare only the subjects that are there: --subjects {there})"
    sources = tuple(
        name
        for name, folder in HOURGLASS_FOLDERS.items()
        if any((root / subject / folder).is_dir() for subject in subjects)
    )
    hourglass = {
        (subject, source): _hourglass_of(root / subject / HOURGLASS_FOLDERS[source])
        for subject in subjects
        for source in sources
    }
    promised = {s: {a for q in sources for a, _ in hourglass[s, q]} for s in subjects}
    problems += _incomplete_actions(found, promised, layout)
    takes = []
    for subject, files in found.items():
        for action in sorted(files, key=_published_order):
            images = {q: _of_action(hourglass[subject, q], action) for q in sources}
            problems += _missing_views(subject, files[action].stem, action, images)
            takes.append(Take(subject, action, files[action], images))
    if problems:
        raise InputError.from_problems(f"{root}: the tree is incomplete", problems)
    notes += _known_gaps(takes)
    return TakeList(tuple(takes), sources, tuple(notes))


def absent_actions(kinds: Iterable[str]) -> list[str]:
    """A line on those of the 15 actions that are not among ``kinds``; none if all are."""
    there = set(kinds)
    absent = [action for action in ACTIONS if action not in there]
    return [f"absent: {len(absent)} of {len(ACTIONS)} actions, {', '.join(absent)}"] if absent else []


def chosen_subjects(wanted: Iterable[str]) -> tuple[str, ...]:
    """``("S1,S5", "S9")`` -> ("S1", "S5", "S9"), in the published order; all seven when nothing is given.

    Raises:
        InputError: a name that no subject with 3D has.
    """
    names = [name for text in wanted for name in text.replace(",", " ").split()]
    unknown = sorted(set(names) - set(SUBJECTS))
    if unknown:
        raise InputError(f"--subjects {' '.join(unknown)}: expected some of {' '.join(SUBJECTS)}")
    return tuple(name for name in SUBJECTS if name in names) or SUBJECTS


def _positions_of(
    root: Path, subject: str, layout: TreeLayout, problems: list[str], notes: list[str]
) -> dict[str, Path]:
    """Action -> file of the 3D positions."""
    found: dict[str, Path] = {}
    for path in _files(root / subject / layout.folder, layout.suffixes):
        name, suffix = path.name.partition(".")[::2]
        action = canonical_action(name)
        if suffix.endswith(".mat") and path.with_suffix("").is_file():
            continue  # made from the file beside it
        where = f"{subject}/{layout.folder}"
        if action.split(" ")[0] not in ACTIONS:
            notes.append(f"left out, as it is none of the 15 actions: {where}/{path.name}")
        elif action in found:
            problems.append(f"{where}: {found[action].name} and {path.name} are the same take; remove one")
        else:
            found[action] = path
    return found


def _files(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """Files of a folder, without those that macOS hides beside each one."""
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.name.endswith(tuple(suffixes)) and not p.name.startswith("."))


def _hourglass_of(folder: Path) -> dict[tuple[str, str], Path]:
    """(action, camera) -> file; the names end in ``.CAMERA.h5``."""
    found = {}
    for path in _files(folder, (".h5",)):
        name, _, camera = path.stem.rpartition(".")
        found[canonical_action(name), camera] = path
    return found


def _of_action(files: dict[tuple[str, str], Path], action: str) -> dict[str, Path]:
    return {camera: path for (name, camera), path in files.items() if name == action}


def _incomplete_actions(
    found: dict[str, dict[str, Path]], promised: dict[str, set[str]], layout: TreeLayout
) -> list[str]:
    """Takes without 3D: those that have 2D, and those that must be there since each action was done twice."""
    kinds = {action.split(" ")[0] for files in found.values() for action in files}
    lines = []
    for subject, files in found.items():
        if not files:
            continue
        where = f"{subject}/{layout.folder}"
        missing = sorted(action for action in promised[subject] - set(files) if action.split(" ")[0] in ACTIONS)
        lines += [f"{where}/{action}{layout.suffixes[0]} is missing (its 2D points are there)" for action in missing]
        for kind in (kind for kind in ACTIONS if kind in kinds):
            there = [files[a].name for a in sorted(files, key=_published_order) if a.split(" ")[0] == kind]
            count = len(there) + sum(action.split(" ")[0] == kind for action in missing)
            if count != 2:
                lines.append(f"{where}: {count} takes of {kind} ({', '.join(there) or 'no file'}), expected 2")
    return lines


def _missing_views(subject: str, stem: str, action: str, images: dict[str, dict[str, Path]]) -> list[str]:
    lines = []
    for source, cameras in images.items():
        absent = [c for c in CAMERAS if c not in cameras and (subject, action, c) != DAMAGED_VIDEO]
        if absent:
            name = stem.split(".")[0].replace(" ", "_")
            files = ", ".join(f"{name}.{camera}.h5" for camera in absent)
            lines.append(f"{subject}/{HOURGLASS_FOLDERS[source]}: missing {files}")
    return lines


def _known_gaps(takes: Iterable[Take]) -> list[str]:
    subject, action, camera = DAMAGED_VIDEO
    return [
        f"no points of '{source}' for {subject} {action}, camera {camera}: its video is damaged"
        for take in takes
        for source, cameras in take.hourglass.items()
        if (take.subject, take.action) == (subject, action) and camera not in cameras
    ]


def _published_order(action: str) -> tuple[int, str]:
    return ACTIONS.index(action.split(" ")[0]), action

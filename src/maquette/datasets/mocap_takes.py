"""Takes of motion capture, wherever they lie: a folder of motion files, or the arrays store of open motion capture."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Float

from maquette.datasets.mocap import first_frame
from maquette.datasets.rigs import on_h36m_17
from maquette.errors import InputError
from maquette.formats.npz import array_names, read_array
from maquette.motion import Motion
from maquette.readers.input_files import natural_key, read_bytes
from maquette.readers.motion import is_motion_file, read_motion
from maquette.skeletons import H36M_17

_CMU_NAME = re.compile(r"(\d{1,3})_\d{1,3}(?!\d)")
_NUMBERED = re.compile(r"(.*[^\d_ ])[_ ](\d+)")
_MOST_FILES = 100_000


@dataclass(frozen=True, eq=False)
class MocapTake:
    """One take, not read yet."""

    subject: str
    action: str
    """Its first word is the kind of action."""
    source: str
    """The file, or the array in it, for errors."""
    load: Callable[[], Motion]
    """The motion on h36m-17; raises InputError."""


def motion_files(folder: Path) -> list[Path]:
    """All motion files below a folder, in natural order, hidden ones left out.

    Raises:
        InputError: no folder, or none in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: is no folder; expected one with motion files (.amc with .asf, .bvh, .npz ...)")
    found: list[Path] = []
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and is_motion_file(path):
            found.append(path)
        if len(found) > _MOST_FILES:
            raise InputError(f"{folder}: more than {_MOST_FILES:,} motion files")
    if not found:
        raise InputError(f"{folder}: no motion file in it (.amc with .asf, .bvh, .npz .json .csv of maquette)")
    return sorted(found, key=lambda path: natural_key(str(path.relative_to(folder))))


def takes_of_folder(folder: Path) -> list[MocapTake]:
    """The motion files below a folder as takes.

    CMU's names say the subject (``02_01``); else it is the first folder on the way to the file, or that of all.
    """
    files = motion_files(folder)
    names = [name_of(path, folder) for path in files]
    groups: dict[tuple[str, str], list[str]] = {}
    for path, name in zip(files, names, strict=True):
        groups.setdefault(name, []).append(str(path.relative_to(folder)))
    problems = [f"{' '.join(name)}: {', '.join(paths)}" for name, paths in groups.items() if len(paths) > 1]
    if problems:
        raise InputError.from_problems(f"{folder}: several files are the same take; rename or remove some", problems)
    return [
        MocapTake(subject, action, str(path), lambda path=path: on_h36m_17(read_motion(path)))
        for path, (subject, action) in zip(files, names, strict=True)
    ]


def name_of(path: Path, folder: Path) -> tuple[str, str]:
    """(subject, action) of a file below a folder; ``walk_2`` is action ``walk 2``."""
    cmu = _CMU_NAME.match(path.stem)
    parents = path.relative_to(folder).parts[:-1]
    subject = f"{int(cmu[1]):02d}" if cmu else (parents[0] if parents else folder.resolve().name)
    numbered = None if cmu else _NUMBERED.fullmatch(path.stem)
    inner = "_".join(parents[1:]) + "_" if len(parents) > 1 else ""
    return subject, inner + (f"{numbered[1]} {numbered[2]}" if numbered else path.stem)


def is_array_store(folder: Path) -> bool:
    """Whether the folder holds ``index.json`` and one archive of 17 joints."""
    return (folder / "index.json").is_file() and len(list(folder.glob("*17.npz"))) == 1


def takes_of_array_store(folder: Path, splits: Sequence[str]) -> list[MocapTake]:
    """The clips of an arrays store (``cmu17.npz`` and ``index.json``), of these splits, or of all where none is given.

    The action is the first words of its description, then the name of the clip: ``walk 02_01``.

    Raises:
        InputError: a damaged index, no clip of a split, or clips that the archive does not have; all at once.
    """
    index_path, archive = folder / "index.json", next(iter(folder.glob("*17.npz")))
    try:
        index = json.loads(read_bytes(index_path).decode("utf-8"))
        entries = {str(name): (str(e["subject"]), str(e["action"]), str(e["split"])) for name, e in index.items()}
        rates = {str(name): Fraction(str(e["fps"])) for name, e in index.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, ZeroDivisionError) as error:
        raise InputError(f"{index_path}: damaged ({error!r}); expected clip -> subject, action, split, fps") from None
    data = read_bytes(archive)
    there = set(array_names(data, str(archive)))
    problems = [f"{archive.name} lacks the clip '{name}'" for name in entries if name not in there]
    known = {split for _, _, split in entries.values()}
    problems += [f"no clip of split '{s}'; there are: {', '.join(sorted(known))}" for s in splits if s not in known]
    if problems:
        raise InputError.from_problems(str(folder), problems)
    return [
        MocapTake(
            subject,
            f"{_kind(action)} {name.split('/')[-1]}",
            f"{archive}: {name}",
            lambda name=name: _clip(data, name, archive, rates[name]),
        )
        for name, (subject, action, split) in entries.items()
        if not splits or split in splits
    ]


def _kind(description: str) -> str:
    """``basketball`` of "basketball - forward dribble, shoot": one word."""
    first = re.split(r" - |[,:(]", description)[0].strip()
    return re.sub(r"\s+", "_", first) or "take"


def _clip(data: bytes, name: str, archive: Path, fps: Fraction) -> Motion:
    positions = read_array(data, name, str(archive))
    if not isinstance(positions, np.ndarray) or positions.ndim != 3 or positions.shape[1:] != (len(H36M_17), 3):
        raise InputError(f"{archive}: '{name}' is no array of (frames, {len(H36M_17)}, 3)")
    # Some rigs jump from a start pose into the motion; the same frames are left out as from our own training.
    positions = positions[first_frame(positions, float(fps)) :]
    return Motion(
        positions=positions.astype(np.float64), skeleton=H36M_17, fps=fps, frame="world", source=f"{archive}: {name}"
    )


def at_rate(motion: Motion, fps: Fraction) -> Float[np.ndarray, "frames joints 3"]:
    """Positions at another rate, linear in time, from the first frame on; those of equal rate are not touched."""
    if motion.fps == fps and motion.timestamps_s is None:
        return motion.positions
    source_s = motion.times_s - motion.times_s[0]
    count = int(np.floor(source_s[-1] * float(fps) + 1e-6)) + 1
    times_s = np.arange(count) / float(fps)
    flat = motion.positions.reshape(motion.n_frames, -1)
    columns = [np.interp(times_s, source_s, column) for column in flat.T]
    return np.stack(columns, axis=1).reshape(count, motion.n_joints, 3)

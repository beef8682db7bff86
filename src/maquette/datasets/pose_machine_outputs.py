"""Files of results that the published 3D pose machine (Wang et al. 2019) writes, found by their names.

::

    resultN_norm.csv          RESULT_norm.csv            coarse poses, by min and max
    resultN_unnorm.csv        RESULT_unnorm.csv          the same in millimetres
    resultN_change_unnorm.csv RESULT_change_unnorm.csv   corrected poses, millimetres
    refine3d_N.txt                                       refined poses, millimetres
    0.00015mpjp_N.txt                                    errors of every frame: coarse, corrected, refined

N is the number of the action in Human3.6M's tables, or its name. Names without one stand for the folder they are in
(``3/``, ``test3/``, ``Directions/``). Where there are poses they are measured; errors that were written are taken for
stages without poses.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from maquette.datasets.h36m_facts import ACTIONS, RENAMED_ACTIONS
from maquette.datasets.pose_machine_results import read_results
from maquette.datasets.pose_machine_text import read_number_lines
from maquette.errors import InputError
from maquette.lifting.min_max import MinMax
from maquette.readers.input_files import kind_of, read_bytes

_POSES = re.compile(
    r"result(?P<action>\d*|_[a-z0-9]+?)_(?P<kind>norm|unnorm|change_norm|change_unnorm)\.csv", re.IGNORECASE
)
_REFINED = re.compile(r"refine3d_(?P<action>[a-z0-9]+)\.txt", re.IGNORECASE)
_ERRORS = re.compile(r"(?:[0-9.e-]*)mpjp_(?P<action>[a-z0-9]+)\.txt", re.IGNORECASE)
_NUMBERED = re.compile(r"(?:(?:action|act|test|result|results)[_-]?)?0*(\d+)", re.IGNORECASE)
_COLUMNS = ("coarse", "corrected", "refined")
_MOST_COLUMNS = 12
"""Older programs wrote more updates; the last is what they kept."""


@dataclass
class ActionFiles:
    """Of one action."""

    paths: dict[str, Path] = field(default_factory=dict)
    """``norm``, ``unnorm``, ``change_norm``, ``change_unnorm``, ``refined`` or ``errors`` -> file."""

    def poses_mm(self, limits: MinMax) -> dict[str, Float64[np.ndarray, "frames 16 3"]]:
        """Stage -> poses relative to the root, camera frame.

        Raises:
            InputError: files that are wrong, all of them.
        """
        found: dict[str, np.ndarray] = {}
        problems: list[str] = []
        for stage, kinds in (("coarse", ("unnorm", "norm")), ("corrected", ("change_unnorm", "change_norm"))):
            kind = next((kind for kind in kinds if kind in self.paths), None)
            if kind is None:
                continue
            try:
                poses = _poses(read_results(self.paths[kind]).values, self.paths[kind])
                found[stage] = poses if kind.endswith("unnorm") else limits.unnormalise(poses)
            except InputError as error:
                problems.append(str(error))
        if "refined" in self.paths:
            try:
                path = self.paths["refined"]
                found["refined"] = _poses(_table(path, (48,)), path)
            except InputError as error:
                problems.append(str(error))
        if problems:
            raise InputError("\n".join(problems))
        return found

    def errors_mm(self) -> dict[str, Float64[np.ndarray, " frames"]]:
        """Stage -> error of each frame, as the published program wrote them.

        Raises:
            InputError: the file is wrong.
        """
        if "errors" not in self.paths:
            return {}
        table = _table(self.paths["errors"], tuple(range(len(_COLUMNS), _MOST_COLUMNS + 1)))
        if (table < 0).any():
            raise InputError(f"{self.paths['errors']}: errors below 0")
        return dict(zip(_COLUMNS, (table[:, 0], table[:, 1], table[:, -1]), strict=True))


def find_results(folder: Path) -> dict[str, ActionFiles]:
    """Action -> its files, in the order of Human3.6M's tables.

    Raises:
        InputError: there is no such folder, no file of results in it, or names that do not say which action; all of it.
    """
    if kind_of(folder) != "folder":
        raise InputError(f"{folder}: is a file, expected the folder with the results")
    found: dict[str, ActionFiles] = {}
    problems: list[str] = []
    for path in _files(folder):
        named = _kind_of_results(path)
        if named is None:
            continue
        kind, told = named
        action = _action(told or path.parent.resolve().name)
        if action is None:
            problems.append(
                f"{path.relative_to(folder)}: does not say which action it is of; expected a number from 1 to "
                f"{len(ACTIONS)} or a name in its name, or in that of its folder"
            )
            continue
        files = found.setdefault(action, ActionFiles())
        if kind in files.paths:
            both = " and ".join(str(p.relative_to(folder)) for p in (files.paths[kind], path))
            problems.append(f"{action}: {both} are the same kind of result; leave one of them")
        files.paths[kind] = path
    if not found and not problems:
        problems.append(
            "no results of a pose machine are there; expected resultN_norm.csv, RESULT_unnorm.csv in a folder for each "
            "action, refine3d_N.txt, or <rate>mpjp_N.txt"
        )
    if problems:
        raise InputError.from_problems(str(folder), problems)
    return {action: found[action] for action in ACTIONS if action in found}


def _files(folder: Path) -> Iterator[Path]:
    try:
        for path in sorted(folder.iterdir()):
            if path.is_dir():
                yield from (inner for inner in sorted(path.iterdir()) if inner.is_file())
            elif path.is_file():
                yield path
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror or error})") from None


def _kind_of_results(path: Path) -> tuple[str, str] | None:
    """The kind, and what the name says of the action; None for a file that is something else."""
    if match := _POSES.fullmatch(path.name):
        return match["kind"].lower(), match["action"].lstrip("_")
    if match := _REFINED.fullmatch(path.name):
        return "refined", match["action"]
    if match := _ERRORS.fullmatch(path.name):
        return "errors", match["action"]
    return None


def _action(told: str) -> str | None:
    known = {name.lower(): name for name in ACTIONS} | {old.lower(): new for old, new in RENAMED_ACTIONS.items()}
    if told.lower() in known:
        return known[told.lower()]
    match = _NUMBERED.fullmatch(told)
    number = int(match[1]) if match and len(match[1]) < 4 else 0
    return ACTIONS[number - 1] if 1 <= number <= len(ACTIONS) else None


def _table(path: Path, widths: tuple[int, ...]) -> Float64[np.ndarray, "rows width"]:
    """Lines of numbers between commas or blanks."""
    return read_number_lines(read_bytes(path), str(path), lambda line: (b"", _between_commas(line)), widths)[1]


def _between_commas(line: bytes) -> bytes:
    return b",".join(line.replace(b",", b" ").split())


def _poses(values: Float64[np.ndarray, "rows width"], path: Path) -> Float64[np.ndarray, "rows 16 3"]:
    if values.shape[1] != 48:
        raise InputError(f"{path}: {values.shape[1]} numbers a line, expected 48 (x, y, z of 16 joints)")
    return values.reshape(len(values), 16, 3)

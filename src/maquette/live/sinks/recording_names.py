"""Names of the files of a recording: its parts, and where it is kept until it is finished."""

import os
import secrets
from pathlib import Path

from maquette.exporters.file_names import inserted

SPOOL_SUFFIX = ".maquette-recording"
"""Of the hidden file beside the target that holds a recording until it is finished."""


def part_path(path: Path, part: int) -> Path:
    """``walk-0003.bvh``: the third part of a recording that is cut up (``walk-0003_smpl.npz``,
    ``0003-3d_data.json`` where the end of the name tells the format)."""
    return inserted(path, f"-{part:04d}")


def free_path(path: Path) -> Path:
    """The path itself, or ``walk-2.bvh``, ``walk-3.bvh``, ... where such files are there already."""
    number, free = 1, path
    while os.path.lexists(free):
        number += 1
        free = inserted(path, f"-{number}")
    return free


def spool_path(path: Path) -> Path:
    """A hidden name beside the target that no other session has: ``.walk.bvh.1f3a9c02.maquette-recording``."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}{SPOOL_SUFFIX}")


def spools_beside(path: Path) -> list[Path]:
    """What :func:`spool_path` has named for this target, the oldest first."""
    start = f".{path.name}."
    try:
        found = [entry for entry in path.parent.iterdir() if entry.name.startswith(start)]
        mine = [entry for entry in found if entry.name.endswith(SPOOL_SUFFIX) and "." not in _middle(entry, start)]
        return sorted(mine, key=lambda entry: (entry.stat().st_mtime_ns, entry.name))
    except OSError:
        # The folder is gone, or a session that ended has just taken its spool away.
        return []


def _middle(entry: Path, start: str) -> str:
    return entry.name[len(start) : -len(SPOOL_SUFFIX)]

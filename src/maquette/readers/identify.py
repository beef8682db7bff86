"""What format a file or folder is, told by its content, and which reader it gets."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from maquette.errors import InputError
from maquette.readers import openpose
from maquette.readers.clip import Clip
from maquette.readers.input_files import file_names, kind_of, read_bytes
from maquette.skeleton import Skeleton


@dataclass(frozen=True)
class Found:
    """A recognised format, ready to be read."""

    format: str
    why: str
    n_files: int
    read: Callable[[Skeleton | None], list[Clip]]


def identify(path: Path) -> Found:
    """Format of ``path``.

    Raises:
        InputError: nothing is there, or it is no keypoint format; the text says what was seen.
    """
    return _folder(path) if kind_of(path) == "folder" else _file(path)


def _folder(path: Path) -> Found:
    names = file_names(path)
    json_names = [name for name in names if name.lower().endswith(".json")]
    if not json_names:
        raise InputError(f"{path}: no keypoint files in the folder")
    read = partial(openpose.read_folder, path, json_names)
    return Found("OpenPose JSON folder", "each file has a list 'people'", len(json_names), read)


def _file(path: Path) -> Found:
    read = partial(openpose.read_file, path, read_bytes(path))
    return Found("OpenPose JSON", "the file has a list 'people'", 1, read)

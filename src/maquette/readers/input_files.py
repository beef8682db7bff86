"""Reading files that users name: what is there, in which order, and with errors of one sentence."""

import os
import re
import stat
from pathlib import Path

from maquette.errors import InputError

_DIGITS = re.compile(r"\d+")
_LAST_DIGITS = re.compile(r"(\d+)\D*$")
# A pipe must not make the reader wait for somebody to write into it.
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


def kind_of(path: Path) -> str:
    """``"file"`` or ``"folder"``.

    Raises:
        InputError: nothing is there, or it is neither, or it may not be looked at.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise InputError(f"{path}: no such file or folder") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"{path}: cannot be opened ({reason})") from None
    if stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISREG(mode):
        return "file"
    raise InputError(f"{path}: is neither a file nor a folder (a device or a pipe); save the keypoints to a file first")


def read_bytes(path: str | Path, *, kind: str = "keypoint files", most_bytes: int = 4 << 30) -> bytes:
    """Content of one regular file.

    Args:
        path: the file.
        kind: what it should be, for the error.
        most_bytes: larger ones are refused before they are read.

    Raises:
        InputError: it cannot be read, is no regular file, or is too large.
    """
    try:
        handle = os.open(path, _OPEN_FLAGS)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"{path}: cannot be read ({reason})") from None
    try:
        info = os.fstat(handle)
        if not stat.S_ISREG(info.st_mode):
            raise InputError(f"{path}: is no regular file")
        if info.st_size > most_bytes:
            seen_gib, most_gib = info.st_size / (1 << 30), most_bytes / (1 << 30)
            raise InputError(f"{path}: has {seen_gib:.1f} GiB; {kind} up to {most_gib:g} GiB are read, cut it up first")
        data = os.read(handle, info.st_size + 1)
        while len(data) < info.st_size:
            more = os.read(handle, info.st_size - len(data))
            if not more:
                break
            data += more
        return data
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    finally:
        os.close(handle)


def file_names(folder: Path) -> list[str]:
    """Names of the files in a folder, hidden ones left out, in natural order (``2.jpg`` before ``10.jpg``).

    Raises:
        InputError: the folder cannot be listed.
    """
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if not entry.name.startswith(".") and not entry.is_dir()]
    except OSError as error:
        raise InputError(f"{folder}: the folder cannot be listed ({error.strerror})") from None
    if len(set(map(len, names))) == 1:
        return sorted(names)  # zero-padded numbers: the plain order is the natural one, and ten times faster
    return sorted(names, key=natural_key)


def folder_names(folder: Path) -> list[str]:
    """Names of the folders in a folder, hidden ones left out, in natural order.

    Raises:
        InputError: the folder cannot be listed.
    """
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir()]
    except OSError as error:
        raise InputError(f"{folder}: the folder cannot be listed ({error.strerror})") from None
    return sorted(names, key=natural_key)


def natural_key(name: str) -> tuple[list[str | int], str]:
    """Key that sorts runs of digits by their value."""
    texts = _DIGITS.split(name)
    numbers = _DIGITS.findall(name)
    key: list[str | int] = [texts[0]]
    for number, text in zip(numbers, texts[1:], strict=True):
        key += [int(number[-4000:]), text]
    return key, name


def frame_numbers(names: list[str], where: str) -> tuple[list[int], str]:
    """Frame number of each file name, and a note when the names do not say it (else an empty text).

    The number is the last run of digits in the name (``clip2_000000000047_keypoints.json`` is frame 47). A last run
    that is the same everywhere (``12_kp2d.json``, ``13_kp2d.json``) is passed over.

    Args:
        names: file names without folder, in natural order.
        where: the folder, for the error.

    Raises:
        InputError: two files have the same number.
    """
    if len(names) == 1:
        return [_last_number(names[0])], ""
    matches = [_LAST_DIGITS.search(name) for name in names]
    found = [match.group(1)[-18:] for match in matches if match]
    if len(found) == len(names):
        if len(set(found)) > 1:
            return _unique(names, [int(text) for text in found], where)
        runs = [_DIGITS.findall(name) for name in names]
        if len({len(run) for run in runs}) == 1:
            for column in range(len(runs[0]) - 2, -1, -1):
                numbers = [int(run[column][-18:]) for run in runs]
                if len(set(numbers)) > 1:
                    return _unique(names, numbers, where)
    note = "the file names have no frame numbers, so the frames follow the alphabetical order of the names"
    return list(range(len(names))), note


def _unique(names: list[str], numbers: list[int], where: str) -> tuple[list[int], str]:
    if len(set(numbers)) == len(numbers):
        return numbers, ""
    seen: dict[int, str] = {}
    for number, name in zip(numbers, names, strict=True):
        if number in seen:
            raise InputError(
                f"{where}: both {seen[number]} and {name} are frame {number}; "
                "give each clip a folder of its own (the last digits of a name are its frame number)"
            )
        seen[number] = name
    raise AssertionError("unreachable: numbers repeat")


def _last_number(name: str) -> int:
    match = _LAST_DIGITS.search(name)
    return int(match.group(1)[-18:]) if match else 0

"""A folder of pictures, taken as a clip."""

import re
from collections import Counter
from collections.abc import Generator
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path

from maquette.detect.detector import Picture
from maquette.detect.footage_pictures import SUFFIXES, picture_file, read_picture, resized
from maquette.detect.footage_shots import ASSUMED_FPS, Reel, Shot
from maquette.errors import InputError
from maquette.readers.input_files import file_names

_SIDEWAYS = (5, 6, 7, 8)
_ORIENTATION = 0x0112
_LAST_NUMBER = re.compile(r"(\d+)\D*$")


def open_folder(folder: Path, fps: Fraction | None) -> Reel:
    """The pictures of a folder in natural order (``2.jpg`` before ``10.jpg``), as a clip of constant rate.

    A picture that cannot be read leaves its frame empty.

    Raises:
        InputError: no pictures in it, none that can be read, or pictures of several sizes.
    """
    names = file_names(folder)
    pictures = [name for name in names if name.lower().endswith(SUFFIXES)]
    if not pictures:
        seen = f"{len(names)} files, the first {names[0]}" if names else "no files"
        raise InputError(f"{folder}: no pictures in this folder ({seen}); known are {' '.join(SUFFIXES)}")
    size = _common_size(folder, pictures)
    notes = [] if fps is not None else [f"{ASSUMED_FPS} pictures per second assumed"]
    strangers = [name for name in names if not name.lower().endswith(SUFFIXES)]
    if strangers:
        notes.append(f"{_listed(strangers)}: no pictures, left aside")
    notes += _numbering_notes(pictures)
    rate = fps or ASSUMED_FPS

    def shots(found: list[str], _: float) -> Generator[Shot]:
        bad: dict[str, str] = {}
        try:
            for index, name in enumerate(pictures):
                yield Shot(index, float(index / rate), partial(_develop, folder / name, size, bad))
        finally:
            if bad:
                found.append(f"{_listed(list(bad))}: cannot be read ({next(iter(bad.values()))}); no frame there")

    return Reel(rate, False, size, len(pictures), tuple(notes), shots)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _develop(path: Path, size: tuple[int, int], bad: dict[str, str], wanted: tuple[int, int] | None) -> Picture | None:
    try:
        picture = read_picture(path)
    except InputError as error:
        bad[path.name] = str(error).removeprefix(f"{path}: ")
        return None
    return resized(picture, wanted or size)


def _common_size(folder: Path, pictures: list[str]) -> tuple[int, int]:
    """Size of every picture, from their headers."""
    sizes, fault = {}, ""
    for name in pictures:
        try:
            sizes[name] = _size(folder / name)
        except InputError as error:
            fault = fault or str(error)
    if not sizes:
        raise InputError(f"{folder}: not one of its {len(pictures)} pictures can be read; the first: {fault}")
    usual, count = Counter(sizes.values()).most_common(1)[0]
    odd = [name for name, size in sizes.items() if size != usual]
    if odd:
        width, height = sizes[odd[0]]
        more = f" ({len(odd)} differ in all)" if len(odd) > 1 else ""
        raise InputError(
            f"{folder}: pictures of different sizes: {odd[0]} has {width}x{height}, {count} others have "
            f"{usual[0]}x{usual[1]}{more}; a clip has one size: keep the pictures of one camera"
        )
    return usual


def _size(path: Path) -> tuple[int, int]:
    with picture_file(path) as image:
        if image is None:
            raise InputError(f"{path}: is no picture")
        sideways = image.getexif().get(_ORIENTATION) in _SIDEWAYS
        size = (image.height, image.width) if sideways else image.size
    return size


def _numbering_notes(names: list[str]) -> list[str]:
    """What the numbers at the end of the names say against an evenly spaced clip."""
    matches = [_LAST_NUMBER.search(Path(name).stem) for name in names]
    numbers = [int(match.group(1)[-18:]) for match in matches if match]
    if len(numbers) != len(names) or len(numbers) < 3:
        return []
    steps = [after - before for before, after in pairwise(numbers)]
    usual = Counter(steps).most_common(1)[0][0]
    odd = [k for k, step in enumerate(steps) if step != usual]
    if not odd or usual < 1 or len(odd) > len(steps) / 2:
        return []
    before, after = names[odd[0]], names[odd[0] + 1]
    return [f"the numbers of the pictures jump ({before}, {after}); they are taken as evenly spaced"]

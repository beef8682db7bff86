"""A folder of pictures, taken as a clip."""

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path

from maquette.detect.detector import Picture
from maquette.detect.footage_pictures import SUFFIXES, picture_file, read_picture, resized
from maquette.detect.footage_shots import ASSUMED_FPS, Reel, Shot
from maquette.errors import InputError
from maquette.readers.input_files import file_names

_SIDEWAYS = (5, 6, 7, 8)
_ORIENTATION = 0x0112


def open_folder(folder: Path, fps: Fraction | None) -> Reel:
    """The pictures of a folder in natural order (``2.jpg`` before ``10.jpg``), as a clip of constant rate.

    Raises:
        InputError: no pictures in it, none that can be read, or pictures of several sizes.
    """
    names = file_names(folder)
    pictures = [name for name in names if name.lower().endswith(SUFFIXES)]
    if not pictures:
        seen = f"{len(names)} files, the first {names[0]}" if names else "no files"
        raise InputError(f"{folder}: no pictures in this folder ({seen}); known are {' '.join(SUFFIXES)}")
    sizes, bad = {}, {}
    for name in pictures:
        try:
            sizes[name] = _size(folder / name)
        except InputError as error:
            bad[name] = error
    if not sizes:
        raise InputError(
            f"{folder}: not one of its {len(pictures)} pictures can be read; the first: {next(iter(bad.values()))}"
        )
    size = _common_size(folder, sizes)
    notes = []
    if len(names) > len(pictures):
        strangers = [name for name in names if not name.lower().endswith(SUFFIXES)]
        shown = ", ".join(strangers[:3]) + ", ..." * (len(strangers) > 3)
        notes.append(f"{len(strangers)} files that are no pictures are left aside ({shown})")
    if fps is None:
        notes.append(f"{ASSUMED_FPS} pictures per second assumed")
    rate = fps or ASSUMED_FPS

    def shots(found: list[str], from_s: float) -> Iterator[Shot]:
        for index, name in enumerate(pictures):
            yield Shot(index, float(index / rate), partial(_develop, folder / name, size, found))

    return Reel(rate, False, size, len(pictures), tuple(notes), shots)


def _develop(path: Path, size: tuple[int, int], notes: list[str], wanted: tuple[int, int] | None) -> Picture | None:
    try:
        picture = read_picture(path)
    except InputError as error:
        notes.append(f"{error}; its frame stays empty")
        return None
    return resized(picture, wanted)


def _size(path: Path) -> tuple[int, int]:
    with picture_file(path) as image:
        if image is None:
            raise InputError(f"{path}: is no picture")
        sideways = image.getexif().get(_ORIENTATION) in _SIDEWAYS
        return (image.height, image.width) if sideways else image.size
    raise AssertionError


def _common_size(folder: Path, sizes: dict[str, tuple[int, int]]) -> tuple[int, int]:
    (usual, count), *others = Counter(sizes.values()).most_common()
    if others:
        odd = [name for name, size in sizes.items() if size != usual]
        width, height = sizes[odd[0]]
        more = f" ({len(odd)} differ in all)" if len(odd) > 1 else ""
        raise InputError(
            f"{folder}: pictures of different sizes: {odd[0]} has {width}x{height}, {count} others have "
            f"{usual[0]}x{usual[1]}{more}; a clip has one size: keep the pictures of one camera"
        )
    return usual

"""Is it footage? Videos and pictures, told by their first bytes, and folders of pictures."""

from pathlib import Path
from typing import Literal

from maquette.errors import InputError
from maquette.readers.input_files import file_names, kind_of, read_bytes
from maquette.readers.yolo import looks_like_labels

FootageKind = Literal["video", "picture", "folder of pictures"]

PICTURE_SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".pgm", ".pnm", ".avif",
)  # fmt: skip
"""Those that :mod:`maquette.detect.footage` reads, told here without loading it."""
_KEYPOINT_SUFFIXES = (".json", ".jsonl", ".npz", ".trc", ".csv")
_MAGIC: tuple[tuple[int, bytes, FootageKind], ...] = (
    (0, b"\xff\xd8\xff", "picture"),
    (0, b"\x89PNG", "picture"),
    (0, b"BM", "picture"),
    (0, b"P5\n", "picture"),
    (0, b"P6\n", "picture"),
    (0, b"II*\x00", "picture"),
    (0, b"MM\x00*", "picture"),
    (8, b"WEBP", "picture"),
    (8, b"AVI ", "video"),
    (0, b"GIF8", "video"),
    (4, b"ftypavif", "picture"),
    (4, b"ftypheic", "picture"),
    (4, b"ftypmif1", "picture"),
    (4, b"ftyp", "video"),
    (4, b"moov", "video"),
    (4, b"mdat", "video"),
    (4, b"wide", "video"),
    (0, b"\x1a\x45\xdf\xa3", "video"),
    (0, b"\x00\x00\x01\xba", "video"),
    (0, b"\x00\x00\x01\xb3", "video"),
    (0, b"\x30\x26\xb2\x75", "video"),
    (0, b"FLV\x01", "video"),
    (0, b"OggS", "video"),
)
"""Offset, bytes, kind; the first row that fits is taken. GIFs are clips, even those of one picture."""
_MPEG_TS_STEP = 188


def footage_kind(path: str | Path) -> FootageKind | None:
    """What kind of footage ``path`` is; None when it is none (keypoints, perhaps).

    A folder with keypoint files in it is no footage, whatever pictures lie beside them.

    Raises:
        InputError: nothing is there, or it cannot be read.
    """
    place = Path(path)
    if kind_of(place) == "folder":
        names = file_names(place)
        pictures = any(name.lower().endswith(PICTURE_SUFFIXES) for name in names)
        return "folder of pictures" if pictures and not _keypoints_among(place, names) else None
    try:
        with place.open("rb") as file:
            start = file.read(2 * _MPEG_TS_STEP + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    return kind_of_bytes(start)


def _keypoints_among(folder: Path, names: list[str]) -> bool:
    if any(name.lower().endswith(_KEYPOINT_SUFFIXES) for name in names):
        return True
    # Any text may lie beside pictures; labels are known by their numbers.
    texts = [name for name in names if name.lower().endswith(".txt") and name.lower() != "classes.txt"]
    return any(looks_like_labels(read_bytes(folder / name)) for name in texts[:200])


def kind_of_bytes(start: bytes) -> FootageKind | None:
    """The same for the first 400 bytes of a file."""
    for offset, magic, kind in _MAGIC:
        if start[offset : offset + len(magic)] == magic:
            return kind
    # A transport stream is packets of 188 bytes, each of which begins with a G.
    steps = range(0, len(start), _MPEG_TS_STEP)
    return "video" if len(steps) > 2 and all(start[at] == 0x47 for at in steps) else None


def pictures_beside(path: str | Path) -> int:
    """Number of pictures in a folder that is read for its keypoints; 0 for a file."""
    place = Path(path)
    if kind_of(place) != "folder":
        return 0
    return sum(name.lower().endswith(PICTURE_SUFFIXES) for name in file_names(place))

"""Picture files of data sets, opened with one sentence about whatever may be wrong with them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from maquette.errors import InputError

_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "PPM", "GIF")
_LARGEST_PX = 64_000_000
"""A picture of more pixels is a slip or an attack: a few kilobytes can unfold to gigabytes."""
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


@contextmanager
def opened_picture(path: str | Path) -> Iterator[Image.Image]:
    """The picture, not yet decoded: what fails when the block reads its pixels is told as well.

    Raises:
        InputError: no such file, no picture, a broken or a huge one.
    """
    try:
        with Image.open(path, formats=_FORMATS) as picture:
            if picture.width * picture.height > _LARGEST_PX:
                raise InputError(
                    f"{path}: {picture.width} by {picture.height} pixels, expected at most "
                    f"{_LARGEST_PX / 1e6:.0f} million; scale it down"
                )
            yield picture
    except FileNotFoundError:
        raise InputError(f"{path}: no such picture") from None
    except UnidentifiedImageError:
        raise InputError(f"{path}: cannot be read as a picture: of no known format ({', '.join(_FORMATS)})") from None
    except InputError:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, *_BOMBS) as error:
        raise InputError(f"{path}: cannot be read as a picture ({error}); copy it again") from None

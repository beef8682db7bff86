"""Whether a file can be written, asked before any work is done."""

import stat
import tempfile
from importlib.util import find_spec
from pathlib import Path

from maquette.errors import OutputError, missing_extra
from maquette.exporters.writers import ENDINGS, WRITERS, format_of, writer_of

_PACKAGES: dict[str, tuple[str, str, str]] = {
    ".c3d": ("formats", "ezc3d", "ezc3d"),
    ".parquet": ("formats", "pyarrow", "pyarrow"),
    ".usda": ("usd", "usd-core", "pxr"),
    ".usdc": ("usd", "usd-core", "pxr"),
}
"""Suffix -> extra, package and module without which such a file is not written."""


def check_output(path: str | Path) -> None:
    """Refuse a path that a motion cannot be written to, before any work is done.

    Raises:
        MissingExtraError: the package that writes such files is not installed.
        OutputError: its suffix is unknown, or no file can be written there (:func:`check_place`).
    """
    target = Path(path)
    if writer_of(target) is None:
        seen = f"'{target.suffix}' is no suffix that can be written" if target.suffix else "the name has no suffix"
        raise OutputError(
            f"{target}: {seen}; known are {' '.join(WRITERS)}, and names ending in {' or '.join(ENDINGS)}"
        )
    extra, package, module = _PACKAGES.get(format_of(target), ("", "", ""))
    if module and find_spec(module) is None:
        raise missing_extra(extra, package)
    check_place(target)


def check_place(path: str | Path) -> None:
    """Refuse a path that no file can be written to, before any work is done.

    Raises:
        OutputError: it is a folder, a device or a pipe, its folder is a file, or that folder (or the nearest one that
            exists) takes no files.
    """
    target = Path(path)
    mode = _mode(target)
    if mode is not None and stat.S_ISDIR(mode):
        raise OutputError(f"{target}: is a folder, expected the name of a file")
    if mode is not None and not stat.S_ISREG(mode):
        raise OutputError(f"{target}: is a device or a pipe, expected the name of a file")
    folder = next((parent for parent in target.parents if parent.exists()), Path())
    if not folder.is_dir():
        raise OutputError(f"{target}: {folder} is a file, not a folder")
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OutputError(f"{target}: cannot write there ({error.strerror}); choose another output folder") from None


def _mode(target: Path) -> int | None:
    """What is there already, None for nothing.

    Raises:
        OutputError: no file can have such a name.
    """
    try:
        return target.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise OutputError(f"{str(target)[:200]!r}: cannot be the name of a file ({reason})") from None

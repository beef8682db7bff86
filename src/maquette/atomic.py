"""Files that appear whole or not at all: written beside the target, then renamed onto it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from maquette.errors import OutputError


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary path in the folder of ``path`` (same suffix) that replaces ``path`` when the block ends well.

    When the block raises, the temporary file is removed and ``path`` stays as it was.

    Raises:
        OutputError: ``path`` is a folder, a device or a pipe, or its folder cannot be made or written to.
    """
    # Through a symbolic link, so that the link stays and its target is replaced.
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise OutputError(f"{target}: is a folder, expected the name of a file")
    if target.exists() and not target.is_file():
        # A rename would put a file in the place of /dev/null for everybody.
        raise OutputError(f"{target}: is a device or a pipe, expected the name of a file")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.stem}.", suffix=target.suffix, dir=target.parent)
    except OSError as error:
        raise OutputError(f"{target}: cannot write there ({error.strerror}); choose another output folder") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes files private to the user; a result is an ordinary file.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        os.replace(temporary, target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OutputError(f"{target}: cannot be written ({error.strerror or error})") from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write ``data`` to ``path`` atomically.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` to ``path`` atomically, UTF-8, line ends as given.

    Raises:
        OutputError: it cannot be written.
    """
    write_bytes(path, text.encode("utf-8"))

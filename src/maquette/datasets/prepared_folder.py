"""Where prepared data may be written: a new folder, an empty one, or in the place of data of the same kind."""

from pathlib import Path

from maquette.errors import OutputError


def check_target(folder: Path, listing: str, what: str, overwrite: bool) -> None:
    """Says so before the work when something is at ``folder`` that may not be replaced.

    Args:
        listing: the file in it that tells data of this kind.
        what: such data, in words that go behind "there is".

    Raises:
        OutputError: a file, a folder with other files, or, without ``overwrite``, data of this kind.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: is a file, expected the name of a folder")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not (folder / listing).is_file():
        raise OutputError(f"{folder}: is a folder with other files in it; choose a folder of its own")
    if not overwrite:
        raise OutputError(f"{folder}: there is {what} already; choose another folder, or replace it with --overwrite")

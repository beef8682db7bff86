"""Folders of prepared data: where they may be written (a new folder, an empty one, or in the place of data of the same
kind), and the listing in them that says what they are."""

from pathlib import Path
from typing import TypeVar

import msgspec

from maquette.errors import InputError, OutputError
from maquette.formats.json_documents import decode_json


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """What a listing says, its schema among it."""

    schema: str


L = TypeVar("L", bound=Listing)


def read_listing(folder: Path, listing: str, kind: type[L], schema: str, missing: str) -> L:
    """What the file ``listing`` of ``folder`` says.

    Args:
        schema: the only one that is read.
        missing: what to say where there is none.

    Raises:
        InputError: there is none, it is damaged, or of another schema.
    """
    try:
        data = (folder / listing).read_bytes()
    except OSError:
        raise InputError(f"{folder}: {missing}") from None
    facts = decode_json(msgspec.json.Decoder(kind), data, str(folder / listing))
    if facts.schema != schema:
        raise InputError(f"{folder}: is of schema '{facts.schema}', this version reads '{schema}'; prepare it again")
    return facts


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

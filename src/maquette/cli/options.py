"""Values that several commands take on the command line, as tyro reads them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from maquette.errors import InputError

if TYPE_CHECKING:
    from maquette.keypoints import Keypoints


def image_size(text: str | None) -> tuple[int, int] | None:
    """``"1920x1080"`` -> (1920, 1080).

    Raises:
        InputError: not two positive whole numbers with an x between.
    """
    if text is None:
        return None
    width, x, height = text.lower().partition("x")
    if not (x and width.isdecimal() and height.isdecimal() and int(width) > 0 and int(height) > 0):
        raise InputError(f"--image-size {text}: expected WIDTHxHEIGHT in pixels, such as 1920x1080")
    return int(width), int(height)


def check_person(person: str) -> None:
    """Refuses what can be nobody's number, before anybody is looked for.

    Raises:
        InputError: neither a number nor ``"all"``.
    """
    if person != "all" and not person.isdecimal():
        raise InputError(f"--person {person}: expected a number from 0, or all")


def refuse_own_input(outputs: tuple[Path, ...], *inputs: Path | None) -> None:
    """Results never take the place of what they are made from.

    Raises:
        InputError: an output is one of the inputs, by whatever name.
    """
    for out in outputs:
        for given in inputs:
            if given is not None and given.is_file() and out.is_file() and out.samefile(given):
                raise InputError(f"{out}: is the input itself, which would be lost; choose another name for the result")


def choose_people(people: "list[Keypoints]", person: str) -> "list[Keypoints]":
    """Person number ``person`` (from 0, the largest and longest first) or ``"all"``.

    Raises:
        InputError: not a number, or nobody has it.
    """
    if person == "all":
        return people
    if not person.isdecimal():
        numbers = "0" if len(people) == 1 else f"a number from 0 to {len(people) - 1}"
        raise InputError(f"--person {person}: expected {numbers}, or all")
    if int(person) >= len(people):
        there_are = (
            "there is one person: 0" if len(people) == 1 else f"there are {len(people)} people: 0 to {len(people) - 1}"
        )
        raise InputError(f"--person {person}: no such person; {there_are}")
    return [people[int(person)]]


def numbered(path: Path, index: int, count: int) -> Path:
    """``walk.bvh`` for one person, ``walk_person0.bvh`` etc. for several (``person0_3d_data.json`` for the fork's and
    ``walk_person0_smpl.npz`` for SMPL's, whose formats are told by the ends of their names)."""
    from maquette.exporters.file_names import person_path

    return path if count == 1 else person_path(path, index)


def shortened(note: str, length: int = 240) -> str:
    """A note for the terminal: lists of edits can run to thousands of frames; the result holds them in full."""
    return (
        note if len(note) <= length else f"{note[:length].rsplit(',', 1)[0]}, ... (in full in the notes of the result)"
    )


@contextmanager
def progress(text: str) -> Iterator[None]:
    """Shows ``text`` with a spinner on a terminal, as a plain line elsewhere (both on standard error)."""
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_terminal:
        with console.status(text):
            yield
    else:
        console.print(text, highlight=False, soft_wrap=True)
        yield

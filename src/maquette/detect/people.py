"""The people in a video or a picture: footage and detector opened, run, and closed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from maquette.detect.choice import DetectorWish, open_detector
from maquette.detect.detector import Detector
from maquette.detect.footage import open_footage
from maquette.detect.run import Detected, Progress, detect_people
from maquette.errors import InputError

Looker = Detector | DetectorWish | str | None
"""A detector, how to make one, its name, or None for the first that is installed."""


def people_in_footage(
    path: str | Path,
    detector: Looker = None,
    *,
    fps: Fraction | float | int | str | None = None,
    every: int = 1,
    people: int | None = None,
    opened: Callable[[str], None] | None = None,
    progress: Progress | None = None,
) -> Detected:
    """Find the people in a video, a picture or a folder of pictures.

    Args:
        path: the footage.
        detector: one that is yours is reset first and stays open; others are opened and closed here.
        fps: rate of a folder's pictures; for a video, the rate to play it at instead of its own times.
        every: see :func:`~maquette.detect.run.detect_people`.
        people: keep at most so many people, the most prominent ones.
        opened: told the detector's name before the first picture.
        progress: told after each picture.

    Raises:
        InputError: not readable, not footage, or options that do not fit.
        NoPersonError: nobody is seen.
        MissingExtraError: the detector is not installed, or none is.
        ModelError: a file of the detector cannot be used.
    """
    if every < 1 or (people is not None and people < 1):
        name, value = ("every", every) if every < 1 else ("people", people)
        raise InputError(f"--{name} {value}: expected 1 or more")
    with open_footage(path, fps=fps) as footage, _opened(detector, people, footage.is_still) as looker:
        if opened is not None:
            opened(looker.name)
        return detect_people(footage, looker, every=every, people=people, progress=progress)


@contextmanager
def _opened(detector: Looker, people: int | None, still: bool) -> Iterator[Detector]:
    if isinstance(detector, Detector):
        detector.reset()
        yield detector
        return
    wish = detector if isinstance(detector, DetectorWish) else DetectorWish()
    if isinstance(detector, str):
        wish = replace(wish, name=detector)
    looker = open_detector(replace(wish, people=wish.people or people, still=still))
    try:
        yield looker
    finally:
        looker.close()

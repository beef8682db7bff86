"""People of MPII while they are read, one by one, and the way from them to arrays."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from maquette.datasets.mpii_set import SPLITS, MpiiSet


@dataclass(eq=False)
class Person:
    """One annotation while it is read; what it has not is NaN, or as the defaults say."""

    image: str
    points_px: Float64[np.ndarray, "16 2"]
    visible: Bool[np.ndarray, " 16"]
    centre_px: tuple[float, float] = (np.nan, np.nan)
    scale: float = np.nan
    head_px: float = np.nan
    image_number: int = -1
    """Number of the picture in the release, from 0."""
    number: int = -1
    split: str = "train"
    single: bool = False


@dataclass(frozen=True)
class ImageFacts:
    """What is known of a picture."""

    activity: str = ""
    video: str = ""
    frame_s: float = np.nan


def gathered(
    people: Sequence[Person], facts: dict[str, ImageFacts], *, source: str, folder: str, notes: Sequence[str]
) -> MpiiSet:
    """People as arrays; pictures in the order in which they come."""
    images = list(dict.fromkeys(person.image for person in people))
    place = {name: i for i, name in enumerate(images)}
    known = [facts.get(name, ImageFacts()) for name in images]
    return MpiiSet(
        source=source,
        folder=folder,
        images=tuple(images),
        activities=tuple(fact.activity for fact in known),
        videos=tuple(fact.video for fact in known),
        frame_s=np.array([fact.frame_s for fact in known], dtype=np.float64),
        image_of=np.array([place[person.image] for person in people], dtype=np.int32),
        number=np.array([person.number for person in people], dtype=np.int32),
        split=np.array([SPLITS.index(person.split) for person in people], dtype=np.int32),
        points_px=np.array([person.points_px for person in people], dtype=np.float64).reshape(-1, 16, 2),
        visible=np.array([person.visible for person in people], dtype=bool).reshape(-1, 16),
        head_px=np.array([person.head_px for person in people], dtype=np.float64),
        scale=np.array([person.scale for person in people], dtype=np.float64),
        centre_px=np.array([person.centre_px for person in people], dtype=np.float64).reshape(-1, 2),
        single=np.array([person.single for person in people], dtype=bool),
        notes=tuple(notes),
    )


def repeated(people: Sequence[Person]) -> int:
    """How many people are there twice: the same number in the same picture."""
    seen = Counter((person.image, person.number) for person in people if person.number >= 0)
    return sum(n - 1 for n in seen.values())

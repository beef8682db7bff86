"""MPII's own file, ``mpii_human_pose_v1_u12_1.mat``: one structure ``RELEASE`` of irregular structures.

``annolist`` has a picture each: ``image.name``, ``vididx``, ``frame_sec`` and ``annorect``, which is empty, one
structure or several. Of these, fields can be absent or empty: the head's box (``x1 y1 x2 y2``), ``scale``, ``objpos``,
and ``annopoints.point`` with ``x y id is_visible`` of each joint; ``is_visible`` is a number, a text, or empty.
Pictures of the test set (``img_train`` 0) have no points. ``single_person`` lists who is far from others.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from maquette.datasets.mpii_people import ImageFacts, Person
from maquette.errors import InputError
from maquette.formats.matlab import read_mat

JOINTS = 16
_HEAD_SHARE = 0.6
"""Of the diagonal of the head's box, in the evaluation that comes with the data."""
_LARGEST_PX = 1e5


def read_release(path: Path) -> tuple[list[Person], dict[str, ImageFacts], list[str]]:
    """People, facts of the pictures by name, and what was left out.

    Raises:
        InputError: damaged, or no such structure.
    """
    release = read_mat(path, ("RELEASE",)).get("RELEASE")
    if not isinstance(release, dict) or not {"annolist", "img_train"} <= release.keys():
        seen = ", ".join(release) if isinstance(release, dict) else type(release).__name__
        raise InputError(
            f"{path}: no structure RELEASE with annolist and img_train (it has: {seen}); expected MPII's own"
        )
    pictures = _structures(release["annolist"])
    is_train = np.asarray(release["img_train"]).ravel() if not isinstance(release["img_train"], str) else np.empty(0)
    if not pictures or len(is_train) != len(pictures) or is_train.dtype.kind not in "fiu":
        raise InputError(f"{path}: {len(pictures)} pictures in annolist and {len(is_train)} marks in img_train")
    singles, acts = _cells(release.get("single_person")), _cells(release.get("act"))
    videos = _cells(release.get("video_list"))
    people: list[Person] = []
    facts: dict[str, ImageFacts] = {}
    counts: Counter[str] = Counter()
    for number, picture in enumerate(pictures):
        image = picture.get("image")
        name = image.get("name") if isinstance(image, dict) else None
        if not isinstance(name, str) or not name:
            counts["pictures without a name, left out: {}"] += 1
            continue
        facts[name] = _facts(picture, acts[number] if number < len(acts) else None, videos)
        single = _whole_numbers(singles[number]) if number < len(singles) else set()
        found = _structures(picture.get("annorect"))
        counts["pictures with nobody annotated, left out: {}"] += not found
        for i, rect in enumerate(found):
            person = _person(name, rect, counts)
            if person is None:
                continue
            person.image_number, person.number = number, i
            person.split = "train" if is_train[number] else "test"
            person.single = i + 1 in single
            counts["people of training pictures without points: {}"] += bool(
                is_train[number] and not np.isfinite(person.points_px).any()
            )
            people.append(person)
    if not people:
        raise InputError(f"{path}: nobody is annotated in {len(pictures)} pictures")
    return people, facts, [text.format(f"{n:,}") for text, n in counts.items() if n]


def _person(image: str, rect: dict[str, Any], counts: Counter[str]) -> Person | None:
    """None for an annotation that has neither points nor place and size."""
    points, visible = np.full((JOINTS, 2), np.nan), np.zeros(JOINTS, dtype=bool)
    holder = rect.get("annopoints")
    for point in _structures(holder.get("point") if isinstance(holder, dict) else None):
        x, y, joint = (_number(point.get(name)) for name in ("x", "y", "id"))
        if x is None or y is None or joint is None or not (joint.is_integer() and 0 <= joint < JOINTS):
            counts["points without a place or a known joint, left out: {}"] += 1
            continue
        if max(abs(x), abs(y)) > _LARGEST_PX:
            counts["points far outside any picture, left out: {}"] += 1
            continue
        shown = _number(point.get("is_visible"))
        counts["points that do not say whether they are visible, taken as visible: {}"] += shown is None
        points[int(joint)], visible[int(joint)] = (x, y), shown != 0
    place = rect.get("objpos")
    centre = [_number(place.get(axis)) for axis in ("x", "y")] if isinstance(place, dict) else [None, None]
    scale = _number(rect.get("scale"))
    placed = None not in centre and scale is not None and scale > 0
    if not placed and not np.isfinite(points).any():
        counts["people with neither points nor place and size, left out: {}"] += 1
        return None
    counts["people without place and size: {}"] += not placed
    box = [_number(rect.get(name)) for name in ("x1", "y1", "x2", "y2")]
    person = Person(image, points, visible)
    if placed:
        person.centre_px, person.scale = (float(centre[0] or 0), float(centre[1] or 0)), float(scale or 0)
    if None not in box:
        x1, y1, x2, y2 = (float(side or 0) for side in box)
        person.head_px = _HEAD_SHARE * float(np.hypot(x2 - x1, y2 - y1)) or np.nan
    return person


def _facts(picture: dict[str, Any], act: Any, videos: list[Any]) -> ImageFacts:
    activity = act.get("act_name") if isinstance(act, dict) else None
    number, seconds = _number(picture.get("vididx")), _number(picture.get("frame_sec"))
    video = videos[int(number) - 1] if number and 1 <= number <= len(videos) else None
    return ImageFacts(
        activity if isinstance(activity, str) else "",
        video if isinstance(video, str) else "",
        np.nan if seconds is None else seconds,
    )


def _structures(value: Any) -> list[dict[str, Any]]:
    """One structure, several, or none (an empty array)."""
    if isinstance(value, dict):
        return [value] if value else []
    if isinstance(value, np.ndarray) and value.dtype == object:
        return [part if isinstance(part, dict) else {} for part in value.ravel()]
    return []


def _cells(value: Any) -> list[Any]:
    """Contents of a cell or of an array of structures; one alone comes without a box."""
    if isinstance(value, np.ndarray) and value.dtype == object:
        return list(value.ravel())
    return [] if value is None or (isinstance(value, np.ndarray) and not value.size) else [value]


def _whole_numbers(value: Any) -> set[int]:
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu":
        return set()
    return {int(n) for n in value.ravel() if np.isfinite(n)}


def _number(value: Any) -> float | None:
    """A single finite number, written as a number or as a text; None for anything else."""
    if isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind in "fiu":
        number = float(value.ravel()[0])
    elif isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return None
    else:
        return None
    return number if np.isfinite(number) else None

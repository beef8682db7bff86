"""2D keypoints as a COCO file: pictures, people and the names of their points."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from maquette.atomic import write_bytes
from maquette.errors import OutputError
from maquette.keypoints import Keypoints
from maquette.skeletons import COCO_17

_SIDES = {"l": "left", "r": "right"}


def write_coco(people: Sequence[Keypoints], path: str | Path) -> None:
    """Write the people of one clip, on ``coco-17``, as a COCO file (one object with ``images``, ``annotations`` and
    ``categories``).

    The third number of a keypoint is its confidence, as in COCO's result lists, and missing is 0, 0, 0; ``score`` is
    the mean confidence of the points that are there, ``track_id`` the person. The list ``annotations`` alone is what
    ``COCO.loadRes`` takes.

    Raises:
        OutputError: nobody to write, people of several clips or of another skeleton, or no way to write.
    """
    if not people:
        raise OutputError(f"{path}: there is nobody to write")
    first = people[0]
    strangers = {person.skeleton.name for person in people} - {COCO_17.name}
    if strangers:
        raise OutputError(
            f"{path}: COCO's keypoints are those of 'coco-17', not of '{strangers.pop()}'; map them first"
        )
    if {(person.n_frames, person.image_size) for person in people} != {(first.n_frames, first.image_size)}:
        raise OutputError(f"{path}: people of one file share frames and picture size; these do not")
    size = {} if first.image_size is None else dict(zip(("width", "height"), first.image_size, strict=True))
    stem = Path(first.source).stem or "frame"
    document = {
        "info": {"description": first.source, "fps": str(first.fps), "notes": first.notes},
        "images": [{"id": i, "file_name": f"{stem}_{i:012d}", **size} for i in range(first.n_frames)],
        "annotations": [entry for number, person in enumerate(people) for entry in _entries(person, number)],
        "categories": [_category()],
    }
    for number, entry in enumerate(document["annotations"]):
        entry["id"] = number + 1
    write_bytes(path, msgspec.json.encode(document))


def _entries(person: Keypoints, number: int) -> list[dict[str, Any]]:
    """An annotation for each frame in which somebody is seen."""
    track = number if person.person_id is None else person.person_id
    entries = []
    for frame in np.flatnonzero(person.observed.any(1)).tolist():
        seen = person.observed[frame]
        points = person.points[frame][seen]
        (left, top), (right, bottom) = points.min(0), points.max(0)
        table = np.where(seen[:, None], np.column_stack((person.points[frame], person.confidence[frame])), 0.0)
        entries.append(
            {
                "image_id": frame,
                "category_id": 1,
                "track_id": track,
                "keypoints": np.column_stack((table[:, :2].round(3), table[:, 2].round(6))).ravel().tolist(),
                "num_keypoints": int(seen.sum()),
                "score": round(float(person.confidence[frame][seen].mean()), 6),
                "bbox": [round(float(v), 3) for v in (left, top, right - left, bottom - top)],
                "area": round(float((right - left) * (bottom - top)), 3),
                "iscrowd": 0,
            }
        )
    return entries


def _category() -> dict[str, Any]:
    """COCO's own name for each point, and the lines between them, counted from 1."""
    names = [
        f"{_SIDES[name[0]]}{name[1:]}" if name[1:2] == "_" and name[0] in _SIDES else name for name in COCO_17.joints
    ]
    lines = [[parent + 1, child + 1] for parent, child in COCO_17.bones]
    return {"id": 1, "name": "person", "supercategory": "person", "keypoints": names, "skeleton": lines}

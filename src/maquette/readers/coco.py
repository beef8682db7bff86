"""COCO keypoint results and annotations, AlphaPose's result file, and PoseTrack's (COCO with names and track ids)."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from maquette.errors import InputError, NoPersonError
from maquette.formats.detector_json import CocoFile, CocoImage, CocoResult
from maquette.formats.json_documents import decode_json
from maquette.readers.clip import Clip
from maquette.readers.input_files import frame_numbers, natural_key
from maquette.readers.rows import as_identity, clip_from_rows, equal_lengths
from maquette.readers.skeleton_choice import skeleton_from_count, skeleton_from_names
from maquette.skeleton import Skeleton

_results = msgspec.json.Decoder(list[CocoResult])
_file = msgspec.json.Decoder(CocoFile)

VISIBLE, HIDDEN = 1.0, 0.5
"""Confidence of COCO's visibility flags 2 (labelled and visible) and 1 (labelled, but hidden)."""


def read_results(path: Path, data: bytes, skeleton: Skeleton | None) -> list[Clip]:
    """A list of entries with ``image_id`` and ``keypoints``: COCO results (numbers) or AlphaPose (file names).

    Frames without a person are absent from such a list, so the clip begins with the first and ends with the last
    person. The person's ``score`` (AlphaPose's exceeds 1) is not used; a keypoint's score is its confidence.
    """
    where = str(path)
    results = [entry for entry in decode_json(_results, data, where) if entry.keypoints]
    names = sorted({str(entry.image_id) for entry in results}, key=natural_key)
    number_of, notes = _numbers(names, where)
    return [_clip(results, number_of, list(number_of.values()), where, skeleton, notes, names=None)]


def read_annotations(path: Path, data: bytes, skeleton: Skeleton | None) -> list[Clip]:
    """A COCO annotation file: ``images`` tells all frames and their size, ``categories`` may name the points."""
    where = str(path)
    content = decode_json(_file, data, where)
    entries = [entry for entry in content.annotations if entry.keypoints]
    number_of, notes = _image_numbers(content.images, where)
    strangers = {str(entry.image_id) for entry in entries} - number_of.keys()
    if strangers and content.images:
        raise InputError(f"{where}: annotations name image {sorted(strangers)[0]}, which is not in the list 'images'")
    if not content.images:
        number_of, notes = _numbers(sorted(strangers, key=natural_key), where)
    named = next((category.keypoints for category in content.categories if category.keypoints), None)
    sizes = {(image.width, image.height) for image in content.images}
    facts = {}
    if len(sizes) == 1 and all(side and 0 < side < 1e6 for side in next(iter(sizes))):
        width, height = next(iter(sizes))
        facts["image_size"] = (int(width or 0), int(height or 0))
    return [_clip(entries, number_of, list(number_of.values()), where, skeleton, notes, names=named, **facts)]


def _numbers(names: list[str], where: str) -> tuple[dict[str, int], tuple[str, ...]]:
    """Frame number of each image id, given in natural order."""
    if not names:
        raise NoPersonError(f"{where}: nobody was detected in any frame")
    numbers, note = frame_numbers(names, where)
    return dict(zip(names, numbers, strict=True)), (note,) if note else ()


def _image_numbers(images: list[CocoImage], where: str) -> tuple[dict[str, int], tuple[str, ...]]:
    """Frame number of each image id from its file name, or from the order of the ids when the names have none."""
    if not images:
        return {}, ()
    files = {str(image.id): image.file_name for image in images}
    by_name = {name: key for key, name in files.items() if name}
    if len(by_name) == len(files):
        try:
            numbers, notes = _numbers(sorted(by_name, key=natural_key), where)
        except InputError:
            pass  # pictures of several cameras or folders: their ids are what tells them apart
        else:
            return {by_name[name]: number for name, number in numbers.items()}, notes
    return _numbers(sorted(files, key=natural_key), where)


def _clip(
    entries: list[CocoResult],
    number_of: dict[str, int],
    numbers: list[int],
    where: str,
    skeleton: Skeleton | None,
    notes: tuple[str, ...],
    names: list[str] | None,
    **facts: Any,
) -> Clip:
    rows = [entry.keypoints or [] for entry in entries]
    equal_lengths(rows, where)
    if rows and isinstance(rows[0][0], list):
        rows = [[number for point in row for number in (point if isinstance(point, list) else [point])] for row in rows]
    if any(isinstance(row[0], list) or isinstance(row[-1], list) for row in rows):
        raise InputError(f"{where}: 'keypoints' mixes numbers and lists")
    length = equal_lengths(rows, where)
    if length % 3:
        raise InputError(f"{where}: 'keypoints' has {length} numbers; expected x, y, score for each point")
    try:
        values = np.array(rows, dtype=np.float64).reshape(len(rows), length // 3, 3)
    except (TypeError, ValueError):
        raise InputError(f"{where}: 'keypoints' mixes numbers and lists") from None
    columns: list[int] | None = None
    if names is not None and skeleton is None and len(names) == length // 3:
        joints, columns, left_out = skeleton_from_names(names, where)
        why, notes = "the file names its points", (*notes, *left_out)
    else:
        joints, columns, why = skeleton_from_count(length // 3, skeleton, where)
    confidence = values[..., 2]
    if _are_flags(confidence, certain=names is not None):
        confidence = np.select([confidence == 2, confidence == 1], [VISIBLE, HIDDEN], 0.0)
        notes = (
            *notes,
            f"COCO's visibility flags became confidence: visible {VISIBLE:g}, labelled but hidden {HIDDEN:g}",
        )
    clip = clip_from_rows(
        values[..., :2],
        confidence,
        [number_of[str(entry.image_id)] for entry in entries],
        [as_identity(entry.idx if entry.idx is not None else entry.track_id) for entry in entries],
        numbers,
        skeleton=joints,
        columns=columns,
        skeleton_why=why,
        source=where,
        notes=notes,
        **facts,
    )
    return clip


def _are_flags(third: np.ndarray, certain: bool) -> bool:
    """True when the third values are COCO's flags 0, 1, 2 and not scores."""
    if not np.isin(third, (0, 1, 2)).all():
        return False
    return certain or bool((third == 2).any())

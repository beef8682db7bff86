"""OpenPose JSON, and what looks like it (tf-pose, the Keras port, Pose2Sim, AlphaPose's ``open`` and ``cmu``)."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError, NoPersonError
from maquette.formats.json_documents import decode_json, json_brief
from maquette.formats.openpose_json import Frame, frame_decoder, frames_by_name_decoder, frames_decoder
from maquette.readers.clip import Clip
from maquette.readers.input_files import frame_numbers, natural_key, read_bytes
from maquette.readers.keypoint_arrays import clean, coordinate_unit, place_frames
from maquette.readers.skeleton_choice import check_given, choose_by_geometry
from maquette.skeleton import Skeleton
from maquette.skeletons import BODY_25, BODY_25B, COCO_17, COCO_18, HALPE_26, HALPE_136, OPENPOSE_135
from maquette.track.detections import Detections

_CHUNK = 4096
"""Rows turned into an array at a time; Python's lists of floats take five times the memory of the array."""

_LAYOUTS: dict[int, tuple[tuple[Skeleton, ...], int]] = {
    36: ((COCO_18,), 2),
    51: ((COCO_17,), 3),
    54: ((COCO_18,), 3),
    75: ((BODY_25, BODY_25B), 3),
    78: ((HALPE_26,), 3),
    405: ((OPENPOSE_135,), 3),
    408: ((HALPE_136,), 3),
}
"""Numbers a person -> skeletons it can be (the most usual first), numbers a point."""

_REFUSED = {
    45: "15 points, OpenPose's MPI model, which has no face and no feet; run OpenPose with --model_pose BODY_25",
    30: "15 bare points, the MPI model, which has no face and no feet; run the detector with a COCO or BODY_25 model",
}


def read_folder(folder: Path, names: list[str], skeleton: Skeleton | None) -> list[Clip]:
    """One clip from a folder with one JSON file for each frame.

    Raises:
        InputError: a file that is no pose, truncated or of another layout than the first.
        NoPersonError: nobody in any file.
    """
    numbers, note = frame_numbers(names, str(folder))
    order = sorted(range(len(names)), key=numbers.__getitem__)
    prefix = str(folder / "x")[:-1]

    def frames() -> Iterator[tuple[int, str, Frame]]:
        for i in order:
            where = prefix + names[i]
            data = read_bytes(where)
            frame = decode_json(frame_decoder, data, where)
            if frame.everybody() is None:
                raise InputError(
                    f"{where}: no pose in it: it is {json_brief(data)}; expected OpenPose's JSON with a list 'people'"
                )
            yield numbers[i], where, frame

    return [_clip(frames(), np.array(sorted(numbers)), str(folder), skeleton, (note,) if note else ())]


def read_file(path: Path, data: bytes, skeleton: Skeleton | None) -> list[Clip]:
    """One clip from one document: a frame, a list of frames, or frames by the name of their picture."""
    where = str(path)
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"[":
        listed = decode_json(frames_decoder, data, where)
        found = [(i, f"{where}, item {i}", frame) for i, frame in enumerate(listed)]
    else:
        single = decode_json(frame_decoder, data, where)
        if single.everybody() is not None:
            found = [(0, where, single)]
        else:
            named = decode_json(frames_by_name_decoder, data, where)
            keys = sorted(named, key=natural_key)
            numbers, _ = frame_numbers(keys, where)
            found = sorted(((n, f"{where}, '{k}'", named[k]) for n, k in zip(numbers, keys, strict=True)), key=_number)
    if not found:
        raise NoPersonError(f"{where}: holds no frames, so nobody is in it")
    return [_clip(found, np.array([number for number, _, _ in found]), where, skeleton, ())]


def _number(item: tuple[int, str, Frame]) -> int:
    return item[0]


def _clip(
    frames: Iterable[tuple[int, str, Frame]],
    numbers: np.ndarray,
    where: str,
    skeleton: Skeleton | None,
    notes: tuple[str, ...],
) -> Clip:
    """Clip from decoded frames in ascending order of their ``numbers``."""
    values, row_number, person_id = _gather(frames, where)
    chosen, per_point = person_layout(values.shape[1], where, skeleton)
    points = values.reshape(len(values), -1, per_point)
    if per_point == 2:
        confidence = (points != 0).any(-1).astype(np.float64)
        notes = (*notes, "the files have no confidences: every point that is not 0, 0 counts as certain")
    else:
        confidence = points[..., 2]
        points = points[..., :2]
    # In the scaling to -1..1 the picture's centre is 0, 0: there only the confidence tells what is missing.
    unit = coordinate_unit(np.where(confidence[..., None] > 0, points, np.nan))
    points, confidence, clipped = clean(points, confidence, where, zero_is_missing=unit != "-1..1")
    if len(chosen) == 1:
        joints, why = chosen[0], "the skeleton was given" if skeleton else f"{points.shape[1]} points a person"
    else:
        joints, why = choose_by_geometry(points, chosen, "OpenPose's default, and geometry does not tell")
        notes = (*notes, f"{points.shape[1]} points a person were read as '{joints.name}': {why}")
        why = f"{points.shape[1]} points a person; {why}"
    frame, first, n_frames, placed = place_frames(np.concatenate([row_number, numbers]))
    detections = Detections(frame[: len(row_number)], points, confidence, person_id, n_frames)
    return Clip(
        detections=detections,
        skeleton=joints,
        skeleton_why=why,
        source=where,
        unit=unit,
        first_frame=first,
        notes=(*notes, *clipped, *placed),
    )


def _gather(
    frames: Iterable[tuple[int, str, Frame]], where: str
) -> tuple[Float[np.ndarray, "rows values"], np.ndarray, np.ndarray]:
    """``(values, frame number, person id)`` of everybody in all frames.

    Raises:
        InputError: a document without people, or people of different lengths.
        NoPersonError: nobody at all.
    """
    chunks: list[np.ndarray] = []
    rows: list[list[float]] = []
    row_number: list[int] = []
    person_id: list[int] = []
    length, length_where = 0, ""
    for number, file, frame in frames:
        everybody = frame.people
        if everybody is None:
            everybody = frame.bodies
            if everybody is None:
                raise InputError(f"{file}: no pose in it: it has no key 'people'; expected OpenPose's JSON")
        for person in everybody:
            values = person.pose_keypoints_2d or person.values()
            if not values:
                continue
            if len(values) != length:
                if length:
                    raise InputError(_mixed(length, length_where, len(values), file))
                length, length_where = len(values), file
            rows.append(values)
            row_number.append(number)
            person_id.append(person.identity())
        if len(rows) >= _CHUNK:
            chunks.append(np.array(rows, dtype=np.float64))
            rows = []
    if rows:
        chunks.append(np.array(rows, dtype=np.float64))
    if not chunks:
        raise NoPersonError(f"{where}: nobody was detected in any frame")
    return np.concatenate(chunks), np.array(row_number), np.array(person_id)


def _mixed(length: int, where: str, other_length: int, other_where: str) -> str:
    return (
        f"two layouts in one clip: {where} has {_in_words(length)}, {other_where} has {_in_words(other_length)}; "
        "give each run of the detector a folder of its own"
    )


def _in_words(length: int) -> str:
    if length in _LAYOUTS:
        skeletons, per_point = _LAYOUTS[length]
        return f"{length // per_point} points a person ({skeletons[0].name})"
    return f"{length} numbers a person"


def person_layout(length: int, where: str, skeleton: Skeleton | None) -> tuple[tuple[Skeleton, ...], int]:
    """Skeletons that ``length`` numbers a person can be, and numbers a point.

    Raises:
        InputError: none, or not the one given.
    """
    if skeleton is not None:
        per_point = 3 if length == 3 * len(skeleton) or (length % 3 == 0 and length != 2 * len(skeleton)) else 2
        return (check_given(skeleton, length // per_point, where)[0],), per_point
    if length in _REFUSED:
        raise InputError(f"{where}: {_REFUSED[length]}")
    if length not in _LAYOUTS:
        known = ", ".join(str(n) for n in _LAYOUTS)
        raise InputError(
            f"{where}: {length} numbers a person fit no known layout; expected {known}, or give the skeleton"
        )
    return _LAYOUTS[length]

"""MMPose's JSON: the demo's (``meta_info`` and ``instance_info``) and the Inferencer's bare lists."""

from pathlib import Path

import msgspec
import numpy as np

from maquette.errors import InputError, NoPersonError
from maquette.formats.detector_json import MmposeFile, MmposeFrame, MmposeInstance
from maquette.formats.json_documents import decode_json
from maquette.readers.clip import Clip
from maquette.readers.input_files import frame_numbers, read_bytes
from maquette.readers.rows import as_identity, clip_from_rows, equal_lengths
from maquette.readers.skeleton_choice import choose_by_geometry, skeleton_from_count, skeleton_from_names
from maquette.skeleton import Skeleton
from maquette.skeletons import COCO_17, H36M_17

_demo = msgspec.json.Decoder(MmposeFile)
_frames = msgspec.json.Decoder(list[MmposeFrame])
_people = msgspec.json.Decoder(list[MmposeInstance])


def read_demo(path: Path, data: bytes, skeleton: Skeleton | None) -> list[Clip]:
    """Output of MMPose's demo scripts (``--save-predictions``): the first frame is number 1.

    ``meta_info`` names the points, whatever model was run.
    """
    content = decode_json(_demo, data, str(path))
    names = content.meta_info.keypoint_id2name if content.meta_info else None
    frames = _numbered(content.instance_info)
    if all(number >= 1 for number, _ in frames):
        frames = [(number - 1, people) for number, people in frames]
    return [_clip(frames, str(path), skeleton, names, ())]


def read_video(path: Path, data: bytes, skeleton: Skeleton | None) -> list[Clip]:
    """Output of the Inferencer for a video: a list of frames, numbers count from 0."""
    return [_clip(_numbered(decode_json(_frames, data, str(path))), str(path), skeleton, None, ())]


def read_image(path: Path, data: bytes, skeleton: Skeleton | None) -> list[Clip]:
    """Output of the Inferencer for one picture: a list of people."""
    return [_clip([(0, decode_json(_people, data, str(path)))], str(path), skeleton, None, ())]


def read_folder(folder: Path, names: list[str], skeleton: Skeleton | None) -> list[Clip]:
    """Output of the Inferencer for a folder of pictures: one list of people for each."""
    numbers, note = frame_numbers(names, str(folder))
    frames = []
    for number, name in sorted(zip(numbers, names, strict=True)):
        where = str(folder / name)
        frames.append((number, decode_json(_people, read_bytes(where), where)))
    return [_clip(frames, str(folder), skeleton, None, (note,) if note else ())]


def _numbered(frames: list[MmposeFrame]) -> list[tuple[int, list[MmposeInstance]]]:
    limit = 1 << 53
    if all(frame.frame_id is not None and 0 <= frame.frame_id < limit for frame in frames):
        return [(int(frame.frame_id or 0), frame.instances) for frame in frames]
    return [(i, frame.instances) for i, frame in enumerate(frames)]


def _clip(
    frames: list[tuple[int, list[MmposeInstance]]],
    where: str,
    skeleton: Skeleton | None,
    names: dict[str, str] | None,
    notes: tuple[str, ...],
) -> Clip:
    rows = [(number, person) for number, people in frames for person in people if person.keypoints]
    if not rows:
        raise NoPersonError(f"{where}: nobody was detected in any frame")
    n_points = equal_lengths([person.keypoints for _, person in rows], where, "points a person")
    dims = {len(point) for _, person in rows for point in person.keypoints}
    if dims == {3}:
        raise InputError(f"{where}: holds 3D keypoints (x, y, z); the 2D result of the detector is expected")
    if dims != {2}:
        raise InputError(f"{where}: points have {sorted(dims)} numbers, expected x and y")
    points = np.array([person.keypoints for _, person in rows], dtype=np.float64)
    if all(person.keypoint_scores is None for _, person in rows):
        confidence = np.ones(points.shape[:2])
        notes = (*notes, "the file has no scores: every point counts as certain")
    else:
        scores = [person.keypoint_scores or [] for _, person in rows]
        if equal_lengths(scores, where, "scores a person") != n_points:
            raise InputError(f"{where}: {n_points} points but {len(scores[0])} scores a person; expected one for each")
        confidence = np.array(scores, dtype=np.float64)
    joints, columns, why, left_out = _skeleton(points, skeleton, names, where)
    return clip_from_rows(
        points,
        confidence,
        [number for number, _ in rows],
        [as_identity(p.track_id if p.track_id is not None else p.instance_id) for _, p in rows],
        [number for number, _ in frames],
        skeleton=joints,
        columns=columns,
        skeleton_why=why,
        source=where,
        notes=(*notes, *left_out),
    )


def _skeleton(
    points: np.ndarray, skeleton: Skeleton | None, names: dict[str, str] | None, where: str
) -> tuple[Skeleton, list[int] | None, str, tuple[str, ...]]:
    """``(skeleton, columns, why, notes)``: by the file's names, else by the number of points and geometry."""
    n_points = points.shape[1]
    if skeleton is None and names:
        ordered = [names.get(str(i)) for i in range(n_points)]
        if None not in ordered:
            joints, columns, left_out = skeleton_from_names([name or "" for name in ordered], where)
            return joints, columns, "the file names its points", left_out
    if skeleton is None and n_points == 17:
        joints, why = choose_by_geometry(points, (COCO_17, H36M_17), "the usual model, and geometry does not tell")
        note = f"17 points a person were read as '{joints.name}': {why}"
        return joints, None, f"17 points a person; {why}", (note,)
    return (*skeleton_from_count(n_points, skeleton, where), ())

"""``store.json``: the records of a store as text, and back."""

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

import msgspec
import numpy as np

from maquette.datasets.store_records import ArrayFacts, Recording, Source, StoreRecords, View
from maquette.errors import InputError
from maquette.frozen_arrays import exact_fps
from maquette.geometry.camera import Camera
from maquette.geometry.distortion import DistortionModel
from maquette.skeleton import Skeleton

SCHEMA = "maquette-store/1"
_Noun = TypeVar("_Noun")
_Written = TypeVar("_Written")


class _Skeleton(msgspec.Struct):
    name: str
    joints: list[str]
    parents: list[int]
    mirror_pairs: list[tuple[str, str]]


class _Camera(msgspec.Struct):
    focal_px: tuple[float, float]
    centre_px: tuple[float, float]
    image_size: tuple[int, int]
    R_camera_world: list[list[float]]
    position_world_m: list[float]
    distortion: list[float]
    distortion_model: DistortionModel


class _Source(msgspec.Struct):
    name: str
    skeleton: _Skeleton
    channels: int
    array: ArrayFacts


class _View(msgspec.Struct):
    camera_name: str
    camera: int
    rows: dict[str, tuple[int, int]]


class _Recording(msgspec.Struct):
    subject: str
    action: str
    start: int
    frames: int
    fps: str
    views: list[_View]


class _Document(msgspec.Struct):
    schema: str
    name: str
    skeleton: _Skeleton
    positions: ArrayFacts
    sources: list[_Source]
    cameras: list[_Camera]
    recordings: list[_Recording]
    notes: list[str]


def encode_records(records: StoreRecords) -> bytes:
    """The text of ``store.json``; a camera that several views share is written once."""
    numbers: dict[bytes, int] = {}
    cameras: list[_Camera] = []

    def view_out(view: View) -> _View:
        camera = _camera_out(view.camera)
        key = msgspec.json.encode(camera)
        if key not in numbers:
            numbers[key] = len(cameras)
            cameras.append(camera)
        return _View(view.camera_name, numbers[key], dict(view.rows))

    recordings = [
        _Recording(r.subject, r.action, r.start, r.frames, str(r.fps), [view_out(view) for view in r.views])
        for r in records.recordings
    ]
    sources = [
        _Source(s.name, _skeleton_out(s.skeleton), s.channels, records.keypoints[s.name]) for s in records.sources
    ]
    document = _Document(
        schema=SCHEMA,
        name=records.name,
        skeleton=_skeleton_out(records.skeleton),
        positions=records.positions,
        sources=sources,
        cameras=cameras,
        recordings=recordings,
        notes=list(records.notes),
    )
    return msgspec.json.format(msgspec.json.encode(document), indent=1)


def decode_records(data: bytes, where: str) -> StoreRecords:
    """The records in the text of ``store.json``.

    Args:
        data: the file.
        where: name of the store for the error.

    Raises:
        InputError: no JSON of this schema, or records that contradict each other, all of it at once.
    """
    try:
        document = msgspec.json.decode(data, type=_Document)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{where}: store.json is damaged or of another program ({error}); prepare it again") from None
    if document.schema != SCHEMA:
        raise InputError(f"{where}: schema is {document.schema[:40]!r}, expected {SCHEMA!r}; prepare it again")
    problems: list[str] = []
    skeleton = _noun(problems, _skeleton_in, document.skeleton)
    sources = [_noun(problems, _source_in, source) for source in document.sources]
    cameras = [_noun(problems, _camera_in, camera) for camera in document.cameras]
    arrays = {source.name: source.array for source in document.sources}
    problems += _repeated("2D source", [source.name for source in document.sources])
    problems += _repeated("recording", [f"{r.subject} {r.action}" for r in document.recordings])
    problems += [problem for r in document.recordings for problem in _misfits(r, document, arrays)]
    if not document.recordings:
        problems.append("it holds no recordings")
    if problems:
        raise InputError.from_problems(f"{where}: store.json", problems)
    recordings = tuple(_recording_in(r, cameras) for r in document.recordings)
    assert skeleton is not None
    return StoreRecords(
        document.name,
        skeleton,
        document.positions,
        tuple(source for source in sources if source is not None),
        arrays,
        recordings,
        tuple(document.notes),
    )


def _noun(problems: list[str], build: Callable[[_Written], _Noun], written: _Written) -> _Noun | None:
    try:
        return build(written)
    except InputError as error:
        problems.append(str(error))
        return None


def _repeated(what: str, names: list[str]) -> list[str]:
    return [f"{what} {name} is listed {count} times" for name, count in Counter(names).items() if count > 1]


def _misfits(recording: _Recording, document: _Document, arrays: dict[str, ArrayFacts]) -> list[str]:
    """What of one recording lies outside the arrays, or points nowhere."""
    name = f"{recording.subject} {recording.action}"
    found = []
    if not _inside(recording.start, recording.frames, document.positions):
        end = recording.start + recording.frames
        found.append(f"{name}: rows {recording.start} to {end} of {document.positions.rows} rows of positions")
    try:
        exact_fps(recording.fps)
    except InputError as error:
        found.append(f"{name}: {error}")
    for view in recording.views:
        if not 0 <= view.camera < len(document.cameras):
            found.append(f"{name}: camera number {view.camera} of {len(document.cameras)}")
        for source, (start, frames) in view.rows.items():
            if source not in arrays:
                found.append(f"{name}: points of '{source}', which is no listed 2D source")
            elif not _inside(start, frames, arrays[source]):
                found.append(f"{name}: rows {start} to {start + frames} of {arrays[source].rows} rows of '{source}'")
    found += [f"{name}: {problem}" for problem in _repeated("camera", [v.camera_name for v in recording.views])]
    return found


def _inside(start: int, frames: int, array: ArrayFacts) -> bool:
    return start >= 0 and frames >= 1 and start + frames <= array.rows


def _recording_in(written: _Recording, cameras: list[Camera | None]) -> Recording:
    views = []
    for view in written.views:
        camera = cameras[view.camera]
        assert camera is not None
        views.append(View(view.camera_name, camera, dict(view.rows)))
    fps = exact_fps(written.fps)
    return Recording(written.subject, written.action, written.start, written.frames, fps, tuple(views))


def _source_in(written: _Source) -> Source:
    return Source(written.name, _skeleton_in(written.skeleton), written.channels)


def _skeleton_out(skeleton: Skeleton) -> _Skeleton:
    return _Skeleton(skeleton.name, list(skeleton.joints), list(skeleton.parents), list(skeleton.mirror_pairs))


def _skeleton_in(written: _Skeleton) -> Skeleton:
    return Skeleton(written.name, tuple(written.joints), tuple(written.parents), tuple(written.mirror_pairs))


def _camera_out(camera: Camera) -> _Camera:
    return _Camera(
        focal_px=camera.focal_px,
        centre_px=camera.centre_px,
        image_size=camera.image_size,
        R_camera_world=camera.R_camera_world.tolist(),
        position_world_m=camera.position_world_m.tolist(),
        distortion=list(camera.distortion),
        distortion_model=camera.distortion_model,
    )


def _camera_in(written: _Camera) -> Camera:
    rows = written.R_camera_world
    if len(rows) != 3 or any(len(row) != 3 for row in rows):
        raise InputError("camera: R_camera_world is not 3x3")
    return Camera(
        focal_px=written.focal_px,
        centre_px=written.centre_px,
        image_size=written.image_size,
        R_camera_world=np.array(rows),
        position_world_m=np.array(written.position_world_m),
        distortion=tuple(written.distortion),
        distortion_model=written.distortion_model,
    )

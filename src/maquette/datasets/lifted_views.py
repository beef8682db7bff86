"""Running a lifter on what one camera of a store saw."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from maquette.datasets.store import PoseStore, Recording, View
from maquette.errors import InputError
from maquette.keypoints import Keypoints
from maquette.lifting.lifter import Lifter
from maquette.lifting.published import input_joints, lift_clip, on_skeleton
from maquette.mapping import H36M_17_CONVENTIONS, map_keypoints
from maquette.runtime.spec import ModelSpec
from maquette.skeleton import Skeleton
from maquette.skeletons import H36M_17, MPII_16, get_skeleton

_SAME_RATE = 0.02  # share by which the frame rate may differ from the model's
_HOURGLASS = H36M_17_CONVENTIONS["stacked-hourglass/mpii-16"].rows
"""Joints of MPII under the names that Martinez et al. 2017 read them by."""
_ALL = slice(None)


@dataclass(frozen=True, eq=False)
class LiftedView:
    """What a lifter makes of one camera's 2D."""

    positions_m: Float[np.ndarray, "frames joints 3"]
    """Camera frame, relative to the root; NaN for joints that the model does not give."""
    skeleton: Skeleton


def source_of(store: PoseStore, source: str | None) -> str:
    """The 2D source to read: the one asked for, ``gt`` where there are several, the only one else.

    Raises:
        InputError: the store has no such source, or none at all.
    """
    if source is None and store.sources:
        return "gt" if "gt" in store.sources else next(iter(store.sources))
    if source not in store.sources:
        has = ", ".join(store.sources) or "none"
        raise InputError(f"{store.path}: no 2D source '{source}'; there are: {has}")
    return source


def lift_view(
    lifter: Lifter, store: PoseStore, recording: Recording, view: View, source: str, *, frames: slice = _ALL
) -> LiftedView:
    """The recording as the lifter sees it through one camera, frame by frame (or ``frames`` of it).

    A model of a published system gets its joints as they stand in the store when the source has them at the model's
    frame rate; else, and our own models always, by the way of ``maquette lift``: any 2D format, any rate. The lens and
    the focal length of the camera are known.

    Raises:
        InputError: the camera has no points of the source, or not those that the model needs.
    """
    skeleton = store.sources[source].skeleton
    points = store.keypoints_px(recording, view, source)[: recording.frames][frames]
    if not len(points):
        raise InputError(f"{store.path}: {recording}, camera {view.camera_name}: no frames of '{source}' to lift")
    spec = lifter.spec
    columns = _columns(spec, skeleton) if lifter.published and _same_rate(spec, float(recording.fps)) else None
    channels = lifter.model.channels // len(columns) if columns else 0
    if columns and channels <= points.shape[2]:
        seen = np.asarray(points[:, columns, :channels], dtype=np.float64)
        positions = on_skeleton(lift_clip(lifter.model, seen, view.camera.image_size, flip=lifter.flip), spec)
        return LiftedView(positions - positions[:, :1], get_skeleton(spec.output_skeleton))
    mapped = map_keypoints(_keypoints(store, recording, view, points, skeleton), "landmarks-27")
    motion = lifter(mapped, camera=view.camera)
    return LiftedView(np.array(motion.positions), motion.skeleton)


def _columns(spec: ModelSpec, source: Skeleton) -> list[int] | None:
    """Where the model's joints are in the source; None where they are not the same joints.

    Stacked Hourglass is read as the published programs read it, also for models of exact points.
    """
    wanted = input_joints(spec)
    if source.name == MPII_16.name and spec.input_skeleton == H36M_17.name:
        wanted = [str(_HOURGLASS.get(name, name)) for name in wanted]
    elif source.name != spec.input_skeleton and not (source.name == "h36m-32" and spec.input_skeleton == H36M_17.name):
        return None
    return source.indices(wanted) if all(name in source for name in wanted) else None


def _same_rate(spec: ModelSpec, fps: float) -> bool:
    return spec.window_frames == 1 or abs(fps * spec.window_step_s - 1) < _SAME_RATE


def _keypoints(store: PoseStore, recording: Recording, view: View, points: np.ndarray, skeleton: Skeleton) -> Keypoints:
    scores = points[..., 2] if points.shape[2] > 2 else np.ones(points.shape[:2])
    return Keypoints(
        points=np.asarray(points[..., :2], dtype=np.float64),
        confidence=np.clip(np.nan_to_num(np.asarray(scores, dtype=np.float64)), 0, 1),
        skeleton=skeleton,
        fps=recording.fps,
        image_size=view.camera.image_size,
        source=f"{store.path}: {recording}, camera {view.camera_name}",
    )

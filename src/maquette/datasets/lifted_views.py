"""Running a lifter on what one camera of a store saw."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from maquette.datasets.store import PoseStore, Recording, View
from maquette.errors import InputError
from maquette.keypoints import Keypoints
from maquette.lifting.lifter import Lifter
from maquette.lifting.published import lift_clip, on_skeleton
from maquette.lifting.published_input import is_model_rate, source_columns
from maquette.mapping import map_keypoints
from maquette.skeleton import Skeleton
from maquette.skeletons import get_skeleton

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
    usable = lifter.published and is_model_rate(spec, float(recording.fps))
    columns = source_columns(spec, skeleton) if usable else None
    channels = lifter.model.channels // len(columns) if columns else 0
    if columns and channels <= points.shape[2]:
        seen = np.asarray(points[:, columns, :channels], dtype=np.float64)
        positions = on_skeleton(lift_clip(lifter.model, seen, view.camera.image_size, flip=lifter.flip), spec)
        return LiftedView(positions - positions[:, :1], get_skeleton(spec.output_skeleton))
    mapped = map_keypoints(_keypoints(store, recording, view, points, skeleton), "landmarks-27")
    motion = lifter(mapped, camera=view.camera)
    return LiftedView(np.array(motion.positions), motion.skeleton)


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

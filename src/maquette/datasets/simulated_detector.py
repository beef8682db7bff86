"""A 2D source as a detector would give it: joints of Human3.6M with the mistakes of the training's detector."""

import numpy as np
from jaxtyping import Bool, Float

from maquette.datasets.detector_noise import disturb
from maquette.geometry.camera import Camera
from maquette.skeletons import H36M_17, LANDMARKS_27

_TRUNK = H36M_17.indices(["hip", "l_hip", "r_hip", "spine", "thorax", "l_shoulder", "r_shoulder"])
_WINDOW = 100
"""Frames over which one set of mistakes holds."""


def detected_px(
    rng: np.random.Generator, camera: Camera, positions_world_m: Float[np.ndarray, "frames 17 3"]
) -> Float[np.ndarray, "frames 17 2"]:
    """What a detector might report of the joints, float32 pixels.

    Joints that it loses are filled in over time, relative to the trunk.
    """
    frames = len(positions_world_m)
    longer = max(camera.image_size)
    size = np.array([camera.image_size], dtype=np.float32) / longer
    chosen = LANDMARKS_27.indices(H36M_17.joints)
    points = camera.world_to_camera(positions_world_m)
    picture = np.zeros((frames, len(LANDMARKS_27), 2), dtype=np.float32)
    picture[:, chosen] = (camera.project(points) - np.array(camera.image_size) / 2) / longer
    has = np.zeros((1, 1, len(LANDMARKS_27)), dtype=bool)
    has[..., chosen] = True
    out = np.empty((frames, len(H36M_17), 2), dtype=np.float32)
    seen = np.empty((frames, len(H36M_17)), dtype=bool)
    for start in range(0, frames, _WINDOW):
        part = slice(start, min(start + _WINDOW, frames))
        count = part.stop - part.start
        side = camera.focal_px[0] / longer / points[part, 0, 2].mean()
        noisy, found = disturb(
            rng,
            picture[None, part],
            np.broadcast_to(has, (1, count, len(LANDMARKS_27))).copy(),
            person_side=np.array([side], dtype=np.float32),
            size=size,
            clean_share=0.0,
        )
        out[part], seen[part] = noisy[0][:, chosen], found[0][:, chosen]
    _fill(out, seen, (1 / points[:, 0, 2]).astype(np.float32))
    return out * np.float32(longer) + np.array(camera.image_size, dtype=np.float32) / 2


def _fill(
    points: Float[np.ndarray, "frames 17 2"], seen: Bool[np.ndarray, "frames 17"], size: Float[np.ndarray, " frames"]
) -> None:
    """Lost joints go along with the trunk and keep their place on it, linear in time between the frames that are seen.

    A joint that is never seen keeps its disturbed places.

    Args:
        size: apparent size of the person.
    """
    trunk_seen = seen[:, _TRUNK]
    count = trunk_seen.sum(axis=1)
    middle = (points[:, _TRUNK] * trunk_seen[..., None]).sum(axis=1) / np.maximum(count, 1)[:, None]
    _interpolate(middle, count > 0)
    for joint in range(points.shape[1]):
        if not seen[:, joint].all():
            on_trunk = (points[:, joint] - middle) / size[:, None]
            _interpolate(on_trunk, seen[:, joint])
            points[:, joint] = middle + on_trunk * size[:, None]


def _interpolate(path: Float[np.ndarray, "frames 2"], known: Bool[np.ndarray, " frames"]) -> None:
    """Linear in time, the ends held, in place; a path that is nowhere known stays as it is."""
    if known.any() and not known.all():
        times = np.arange(len(path))
        for axis in range(2):
            path[~known, axis] = np.interp(times[~known], times[known], path[known, axis])

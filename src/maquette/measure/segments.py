"""Axes of parts of the body as the ISB orders them: X forward, Y up, Z to the right (Wu et al. 2002)."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from maquette.geometry.rotations import matrix_from_two_vectors
from maquette.motion import Motion

Paths = Mapping[str, Float[np.ndarray, "frames 3"]]
"""Joint -> its path."""
Vectors = Float[np.ndarray, "frames 3"]
Axes = Float[np.ndarray, "frames 3 3"]
"""Columns are X, Y, Z of the segment in the axes of the motion."""

UP = np.array([0.0, 1.0, 0.0])
PROGRESSION = "way it goes"
"""Key under which :data:`Paths` hold the direction of walking; angles against it need it."""


def paths_of(motion: Motion) -> dict[str, Vectors]:
    """Path of each joint by name, and in the world the direction of walking."""
    paths = {name: motion.positions[:, joint] for joint, name in enumerate(motion.skeleton.joints)}
    if motion.frame == "world" and "hip" in paths:
        paths[PROGRESSION] = progression(motion)
    return paths


def pelvis_axes(at: Paths) -> Axes:
    """Z along the hip joints, Y near the bone from hip to spine."""
    return matrix_from_two_vectors(at["r_hip"] - at["l_hip"], at["spine"] - at["hip"], axes="zy")


def thorax_axes(at: Paths) -> Axes:
    """Y along the bone from spine to thorax, Z near the line of the shoulders."""
    return matrix_from_two_vectors(at["thorax"] - at["spine"], at["r_shoulder"] - at["l_shoulder"], axes="yz")


def thigh_axes(at: Paths, side: str) -> Axes:
    """Y from knee to hip, Z across the plane of hip, knee and ankle; NaN for a straight knee."""
    up = at[f"{side}hip"] - at[f"{side}knee"]
    return matrix_from_two_vectors(up, np.cross(up, at[f"{side}ankle"] - at[f"{side}knee"]), axes="yz")


def seen_from(axes: Axes, vectors: Vectors) -> Vectors:
    """Components of vectors along the axes of a segment."""
    return np.einsum("fij,fi->fj", axes, vectors)


def heading(at: Paths) -> Vectors:
    """Where the pelvis faces: its X axis made level, unit length; NaN where it points up or down."""
    return _level_unit(pelvis_axes(at)[..., 0])


def progression(motion: Motion, *, window_s: float = 1.0, least_mps: float = 0.3) -> Vectors:
    """Unit direction in which the hip goes over the ground: its displacement over a window around each frame.

    NaN where it goes slower than ``least_mps`` on average, and in the camera's frame.
    """
    if motion.frame != "world" or motion.n_frames < 2:
        return np.full((motion.n_frames, 3), np.nan)
    half = max(1, round(0.5 * window_s * float(motion.fps)))
    frames = np.arange(motion.n_frames)
    before, after = np.maximum(frames - half, 0), np.minimum(frames + half, motion.n_frames - 1)
    hip, times_s = motion.joint("hip"), motion.times_s
    moved = (hip[after] - hip[before]) * (1.0 - UP)
    speed = np.linalg.norm(moved, axis=-1) / np.maximum(times_s[after] - times_s[before], 1e-9)
    with np.errstate(invalid="ignore"):
        return np.where((speed >= least_mps)[:, None], _level_unit(moved), np.nan)


def _level_unit(vectors: Vectors) -> Vectors:
    level = vectors * (1.0 - UP)
    length = np.linalg.norm(level, axis=-1, keepdims=True)
    return level / np.where(length > 1e-6, length, np.nan)

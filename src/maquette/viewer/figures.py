"""A motion as meshes: how thick its bones and joints are, and where they lie in one frame."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from maquette.motion import Motion
from maquette.render.look import drawn_bones
from maquette.render.views import scene_positions

_BONE_RADIUS_M = 0.022
_JOINT_RADIUS_M = 0.032
_HEAD = ("nose", "head")
_HEAD_RADIUS_M = 0.055


@dataclass(frozen=True, eq=False)
class FigureShape:
    """What stays the same in all frames of a motion."""

    motion: Motion
    bones: tuple[tuple[int, int], ...]
    bone_radii_m: Float[np.ndarray, " bones"]
    joint_radii_m: Float[np.ndarray, " joints"]
    top_m: float
    """Height that the figure usually reaches."""
    lift_m: float
    """Raises a motion of the camera frame, which knows no ground, so that it stands on the grid."""


def figure_shape(motion: Motion) -> FigureShape:
    """Sizes: fingers are thinner than limbs."""
    skeleton = motion.skeleton
    bones = drawn_bones(skeleton)
    sample = scene_positions(motion, slice(None, None, max(1, motion.n_frames // 500)))
    pairs = np.array(bones, dtype=int).reshape(-1, 2)
    lengths = np.linalg.norm(sample[:, pairs[:, 1]] - sample[:, pairs[:, 0]], axis=-1)
    known = np.where(np.isfinite(lengths).any(axis=0), np.nanmax(np.nan_to_num(lengths, nan=0.0), axis=0), 0.3)
    bone_radii_m = np.clip(0.2 * known, 0.2 * _BONE_RADIUS_M, _BONE_RADIUS_M)
    joint_radii_m = np.full(len(skeleton), 0.3 * _JOINT_RADIUS_M)
    for (parent, child), radius in zip(bones, bone_radii_m, strict=True):
        for joint in (parent, child):
            joint_radii_m[joint] = max(joint_radii_m[joint], radius * _JOINT_RADIUS_M / _BONE_RADIUS_M)
    for index, (parent, child) in enumerate(bones):
        if (skeleton.joints[parent], skeleton.joints[child]) == _HEAD:
            bone_radii_m[index] = joint_radii_m[parent] = joint_radii_m[child] = _HEAD_RADIUS_M
    heights = sample[..., 1][np.isfinite(sample[..., 1])]
    lift_m = -float(heights.min()) if motion.frame == "camera" and len(heights) else 0.0
    return FigureShape(
        motion=motion,
        bones=bones,
        bone_radii_m=bone_radii_m,
        joint_radii_m=joint_radii_m,
        top_m=float(np.quantile(heights, 0.99)) + lift_m if len(heights) else 1.7,
        lift_m=lift_m,
    )


@dataclass(frozen=True, eq=False)
class Placed:
    """Bones and joints of one frame, as transforms of a unit mesh each."""

    bone_positions: Float[np.ndarray, "bones 3"]
    bone_wxyzs: Float[np.ndarray, "bones 4"]
    bone_scales: Float[np.ndarray, "bones 3"]
    joint_positions: Float[np.ndarray, "joints 3"]
    joint_scales: Float[np.ndarray, " joints"]


def place(shape: FigureShape, frame: int, thickness: float = 1.0) -> Placed:
    """One frame, with bones and joints as thick as usual or less so. What is not known has size 0."""
    positions = scene_positions(shape.motion, slice(frame, frame + 1))[0] + [0.0, shape.lift_m, 0.0]
    return placed_at(shape, positions, thickness)


def placed_at(shape: FigureShape, positions: Float[np.ndarray, "joints 3"], thickness: float = 1.0) -> Placed:
    """Joints at given places in metres with Y up, NaN where not known."""
    known = np.all(np.isfinite(positions), axis=-1)
    positions = np.where(known[:, None], positions, 0.0)
    pairs = np.array(shape.bones, dtype=int).reshape(-1, 2)
    along = positions[pairs[:, 1]] - positions[pairs[:, 0]]
    length = np.linalg.norm(along, axis=-1)
    drawn = known[pairs].all(axis=1) & (length > 1e-6)
    radii = np.where(drawn, thickness * shape.bone_radii_m, 0.0)
    return Placed(
        bone_positions=positions[pairs[:, 0]],
        bone_wxyzs=_from_y_axis(along, length, drawn),
        bone_scales=np.stack((radii, np.where(drawn, length, 0.0), radii), axis=-1),
        joint_positions=positions,
        joint_scales=np.where(known, thickness * shape.joint_radii_m, 0.0),
    )


def _from_y_axis(
    along: Float[np.ndarray, "bones 3"], length: Float[np.ndarray, " bones"], drawn: Bool[np.ndarray, " bones"]
) -> Float[np.ndarray, "bones 4"]:
    """Shortest rotations (wxyz) that take the y axis to the given directions."""
    x, y, z = np.moveaxis(along / np.where(drawn, length, 1.0)[:, None], -1, 0)
    quaternions = np.stack((1 + y, z, np.zeros_like(x), -x), axis=-1)
    # Straight down there is no shortest way; round the x axis is as good as any.
    quaternions[~drawn | (y < -1 + 1e-9)] = (0.0, 1.0, 0.0, 0.0)
    return quaternions / np.linalg.norm(quaternions, axis=-1, keepdims=True)

"""Frames of poses as a live session sends them, of the motion of the built-in clip."""

import dataclasses
import time
from functools import cache

import numpy as np

from maquette.demo.choreography import perform
from maquette.demo.run import true_motion
from maquette.geometry.rotations import quat_conjugate, quat_multiply
from maquette.motion import Motion
from maquette.refine.motion_contacts import CONTACT_JOINTS
from maquette.rig.human_pose import human_pose
from maquette.rig.target_rig import HUMANOID_BONES
from maquette.stream.pose_frame import BONE_PARENTS, Humanoid, LivePose, PoseFrame


@cache
def _clip() -> tuple[Motion, np.ndarray, np.ndarray]:
    """The true motion, local rotations of the humanoid's bones, and their offsets at rest."""
    motion = true_motion(perform(30).motion)
    pose = human_pose(motion)
    turns: dict[str, np.ndarray] = {}
    for bone in HUMANOID_BONES:
        if bone in pose.turns:
            turns[bone] = pose.turns[bone]
        else:
            turns[bone] = turns[BONE_PARENTS[bone]]
    local = [
        quat_multiply(quat_conjugate(turns[BONE_PARENTS[bone]]), turns[bone]) if bone in BONE_PARENTS else turns[bone]
        for bone in HUMANOID_BONES
    ]
    offsets = np.zeros((len(HUMANOID_BONES), 3))
    for i, bone in enumerate(HUMANOID_BONES):
        if bone in pose.figure_m and BONE_PARENTS.get(bone) in pose.figure_m:
            offsets[i] = pose.figure_m[bone] - pose.figure_m[BONE_PARENTS[bone]]
    offsets[0] = [0.0, pose.leg_m + 0.08, 0.0]
    return motion, np.stack(local, axis=1), offsets


def clip_length() -> int:
    """Frames of the clip, 30 a second."""
    return _clip()[0].n_frames


def pose_of_clip(person: int, frame: int, shift_m: tuple[float, float] = (0.0, 0.0)) -> LivePose:
    """One pose of the clip, moved over the ground by ``(x, z)``."""
    motion, local, offsets = _clip()
    number = frame % motion.n_frames
    positions = motion.positions[number] + [shift_m[0], 0.0, shift_m[1]]
    if motion.contacts is None:
        contacts = np.zeros(4, dtype=bool)
    else:
        contacts = motion.contacts[number][[motion.contact_joints.index(joint) for joint in CONTACT_JOINTS]]
    return LivePose(
        person,
        positions,
        np.tile([1.0, 0.0, 0.0, 0.0], (21, 1)),
        np.full(21, 0.9),
        np.asarray(contacts, dtype=bool),
        Humanoid(np.ascontiguousarray(local[number]), offsets, positions[0]),
    )


def pose_frame(number: int, people: int = 1, fps: float = 30.0, **changes) -> PoseFrame:
    """A frame in which several people do what the clip does, each later than the one before."""
    poses = tuple(pose_of_clip(i, number + 70 * i, (1.1 * i, -0.6 * (i % 2))) for i in range(people))
    frame = PoseFrame(number, number / fps, time.monotonic() - 0.002, poses)
    return dataclasses.replace(frame, **changes) if changes else frame

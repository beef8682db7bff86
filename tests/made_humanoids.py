"""Live poses of the demo's figure, made by the rigs of animation files: not by the code that makes them live."""

from functools import cache

import numpy as np
from jaxtyping import Float

from maquette.demo.choreography import perform
from maquette.rig.choice import animated
from maquette.rig.target_rig import HUMANOID_BONES
from maquette.skeletons import LIFTED_21
from maquette.stream.pose_frame import Humanoid, LivePose, PoseFrame

JOINT_OF_BONE = {
    "leftUpperLeg": "l_hip", "leftLowerLeg": "l_knee", "leftFoot": "l_ankle",
    "rightUpperLeg": "r_hip", "rightLowerLeg": "r_knee", "rightFoot": "r_ankle",
    "leftUpperArm": "l_shoulder", "leftLowerArm": "l_elbow", "leftHand": "l_wrist",
    "rightUpperArm": "r_shoulder", "rightLowerArm": "r_elbow", "rightHand": "r_wrist",
}  # fmt: skip
"""Bones that stand exactly at a joint of the demo's figure."""


@cache
def demo_humanoids() -> tuple[list[Humanoid], dict[str, Float[np.ndarray, "frames 3"]]]:
    """The demo's ten seconds at 30 frames a second as humanoids, and where the figure's own joints are, in metres."""
    motion = perform(30).motion
    animation = animated(motion, rig="unity", foot_lock=False)
    bones = [animation.names.index(animation.roles[bone]) for bone in HUMANOID_BONES]
    assert animation.rest_rotations is None
    offsets = animation.rest_offsets_m[bones].copy()
    offsets[0] = (0.0, 0.9, 0.0)
    humanoids = [
        Humanoid(rotations=rotations[bones], offsets_m=offsets, hips_m=hips)
        for rotations, hips in zip(animation.rotations, animation.root_positions_m, strict=True)
    ]
    return humanoids, {joint: motion.joint(joint) for joint in JOINT_OF_BONE.values()}


def live_pose(person: int, humanoid: Humanoid, positions_m: Float[np.ndarray, "21 3"] | None = None) -> LivePose:
    """A pose with everything in it; positions are counted up where none are given."""
    joints = len(LIFTED_21)
    if positions_m is None:
        positions_m = np.arange(3.0 * joints).reshape(joints, 3) / 100
    return LivePose(
        person=person,
        positions_m=positions_m,
        rotations=np.tile([1.0, 0.0, 0.0, 0.0], (joints, 1)),
        confidence=np.ones(joints),
        contacts=np.zeros(4, bool),
        humanoid=humanoid,
    )


def t_pose() -> Humanoid:
    """Nobody in particular, at rest, somewhere."""
    humanoids, _ = demo_humanoids()
    return Humanoid(
        rotations=np.tile([1.0, 0.0, 0.0, 0.0], (len(HUMANOID_BONES), 1)),
        offsets_m=humanoids[0].offsets_m,
        hips_m=np.array([0.5, 0.9, -2.0]),
    )


def pose_frame(
    number: int, *poses: LivePose, gone: tuple[int, ...] = (), state: str = "live", fps: float | int = 30
) -> PoseFrame:
    """A frame of a session at an even rate."""
    return PoseFrame(frame=number, time_s=number / fps, arrived_s=0.0, poses=poses, gone=gone, state=state)

"""Local rotations from joint positions.

What positions determine is taken from them; what they leave open is settled by this twist policy:

* hips: the line through the hip joints, upright along the bone to the spine;
* chest: the bone from spine to thorax, turned by the line through the shoulders;
* upper arm and thigh: swing without twist from the shoulder girdle and from the hips, then twist until the plane of the
  bent elbow or knee is the hinge's plane. A limb that is nearly straight has no plane: the twist then fades, over
  10 to 25 degrees of bend, into that of the neighbouring moments (and for legs of the foot, whose toes the kneecap
  follows), and in their absence to no twist, within the ranges of :mod:`maquette.rig.limits`;
* forearm and shin: the hinge alone (pronation is not seen);
* head: the bone from nose to crown, turned by what tells where the face looks: ears, eyes and the tip of the nose where
  the skeleton has them, and how far Human3.6M's nose stands before the line from thorax to crown;
* feet: the line from ankle to toe, rolled by the heel, tempered by the shin; hands follow the forearm, toes the foot.
"""

from typing import Literal

import numpy as np

from maquette.geometry.rotations import quat_continuous
from maquette.motion import Motion
from maquette.rig.limits import limited
from maquette.rig.rest import check_human, rest_offsets_m
from maquette.rig.solve_memory import ClipMemory
from maquette.rig.solve_moments import MomentSolver, rest_figure


def solve_rotations(motion: Motion, *, limits: Literal["twist", "joints", "none"] = "twist") -> Motion:
    """The motion with ``rotations``: of each joint relative to its parent, identity in the T-pose.

    The rotation of a joint turns the bones that leave it towards its children (as in BVH and glTF). Where several
    leave it (hip, thorax, ankle) it is the frame of that part of the body; :func:`maquette.rig.animate` gives each of
    them a joint of its own, so that positions come back exactly. Joints at the ends of limbs follow their parent. A
    rotation is NaN where a position that it depends on is. The module tells the twist policy.

    Args:
        limits: anatomical ranges (:mod:`maquette.rig.limits`). ``"twist"`` bounds only what positions leave open, the
            twist of straight arms and legs, so that positions stay as they are. ``"joints"`` also turns elbows, knees,
            ankles and neck back where the positions bend them further than people can, and moves the positions that
            hang on them (:func:`maquette.rig.limits.limited`). ``"none"`` bounds nothing.

    Raises:
        InputError: the skeleton lacks joints of Human3.6M-17, or a bone is never seen.
    """
    check_human(motion.skeleton)
    # Joints first in memory: each step works on some joints in all frames.
    joints = np.ascontiguousarray(motion.positions.transpose(1, 0, 2))
    rest = rest_figure(motion.skeleton, rest_offsets_m(motion)[:, None])
    solver, memory = MomentSolver(motion.skeleton), ClipMemory(float(motion.fps))
    rotations = solver(joints, rest, memory, limit_twist=limits != "none")
    solved = motion.with_notes(
        "local rotations solved from the positions (twist from the planes of elbows and knees)",
        rotations=quat_continuous(rotations, axis=1).transpose(1, 0, 2),
    )
    return limited(solved) if limits == "joints" else solved

"""Poses as the VMC protocol has them (Virtual Motion Capture, https://protocol.vmc.info/english): OSC for avatars.

One bundle for each frame and person, in this order:

* ``/VMC/Ext/OK ,iiii`` loaded, calibration state, calibration mode, tracking status (version 2.7; older receivers read
  the first one or three),
* ``/VMC/Ext/T ,f`` time of the session in seconds,
* ``/VMC/Ext/Root/Pos ,sfffffff`` ``root``, place x y z, rotation x y z w,
* ``/VMC/Ext/Bone/Pos ,sfffffff`` for each of 22 bones: name (Unity's ``HumanBodyBones``), place in the parent, rotation
  in the parent.

Axes are Unity's: left-handed, Y up, a figure in its T-pose faces +Z with its left hand towards -X. Rotations are those
from the T-pose, as bones have them that are not turned at rest ("normalized": models of VRM 0.x, the control rig of VRM
1.0). The bundle has about 1850 bytes: more than one Ethernet frame holds, so that a network carries it in two pieces,
and less than half of the bundles of 55 bones that the protocol's own sample sends.
"""

from typing import Literal

import numpy as np

from maquette.rig.target_rig import HUMANOID_BONES
from maquette.stream.osc import PreparedBundle, encode_bundle, encode_message
from maquette.stream.pose_frame import Humanoid, PoseFrame

UNITY_BONES: tuple[str, ...] = tuple(bone[0].upper() + bone[1:] for bone in HUMANOID_BONES)
"""``HUMANOID_BONES`` under the names of Unity's ``HumanBodyBones``."""

Root = Literal["still", "hips"]

UNCALIBRATED, WAITING, CALIBRATING, CALIBRATED = 0, 1, 2, 3
"""Calibration states of ``/VMC/Ext/OK``."""
_NORMAL_MODE = 0
_NO_TRANSFORM = (0.0,) * 7


def status(frame: PoseFrame, *, seen: bool, known: bool) -> tuple[int, int, int, int]:
    """The four ints of ``/VMC/Ext/OK``.

    Args:
        frame: tells whether the session is live, or still waiting or calibrating.
        seen: the person is in this frame.
        known: the person was in this frame or an earlier one: bones have been sent.
    """
    if frame.state == "live":
        state = CALIBRATED
    else:
        state = CALIBRATING if seen else WAITING
    return int(known), state, _NORMAL_MODE, int(seen)


def encode_status(frame: PoseFrame, *, known: bool) -> bytes:
    """The bundle of a frame in which the person is not seen: status and time. Receivers keep the last pose."""
    ok = encode_message("/VMC/Ext/OK", *status(frame, seen=False, known=known))
    return encode_bundle([ok, encode_message("/VMC/Ext/T", float(frame.time_s))])


class VmcEncoder:
    """Makes the bundles of one session.

    Args:
        root: ``still`` keeps the root at the origin, and the hips carry the person's path, as place in the root.
            ``hips`` lets the root follow them, and they stay where they are in it at rest: for receivers that take
            rotations alone and place the whole figure by its root, and so keep an avatar's own proportions. Where the
            figure is in the world is the same.
    """

    def __init__(self, root: Root = "still") -> None:
        self._root_moves = root == "hips"
        self._prepared: dict[tuple[int, int, int, int], PreparedBundle] = {}

    def encode(self, frame: PoseFrame, humanoid: Humanoid) -> bytes | None:
        """The bundle of one person; None where a number of the pose is not finite, which no avatar survives."""
        floats = np.empty(1 + 7 * (1 + len(UNITY_BONES)))
        floats[0] = frame.time_s
        transforms = floats[1:].reshape(-1, 7)
        transforms[0] = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
        transforms[1:, :3] = humanoid.offsets_m
        transforms[1, :3] = humanoid.hips_m
        transforms[1:, 3:] = humanoid.rotations[:, [1, 2, 3, 0]]
        if self._root_moves:
            height = float(humanoid.offsets_m[0, 1])
            transforms[0, :3] = humanoid.hips_m
            transforms[0, 1] -= height
            transforms[1, :3] = (0.0, height, 0.0)
        # The mirror image in x: places (-x, y, z), rotations (x, -y, -z, w).
        transforms[:, [0, 4, 5]] *= -1.0
        if not np.isfinite(floats).all():
            return None
        ok = status(frame, seen=True, known=True)
        if ok not in self._prepared:
            self._prepared[ok] = _prepare(ok)
        return self._prepared[ok].fill(floats)


def _prepare(ok: tuple[int, int, int, int]) -> PreparedBundle:
    """A bundle with a status and everything else to be filled in."""
    bones = [("/VMC/Ext/Bone/Pos", (bone, *_NO_TRANSFORM)) for bone in UNITY_BONES]
    return PreparedBundle(
        [("/VMC/Ext/OK", ok), ("/VMC/Ext/T", (0.0,)), ("/VMC/Ext/Root/Pos", ("root", *_NO_TRANSFORM)), *bones]
    )

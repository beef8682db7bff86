"""The poses of everybody who is followed, as they go out."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from maquette.rig.target_rig import BONE_PARENTS

__all__ = ["BONE_PARENTS", "Humanoid", "LivePose", "PoseFrame"]


@dataclass(frozen=True, eq=False)
class Humanoid:
    """A pose as the humanoids of Unity and VRM take it: rotations relative to a T-pose that faces +Z.

    World axes: right-handed, Y up, metres; all rotations of the T-pose are the identity.
    """

    rotations: Float[np.ndarray, "22 4"]
    """Of each of :data:`maquette.rig.target_rig.HUMANOID_BONES` in its parent (:data:`BONE_PARENTS`): unit
    quaternions wxyz."""
    offsets_m: Float[np.ndarray, "22 3"]
    """Place of each bone's joint in its parent at rest, in metres; of the hips, their height over the ground."""
    hips_m: Float[np.ndarray, "3"]
    """Where the hips are in the world."""


@dataclass(frozen=True, eq=False)
class LivePose:
    """One person at one moment: right-handed world with Y up, the ground at y = 0, metres."""

    person: int
    """Stays the same for as long as the person is followed, and is given again when they come back within seconds;
    nobody else ever gets it."""
    positions_m: Float[np.ndarray, "21 3"]
    """Of the joints of ``maquette-21``."""
    rotations: Float[np.ndarray, "21 4"]
    """Local rotations as in :attr:`maquette.motion.Motion.rotations`."""
    confidence: Float[np.ndarray, " 21"]
    """Of the keypoints that the joints come from, 0 to 1; 0 where the picture did not show the joint."""
    contacts: Bool[np.ndarray, " 4"]
    """Whether left heel, left toe, right heel, right toe stand (``refine.motion_contacts.CONTACT_JOINTS``)."""
    humanoid: Humanoid


@dataclass(frozen=True, eq=False)
class PoseFrame:
    """Everybody who is followed, at the time of one picture."""

    frame: int
    """Counts the frames of the session from 0."""
    time_s: float
    """When the picture was taken, in seconds since the session's first; strictly increasing."""
    arrived_s: float
    """When its keypoints came in, by ``time.monotonic()``."""
    poses: tuple[LivePose, ...] = ()
    """The person followed first comes first; empty while nobody is seen."""
    gone: tuple[int, ...] = ()
    """Persons who were followed until now and are given up."""
    state: str = "live"
    """``waiting`` until somebody has been seen, ``calibrating`` during the first seconds after that, then ``live``."""
    notes: tuple[str, ...] = field(default=())
    """What was decided with this frame, one sentence each: calibrated, somebody came, somebody took over."""

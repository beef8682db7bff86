"""The animation that files hold, as asked for: which rig, which rest pose, where the root goes, feet that stand."""

from pathlib import Path
from typing import Literal

from maquette.motion import Motion
from maquette.rig.animate import animate
from maquette.rig.animation_rig import RigAnimation
from maquette.rig.target_rig import Rig


def animated(
    motion: Motion,
    *,
    rig: str | Path | Rig | None = None,
    rest_pose: Literal["T", "A"] = "T",
    root_motion: Literal["travel", "in-place"] = "travel",
    foot_lock: bool | None = None,
) -> RigAnimation:
    """The motion on a rig, ready for an animation file.

    Args:
        motion: one person; of a skeleton that is not Human3.6M's, see :func:`maquette.rig.animate`.
        rig: name of one of :data:`maquette.rig.rigs.RIGS`, a ``.bvh``, ``.glb`` or ``.vrm`` file, or a rig; None is
            ``maquette``.
        rest_pose: arms level or lowered in the rest pose; a rig from a file keeps its own.
        root_motion: ``"in-place"`` keeps the root above one spot.
        foot_lock: feet do not move while they stand; None does so on rigs whose proportions are not the person's.

    Raises:
        InputError: the rig is unknown or lacks bones of a person; or its file cannot be read.
        OutputError: the motion has unknown joints, or no rotations that its skeleton needs.
    """
    return animate(motion)

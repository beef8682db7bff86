"""The animation that files hold, as asked for: which rig, which rest pose, where the root goes, feet that stand."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from maquette.errors import InputError
from maquette.geometry.kinematics import local_rotations
from maquette.motion import Motion
from maquette.rig.animate import animate
from maquette.rig.animation_rig import RigAnimation
from maquette.rig.foot_lock import lock_feet
from maquette.rig.human_pose import has_human_rotations, human_pose, rig_of_animation
from maquette.rig.rest import is_human
from maquette.rig.rest_pose import with_rest_pose
from maquette.rig.retarget import pose_to_rig, same_proportions
from maquette.rig.rig_contacts import with_contacts
from maquette.rig.rig_file import SUFFIXES, read_rig
from maquette.rig.rigs import RIGS
from maquette.rig.rigs_person import person_rig, whole_pose
from maquette.rig.root_motion import in_place, on_ground
from maquette.rig.t_pose import t_pose
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

    Rotations of the motion are used where it has them; otherwise they are solved from a person's joints
    (:func:`maquette.rig.human_motion.human_motion`).

    Args:
        motion: one person.
        rig: name of one of :data:`maquette.rig.rigs.RIGS`, a ``.bvh``, ``.glb`` or ``.vrm`` file, or a rig. None keeps
            the rig of a motion that has one of its own, and is ``maquette`` for others.
        rest_pose: arms level or lowered in the rest pose; a rig from a file keeps its own.
        root_motion: ``"in-place"`` keeps the root above one spot.
        foot_lock: feet do not move while they stand (:func:`maquette.rig.foot_lock.lock_feet`). None does so on rigs
            whose proportions are not the person's, and for motions that a network lifted, if the motion says when feet
            stand: their feet creep by centimetres. Recorded motions keep their exact positions on rigs of their own
            proportions.

    Raises:
        InputError: the rig is unknown or lacks bones of a person; its file cannot be read; or the motion is no human
            figure, and is to go on another rig than its own.
        OutputError: the motion has unknown joints, or no rotations that its skeleton needs.
    """
    if rig is None and not is_human(motion.skeleton) and motion.rotations is not None:
        animation = animate(motion)
        figure, is_foreign = _own_rig(animation) if foot_lock else None, False
    else:
        wanted = "maquette" if rig is None else rig
        animation, figure, is_foreign = _on_rig(_with_rotations(motion), wanted, rest_pose)
    if figure is not None and (foot_lock or (foot_lock is None and (is_foreign or _is_lifted(motion)))):
        animation = _standing_at_rest(animation, figure, lambda standing: lock_feet(with_contacts(standing)))
    if root_motion == "in-place":
        animation = in_place(animation)
    return animation


def _is_lifted(motion: Motion) -> bool:
    """Whether a network made the motion, and it says when feet stand on the ground."""
    standing = motion.contacts is not None and bool(motion.contacts.any())
    return motion.model is not None and motion.frame == "world" and standing


def _with_rotations(motion: Motion) -> Motion:
    """A motion whose rotations can be used, or whose joints they can be solved for."""
    if is_human(motion.skeleton) or has_human_rotations(motion):
        return motion
    from maquette.rig.human_motion import human_motion

    return human_motion(motion)


def _own_rig(animation: RigAnimation) -> Rig | None:
    """The rig of an animation on its own figure; None where that is nobody's."""
    return rig_of_animation(animation, animation.rig) if animation.roles else None


def _on_rig(
    motion: Motion, rig: str | Path | Rig, rest_pose: Literal["T", "A"]
) -> tuple[RigAnimation, Rig | None, bool]:
    """``(animation, its rig, whether the rig's proportions are not the person's)``."""
    if isinstance(rig, str) and rig in RIGS:
        animation = _on_named(motion, rig)
        if rest_pose == "A":
            animation = with_rest_pose(animation, "A")
        return animation, _own_rig(animation), False
    if not isinstance(rig, Rig):
        if not Path(rig).suffix and not Path(rig).exists():
            raise InputError(f"no rig is called '{rig}'; there are {', '.join(RIGS)}, or give a file ({SUFFIXES})")
        rig = read_rig(rig)
    pose = human_pose(motion)
    if not pose.animation.contacts:
        pose = dataclasses.replace(pose, animation=_standing_at_rest(pose.animation, pose.rig, with_contacts))
    animation = pose_to_rig(pose, rig)
    if same_proportions(pose, rig):
        return animation, rig, False
    return _standing_at_rest(animation, rig, on_ground), rig, True


def _on_named(motion: Motion, name: str) -> RigAnimation:
    """On a named rig in the person's size."""
    if name == "maquette" and is_human(motion.skeleton):
        return animate(motion)
    pose = whole_pose(human_pose(motion))
    return pose_to_rig(pose, person_rig(name, pose), bend_neck=False)


def _standing_at_rest(
    animation: RigAnimation, rig: Rig, change: Callable[[RigAnimation], RigAnimation]
) -> RigAnimation:
    """``change`` of an animation whose rest pose is a T-pose for as long as that takes: where the sole of a foot is, is
    told by the rest pose, and that of a file may be any."""
    orientations, _ = t_pose(rig)
    local = local_rotations(animation.parents, orientations)
    changed = change(dataclasses.replace(animation, rest_rotations=local))
    return dataclasses.replace(changed, rest_rotations=animation.rest_rotations)

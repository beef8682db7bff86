"""What a program has read, beside what was written: the numbers of the conformance table."""

from dataclasses import dataclass, replace

import numpy as np

from maquette.motion import Motion
from maquette.rig.animation_rig import RigAnimation
from maquette.rig.forward import node_positions_m

FEWEST = 9
"""Joints that must be found, so that a row compares a body; OpenSim's model without arms has nine."""


@dataclass(frozen=True)
class Seen:
    """A file as another program understands it, in metres and Y up."""

    program: str
    """Name and version."""
    names: tuple[str, ...]
    positions_m: np.ndarray
    """(frames, names, 3), NaN where missing."""
    rest_m: np.ndarray | None
    """(names, 3) in the rest pose, where the format has one."""
    eulers_deg: np.ndarray | None
    """(frames, names, 3), where the format has them; of OpenSim (frames, coordinates, 1)."""
    fps: float
    """Rate in the file; what the reader was told where a file has none."""

    @classmethod
    def load(cls, path: str) -> "Seen":
        """What a script of this folder has stored."""
        with np.load(path) as stored:
            optional = {name: stored[name] if name in stored else None for name in ("rest_m", "eulers_deg")}
            names = tuple(str(name) for name in stored["names"])
            return cls(str(stored["program"]), names, stored["positions_m"], fps=float(stored["fps"]), **optional)


def joint_error_mm(seen: Seen, motion: Motion, animation: RigAnimation | None) -> float:
    """Largest distance in any frame between a joint of the motion and what the program has in its place.

    Joints of animations are looked for at the nodes of the rig (:attr:`RigAnimation.places`), others by name.
    """
    wanted = {}
    for joint in motion.skeleton.joints:
        node = joint
        if animation is not None:
            index, is_tip = animation.places.get(joint, (-1, True))
            node = "" if is_tip else animation.names[index]
        wanted.setdefault(node, motion.joint(joint))
    return _largest_mm(seen, wanted)


def node_error_mm(seen: Seen, animation: RigAnimation) -> float:
    """Largest distance in any frame between a joint of the rig and where the program has it: for figures of other
    proportions than the person's."""
    positions, _ = node_positions_m(animation)
    return _largest_mm(seen, dict(zip(animation.names, np.moveaxis(positions, 1, 0), strict=True)))


def _largest_mm(seen: Seen, wanted: dict[str, np.ndarray]) -> float:
    place = {name: i for i, name in enumerate(seen.names)}
    worst_mm, found = 0.0, 0
    for name, truth in wanted.items():
        if name not in place:
            continue
        found += 1
        read = seen.positions_m[:, place[name]]
        if len(read) != len(truth):
            raise SystemExit(f"{seen.program}: {len(read)} frames, expected {len(truth)}")
        missing = np.isnan(truth).any(axis=-1)
        if not np.isnan(read[missing]).all():
            raise SystemExit(f"{seen.program}: {name} is there in frames where it is missing")
        if np.isnan(read[~missing]).any():
            raise SystemExit(f"{seen.program}: {name} is missing in frames where it is there")
        if (~missing).any():
            worst_mm = max(worst_mm, 1000 * float(np.linalg.norm(read - truth, axis=-1)[~missing].max()))
    if found < FEWEST:
        raise SystemExit(f"{seen.program}: only {found} joints found among {seen.names}")
    return worst_mm


def rest_pose(seen: Seen, animation: RigAnimation) -> str:
    """``T``, or what is wrong with the rest pose: arms level and to the sides, left at +x, legs down, toes forward."""
    if seen.rest_m is None:
        return "-"
    at = {bone: seen.rest_m[seen.names.index(name)] for bone, name in animation.roles.items() if name in seen.names}
    wrong = []
    for side, sign in (("left", 1.0), ("right", -1.0)):
        arm = at[f"{side}Hand"] - at[f"{side}UpperArm"]
        if arm[0] * sign < 0.99 * np.linalg.norm(arm):
            wrong.append(f"{side} arm")
        leg = at[f"{side}Foot"] - at[f"{side}UpperLeg"]
        if -leg[1] < 0.99 * np.linalg.norm(leg):
            wrong.append(f"{side} leg")
        if f"{side}Toes" in at and at[f"{side}Toes"][2] - at[f"{side}Foot"][2] < 0.05:
            wrong.append(f"{side} foot")
    return "T" if not wrong else f"not T: {', '.join(wrong)}"


def own_rest(seen: Seen, animation: RigAnimation) -> str:
    """``the file's``, or how far the program's rest pose is from that of the rig, both from the root."""
    if seen.rest_m is None:
        return "-"
    still = replace(
        animation,
        rotations=np.tile([1.0, 0, 0, 0], (1, len(animation.names), 1))
        if animation.rest_rotations is None
        else animation.rest_rotations[None],
        root_positions_m=np.zeros((1, 3)),
    )
    at = dict(zip(animation.names, node_positions_m(still)[0][0], strict=True))
    shared = [name for name in seen.names if name in at]
    read = seen.rest_m[[seen.names.index(name) for name in shared]] - seen.rest_m[seen.names.index(animation.names[0])]
    off_mm = 1000 * float(np.linalg.norm(read - np.array([at[name] for name in shared]), axis=-1).max())
    return "the file's" if off_mm < 0.1 else f"{off_mm:.1f} mm off"


def largest_jump_deg(seen: Seen, animation: RigAnimation | None) -> str:
    """Largest change of an angle from frame to frame beyond the turn of the joint itself, as text; ``none`` without."""
    if seen.eulers_deg is None:
        return "-"
    if np.ptp(seen.eulers_deg, axis=0).max() < 20:
        raise SystemExit(f"{seen.program}: no angle moves by 20 degrees; are they in degrees?")
    steps = np.abs(np.diff(seen.eulers_deg, axis=0)).max(axis=-1)
    # Near the pole of an order angles may turn faster than the joint; a jump is a half or a whole turn.
    beyond = np.where(steps > 150, steps, 0.0)
    if animation is not None:
        cosine = np.abs((animation.rotations[1:] * animation.rotations[:-1]).sum(axis=-1)).clip(0, 1)
        turn_deg = np.degrees(2 * np.arccos(cosine))
        for column, name in enumerate(seen.names):
            if name in animation.names:
                beyond[:, column] -= turn_deg[:, animation.names.index(name)]
    worst = float(beyond.max(initial=0.0))
    return "none" if worst < 90 else f"{worst:.0f} deg"

"""Where an animation goes: above one spot, and with its feet on the ground."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from maquette.geometry.rotations import quat_rotate
from maquette.refine.motion_contacts import REST_HEIGHT_M
from maquette.rig.animation_rig import RigAnimation
from maquette.rig.foot_stands import contact_kind, rig_foot
from maquette.rig.forward import node_positions_m

_GROUNDED_SHARE = 1.0
"""Percentile of the heights of the lowest foot that is on the ground when no contacts are known."""


def in_place(animation: RigAnimation) -> RigAnimation:
    """The root above the origin throughout; its height, all rotations and all times stay."""
    root = animation.root_positions_m * np.array([0.0, 1.0, 0.0])
    note = "root kept above one spot: its way over the ground is taken out"
    return replace(animation, root_positions_m=root, notes=(*animation.notes, note))


def on_ground(animation: RigAnimation) -> RigAnimation:
    """The whole animation raised or lowered so that standing feet are on y = 0, on this rig.

    The sole of a foot is as far below its heel, ball or ankle as a person's. Its median height over the frames in which
    it stands counts, so that a start pose in the air or one step up moves nothing; without contacts the first
    percentile of the lowest foot over the frames. Rigs without joints in the roles of legs, and animations without
    frames, come back as they are.
    """
    height = _usual_sole_m(animation)
    if height is None:
        return animation
    way = "down" if height > 0 else "up"
    note = f"moved {100 * abs(height):.1f} cm {way} so that standing feet are on the ground"
    return replace(
        animation, root_positions_m=animation.root_positions_m - [0.0, height, 0.0], notes=(*animation.notes, note)
    )


def _usual_sole_m(animation: RigAnimation) -> float | None:
    if not len(animation.rotations):
        return None
    soles = _sole_heights_m(animation)
    if not soles:
        return None
    stands = [
        soles[joint[0], kind][first : last + 1]
        for joint, spans in animation.contacts.items()
        if (kind := contact_kind(joint)) is not None and (joint[0], kind) in soles
        for first, last in spans
    ]
    if stands:
        return float(np.median(np.concatenate(stands)))
    lowest = np.min([height for (_, kind), height in soles.items() if kind != "ankle"], axis=0)
    return float(np.percentile(lowest, _GROUNDED_SHARE))


def _sole_heights_m(animation: RigAnimation) -> dict[tuple[str, str], Float[np.ndarray, " frames"]]:
    """Height of the sole under each point of the feet, by side letter and kind."""
    places, turns = node_positions_m(animation)
    heights = {}
    for foot in (rig_foot(animation, side) for side in ("left", "right")):
        if foot is not None:
            for kind, point in foot.points_m.items():
                at = places[:, foot.foot] + quat_rotate(turns[:, foot.foot], point)
                heights[foot.side, kind] = at[:, 1] - REST_HEIGHT_M[kind]
    return heights

"""When the feet of an animation stand, for clips that came without contacts."""

import dataclasses

import numpy as np

from maquette.geometry.rotations import quat_rotate
from maquette.refine.motion_contacts import contact_runs, detect_contacts, rest_heights_m
from maquette.rig.animation_rig import RigAnimation
from maquette.rig.foot_stands import rig_foot
from maquette.rig.forward import node_positions_m


def with_contacts(animation: RigAnimation) -> RigAnimation:
    """The animation with the stands of its heels and balls (:func:`maquette.refine.motion_contacts.detect_contacts`);
    one that has contacts, or no legs, comes back as it is.

    Its rest pose must be a T-pose, which tells where heels and balls are.
    """
    feet = [foot for foot in (rig_foot(animation, side) for side in ("left", "right")) if foot is not None]
    if animation.contacts or not feet or len(animation.rotations) < 2:
        return animation
    places, turns = node_positions_m(animation)
    joints = tuple(f"{foot.side}_{kind}" for foot in feet for kind in ("heel", "toe"))
    paths = np.stack(
        [
            places[:, foot.foot] + quat_rotate(turns[:, foot.foot], foot.points_m[kind])
            for foot in feet
            for kind in ("heel", "toe")
        ]
    )
    found = detect_contacts(paths, np.array([0.0, 1.0, 0.0]), float(animation.fps), rest_heights_m(joints))
    stands: dict[str, list[list[int]]] = {joint: [] for joint in joints}
    for number, start, stop in contact_runs(found):
        stands[joints[number]].append([start, stop - 1])
    return dataclasses.replace(animation, contacts=stands, notes=(*animation.notes, "stands of the feet were detected"))

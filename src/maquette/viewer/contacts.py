"""Feet that stand on the ground: green rings under them."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool

from maquette.render.look import Rgb
from maquette.viewer.colours import linear
from maquette.viewer.figures import FigureShape, Placed
from maquette.viewer.meshes import washer

if TYPE_CHECKING:
    import viser

_COLOUR: Rgb = (30, 160, 84)
_RADIUS_M = 0.075
_ABOVE_GROUND_M = 0.004
"""So that the ring does not flicker with the grid."""


class Contacts:
    """The rings of one motion."""

    def __init__(self, server: "viser.ViserServer", path: str, shape: FigureShape) -> None:
        motion = shape.motion
        self._contacts = motion.contacts
        self._joints = motion.skeleton.indices(motion.contact_joints)
        count = len(self._joints)
        self.node = server.scene.add_batched_meshes_simple(
            f"{path}/contacts",
            *washer(),
            batched_wxyzs=np.tile([1.0, 0.0, 0.0, 0.0], (count, 1)),
            batched_positions=np.zeros((count, 3)),
            batched_scales=np.zeros(count),
            batched_colors=linear(np.array([_COLOUR], dtype=np.uint8))[0],
            side="double",
            lod="off",
            cast_shadow=False,
        )

    def show(self, frame: int, placed: Placed) -> None:
        """Send one frame."""
        if self._contacts is not None:
            self.put(self._contacts[frame], placed)

    def put(self, standing: Bool[np.ndarray, " feet"], placed: Placed) -> None:
        """Send which of the feet stand."""
        if not self.node.visible:
            return
        known = placed.joint_scales[self._joints] > 0
        places = placed.joint_positions[self._joints]
        places[:, 1] = _ABOVE_GROUND_M
        self.node.batched_positions = places
        self.node.batched_scales = np.where(standing & known, _RADIUS_M, 0.0)

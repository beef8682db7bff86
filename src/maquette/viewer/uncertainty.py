"""How sure the joints are: translucent balls of two standard deviations around them."""

from typing import TYPE_CHECKING

import numpy as np

from maquette.render.look import joint_sides, side_colours
from maquette.viewer.colours import linear
from maquette.viewer.figures import FigureShape, Placed
from maquette.viewer.meshes import ball

if TYPE_CHECKING:
    import viser

SIGMAS = 2.0
_LARGEST_M = 1.0
"""Beyond this a ball would hide everything else."""


class Uncertainty:
    """The balls of one motion. A motion knows one standard deviation for all directions, so they are round."""

    def __init__(self, server: "viser.ViserServer", path: str, shape: FigureShape) -> None:
        count = shape.motion.n_joints
        self._shape = shape
        self.node = server.scene.add_batched_meshes_simple(
            f"{path}/uncertainty",
            *ball(10),
            batched_wxyzs=np.tile([1.0, 0.0, 0.0, 0.0], (count, 1)),
            batched_positions=np.zeros((count, 3)),
            batched_scales=np.zeros(count),
            batched_colors=linear(side_colours(joint_sides(shape.motion.skeleton))),
            opacity=0.25,
            lod="off",
            cast_shadow=False,
            receive_shadow=False,
        )

    def show(self, frame: int, placed: Placed) -> None:
        """Send one frame."""
        sigma_m = self._shape.motion.sigma_m
        if sigma_m is None or not self.node.visible:
            return
        # A guess has an infinite sigma, and a ball around everything would only hide the figure: the page says it.
        radii_m = np.where(np.isfinite(sigma_m[frame]), np.minimum(SIGMAS * sigma_m[frame], _LARGEST_M), 0.0)
        self.node.batched_positions = placed.joint_positions
        self.node.batched_scales = np.where(placed.joint_scales > 0, radii_m, 0.0)

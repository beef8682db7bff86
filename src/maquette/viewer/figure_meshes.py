"""The bones and joints of one figure as nodes of the scene."""

from typing import TYPE_CHECKING

import numpy as np

from maquette.viewer.colours import Paint
from maquette.viewer.figures import Placed
from maquette.viewer.meshes import ball, cylinder

if TYPE_CHECKING:
    import viser


class FigureMeshes:
    """Scaled copies of a cylinder and of a ball under one path.

    Args:
        path: of the node that they hang on.
        placed: where they are at first; how many they are does not change.
    """

    def __init__(self, server: "viser.ViserServer", path: str, placed: Placed, paint: Paint) -> None:
        self.bones = server.scene.add_batched_meshes_simple(
            f"{path}/bones",
            *cylinder(),
            batched_wxyzs=placed.bone_wxyzs,
            batched_positions=placed.bone_positions,
            batched_scales=placed.bone_scales,
            batched_colors=paint.bones,
            lod="off",
        )
        self.joints = server.scene.add_batched_meshes_simple(
            f"{path}/joints",
            *ball(),
            batched_wxyzs=np.tile([1.0, 0.0, 0.0, 0.0], (len(placed.joint_positions), 1)),
            batched_positions=placed.joint_positions,
            batched_scales=placed.joint_scales,
            batched_colors=paint.joints,
            lod="off",
        )

    def put(self, placed: Placed) -> None:
        """Send where they are now."""
        self.bones.batched_positions = placed.bone_positions
        self.bones.batched_wxyzs = placed.bone_wxyzs
        self.bones.batched_scales = placed.bone_scales
        self.joints.batched_positions = placed.joint_positions
        self.joints.batched_scales = placed.joint_scales

    def paint(self, paint: Paint) -> None:
        """Send other colours."""
        self.bones.batched_colors = paint.bones
        self.joints.batched_colors = paint.joints

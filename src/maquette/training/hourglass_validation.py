"""What validations of networks of pictures measure: joints missed, poses in millimetres, the geometry of bodies."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from maquette.detect.heatmaps import Refinement, at_cells, decode
from maquette.evaluate.hourglass import constant_skeleton, heatmap_accuracy, with_torso
from maquette.skeletons import MPII_16

_PELVIS = MPII_16.index("pelvis")


@dataclass
class JointsMissed:
    """100 less the accuracy that was published of trainings: the mean over ten joints of the share whose highest cell
    is within 5 % of the side from that of the target."""

    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)
    side: int = 0

    def add(
        self,
        heatmaps: Float[np.ndarray, "n joints side side"],
        target: Float[np.ndarray, "n joints side side"],
        visible: Bool[np.ndarray, "n joints"],
    ) -> None:
        found, truth = decode(heatmaps, "none").cells, decode(target, "none").cells
        there = visible & (target.max(axis=(2, 3)) > 0)
        self.parts.append((found.astype(float), truth.astype(float), there))
        self.side = heatmaps.shape[-1]

    def percent(self) -> float:
        """Of all that was added; NaN where there is no joint."""
        found, truth, there = (np.concatenate(part) for part in zip(*self.parts, strict=True))
        return 100 * (1 - heatmap_accuracy(found, truth, there, side=self.side).mean)


def pose_errors_mm(
    heatmaps: Float[np.ndarray, "n joints side side"],
    depth: Float[np.ndarray, "n joints *map"],
    truth: Float[np.ndarray, "n joints 3"],
    *,
    depth_cells: float,
    length_mm: float,
    refine: Refinement,
) -> Float[np.ndarray, "n 2"]:
    """MPJPE, and the mean error along the camera's axis, of poses about the pelvis whose bones have one total length.
    The thorax counts for nothing: in both it is put between pelvis and neck, for sources differ in what they call so.

    Args:
        depth: of each joint, or maps of it, which are read where the heatmap is highest.
        truth: in the camera's frame, millimetres.
        depth_cells: cells of a depth of 1.
    """
    decoded = decode(heatmaps, refine)
    flat = np.where(np.isnan(decoded.points), decoded.cells + 0.5, decoded.points)
    depths = at_cells(depth, decoded.cells) if depth.ndim > 2 else depth
    joints = np.concatenate([flat, depths[..., None] * depth_cells], axis=-1)
    away = constant_skeleton(joints, length_mm) - with_torso(truth - truth[:, [_PELVIS]])
    return np.stack([np.linalg.norm(away, axis=-1).mean(axis=1), np.abs(away[..., 2]).mean(axis=1)], axis=-1)

"""The square around a person that the 3D pose machine sees, and 2D points as shares of its side.

How the published squares were cut is not documented; only that points are shares of the side. Here a square stands
around the known joints of one picture: its centre is that of their bounding box, and its side the longer side of the
box and a margin at both ends. So a person fills the square alike at any distance, which is what lets the network say
from a 3D pose alone where its points lie.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64

from maquette.errors import InputError
from maquette.mapping import TO_H36M_16
from maquette.skeleton import Skeleton
from maquette.skeletons import H36M_16

MARGIN = 0.15
"""Of the longer side of the joints' bounding box, at each end: hands and hair stand beyond the joints."""
_SMALLEST_PX = 1.0


@dataclass(frozen=True, eq=False)
class Squares:
    """A square in each of several pictures."""

    boxes: Float64[np.ndarray, "rows 3"]
    """Left, top and side in pixels."""

    def shares(self, points_px: Float[np.ndarray, "rows joints 2"]) -> Float64[np.ndarray, "rows joints 2"]:
        """Pixels to shares of the side, from the top left corner of the square."""
        return (points_px - self.boxes[:, None, :2]) / self.boxes[:, None, 2:]

    def points_px(self, shares: Float[np.ndarray, "rows joints 2"]) -> Float64[np.ndarray, "rows joints 2"]:
        """The way back."""
        return shares * self.boxes[:, None, 2:] + self.boxes[:, None, :2]


def squares_around(
    points_px: Float[np.ndarray, "rows joints 2"],
    visible: Bool[np.ndarray, "rows joints"],
    *,
    margin: float | int = MARGIN,
) -> Squares:
    """The square of each row.

    Raises:
        InputError: a row without any visible point, or a margin that is negative or not finite.
    """
    if not 0 <= margin < np.inf:
        raise InputError(f"margin {margin} around the person, expected 0 or more, as a share of the person's size")
    if not visible.any(axis=1).all():
        lacking = np.flatnonzero(~visible.any(axis=1))
        raise InputError(
            f"{len(lacking)} pictures without any point, the first is number {lacking[0] + 1}; leave them out"
        )
    points = np.asarray(points_px, dtype=np.float64)
    low = np.where(visible[..., None], points, np.inf).min(axis=1)
    high = np.where(visible[..., None], points, -np.inf).max(axis=1)
    side = np.maximum((high - low).max(axis=-1), _SMALLEST_PX) * (1 + 2 * margin)
    corner = (low + high - side[:, None]) / 2
    return Squares(np.concatenate([corner, side[:, None]], axis=-1))


def check_joints(skeleton: Skeleton) -> None:
    """Pass a skeleton whose 2D points the machine can take.

    Raises:
        InputError: it lacks joints, and no map leads from it.
    """
    lacking = [name for name in H36M_16.joints if name not in skeleton]
    if lacking and skeleton.name not in TO_H36M_16:
        raise InputError(
            f"2D points of skeleton {skeleton} lack {', '.join(lacking)}; expected points that have all of "
            f"{H36M_16}, or of {', '.join(TO_H36M_16)}"
        )


def machine_points(
    seen: Float[np.ndarray, "rows joints channels"], skeleton: Skeleton
) -> tuple[Float64[np.ndarray, "rows 16 2"], Bool[np.ndarray, "rows 16"]]:
    """Points of the machine's 16 joints in the unit of ``seen``, 0 where not visible, and which are visible.

    Args:
        seen: x, y and, with three channels, a score; a point with a score of 0 or that is not finite is not visible.

    Raises:
        InputError: as :func:`check_joints`.
    """
    check_joints(skeleton)
    points = np.asarray(seen[..., :2], dtype=np.float64)
    known = np.asarray(np.isfinite(seen).all(axis=-1))
    if seen.shape[-1] == 3:
        known &= seen[..., 2] > 0
    if skeleton.name in TO_H36M_16:
        points, confidence = TO_H36M_16[skeleton.name].apply_arrays(points, known.astype(np.float64))
        known = confidence > 0
    else:
        joints = skeleton.indices(H36M_16.joints)
        points, known = points[:, joints], known[:, joints]
    return np.where(known[..., None], points, 0), known

"""How far the joints of a motion are from the joints of the same name of another, and the lines that show it."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from maquette.rig.roles import guess_roles
from maquette.skeleton import Skeleton
from maquette.viewer.body import Body
from maquette.viewer.colours import FULL_ERROR_M, linear, scale_colours

if TYPE_CHECKING:
    import viser

Pairs = tuple[Int[np.ndarray, " common"], Int[np.ndarray, " common"]]


_LIMBS = tuple(
    f"{side}{bone}"
    for side in ("left", "right")
    for bone in ("UpperLeg", "LowerLeg", "Foot", "UpperArm", "LowerArm", "Hand")
)
"""Bones that begin at the same place of the body in every rig. Those of the trunk do not."""
_ENOUGH = 4


def common_joints(first: Skeleton, second: Skeleton) -> Pairs:
    """Indices of the joints that both have, in the order of the first.

    By name; where hardly any name is in both, as in the rigs of different programs, the hips, knees, ankles, shoulders,
    elbows and wrists as :func:`maquette.rig.roles.guess_roles` knows them.
    """
    places = {joint: index for index, joint in enumerate(second.joints)}
    pairs = [(index, places[joint]) for index, joint in enumerate(first.joints) if joint in places]
    if len(pairs) < min(_ENOUGH, len(first), len(second)):
        of_first, of_second = (guess_roles(skeleton.joints, skeleton.parents).bones for skeleton in (first, second))
        both = [bone for bone in _LIMBS if bone in of_first and bone in of_second]
        pairs = [(first.index(of_first[bone]), second.index(of_second[bone])) for bone in both] or pairs
    joints = np.array(pairs, dtype=int).reshape(-1, 2)
    return joints[:, 0], joints[:, 1]


class Difference:
    """One motion against the reference. Coordinates are the page's: what is moved apart or together counts."""

    def __init__(self, server: "viser.ViserServer", reference: Body, other: Body) -> None:
        self.reference, self.other = reference, other
        self.joints = common_joints(reference.motion.skeleton, other.motion.skeleton)
        count = len(self.joints[0])
        self.node: viser.LineSegmentsHandle | None = None
        if count:
            self.node = server.scene.add_line_segments(
                f"/differences/{other.order}",
                np.zeros((count, 2, 3)),
                np.zeros((count, 2, 3), dtype=np.uint8),
                thickness=3.0,
                thickness_units="screen",
                visible=False,
            )

    def ends_m(self, shift_m: Float[np.ndarray, "3"]) -> Float[np.ndarray, "common 2 3"]:
        """The joints of both, on show now; ``shift_m`` is how far the other's root node is from the reference's."""
        of_reference, of_other = self.joints
        first = self.reference.positions(self.reference.frame)[of_reference]
        second = self.other.positions(self.other.frame)[of_other] + shift_m
        return np.stack((first, second), axis=1)

    def values_m(self, ends_m: Float[np.ndarray, "common 2 3"]) -> Float[np.ndarray, " joints"]:
        """Distance of each joint of the other motion; NaN where the reference has none."""
        values = np.full(self.other.motion.n_joints, np.nan)
        values[self.joints[1]] = np.linalg.norm(ends_m[:, 1] - ends_m[:, 0], axis=-1)
        return values

    def show(self, ends_m: Float[np.ndarray, "common 2 3"], origin_m: Float[np.ndarray, "3"]) -> None:
        """Send the lines; ``origin_m`` is where the reference's root node is."""
        if self.node is None or not self.node.visible:
            return
        known = np.all(np.isfinite(ends_m), axis=(1, 2))
        lengths_m = np.linalg.norm(ends_m[:, 1] - ends_m[:, 0], axis=-1)
        self.node.points = np.where(known[:, None, None], ends_m + origin_m, 0.0)
        self.node.colors = np.repeat(linear(scale_colours(lengths_m, FULL_ERROR_M))[:, None], 2, axis=1)

    def remove(self) -> None:
        """Take the lines off the page."""
        if self.node is not None:
            self.node.remove()


def summary(name: str, skeleton: Skeleton, values_m: Float[np.ndarray, " joints"]) -> str:
    """One line: mean distance, and the joint that is farthest away."""
    if not np.isfinite(values_m).any():
        return f"{name}: no joint to compare"
    worst = int(np.nanargmax(values_m))
    mean_mm, worst_mm = 1000 * float(np.nanmean(values_m)), 1000 * float(values_m[worst])
    count = int(np.isfinite(values_m).sum())
    return f"{name}: mean {mean_mm:.0f} mm over {count} joints, most {skeleton.joints[worst]} {worst_mm:.0f} mm"

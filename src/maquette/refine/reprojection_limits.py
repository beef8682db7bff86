"""What joints cannot do: knees and elbows that fold too far, and knees that bend forwards."""

import numpy as np
from jaxtyping import Float

from maquette.refine.reprojection_body import BoneTree

_FOLDS = (
    *((f"{side}_knee", f"{side}_ankle", 155.0) for side in "lr"),
    *((f"{side}_elbow", f"{side}_wrist", 155.0) for side in "lr"),
)
"""Joints at the ends of two bones in a row, and the largest angle between their directions in degrees. People reach 145
to 150 actively (Norkin and White, Measurement of Joint Motion); kneeling, the body presses the knee further."""
_STRAIGHT_SINE = np.sin(np.radians(10.0))
"""A knee may be bent forwards by this much: some people's are, and hip joints are known to 2 cm."""
SIGMA = 0.05
"""How firmly: of cosines and sines."""

Rows = tuple[Float[np.ndarray, "frames rows"], Float[np.ndarray, "frames rows bones 3"]]


def limit_rows(tree: BoneTree, direction: Float[np.ndarray, "frames bones 3"]) -> Rows:
    """``(residuals, derivatives by the directions)``: zero inside the limits, in units of :data:`SIGMA`."""
    residuals, gradients = [], []
    for upper, lower, most_deg in _FOLDS:
        a, b = tree.bone(upper), tree.bone(lower)
        if min(a, b) < 0:
            continue
        ua, ub = direction[:, a], direction[:, b]
        excess = np.cos(np.radians(most_deg)) - (ua * ub).sum(-1)
        outside = excess > 0
        gradient = np.zeros(direction.shape)
        gradient[:, a], gradient[:, b] = -ub * outside[:, None], -ua * outside[:, None]
        residuals.append(np.where(outside, excess, 0.0))
        gradients.append(gradient)
    left, right = tree.bone("l_hip"), tree.bone("r_hip")
    for side in "lr":
        a, b = tree.bone(f"{side}_knee"), tree.bone(f"{side}_ankle")
        if min(a, b, left, right) < 0:
            continue
        # To the left of the body; the sine of a knee's bend about it is negative when the shin goes forwards.
        axis = 0.5 * (direction[:, left] - direction[:, right])
        ua, ub = direction[:, a], direction[:, b]
        bend = np.einsum("fi,fi->f", axis, np.cross(ua, ub))
        excess = _FORWARDS * bend - _STRAIGHT_SINE
        outside = excess > 0
        sign = _FORWARDS * outside[:, None]
        gradient = np.zeros(direction.shape)
        gradient[:, a], gradient[:, b] = sign * np.cross(ub, axis), sign * np.cross(axis, ua)
        half = 0.5 * sign * np.cross(ua, ub)
        gradient[:, left], gradient[:, right] = half, -half
        residuals.append(np.where(outside, excess, 0.0))
        gradients.append(gradient)
    if not residuals:
        return np.zeros((len(direction), 0)), np.zeros((len(direction), 0, *direction.shape[1:]))
    return np.stack(residuals, axis=1) / SIGMA, np.stack(gradients, axis=1) / SIGMA


_FORWARDS = -1.0
"""Sign of ``axis . (thigh x shin)`` of a knee that bends forwards. Of somebody who stands before a camera and faces it
(axis +x, thigh +y, forwards -z), the shin of a bent knee goes to +z, and thigh x shin to +x."""

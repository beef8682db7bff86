"""Bodies at mean limb lengths, as the published lists of the 3D pose machine (Wang et al. 2019) have them.

The file of their limits is called "mean_limb_scaled", and the limits show what that means: both hips reach 134.05 mm
and no more along all three axes, the spine 238.46 mm, whoever the subject is. Errors against such a truth are not those
on Human3.6M, so this is the legacy mode. The nose has its own limits there and hangs between thorax and head, so bodies
are rescaled on the 17 joints, before the nose is left out.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

from maquette.errors import InputError
from maquette.frozen_arrays import frozen
from maquette.lifting.min_max import MinMax
from maquette.skeletons import H36M_17


@dataclass(frozen=True, eq=False)
class LimbLengths:
    """Length of the bone that ends in each joint of h36m-17; read-only.

    Raises:
        InputError: a length that is not positive and finite.
    """

    lengths_mm: Float64[np.ndarray, " 17"]
    """NaN for the hip, which no bone ends in."""

    def __post_init__(self) -> None:
        lengths = np.array(self.lengths_mm, dtype=np.float64)
        lengths[0] = np.nan
        wrong = [H36M_17.joints[i] for i in range(1, len(lengths)) if not 0 < lengths[i] < np.inf]
        if wrong:
            raise InputError(f"limb lengths that are not positive numbers of millimetres: {', '.join(wrong)}")
        object.__setattr__(self, "lengths_mm", frozen(lengths))

    def rescaled(self, positions_mm: Float[np.ndarray, "*batch 17 3"]) -> Float64[np.ndarray, "*batch 17 3"]:
        """Bodies with these lengths and the directions that their bones had, from the hip outwards; the hip stays."""
        out = np.array(positions_mm, dtype=np.float64)
        for joint in H36M_17.order:
            parent = H36M_17.parents[joint]
            if parent >= 0:
                bone = positions_mm[..., joint, :] - positions_mm[..., parent, :]
                length = np.maximum(np.linalg.norm(bone, axis=-1, keepdims=True), 1e-9)
                out[..., joint, :] = out[..., parent, :] + bone / length * self.lengths_mm[joint]
        return out


def mean_limb_lengths(takes_mm: Iterable[Float[np.ndarray, "frames 17 3"]]) -> LimbLengths:
    """Mean over all frames of all takes.

    Raises:
        InputError: no frame, or a bone without a length.
    """
    total, frames = np.zeros(len(H36M_17)), 0
    for positions in takes_mm:
        parents = [max(parent, 0) for parent in H36M_17.parents]
        total += np.linalg.norm(positions - positions[:, parents], axis=-1).sum(axis=0)
        frames += len(positions)
    if not frames:
        raise InputError("no frames to take limb lengths from")
    return LimbLengths(total / frames)


def beyond_mm(positions_mm: Float[np.ndarray, "rows joints 3"], limits: MinMax) -> Float64[np.ndarray, " joints"]:
    """By how much each joint leaves the limits in the worst row; 0 where it never does. The root is not looked at."""
    out = np.maximum(positions_mm - limits.max_mm, limits.min_mm - positions_mm).max(axis=(0, 2), initial=0.0)
    out[0] = 0.0
    return out

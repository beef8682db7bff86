"""Positions between their smallest and largest value: how the 3D pose machine (Wang et al. 2019) sees bodies.

Every coordinate of every joint is scaled by itself, ``(x - min) / (max - min)``: 0 is the smallest value of the
training set and 1 the largest. Millimetres, camera frame (y down), relative to the hip. The hip has the limits 0 and a
hair more than 0, so that it stays 0, and what a network says of it means nothing. Nothing is clipped: values may leave
[0, 1].
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.frozen_arrays import frozen

CAFFE_ROOT_MM = 1e-6
"""What the published evaluation in Caffe adds to the largest value of the root, and to no other joint's."""


@dataclass(frozen=True, eq=False)
class MinMax:
    """Limits of each coordinate of each joint, millimetres; arrays are copied and read-only.

    Raises:
        InputError: the shapes differ, a limit is not finite, or a largest value is not above its smallest.
    """

    max_mm: Float[np.ndarray, "joints 3"]
    min_mm: Float[np.ndarray, "joints 3"]

    def __post_init__(self) -> None:
        high, low = (np.array(limit, dtype=np.float64) for limit in (self.max_mm, self.min_mm))
        if high.shape != low.shape:
            raise InputError(f"min-max limits: {len(high)} joints have a largest value and {len(low)} a smallest")
        problems = [
            f"joint {joint}: smallest {low[joint].tolist()}, largest {high[joint].tolist()}; expected finite numbers, "
            "the largest above the smallest"
            for joint in np.flatnonzero(~((low < high) & np.isfinite(high - low)).all(axis=-1))
        ]
        if problems:
            raise InputError.from_problems("min-max limits", problems)
        object.__setattr__(self, "max_mm", frozen(high))
        object.__setattr__(self, "min_mm", frozen(low))

    def __len__(self) -> int:
        return len(self.max_mm)

    @property
    def span_mm(self) -> Float[np.ndarray, "joints 3"]:
        """Millimetres from 0 to 1."""
        return self.max_mm - self.min_mm

    def normalise(self, positions_mm: Float[np.ndarray, "*batch joints 3"]) -> Float[np.ndarray, "*batch joints 3"]:
        """Millimetres relative to the hip to shares of the limits, in double precision."""
        return (np.asarray(positions_mm, dtype=np.float64) - self.min_mm) / self.span_mm

    def unnormalise(self, values: Float[np.ndarray, "*batch joints 3"]) -> Float[np.ndarray, "*batch joints 3"]:
        """The way back, in double precision."""
        return np.asarray(values, dtype=np.float64) * self.span_mm + self.min_mm

    def with_root_raised(self, by_mm: float = CAFFE_ROOT_MM) -> "MinMax":
        """The limits with joint 0's largest values raised: those of the published evaluation in Caffe."""
        high = self.max_mm.copy()
        high[0] += by_mm
        return replace(self, max_mm=high)


# fmt: off
_LIMITS_17 = np.array([  # max x, y, z; min x, y, z
    [1e-06, 1e-06, 1e-06, 0, 0, 0],  # hip
    [134.0503767, 133.9510159, 134.044191, -134.0504526, -134.0204372, -134.0455632],  # r_hip
    [534.4017914, 510.6674502, 523.831242, -531.3019391, -448.2183034, -535.4227581],  # r_knee
    [943.2597722, 925.5031591, 933.3296256, -932.1445901, -690.7065811, -902.3072893],  # r_ankle
    [134.0496983, 134.019683, 134.0448088, -134.0496231, -133.9502778, -134.0434364],  # l_hip
    [521.2206959, 541.7633501, 532.0327058, -533.1179863, -449.1524477, -558.9435462],  # l_knee
    [899.9904617, 939.3747057, 963.7824145, -899.0346505, -883.1448889, -893.8928409],  # l_ankle
    [238.4541163, 170.3368636, 238.4144408, -238.450265, -238.4645742, -238.3990053],  # spine
    [492.9152439, 355.8427075, 491.8987132, -491.8760997, -493.7237771, -491.8442302],  # thorax
    [598.2568057, 471.3413488, 589.6111938, -597.0865669, -606.6265051, -597.7946617],  # nose
    [662.3160333, 414.4086921, 670.7610016, -664.4183354, -708.7855593, -668.8092973],  # head
    [593.4988721, 374.0012718, 552.8630804, -598.081346, -527.8841013, -557.1867664],  # l_shoulder
    [761.2197541, 608.8698558, 716.8246952, -777.3882796, -763.3121467, -735.9983803],  # l_elbow
    [858.8554353, 847.488364, 863.7203645, -835.8338281, -1009.357244, -944.278308],  # l_wrist
    [542.9548956, 371.0627854, 544.6682072, -542.5820837, -551.3336477, -531.0337492],  # r_shoulder
    [752.6768122, 619.8500041, 708.803843, -750.0749411, -766.7950288, -719.105211],  # r_elbow
    [902.8836434, 865.8322079, 888.9240887, -888.7618652, -1015.279911, -954.9315418],  # r_wrist
])
# fmt: on
_NOSE = 9
_limits_16 = np.delete(_LIMITS_17, _NOSE, axis=0)
_limits_16[0, :3] = 1e-4

PUBLISHED_17 = MinMax(_LIMITS_17[:, :3], _LIMITS_17[:, 3:])
"""Of the joints h36m-17, over the published program's training set of Human3.6M at mean limb lengths."""
PUBLISHED_16 = MinMax(_limits_16[:, :3], _limits_16[:, 3:])
"""The same without the nose (h36m-16), and another hair of the hip: what the pose machine was trained with."""

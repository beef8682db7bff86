"""Choices that writers share, as types."""

from typing import Literal

RotationOrder = Literal["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"]
"""Of Euler angles, intrinsic: "ZXY" means R = Rz Rx Ry."""
LengthUnit = Literal["m", "cm", "mm", "inch"]

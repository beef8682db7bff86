"""Animation to BVH: Y up, T-pose at zero rotation, root with six channels, Euler angles without jumps."""

import logging
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from typing import get_args

import numpy as np

from maquette.atomic import write_bytes
from maquette.errors import OutputError
from maquette.exporters.choices import PER_METRE, BvhPresetName, LengthUnit, RotationOrder
from maquette.formats.bvh import BvhDocument, BvhJoint, Offset, format_bvh
from maquette.geometry.euler import euler_unwrap, quat_to_euler
from maquette.rig.animation_rig import RigAnimation

_log = logging.getLogger(__name__)

_DECIMALS = {"m": 6, "cm": 4, "mm": 4, "inch": 5}
"""Enough for 0.1 micrometres of length or better, and 5e-5 degrees."""


def write_bvh(
    animation: RigAnimation,
    path: str | Path,
    *,
    rotation_order: RotationOrder | None = None,
    unit: LengthUnit | None = None,
    preset: BvhPresetName | None = None,
) -> None:
    """Write the file that :func:`animation_to_bvh` makes.

    Raises:
        OutputError: an argument is unknown, or it cannot be written.
    """
    write_bytes(path, animation_to_bvh(animation, rotation_order=rotation_order or "ZXY", unit=unit or "cm"))


def animation_to_bvh(
    animation: RigAnimation, *, rotation_order: RotationOrder = "ZXY", unit: LengthUnit = "cm"
) -> bytes:
    """The bytes of a BVH file.

    The root's OFFSET is zero and its position channels are absolute, so that programs which add them and programs which
    replace one by the other agree. Leaves have End Sites.

    Args:
        animation: one person on a rig (:func:`maquette.rig.choice.animated`).
        rotation_order: order of the rotation channels of every joint; "ZXY" means R = Rz Rx Ry.
        unit: unit of length in the file.

    Raises:
        OutputError: an argument is unknown.
    """
    if rotation_order not in get_args(RotationOrder):
        raise OutputError(
            f"rotation order {rotation_order!r} is unknown; expected {', '.join(get_args(RotationOrder))}"
        )
    if unit not in PER_METRE:
        raise OutputError(f"unit of length {unit!r} is unknown; expected {', '.join(PER_METRE)}")
    if animation.times_s is not None:
        steps = np.diff(animation.times_s) * float(animation.fps)
        if np.abs(steps - 1.0).max(initial=0.0) > 0.5:
            _log.warning("frames at uneven times; BVH plays them at a constant %s frames a second", animation.fps)
    return format_bvh(_document(animation, rotation_order, PER_METRE[unit]), decimals=_DECIMALS[unit])


def _document(animation: RigAnimation, order: str, per_metre: float) -> BvhDocument:
    rotation_channels = tuple(f"{axis}rotation" for axis in order)
    root_channels = ("Xposition", "Yposition", "Zposition", *rotation_channels)
    joints = []
    for node, (name, parent) in enumerate(zip(animation.names, animation.parents, strict=True)):
        tip = animation.tip_offsets_m[node]
        is_leaf = node not in animation.parents
        # Some programs refuse a leaf without End Site.
        ends = (_offset(np.nan_to_num(tip), per_metre),) if is_leaf or np.isfinite(tip).all() else ()
        joints.append(
            BvhJoint(
                name=name,
                parent=parent,
                offset=_offset(animation.rest_offsets_m[node], per_metre),
                channels=root_channels if parent < 0 else rotation_channels,
                end_offsets=ends,
            )
        )
    values = np.empty((len(animation.rotations), 3 * (len(animation.names) + 1)))
    values[:, :3] = animation.root_positions_m * per_metre
    # One joint at a time: the matrices on the way are nine numbers each.
    for node in range(len(animation.names)):
        angles = euler_unwrap(quat_to_euler(animation.rotations[:, node], order), order)
        values[:, 3 * node + 3 : 3 * node + 6] = np.degrees(angles)
    return BvhDocument(tuple(joints), frame_time_s(animation.fps), values)


def frame_time_s(fps: Fraction) -> Decimal:
    """Seconds from frame to frame with ten significant digits, which give the rate back exactly."""
    with localcontext() as context:
        context.prec = 10
        return Decimal(fps.denominator) / Decimal(fps.numerator)


def _offset(offset_m: np.ndarray, per_metre: float) -> Offset:
    x, y, z = (float(value) for value in offset_m * per_metre)
    return x, y, z

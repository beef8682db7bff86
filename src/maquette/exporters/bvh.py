"""Animation to BVH: Y up, T-pose at zero rotation, root with six channels, Euler angles without jumps."""

import logging
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from typing import get_args

import numpy as np

from maquette.atomic import write_bytes
from maquette.errors import OutputError
from maquette.exporters.bvh_presets import BVH_PRESETS, bvh_names
from maquette.exporters.choices import PER_METRE, BvhPresetName, LengthUnit, RotationOrder
from maquette.formats.bvh import BvhDocument, BvhJoint, Offset, format_bvh
from maquette.geometry.euler import euler_unwrap, quat_to_euler
from maquette.rig.animation_rig import RigAnimation
from maquette.rig.straight_rest import depth_first, thighs_on_hips, with_straight_rest

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
    write_bytes(path, animation_to_bvh(animation, rotation_order=rotation_order, unit=unit, preset=preset))


def animation_to_bvh(
    animation: RigAnimation,
    *,
    rotation_order: RotationOrder | None = None,
    unit: LengthUnit | None = None,
    preset: BvhPresetName | None = None,
) -> bytes:
    """The bytes of a BVH file.

    All rotations zero are the rest pose of the rig (a T-pose facing +Z for rigs of ours), whatever axes its joints have
    there. The root's OFFSET is zero and its position channels are absolute, so that programs which add them and
    programs which replace one by the other agree. Leaves have End Sites. Names are unique and without blanks.

    Args:
        animation: one person on a rig (:func:`maquette.rig.choice.animated`).
        rotation_order: order of the rotation channels of every joint; "ZXY" means R = Rz Rx Ry. None is the preset's,
            without one "ZXY".
        unit: unit of length in the file. None is the preset's, without one "cm".
        preset: what a program's import expects (:data:`maquette.exporters.bvh_presets.BVH_PRESETS`).

    Raises:
        OutputError: an argument is unknown.
    """
    if preset is not None and preset not in BVH_PRESETS:
        raise OutputError(f"BVH preset {preset!r} is unknown; expected {', '.join(BVH_PRESETS)}")
    chosen = None if preset is None else BVH_PRESETS[preset]
    order = rotation_order or (chosen.rotation_order if chosen else "ZXY")
    length_unit = unit or (chosen.unit if chosen else "cm")
    if order not in get_args(RotationOrder):
        raise OutputError(f"rotation order {order!r} is unknown; expected {', '.join(get_args(RotationOrder))}")
    if length_unit not in PER_METRE:
        raise OutputError(f"unit of length {length_unit!r} is unknown; expected {', '.join(PER_METRE)}")
    if animation.times_s is not None:
        steps = np.diff(animation.times_s) * float(animation.fps)
        if np.abs(steps - 1.0).max(initial=0.0) > 0.5:
            _log.warning("frames at uneven times; BVH plays them at a constant %s frames a second", animation.fps)
    figure = depth_first(with_straight_rest(animation))
    if chosen is not None and chosen.hips_carry:
        figure = thighs_on_hips(figure)
    names = bvh_names(figure, chosen)
    document = _document(figure, names, order, PER_METRE[length_unit])
    return format_bvh(document, decimals=_DECIMALS[length_unit], row_end=chosen.row_end if chosen else "\n")


def _document(animation: RigAnimation, names: tuple[str, ...], order: str, per_metre: float) -> BvhDocument:
    rotation_channels = tuple(f"{axis}rotation" for axis in order)
    root_channels = ("Xposition", "Yposition", "Zposition", *rotation_channels)
    joints = []
    for node, (name, parent) in enumerate(zip(names, animation.parents, strict=True)):
        tip = animation.tip_offsets_m[node]
        is_leaf = node not in animation.parents
        # Some programs refuse a leaf without End Site.
        ends = (_offset(np.nan_to_num(tip), per_metre),) if is_leaf or np.isfinite(tip).all() else ()
        joints.append(
            BvhJoint(
                name=name,
                parent=parent,
                offset=_offset(animation.rest_offsets_m[node] if parent >= 0 else np.zeros(3), per_metre),
                channels=root_channels if parent < 0 else rotation_channels,
                end_offsets=ends,
            )
        )
    values = np.empty((len(animation.rotations), 3 * (len(names) + 1)))
    values[:, :3] = animation.root_positions_m * per_metre
    # One joint at a time: the matrices on the way are nine numbers each.
    for node in range(len(names)):
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

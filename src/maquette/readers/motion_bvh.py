"""A BVH file of any rig as a motion: its own joints by forward kinematics, in metres, with its own rotations."""

import logging
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.formats.bvh import BvhDocument, parse_bvh
from maquette.formats.unique_names import renamed, unique_names
from maquette.frozen_arrays import exact_fps
from maquette.geometry.kinematics import forward_kinematics
from maquette.geometry.rotations import quat_about, quat_continuous, quat_identity, quat_multiply
from maquette.motion import Motion
from maquette.readers.usual_fps import USUAL_FPS
from maquette.readers.z_up import stands_along_z, y_up, y_up_rotations
from maquette.skeleton import Skeleton

_log = logging.getLogger(__name__)

UNIT_M = {"m": 1.0, "cm": 0.01, "mm": 0.001, "inch": 0.0254, "CMU unit": 0.056444}
"""Metres in each unit that BVH files are found in. CMU's is an inch over 0.45."""

_BLOCK_FRAMES = 4096
_FIGURE_M = (1.3, 3.2)
"""Lengths of people along their bones, from end to end: children to tall people with long fingers."""
_FARTHEST_M = 1e6
_LIKELY_M = 2.2
"""The same of an average adult, mostly from hand to hand; of two units that make a person, the one nearer to this."""
_LEFT_RIGHT = (("Left", "Right"), ("left", "right"), ("_L_", "_R_"), ("_l", "_r"), ("L", "R"), ("l", "r"))


def read_motion_bvh(path: Path, data: bytes) -> Motion:
    """The motion of a BVH file.

    Rotation channels apply in the order in which each joint declares them. Position channels of a joint take the place
    of its OFFSET; those of a root are added to it, as the format has it, unless that lifts the figure off the floor or
    sinks it (programs differ; the notes say which it was). End Sites become joints ``<joint>_end``; ``rotations`` are
    relative to the rest pose of the file. A figure that stands along Z is turned upright
    (:func:`maquette.readers.z_up.stands_along_z`); the notes say so.

    Raises:
        InputError: no BVH, broken, or without frames.
    """
    where = str(path)
    document = parse_bvh(data, where)
    if not len(document.values):
        raise InputError(f"{where}: holds no frames")
    skeleton, offsets, numbered = _skeleton(document, path.stem)
    notes = list(document.notes)
    if document.notes:
        _log.warning("%s: %s", where, "; ".join(document.notes))
    if numbered:
        notes.append(f"joints of the same name were numbered: {', '.join(numbered)}")
    sampled, is_absolute = _local_positions(document, document.values[:: max(1, len(document.values) // 100)], offsets)
    unit, why = guess_unit(sampled, skeleton.parents)
    positions, rotations = _placed(document, skeleton.parents, offsets)
    fps = frame_rate(document.frame_time_s)
    # The values of a long clip are as large as its positions.
    del document
    axes = "frame taken as the world, Y up, as BVH has it"
    at_rest, _ = forward_kinematics(skeleton.parents, offsets[None], quat_identity((1, len(skeleton))))
    if stands_along_z(positions, at_rest[0], skeleton.joints):
        positions, offsets, rotations = y_up(positions), y_up(offsets), y_up_rotations(rotations)
        axes = "the figure stands along Z, at rest and in motion: taken as Z up, and turned to Y up"
    shifted = [i for i in skeleton.roots if any(offsets[i] != 0) and is_absolute[i]]
    with np.errstate(over="ignore"):
        farthest_m = float(max(positions.max(), -positions.min())) * UNIT_M[unit]
    # A comparison that is also false for what is no number.
    if not farthest_m < _FARTHEST_M or not (np.abs(offsets) < 1e12).all():
        raise InputError(f"{where}: joints lie more than 1000 km away; the positions or offsets are damaged")
    if shifted:
        if _nearer_to_floor(positions, float(offsets[shifted[0]][1])):
            positions += offsets[shifted[0]]
            notes.append("the OFFSET of the root was added to its position channels")
        else:
            notes.append("the position channels of the root were taken in place of its OFFSET")
    positions *= UNIT_M[unit]
    notes += [f"unit of length {unit} ({UNIT_M[unit]:g} m): {why}", axes]
    return Motion(
        positions=positions,
        skeleton=skeleton,
        fps=fps,
        frame="world",
        rotations=rotations,
        scale_source=f"BVH file, unit {unit} guessed from the size of the figure",
        source=where,
        notes=tuple(notes),
    )


def _skeleton(document: BvhDocument, name: str) -> tuple[Skeleton, Float[np.ndarray, "joints 3"], list[str]]:
    """``(skeleton, offsets in the file's unit, names that had to be numbered)``; End Sites come after the joints."""
    told = [joint.name for joint in document.joints]
    names = unique_names(told)
    ends = [(index, end) for index, joint in enumerate(document.joints) for end in joint.end_offsets]
    told += [f"{names[index]}_end" for index, _ in ends]
    names = unique_names([*names, *told[len(names) :]])
    parents = [joint.parent for joint in document.joints] + [index for index, _ in ends]
    offsets = [joint.offset for joint in document.joints] + [end for _, end in ends]
    skeleton = Skeleton(f"bvh:{name}", names, tuple(parents), mirror_pairs(names))
    return skeleton, np.array(offsets, dtype=np.float64), renamed(told, names)


def mirror_pairs(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Pairs ``(left, right)`` of names that differ in nothing but the usual words and letters for the sides."""
    pairs: dict[str, str] = {}
    known = set(names)
    for left, right in _LEFT_RIGHT:
        for name in names:
            if name in pairs or left not in name:
                continue
            anywhere = len(left) > 2
            place = name.find(left) if anywhere else (0 if name.startswith(left) else -1)
            other = name[:place] + right + name[place + len(left) :] if place >= 0 else ""
            if left == "_l" and name.endswith("_l"):
                other = name[:-2] + right
            if other in known and other != name and other not in pairs.values():
                pairs[name] = other
    return tuple(pairs.items())


def _placed(
    document: BvhDocument, parents: tuple[int, ...], offsets: Float[np.ndarray, "joints 3"]
) -> tuple[Float[np.ndarray, "frames joints 3"], Float[np.ndarray, "frames joints 4"]]:
    """``(positions in the file's unit, local rotations)``, block by block: what is on the way takes several times the
    memory of the result."""
    positions = np.empty((len(document.values), len(parents), 3))
    rotations = np.empty((len(document.values), len(parents), 4))
    for start in range(0, len(positions), _BLOCK_FRAMES):
        rows = slice(start, start + _BLOCK_FRAMES)
        values = document.values[rows]
        # With the frame before, so that signs go on from block to block.
        turns = np.concatenate((rotations[max(0, start - 1) : start], _rotations(document, values, len(parents))))
        rotations[rows] = quat_continuous(turns)[len(turns) - len(values) :]
        # Absurd numbers are refused later, by what they lead to.
        with np.errstate(over="ignore", invalid="ignore"):
            local, _ = _local_positions(document, values, offsets)
            positions[rows], _ = forward_kinematics(parents, local, rotations[rows])
    return positions, rotations


def _local_positions(
    document: BvhDocument, values: Float[np.ndarray, "frames channels"], offsets: Float[np.ndarray, "joints 3"]
) -> tuple[Float[np.ndarray, "frames joints 3"], list[bool]]:
    """Place of each joint in its parent at each frame, and which joints have position channels."""
    local = np.tile(offsets, (len(values), 1, 1))
    moves = [False] * len(offsets)
    for index, (joint, start) in enumerate(zip(document.joints, document.channel_starts, strict=True)):
        for column, channel in enumerate(joint.channels, start=start):
            if channel.endswith("position"):
                local[:, index, "XYZ".index(channel[0])] = values[:, column]
                moves[index] = True
    return local, moves


def _rotations(
    document: BvhDocument, values: Float[np.ndarray, "frames channels"], n_joints: int
) -> Float[np.ndarray, "frames joints 4"]:
    """Local rotations: the axes of each joint one after the other, as declared; End Sites do not turn."""
    rotations = quat_identity((len(values), n_joints))
    for index, (joint, start) in enumerate(zip(document.joints, document.channel_starts, strict=True)):
        turn = rotations[:, index]
        for column, channel in enumerate(joint.channels, start=start):
            if channel.endswith("rotation"):
                axis = np.eye(3)["XYZ".index(channel[0])]
                turn = quat_multiply(turn, quat_about(axis, np.radians(np.fmod(values[:, column], 360.0))))
        rotations[:, index] = turn
    return rotations


def _nearer_to_floor(positions: Float[np.ndarray, "frames joints 3"], lift: float) -> bool:
    """Whether the lowest points lie as near to y = 0, or nearer, when all are lifted."""
    height = float(np.quantile(positions[..., 1].min(axis=1), 0.05))
    return abs(height + lift) <= abs(height)


def guess_unit(local: Float[np.ndarray, "frames joints 3"], parents: tuple[int, ...]) -> tuple[str, str]:
    """``(name in UNIT_M, why)``: the unit in which the figure has the size of a person.

    The size is the longest way through the tree of joints (from hand to hand, or from head to toe), which does not
    depend on the pose.

    Args:
        local: place of each joint in its parent at some frames, in the file's unit.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        size = _longest_way(np.median(np.linalg.norm(local, axis=-1), axis=0), parents)
    fitting = {unit: size * metre for unit, metre in UNIT_M.items() if _FIGURE_M[0] <= size * metre <= _FIGURE_M[1]}
    if not fitting:
        return "cm", f"the usual one; the figure is {size:.3g} units long along its bones, which is a person in no unit"
    unit = min(fitting, key=lambda name: abs(np.log(fitting[name] / _LIKELY_M)))
    return unit, f"in it the figure is {fitting[unit]:.2f} m long along its bones, from end to end"


def _longest_way(lengths: Float[np.ndarray, " joints"], parents: tuple[int, ...]) -> float:
    """Length of the longest path between two joints of the tree."""
    deepest = np.zeros(len(parents))
    longest = 0.0
    for joint in range(len(parents) - 1, -1, -1):
        parent = parents[joint]
        if parent >= 0:
            reach = deepest[joint] + lengths[joint]
            longest = max(longest, deepest[parent] + reach)
            deepest[parent] = max(deepest[parent], reach)
    return float(longest)


def frame_rate(frame_time_s: Decimal) -> Fraction:
    """The rate that a frame time stands for: one whose frame time rounds to the digits that were written.

    Usual rates come first, then broadcast ones, then any whole rate; 0.0083333 is 120, 0.0333667 is 30000/1001.
    """
    exponent = frame_time_s.as_tuple().exponent
    digit = Fraction(10) ** (exponent if isinstance(exponent, int) else 0)
    written = Fraction(frame_time_s)
    rate = 1 / written
    if rate.denominator <= 2:
        return rate
    for usual in USUAL_FPS:
        if abs(1 / usual - written) <= digit / 2:
            return usual
    whole = Fraction(max(round(rate), 1))
    # Some programs cut digits off instead of rounding.
    if abs(1 / whole - written) <= digit:
        return whole
    return exact_fps(rate.limit_denominator(100_000))

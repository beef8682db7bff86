"""A take of an Acclaim file (.amc on its .asf) as a motion: joints by forward kinematics, in metres, with rotations."""

from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.formats.asf_amc import AmcDocument, AsfBone, AsfDocument, parse_amc, parse_asf
from maquette.geometry.kinematics import forward_kinematics
from maquette.geometry.rotations import quat_about, quat_conjugate, quat_continuous, quat_identity, quat_multiply
from maquette.motion import Motion
from maquette.readers.input_files import read_bytes
from maquette.readers.motion_bvh import UNIT_M, guess_unit, mirror_pairs
from maquette.skeleton import Skeleton

INCH_M = 0.0254
AMC_FPS = Fraction(120)
"""Of the takes of CMU and HDM05; the format has no place for it."""
_FARTHEST_M = 1e6


def read_motion_amc(path: Path, data: bytes, *, asf: Path | None = None) -> Motion:
    """The motion of an .amc file.

    A joint bears the name of the bone that begins there, as in a BVH (``ltibia`` is the left knee); the end of a bone
    without children is ``<bone>_end``. ``rotations`` are relative to the rest pose of the .asf.

    Args:
        asf: the skeleton; None looks for it beside ``path`` (``02.asf`` for ``02_01.amc``, or the only one there).

    Raises:
        InputError: either file is missing or broken, or they do not belong together.
    """
    where = str(path)
    asf_path = asf or _beside(path)
    skeleton_file = parse_asf(read_bytes(asf_path), str(asf_path))
    take = parse_amc(data, where)
    _check_fit(skeleton_file, take, where, str(asf_path))
    skeleton, offsets = _skeleton(skeleton_file, asf_path.stem)
    local, rotations = _local(skeleton_file, take, offsets)
    with np.errstate(over="ignore", invalid="ignore"):
        positions, _ = forward_kinematics(skeleton.parents, local, rotations)
        unit_m, why = _unit(skeleton_file, offsets, skeleton.parents)
        if not (np.abs(positions) * unit_m < _FARTHEST_M).all():
            raise InputError(f"{where}: joints lie more than 1000 km away; positions or bone lengths are damaged")
    return Motion(
        positions=positions * unit_m,
        skeleton=skeleton,
        fps=AMC_FPS,
        frame="world",
        rotations=quat_continuous(rotations),
        scale_source=f"ASF file, {why}",
        source=where,
        notes=(
            f"skeleton {asf_path}",
            f"unit of length {unit_m:g} m: {why}",
            f"{AMC_FPS} frames per second taken as for CMU and HDM05; the format does not say",
            "frame taken as the world, Y up, as in CMU's files",
        ),
    )


def _beside(path: Path) -> Path:
    """The skeleton of a take: of the same name, of the longest name that the take's begins with, or the only one."""
    found = sorted(file for file in path.parent.iterdir() if file.suffix.lower() == ".asf" and file.is_file())
    fitting = [f for f in found if path.stem == f.stem or path.stem.startswith(f"{f.stem}_")]
    if fitting:
        return max(fitting, key=lambda file: len(file.stem))
    if len(found) == 1:
        return found[0]
    names = ", ".join(file.name for file in found[:8]) or "none"
    raise InputError(
        f"{path}: needs its skeleton, an .asf file: expected '{path.stem.split('_')[0]}.asf' beside it; "
        f"there are: {names}"
    )


def _check_fit(asf: AsfDocument, take: AmcDocument, where: str, asf_where: str) -> None:
    channels = {bone.name: bone.channels for bone in asf.bones}
    problems = [f"bone '{name}' is not in {asf_where}" for name in take.values if name not in channels]
    problems += [
        f"'{name}' has {values.shape[1]} values, {asf_where} says {' '.join(channels[name]) or 'none'}"
        for name, values in take.values.items()
        if name in channels and values.shape[1] != len(channels[name])
    ]
    problems += [
        f"bone '{b.name}' of {asf_where} changes its length, which is not read" for b in asf.bones if "l" in b.channels
    ]
    if "root" not in take.values:
        problems.append("there are no values of 'root'")
    if problems:
        raise InputError.from_problems(f"{where} (is {asf_where} its skeleton?)", problems[:20])


def _skeleton(asf: AsfDocument, name: str) -> tuple[Skeleton, Float[np.ndarray, "joints 3"]]:
    """Joints at the starts of the bones, then the ends of those without children; offsets in the file's unit."""
    ends = np.array([np.array(bone.direction) * bone.length / _norm(bone) for bone in asf.bones])
    names = [bone.name for bone in asf.bones]
    parents = [bone.parent for bone in asf.bones]
    offsets = [ends[bone.parent] if bone.parent >= 0 else np.zeros(3) for bone in asf.bones]
    for index in sorted(set(range(len(asf.bones))) - set(parents)):
        names.append(f"{names[index]}_end")
        parents.append(index)
        offsets.append(ends[index])
    skeleton = Skeleton(f"asf:{name}", tuple(names), tuple(parents), mirror_pairs(tuple(names)))
    return skeleton, np.array(offsets)


def _norm(bone: AsfBone) -> float:
    """Length of the direction, which is written with six digits; 1 for a bone without one."""
    return float(np.linalg.norm(bone.direction)) or 1.0


def _local(
    asf: AsfDocument, take: AmcDocument, offsets: Float[np.ndarray, "joints 3"]
) -> tuple[Float[np.ndarray, "frames joints 3"], Float[np.ndarray, "frames joints 4"]]:
    """Place of each joint in its parent, and its turn: ``C R C^-1`` with C from the bone's axis, R from its channels.

    Both compose with the first angle applied first about fixed axes: X, then Y, then Z is Rz Ry Rx.
    """
    places = np.tile(offsets, (take.frames, 1, 1))
    places[:, 0] += asf.position
    rotations = quat_identity((take.frames, len(offsets)))
    in_degrees = asf.degrees if take.degrees is None else take.degrees
    for index, bone in enumerate(asf.bones):
        axis = np.array([bone.axis])
        own = _turn(axis, tuple(f"r{letter.lower()}" for letter in bone.axis_order), asf.degrees)
        turn = quat_identity((take.frames,))
        if bone.name in take.values:
            values = take.values[bone.name]
            turn = _turn(values, bone.channels, in_degrees)
            for column, channel in enumerate(bone.channels):
                if channel[0] == "t":
                    places[:, index, "xyz".index(channel[1])] += values[:, column]
        if bone.parent < 0:
            # The root's orientation turns it in the rest pose, too; bones turn about their axes only.
            rotations[:, index] = quat_multiply(turn, np.broadcast_to(own, turn.shape))
        else:
            rotations[:, index] = quat_multiply(quat_multiply(own, turn), quat_conjugate(own))
    return places, rotations


def _turn(
    values: Float[np.ndarray, "frames channels"], channels: tuple[str, ...], in_degrees: bool
) -> Float[np.ndarray, "frames 4"]:
    turn = quat_identity((len(values),))
    for column, channel in enumerate(channels):
        if channel[0] == "r":
            angle = values[:, column]
            angle = np.radians(np.fmod(angle, 360.0)) if in_degrees else angle
            turn = quat_multiply(quat_about(np.eye(3)["xyz".index(channel[1])], angle), turn)
    return turn


def _unit(asf: AsfDocument, offsets: Float[np.ndarray, "joints 3"], parents: tuple[int, ...]) -> tuple[float, str]:
    """Metres in the file's unit of length, and why."""
    if asf.length_unit != 1.0:
        return INCH_M / asf.length_unit, f"an inch over the file's {asf.length_unit:g}, as CMU's files have it"
    unit, why = guess_unit(offsets[None], parents)
    return UNIT_M[unit], why

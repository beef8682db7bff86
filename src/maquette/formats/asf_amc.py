"""ASF/AMC (Acclaim) as text: the skeleton of one person (.asf) and the values of a take on it (.amc).

What the values mean (which unit of length, how axes and angles make rotations) is not decided here. Numbers stand as
written: directions, angles in the file's own unit.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError

ROOT = "root"
_LARGEST_BYTES = 1 << 30
_MOST_BONES = 1000
_DOF = ("rx", "ry", "rz", "tx", "ty", "tz", "l")
_AXES = {"XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"}
_Vector = tuple[float, float, float]


@dataclass(frozen=True)
class AsfBone:
    """One bone; the root is the first, of length 0."""

    name: str
    parent: int
    """Index of the parent among the bones; -1 for the root."""
    direction: _Vector
    """From the start to the end of the bone, in world axes of the rest pose."""
    length: float
    axis: _Vector
    """Angles of the bone's own axes in the rest pose."""
    axis_order: str
    """Letters in the order in which the angles of :attr:`axis` apply, about fixed axes."""
    channels: tuple[str, ...]
    """What the .amc gives for it, in order: ``rx ry rz tx ty tz l``."""


@dataclass(frozen=True)
class AsfDocument:
    """A skeleton. Parents come before their children."""

    name: str
    bones: tuple[AsfBone, ...]
    degrees: bool
    length_unit: float
    """The ``length`` of ``:units``; CMU's files say 0.45."""
    position: _Vector
    """Place of the root that is added to its channels."""


@dataclass(frozen=True, eq=False)
class AmcDocument:
    """The values of a take: for each bone of it an array, one row for each frame."""

    values: dict[str, Float[np.ndarray, "frames channels"]]
    frames: int
    first_frame: int
    degrees: bool | None
    """None where the file does not say."""


def parse_asf(data: bytes, where: str) -> AsfDocument:
    """The skeleton in the bytes of an .asf file. Latin-1 is read where it is not UTF-8.

    Raises:
        InputError: no ASF, a broken hierarchy, or numbers that are none; all of a section's problems at once.
    """
    sections = _sections(data, where)
    missing = [name for name in ("units", "root", "bonedata", "hierarchy") if name not in sections]
    if missing:
        raise InputError(f"{where}: not an ASF skeleton, or cut off: no section {', '.join(f':{m}' for m in missing)}")
    problems: list[str] = []
    units = {words[0].lower(): words[1] for _, words in sections["units"] if len(words) > 1}
    bones = {ROOT: _root_bone(dict((w[0].lower(), w[1:]) for _, w in sections["root"]), problems)}
    for block in _blocks(sections["bonedata"], problems):
        bone = _bone(block, problems)
        if bone is not None and bone.name in bones:
            problems.append(f"bone '{bone.name}' is there twice")
        elif bone is not None:
            bones[bone.name] = bone
    parents = _parents(sections["hierarchy"], bones, problems)
    if len(bones) > _MOST_BONES:
        problems.append(f"{len(bones)} bones; this is no figure")
    position = next((w[1:] for _, w in sections["root"] if w[0].lower() == "position"), ["0", "0", "0"])
    place = _numbers(position, 3, "root position", problems)
    length = _numbers([units.get("length", "1")], 1, "length of :units", problems)
    if problems:
        raise InputError.from_problems(where, problems[:20])
    if not length[0] > 0:
        raise InputError(f"{where}: the length of :units is {length[0]}, expected more than 0")
    return AsfDocument(
        name=" ".join(word for _, words in sections.get("name", [])[:1] for word in words),
        bones=_in_order(bones, parents, where),
        degrees=not units.get("angle", "deg").lower().startswith("rad"),
        length_unit=length[0],
        position=(place[0], place[1], place[2]),
    )


def parse_amc(data: bytes, where: str) -> AmcDocument:
    """The values in the bytes of an .amc file.

    Raises:
        InputError: no AMC, frames that do not follow each other, bones that come and go, or numbers that are none.
    """
    if len(data) > _LARGEST_BYTES:
        raise InputError(
            f"{where}: has {len(data) / (1 << 30):.1f} GiB; AMC files up to 1 GiB are read, cut it up first"
        )
    columns: dict[str, list[str]] = {}
    widths: dict[str, int] = {}
    frames, first, degrees, seen = 0, 0, None, 0
    for number, line in enumerate(re.split(r"\r\n|\n|\r", _text(data)), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0].startswith(":"):
            degrees = {":degrees": True, ":radians": False}.get(words[0].lower(), degrees)
        elif len(words) == 1 and words[0].isdigit():
            if frames and seen != len(columns):
                raise InputError(
                    f"{where}, line {number}: frame {first + frames - 1} gives {seen} of {len(columns)} bones"
                )
            first = int(words[0][:9]) if not frames else first
            if int(words[0][:9]) != first + frames:
                raise InputError(f"{where}, line {number}: frame {words[0]} follows frame {first + frames - 1}")
            frames, seen = frames + 1, 0
        elif not frames:
            raise InputError(f"{where}, line {number}: not an AMC file: expected a frame number, saw '{line[:40]}'")
        else:
            bone = words[0]
            values = columns.get(bone) if frames > 1 else columns.setdefault(bone, [])
            width = widths.setdefault(bone, len(words) - 1)
            if values is None or len(values) != (frames - 1) * width or len(words) - 1 != width:
                raise InputError(f"{where}, line {number}: values of '{bone}' do not fit those of the first frame")
            values += words[1:]
            seen += 1
    if not frames:
        raise InputError(f"{where}: not an AMC file, or empty: it holds no frame numbers")
    if seen != len(columns) or not columns:
        raise InputError(f"{where}: the last frame gives {seen} of {len(columns)} bones; the file was cut off")
    arrays = {bone: _array(words, bone, frames, where) for bone, words in columns.items()}
    return AmcDocument(arrays, frames, first, degrees)


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _sections(data: bytes, where: str) -> dict[str, list[tuple[int, list[str]]]]:
    """Section (lower case, without colon) -> ``(line number, words)`` of its lines, the rest of its own line first."""
    if len(data) > 100_000_000:
        raise InputError(f"{where}: has {len(data):,} bytes, which is no skeleton")
    sections: dict[str, list[tuple[int, list[str]]]] = {}
    current: list[tuple[int, list[str]]] = []
    for number, line in enumerate(re.split(r"\r\n|\n|\r", _text(data)), start=1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0].startswith(":"):
            current = sections.setdefault(words[0][1:].lower(), [])
            words = words[1:]
        if words:
            current.append((number, words))
    return sections


def _blocks(lines: list[tuple[int, list[str]]], problems: list[str]) -> Iterator[dict[str, list[str]]]:
    """The ``begin`` ... ``end`` blocks, keyword -> words; lines without a keyword (more limits) are passed over."""
    block: dict[str, list[str]] | None = None
    for number, words in lines:
        keyword = words[0].lower()
        if keyword == "begin":
            if block is not None:
                problems.append(f"line {number}: 'begin' inside a block")
            block = {}
        elif keyword == "end":
            if block is None:
                problems.append(f"line {number}: 'end' without 'begin'")
            else:
                yield block
            block = None
        elif block is not None:
            block.setdefault(keyword, words[1:])
    if block is not None:
        problems.append("the last bone is cut off")


def _root_bone(fields: dict[str, list[str]], problems: list[str]) -> AsfBone:
    order = tuple(word.lower() for word in fields.get("order", ()))
    axis = "".join(fields.get("axis", ["XYZ"])).upper()
    angles = _numbers(fields.get("orientation", ["0", "0", "0"]), 3, "root orientation", problems)
    if set(order) - set(_DOF) or len(set(order)) != len(order) or not order:
        problems.append(f"root order is '{' '.join(order)}', expected words such as TX TY TZ RX RY RZ")
    if axis not in _AXES:
        problems.append(f"root axis is '{axis[:20]}', expected an order such as XYZ")
    return AsfBone(ROOT, -1, (0.0, 0.0, 0.0), 0.0, (angles[0], angles[1], angles[2]), axis, order)


def _bone(fields: dict[str, list[str]], problems: list[str]) -> AsfBone | None:
    name = " ".join(fields.get("name", ()))
    if not name:
        problems.append("a bone without a name")
        return None
    direction = _numbers(fields.get("direction", ()), 3, f"direction of {name}", problems)
    length = _numbers(fields.get("length", ()), 1, f"length of {name}", problems)
    words = list(fields.get("axis", ["0", "0", "0", "XYZ"]))
    order = words.pop().upper() if len(words) == 4 else "XYZ"
    axis = _numbers(words, 3, f"axis of {name}", problems)
    dof = tuple(word.lower() for word in fields.get("dof", ()))
    if order not in _AXES:
        problems.append(f"axis order of {name} is '{order[:20]}', expected one such as XYZ")
    if set(dof) - set(_DOF) or len(set(dof)) != len(dof):
        problems.append(f"dof of {name} is '{' '.join(dof)[:40]}', expected words of {' '.join(_DOF)}")
    return AsfBone(
        name, 0, (direction[0], direction[1], direction[2]), length[0], (axis[0], axis[1], axis[2]), order, dof
    )


def _numbers(words: list[str] | tuple[str, ...], count: int, what: str, problems: list[str]) -> list[float]:
    try:
        values = [float(word) for word in words]
    except ValueError:
        values = []
    if len(values) != count or not np.isfinite(values).all():
        problems.append(f"{what} is '{' '.join(words)[:40]}', expected {count} finite number{'s' if count > 1 else ''}")
        return [0.0] * count
    return values


def _parents(lines: list[tuple[int, list[str]]], bones: dict[str, AsfBone], problems: list[str]) -> dict[str, str]:
    """Bone -> its parent."""
    parents: dict[str, str] = {}
    for number, words in lines:
        if words[0].lower() in ("begin", "end"):
            continue
        unknown = [word for word in words if word not in bones]
        again = [word for word in words[1:] if word in parents or word == ROOT]
        if unknown or again:
            problems.append(
                f"line {number}: the hierarchy names {', '.join(unknown + again)}: unknown, or there already"
            )
        parents.update({word: words[0] for word in words[1:] if word not in again})
    orphans = [name for name in bones if name != ROOT and name not in parents]
    if orphans:
        problems.append(f"bones without a place in the hierarchy: {', '.join(orphans)}")
    return parents


def _in_order(bones: dict[str, AsfBone], parents: dict[str, str], where: str) -> tuple[AsfBone, ...]:
    """The bones with their parents' indices, parents first, children in the order of the file."""
    children: dict[str, list[str]] = {}
    for name in bones:
        if name != ROOT:
            children.setdefault(parents[name], []).append(name)
    order: list[str] = []
    pending = [ROOT]
    while pending:
        name = pending.pop()
        order.append(name)
        pending += reversed(children.get(name, []))
    if len(order) != len(bones):
        raise InputError(f"{where}: bones hang on each other in a circle: {', '.join(set(bones) - set(order))}")
    index = {name: i for i, name in enumerate(order)}
    return tuple(
        AsfBone(
            b.name,
            index[parents[name]] if name != ROOT else -1,
            b.direction,
            b.length,
            b.axis,
            b.axis_order,
            b.channels,
        )
        for name in order
        for b in (bones[name],)
    )


def _array(words: list[str], bone: str, frames: int, where: str) -> Float[np.ndarray, "frames channels"]:
    try:
        values = np.array([float(word) for word in words]).reshape(frames, -1)
    except ValueError:
        values = np.array([[np.nan]])
    if not np.isfinite(values).all():
        raise InputError(f"{where}: '{bone}' has a value that is no finite number")
    return values

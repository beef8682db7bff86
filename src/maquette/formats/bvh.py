"""BVH (Biovision hierarchy) as text: a document of joints and channel values, parsed and written as they stand.

What the values mean (degrees, which way up, which unit, whether positions replace offsets) is not decided here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError

Offset = tuple[float, float, float]

CHANNEL_NAMES = ("Xposition", "Yposition", "Zposition", "Xrotation", "Yrotation", "Zrotation")
_CHANNELS = {name.lower(): name for name in CHANNEL_NAMES}
_MOTION = re.compile(rb"(?:\A|[\r\n])[ \t]*MOTION[ \t]*(?=[\r\n]|\Z)", re.IGNORECASE)
_TIMING = re.compile(rb"\s*Frames\s*:\s*(\S+)\s+Frame\s+Time\s*:\s*(\S+)", re.IGNORECASE)
_LINE = re.compile(rb"[^\r\n]+")
_PART_OF_NUMBER = re.compile(rb"[-+]?\d*\.?\d*(?:[eE][-+]?)?")
_BLOCK_BYTES = 1 << 20
_BLOCK_ROWS = 1000
_LARGEST_BYTES = 1 << 30
_MOST_JOINTS = 10_000
_SHORTEST_FRAME_S, _LONGEST_FRAME_S = Decimal("1e-5"), Decimal(100)


@dataclass(frozen=True)
class BvhJoint:
    """One ROOT or JOINT."""

    name: str
    parent: int
    """Index of the parent in the document; -1 for a ROOT."""
    offset: Offset
    """Place in the parent, in the file's unit of length."""
    channels: tuple[str, ...]
    """Names from :data:`CHANNEL_NAMES` in the order of the values."""
    end_offsets: tuple[Offset, ...] = ()
    """OFFSET of each End Site."""


@dataclass(frozen=True, eq=False)
class BvhDocument:
    """A BVH file. Parents come before their children."""

    joints: tuple[BvhJoint, ...]
    frame_time_s: Decimal
    """As written, digit for digit."""
    values: Float[np.ndarray, "frames channels"]
    """All channels of all joints in file order; lengths in the file's unit, rotations in degrees."""
    notes: tuple[str, ...] = ()
    """One sentence for each fault of the file that was put up with."""

    @property
    def channel_starts(self) -> tuple[int, ...]:
        """Column of :attr:`values` where each joint's channels begin."""
        counts = [len(joint.channels) for joint in self.joints]
        return tuple(int(start) for start in np.cumsum([0, *counts[:-1]]))


def parse_bvh(data: bytes, where: str) -> BvhDocument:
    """A document from the bytes of a file.

    Tabs, any line ends, exponents, a missing last newline, upper and lower case, names with blanks and several roots
    are all fine. Names that are not UTF-8 are read as Latin-1. Put up with and noted: decimal commas; and, where every
    line of the motion is one frame, another number of frames in the header and a last line that was cut off.

    Raises:
        InputError: no BVH, a broken hierarchy, a number that is none, or values that make no frames.
    """
    if len(data) > _LARGEST_BYTES:
        raise InputError(
            f"{where}: has {len(data) / (1 << 30):.1f} GiB; BVH files up to 1 GiB are read, cut it up first"
        )
    notes: list[str] = []
    if _has_decimal_commas(data):
        data = data.replace(b",", b".")
        notes.append("decimal commas were read as points")
    cut = _MOTION.search(data)
    head = data[: cut.start()] if cut else data
    if not re.match(rb"(?:\xef\xbb\xbf)?\s*HIERARCHY\b", head, re.IGNORECASE):
        raise InputError(f"{where}: not a BVH file: expected the word HIERARCHY at the start")
    if cut is None:
        raise InputError(f"{where}: the line MOTION is missing; the file was cut off, write or copy it again")
    joints = _parse_hierarchy(_text(head), where)
    timing = _TIMING.match(data, cut.end())
    if timing is None:
        raise InputError(f"{where}: expected 'Frames: N' and 'Frame Time: SECONDS' after MOTION")
    frames, frame_time_s = _frame_count(timing.group(1), where), _frame_time(timing.group(2), where)
    columns = sum(len(joint.channels) for joint in joints)
    values = _parse_values(data, timing.end(), where)
    if values.size != frames * columns:
        whole = values.size // columns if columns else 0
        rest = values.size - whole * columns
        holds = f"{whole} frames" if columns else "no channels"
        seen = (
            f"the header says {frames} frames of {columns} values, the file holds {holds}"
            f"{f' and {rest} values of another' if rest else ''}"
        )
        if not whole or not _is_frame_a_line(data, timing.end(), columns, whole):
            raise InputError(f"{where}: {seen}; it was cut off, or 'Frames:' is wrong")
        if whole < frames and not rest and whole > 1 and not data[-1:].isspace():
            # Cut off in the last number of a frame, which then is another number.
            whole -= 1
        notes.append(f"{seen}; the whole ones were taken")
        values = values[: whole * columns]
        frames = whole
    return BvhDocument(joints, frame_time_s, values.reshape(frames, columns), tuple(notes))


def _has_decimal_commas(data: bytes) -> bool:
    """Whether numbers have commas for points: offsets or the frame time do, and none of them has a point."""
    words = re.findall(rb"(?:OFFSET|Time[ \t]*:)[ \t]+([^\r\n]*)", data[:_BLOCK_BYTES], re.IGNORECASE)
    numbers = b" ".join(words)
    return b"." not in numbers and re.search(rb"\d,\d", numbers) is not None


def _is_frame_a_line(data: bytes, start: int, columns: int, whole: int) -> bool:
    """Whether each of the first ``whole`` lines that are not blank holds ``columns`` words, and at most one follows."""
    found = 0
    for line in _LINE.finditer(data, start):
        words = len(line.group().split())
        if words and found < whole and words != columns:
            return False
        found += words > 0
    return whole <= found <= whole + 1


def _text(head: bytes) -> str:
    try:
        return head.decode("utf-8-sig")
    except UnicodeDecodeError:
        return head.decode("latin-1")


def _parse_hierarchy(text: str, where: str) -> tuple[BvhJoint, ...]:
    """Joints in file order."""
    names: list[str] = []
    parents: list[int] = []
    offsets: list[Offset | None] = []
    channels: list[tuple[str, ...]] = []
    ends: list[list[Offset]] = []
    # The open blocks: index of a joint, or None for an End Site. `pending` is the block whose brace is awaited.
    stack: list[int | None] = []
    pending: tuple[int | None] | None = None
    for line_number, words in _lines(text):
        place, keyword = f"{where}, line {line_number}", words[0].lower()
        if keyword in ("root", "joint"):
            parent = stack[-1] if stack else -1
            if pending or parent is None or (keyword == "root") != (parent == -1):
                raise InputError(f"{place}: {words[0]} stands where it cannot; is a brace missing above it?")
            if len(names) >= _MOST_JOINTS:
                raise InputError(f"{place}: more than {_MOST_JOINTS} joints; this is no figure")
            pending = (len(names),)
            names.append(" ".join(words[1:]) or f"joint{len(names)}")
            parents.append(parent)
            offsets.append(None)
            channels.append(())
            ends.append([])
        elif keyword == "end" and len(words) > 1 and words[1].lower() == "site":
            if pending or not stack or stack[-1] is None:
                raise InputError(f"{place}: End Site stands outside of a joint")
            pending = (None,)
        elif keyword == "{":
            if pending is None:
                raise InputError(f"{place}: a brace opens without ROOT, JOINT or End Site before it")
            stack.append(pending[0])
            pending = None
        elif keyword == "}":
            if not stack or pending:
                raise InputError(f"{place}: a brace closes that was never opened")
            closed = stack.pop()
            if closed is not None and offsets[closed] is None:
                raise InputError(f"{place}: joint '{names[closed]}' has no OFFSET")
        elif keyword == "offset" and stack and not pending:
            offset, joint = _offset(words[1:], place), stack[-1]
            if joint is not None:
                offsets[joint] = offset
            else:
                owner = stack[-2]
                ends[-1 if owner is None else owner].append(offset)
        elif keyword == "channels" and stack and stack[-1] is not None and not pending:
            channels[stack[-1]] = _channels(words[1:], place)
        elif keyword != "hierarchy":
            raise InputError(f"{place}: '{words[0][:40]}' is not expected here")
    if stack or pending or not names:
        problem = "a brace is missing" if names else "there is no ROOT"
        raise InputError(f"{where}: {problem} in the hierarchy; the file was cut off, write or copy it again")
    return tuple(
        BvhJoint(name, parent, offset or (0.0, 0.0, 0.0), channel, tuple(end))
        for name, parent, offset, channel, end in zip(names, parents, offsets, channels, ends, strict=True)
    )


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """``(line number, words)`` of every line that is not blank, braces on lines of their own."""
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), start=1):
        for part in re.split(r"([{}])", line):
            words = part.split()
            if words:
                yield number, words


def _offset(words: list[str], place: str) -> Offset:
    try:
        x, y, z = (float(word) for word in words)
    except ValueError:
        raise InputError(f"{place}: OFFSET needs three numbers, found '{' '.join(words)[:60]}'") from None
    if not np.isfinite((x, y, z)).all():
        raise InputError(f"{place}: OFFSET has a number that is not finite")
    return x, y, z


def _channels(words: list[str], place: str) -> tuple[str, ...]:
    names = tuple(_CHANNELS.get(word.lower(), "") for word in words[1:])
    if not words or words[0] != str(len(names)) or not all(names) or len(set(names)) != len(names):
        raise InputError(
            f"{place}: expected CHANNELS, a number, and as many different names of {', '.join(CHANNEL_NAMES)}; "
            f"found '{' '.join(words)[:80]}'"
        )
    return names


def _frame_count(word: bytes, where: str) -> int:
    if not word.isdigit() or len(word) > 9:
        raise InputError(f"{where}: 'Frames: {word.decode('latin-1')[:20]}', expected a whole number")
    return int(word)


def _frame_time(word: bytes, where: str) -> Decimal:
    text = word.decode("latin-1")
    try:
        frame_time_s = Decimal(text.replace("_", "x"))
    except InvalidOperation:
        frame_time_s = Decimal("NaN")
    if not frame_time_s.is_finite() or not _SHORTEST_FRAME_S <= frame_time_s <= _LONGEST_FRAME_S:
        raise InputError(f"{where}: 'Frame Time: {text[:20]}', expected seconds between frames, such as 0.0333333")
    return frame_time_s


def _parse_values(data: bytes, start: int, where: str) -> Float[np.ndarray, " values"]:
    """All numbers after the header, block by block so that the words of a large file never exist all at once."""
    blocks = [np.zeros(0)]
    while start < len(data):
        end = min(start + _BLOCK_BYTES, len(data))
        while end < len(data) and not data[end : end + 1].isspace():
            end += 1
        words = data[start:end].split()
        if end == len(data) and words and not data[-1:].isspace() and not words[-1][-1:].isdigit():
            # A file cut off in the middle of a number; the frame that it belongs to is not whole.
            words = words[: -1 if _PART_OF_NUMBER.fullmatch(words[-1]) and not words[-1].endswith(b".") else None]
        try:
            block = np.fromiter(map(float, words), dtype=np.float64, count=len(words))
        except ValueError:
            block = np.array([np.nan])
        if not np.isfinite(block).all():
            _raise_bad_number(words, data, start, where)
        blocks.append(block)
        start = end
    return np.concatenate(blocks)


def _raise_bad_number(words: list[bytes], data: bytes, start: int, where: str) -> None:
    """The error for the first word that is no finite number."""
    at = start
    for word in words:
        at = data.index(word, at)
        try:
            good = bool(np.isfinite(float(word)))
        except ValueError:
            good = False
        if not good:
            line = data.count(b"\n", 0, at) + 1
            shown = word.decode("latin-1")[:30]
            raise InputError(f"{where}, line {line}: '{shown}' among the motion values, expected a finite number")
        at += len(word)


def format_bvh(document: BvhDocument, *, decimals: int = 4, row_end: str = "\n") -> bytes:
    """The bytes of a file: tabs, line feeds, ``decimals`` places for every value, ``row_end`` after each frame.

    Four places are 0.5 micrometres of a position in centimetres, and 2 micrometres at the end of a 2 m chain of joints.
    """
    lines = ["HIERARCHY"]
    children: dict[int, list[int]] = {}
    for index, joint in enumerate(document.joints):
        children.setdefault(joint.parent, []).append(index)
    _format_joints(document.joints, children, lines)
    lines += ["MOTION", f"Frames: {len(document.values)}", f"Frame Time: {document.frame_time_s:f}", ""]
    row_format = " ".join([f"%.{decimals}f"] * document.values.shape[1]) + row_end
    parts = ["\n".join(lines).encode("utf-8")]
    # In blocks, so that a long clip never exists as Python numbers all at once.
    for start in range(0, len(document.values), _BLOCK_ROWS):
        # Rounding first and adding zero turns "-0.0000" into "0.0000".
        rows = (np.round(document.values[start : start + _BLOCK_ROWS], decimals) + 0.0).tolist()
        parts.append("".join([row_format % tuple(row) for row in rows]).encode("ascii"))
    return b"".join(parts)


def _format_joints(joints: tuple[BvhJoint, ...], children: dict[int, list[int]], lines: list[str]) -> None:
    """Append the hierarchy, depth first; the file order must be the order of the joints."""
    pending: list[tuple[int, int] | str] = [(index, 0) for index in reversed(children.get(-1, []))]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            lines.append(item)
            continue
        index, depth = item
        joint, tab = joints[index], "\t" * depth
        lines += [
            f"{tab}{'ROOT' if joint.parent < 0 else 'JOINT'} {joint.name}",
            f"{tab}{{",
            f"{tab}\tOFFSET {_numbers(joint.offset)}",
            f"{tab}\tCHANNELS {len(joint.channels)} {' '.join(joint.channels)}".rstrip(),
        ]
        pending.append(f"{tab}}}")
        for end in reversed(joint.end_offsets):
            block = (f"{tab}\tEnd Site", f"{tab}\t{{", f"{tab}\t\tOFFSET {_numbers(end)}", f"{tab}\t}}")
            pending.append("\n".join(block))
        pending += [(child, depth + 1) for child in reversed(children.get(index, []))]


def _numbers(offset: Offset) -> str:
    return " ".join(f"{round(value, 6) + 0.0:.6f}" for value in offset)

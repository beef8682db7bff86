"""A C3D file byte by byte, for each kind of processor and of numbers (c3d.org, "The C3D file format")."""

import struct

import numpy as np

PROCESSORS = {"intel": 84, "dec": 85, "mips": 86}


def _float(number: float, processor: str) -> bytes:
    if processor == "mips":
        return struct.pack(">f", number)
    if processor == "intel":
        return struct.pack("<f", number)
    # VAX F: sign, exponent in excess 128, mantissa 0.1fff; the word with the sign comes first.
    if number == 0:
        return bytes(4)
    mantissa, exponent = np.frexp(abs(number))
    bits = (number < 0) << 31 | (int(exponent) + 128) << 23 | round(float(mantissa) * (1 << 24)) & 0x7FFFFF
    return struct.pack("<HH", bits >> 16, bits & 0xFFFF)


def _word(number: int, processor: str) -> bytes:
    return struct.pack(">H" if processor == "mips" else "<H", number & 0xFFFF)


def _record(name: bytes, group: int, content: bytes, processor: str, last: bool = False) -> bytes:
    step = 0 if last else len(content) + 2
    return struct.pack("bb", len(name), group) + name + _word(step, processor) + content


def _parameter(name: str, group: int, value, processor: str, last: bool = False) -> bytes:
    """``value``: list of texts, list of floats, or a whole number."""
    if isinstance(value, int):
        content = struct.pack("bb", 2, 0) + _word(value, processor)
    elif isinstance(value, float):
        content = struct.pack("bb", 4, 0) + _float(value, processor)
    else:
        longest = max(map(len, value))
        texts = b"".join(text.ljust(longest).encode("latin-1") for text in value)
        content = struct.pack("bbBB", -1, 2, longest, len(value)) + texts
    return _record(name.encode(), group, content + b"\0", processor, last)


def made_c3d(
    points: np.ndarray,
    missing: np.ndarray,
    *,
    processor: str = "intel",
    scale: float = -1.0,
    rate: float = 50.0,
    labels: list[str],
    analog_per_frame: int = 0,
    **point_parameters,
) -> bytes:
    """A file of ``points`` (frames, points, 3); a positive ``scale`` stores them as whole numbers of it."""
    n_frames, n_points, _ = points.shape
    known = {"USED": n_points, "SCALE": scale, "RATE": rate, "DATA_START": 4, "FRAMES": n_frames, "LABELS": labels}
    parameters = struct.pack("BBBB", 1, 80, 2, PROCESSORS[processor])
    parameters += _record(b"POINT", -1, b"\0", processor)
    entries = list({**known, **point_parameters}.items())
    for i, (name, value) in enumerate(entries):
        parameters += _parameter(name, 1, value, processor, last=i == len(entries) - 1)
    header = struct.pack("BB", 2, 80)
    for word in (n_points, analog_per_frame, 1, n_frames, 10):
        header += _word(word, processor)
    header += _float(scale, processor) + _word(4, processor) + _word(analog_per_frame, processor)
    header += _float(rate, processor)
    data = b""
    for frame, gone in zip(points, missing, strict=True):
        for point, is_gone in zip(frame, gone, strict=True):
            row = [0.0, 0.0, 0.0, -1.0] if is_gone else [*point, 0.0]
            if scale < 0:
                data += b"".join(_float(float(number), processor) for number in row)
            else:
                whole = [*(round(number / scale) for number in row[:3]), int(row[3])]
                data += b"".join(_word(number, processor) for number in whole)
        data += (_float(7.0, processor) if scale < 0 else _word(7, processor)) * analog_per_frame
    return header.ljust(512, b"\0") + parameters.ljust(1024, b"\0") + data

"""C3D, the binary marker file of motion capture: points and their parameters (c3d.org, "The C3D file format").

Written in plain NumPy, so that no damaged file can do more than be refused.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.formats.c3d_parameters import BLOCK, Parameters, parse_parameters

_UNKNOWN_COUNT = 65535
"""In POINT:FRAMES: this many frames, or more than the 16-bit number holds."""


@dataclass(frozen=True, eq=False)
class C3d:
    """Content of a C3D file, in the file's own units and axes."""

    parameters: Parameters
    labels: tuple[str, ...]
    """One for each point; ``point_7`` where the file has none."""
    points: Float[np.ndarray, "frames points 3"]
    """NaN where the file marks a point as missing."""
    residuals: Float[np.ndarray, "frames points"]
    """-1 where missing."""
    rate: float
    """Frames per second, as a single-precision number."""
    analog_labels: tuple[str, ...]
    analog: Float[np.ndarray, "frames channels"]
    """First sample of each frame, scaled and in the units of each channel."""
    notes: tuple[str, ...]


@np.errstate(invalid="ignore", over="ignore")  # NaN of every kind in damaged files
def parse_c3d(data: bytes, where: str) -> C3d:
    """A C3D file from its bytes: of Intel, DEC and MIPS processors, with integer or floating-point data.

    Raises:
        InputError: no C3D, damaged, or without points or frames.
    """
    if len(data) < 2 * BLOCK or data[1] != 0x50:
        raise InputError(f"{where}: not a C3D file: expected the byte 80 in second place and at least two blocks")
    parameters = parse_parameters(data, data[0], where)
    numbers = parameters.numbers
    words = numbers.integers(data[:BLOCK]).astype(np.int64) & 0xFFFF
    n_points = int(words[1])
    used = parameters.count("POINT", "USED")
    if used is not None and used & 0xFFFF != n_points:
        raise InputError(f"{where}: its header has {n_points} points, POINT:USED {used}; C3D damaged")
    if not n_points:
        raise InputError(f"{where}: holds no points")
    n_analog = int(words[2])
    scale = parameters.number("POINT", "SCALE")
    scale = float(numbers.floats(data[12:16])[0]) if scale is None else scale
    rate = parameters.number("POINT", "RATE")
    rate = float(numbers.floats(data[20:24])[0]) if rate is None else rate
    if not (np.isfinite(scale) and np.isfinite(rate)):
        raise InputError(f"{where}: its scale is {scale} and its rate {rate}; C3D damaged")
    start = ((parameters.count("POINT", "DATA_START") or int(words[8])) - 1) * BLOCK
    width = 4 * n_points + n_analog
    n_bytes = 4 if scale < 0 else 2
    available = (len(data) - start) // (width * n_bytes) if 0 < start < len(data) else 0
    n_frames, notes = _frame_count(parameters, words, available)
    if not n_frames:
        raise InputError(f"{where}: holds no frames")
    raw = memoryview(data)[start : start + n_frames * width * n_bytes]
    table = (numbers.floats(raw) if scale < 0 else numbers.integers(raw)).reshape(n_frames, width)
    points, residuals = _points(table[:, : 4 * n_points].reshape(n_frames, n_points, 4), scale)
    labels, analog = _analog(parameters, table[:, 4 * n_points :])
    return C3d(parameters, _labels(parameters, n_points), points, residuals, rate, labels, analog, notes)


def _frame_count(parameters: Parameters, words: np.ndarray, available: int) -> tuple[int, tuple[str, ...]]:
    """``(frames, notes)``: what the file says, no more than it holds.

    A count of 65535 may stand for more, which LONG_FRAMES or the group TRIAL tell (c3d.org, "Reading the frame
    count"), or else the length of the file.
    """
    told = parameters.count("POINT", "FRAMES")
    if told is None:
        told = int(words[4]) - int(words[3]) + 1
    if told == _UNKNOWN_COUNT:
        long = parameters.number("POINT", "LONG_FRAMES")
        fields = [parameters.values.get(("TRIAL", f"ACTUAL_{end}_FIELD")) for end in ("START", "END")]
        if all(isinstance(value, np.ndarray) and value.size == 2 for value in fields):
            first, last = ((int(value.ravel()[0]) & 0xFFFF) + (int(value.ravel()[1]) << 16) for value in fields)  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue]
            told = max(last - first + 1, told)
        elif long is not None and np.isfinite(long):
            told = max(int(long), told)
        else:
            told = available
    if told <= available:
        return max(told, 0), ()
    return available, (f"the file ends after {available} of {told} frames",)


def _points(
    words: np.ndarray, scale: float
) -> tuple[Float[np.ndarray, "frames points 3"], Float[np.ndarray, "frames points"]]:
    """Coordinates and residuals; the fourth word of a point is negative where it is missing."""
    points = words[..., :3].astype(np.float64)
    fourth = np.nan_to_num(words[..., 3].astype(np.float64), nan=-1.0, posinf=-1.0, neginf=-1.0)
    missing = fourth < 0
    if scale >= 0:
        points *= scale
    points[missing] = np.nan
    low_byte = np.clip(fourth, 0, 32767).astype(np.int64) & 0xFF
    return points, np.where(missing, -1.0, low_byte * abs(scale))


def _labels(parameters: Parameters, n_points: int) -> tuple[str, ...]:
    told = parameters.texts("POINT", "LABELS")[:n_points]
    told += [""] * (n_points - len(told))
    return tuple(label or f"point_{i + 1}" for i, label in enumerate(told))


def _analog(
    parameters: Parameters, samples: np.ndarray
) -> tuple[tuple[str, ...], Float[np.ndarray, "frames channels"]]:
    """``(labels, values)``: raw numbers less the offset, times both scales (c3d.org, "Scaling analog data")."""
    used = parameters.count("ANALOG", "USED") or 0
    if not used or samples.shape[1] % used:
        return (), np.zeros((len(samples), 0))
    labels = parameters.texts("ANALOG", "LABELS")[:used]
    labels += [f"analog_{i + 1}" for i in range(len(labels), used)]
    values = samples[:, :used].astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        for name, change in (("OFFSET", np.subtract), ("SCALE", np.multiply)):
            each = parameters.values.get(("ANALOG", name))
            if isinstance(each, np.ndarray) and each.size >= used:
                values = change(values, each.ravel()[:used].astype(np.float64))
        values = values * (parameters.number("ANALOG", "GEN_SCALE") or 1.0)
    return tuple(labels), values

"""What most readers end with: rows of one person in one frame, in any order -> a :class:`Clip`."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from maquette.errors import InputError, NoPersonError
from maquette.readers.clip import Clip, Unit
from maquette.readers.keypoint_arrays import clean, place_frames
from maquette.readers.skeleton_choice import take_columns
from maquette.readers.usual_fps import BROADCAST_FPS
from maquette.skeleton import Skeleton
from maquette.track.detections import Detections


def clip_from_rows(
    points: Float[np.ndarray, "rows columns 2"],
    confidence: Float[np.ndarray, "rows columns"],
    row_number: Sequence[int],
    person_id: Sequence[int],
    numbers: Sequence[int],
    *,
    skeleton: Skeleton,
    columns: list[int] | None,
    skeleton_why: str,
    source: str,
    unit: Unit = "px",
    zero_is_missing: bool = True,
    notes: tuple[str, ...] = (),
    **facts: Any,
) -> Clip:
    """A clip from rows.

    Args:
        points: coordinates as the file has them.
        confidence: as the file has it; see :func:`clean` for what counts as missing.
        row_number: frame number of each row.
        person_id: identity of each row, -1 for none.
        numbers: all frame numbers that the file names, those without anybody included.
        skeleton: the joints; ``columns`` says where each stands in the file (None: all in order).
        columns: see ``skeleton``.
        skeleton_why: how the skeleton is known.
        source: name of the file.
        unit: of ``points``.
        zero_is_missing: the point 0, 0 is a joint that was not seen.
        notes: assumptions made so far.
        **facts: further fields of :class:`Clip` (fps, image_size, ...).

    Raises:
        InputError: infinite or impossible numbers.
        NoPersonError: there are no rows.
    """
    if not len(points):
        raise NoPersonError(f"{source}: nobody was detected in any frame")
    if columns is not None:
        points, confidence = take_columns(points, confidence, columns)
    points, confidence, clipped = clean(points, confidence, source, zero_is_missing=zero_is_missing)
    all_numbers = np.array([*row_number, *numbers], dtype=np.int64)
    frame, first, n_frames, placed = place_frames(all_numbers)
    frame = frame[: len(points)]
    order = np.argsort(frame, kind="stable")
    detections = Detections(
        frame[order], points[order], confidence[order], np.array(person_id, dtype=np.int64)[order], n_frames
    )
    return Clip(
        detections=detections,
        skeleton=skeleton,
        skeleton_why=skeleton_why,
        source=source,
        unit=unit,
        first_frame=first,
        notes=(*notes, *clipped, *placed),
        **facts,
    )


def equal_lengths(rows: Sequence[Sequence[Any]], where: str, what: str = "numbers a person") -> int:
    """The common length of all rows (0 when there are none).

    Raises:
        InputError: they differ.
    """
    lengths = sorted(set(map(len, rows)))
    if len(lengths) > 1:
        shown = " and ".join(str(n) for n in lengths[:3])
        raise InputError(f"{where}: two layouts in one clip, {shown} {what}; give each its own file")
    return lengths[0] if lengths else 0


def as_identity(value: Any) -> int:
    """A person's number from what formats write (3, 3.0, [3], [[3]], "3"); -1 when it is none."""
    for _ in range(4):
        if not isinstance(value, list):
            break
        value = value[0] if value else None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 31 else -1


def frame_rate(
    times_s: Float[np.ndarray, " frames"], numbers: Int[np.ndarray, " frames"]
) -> tuple[Fraction | None, bool]:
    """``(fps, regular)`` from the times of numbered frames; ``(None, False)`` when the times say nothing.

    The rate is the mean one, taken as a whole number or a broadcast rate (x 1000/1001) when within 0.01 of it. Times
    are ``regular`` when no frame is farther than a tenth of a frame from its place.
    """
    rising = len(times_s) > 1 and bool(np.isfinite(times_s).all())
    if not rising or (np.diff(times_s) <= 0).any() or (np.diff(numbers) <= 0).any():
        return None, False
    count = numbers - numbers[0]
    rate = float(count[-1]) / float(times_s[-1] - times_s[0])
    if not 0.01 <= rate <= 100_000:
        return None, False
    fps = Fraction(rate).limit_denominator(1000)
    for candidate in (Fraction(round(rate)), *BROADCAST_FPS):
        if candidate > 0 and abs(rate - float(candidate)) < 0.01:
            fps = candidate
            break
    ideal = times_s[0] + count / float(fps)
    return fps, bool(np.abs(times_s - ideal).max() < 0.1 / float(fps))

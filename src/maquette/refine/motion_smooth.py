"""A motion without jitter and without holes: zero-phase low-pass, and interpolated poses where nobody was seen."""

import numpy as np
from jaxtyping import Bool, Float

from maquette.motion import Motion
from maquette.refine.zero_phase import zero_phase_lowpass


def smooth(motion: Motion, *, cutoff_hz: float | int = 6.0, order: int = 4) -> Motion:
    """Zero-phase Butterworth low-pass of every coordinate, 3 dB down at ``cutoff_hz`` after both passes.

    Runs between missing samples are filtered on their own, NaN stays NaN. Where half the frame rate does not exceed the
    cutoff there is nothing to remove: the motion comes back as it was, with a note. 6 Hz is the usual cutoff for
    walking; fast strokes and kicks need 10 to 15 Hz.

    Raises:
        InputError: a cutoff that is not positive, or an order other than 2, 4, 6, 8, 10.
    """
    flat = motion.positions.reshape(motion.n_frames, -1)
    filtered = zero_phase_lowpass(flat, motion.fps, cutoff_hz, order)
    if 2 * cutoff_hz >= motion.fps:
        return motion.with_notes(
            f"3D not smoothed: the cutoff of {cutoff_hz:g} Hz is not below half of {float(motion.fps):g} frames/s"
        )
    return motion.with_notes(
        f"3D smoothed by a zero-phase Butterworth low-pass of order {order}, -3 dB at {cutoff_hz:g} Hz",
        positions=filtered.reshape(motion.positions.shape),
    )


def fill_gaps(
    motion: Motion,
    seen: Bool[np.ndarray, " frames"] | None = None,
    *,
    max_gap_s: float | int = 0.5,
) -> Motion:
    """Give every joint a position in every frame: each bone turns evenly from where it was last seen to the next time.

    Frames that are not ``seen`` (nobody was detected; None means that all were) count as unknown in all joints,
    whatever the lifter made of them. Before the first and after the last known frame the pose is held. Stretches longer
    than ``max_gap_s`` are listed in the notes, and their ``sigma_m`` becomes infinite (NaN elsewhere where there was
    none): the pose there is a guess.
    Joints that are unknown in all frames stay NaN, and so do those that hang on them.
    """
    known: np.ndarray = np.all(np.isfinite(motion.positions), axis=-1)
    if seen is not None:
        known = known & seen[:, None]
    if known.all() or not known.any():
        return motion
    vectors, parents = _bone_vectors(motion)
    vectors = np.where(known[..., None] & known[:, parents][..., None], vectors, np.nan)
    filled = _interpolated(vectors)
    positions = np.empty_like(filled)
    for joint in _outwards(motion):
        parent = parents[joint]
        positions[:, joint] = filled[:, joint] + (positions[:, parent] if parent != joint else 0.0)
    positions[known] = motion.positions[known]
    gaps = ~np.any(known, axis=1)
    notes, guessed = _gap_notes(gaps, motion, max_gap_s)
    sigma_m = motion.sigma_m
    if guessed.any():
        # Also where nothing is known of the rest: what is a guess must not pass for an observation.
        unknown = np.full(positions.shape[:2], np.nan)
        sigma_m = np.where(guessed[:, None], np.inf, unknown if sigma_m is None else sigma_m)
    return motion.with_notes(*notes, positions=positions, sigma_m=sigma_m)


def _outwards(motion: Motion) -> list[int]:
    """Joints in an order in which the joint they are measured from comes first: the first root leads."""
    first = motion.skeleton.roots[0]
    return [first, *(joint for joint in motion.skeleton.order if joint != first)]


def _bone_vectors(motion: Motion) -> tuple[Float[np.ndarray, "frames joints 3"], list[int]]:
    """Vector from each joint's parent to it, and the parents; other roots hang on the first one, which hangs on the
    origin (it is its own parent here)."""
    first = motion.skeleton.roots[0]
    parents = [parent if parent >= 0 else first for parent in motion.skeleton.parents]
    vectors = motion.positions - motion.positions[:, parents]
    vectors[:, first] = motion.positions[:, first]
    return vectors, parents


def _interpolated(vectors: Float[np.ndarray, "frames joints 3"]) -> Float[np.ndarray, "frames joints 3"]:
    """Missing vectors turned evenly (great circle) between the nearest known ones in time, lengths blended; held at the
    ends. The path of the root, which may be zero or metres long, is blended linearly by the same rule."""
    known: np.ndarray = np.all(np.isfinite(vectors), axis=-1)
    n = len(vectors)
    frame = np.arange(n)[:, None]
    before = np.maximum.accumulate(np.where(known, frame, -1), axis=0)
    after = np.minimum.accumulate(np.where(known, frame, n)[::-1], axis=0)[::-1]
    after = np.where(after == n, before, after)
    before = np.where(before == -1, after, before)
    frames, joints = np.nonzero(~known & (before >= 0))
    low, high = before[frames, joints], after[frames, joints]
    t = ((frames - low) / np.maximum(high - low, 1))[:, None]
    a, b = vectors[low, joints], vectors[high, joints]
    length_a, length_b = (np.linalg.norm(v, axis=-1, keepdims=True) for v in (a, b))
    unit_a, unit_b = a / np.maximum(length_a, 1e-9), b / np.maximum(length_b, 1e-9)
    angle = np.arctan2(
        np.linalg.norm(np.cross(unit_a, unit_b), axis=-1, keepdims=True), (unit_a * unit_b).sum(-1, keepdims=True)
    )
    # Opposite directions have no shortest arc, and short roots no direction: a straight line serves.
    arc = (angle > 1e-6) & (angle < 3.0) & (length_a > 1e-6) & (length_b > 1e-6)
    sine = np.where(arc, np.sin(angle), 1.0)
    turned = (np.sin((1 - t) * angle) * unit_a + np.sin(t * angle) * unit_b) / sine
    result = vectors.copy()
    result[frames, joints] = np.where(arc, turned * ((1 - t) * length_a + t * length_b), (1 - t) * a + t * b)
    return result


def _gap_notes(
    gaps: Bool[np.ndarray, " frames"], motion: Motion, max_gap_s: float
) -> tuple[list[str], Bool[np.ndarray, " frames"]]:
    """One note for the short gaps, one for the long ones with their times; and the frames in long ones."""
    edges = np.diff(np.pad(gaps.astype(np.int8), 1))
    runs = list(zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True))
    fps = float(motion.fps)
    long_runs = [(start, stop) for start, stop in runs if (stop - start) / fps > max_gap_s]
    guessed = np.zeros(len(gaps), dtype=bool)
    for start, stop in long_runs:
        guessed[start:stop] = True
    notes = []
    if len(runs) > len(long_runs):
        n_short = sum(stop - start for start, stop in runs) - int(guessed.sum())
        notes.append(f"3D interpolated over {n_short} frames without the person, in gaps of up to {max_gap_s:g} s")
    if long_runs:
        shown = ", ".join(f"{start}-{stop - 1} ({(stop - start) / fps:.1f} s)" for start, stop in long_runs[:8])
        more = f" and {len(long_runs) - 8} more" if len(long_runs) > 8 else ""
        notes.append(
            f"nobody seen for longer than {max_gap_s:g} s in frames {shown}{more}: the pose there is a guess, "
            "turned evenly from the last seen to the next, held at the ends"
        )
    return notes, guessed

"""The repair of a 2D track, as the main path does it."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from maquette.errors import InputError
from maquette.keypoints import Keypoints
from maquette.refine.keypoints_edits import Edit
from maquette.refine.keypoints_gaps import fill, find_gaps
from maquette.refine.keypoints_outliers import drop, find_implausible, find_spikes
from maquette.refine.keypoints_smooth import butterworth
from maquette.refine.keypoints_swaps import exchange, find_swaps

Finder = Callable[[Keypoints], list[Edit]]
Applier = Callable[[Keypoints, list[Edit]], Keypoints]


def repair_steps(
    *,
    min_confidence: float | int = 0.1,
    picture_margin: float | int = 0.1,
    swaps: bool = True,
    spike_window_s: float | int = 0.12,
    max_gap_s: float | int = 0.3,
    hold_s: float | int = 0.1,
) -> tuple[tuple[Finder, Applier], ...]:
    """The steps of :func:`repair` in order, each as what finds edits and what makes them.

    Swaps come before spikes, because a short exchange of left and right looks like a spike in both; gaps come last and
    are filled from what is left. A ``spike_window_s`` of 0 leaves the spikes alone.
    """
    return (
        (partial(find_implausible, min_confidence=min_confidence, picture_margin=picture_margin), drop),
        *([(find_swaps, exchange)] if swaps else []),
        *([(partial(find_spikes, half_window_s=spike_window_s), drop)] if spike_window_s else []),
        (partial(find_gaps, max_gap_s=max_gap_s, hold_s=hold_s), fill),
    )


def repair(
    keypoints: Keypoints,
    *,
    min_confidence: float | int = 0.1,
    picture_margin: float | int = 0.1,
    swaps: bool = True,
    spike_window_s: float | int = 0.12,
    max_gap_s: float | int = 0.3,
    hold_s: float | int = 0.1,
    cutoff_hz: float | int = 0.0,
) -> Keypoints:
    """The track without what a detector gets wrong; every edit is in the result's notes, with frames and joints.

    In this order: implausible points are dropped (:func:`~maquette.refine.keypoints_outliers.find_implausible`), left
    and right exchanged back (:func:`~maquette.refine.keypoints_swaps.find_swaps`), spikes dropped
    (:func:`~maquette.refine.keypoints_outliers.find_spikes`), gaps of up to ``max_gap_s`` filled
    (:func:`~maquette.refine.keypoints_gaps.fill_gaps`), and, only when ``cutoff_hz`` is positive, everything smoothed
    (:func:`~maquette.refine.keypoints_smooth.butterworth`). Not smoothed by default: the lifters are trained with a
    detector's jitter, and the 3D is smoothed afterwards.

    Raises:
        InputError: a parameter out of range, or most points lie far outside the picture: then its size is wrong.
    """
    repaired, log = repair_with_log(
        keypoints,
        min_confidence=min_confidence,
        picture_margin=picture_margin,
        swaps=swaps,
        spike_window_s=spike_window_s,
        max_gap_s=max_gap_s,
        hold_s=hold_s,
        cutoff_hz=cutoff_hz,
    )
    _check_picture(keypoints, log)
    return repaired


def _check_picture(keypoints: Keypoints, log: Sequence[Edit]) -> None:
    if keypoints.image_size is None or 2 * count_points(log)["outside"] <= keypoints.observed.sum():
        return
    width, height = keypoints.image_size
    low, high = (np.percentile(keypoints.points[keypoints.observed], q, axis=0) for q in (1, 99))
    raise InputError(
        f"{keypoints.source or 'the track'}: most points lie far outside a picture of {width} x {height} pixels "
        f"(x {low[0]:.0f} to {high[0]:.0f}, y {low[1]:.0f} to {high[1]:.0f}); "
        "give the size of the picture that the detector saw (--image-size WIDTHxHEIGHT)"
    )


def repair_with_log(
    keypoints: Keypoints,
    *,
    min_confidence: float | int = 0.1,
    picture_margin: float | int = 0.1,
    swaps: bool = True,
    spike_window_s: float | int = 0.12,
    max_gap_s: float | int = 0.3,
    hold_s: float | int = 0.1,
    cutoff_hz: float | int = 0.0,
) -> tuple[Keypoints, list[Edit]]:
    """:func:`repair`, and its edits as data.

    Raises:
        InputError: a parameter out of range.
    """
    log: list[Edit] = []
    steps = repair_steps(
        min_confidence=min_confidence,
        picture_margin=picture_margin,
        swaps=swaps,
        spike_window_s=spike_window_s,
        max_gap_s=max_gap_s,
        hold_s=hold_s,
    )
    for find, apply in steps:
        edits = find(keypoints)
        keypoints = apply(keypoints, edits)
        log += edits
    if cutoff_hz > 0:
        keypoints = butterworth(keypoints, cutoff_hz=cutoff_hz)
    return keypoints, log


def count_points(edits: Sequence[Edit]) -> Counter[str]:
    """How many points (frames times joints) the edits of each kind concern."""
    counts: Counter[str] = Counter()
    for edit in edits:
        counts[edit.kind] += len(edit.frames) * len(edit.joints)
    return counts

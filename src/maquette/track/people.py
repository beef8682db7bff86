"""Detections -> one list of rows for each person, the most prominent person first."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from maquette.errors import InputError
from maquette.track.detections import Detections
from maquette.track.similarity import TOLERANCE, body_sizes, sigma_after, steps, usual_step
from maquette.track.tracker import resume, track_rows

MAX_PEOPLE = 64
"""People kept, the most prominent ones."""
MAX_PEOPLE_PER_FRAME = 500
GHOST_S = 0.1
"""A track seen for less than this (or than 3 frames), beside one five times as long, is a false detection."""
FRAGMENT_JOINTS = 4
"""A track that rarely has more joints than this and under a twentieth of the first one's prominence is a limb that the
detector took for a person."""


@dataclass(frozen=True, eq=False)
class Track:
    """Rows of one person, at most one a frame, in the order of time."""

    rows: Int[np.ndarray, " _"]
    person_id: int
    """The file's own number where that is a real identity, else the rank, 0 for the most prominent."""


def track_people(
    detections: Detections, fps: float, *, max_gap_s: float = 1.0, max_absence_s: float = 5.0
) -> tuple[list[Track], tuple[str, ...]]:
    """Who is who.

    Identities of the file are used where they are real (see :func:`file_identities`). Else people are followed from
    frame to frame, and a track goes on over a gap of ``max_gap_s`` seconds; an absence of up to ``max_absence_s`` is
    bridged where nobody else can be meant, and any absence when there is never more than one person in the picture.

    Tracks are ranked by prominence: the sum over frames of body size x mean confidence of all joints. False detections
    of a few frames are left out.

    Returns:
        ``(tracks, notes)``, most prominent first.

    Raises:
        InputError: a frame holds more than 500 people.
    """
    crowd = int(detections.people_per_frame.max(initial=0))
    if crowd > MAX_PEOPLE_PER_FRAME:
        frame = int(detections.people_per_frame.argmax())
        raise InputError(f"frame {frame} holds {crowd} people; up to {MAX_PEOPLE_PER_FRAME} can be told apart")
    sizes = body_sizes(detections.points)
    prominence = sizes * detections.confidence.mean(1)
    if crowd <= 1 and _nobody_jumps(detections, fps, sizes):
        return [Track(np.arange(len(detections.frame)), _only_id(detections.person_id))], ()
    identities, notes = file_identities(detections, fps, sizes)
    if identities is not None:
        groups = [np.flatnonzero(identities == identity) for identity in np.unique(identities)]
    else:
        tolerance = max(TOLERANCE, 1.5 * usual_step(detections.frame, detections.points, sizes))
        groups = track_rows(detections, fps, max_gap_s, tolerance)
    kept, dropped = _without_ghosts(groups, prominence, detections.observed.sum(1), fps)
    if identities is None:
        solo = np.bincount(detections.frame[np.concatenate(kept)]).max() <= 1
        whole = resume(kept, detections, fps, np.inf if solo else max_absence_s)
        if len(whole) < len(kept):
            joined = len(kept) - len(whole)
            times = "once" if joined == 1 else f"{joined} times"
            notes = (*notes, f"{times} somebody who had been lost was taken to be back")
        kept = _ranked(whole, prominence)
        if len(kept) > 1:
            notes = (*notes, f"{len(kept)} people were told apart by following them from frame to frame")
    tracks = [Track(rows, rank if identities is None else int(identities[rows[0]])) for rank, rows in enumerate(kept)]
    return tracks, (*notes, *dropped)


def file_identities(
    detections: Detections, fps: float, sizes: Float[np.ndarray, " rows"]
) -> tuple[Int[np.ndarray, " rows"] | None, tuple[str, ...]]:
    """Identities of the file when they are real, else None, and a note on what was decided.

    They are not real when a row has none, when one number occurs twice in a frame, when all are the same, or when they
    only count the people of each frame (0, 1, 2 by position in the list) and following them jumps between bodies.
    """
    ids = detections.person_id
    if not len(ids) or ids.min() < 0 or ids.min() == ids.max():
        return None, ()
    pairs = np.stack([detections.frame, ids], axis=1)
    if len(np.unique(pairs, axis=0)) < len(pairs):
        return None, ("the file's person numbers repeat within a frame, so people were tracked by position",)
    order = np.lexsort((detections.frame, ids))
    same = (np.diff(ids[order]) == 0) & (np.diff(detections.frame[order]) == 1)
    moved = steps(detections.points[order], sizes[order])[same]
    limit = 3.0 * max(TOLERANCE, 1.5 * usual_step(detections.frame, detections.points, sizes))
    jumps = int((moved > limit).sum())
    if jumps and jumps > 0.002 * len(moved) and _counts_positions(detections.frame, ids):
        return None, ("the file's person numbers jump between bodies, so people were tracked by position",)
    return ids, ("the file's own person numbers were used",)


def _counts_positions(frame: Int[np.ndarray, " rows"], ids: Int[np.ndarray, " rows"]) -> bool:
    """True when the numbers of every frame are 0, 1, 2 ... (or 1, 2, 3 ...), as positions in a list are."""
    order = np.lexsort((ids, frame))
    starts = np.flatnonzero(np.diff(frame[order], prepend=-1))
    position = np.arange(len(ids)) - np.repeat(starts, np.diff(np.append(starts, len(ids))))
    return bool((ids[order] - position == ids.min()).all())


def _nobody_jumps(detections: Detections, fps: float, sizes: Float[np.ndarray, " rows"]) -> bool:
    """True when the only person of each frame moves from row to row as one body does."""
    moved = steps(detections.points, sizes)
    if not moved.size:
        return True
    gap_s = np.diff(detections.frame) / fps
    usual = 4.0 * float(np.quantile(moved, 0.9))
    return bool((moved <= np.maximum(1.5 * sigma_after(gap_s, TOLERANCE), usual)).all())


def _only_id(ids: Int[np.ndarray, " rows"]) -> int:
    """The file's number when one stands on all rows, else 0."""
    return int(ids[0]) if len(ids) and ids[0] >= 0 and (ids == ids[0]).all() else 0


def _ranked(groups: list[Int[np.ndarray, " _"]], prominence: Float[np.ndarray, " rows"]) -> list[Int[np.ndarray, " _"]]:
    return sorted(groups, key=lambda rows: -float(prominence[rows].sum()))


def _without_ghosts(
    groups: list[Int[np.ndarray, " _"]],
    prominence: Float[np.ndarray, " rows"],
    n_joints: Int[np.ndarray, " rows"],
    fps: float,
) -> tuple[list[Int[np.ndarray, " _"]], tuple[str, ...]]:
    """Ranked groups without false detections, and notes on what was left out."""
    ranked = _ranked(groups, prominence)
    longest = max(len(rows) for rows in ranked)
    shortest = max(3, round(GHOST_S * fps))
    least = 0.05 * float(prominence[ranked[0]].sum())
    kept: list[Int[np.ndarray, " _"]] = []
    flashes: list[int] = []
    fragments: list[int] = []
    for rows in ranked:
        if len(rows) < shortest and longest >= 5 * len(rows):
            flashes.append(len(rows))
        elif np.median(n_joints[rows]) <= FRAGMENT_JOINTS and float(prominence[rows].sum()) < least:
            fragments.append(len(rows))
        else:
            kept.append(rows)
    notes = []
    if flashes:
        notes.append(f"detections of under {shortest} frames were left out as false ones ({sum(flashes)} in all)")
    if fragments:
        notes.append(f"parts of bodies detected as people of their own were left out (in {sum(fragments)} frames)")
    if len(kept) > MAX_PEOPLE:
        notes.append(f"{len(kept)} people were found and the {MAX_PEOPLE} most prominent ones kept")
        kept = kept[:MAX_PEOPLE]
    return kept, tuple(notes)

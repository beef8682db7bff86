"""Frame-by-frame tracking: predicted tracks are assigned to detections by the least sum of 1 - OKS."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from maquette.track.bodies import Body, advance, assign
from maquette.track.detections import Detections
from maquette.track.similarity import body_sizes, middles

_SURELY_ELSEWHERE_S = 1.0
"""Over a longer absence somebody seen all the time may have taken the other's place."""
MANY_PEOPLE = 12
"""With more people than this every frame is assigned with care."""


@dataclass(eq=False)
class _Track(Body):
    """One person while the clip runs by; times are frames."""

    rows: list[int] = field(default_factory=list)


def track_rows(detections: Detections, fps: float, max_gap_s: float, tolerance: float) -> list[Int[np.ndarray, " _"]]:
    """Rows of each tracked person, in order of first sight.

    Args:
        fps: frames per second.
        max_gap_s: a person not seen for longer is given up.
        tolerance: σ between neighbouring frames, in body sizes.
    """
    sizes = body_sizes(detections.points)
    starts = np.flatnonzero(np.diff(detections.frame, prepend=-1))
    certain, successor = certain_steps(detections, starts, sizes)
    bounds = [*starts.tolist(), len(detections.frame)]
    alive: list[_Track] = []
    done: list[_Track] = []
    i = 0
    while i < len(starts):
        start, end = bounds[i], bounds[i + 1]
        frame = int(detections.frame[start])
        lost = [track for track in alive if (frame - track.time) / fps > max_gap_s and frame - track.time > 2]
        if lost:
            done += lost
            alive = [track for track in alive if track not in lost]
        poses = detections.points[start:end]
        taken = assign(alive, frame, poses, per_s=fps, tolerance=tolerance) if alive else {}
        again = list(taken)
        advance([alive[taken[k]] for k in again], frame, poses[again], sizes[start:end][again])
        for k in range(end - start):
            if k in taken:
                alive[taken[k]].rows.append(start + k)
            else:
                alive.append(_Track(poses[k].copy(), float(sizes[start + k]), frame, rows=[start + k]))
        i += 1
        run = i
        while run < len(starts) and certain[run]:
            run += 1
        if run > i:
            for track in alive:
                if track.time == frame:
                    _follow(track, successor, run - i, detections.points, sizes)
            i = run
    done += alive
    return sorted((np.array(track.rows) for track in done), key=lambda rows: int(rows[0]))


def _follow(
    track: _Track,
    successor: list[int],
    n_frames: int,
    points: Float[np.ndarray, "rows joints 2"],
    sizes: Float[np.ndarray, " rows"],
) -> None:
    """Extend a track over ``n_frames`` frames whose successors are certain."""
    row = track.rows[-1]
    for _ in range(n_frames):
        row = successor[row]
        track.rows.append(row)
    recent = track.rows[-6:]
    centre = middles(points[recent])
    track.velocity = (centre[-1] - centre[0]) / (len(recent) - 1)
    track.points = np.where(np.isfinite(points[row]), points[row], track.points + centre[-1] - _middle(track.points))
    track.size = max(float(sizes[track.rows[-30:]].max()), track.size * 0.98**n_frames)
    track.time += n_frames


def _middle(points: Float[np.ndarray, "joints 2"]) -> Float[np.ndarray, " 2"]:
    return middles(points[None])[0]


def certain_steps(
    detections: Detections, starts: Int[np.ndarray, " seen_frames"], sizes: Float[np.ndarray, " rows"]
) -> tuple[list[bool], list[int]]:
    """Frames in which everybody plainly continues somebody of the frame before; these need no assignment.

    Plainly: the same number of people in neighbouring frames, each moved by less than a tenth of the body, nobody else
    within a third of it or within three times the step, and of a like size.

    Args:
        detections: all rows.
        starts: first row of each frame in which somebody is.
        sizes: body size of each row, px.

    Returns:
        ``(certain, successor)``: for each seen frame whether the step to it is certain, and for each row the row of the
        same person in the next frame (only meaningful for certain steps).
    """
    counts = np.diff(np.append(starts, len(detections.frame)))
    frame = detections.frame[starts]
    centre = middles(detections.points)
    certain = np.zeros(len(starts), dtype=bool)
    successor = np.full(len(detections.frame), -1)
    neighbours = np.zeros(len(starts), dtype=bool)
    neighbours[1:] = (np.diff(frame) == 1) & (counts[1:] == counts[:-1])
    for k in range(1, MANY_PEOPLE + 1):
        steps = np.flatnonzero(neighbours & (counts == k))
        if not len(steps):
            continue
        before = starts[steps - 1][:, None] + np.arange(k)
        now = starts[steps][:, None] + np.arange(k)
        offset = centre[now][:, None] - centre[before][:, :, None]
        distance = np.hypot(offset[..., 0], offset[..., 1]) / sizes[before][:, :, None]
        best = distance.argmin(2)
        nearest = np.take_along_axis(distance, best[..., None], 2)[..., 0]
        plain = nearest < 0.1
        others = distance.copy()
        np.put_along_axis(others, best[..., None], np.inf, 2)
        limit = np.maximum(1 / 3, 3 * nearest)
        plain &= (others.min(2) > limit) & np.all(np.sort(best, axis=1) == np.arange(k), axis=1)[:, None]
        # Nobody else may have come from where this one is now.
        plain &= np.take_along_axis(others.min(1), best, 1) > limit
        ratio = sizes[np.take_along_axis(now, best, 1)] / sizes[before]
        plain &= (ratio > 0.6) & (ratio < 1 / 0.6)
        certain[steps] = np.all(plain, axis=1)
        successor[before] = np.take_along_axis(now, best, 1)
    return certain.tolist(), successor.tolist()


def resume(
    tracks: list[Int[np.ndarray, " _"]], detections: Detections, fps: float, max_gap_s: float
) -> list[Int[np.ndarray, " _"]]:
    """Tracks joined over long gaps, where nobody else was there who could be meant.

    Two parts are one person when the later begins within ``max_gap_s`` seconds, at a place that can be reached and with
    a body of a like size, and no third track is there at any time between them; over up to a second third tracks may
    be there all the time, since who is seen elsewhere is not meant.
    """
    sizes = body_sizes(detections.points)
    centre = middles(detections.points)
    parts = sorted(tracks, key=lambda rows: int(rows[0]))
    span = [(int(detections.frame[rows[0]]), int(detections.frame[rows[-1]])) for rows in parts]
    joined: list[list[int]] = []
    for i, rows in enumerate(parts):
        begin = span[i][0]
        best: tuple[float, list[int]] | None = None
        for chain in joined:
            last = chain[-1]
            end = span[last][1]
            gap_s = (begin - end) / fps
            if end >= begin or gap_s > max_gap_s or _crowded(span, {i, *chain}, end, begin, gap_s):
                continue
            before = parts[last]
            size, size_now = float(np.median(sizes[before[-15:]])), float(np.median(sizes[rows[:15]]))
            distance = float(np.linalg.norm(centre[rows[0]] - centre[before[-1]])) / max(size, size_now)
            if max(size, size_now) < 1.8 * min(size, size_now) and distance <= 0.2 + gap_s:
                if best is None or distance < best[0]:
                    best = (distance, chain)
        if best is None:
            joined.append([i])
        else:
            best[1].append(i)
    return [np.concatenate([parts[i] for i in chain]) for chain in joined]


def _crowded(span: list[tuple[int, int]], own: set[int], end: int, begin: int, gap_s: float) -> bool:
    """True when another track is there at some time between ``end`` and ``begin`` and could be meant."""
    others = [part for i, part in enumerate(span) if i not in own]
    if gap_s <= _SURELY_ELSEWHERE_S:
        others = [(first, last) for first, last in others if first > end or last < begin]
    return any(first <= begin and last >= end for first, last in others)

"""Frame-by-frame tracking: predicted tracks are assigned to detections by the least sum of 1 - OKS."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from maquette.track.detections import Detections
from maquette.track.similarity import body_sizes, middles, sigma_after, similarity

LEAST_SIMILARITY = 0.15
"""A detection less alike than this belongs to somebody else."""
COAST_S = 0.3
"""A lost person is thought to go on at the last speed for this long, then to stand."""


@dataclass(eq=False)
class _Track:
    """One person while the clip runs by."""

    points: Float[np.ndarray, "joints 2"]
    size: float
    frame: int
    velocity: Float[np.ndarray, " 2"] = field(default_factory=lambda: np.zeros(2))
    """Pixels a frame."""
    rows: list[int] = field(default_factory=list)

    def predicted(self, frame: int, coast_frames: float) -> Float[np.ndarray, "joints 2"]:
        return self.points + self.velocity * min(frame - self.frame, coast_frames)

    def update(self, frame: int, row: int, pose: Float[np.ndarray, "joints 2"], size: float) -> None:
        gap = frame - self.frame
        shift = pose - self.points
        seen = np.isfinite(pose[:, 0])
        both = np.isfinite(shift[:, 0])
        moved = np.median(shift[both], axis=0) if both.any() else np.zeros(2)
        self.velocity = 0.6 * self.velocity + 0.4 * moved / gap
        # Joints that are not seen now travel along with the rest.
        self.points = np.where(seen[:, None], pose, self.points + moved)
        self.size = max(size, 0.98 * self.size)
        self.frame = frame
        self.rows.append(row)


def track_rows(
    detections: Detections, fps: float, max_gap_s: float, tolerance: float
) -> list[Int[np.ndarray, " seen"]]:
    """Rows of each tracked person, in order of first sight.

    Args:
        fps: frames per second.
        max_gap_s: a person not seen for longer is given up.
        tolerance: σ between neighbouring frames, in body sizes.
    """
    sizes = body_sizes(detections.points)
    starts = np.flatnonzero(np.diff(detections.frame, prepend=-1)).tolist()
    ends = [*starts[1:], len(detections.frame)]
    coast_frames = COAST_S * fps
    alive: list[_Track] = []
    done: list[_Track] = []
    for start, end in zip(starts, ends, strict=True):
        frame = int(detections.frame[start])
        lost = [track for track in alive if (frame - track.frame) / fps > max_gap_s and frame - track.frame > 2]
        if lost:
            done += lost
            alive = [track for track in alive if track not in lost]
        poses = detections.points[start:end]
        taken = _assign(alive, frame, poses, fps, coast_frames, tolerance) if alive else {}
        for i in range(end - start):
            track = taken.get(i)
            if track is None:
                alive.append(_Track(poses[i].copy(), float(sizes[start + i]), frame, rows=[start + i]))
            else:
                track.update(frame, start + i, poses[i], float(sizes[start + i]))
    done += alive
    return sorted((np.array(track.rows) for track in done), key=lambda rows: int(rows[0]))


def _assign(
    alive: list[_Track],
    frame: int,
    poses: Float[np.ndarray, "poses joints 2"],
    fps: float,
    coast_frames: float,
    tolerance: float,
) -> dict[int, _Track]:
    """The track of each pose that has one."""
    from scipy.optimize import linear_sum_assignment

    predicted = np.stack([track.predicted(frame, coast_frames) for track in alive])
    sizes = np.array([track.size for track in alive])
    gap_s = np.array([(frame - track.frame) / fps for track in alive])
    alike = similarity(predicted, sizes, sigma_after(gap_s, tolerance), poses)
    # A pair below the gate must not push a good pair aside, so it costs the same as having no partner.
    cost = np.where(alike >= LEAST_SIMILARITY, 1.0 - alike, 1.0)
    track_of, pose_of = linear_sum_assignment(cost)
    return {int(p): alive[t] for t, p in zip(track_of, pose_of, strict=True) if alike[t, p] >= LEAST_SIMILARITY}


def resume(
    tracks: list[Int[np.ndarray, " seen"]], detections: Detections, fps: float, max_gap_s: float
) -> list[Int[np.ndarray, " seen"]]:
    """Tracks joined over long gaps, where nobody else was there who could be meant.

    Two parts are one person when the later begins within ``max_gap_s`` seconds, at a place that can be reached and with
    a body of a like size, and no third track runs at the end of the one or the start of the other.
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
            if end >= begin or gap_s > max_gap_s or _crowded(span, {i, *chain}, end, begin):
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


def _crowded(span: list[tuple[int, int]], own: set[int], end: int, begin: int) -> bool:
    """True when another track is there at some time between ``end`` and ``begin``."""
    return any(first <= begin and last >= end for i, (first, last) in enumerate(span) if i not in own)

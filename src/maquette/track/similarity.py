"""How alike two poses of one person are from frame to frame, after COCO's object keypoint similarity (OKS).

OKS is the mean over joints of ``exp(-d² / (2 σ²))``, d the distance of the joint in both poses in units of the body's
size. COCO's σ are annotators' errors; here σ is how far a joint may move until the next time it is seen.
"""

import numpy as np
from jaxtyping import Float, Int

from maquette.track.detections import observed_joints

TOLERANCE = 0.1
"""σ between neighbouring frames, in body sizes."""
TOLERANCE_PER_S = 0.7
"""Growth of σ for each second without a sight of the person, in body sizes."""
FEW_JOINTS = 3
"""With fewer joints in common the middles of the two poses are compared."""


def body_sizes(points: Float[np.ndarray, "rows joints 2"]) -> Float[np.ndarray, " rows"]:
    """Diagonal of the box around the seen points of each row, at least 1 px; NaN-free."""
    # Joints first: NumPy reduces over the first axis many times faster than over a short inner one.
    joints_first = np.ascontiguousarray(points.transpose(1, 2, 0))
    extent = np.fmax.reduce(joints_first, axis=0) - np.fmin.reduce(joints_first, axis=0)
    return np.fmax(np.hypot(extent[0], extent[1]), 1.0)


def middles(points: Float[np.ndarray, "rows joints 2"]) -> Float[np.ndarray, "rows 2"]:
    """Mean of the seen points of each row; 0 where nothing is seen."""
    joints_first = np.ascontiguousarray(points.transpose(1, 2, 0))
    seen = np.isfinite(joints_first)
    total = np.where(seen, joints_first, 0.0).sum(0)
    return (total / np.maximum(seen.sum(0), 1)).T


def similarity(
    tracks: Float[np.ndarray, "tracks joints 2"],
    sizes: Float[np.ndarray, " tracks"],
    sigmas: Float[np.ndarray, " tracks"],
    poses: Float[np.ndarray, "poses joints 2"],
) -> Float[np.ndarray, "tracks poses"]:
    """OKS of every predicted track with every pose, NaN joints left out.

    Args:
        tracks: predicted points of each track.
        sizes: body size of each track, px.
        sigmas: σ of each track, in body sizes.
        poses: detected points.
    """
    offset = poses[None] - tracks[:, None]
    squared = np.add.reduce(offset * offset, axis=-1) / (sizes * sigmas)[:, None, None] ** 2
    common = np.isfinite(squared)
    count = np.add.reduce(common, axis=-1)
    # What is missing is infinitely far off, and adds nothing.
    each = np.exp(-0.5 * np.where(common, squared, np.inf))
    oks = np.add.reduce(each, axis=-1) / np.maximum(count, 1)
    if (count < FEW_JOINTS).any():
        between = ((middles(poses)[None] - middles(tracks)[:, None]) ** 2).sum(-1)
        oks_of_middles = np.exp(-0.5 * between / (sizes * sigmas)[:, None] ** 2)
        oks = np.where(count < FEW_JOINTS, oks_of_middles, oks)
    # A fragment that lies exactly on a few joints must not win over the whole person beside it.
    seen = observed_joints(poses).sum(-1)
    share = seen / np.maximum(seen.max(initial=1), 1)
    return oks * (0.5 + 0.5 * share)[None]


def steps(points: Float[np.ndarray, "rows joints 2"], sizes: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " steps"]:
    """Mean movement of the joints from each row to the next, in body sizes."""
    if len(points) < 2:
        return np.zeros(0)
    offset = np.diff(points, axis=0)
    distance = np.hypot(offset[..., 0], offset[..., 1])
    common = np.isfinite(distance)
    count = common.sum(1)
    moved = np.where(common, distance, 0.0).sum(1) / np.maximum(count, 1)
    if (count < FEW_JOINTS).any():
        between = np.linalg.norm(np.diff(middles(points), axis=0), axis=1)
        moved = np.where(count < FEW_JOINTS, between, moved)
    return moved / np.maximum(sizes[1:], sizes[:-1])


def sigma_after(gap_s: Float[np.ndarray, " tracks"], tolerance: float) -> Float[np.ndarray, " tracks"]:
    """σ for tracks not seen for ``gap_s`` seconds, in body sizes."""
    return tolerance + TOLERANCE_PER_S * gap_s


def usual_step(
    frame: Int[np.ndarray, " rows"], points: Float[np.ndarray, "rows joints 2"], sizes: Float[np.ndarray, " rows"]
) -> float:
    """90th percentile of the distance from a row to the nearest one of the next frame, in body sizes (0 when none).

    It tells how far people really move between frames, whatever the frame rate is or is thought to be. Up to 100
    frames, spread over the clip, are looked at.
    """
    starts = np.flatnonzero(np.diff(frame, prepend=-1))
    ends = np.append(starts[1:], len(frame))
    nearest: list[float] = []
    for i in range(0, len(starts) - 1, max(1, len(starts) // 100)):
        if frame[starts[i + 1]] != frame[starts[i]] + 1:
            continue
        here, there = slice(starts[i], ends[i]), slice(starts[i + 1], ends[i + 1])
        offset = middles(points[there])[None] - middles(points[here])[:, None]
        distance = np.sqrt((offset**2).sum(-1)) / sizes[here, None]
        nearest += distance.min(1).tolist()
    return float(np.quantile(nearest, 0.9)) if nearest else 0.0

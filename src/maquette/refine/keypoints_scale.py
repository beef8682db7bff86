"""How large the person is in the picture: what every threshold on pixels is measured in."""

from functools import cache

import numpy as np
from jaxtyping import Float, Int

from maquette.keypoints import Keypoints
from maquette.skeleton import Skeleton

_BONES_PER_HEIGHT = {
    ("shoulder", "elbow"): 0.172,
    ("elbow", "wrist"): 0.157,
    ("hip", "knee"): 0.245,
    ("knee", "ankle"): 0.246,
    ("shoulder", "hip"): 0.288,
}
"""Length of bones in body heights (Drillis and Contini 1966); from hips as detectors place them."""
_LEAST_PX = 1.0
"""Points that all coincide are nobody, and must not divide by zero."""
_ACROSS = {("l_shoulder", "r_shoulder"): 0.22, ("l_ear", "r_ear"): 0.085}


def body_height_px(keypoints: Keypoints) -> Float[np.ndarray, " frames"]:
    """Standing height that the bones imply, in pixels, for each frame; NaN everywhere when no bone was ever seen whole.

    A bone seen at an angle looks shorter and never longer, so the upper quartile over the bones of a frame is taken;
    then the median over half a second, joined by straight lines: a person who walks towards the camera grows.
    """
    n = keypoints.n_frames
    height_px = standing_heights_px(keypoints.skeleton, keypoints.points)
    known = np.isfinite(height_px)
    if not known.any():
        return _from_extent(keypoints)
    # Blocks of observed frames, not of time: every block has a median.
    frames = np.flatnonzero(known)
    block = min(len(frames), max(1, round(0.5 * float(keypoints.fps))))
    starts = np.arange(0, len(frames) - block + 1, block)
    chosen = frames[starts[:, None] + np.arange(block)]
    at, medians = chosen.mean(1), np.median(height_px[chosen], axis=1)
    # Who turns sideways does not shrink: half of the largest size is the least.
    medians = np.maximum(medians, max(0.5 * np.quantile(medians, 0.9), _LEAST_PX))
    return np.interp(np.arange(n), at, medians)


def standing_heights_px(
    skeleton: Skeleton, points: Float[np.ndarray, "frames joints 2"]
) -> Float[np.ndarray, " frames"]:
    """Standing height that the bones of each single frame imply, their upper quartile; NaN where no bone is whole."""
    ends, others, fractions = _bones(skeleton)
    lengths = lengths_px(points[:, ends] - points[:, others]) / fractions
    # The upper quartile over what is there: sort puts NaN last.
    ordered = np.sort(lengths, axis=1)
    count = np.isfinite(ordered).sum(1)
    if not len(fractions):
        return np.full(len(points), np.nan)
    pick = np.maximum(np.ceil(0.75 * count).astype(int) - 1, 0)
    return ordered[np.arange(len(points)), pick]


@cache
def _bones(
    skeleton: Skeleton,
) -> tuple[Int[np.ndarray, " bones"], Int[np.ndarray, " bones"], Float[np.ndarray, " bones"]]:
    """Both ends of each bone whose share of the body height is known, and the shares."""
    rows = [
        (f"{side}_{a}", f"{side}_{b}", fraction)
        for (a, b), fraction in _BONES_PER_HEIGHT.items()
        for side in ("l", "r")
    ]
    rows += [(a, b, fraction) for (a, b), fraction in _ACROSS.items()]
    rows = [row for row in rows if row[0] in skeleton and row[1] in skeleton]
    fractions = np.array([fraction for _, _, fraction in rows])
    ends, others = skeleton.indices(a for a, _, _ in rows), skeleton.indices(b for _, b, _ in rows)
    return np.array(ends, dtype=np.intp), np.array(others, dtype=np.intp), fractions


def lengths_px(vectors: Float[np.ndarray, "*shape 2"]) -> Float[np.ndarray, "*shape"]:
    """Lengths of 2D vectors; several times faster than a norm over an axis of two."""
    x, y = vectors[..., 0], vectors[..., 1]
    return np.sqrt(x * x + y * y)


def _from_extent(keypoints: Keypoints) -> Float[np.ndarray, " frames"]:
    """Largest extent of the points over the clip, for skeletons whose names say nothing or tracks without a bone."""
    seen = keypoints.points[keypoints.observed]
    if len(seen) < 2:
        return np.full(keypoints.n_frames, np.nan)
    by_frame = np.where(keypoints.observed[..., None], keypoints.points, np.nan)[keypoints.observed.sum(1) > 1]
    if not len(by_frame):
        return np.full(keypoints.n_frames, np.nan)
    extent = (np.nanmax(by_frame, axis=1) - np.nanmin(by_frame, axis=1)).max(-1)
    return np.full(keypoints.n_frames, max(float(np.quantile(extent, 0.9)), _LEAST_PX))

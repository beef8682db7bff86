"""What a detector gets wrong, at a strength of choice, and what it cannot see.

At strength 1: Gaussian jitter of 0.5 % of the person's height in the picture (trunk, shoulders, head), 0.7 % (elbows,
knees) and 1 % (wrists, ankles, feet), independent from frame to frame, and as much again that drifts with a time
constant of 0.4 s; 1 % of the points anywhere within 0.15 heights; left and right arms or legs exchanged for 0.2 s, 0.03
times a second. Spreads and chances go with the strength. No point is missing: that is an axis of its own.
"""

import numpy as np
from jaxtyping import Bool, Float

from maquette.datasets.views import jitter_of_landmarks
from maquette.lifter_benchmark.grid import Hidden
from maquette.skeletons import LANDMARKS_27

_DRIFT_S, _EXCHANGE_S, _EXCHANGES_PER_S = 0.4, 0.2, 0.03
_OUTLIERS, _OUTLIER_REACH = 0.01, 0.15
_LIMBS = (("elbow", "wrist"), ("knee", "ankle", "heel", "toe"))
_ARM, _LEG = _LIMBS


def detect(
    rng: np.random.Generator,
    points_px: Float[np.ndarray, "frames 27 2"],
    *,
    person_px: float,
    fps: int,
    strength: float,
) -> Float[np.ndarray, "frames 27 2"]:
    """The points as a detector gives them; ``person_px`` is the person's height in the picture."""
    frames, joints, _ = points_px.shape
    sigma_px = strength * person_px * jitter_of_landmarks()[:, None]
    keep = np.exp(-1 / (fps * _DRIFT_S))
    steps = rng.standard_normal(points_px.shape)
    drift = steps.copy()
    for t in range(1, frames):
        drift[t] = keep * drift[t - 1] + np.sqrt(1 - keep**2) * steps[t]
    points = points_px + sigma_px * (rng.standard_normal(points_px.shape) + drift)
    outliers = rng.random((frames, joints, 1)) < strength * _OUTLIERS
    points += outliers * rng.uniform(-_OUTLIER_REACH, _OUTLIER_REACH, points.shape) * person_px
    for _ in range(rng.poisson(strength * _EXCHANGES_PER_S * frames / fps)):
        parts = _LIMBS[rng.integers(2)]
        left, right = (LANDMARKS_27.indices(f"{side}_{part}" for part in parts) for side in "lr")
        start = int(rng.integers(frames))
        block = points[start : start + max(1, round(_EXCHANGE_S * fps))]
        block[:, left], block[:, right] = block[:, right].copy(), block[:, left].copy()
    return points.astype(np.float32)


def hide(
    rng: np.random.Generator, observed: Bool[np.ndarray, "frames 27"], hidden: Hidden
) -> Bool[np.ndarray, "frames 27"]:
    """What is left to see: a limb or the lower body is missing for the whole track, single points at random."""
    seen = observed.copy()
    if hidden == "30 % of points":
        return seen & (rng.random(seen.shape) >= 0.3)
    side = "lr"[rng.integers(2)]
    names = {
        "nothing": [],
        "one arm": [f"{side}_{part}" for part in _ARM],
        "one leg": [f"{side}_{part}" for part in _LEG],
        "lower body": ["hip", *(f"{s}_{part}" for s in "lr" for part in ("hip", *_LEG))],
    }[hidden]
    seen[:, LANDMARKS_27.indices(names)] = False
    return seen

"""A detector's mistakes, simulated for training: jitter, drift, outliers, missing joints and limbs, swapped sides.

Amplitudes are in picture units and follow the apparent size of the person, as a detector's do.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from maquette.skeletons import LANDMARKS_27

Points = Float[np.ndarray, "windows frames 27 2"]
Seen = Bool[np.ndarray, "windows frames 27"]

_SIGMA: dict[str, float] = {
    **dict.fromkeys(("hip", "spine", "thorax", "neck", "l_hip", "r_hip"), 0.0050),
    **dict.fromkeys(("nose", "head", "face_nose", "l_eye", "r_eye", "l_ear", "r_ear"), 0.0035),
    **dict.fromkeys(("l_shoulder", "r_shoulder"), 0.0042),
    **dict.fromkeys(("l_elbow", "r_elbow", "l_knee", "r_knee"), 0.0058),
    **dict.fromkeys(("l_wrist", "r_wrist", "l_ankle", "r_ankle"), 0.0078),
    **dict.fromkeys(("l_heel", "r_heel", "l_toe", "r_toe"), 0.0085),
}
"""Jitter of a good detector, in heights of the person."""
_SIGMAS = np.array([_SIGMA[name] for name in LANDMARKS_27.joints], dtype=np.float32)
_HEIGHT_M = 1.7
_KNOTS = 5  # of the drift over a window


def _indices(*parts: str) -> Int[np.ndarray, " joints"]:
    return np.array(LANDMARKS_27.indices(parts))


_LIMBS = (
    _indices("l_elbow", "l_wrist"),
    _indices("r_elbow", "r_wrist"),
    _indices("l_wrist"),
    _indices("r_wrist"),
    _indices("l_knee", "l_ankle", "l_heel", "l_toe"),
    _indices("r_knee", "r_ankle", "r_heel", "r_toe"),
    _indices("l_ankle", "l_heel", "l_toe"),
    _indices("r_ankle", "r_heel", "r_toe"),
    _indices("nose", "head", "face_nose", "l_eye", "r_eye", "l_ear", "r_ear"),
    _indices("l_ear", "l_eye"),
    _indices("r_ear", "r_eye"),
    _indices("l_hip", "r_hip", "hip"),
)
_SHINS = _indices("l_ankle", "r_ankle", "l_heel", "r_heel", "l_toe", "r_toe")
_LEGS = np.concatenate([_indices("l_knee", "r_knee"), _SHINS])
_BELOW_CHEST = np.concatenate([_indices("hip", "l_hip", "r_hip", "spine"), _LEGS])
_SWAPS = tuple(
    (_indices(*(f"l_{p}" for p in parts)), _indices(*(f"r_{p}" for p in parts)))
    for parts in (
        ("hip", "knee", "ankle", "heel", "toe"),
        ("knee", "ankle", "heel", "toe"),
        ("shoulder", "elbow", "wrist"),
        ("elbow", "wrist"),
        ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "heel", "toe", "eye", "ear"),
    )
)


def disturb(
    rng: np.random.Generator,
    picture: Points,
    seen: Seen,
    *,
    person_side: Float[np.ndarray, " windows"],
    size: Float[np.ndarray, "windows 2"],
    clean_share: float,
    swap_share: float = 0.10,
) -> tuple[Points, Seen]:
    """What a detector reports, given the projected landmarks and those that a format has and the camera can see.

    Args:
        person_side: apparent length of one metre at the person, in picture units.
        size: width and height of the picture.
        clean_share: of the windows stay as they are.
        swap_share: of the others have left and right exchanged somewhere.
    """
    n = len(picture)
    noisy = rng.random(n) >= clean_share
    person = person_side * np.float32(_HEIGHT_M) * noisy
    points = picture + _jitter_and_drift(rng, picture.shape, person)
    _outliers(rng, points, person)
    seen = seen.copy()
    _swap_sides(rng, points, seen, np.flatnonzero(noisy), swap_share)
    _lose_joints(rng, seen, noisy)
    _lose_blocks(rng, seen, np.flatnonzero(noisy))
    # Most detectors report nothing outside the picture; some go on guessing there.
    inside = (np.abs(points) <= 0.5 * size[:, None, None, :]).all(-1)
    guesses = (rng.random(n) < 0.25) | ~noisy
    seen &= inside | guesses[:, None, None]
    return points, seen


def _jitter_and_drift(
    rng: np.random.Generator, shape: tuple[int, ...], person: Float[np.ndarray, " windows"]
) -> Points:
    n, frames, joints, _ = shape
    level = np.exp(rng.uniform(np.log(0.5), np.log(3.5), n)).astype(np.float32)
    sigma = (person * level)[:, None, None, None] * _SIGMAS[:, None]
    white_share = rng.uniform(0.3, 1.1, (n, 1, 1, 1)).astype(np.float32)
    drift_share = rng.uniform(0.3, 1.2, (n, 1, 1, 1)).astype(np.float32)
    knots = rng.standard_normal((n, _KNOTS, joints * 2), dtype=np.float32)
    drift = (_knot_weights(frames) @ knots).reshape(shape)
    # One pool of white noise, rolled to a random place, costs a tenth of drawing every number.
    pool = rng.standard_normal(1 << 18, dtype=np.float32)
    starts = rng.integers(0, len(pool) - frames * joints * 2, n)
    white = pool[starts[:, None] + np.arange(frames * joints * 2)].reshape(shape)
    drift *= drift_share
    white *= white_share
    white += drift
    white *= sigma
    return white


def _knot_weights(frames: int) -> Float[np.ndarray, "frames knots"]:
    """Linear interpolation between knots, of unit variance in the mean."""
    at = np.linspace(0, _KNOTS - 1, frames) if frames > 1 else np.zeros(1)
    weights = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(_KNOTS)))
    return (weights / np.sqrt(np.square(weights).sum(1, keepdims=True))).astype(np.float32)


def _outliers(rng: np.random.Generator, points: Points, person: Float[np.ndarray, " windows"]) -> None:
    """Single detections far off, by up to 0.2 heights; more of them in some windows."""
    n, frames, joints, _ = points.shape
    count = rng.poisson(0.008 * n * frames * joints)
    share = rng.exponential(size=n)
    window = rng.choice(n, count, p=share / share.sum())
    frame, joint = rng.integers(0, frames, count), rng.integers(0, joints, count)
    off = rng.uniform(-0.2, 0.2, (count, 2)).astype(np.float32) * person[window, None]
    points[window, frame, joint] += off


def _swap_sides(
    rng: np.random.Generator, points: Points, seen: Seen, noisy: Int[np.ndarray, " noisy"], share: float
) -> None:
    """Left and right exchanged over a burst of frames."""
    frames = points.shape[1]
    for window in noisy[rng.random(len(noisy)) < share]:
        left, right = _SWAPS[rng.integers(len(_SWAPS))]
        start = rng.integers(-6, frames)
        burst = slice(max(start, 0), max(start + int(rng.integers(1, 11)), 0))
        for array in (points, seen):
            block = array[window, burst]
            kept = block[:, left].copy()
            block[:, left] = block[:, right]
            block[:, right] = kept


def _lose_joints(rng: np.random.Generator, seen: Seen, noisy: Bool[np.ndarray, " windows"]) -> None:
    """Joints never found in a window, and joints that flicker."""
    n, frames, joints = seen.shape
    never = rng.random((n, joints)) < (0.03 * rng.exponential(size=(n, 1)) * noisy[:, None])
    seen &= ~never[:, None]
    flicker = (rng.random(n) < 0.25) & noisy
    rate = 0.1 * rng.random(n) * flicker
    rows = np.flatnonzero(flicker)
    seen[rows] &= rng.random((len(rows), frames, joints), dtype=np.float32) >= rate[rows, None, None]


def _lose_blocks(rng: np.random.Generator, seen: Seen, noisy: Int[np.ndarray, " noisy"]) -> None:
    """Limbs hidden for a while, frames dropped, legs or the whole lower body out of the picture."""
    frames = seen.shape[1]
    for window in noisy[rng.random(len(noisy)) < 0.22]:
        seen[window, _span(rng, frames, 5, 2 * frames), _LIMBS[rng.integers(len(_LIMBS))][:, None]] = False
    for window in noisy[rng.random(len(noisy)) < 0.05]:
        seen[window, _span(rng, frames, 4, 14)] = False
    lower = rng.random(len(noisy))
    for share, joints in ((0.05, _BELOW_CHEST), (0.09, _LEGS), (0.12, _SHINS)):
        seen[np.ix_(noisy[lower < share], np.arange(frames), joints)] = False


def _span(rng: np.random.Generator, frames: int, least: int, most: int) -> slice:
    length = int(rng.integers(least, max(most, least + 1)))
    start = int(rng.integers(-length + 1, frames))
    return slice(max(start, 0), max(start + length, 0))

"""Fixed test views: windows of recorded motion filmed by cameras of a fixed seed, with and without detector errors.

Written apart from the training's cameras and errors (:mod:`maquette.datasets.cameras`,
:mod:`~maquette.datasets.detector_noise`), with fixed strengths: azimuth uniform, elevation uniform in -20 to 40
degrees, roll of 3 degrees spread, distance 2-8 m, focal length 0.8-2 picture widths, 16:9, the root anywhere in the
middle two thirds of the picture; drawn again until the whole person is in the picture in the middle frame.

The errors, in heights of the person as it appears: Gaussian jitter of 0.5 % (trunk, shoulders, head), 0.7 % (elbows,
knees) and 1 % (wrists, ankles, feet), independent from frame to frame, plus as much again that drifts (time constant
0.4 s); 1 % outliers of up to 0.15 heights; 3 % of the points missing; in 10 % of the windows one limb missing for about
half a second; in 3 % left and right legs or arms exchanged for 5 frames; what leaves the picture is missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from maquette.datasets.cameras import look
from maquette.datasets.landmarks import FORMAT_SHARES, mark
from maquette.datasets.mocap import Clip, positions_of
from maquette.errors import InputError
from maquette.skeletons import LANDMARKS_27, LIFTED_21

WIDTH_PX, HEIGHT_PX = 1920, 1080
WINDOW_FRAMES, CLIP_FRAMES_PER_STEP = 27, 2
ASSUMED_FOCAL_PX = 1.15 * WIDTH_PX
_FORMATS = tuple(FORMAT_SHARES)


@dataclass(frozen=True)
class TestViews:
    """Windows of 27 frames, 1/25 s apart."""

    __test__ = False  # not a test case, whatever pytest thinks of the name

    points_px: Float[np.ndarray, "windows 27 27 2"]
    observed: Bool[np.ndarray, "windows 27 27"]
    focal_px: Float[np.ndarray, "windows 2"]
    centre_px: tuple[float, float]
    targets_m: Float[np.ndarray, "windows 21 3"]
    """Middle frame, camera frame, relative to the hip."""


def film(clips: Sequence[Clip], n: int, *, seed: int, detector: str = "h36m-17", errors: bool = False) -> TestViews:
    """``n`` windows spread evenly over the frames of ``clips``, each filmed by its own camera.

    Cameras and windows depend on ``seed`` and ``n`` only, so that formats and error levels are compared on equal views.

    Raises:
        InputError: the detector format is unknown, or there is no clip.
    """
    if detector not in _FORMATS:
        raise InputError(f"unknown 2D format '{detector}'; there are: {', '.join(_FORMATS)}")
    if not clips:
        raise InputError("no clips to film; choose another subject or split")
    cameras, marking, mistakes = (np.random.default_rng([seed, i]) for i in range(3))
    vectors = _windows(clips, n)
    nodes = positions_of(vectors)
    landmarks = mark(marking, vectors, nodes, np.full(n, _FORMATS.index(detector)))
    middle = nodes[:, WINDOW_FRAMES // 2, : len(LIFTED_21)]
    body = middle - middle[:, :1]
    R, root, focal_px = _cameras_that_see(cameras, body)
    camera = (landmarks.points - middle[:, None, :1]) @ R[:, None].transpose(0, 1, 3, 2) + root[:, None, None]
    points_px = camera[..., :2] / np.maximum(camera[..., 2:], 0.2) * focal_px[:, None, None, None]
    points_px += np.array([WIDTH_PX / 2, HEIGHT_PX / 2], dtype=np.float32)
    observed = (camera[..., 2] > 0.2) & landmarks.has[:, None]
    if errors:
        points_px, observed = _detector_errors(mistakes, points_px, observed, 1.7 * focal_px / root[:, 2])
    return TestViews(
        points_px,
        observed,
        np.repeat(focal_px[:, None], 2, axis=1),
        (WIDTH_PX / 2, HEIGHT_PX / 2),
        body @ R.transpose(0, 2, 1),
    )


def _windows(clips: Sequence[Clip], n: int) -> Float[np.ndarray, "windows 27 25 3"]:
    lengths = np.array([len(clip) for clip in clips])
    ends = np.cumsum(lengths)
    centres = ((np.arange(n) + 0.5) * ends[-1] / n).astype(np.int64)
    clip = np.searchsorted(ends, centres, side="right")
    start = (ends - lengths)[clip]
    offsets = (np.arange(WINDOW_FRAMES) - WINDOW_FRAMES // 2) * CLIP_FRAMES_PER_STEP
    frame = np.clip((centres - start)[:, None] + offsets, 0, lengths[clip][:, None] - 1)
    return np.concatenate([c.vectors for c in clips])[start[:, None] + frame]


def _cameras_that_see(
    rng: np.random.Generator, body: Float[np.ndarray, "windows 21 3"]
) -> tuple[Float[np.ndarray, "windows 3 3"], Float[np.ndarray, "windows 3"], Float[np.ndarray, " windows"]]:
    """Rotation world to camera, place of the root in the camera frame, focal length."""
    n = len(body)
    R, root, focal = (np.zeros((n, *shape), dtype=np.float32) for shape in ((3, 3), (3,), ()))
    half = np.array([WIDTH_PX, HEIGHT_PX]) / 2
    left = np.arange(n)
    while len(left):
        m = len(left)
        R[left] = look(
            rng.uniform(0, 2 * np.pi, m), np.radians(rng.uniform(-20, 40, m)), np.radians(3 * rng.standard_normal(m))
        )
        focal[left] = rng.uniform(0.8, 2.0, m) * WIDTH_PX
        ray = np.concatenate([rng.uniform(-2 / 3, 2 / 3, (m, 2)) * half / focal[left, None], np.ones((m, 1))], axis=1)
        root[left] = ray / np.linalg.norm(ray, axis=1, keepdims=True) * rng.uniform(2, 8, (m, 1))
        camera = body[left] @ R[left].transpose(0, 2, 1) + root[left, None]
        picture = camera[..., :2] / np.maximum(camera[..., 2:], 0.2) * focal[left, None, None]
        left = left[~((np.abs(picture) < half).all((1, 2)) & (camera[..., 2] > 0.2).all(1))]
    return R, root, focal


def jitter_of_landmarks() -> Float[np.ndarray, " landmarks"]:
    """Spread of a usual detector's jitter at each of our landmarks, in heights of the person as it appears."""

    def sigma(name: str) -> float:
        part = name.removeprefix("l_").removeprefix("r_")
        return {"wrist": 0.010, "ankle": 0.010, "heel": 0.010, "toe": 0.010, "elbow": 0.007, "knee": 0.007}.get(
            part, 0.005
        )

    return np.array([sigma(name) for name in LANDMARKS_27.joints], dtype=np.float32)


_LIMB_PARTS = (("elbow", "wrist"), ("knee", "ankle", "heel", "toe"))


def _detector_errors(
    rng: np.random.Generator,
    points_px: Float[np.ndarray, "windows 27 27 2"],
    observed: Bool[np.ndarray, "windows 27 27"],
    person_px: Float[np.ndarray, " windows"],
) -> tuple[Float[np.ndarray, "windows 27 27 2"], Bool[np.ndarray, "windows 27 27"]]:
    n, frames, joints, _ = points_px.shape
    sigma_px = person_px[:, None, None, None] * jitter_of_landmarks()[:, None]
    keep = np.exp(-0.04 / 0.4)
    drift = np.empty(points_px.shape, dtype=np.float32)
    drift[:, 0] = rng.standard_normal((n, joints, 2))
    for t in range(1, frames):
        drift[:, t] = keep * drift[:, t - 1] + np.sqrt(1 - keep**2) * rng.standard_normal((n, joints, 2))
    points = points_px + sigma_px * (rng.standard_normal(points_px.shape, dtype=np.float32) + drift)
    outlier = rng.random((n, frames, joints, 1)) < 0.01
    points += outlier * rng.uniform(-0.15, 0.15, points.shape) * person_px[:, None, None, None]
    seen = observed & (rng.random(observed.shape) >= 0.03)
    for window in np.flatnonzero(rng.random(n) < 0.10):
        side, parts, start = "lr"[rng.integers(2)], _LIMB_PARTS[rng.integers(2)], int(rng.integers(0, frames - 12))
        for part in parts:
            seen[window, start : start + 13, LANDMARKS_27.index(f"{side}_{part}")] = False
    for window in np.flatnonzero(rng.random(n) < 0.03):
        parts, start = _LIMB_PARTS[rng.integers(2)], int(rng.integers(0, frames - 4))
        left, right = ([LANDMARKS_27.index(f"{side}_{part}") for part in parts] for side in "lr")
        for array in (points, seen):
            block = array[window, start : start + 5]
            block[:, left], block[:, right] = block[:, right].copy(), block[:, left].copy()
    inside = ((points >= 0) & (points <= np.array([WIDTH_PX, HEIGHT_PX]))).all(-1)
    return points.astype(np.float32), seen & inside

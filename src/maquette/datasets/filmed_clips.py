"""Fixed test views of whole clips: recorded motion filmed by one camera each, with and without detector errors.

What :mod:`maquette.datasets.views` is for single poses, for whatever needs time: velocities, refinement of clips. One
camera of a fixed seed for each clip: azimuth uniform, elevation uniform in -20 to 40 degrees, roll of 1.5 degrees
spread, 3-9 m from the middle of the path, focal length 0.8-1.8 picture widths, 16:9; drawn again until the person is in
the picture at least 97 % of the time.

The errors are those of ``views``, in time: jitter independent from frame to frame, plus as much that drifts (time
constant 0.4 s); 1 % outliers; 3 % of the points missing; now and then a limb missing for half a second, or left and
right legs or arms exchanged for a tenth of a second; what leaves the picture is missing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Bool, Float

from maquette.datasets.cameras import look
from maquette.datasets.landmarks import FORMAT_SHARES, mark
from maquette.datasets.mocap import Clip, positions_of
from maquette.datasets.samples import CLIP_FPS
from maquette.datasets.views import jitter_of_landmarks
from maquette.errors import InputError
from maquette.geometry.camera import Camera
from maquette.keypoints import Keypoints
from maquette.skeletons import LANDMARKS_27, LIFTED_21

SIZE = (1920, 1080)
_FORMATS = tuple(FORMAT_SHARES)
_DRAWS, _SHARE_INSIDE, _NEAREST_M = 200, 0.97, 0.5
_PERSON_M = 1.7
_DRIFT_S, _OUTLIER_SHARE, _OUTLIER_REACH, _MISSING_SHARE = 0.4, 0.01, 0.15, 0.03
_LOST_LIMB_PER_S, _LOST_LIMB_S = 0.1, 0.5
_SWAP_PER_S, _SWAP_S = 0.03, 0.1
_LIMBS = (("elbow", "wrist"), ("knee", "ankle", "heel", "toe"))


@dataclass(frozen=True, eq=False)
class FilmedClip:
    """One clip as filmed: the truth, its camera, and what the detector saw of it."""

    name: str
    truth_m: Float[np.ndarray, "frames 21 3"]
    """Camera frame, relative to the hip."""
    camera: Camera
    """At the origin."""
    keypoints: Keypoints


def film_clips(
    clips: Sequence[Clip], *, seed: int, frames: int = 400, detector: str = "h36m-17", errors: bool = False
) -> Iterator[FilmedClip]:
    """The first ``frames`` frames of each clip; clips that no camera can hold in its picture are left out.

    Cameras depend on ``seed`` and the clip's place only, so that formats and error levels are compared on equal views.

    Raises:
        InputError: the detector format is unknown, or there is no clip.
    """
    if detector not in _FORMATS:
        raise InputError(f"unknown 2D format '{detector}'; there are: {', '.join(_FORMATS)}")
    if not clips:
        raise InputError("no clips to film; choose another subject or split")
    for number, clip in enumerate(clips):
        cameras, marking, mistakes = (np.random.default_rng([seed, number, i]) for i in range(3))
        vectors = clip.vectors[None, :frames]
        nodes = positions_of(vectors)
        body = nodes[0, :, : len(LIFTED_21)].astype(np.float64)
        posed = _camera_that_sees(cameras, body)
        if posed is None:
            continue
        landmarks = mark(marking, vectors, nodes, np.array([_FORMATS.index(detector)]))
        points = posed.project_world(landmarks.points[0])
        seen = np.isfinite(points).all(-1) & landmarks.has
        if errors:
            person_px = _PERSON_M * posed.focal_px[0] / posed.world_to_camera(body[:, 0])[:, 2]
            points, seen = _detector_errors(mistakes, points, seen, person_px)
        truth = posed.world_to_camera(body)
        yield FilmedClip(
            clip.name,
            truth - truth[:, :1],
            Camera(posed.focal_px, posed.centre_px, SIZE),
            Keypoints(points, seen.astype(float), LANDMARKS_27, Fraction(CLIP_FPS), SIZE, source=clip.name),
        )


def _camera_that_sees(rng: np.random.Generator, body: Float[np.ndarray, "frames 21 3"]) -> Camera | None:
    """A camera that has nearly all of the clip in its picture; None when no draw gives one."""
    middle = np.median(body[:, 0], axis=0)
    for _ in range(_DRAWS):
        turns = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(-20, 40)), np.radians(1.5 * rng.standard_normal())
        R = look(*(np.array([turn]) for turn in turns))[0].astype(np.float64)
        focal_px, distance_m = rng.uniform(0.8, 1.8) * SIZE[0], rng.uniform(3, 9)
        camera = Camera((focal_px, focal_px), (SIZE[0] / 2, SIZE[1] / 2), SIZE, _exact(R), middle - distance_m * R[2])
        if camera.world_to_camera(body)[..., 2].min() < _NEAREST_M:
            continue
        points = camera.project_world(body)
        if ((points >= 0) & (points <= SIZE)).all(-1).mean() >= _SHARE_INSIDE:
            return camera
    return None


def _exact(R: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "3 3"]:
    """The nearest rotation: ``look`` gives single precision."""
    U, _, Vt = np.linalg.svd(R)
    return U @ Vt


def _detector_errors(
    rng: np.random.Generator,
    points_px: Float[np.ndarray, "frames 27 2"],
    observed: Bool[np.ndarray, "frames 27"],
    person_px: Float[np.ndarray, " frames"],
) -> tuple[Float[np.ndarray, "frames 27 2"], Bool[np.ndarray, "frames 27"]]:
    from scipy.signal import lfilter

    frames = len(points_px)
    keep = np.exp(-1 / CLIP_FPS / _DRIFT_S)
    steps = rng.standard_normal(points_px.shape)
    steps[1:] *= np.sqrt(1 - keep**2)
    drift = np.asarray(lfilter([1.0], [1.0, -keep], steps, axis=0))
    sigma_px = person_px[:, None, None] * jitter_of_landmarks()[:, None]
    points = points_px + sigma_px * (rng.standard_normal(points_px.shape) + drift)
    outlier = rng.random((*observed.shape, 1)) < _OUTLIER_SHARE
    points += outlier * rng.uniform(-_OUTLIER_REACH, _OUTLIER_REACH, points.shape) * person_px[:, None, None]
    seen = observed & (rng.random(observed.shape) >= _MISSING_SHARE)
    for block, parts, side in _blocks(rng, frames, _LOST_LIMB_PER_S, _LOST_LIMB_S):
        seen[block, LANDMARKS_27.indices([f"{side}_{part}" for part in parts])] = False
    for block, parts, _ in _blocks(rng, frames, _SWAP_PER_S, _SWAP_S):
        left, right = (LANDMARKS_27.indices([f"{side}_{part}" for part in parts]) for side in "lr")
        for array in (points, seen):
            array[block, left], array[block, right] = array[block, right].copy(), array[block, left].copy()
    inside = ((points >= 0) & (points <= SIZE)).all(-1)
    return points, seen & inside


def _blocks(
    rng: np.random.Generator, frames: int, per_s: float, length_s: float
) -> Iterator[tuple[slice, tuple[str, ...], str]]:
    """Runs of frames at random places, with a limb for each."""
    for start in np.flatnonzero(rng.random(frames) < per_s / CLIP_FPS):
        yield slice(int(start), int(start) + round(length_s * CLIP_FPS)), _LIMBS[rng.integers(2)], "lr"[rng.integers(2)]

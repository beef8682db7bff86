"""What a lifter sees: windows of 2D landmarks as rays around the person, and the way back to the camera.

``root-ray/v1``, the one normalisation of the project's lifters; the training's data and the inference call this code.

1. Pixels become rays ``(x, y, 1)`` by the focal length and the principal point.
2. Each frame has a centre: the middle of the hips (or ``hip`` when a hip is missing), interpolated over the frames that
   lack it. A window without any hips uses the middle of the shoulders (or ``neck``), and one without those, too, the
   mean of its landmarks.
3. The rays of the whole window are turned by the smallest rotation that brings the centre of the middle frame onto the
   optical axis: a virtual camera that looks at the person. Where in the picture somebody stands no longer matters.
4. Landmarks are taken relative to the centre of their frame, and divided by the window's scale: the median over frames
   of the root mean square distance of the twelve limb joints (those which every 2D format has) to the centre.
5. Missing landmarks are zero with flag 0.

Channels of a frame: ``x, y`` of 27 landmarks; 27 flags; the centre's path relative to the middle frame, in scales (2);
the logarithm of the scale, "centred on hips", "centred on shoulders".

Confidence is no input on purpose: its meaning changes from detector to detector.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from maquette.skeletons import LANDMARKS_27, LIFTED_21

NAME = "root-ray/v1"
LANDMARKS = len(LANDMARKS_27)
CHANNELS = 3 * LANDMARKS + 5
"""Channels of one frame."""
REFERENCE_SCALE = 0.1
"""Scale, in units of the tangent plane, at which the logarithm of the scale is zero: somebody at about 4 m."""

_PATH = slice(3 * LANDMARKS, 3 * LANDMARKS + 2)
_SCALARS = slice(3 * LANDMARKS + 2, CHANNELS)
_FLAGS = slice(2 * LANDMARKS, 3 * LANDMARKS)
_L_HIP, _R_HIP, _HIP = LANDMARKS_27.indices(["l_hip", "r_hip", "hip"])
_L_SHOULDER, _R_SHOULDER, _NECK = LANDMARKS_27.indices(["l_shoulder", "r_shoulder", "neck"])
_LIMBS = np.array(
    LANDMARKS_27.indices(
        f"{side}_{joint}" for side in "lr" for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    )
)
_MIN_DEPTH = 0.1  # of a turned ray: points more than 84 degrees off the person's direction are pulled in
_COORDINATE_LIMIT, _PATH_LIMIT, _LOG_SCALE_LIMIT = 5.0, 4.0, 3.0


@dataclass(frozen=True)
class NormalisedWindows:
    """What goes into the network, and what is needed to read its output."""

    features: Float[np.ndarray, "batch frames channels"]
    R_canonical_camera: Float[np.ndarray, "batch 3 3"]
    """Rotation from the camera to the virtual camera that looks at the person."""
    scale: Float[np.ndarray, " batch"]
    """Scale of the window in the tangent plane of the virtual camera."""


def normalise_windows(
    points_px: Float[np.ndarray, "batch frames 27 2"],
    observed: Bool[np.ndarray, "batch frames 27"],
    focal_px: float | tuple[float, float] | Float[np.ndarray, "#batch 2"],
    centre_px: tuple[float, float] | Float[np.ndarray, "#batch 2"],
) -> NormalisedWindows:
    """Features of windows of ``landmarks-27`` (see the text of the module).

    Args:
        points_px: pixels; what missing points hold is not read (NaN will do).
        observed: False where a landmark is missing.
        focal_px: focal length along x and y, or one for both; one pair for each window or for all.
        centre_px: principal point.

    A window in which nothing is observed gives zeros; its rotation is the identity.
    """
    batch = len(points_px)
    focal, principal = _pairs(focal_px), _pairs(centre_px)
    rays = (np.where(observed[..., None], points_px, principal).astype(np.float32, copy=False) - principal) / focal
    path, on_hips, on_shoulders = _centre_path(rays, observed)
    middle = path.shape[1] // 2
    R = rotation_to_axis(path[:, middle])
    path = turn_rays(path, R)
    points = turn_rays(rays.reshape(batch, -1, 2), R).reshape(rays.shape)
    points -= path[:, :, None, :]
    points *= observed[..., None]
    scale = _window_scale(points, observed)

    features = np.zeros((*observed.shape[:2], CHANNELS), dtype=np.float32)
    per_scale = (1 / scale)[:, None, None]
    coordinates = points.reshape(*observed.shape[:2], 2 * LANDMARKS)
    coordinates *= per_scale
    _limited(coordinates, _COORDINATE_LIMIT, out=features[..., : 2 * LANDMARKS])
    features[..., _FLAGS] = observed
    _limited((path - path[:, middle, None]) * per_scale, _PATH_LIMIT, out=features[..., _PATH])
    log_scale = np.log(scale / REFERENCE_SCALE)
    _limited(log_scale, _LOG_SCALE_LIMIT, out=log_scale)
    anything = observed.any(axis=(1, 2))
    for channel, values in enumerate((log_scale * anything, on_hips, on_shoulders), _SCALARS.start):
        features[..., channel] = values[:, None]
    return NormalisedWindows(features, R, scale)


def _pairs(values: float | tuple[float, float] | Float[np.ndarray, "#batch 2"]) -> np.ndarray:
    """For x and y, to go with ``(batch, frames, landmarks, 2)``."""
    pairs = np.asarray(values, dtype=np.float32)
    return pairs if pairs.ndim < 2 else pairs[:, None, None, :]


def _limited(values: np.ndarray, limit: float, *, out: np.ndarray) -> None:
    """``np.clip`` to both sides; of few numbers its calls cost more than twice these."""
    np.minimum(np.maximum(values, -limit, out=out), limit, out=out)


def positions_in_camera(
    positions: Float[np.ndarray, "batch joints 3"], R_canonical_camera: Float[np.ndarray, "batch 3 3"]
) -> Float[np.ndarray, "batch joints 3"]:
    """Root-relative positions of the virtual camera's frame, brought to the camera frame (same unit)."""
    return positions @ R_canonical_camera


def mirror_features(features: Float[np.ndarray, "batch frames channels"]) -> Float[np.ndarray, "batch frames channels"]:
    """The features of the mirrored picture: exactly those of keypoints mirrored about the principal point."""
    return features[..., _MIRROR_CHANNELS] * _MIRROR_SIGNS


def mirror_positions(positions: Float[np.ndarray, "*batch 21 3"]) -> Float[np.ndarray, "*batch 21 3"]:
    """Positions of ``maquette-21`` mirrored at the plane x = 0, left and right exchanged."""
    return positions[..., LIFTED_21.mirror_permutation, :] * np.array([-1, 1, 1], dtype=positions.dtype)


def _mirror_channels() -> tuple[np.ndarray, np.ndarray]:
    permutation = LANDMARKS_27.mirror_permutation
    xy = (2 * permutation[:, None] + np.arange(2)).ravel()
    channels = np.concatenate([xy, 2 * LANDMARKS + permutation, np.arange(3 * LANDMARKS, CHANNELS)])
    signs = np.ones(CHANNELS, dtype=np.float32)
    signs[0 : 2 * LANDMARKS : 2] = -1
    signs[_PATH.start] = -1
    return channels, signs


_MIRROR_CHANNELS, _MIRROR_SIGNS = _mirror_channels()


def _centre_path(
    rays: Float[np.ndarray, "batch frames 27 2"], observed: Bool[np.ndarray, "batch frames 27"]
) -> tuple[Float[np.ndarray, "batch frames 2"], Bool[np.ndarray, " batch"], Bool[np.ndarray, " batch"]]:
    """Centre of each frame in the plane z = 1, and whether the window is centred on hips or on shoulders."""
    path, known = _pair_or_middle(rays, observed, _L_HIP, _R_HIP, _HIP)
    on_hips = np.any(known, axis=1, keepdims=True)[:, 0]
    on_shoulders = np.zeros_like(on_hips)
    if not on_hips.all():
        rest = np.flatnonzero(~on_hips)
        shoulders, seen = _pair_or_middle(rays[rest], observed[rest], _L_SHOULDER, _R_SHOULDER, _NECK)
        on_shoulders[rest] = seen.any(axis=1)
        count = observed[rest].sum(axis=2)
        mean = (rays[rest] * observed[rest][..., None]).sum(axis=2) / np.maximum(count, 1)[..., None]
        use = on_shoulders[rest][:, None]
        path[rest] = np.where(use[..., None], shoulders, mean)
        known[rest] = np.where(use, seen, count > 0)
    if not known.all():
        gaps = np.flatnonzero(~known.all(axis=1) & known.any(axis=1))
        if len(gaps):
            path[gaps] = _interpolate(path[gaps], known[gaps])
    return path, on_hips, on_shoulders


def _pair_or_middle(
    rays: Float[np.ndarray, "batch frames 27 2"],
    observed: Bool[np.ndarray, "batch frames 27"],
    a: int,
    b: int,
    middle: int,
) -> tuple[Float[np.ndarray, "batch frames 2"], Bool[np.ndarray, "batch frames"]]:
    """Mean of landmarks ``a`` and ``b``, or ``middle`` where one of them is missing; and where either exists."""
    pair = observed[:, :, a] & observed[:, :, b]
    known = pair | observed[:, :, middle]
    path = np.where(pair[..., None], (rays[:, :, a] + rays[:, :, b]) * np.float32(0.5), rays[:, :, middle])
    return path * known[..., None], known


def _interpolate(
    path: Float[np.ndarray, "batch frames 2"], known: Bool[np.ndarray, "batch frames"]
) -> Float[np.ndarray, "batch frames 2"]:
    """Linear over gaps, held at the ends; each row has at least one known frame."""
    n = path.shape[1]
    frames = np.arange(n)
    before = np.maximum.accumulate(np.where(known, frames, -1), axis=1)
    after = np.minimum.accumulate(np.where(known, frames, n)[:, ::-1], axis=1)[:, ::-1]
    before, after = np.where(before < 0, after, before), np.where(after >= n, before, after)
    fraction = ((frames - before) / np.maximum(after - before, 1)).astype(np.float32)
    start = np.take_along_axis(path, before[..., None], axis=1)
    end = np.take_along_axis(path, after[..., None], axis=1)
    return start + fraction[..., None] * (end - start)


def rotation_to_axis(point: Float[np.ndarray, "batch 2"]) -> Float[np.ndarray, "batch 3 3"]:
    """The smallest rotation that brings the direction ``(x, y, 1)`` onto the z axis."""
    a, b = point.T
    norm = np.sqrt(a * a + b * b + 1)
    a, b, c = a / norm, b / norm, 1 / norm
    R = np.empty((len(point), 3, 3), dtype=c.dtype)
    R[:, 0, 0], R[:, 1, 1], R[:, 2, 2] = 1 - a * a / (1 + c), 1 - b * b / (1 + c), c
    R[:, 0, 1] = R[:, 1, 0] = -a * b / (1 + c)
    R[:, 0, 2], R[:, 1, 2], R[:, 2, 0], R[:, 2, 1] = -a, -b, a, b
    return R


def turn_rays(
    points: Float[np.ndarray, "batch points 2"], R: Float[np.ndarray, "batch 3 3"]
) -> Float[np.ndarray, "batch points 2"]:
    """Rays ``(x, y, 1)`` turned by ``R``, again in the plane z = 1."""
    turned = points @ R[:, :, :2].transpose(0, 2, 1) + R[:, None, :, 2]
    return turned[..., :2] / np.maximum(turned[..., 2:], _MIN_DEPTH)


def _window_scale(
    points: Float[np.ndarray, "batch frames 27 2"], observed: Bool[np.ndarray, "batch frames 27"]
) -> Float[np.ndarray, " batch"]:
    """Median over frames of the RMS distance of the observed limb joints to the centre; all landmarks if they lack."""
    squares = np.square(points[..., 0]) + np.square(points[..., 1])
    scale = _median_rms(squares[..., _LIMBS], observed[..., _LIMBS], least=4)
    if (scale == 0).any():
        rest = np.flatnonzero(scale == 0)
        scale[rest] = _median_rms(squares[rest], observed[rest], least=1)
    return np.where(scale > 1e-4, scale, np.float32(REFERENCE_SCALE))


def _median_rms(
    squares: Float[np.ndarray, "batch frames points"], observed: Bool[np.ndarray, "batch frames points"], least: int
) -> Float[np.ndarray, " batch"]:
    """Median over the frames with at least ``least`` observed points; 0 where there is no such frame."""
    count = observed.sum(axis=2)
    rms = np.sqrt(squares.sum(axis=2) / np.maximum(count, 1))
    usable = count >= least
    if usable.shape[1] == 1:
        return np.where(usable, rms, 0)[:, 0].astype(np.float32, copy=False)
    ordered = np.sort(np.where(usable, rms, np.float32(np.inf)), axis=1)
    frames = usable.sum(axis=1)
    middle = np.take_along_axis(ordered, np.maximum(frames - 1, 0)[:, None] // 2, axis=1)[:, 0]
    return np.where(frames > 0, middle, 0).astype(np.float32)

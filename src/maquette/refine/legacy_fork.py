"""The cleaning and post-processing of 3d-pose-baseline's OpenPose fork, to the digit, as one named mode.

That program (``openpose_3dpose_sandbox.py``) keeps each frame as 36 numbers, x and y of OpenPose's 18 COCO joints, 0
where nothing was detected. Its steps are kept as they are, oddities included, so that its results can be reproduced;
:func:`~maquette.refine.keypoints_repair.repair` is what the default path does instead. Arrays named ``pairs`` here have
that layout.
"""

import warnings
from fractions import Fraction

import numpy as np
from jaxtyping import Bool, Float, Int

from maquette.errors import InputError
from maquette.keypoints import Keypoints
from maquette.mapping import FORK_OPENPOSE_TO_H36M_32, map_keypoints
from maquette.skeletons import COCO_18

_HALF_WINDOW = 3
_ENDS = 4
"""The first and last four frames look ahead and back by three frames only."""
_LEAST_FRAMES = 9
_SMOOTHING_PER_PX = 125
_CENTRE_X_PX, _CENTRE_Y_PX = 630.0, 500.0
"""The middle of the picture as the fork assumes it, whatever the picture's size."""
_LOWEST = -1000.0
"""A pose with a coordinate below this is taken for a failure."""
_NECK = COCO_18.index("neck")


def clean(keypoints: Keypoints) -> Keypoints:
    """The track on OpenPose's COCO-18 skeleton, cleaned as the fork does (:func:`smooth_pairs`).

    Confidence plays no part in it; a point that the fork made up has the lowest confidence of its joint.

    Raises:
        InputError: the skeleton has no map to COCO-18, or the clip has 2 to 8 frames.
    """
    mapped = map_keypoints(keypoints, COCO_18.name)
    return _from_pairs(
        smooth_pairs(to_pairs(mapped)),
        mapped,
        "cleaned as 3d-pose-baseline's OpenPose fork does: median of 3 frames to both sides, drop-outs held",
    )


def interpolate(keypoints: Keypoints, *, multiplier: float | int = 0.1) -> Keypoints:
    """The track with ``1 / multiplier`` frames for each one, by the fork's spline (:func:`interpolate_pairs`).

    Raises:
        InputError: see :func:`interpolate_pairs`; or the skeleton has no map to COCO-18.
    """
    mapped = map_keypoints(keypoints, COCO_18.name)
    pairs = interpolate_pairs(to_pairs(mapped), multiplier)
    nearest = np.minimum(np.round(np.arange(len(pairs)) * multiplier).astype(int), keypoints.n_frames - 1)
    stretched = mapped.with_notes(
        points=mapped.points[nearest],
        confidence=mapped.confidence[nearest],
        fps=mapped.fps / Fraction(multiplier).limit_denominator(1000),
        timestamps_s=None,
    )
    return _from_pairs(pairs, stretched, f"interpolated as the fork does: FITPACK spline, multiplier {multiplier:g}")


def to_pairs(keypoints: Keypoints) -> Float[np.ndarray, "frames 36"]:
    """COCO-18 keypoints as the fork keeps them: 0 where missing.

    Raises:
        InputError: another skeleton than COCO-18.
    """
    if keypoints.skeleton.name != COCO_18.name:
        raise InputError(f"the fork's format holds '{COCO_18.name}', these keypoints are '{keypoints.skeleton.name}'")
    return np.where(keypoints.observed[..., None], keypoints.points, 0.0).reshape(keypoints.n_frames, 36)


def _from_pairs(pairs: Float[np.ndarray, "frames 36"], like: Keypoints, note: str) -> Keypoints:
    points = pairs.reshape(-1, 18, 2)
    seen = (points != 0).any(-1)
    lowest = np.min(np.where(like.observed, like.confidence, 1.0), axis=0, initial=1.0)
    confidence = np.where(seen, np.where(like.observed, like.confidence, lowest), 0.0)
    return like.with_notes(note, points=points, confidence=confidence)


def smooth_pairs(pairs: Float[np.ndarray, "frames 36"]) -> Float[np.ndarray, "frames 36"]:
    """Moving median over three frames to both sides, every number on its own; then drop-outs held.

    The windows of the first four frames reach ahead and those of the last four back, four frames each. Undetected zeros
    take part in the median; a median of 0 after the first frame is replaced by the result before it. A single frame
    comes back as it is. (The original fails where the clip does not begin with frame number 0 and a joint is missing
    there; here zeros stay until the joint is first seen.)

    Raises:
        InputError: 2 to 8 frames, which the original refuses, too.
    """
    n = len(pairs)
    if n <= 1:
        return pairs.copy()
    if n < _LEAST_FRAMES:
        raise InputError(f"the fork's cleaning needs 1 or at least {_LEAST_FRAMES} frames, this clip has {n}")
    smooth = np.empty_like(pairs)
    windows = np.lib.stride_tricks.sliding_window_view(pairs, 2 * _HALF_WINDOW + 1, axis=0)
    smooth[_HALF_WINDOW : n - _HALF_WINDOW] = np.median(windows, axis=-1)
    for frame in range(_ENDS):
        smooth[frame] = np.median(pairs[frame : frame + _HALF_WINDOW + 1], axis=0)
        last = n - 1 - frame
        smooth[last] = np.median(pairs[last - _HALF_WINDOW : last + 1], axis=0)
    frame_of = np.where(smooth != 0, np.arange(n)[:, None], 0)
    return np.take_along_axis(smooth, np.maximum.accumulate(frame_of, axis=0), axis=0)


def interpolate_pairs(pairs: Float[np.ndarray, "frames 36"], multiplier: float | int) -> Float[np.ndarray, "wanted 36"]:
    """A smoothing spline through every channel, sampled every ``multiplier`` frames; the last samples are extrapolated.

    FITPACK is first asked for a residual of the number of frames, then, on the knots of that fit, for 125 times the
    channel's range: a fresh fit with the second value looks different.

    Raises:
        InputError: fewer than 4 frames, or a multiplier for which the original mixes up its channels (it expects
            exactly ``int(frames / multiplier)`` samples); 0.05, 0.1, 0.2, 0.25 and 0.5 are always safe.
    """
    from scipy.interpolate import UnivariateSpline

    n = len(pairs)
    if n < 4:
        raise InputError(f"the fork's spline needs at least 4 frames, this clip has {n}")
    if not 0 < multiplier <= 1:
        raise InputError(f"multiplier is {multiplier:g}, expected more than 0 and at most 1")
    at = np.arange(0, n, multiplier)
    if len(at) != int(n * (1 / multiplier)):
        raise InputError(
            f"multiplier {multiplier:g} does not divide {n} frames evenly, and the fork mixes up joints then; "
            "use 0.05, 0.1, 0.2, 0.25 or 0.5"
        )
    frames = np.arange(n)
    result = np.empty((len(at), pairs.shape[1]))
    with warnings.catch_warnings():
        # FITPACK says that it did not reach the residual asked for; the original goes on with what it has.
        warnings.simplefilter("ignore", UserWarning)
        for channel, values in enumerate(pairs.T):
            spline = UnivariateSpline(frames, values, k=3)
            spline.set_smoothing_factor((values.max() - values.min()) * _SMOOTHING_PER_PX)
            result[:, channel] = spline(at)
    return result


def encode(pairs: Float[np.ndarray, "frames 36"]) -> Float[np.ndarray, "frames 64"]:
    """The 32 joints of Human3.6M as x, y from the 18: neck to Spine, nose to Head, the Thorax mirrored below the neck.

    Joints that the fork leaves alone are 0.
    """
    points = pairs.reshape(-1, 18, 2)
    mapped, _ = FORK_OPENPOSE_TO_H36M_32.apply_arrays(points, np.ones(points.shape[:2]))
    return np.nan_to_num(mapped).reshape(len(pairs), 64)


def lift_inputs(
    pairs: Float[np.ndarray, "frames 36"],
    *,
    mean_px: Float[np.ndarray, " 64"],
    std_px: Float[np.ndarray, " 64"],
    used: Int[np.ndarray, " dims"],
) -> Float[np.ndarray, "frames dims"]:
    """What the network gets: the ``used`` numbers of :func:`encode`, normalised with the training set's statistics
    (those of Stacked Hourglass detections, whichever model is loaded)."""
    return (encode(pairs)[:, used] - mean_px[used]) / std_px[used]


def unnormalise(
    outputs: Float[np.ndarray, "frames dims"],
    *,
    mean_mm: Float[np.ndarray, " 96"],
    std_mm: Float[np.ndarray, " 96"],
    used: Int[np.ndarray, " dims"],
) -> Float[np.ndarray, "frames 96"]:
    """The network's outputs as 32 joints x, y, z in millimetres, camera frame, root-centred; joints that it does not
    predict are at their mean over the training set."""
    full = np.zeros((len(outputs), 96))
    full[:, used] = outputs
    return full * std_mm + mean_mm


def postprocess(
    poses_mm: Float[np.ndarray, "frames 96"], pairs: Float[np.ndarray, "frames 36"], *, cache_on_fail: bool = True
) -> tuple[Float[np.ndarray, "frames 32 3"], Bool[np.ndarray, " frames"]]:
    """Coordinates as in the fork's ``3d_data.json``, and where a pose was held.

    y and z change places; the new z is mirrored between its extremes over the 32 joints of the frame; then the neck's
    PIXELS are added to the MILLIMETRES, relative to (630, 500). With ``cache_on_fail`` a pose with any number below
    -1000 is replaced by the one before; if there is none yet, by zeros.
    """
    x, depth, up = np.moveaxis(poses_mm.reshape(-1, 32, 3)[..., [0, 2, 1]], -1, 0)
    highest = np.maximum(up.max(1, initial=0.0), 0.0)
    lowest = np.minimum(up.min(1, initial=10_000.0), 10_000.0)
    neck_px = pairs.reshape(-1, 18, 2)[:, _NECK]
    x = x + (neck_px[:, 0] - _CENTRE_X_PX)[:, None]
    up = (highest + lowest)[:, None] - up + (_CENTRE_Y_PX - neck_px[:, 1])[:, None]
    poses = np.stack((x, depth, up), axis=-1)
    held = np.zeros(len(poses), dtype=bool)
    if not cache_on_fail or not len(poses):
        return poses, held
    held = poses.min(axis=(1, 2)) < _LOWEST
    source = np.maximum.accumulate(np.where(held, -1, np.arange(len(poses))))
    return np.where((source < 0)[:, None, None], 0.0, poses[np.maximum(source, 0)]), held

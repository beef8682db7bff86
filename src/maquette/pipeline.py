"""The main path: read -> repair -> map -> lift -> refine -> solve rotations -> write."""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.frozen_arrays import exact_fps
from maquette.keypoints import Keypoints
from maquette.lifting.assumed_camera import camera_for
from maquette.lifting.lifter import Lifter
from maquette.lifting.weak_perspective import Thorax
from maquette.lifting.weak_perspective import lift_depth as depth_to_pose
from maquette.mapping import map_keypoints
from maquette.motion import Frame, Motion
from maquette.refine.keypoints_repair import repair as repair_keypoints
from maquette.refine.keypoints_resample import resample
from maquette.refine.legacy_fork import clean as fork_clean
from maquette.refine.legacy_fork import interpolate as fork_interpolate
from maquette.refine.motion_finish import finish
from maquette.refine.motion_trunk import place_trunk
from maquette.refine.reprojection import ReprojectionRefiner
from maquette.refine.self_supervised import SelfSupervisedRefiner
from maquette.rig import solve_rotations
from maquette.runtime.picture_spec import PUBLISHED_LENGTH_MM
from maquette.skeletons import LANDMARKS_27

Repair = Literal["default", "none", "fork"]
Refinement = Literal["none", "self-supervised", "reprojection"]

_REPAIRS = {"default": repair_keypoints, "none": lambda keypoints: keypoints, "fork": fork_clean}


@dataclass(frozen=True)
class Stages:
    """One track before, between and after the stages of its cleaning."""

    raw: Keypoints
    repaired: Keypoints
    resampled: Keypoints | None

    @property
    def ready(self) -> Keypoints:
        """What goes into the network."""
        return self.resampled or self.repaired


def prepare(
    keypoints: Keypoints, *, repair: Repair = "default", resample_fps: Fraction | float | int | str | None = None
) -> Stages:
    """Clean one track.

    Args:
        keypoints: as read, on any 2D skeleton.
        repair: ``"default"`` repairs swaps, spikes and short gaps; ``"none"`` leaves the track alone; ``"fork"`` is the
            exact cleaning of 3d-pose-baseline's OpenPose fork.
        resample_fps: frame rate to resample to by splines (with ``"fork"``, by the fork's own two-step spline); None
            keeps the track's own.

    Raises:
        InputError: the frame rate is not positive, or the fork's cleaning cannot take the clip (2 to 8 frames).
    """
    repaired = _REPAIRS[repair](keypoints)
    if resample_fps is None:
        return Stages(keypoints, repaired, None)
    if repair == "fork":
        multiplier = float(keypoints.fps / exact_fps(resample_fps))
        return Stages(keypoints, repaired, fork_interpolate(repaired, multiplier=multiplier))
    return Stages(keypoints, repaired, resample(repaired, resample_fps))


def lift(
    keypoints: Keypoints,
    *,
    model: str | Path | Lifter | None = None,
    frame: Frame = "world",
    height_m: float | int | None = None,
    focal_px: float | int | None = None,
    repair: Repair = "default",
    resample_fps: Fraction | float | int | str | None = None,
    smooth_hz: float | int = 6.0,
    flip: bool = True,
    refine: Refinement | SelfSupervisedRefiner | ReprojectionRefiner = "none",
) -> Motion:
    """3D motion of one person from the 2D keypoints.

    Args:
        keypoints: one person's track on any 2D skeleton (:func:`maquette.read_keypoints`).
        model: name of a model in the package, path of an ``.onnx`` file, or a :class:`Lifter`; None is the default.
        frame: ``"world"`` (Y up, ground at y = 0) or ``"camera"`` (OpenCV: x right, y down, z forward).
        height_m: body height that sets the metric scale; None leaves the scale that the network gives.
        focal_px: focal length in pixels; None assumes 1.15 times the longer side of the picture.
        repair, resample_fps: see :func:`prepare`.
        smooth_hz: cutoff of the zero-phase low-pass on the 3D (-3 dB after both passes); 0 leaves it out.
        flip: average with the result for the mirrored input.
        refine: ``"reprojection"`` fits a figure of fixed bones to picture, pose and ground over the whole clip (and
            corrects the focal length unless it is given); ``"self-supervised"`` bends each pose until a network sees
            the 2D in it (Wang et al. 2019); or a refiner of your own making.

    Returns:
        The motion in metres with local rotations; its joints begin with the 17 of Human3.6M. Its ``notes`` name
        every assumption and every edit.

    Raises:
        InputError: the skeleton has no map to the model's, nothing is observed, or an argument is out of range.
        ModelError: the model cannot be loaded.
    """
    if not 0 <= smooth_hz < float("inf"):
        raise InputError(f"smoothing cutoff is {smooth_hz} Hz, expected 0 (none) or a positive frequency")
    lifter = model if isinstance(model, Lifter) else Lifter(model, flip=flip)
    ready = prepare(keypoints, repair=repair, resample_fps=resample_fps).ready
    mapped = map_keypoints(ready, LANDMARKS_27.name)
    camera, notes = camera_for(mapped, focal_px=None if focal_px is None else float(focal_px))
    lifted = place_trunk(lifter(mapped.with_notes(*notes), camera=camera))
    height = None if height_m is None else float(height_m)
    refiner = _refiner(refine, focal_known=focal_px is not None, height_known=height_m is not None)
    if isinstance(refiner, SelfSupervisedRefiner):
        lifted = refiner(lifted, mapped, camera)
    fit = refiner if isinstance(refiner, ReprojectionRefiner) else None
    moved = finish(lifted, mapped, camera, frame=frame, height_m=height, smooth_hz=float(smooth_hz), refiner=fit)
    return solve_rotations(moved)


def lift_depth(
    keypoints: Keypoints,
    depth_px: Float[np.ndarray, "frames joints"],
    *,
    frame: Frame = "world",
    height_m: float | int | None = None,
    skeleton_length_m: float | int = PUBLISHED_LENGTH_MM / 1000,
    focal_px: float | int | None = None,
    smooth_hz: float | int = 6.0,
    thorax: Thorax = "upper neck",
    model: str | None = None,
    model_sha256: str | None = None,
) -> Motion:
    """3D motion of one person from 2D and the depths that a detector saw with it (:attr:`Detected.depth_px`), without
    a lifter: 2D is not repaired, as an exchange of left and right would be one of depths, too.

    Args:
        keypoints: one person's track on ``mpii-16``.
        depth_px: how far each joint is behind the root, in pixels of the picture.
        frame, height_m, focal_px, smooth_hz: as for :func:`lift`.
        skeleton_length_m: length of the 14 bones together that sets the scale without ``height_m``
            (:func:`maquette.lifting.weak_perspective.lift_depth`).
        thorax: which of MPII's joints Human3.6M's thorax is.
        model, model_sha256: name and hash of the detector's network, for the record.

    Raises:
        InputError: another skeleton, nothing is observed, or an argument is out of range.
    """
    if not 0 <= smooth_hz < float("inf"):
        raise InputError(f"smoothing cutoff is {smooth_hz} Hz, expected 0 (none) or a positive frequency")
    height, focal = (None if value is None else float(value) for value in (height_m, focal_px))
    lifted = depth_to_pose(
        keypoints,
        depth_px,
        height_m=height,
        skeleton_length_m=skeleton_length_m,
        focal_px=focal,
        thorax=thorax,
        model=model,
        model_sha256=model_sha256,
    )
    camera, _ = camera_for(keypoints, focal_px=focal)
    mapped = map_keypoints(keypoints, LANDMARKS_27.name)
    moved = finish(lifted, mapped, camera, frame=frame, height_m=height, smooth_hz=float(smooth_hz))
    if height is None:
        # The network has said nothing about the size: the length of the skeleton was assumed.
        moved = replace(moved, scale_source=lifted.scale_source)
    return solve_rotations(moved)


def _refiner(
    refine: Refinement | SelfSupervisedRefiner | ReprojectionRefiner, *, focal_known: bool, height_known: bool
) -> SelfSupervisedRefiner | ReprojectionRefiner | None:
    if not isinstance(refine, str):
        return refine
    if refine == "none":
        return None
    if refine == "self-supervised":
        return SelfSupervisedRefiner()
    if refine == "reprojection":
        return ReprojectionRefiner(estimate_focal=not focal_known, height_known=height_known)
    raise InputError(f"refinement is '{refine}', expected one of {', '.join(get_args(Refinement))}")

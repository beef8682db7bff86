"""From the landmarks of a track to what a model of a published system takes: every joint, at its frame rate."""

import numpy as np
from jaxtyping import Bool, Float

from maquette.errors import InputError, ModelError
from maquette.lifting.published import STANDARD_SCORES, input_joints, lift_clip, on_skeleton
from maquette.mapping import H36M_17_CONVENTIONS
from maquette.mapping.published import PUBLISHED_INPUTS
from maquette.runtime.onnx_model import OnnxModel
from maquette.runtime.spec import ModelSpec
from maquette.skeleton import Skeleton
from maquette.skeletons import H36M_17, H36M_32, MPII_16, get_skeleton

_SAME_RATE = 0.02  # share by which the frame rate may differ from the model's before the track is resampled
_HOURGLASS = H36M_17_CONVENTIONS["stacked-hourglass/mpii-16"].rows
_TRUNK = ("l_hip", "r_hip", "l_shoulder", "r_shoulder")


def lift_landmarks(
    model: OnnxModel,
    points_px: Float[np.ndarray, "frames 27 2"],
    observed: Bool[np.ndarray, "frames 27"],
    times_s: Float[np.ndarray, " frames"],
    image_size: tuple[int, int],
    *,
    flip: bool,
) -> tuple[Float[np.ndarray, "frames joints 3"], list[str]]:
    """Positions on the output skeleton (metres, camera frame, root at the origin) and notes on what was made up.

    Args:
        points_px: ``landmarks-27`` in pixels; what missing ones hold is not read.
        times_s: the models see frames ``window_step_s`` apart; a track of another rate is resampled to theirs, and the
            positions back.

    Raises:
        InputError: a joint that the model needs is never seen and cannot be derived.
        ModelError: the model's family of joint maps is unknown.
    """
    spec = model.spec
    points, notes = _network_joints(points_px, observed, spec)
    if spec.normalisation == STANDARD_SCORES:
        points, note = _like_the_training(points, spec)
        positions = lift_clip(model, points, image_size, flip=flip)
        notes.append(note)
    elif _same_rate(times_s, spec.window_step_s):
        positions = lift_clip(model, points, image_size, flip=flip)
    else:
        n = int(np.ceil((times_s[-1] - times_s[0]) / spec.window_step_s)) + 1
        grid_s = times_s[0] + np.arange(n) * spec.window_step_s
        positions = lift_clip(model, sampled(points, times_s, grid_s), image_size, flip=flip)
        positions = sampled(positions, grid_s, times_s)
        notes.append(f"resampled to the model's {1 / spec.window_step_s:.0f} frames a second and back")
    full = on_skeleton(positions, spec)
    return full - full[:, :1], notes


def source_columns(spec: ModelSpec, source: Skeleton) -> list[int] | None:
    """Where the model's joints stand among the points of ``source``; None where those are not the joints it takes.

    Stacked Hourglass is read as Martinez et al. 2017 read it (MPII's thorax as Spine), also for models of exact points.
    """
    wanted = input_joints(spec)
    if source == MPII_16 and spec.input_skeleton == H36M_17.name:
        wanted = [str(_HOURGLASS.get(name, name)) for name in wanted]
    elif source.name != spec.input_skeleton and not (source == H36M_32 and spec.input_skeleton == H36M_17.name):
        return None
    return source.indices(wanted) if all(name in source for name in wanted) else None


def is_model_rate(spec: ModelSpec, fps: float) -> bool:
    """Whether frames of this rate are what the model wants; single poses have none."""
    return spec.window_frames == 1 or abs(fps * spec.window_step_s - 1) < _SAME_RATE


def _network_joints(
    points_px: Float[np.ndarray, "frames 27 2"], observed: Bool[np.ndarray, "frames 27"], spec: ModelSpec
) -> tuple[Float[np.ndarray, "frames joints 2"], list[str]]:
    if spec.mapping not in PUBLISHED_INPUTS:
        raise ModelError(
            f"model '{spec.name}' wants joints of family '{spec.mapping}'; known are {', '.join(PUBLISHED_INPUTS)}"
        )
    skeleton, wanted = get_skeleton(spec.input_skeleton), input_joints(spec)
    landmarks = np.where(observed[..., None], points_px, np.nan)
    points = np.full((len(landmarks), len(skeleton), 2), np.nan)
    derived: list[str] = []
    for i, joint_map in enumerate(PUBLISHED_INPUTS[spec.mapping]):
        made, _ = joint_map.apply_arrays(landmarks, observed.astype(float))
        fill = np.isnan(points) & ~np.isnan(made)
        points[fill] = made[fill]
        if i:
            derived += [name for name in wanted if fill[:, skeleton.index(name)].any() and name not in derived]
    points = points[:, skeleton.indices(wanted)]
    gaps = np.asarray(np.isnan(points).any(axis=-1))
    never = [name for name, missing in zip(wanted, gaps.T, strict=True) if missing.all()]
    if never:
        raise InputError(
            f"the model '{spec.name}' needs every joint, and {', '.join(never)} are never seen; use a model of ours "
            "(maquette models), which take partial bodies"
        )
    notes = [f"{', '.join(derived)} derived from other landmarks ({spec.mapping})"] if derived else []
    if gaps.any():
        notes.append(f"{gaps.mean():.1%} of the joints were missing and interpolated: the model needs every one")
        frames = np.arange(len(points))
        for joint in np.flatnonzero(gaps.any(0)):
            seen = ~gaps[:, joint]
            for axis in range(2):
                points[:, joint, axis] = np.interp(frames, frames[seen], points[seen, joint, axis])
    return points, notes


def _same_rate(times_s: Float[np.ndarray, " frames"], step_s: float) -> bool:
    return len(times_s) == 1 or bool(np.abs(np.diff(times_s) / step_s - 1).max() < _SAME_RATE)


def sampled(
    values: Float[np.ndarray, "samples joints dims"], at_s: Float[np.ndarray, " samples"], wanted_s: np.ndarray
) -> Float[np.ndarray, "wanted joints dims"]:
    """Linear interpolation in time from samples at ``at_s`` to ``wanted_s``; the ends are held."""
    flat = values.reshape(len(values), -1)
    out = np.stack([np.interp(wanted_s, at_s, column) for column in flat.T], axis=1)
    return out.reshape(len(wanted_s), *values.shape[1:])


def _like_the_training(
    points_px: Float[np.ndarray, "frames joints 2"], spec: ModelSpec
) -> tuple[Float[np.ndarray, "frames joints 2"], str]:
    """The person as large, and where, the people of the training set were on average: pixels are what it knows."""
    joints = input_joints(spec)
    mean = np.zeros((len(joints), 2)) if spec.statistics is None else np.reshape(spec.statistics.input_mean, (-1, 2))
    places = [joints.index(name) for name in _TRUNK if name in joints]
    if len(places) < len(_TRUNK):
        raise ModelError(f"model '{spec.name}' lacks hips or shoulders among its joints: {', '.join(joints)}")

    def trunk(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        hips = points[..., places[:2], :].mean(-2)
        return hips, np.linalg.norm(points[..., places[2:], :].mean(-2) - hips, axis=-1)

    hips, length_px = trunk(points_px)
    mean_hips, mean_length_px = trunk(mean[None])
    factor = float(mean_length_px[0] / max(np.median(length_px), 1e-6))
    note = f"scaled by {factor:.2f} and moved in the picture to where the people of the model's training set were"
    return (points_px - hips[:, None]) * factor + mean_hips, note

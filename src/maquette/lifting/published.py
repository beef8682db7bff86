"""Running models of the published systems: their normalisations, their padding at the ends of a clip, their mirroring.

``screen/v1`` (Pavllo et al. 2019, Shan et al. 2021): x and y in pixels become ``2 x / W - 1`` and ``2 y / W - H / W``,
both by the width; the clip is continued at its ends by its first and last frame. ``standard-scores/v1`` (Martinez et
al. 2017): every coordinate by its mean and standard deviation over the training set, single poses. The positions are
those of the network: camera frame, relative to the root, which some networks predict as well.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError, ModelError
from maquette.runtime.onnx_model import OnnxModel
from maquette.runtime.spec import ModelSpec, Statistics
from maquette.skeleton import Skeleton
from maquette.skeletons import get_skeleton

SCREEN, STANDARD_SCORES = "screen/v1", "standard-scores/v1"
PUBLISHED = (SCREEN, STANDARD_SCORES)
_UNIT_M = {"m": 1.0, "mm": 1e-3}


def input_joints(spec: ModelSpec) -> list[str]:
    """Names of the joints that go into the model, in its order."""
    return list(spec.input_joints or get_skeleton(spec.input_skeleton).joints)


def output_joints(spec: ModelSpec) -> list[str]:
    """Names of the joints that come out of the model, in its order."""
    return list(spec.output_joints or get_skeleton(spec.output_skeleton).joints)


def normalise_screen(
    points_px: Float[np.ndarray, "frames joints channels"], image_size: tuple[int, int]
) -> Float[np.ndarray, "frames joints channels"]:
    """Pixels to ``screen/v1``; channels after x and y (a score) stay as they are."""
    width, height = image_size
    out = np.array(points_px, dtype=np.float64)
    out[..., 0] = out[..., 0] / width * 2 - 1
    out[..., 1] = out[..., 1] / width * 2 - height / width
    return out


def lift_clip(
    model: OnnxModel,
    points_px: Float[np.ndarray, "frames joints channels"],
    image_size: tuple[int, int],
    *,
    flip: bool = True,
    frame: Literal["camera", "world"] = "camera",
) -> Float[np.ndarray, "frames outputs 3"]:
    """Positions of :func:`output_joints` in metres, camera frame, as the network gives them, for every frame.

    Args:
        model: one of ``screen/v1`` or ``standard-scores/v1``.
        points_px: :func:`input_joints` in pixels, every one present; a third channel (score) where the model wants it.
            Consecutive frames are ``window_step_s`` apart.
        image_size: (width, height) of the picture.
        flip: average with the mirrored result for the mirrored input.
        frame: what the caller takes the positions for; few models give them in the directions of their data's world,
            where mirroring the picture mirrors nothing.

    Raises:
        InputError: joints or channels do not fit the model, a value is not finite, or there is no frame.
        ModelError: the model has another normalisation or frame, or lacks what its own needs.
    """
    spec = model.spec
    if spec.frame != frame or (flip and frame == "world"):
        raise ModelError(
            f"{model.path}: gives positions in the {spec.frame} frame of its training data, expected the {frame} frame"
            + ("; such a model has no flip" if spec.frame == "world" else "")
        )
    inputs = input_joints(spec)
    joints, channels = points_px.shape[1:]
    if joints != len(inputs) or joints * channels != model.channels:
        raise InputError(
            f"{joints} joints of {channels} values, but the model '{spec.name}' takes {len(inputs)} joints of "
            f"{model.channels // len(inputs)}: {', '.join(inputs)}"
        )
    if not len(points_px) or not np.isfinite(points_px).all():
        raise InputError(f"the model '{spec.name}' takes at least one frame, with every joint present in all of them")
    run = _scores(model) if spec.normalisation == STANDARD_SCORES else _screen(model, image_size)
    positions = run(np.asarray(points_px, dtype=np.float64), False)
    if flip:
        outputs = mirror_order(get_skeleton(spec.output_skeleton), output_joints(spec))
        mirrored = run(points_px[:, mirror_order(get_skeleton(spec.input_skeleton), inputs)], True)[:, outputs]
        positions = (positions + mirrored * np.array([-1, 1, 1])) / 2
    return positions * _UNIT_M[spec.unit]


def on_skeleton(
    positions: Float[np.ndarray, "frames outputs 3"], spec: ModelSpec
) -> Float[np.ndarray, "frames joints 3"]:
    """Positions of every joint of the output skeleton: a root that the model leaves out is 0, other joints NaN."""
    skeleton = get_skeleton(spec.output_skeleton)
    out = np.full((len(positions), len(skeleton), 3), np.nan)
    out[:, skeleton.roots[0]] = 0.0
    out[:, skeleton.indices(output_joints(spec))] = positions
    return out


def mirror_order(skeleton: Skeleton, joints: Sequence[str]) -> list[int]:
    """For each of ``joints`` the place in that list of its mirror image.

    Raises:
        ModelError: a joint is there without its partner.
    """
    places = {name: i for i, name in enumerate(joints)}
    partners = [skeleton.joints[i] for i in skeleton.mirror_permutation[skeleton.indices(joints)]]
    lonely = [name for name in partners if name not in places]
    if lonely:
        raise ModelError(f"joints {', '.join(lonely)} are missing beside their mirror images; such a model has no flip")
    return [places[name] for name in partners]


def _screen(model: OnnxModel, image_size: tuple[int, int]):
    spec = model.spec
    if spec.normalisation != SCREEN:
        raise ModelError(f"{model.path}: normalisation '{spec.normalisation}', expected one of {', '.join(PUBLISHED)}")
    reach = spec.window_frames - 1
    before = reach if spec.causal else reach // 2

    def run(points_px: np.ndarray, mirrored: bool) -> np.ndarray:
        seen = normalise_screen(points_px, image_size)
        if mirrored:
            seen[..., 0] *= -1
        padded = np.concatenate([seen[:1].repeat(before, 0), seen, seen[-1:].repeat(reach - before, 0)])
        return model.run_clip(padded.reshape(len(padded), -1))

    return run


def _scores(model: OnnxModel):
    statistics = _statistics(model)
    mean, deviation = np.array(statistics.input_mean), np.array(statistics.input_std)
    out_mean, out_deviation = np.array(statistics.output_mean), np.array(statistics.output_std)
    # Human3.6M's people do not stand in the middle of the picture: the mirror stands where they do on average.
    twice_middle = 2 * mean[0::2].mean()

    def run(points_px: np.ndarray, mirrored: bool) -> np.ndarray:
        points = points_px.copy()
        if mirrored:
            points[..., 0] = twice_middle - points[..., 0]
        scores = (points.reshape(len(points), -1) - mean) / deviation
        found = model.run(scores[:, None])
        return (found.reshape(len(found), -1) * out_deviation + out_mean).reshape(found.shape)

    return run


def _statistics(model: OnnxModel) -> Statistics:
    statistics, spec = model.spec.statistics, model.spec
    if statistics is None:
        raise ModelError(f"{model.path}: normalisation '{STANDARD_SCORES}' without statistics; import it again")
    wanted = {"input": 2 * len(input_joints(spec)), "output": 3 * len(output_joints(spec))}
    found = {
        f"{part}_{what}": len(getattr(statistics, f"{part}_{what}")) for part in wanted for what in ("mean", "std")
    }
    wrong = [f"{name} has {n} values" for name, n in found.items() if n != wanted[name.split("_")[0]]]
    if wrong or spec.window_frames != 1:
        raise ModelError(
            f"{model.path}: its statistics do not fit its joints ({'; '.join(wrong) or 'it has windows'}), expected "
            f"{wanted['input']} values of the input and {wanted['output']} of the output, and single poses"
        )
    return statistics

"""Motion to OpenSim's .mot: the generalised coordinates of a full-body model over time.

OpenSim's ground has X forward, Y up, Z to the right; a person who faces our +Z faces its +X. All bodies of its models
stand along the ground's axes when all coordinates are 0: upright, arms hanging, elbows bending forwards. The
coordinates below have the axes and the order of turns of the models' files (read from Rajagopal2016.osim).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from maquette.atomic import write_text
from maquette.errors import OutputError
from maquette.exporters.choices import OpenSimModelName
from maquette.formats.mot import Mot, format_mot
from maquette.geometry.euler import euler_unwrap, matrix_to_euler
from maquette.geometry.lab_axes import opensim_from_world
from maquette.geometry.rotations import quat_multiply, quat_to_matrix
from maquette.motion import Motion
from maquette.rig.rest import is_human, rest_offsets_m
from maquette.rig.solve import solve_rotations

Turns = Float[np.ndarray, "frames 3 3"]
Columns = dict[str, Float[np.ndarray, " frames"]]

_TO_OPENSIM = opensim_from_world(np.eye(3)).T
"""Our axes (left, up, forward) to OpenSim's (forward, up, right), as a matrix for columns."""


@dataclass(frozen=True)
class OpenSimModel:
    """What coordinates of a model mean, where models differ."""

    hips_m: tuple[float, float]
    """Middle of the hip joints in the pelvis body: forward, up."""
    leg_m: float
    """Its thigh and shin together, to which the person's are compared for the place of the pelvis body."""
    knee_sign: float
    """+1 where a bent knee is positive, -1 where it is negative."""
    elbow_axis: tuple[float, float, float] | None
    """Axis of the right elbow in the humerus; None where the model has no arms."""


OPENSIM_MODELS: dict[OpenSimModelName, OpenSimModel] = {
    "rajagopal2016": OpenSimModel((-0.056276, -0.07849), 0.808, 1.0, (0.226047, 0.022269, 0.973862)),
    "gait2392": OpenSimModel((-0.0707, -0.0661), 0.826, -1.0, None),
}
"""Rajagopal et al. 2016, IEEE Trans. Biomed. Eng. 63:2068 (its names are also those of RajagopalLaiUhlrich2023);
gait2392 is Delp et al. 1990 with a torso and without arms."""


def write_mot(motion: Motion, path: str | Path, *, model: OpenSimModelName = "rajagopal2016") -> None:
    """Write the coordinates that :func:`motion_to_mot` gives, in degrees and metres.

    Raises:
        OutputError: as :func:`motion_to_mot`, or it cannot be written.
        InputError: the skeleton has no map to a person's joints.
    """
    write_text(path, format_mot(motion_to_mot(motion, model=model)))


def motion_to_mot(motion: Motion, *, model: OpenSimModelName = "rajagopal2016") -> Mot:
    """The coordinates of a model over time.

    Turns come from the motion's rotations, solved where it has none (:func:`maquette.rig.solve_rotations`, which tells
    how twist is settled). What positions do not show is 0: ``subtalar_angle``, ``mtp_angle``, ``pro_sup``,
    ``wrist_flex`` and ``wrist_dev``. The model's own pelvis body stands ahead of and above the hips; its place is given
    for the model scaled as the person's legs are to its own. ``pelvis_tilt`` and the ``lumbar`` angles share the bend
    of the spine by the bone from hip to spine, since the bones of the pelvis are not seen.

    Raises:
        OutputError: a motion in the camera's frame or without frames, or frames with unknown joints, which OpenSim's
            tools cannot take (the text names them).
        InputError: the skeleton has no map to a person's joints.
    """
    person = _person(motion)
    known = OPENSIM_MODELS[model]
    local = dict(zip(person.skeleton.joints, np.moveaxis(np.array(person.rotations), 1, 0), strict=True))
    turn = {joint: _TO_OPENSIM @ quat_to_matrix(quats) @ _TO_OPENSIM.T for joint, quats in local.items()}
    pelvis = turn["hip"]
    columns: Columns = dict(zip(("pelvis_tilt", "pelvis_list", "pelvis_rotation"), _zxy_deg(pelvis).T, strict=True))
    hip_m = opensim_from_world(person.joint("hip"))
    scale = _leg_m(person) / known.leg_m
    ahead_m, above_m = known.hips_m
    origin_m = hip_m - pelvis @ (scale * np.array([ahead_m, above_m, 0.0]))
    columns |= dict(zip(("pelvis_tx", "pelvis_ty", "pelvis_tz"), origin_m.T, strict=True))
    for side in ("r", "l"):
        columns |= _leg(turn, side, known)
    chest = _TO_OPENSIM @ quat_to_matrix(quat_multiply(local["spine"], local["thorax"])) @ _TO_OPENSIM.T
    columns |= dict(zip(("lumbar_extension", "lumbar_bending", "lumbar_rotation"), _zxy_deg(chest).T, strict=True))
    if known.elbow_axis is not None:
        for side in ("r", "l"):
            columns |= _arm(turn, side, known.elbow_axis)
    return Mot("Coordinates", True, tuple(columns), person.times_s, np.column_stack(list(columns.values())))


def _person(motion: Motion) -> Motion:
    """With rotations, on Human3.6M's joints, everything known."""
    if motion.frame != "world":
        raise OutputError(
            "OpenSim needs to know what is upright, and this motion is in the camera's frame: lift with --frame world, "
            "or write .trc, which is as level as the camera was"
        )
    if not is_human(motion.skeleton):
        from maquette.rig.human_motion import human_motion

        motion = human_motion(motion)
    needed = [joint for joint, name in enumerate(motion.skeleton.joints) if name.split("_")[-1] in _NEEDED]
    unknown = np.flatnonzero(~np.isfinite(motion.positions[:, needed]).all(axis=(1, 2)))
    if not motion.n_frames:
        raise OutputError("the motion has no frames; a .mot file needs at least one")
    if unknown.size:
        runs = np.split(unknown, np.flatnonzero(np.diff(unknown) > 1) + 1)
        shown = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs[:5])
        raise OutputError(
            f"OpenSim's tools cannot take gaps, and {unknown.size} of {motion.n_frames} frames have unknown joints "
            f"(frames {shown}{' ...' if len(runs) > 5 else ''}): fill them first, or write .trc, which may have blanks"
        )
    if motion.rotations is None or not np.isfinite(motion.rotations).all():
        motion = solve_rotations(motion)
    return motion


_NEEDED = ("hip", "knee", "ankle", "spine", "thorax", "nose", "head", "shoulder", "elbow", "wrist", "toe", "heel")


def _zxy_deg(turns: Turns) -> Float[np.ndarray, "frames 3"]:
    """Angles about Z, X and Y, in this order of the models' spatial transforms, continuous over time."""
    return np.degrees(euler_unwrap(matrix_to_euler(turns, "ZXY"), "ZXY"))


def _outward(side: str) -> float:
    """The second and third axes of hips and shoulders are mirrored on the left."""
    return 1.0 if side == "r" else -1.0


def _leg(turn: dict[str, Turns], side: str, model: OpenSimModel) -> Columns:
    flexion, adduction, rotation = _zxy_deg(turn[f"{side}_hip"]).T
    # Where the shin points, seen from the thigh: a bent knee takes it backwards.
    shin = -turn[f"{side}_knee"][..., 1]
    knee = np.degrees(np.unwrap(np.arctan2(-shin[:, 0], -shin[:, 1])))
    still = np.zeros(len(knee))
    return {
        f"hip_flexion_{side}": flexion,
        f"hip_adduction_{side}": _outward(side) * adduction,
        f"hip_rotation_{side}": _outward(side) * rotation,
        f"knee_angle_{side}": model.knee_sign * knee,
        f"ankle_angle_{side}": _zxy_deg(turn[f"{side}_ankle"])[:, 0],
        f"subtalar_angle_{side}": still,
        f"mtp_angle_{side}": still,
    }


def _arm(turn: dict[str, Turns], side: str, elbow_axis: tuple[float, float, float]) -> Columns:
    """Our arms are level in the rest pose, palms down; OpenSim's hang. A quarter turn about X lies between."""
    outward = _outward(side)
    raised = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, outward], [0.0, -outward, 0.0]])
    forearm = -(raised.T @ turn[f"{side}_elbow"] @ raised)[..., 1]
    bend, aside = _oblique_elbow(np.unwrap(np.arctan2(forearm[:, 0], -forearm[:, 1])), elbow_axis)
    turned = np.zeros((len(bend), 3, 3))
    turned[:, 0, 0] = turned[:, 2, 2] = np.cos(aside)
    turned[:, 0, 2], turned[:, 2, 0] = outward * np.sin(aside), -outward * np.sin(aside)
    turned[:, 1, 1] = 1.0
    flexion, adduction, rotation = _zxy_deg(turn[f"{side}_shoulder"] @ raised @ turned).T
    elbow = np.degrees(bend)
    still = np.zeros(len(elbow))
    return {
        f"arm_flex_{side}": flexion,
        f"arm_add_{side}": outward * adduction,
        f"arm_rot_{side}": outward * rotation,
        f"elbow_flex_{side}": elbow,
        f"pro_sup_{side}": still,
        f"wrist_flex_{side}": still,
        f"wrist_dev_{side}": still,
    }


def _oblique_elbow(
    bend_rad: Float[np.ndarray, " frames"], axis: tuple[float, float, float]
) -> tuple[Float[np.ndarray, " frames"], Float[np.ndarray, " frames"]]:
    """``(angle about the oblique axis, turn of the upper arm)`` that put the forearm of a model where one that bends by
    ``bend_rad`` about Z has it.

    Turned by t about (a, b, c), the forearm -Y becomes (c sin t - a b (1 - cos t), -cos t - b^2 (1 - cos t),
    -a sin t - c b (1 - cos t)) (Rodrigues): its height gives t, its direction seen from above the turn.
    """
    a, b, c = axis
    cosine = np.clip((np.cos(bend_rad) - b * b) / (1.0 - b * b), -1.0, 1.0)
    angle = np.arccos(cosine) * np.sign(np.sin(bend_rad))
    ahead = c * np.sin(angle) - a * b * (1.0 - cosine)
    right = -a * np.sin(angle) - c * b * (1.0 - cosine)
    # Nearly straight or overstretched, the direction is that of a small bend.
    seen = ahead > 1e-6
    return angle, np.where(seen, np.arctan2(right, np.where(seen, ahead, 1.0)), np.arctan2(-a, c))


def _leg_m(motion: Motion) -> float:
    """Thigh and shin, mean of both sides."""
    lengths = np.linalg.norm(rest_offsets_m(motion), axis=-1)
    joints = motion.skeleton.indices(("l_knee", "l_ankle", "r_knee", "r_ankle"))
    return float(lengths[joints].sum()) / 2

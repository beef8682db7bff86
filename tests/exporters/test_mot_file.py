"""OpenSim's .mot: coordinates put through the joints of the model, by SciPy, give the positions back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_body import OFFSETS_M, made_motion
from scipy.spatial.transform import Rotation

from maquette.errors import OutputError
from maquette.exporters.mot import motion_to_mot, write_mot
from maquette.formats.mot import Mot
from maquette.motion import Motion

X, Y, Z = np.eye(3)
ELBOW = np.array([0.22604696, 0.022269, 0.97386183])
MIRROR = np.array([-1.0, -1.0, 1.0])
PELVIS_TO_HIPS_M = np.array([-0.056276, -0.07849, 0.0])
MODEL_LEG_M = 0.808


def _read(path: Path) -> Mot:
    """As OpenSim reads it: keys and values, ``endheader``, then a table whose size the header says."""
    header, _, table = path.read_text().partition("endheader\n")
    told = dict(line.split("=") for line in header.splitlines() if "=" in line)
    names, *rows = (line.split("\t") for line in table.splitlines())
    values = np.array(rows, dtype=float)
    assert values.shape == (int(told["nRows"]), int(told["nColumns"]))
    assert names[0] == "time"
    return Mot(header.splitlines()[0], told["inDegrees"] == "yes", tuple(names[1:]), values[:, 0], values[:, 1:])


def _opensim(vector_m: tuple[float, float, float]) -> np.ndarray:
    """Left, up, forward to forward, up, right."""
    return np.array([vector_m[2], vector_m[1], -vector_m[0]])


def _turn(mot: Mot, *turns: tuple[str, np.ndarray]) -> Rotation:
    """A spatial transform of OpenSim: turns about body-fixed axes, one after the other."""
    result = Rotation.identity(len(mot.times_s))
    for name, axis in turns:
        degrees = mot.values[:, mot.columns.index(name)]
        result = result * Rotation.from_rotvec(np.radians(degrees)[:, None] * axis / np.linalg.norm(axis))
    return result


def _bodies(mot: Mot, leg_m: float, knee_axis: np.ndarray) -> dict[str, np.ndarray]:
    """Joint centres in OpenSim's ground, from the coordinates alone: axes and orders as in Rajagopal2016.osim."""
    pelvis = _turn(mot, ("pelvis_tilt", Z), ("pelvis_list", X), ("pelvis_rotation", Y))
    origin = np.stack([mot.values[:, mot.columns.index(f"pelvis_t{axis}")] for axis in "xyz"], axis=1)
    hips = origin + pelvis.apply(PELVIS_TO_HIPS_M * leg_m / MODEL_LEG_M)
    torso = pelvis * _turn(mot, ("lumbar_extension", Z), ("lumbar_bending", X), ("lumbar_rotation", Y))
    back = hips + pelvis.apply(_opensim(OFFSETS_M["spine"][1]))
    at = {"hip": hips, "spine": back, "thorax": back + torso.apply(_opensim(OFFSETS_M["thorax"][1]))}
    for side, mirror in (("r", np.ones(3)), ("l", MIRROR)):
        thigh = pelvis * _turn(
            mot, (f"hip_flexion_{side}", Z), (f"hip_adduction_{side}", mirror * X), (f"hip_rotation_{side}", mirror * Y)
        )
        shin = thigh * _turn(mot, (f"knee_angle_{side}", knee_axis))
        foot = shin * _turn(mot, (f"ankle_angle_{side}", Z))
        at[f"{side}_hip"] = hips + pelvis.apply(_opensim(OFFSETS_M[f"{side}_hip"][1]))
        at[f"{side}_knee"] = at[f"{side}_hip"] + thigh.apply(-0.42 * Y)
        at[f"{side}_ankle"] = at[f"{side}_knee"] + shin.apply(-0.41 * Y)
        at[f"{side}_toe"] = at[f"{side}_ankle"] + foot.apply(_opensim(OFFSETS_M[f"{side}_toe"][1]))
        if f"arm_flex_{side}" in mot.columns:
            upper = torso * _turn(
                mot, (f"arm_flex_{side}", Z), (f"arm_add_{side}", mirror * X), (f"arm_rot_{side}", mirror * Y)
            )
            lower = upper * _turn(mot, (f"elbow_flex_{side}", mirror * ELBOW))
            at[f"{side}_shoulder"] = at["thorax"] + torso.apply(_opensim(OFFSETS_M[f"{side}_shoulder"][1]))
            at[f"{side}_elbow"] = at[f"{side}_shoulder"] + upper.apply(-0.28 * Y)
            at[f"{side}_wrist"] = at[f"{side}_elbow"] + lower.apply(-0.25 * Y)
    return at


@pytest.mark.parametrize(("model", "knee_axis"), [("rajagopal2016", -Z), ("gait2392", Z)])
def test_the_model_stands_where_the_motion_does(tmp_path: Path, model, knee_axis: np.ndarray) -> None:
    motion = made_motion(80, 4)
    write_mot(motion, tmp_path / "walk.mot", model=model)
    mot = _read(tmp_path / "walk.mot")
    assert mot.in_degrees
    assert np.allclose(mot.times_s, np.arange(80) / 50)
    if model == "gait2392":
        assert not any(name.startswith("arm") for name in mot.columns)
        # Its hips lie elsewhere in the pelvis and its legs are longer.
        shift = np.array([-0.0707, -0.0661, 0.0]) / 0.826 - PELVIS_TO_HIPS_M / MODEL_LEG_M
        pelvis = _turn(mot, ("pelvis_tilt", Z), ("pelvis_list", X), ("pelvis_rotation", Y))
        shifted = mot.values.copy()
        columns = [mot.columns.index(f"pelvis_t{axis}") for axis in "xyz"]
        shifted[:, columns] += pelvis.apply(0.83 * shift)
        mot = replace(mot, values=shifted)
    for joint, place in _bodies(mot, 0.83, knee_axis).items():
        ours = motion.joint(joint)[:, [2, 1, 0]] * [1.0, 1.0, -1.0]
        assert np.abs(place - ours).max() < 1e-5, joint


def test_a_straight_person_is_the_zero_of_the_model() -> None:
    at = {joint: np.array([offset]) for joint, (_, offset) in OFFSETS_M.items()}
    motion = made_motion(2, 0)
    places = {"hip": np.array([[0.0, 0.95, 0.0]])}
    for joint, (parent, _) in OFFSETS_M.items():
        offset = at[joint]
        if joint[2:] in ("elbow", "wrist"):  # hanging
            offset = np.array([[0.0, -np.linalg.norm(offset), 0.0]])
        places[joint] = places[parent] + offset
    positions = np.stack([places[name] for name in motion.skeleton.joints], axis=1).repeat(2, axis=0)
    mot = motion_to_mot(Motion(positions=positions, skeleton=motion.skeleton, fps=motion.fps, frame="world"))
    lengths = [i for i, name in enumerate(mot.columns) if not name.startswith("pelvis_t") and "arm_rot" not in name]
    assert np.abs(mot.values[:, lengths]).max() < 1e-6
    # A hanging straight arm leaves open how it is turned: that of the model's oblique elbow and of the rest pose.
    assert mot.values[0, mot.columns.index("pelvis_ty")] == pytest.approx(0.95 + 0.07849 * 0.83 / MODEL_LEG_M)


def test_what_opensim_cannot_take_is_refused_with_the_frames(tmp_path: Path) -> None:
    motion = made_motion(30, 0)
    positions = motion.positions.copy()
    positions[[3, 4, 5, 9], motion.skeleton.index("l_knee")] = np.nan
    with pytest.raises(OutputError, match=r"4 of 30 frames have unknown joints \(frames 3-5, 9\)"):
        write_mot(replace(motion, positions=positions), tmp_path / "a.mot")
    with pytest.raises(OutputError, match="camera's frame"):
        write_mot(replace(motion, frame="camera"), tmp_path / "a.mot")
    with pytest.raises(OutputError, match="no frames"):
        write_mot(replace(motion, positions=positions[:0]), tmp_path / "a.mot")
    assert not list(tmp_path.iterdir())

"""Joint angles against rotations that made the positions (SciPy), recorded joint angles, and laws."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from made_body import made_motion, posed_parts
from scipy.spatial.transform import Rotation

from maquette.formats.asf_amc import parse_amc
from maquette.measure import ANGLES, joint_angles
from maquette.measure.angles import COMPUTE
from maquette.motion import Motion
from maquette.readers.motion import read_motion
from maquette.skeletons import H36M_17, LIFTED_21

# Left, up, forward to the ISB's forward, up, right.
ISB = Rotation.from_matrix([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])


def _isb(turn: Rotation) -> Rotation:
    return ISB * turn * ISB.inv()


def _close(found: np.ndarray, true: np.ndarray, most_deg: float = 1e-6) -> None:
    known = np.isfinite(found)
    assert known.any()
    off = (found - true)[known]
    assert np.abs(off - 360 * np.round(off / 360)).max() < most_deg


def test_every_definition_is_computed() -> None:
    assert ANGLES.keys() == COMPUTE.keys()


def test_angles_are_those_that_the_body_was_posed_with() -> None:
    parts = posed_parts(150, 3)
    found = joint_angles(made_motion(150, 3))
    trunk = _isb(parts["pelvis"].inv() * parts["chest"]).as_euler("ZXY", degrees=True)
    _close(found.angle("trunk_flexion"), -trunk[:, 0])
    _close(found.angle("trunk_side_bend"), trunk[:, 1])
    _close(found.angle("trunk_rotation"), trunk[:, 2])
    level = _isb(parts["pelvis"]).as_euler("YXZ", degrees=True)
    _close(found.angle("pelvis_obliquity"), -level[:, 1])
    _close(found.angle("pelvis_tilt"), -level[:, 2])
    for side, sign in (("l", -1.0), ("r", 1.0)):
        hip = _isb(parts["pelvis"].inv() * parts[f"{side}_thigh"]).as_euler("ZXY", degrees=True)
        _close(found.angle(f"{side}_hip_flexion"), hip[:, 0])
        _close(found.angle(f"{side}_hip_adduction"), sign * hip[:, 1])
        _close(found.angle(f"{side}_hip_rotation"), sign * hip[:, 2])
        for name, upper, lower in (("knee", "thigh", "shin"), ("elbow", "upper_arm", "forearm")):
            bend = (parts[f"{side}_{upper}"].inv() * parts[f"{side}_{lower}"]).magnitude()
            _close(found.angle(f"{side}_{name}_flexion"), np.degrees(bend))
        # The arm hangs after a quarter turn about the forward axis from the T-pose.
        hang = Rotation.from_euler("Z", -90.0 * sign, degrees=True)
        arm = _isb(parts["chest"].inv() * parts[f"{side}_upper_arm"] * hang).as_euler("YXY", degrees=True)
        _close(found.angle(f"{side}_shoulder_elevation"), arm[:, 1])


def test_signs_in_poses_that_anybody_can_strike() -> None:
    def pose(**moved: tuple[float, float, float]) -> dict[str, float]:
        at = {
            "hip": (0, 0.9, 0), "spine": (0, 1.15, 0), "thorax": (0, 1.4, 0), "nose": (0, 1.5, 0.04),
            "head": (0, 1.62, 0),
        }  # fmt: skip
        for side, out in (("l_", 1.0), ("r_", -1.0)):
            leg, arm = 0.1 * out, 0.18 * out
            at |= {
                side + "hip": (leg, 0.9, 0), side + "knee": (leg, 0.5, 0), side + "ankle": (leg, 0.1, 0),
                side + "heel": (leg, 0.02, -0.05), side + "toe": (leg, 0.02, 0.13),
                side + "shoulder": (arm, 1.36, 0), side + "elbow": (arm, 1.08, 0), side + "wrist": (arm, 0.83, 0),
            }  # fmt: skip
        at |= moved
        positions = np.array([[at[name] for name in LIFTED_21.joints]], dtype=float)
        found = joint_angles(Motion(positions=positions, skeleton=LIFTED_21, fps=Fraction(30), frame="world"))
        return dict(zip(found.names, found.values_deg[0].tolist(), strict=True))

    standing = pose()
    assert max(abs(value) for value in standing.values()) < 1e-9
    kick = pose(r_knee=(-0.1, 0.9, 0.4), r_ankle=(-0.1, 0.5, 0.4), r_toe=(-0.1, 0.52, 0.5), r_heel=(-0.1, 0.42, 0.4))
    assert kick["r_hip_flexion"] == pytest.approx(90)
    assert kick["r_knee_flexion"] == pytest.approx(90)
    assert kick["r_ankle_dorsiflexion"] == pytest.approx(45)
    assert kick["r_hip_rotation"] == pytest.approx(0)
    # The shin of the bent right knee swings outwards: the thigh is turned inwards.
    inward = pose(r_knee=(-0.1, 0.9, 0.4), r_ankle=(-0.4, 0.9, 0.4))
    assert inward["r_hip_rotation"] == pytest.approx(90)
    split = pose(l_knee=(0.1 + 0.4 * np.sin(0.5), 0.9 - 0.4 * np.cos(0.5), 0.0))
    assert split["l_hip_adduction"] == pytest.approx(-np.degrees(0.5))
    arms = pose(r_elbow=(-0.46, 1.36, 0), l_elbow=(0.18, 1.36, 0.28))
    assert arms["r_shoulder_elevation"] == pytest.approx(90)
    assert arms["r_shoulder_plane"] == pytest.approx(0)
    assert arms["l_shoulder_elevation"] == pytest.approx(90)
    assert arms["l_shoulder_plane"] == pytest.approx(90)
    leant = pose(head=(-0.22, 1.62, 0))
    assert leant["neck_side_bend"] == pytest.approx(45)
    assert leant["neck_flexion"] == pytest.approx(0)


def test_angles_do_not_depend_on_place_heading_and_size() -> None:
    motion = made_motion(60, 5)
    turn = Rotation.from_euler("Y", 1.3).as_matrix()
    moved = replace(motion, positions=1.7 * motion.positions @ turn.T + [4.0, 0.5, -2.0])
    a, b = joint_angles(motion), joint_angles(moved)
    # Speeds grow with size, so what is known of the way may differ; values may not.
    both = np.isfinite(a.values_deg) & np.isfinite(b.values_deg)
    assert both.mean() > 0.9
    assert np.abs((a.values_deg - b.values_deg)[both]).max() < 1e-6


def test_a_mirror_exchanges_the_sides() -> None:
    motion = made_motion(60, 6)
    mirrored = motion.positions[:, LIFTED_21.mirror_permutation] * [-1.0, 1.0, 1.0]
    a, b = joint_angles(motion), joint_angles(replace(motion, positions=mirrored))
    negated = {"pelvis_obliquity", "pelvis_rotation", "trunk_side_bend", "trunk_rotation", "neck_side_bend"}
    for name in a.names:
        other = {"l_": "r_", "r_": "l_"}.get(name[:2], "") + name[2:] if name[:2] in ("l_", "r_") else name
        sign = -1.0 if name in negated else 1.0
        _close(b.angle(other), sign * a.angle(name))


def test_time_backwards_negates_speeds() -> None:
    motion = made_motion(60, 7)
    forth, back = joint_angles(motion), joint_angles(replace(motion, positions=motion.positions[::-1].copy()))
    column = forth.names.index("l_knee_flexion")
    assert np.allclose(back.speeds_deg_s()[::-1, column], -forth.speeds_deg_s()[:, column])
    # Against the angle itself: the sum of speeds is the way.
    speeds = forth.speeds_deg_s()[1:-1, column]
    assert np.allclose(speeds.sum() / 50, 0.5 * (forth.values_deg[-1] + forth.values_deg[-2]
                       - forth.values_deg[1] - forth.values_deg[0])[column])  # fmt: skip


_JOINTS = {
    "hip": ("lfemur", "rfemur"), "spine": ("lowerback", "thorax"), "thorax": ("lowerneck",), "nose": ("upperneck",),
    "head": ("head",), **{f"{s}_{ours}": (s + theirs,) for s in "lr" for ours, theirs in (
        ("hip", "femur"), ("knee", "tibia"), ("ankle", "foot"), ("shoulder", "humerus"), ("elbow", "radius"),
        ("wrist", "wrist"))},
}  # fmt: skip


@pytest.mark.parametrize("take", ["02_01", "02_03", "03_02"])
def test_knees_and_elbows_bend_as_the_recording_says(shared_dir, take: str) -> None:
    path = shared_dir / "data" / "raw" / "cmu_asf_amc" / f"{take}.amc"
    recorded = read_motion(path)
    places = [np.mean([recorded.joint(name) for name in _JOINTS[joint]], axis=0) for joint in H36M_17.joints]
    found = joint_angles(Motion(positions=np.stack(places, axis=1), skeleton=H36M_17, fps=recorded.fps, frame="world"))
    values = parse_amc(path.read_bytes(), str(path)).values
    for side in "lr":
        # The bones of the rest pose lie in line (within 0.1 degrees), so these angles are the flexions themselves.
        _close(found.angle(f"{side}_knee_flexion"), values[f"{side}tibia"][:, 0], 0.1)
        _close(found.angle(f"{side}_elbow_flexion"), values[f"{side}radius"][:, 0], 0.1)

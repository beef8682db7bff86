"""The physics of the demo's figure: what a body cannot do, it must not do."""

import numpy as np
import pytest

from maquette.demo.body import FIGURE, FOREARM_M, SHIN_M, THIGH_M, UPPER_ARM_M
from maquette.demo.choreography import DURATION_S, RISE_S, SIT_S, WAVE_S, perform
from maquette.errors import InputError
from maquette.skeletons import LIFTED_21

FPS = 120
MOTION = perform(FPS).motion
assert MOTION.contacts is not None
CONTACTS = MOTION.contacts


def at(name: str) -> np.ndarray:
    return MOTION.joint(name)


def frames(begin_s: float, end_s: float) -> slice:
    return slice(round(begin_s * FPS), round(end_s * FPS))


def angle_deg(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, axis=-1)))


def facing() -> np.ndarray:
    """Horizontal forward direction of the pelvis."""
    forward = np.cross(at("l_hip") - at("r_hip"), [0.0, 1.0, 0.0])
    return forward / np.linalg.norm(forward, axis=-1, keepdims=True)


def test_begins_with_the_joints_of_our_lifters():
    assert FIGURE.joints[:21] == LIFTED_21.joints
    assert MOTION.n_frames == DURATION_S * FPS
    assert np.isfinite(MOTION.positions).all()


def test_bones_are_rigid_and_sides_equal():
    length = {b: np.linalg.norm(MOTION.positions[:, b] - MOTION.positions[:, a], axis=-1) for a, b in FIGURE.bones}
    for bone, values in length.items():
        assert np.ptp(values) < 1e-9, FIGURE.joints[bone]
    for left, right in FIGURE.mirror_pairs:
        assert length[FIGURE.index(left)][0] == pytest.approx(length[FIGURE.index(right)][0], abs=1e-9)
    for joint, expected in (("l_knee", THIGH_M), ("l_ankle", SHIN_M), ("r_elbow", UPPER_ARM_M), ("r_wrist", FOREARM_M)):
        assert length[FIGURE.index(joint)][0] == pytest.approx(expected)


def test_planted_feet_do_not_slide():
    for i, name in enumerate(MOTION.contact_joints):
        planted = CONTACTS[:, i]
        speed = np.linalg.norm(np.diff(at(name), axis=0), axis=-1) * FPS
        assert speed[planted[1:] & planted[:-1]].max() < 1e-9, name
        assert 0.5 < planted.mean() < 0.95, name


def test_somebody_always_stands_on_something_and_nothing_is_below_the_ground():
    assert CONTACTS.any(axis=1).all()
    for side in "lr":
        for part in ("heel", "toe", "big_toe", "small_toe"):
            assert at(f"{side}_{part}")[:, 1].min() > -1e-9
    swinging = ~CONTACTS[:, [0, 2]].any(axis=1)
    assert at("l_ankle")[swinging, 1].max() > 0.12


@pytest.mark.parametrize("side", ["l", "r"])
def test_knees_bend_forward_and_never_lock(side):
    hip, knee, ankle, toe = (at(f"{side}_{part}") for part in ("hip", "knee", "ankle", "toe"))
    flexion = angle_deg(knee - hip, ankle - knee)
    assert flexion.min() > 5
    assert flexion.max() < 125
    on_line = hip + (ankle - hip) * THIGH_M / (THIGH_M + SHIN_M)
    foot_forward = (toe - ankle) * [1.0, 0.0, 1.0]
    assert (np.sum((knee - on_line) * foot_forward, axis=-1) > 0).all()


@pytest.mark.parametrize("side", ["l", "r"])
def test_elbows_bend_the_right_way(side):
    shoulder, elbow, wrist = (at(f"{side}_{part}") for part in ("shoulder", "elbow", "wrist"))
    flexion = angle_deg(elbow - shoulder, wrist - elbow)
    assert flexion.min() > 5
    assert flexion.max() < 140
    on_line = shoulder + (wrist - shoulder) * UPPER_ARM_M / (UPPER_ARM_M + FOREARM_M)
    chest_forward = np.cross(at("l_shoulder") - at("r_shoulder"), at("thorax") - at("spine"))
    hanging = (wrist - shoulder)[:, 1] < -0.3
    assert hanging.mean() > 0.6
    assert (np.sum((elbow - on_line) * chest_forward, axis=-1)[hanging] < 0).all()


def test_speeds_and_accelerations_are_human():
    velocity = np.diff(MOTION.positions, axis=0) * FPS
    acceleration = np.diff(velocity, axis=0) * FPS
    assert np.linalg.norm(velocity, axis=-1).max() < 6
    assert np.linalg.norm(acceleration, axis=-1).max() < 130
    trunk = FIGURE.indices(["hip", "spine", "thorax", "head"])
    assert np.linalg.norm(velocity[:, trunk], axis=-1).max() < 2
    assert np.linalg.norm(acceleration[:, trunk], axis=-1).max() < 25


def test_walks_with_arms_against_legs():
    walk = frames(0.7, 2.4)
    forward = facing()[walk]
    speed = np.sum(np.gradient(at("hip"), axis=0)[walk] * FPS * forward, axis=-1)
    assert 0.7 < speed.min()
    assert speed.max() < 1.5
    legs = np.sum((at("l_ankle") - at("r_ankle"))[walk] * forward, axis=-1)
    arms = np.sum((at("l_wrist") - at("r_wrist"))[walk] * forward, axis=-1)
    assert np.corrcoef(legs, arms)[0, 1] < -0.9
    assert np.abs(legs).max() > 0.5
    assert np.ptp(at("hip")[walk, 1]) > 0.012


def test_turns_more_than_a_right_angle():
    before, after = facing()[round(2.0 * FPS)], facing()[round(5.2 * FPS)]
    assert angle_deg(before, after) > 100
    assert np.cross(before, after)[1] < 0


def test_sits_and_stands_up():
    seated = frames(SIT_S[1] + 0.1, RISE_S[0])
    thigh = at("l_knee") - at("l_hip")
    assert at("hip")[seated, 1].max() < 0.56
    assert (np.abs(thigh[seated, 1]) < 0.1).all()
    assert (CONTACTS[seated]).all()
    assert at("hip")[frames(RISE_S[1], DURATION_S), 1].min() > 0.85
    lean = angle_deg(at("thorax") - at("hip"), np.broadcast_to([0.0, 1.0, 0.0], at("hip").shape))
    assert lean[frames(*SIT_S)].max() > 30
    assert lean[frames(*RISE_S)].max() > 30
    assert lean[seated].min() < 12


def test_rises_over_its_feet():
    # Without a seat below it a body that is not over its feet would fall. Shares of mass after de Leva (1996).
    parts = {
        ("hip", "thorax"): 0.43, ("thorax", "head"): 0.07,
        **{(f"{s}_{a}", f"{s}_{b}"): m for s in "lr" for a, b, m in (
            ("shoulder", "elbow", 0.027), ("elbow", "wrist", 0.022), ("hip", "knee", 0.14), ("knee", "ankle", 0.046))},
    }  # fmt: skip
    centre = sum(mass * 0.5 * (at(a) + at(b)) for (a, b), mass in parts.items()) / sum(parts.values())
    off_the_seat = np.r_[frames(5.3, 5.75), frames(7.25, DURATION_S)]
    forward = facing()
    ahead = [
        np.sum((centre - 0.5 * (at(f"l_{part}") + at(f"r_{part}"))) * forward, axis=-1)[off_the_seat]
        for part in ("heel", "big_toe")
    ]
    assert ahead[0].min() > -0.02
    assert ahead[1].max() < 0


def test_waves_above_the_shoulder():
    up = frames(WAVE_S[1], DURATION_S)
    assert (at("r_wrist")[up, 1] > at("r_shoulder")[up, 1]).all()
    side_to_side = np.sum((at("r_wrist") - at("r_elbow")) * np.cross([0.0, 1.0, 0.0], facing()), axis=-1)[up]
    assert np.ptp(side_to_side) > 0.1
    assert (np.diff(np.sign(side_to_side - side_to_side.mean())) != 0).sum() >= 4


def test_same_motion_at_any_rate():
    slow = perform(30)
    np.testing.assert_array_equal(slow.motion.positions, MOTION.positions[::4])
    assert slow.seated == (round(30 * SIT_S[1]), round(30 * RISE_S[0]))
    with pytest.raises(InputError, match="divisor of 240"):
        perform(7)

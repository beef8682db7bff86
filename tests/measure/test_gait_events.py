"""Steps of a made walker whose times and lengths are known, and of real people."""

from fractions import Fraction

import numpy as np
import pytest
from made_walker import Gait, walker

from maquette.measure import gait_events, gait_numbers, measure_motion, symmetry_index
from maquette.motion import Motion
from maquette.skeletons import LIFTED_21

GAIT = Gait()


def _numbers(motion: Motion) -> dict[str, float]:
    return {number.name: number.value for number in gait_numbers(motion, gait_events(motion))}


def test_events_are_where_the_foot_is_as_fast_as_the_pelvis() -> None:
    events = gait_events(walker(GAIT))
    assert events.method == "kinematic"
    early_s, late_s = GAIT.crossings_s()
    left = events.feet["l_"]
    swings = np.arange(7) * GAIT.stride_s + GAIT.stance_share * GAIT.stride_s
    for found, true in ((left.offs_s, swings + early_s), (left.strikes_s, swings + late_s)):
        nearest = np.abs(found[:, None] - true).min(axis=1)
        assert len(found) >= 6
        assert nearest.max() < 0.01


@pytest.mark.parametrize("treadmill", [False, True])
def test_numbers_of_a_known_walk(treadmill: bool) -> None:
    numbers = _numbers(walker(GAIT, treadmill=treadmill))
    assert numbers["cadence"] == pytest.approx(120 / GAIT.stride_s, rel=0.005)
    assert numbers["walking_speed"] == pytest.approx(GAIT.speed_mps, rel=0.01)
    early_s, late_s = GAIT.crossings_s()
    stance = 100 * (1 - (late_s - early_s) / GAIT.stride_s)
    for side in "lr":
        assert numbers[f"stride_time:{side}"] == pytest.approx(GAIT.stride_s, rel=0.005)
        assert numbers[f"stride_length:{side}"] == pytest.approx(GAIT.stride_m, rel=0.01)
        assert numbers[f"step_length:{side}"] == pytest.approx(GAIT.stride_m / 2, rel=0.02)
        assert numbers[f"stance:{side}"] == pytest.approx(stance, abs=1.5)
        assert numbers[f"double_support:{side}"] == pytest.approx(2 * stance - 100, abs=3)
        assert numbers[f"step_width:{side}"] == pytest.approx(0.18, abs=0.005)


def test_a_limp_is_seen_in_the_symmetry_of_step_times() -> None:
    # The right foot lands at 45 % of the left one's stride.
    measured = measure_motion(walker(GAIT, right_phase=0.45))
    right_s, left_s = 0.45 * GAIT.stride_s, 0.55 * GAIT.stride_s
    assert measured.number("symmetry:step_time").value == pytest.approx(symmetry_index(right_s, left_s), abs=1.0)
    assert symmetry_index(0.45, 0.55) == pytest.approx(-20.0)


def test_contacts_are_the_times_at_which_feet_stand() -> None:
    events = gait_events(walker(GAIT), method="contacts")
    landings = np.arange(1, 7) * GAIT.stride_s
    # A foot counts as standing while it is slow: at this cosine's end by some hundredths of a second more.
    found = events.feet["l_"].strikes_s
    assert np.abs(found[:, None] - landings).min(axis=0).max() < 0.06


def test_nobody_walks_who_bends_the_knees() -> None:
    t = np.arange(300) / 60
    motion = walker(Gait(speed_mps=1e-6), seconds=5)
    swayed = motion.positions.copy()
    upper = [i for i, name in enumerate(LIFTED_21.joints) if name.split("_")[-1] not in ("ankle", "heel", "toe")]
    swayed[:, upper, 2] += 0.2 * np.sin(2 * np.pi * 0.5 * t)[:, None]
    bending = Motion(positions=swayed, skeleton=LIFTED_21, fps=Fraction(60), frame="world")
    assert gait_events(bending, method="kinematic").n_strikes() == 0
    cadence = measure_motion(bending).number("cadence")
    assert np.isnan(cadence.value)
    assert any("no steps" in warning for warning in cadence.warnings)


def test_steps_do_not_depend_on_where_one_stands_and_looks() -> None:
    motion = walker(GAIT)
    angle = 2.1
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    moved = Motion(
        positions=motion.positions @ turn.T + [3.0, 0.0, -7.0], skeleton=LIFTED_21, fps=motion.fps, frame="world"
    )
    a, b = _numbers(motion), _numbers(moved)
    assert a.keys() == b.keys()
    for name, value in a.items():
        assert b[name] == pytest.approx(value, abs=1e-6), name


@pytest.mark.parametrize("clip", ["02/02_01", "02/02_02", "07/07_01", "07/07_02"])
def test_recorded_walks_have_the_cadence_of_walking(shared_dir, clip: str) -> None:
    landmarks = np.load(shared_dir / "data" / "cmu" / "cmu_landmarks.npz")[clip].astype(float)
    motion = Motion(positions=landmarks[:, :21], skeleton=LIFTED_21, fps=Fraction(50), frame="world")
    numbers = {number.name: number for number in gait_numbers(motion, gait_events(motion))}
    assert 95 < numbers["cadence"].value < 130
    # The way of the hip by the time, without any event.
    way_m = np.linalg.norm((motion.joint("hip")[-1] - motion.joint("hip")[0])[[0, 2]])
    assert numbers["walking_speed"].value == pytest.approx(way_m / (motion.n_frames / 50), rel=0.1)
    contacts = gait_events(motion, method="contacts")
    for side, foot in gait_events(motion).feet.items():
        gaps = np.abs(foot.strikes_s[:, None] - contacts.feet[side].strikes_s).min(axis=1)
        assert np.median(gaps) < 0.06

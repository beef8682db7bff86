"""Curves made small, and joints that are compared: against what a loop over all frames finds."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.signal import chirp

from maquette.motion import Motion
from maquette.skeleton import Skeleton
from maquette.skeletons import COCO_17, H36M_17, LIFTED_21
from maquette.viewer.curve_data import Curve, aligned, joint_curves
from maquette.viewer.curves import with_marker
from maquette.viewer.differences import common_joints


def test_no_peak_is_lost_in_fifty_thousand_frames() -> None:
    times_s = np.arange(50_000) / 50
    values = chirp(times_s, 0.01, 1000, 5)
    values[31_234] = 40.0
    values[20_000:20_900] = np.nan
    shown_s, (shown,) = aligned([Curve("x", times_s, values)], 0.0, float(times_s[-1]), most=400)
    assert len(shown_s) == len(shown) == 400
    assert (np.diff(shown_s) > 0).all()
    edges = np.linspace(0, times_s[-1], 201)
    for number, (low, high) in enumerate(shown.reshape(-1, 2)):
        inside = (times_s >= edges[number]) & (times_s < edges[number + 1])
        part = values[inside | (number == 199) & (times_s == times_s[-1])]
        if np.isfinite(part).any():
            assert (low, high) == (np.nanmin(part), np.nanmax(part))
        else:
            assert np.isnan(low)
            assert np.isnan(high)
    assert np.nanmax(shown) == 40.0
    assert np.isnan(shown).any()


def test_a_short_part_is_shown_as_it_is() -> None:
    times_s = np.arange(1000) / 30
    fast = Curve("fast", np.arange(4000) / 120, np.arange(4000) / 120)
    shown_s, (a, b) = aligned([Curve("x", times_s, times_s**2), fast], 3.0, 5.0)
    assert len(shown_s) == 241
    np.testing.assert_allclose(a, shown_s**2, atol=1e-3)
    np.testing.assert_allclose(b, shown_s)


def test_before_the_start_and_after_the_end_there_is_nothing() -> None:
    long, short = (Curve("", np.arange(n) / 10, np.ones(n)) for n in (100, 50))
    times_s, (_, later) = aligned([long, short], 4.0, 8.0)
    assert np.isnan(later[times_s > 4.91]).all()
    assert (later[times_s < 4.89] == 1).all()


def test_the_marker_stands_at_its_time_and_moves_no_curve() -> None:
    times_s, values = np.array([0.0, 1.0, 2.0]), np.array([0.0, 10.0, 0.0])
    x, curve, marker = with_marker(times_s, [values], 0.25, (-1.0, 11.0))
    assert x.tolist() == [0.0, 0.25, 0.25, 1.0, 2.0]
    assert curve.tolist() == [0.0, 2.5, 2.5, 10.0, 0.0]
    assert marker[1:3].tolist() == [-1.0, 11.0]


@pytest.mark.parametrize("timed", [False, True])
def test_speed_of_a_circle(timed: bool) -> None:
    """Radius 0.4 m once in two seconds is 0.4 pi m/s, also at uneven times."""
    times_s = np.arange(400) / 100 + (0.002 * np.sin(np.arange(400)) if timed else 0.0)
    angle = np.pi * times_s
    path = 0.4 * np.stack((np.cos(angle), np.sin(angle), np.zeros(400)), axis=-1)[:, None]
    motion = Motion(path, Skeleton("p", ("p",), (-1,)), Fraction(100), "world", timestamps_s=times_s if timed else None)
    (speed,) = joint_curves(motion, 0, "speed")
    np.testing.assert_allclose(speed.values[1:-1], 0.4 * np.pi, rtol=2e-3)


def test_joints_are_matched_by_name() -> None:
    first, second = common_joints(LIFTED_21, H36M_17)
    assert [LIFTED_21.joints[i] for i in first] == [H36M_17.joints[i] for i in second]
    assert len(first) == 17


def test_joints_of_another_rig_are_matched_by_what_they_are() -> None:
    names = ("Hips", "Spine", "Head", "LeftUpLeg", "LeftLeg", "LeftFoot", "RightUpLeg", "RightLeg", "RightFoot")
    arms = ("LeftArm", "LeftForeArm", "LeftHand", "RightArm", "RightForeArm", "RightHand")
    rig = Skeleton("mocap", (*names, *arms), (-1, 0, 1, 0, 3, 4, 0, 6, 7, 1, 9, 10, 1, 12, 13))
    first, second = common_joints(LIFTED_21, rig)
    pairs = {LIFTED_21.joints[i]: rig.joints[j] for i, j in zip(first, second, strict=True)}
    assert pairs["l_knee"] == "LeftLeg"
    assert pairs["r_hip"] == "RightUpLeg"
    assert pairs["l_wrist"] == "LeftHand"
    assert len(pairs) == 12
    nothing = Skeleton("points", ("a", "b"), (-1, -1))
    assert [len(joints) for joints in common_joints(COCO_17, nothing)] == [0, 0]

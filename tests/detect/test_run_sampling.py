"""Points between the times at which a detector has looked."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_people import walking

from maquette.detect.sampling import Looks, at_times, even_times
from maquette.errors import InputError
from maquette.skeletons import COCO_17

FPS = Fraction(30)


def looks(times_s: np.ndarray, points: np.ndarray, confidence: np.ndarray | None = None) -> Looks:
    seen = np.isfinite(points[..., 0])
    sure = np.where(seen, 0.9, 0.0) if confidence is None else confidence
    return Looks(times_s, points, sure, None, COCO_17)


def parabola(times_s: np.ndarray) -> np.ndarray:
    """Everybody's joints thrown into the air: a path of second order."""
    offset = np.stack((40 * times_s + 3, 90 * times_s**2 - 20 * times_s), -1)
    return walking(np.zeros(1)) + offset[:, None]


@given(st.integers(0, 2**32 - 1))
def test_a_path_of_second_order_is_followed_exactly(seed: int) -> None:
    rng = np.random.default_rng(seed)
    times_s = np.cumsum(rng.uniform(0.01, 0.3, 12))
    wanted = np.sort(rng.uniform(times_s[1], times_s[-2], 30))
    found = at_times(looks(times_s, parabola(times_s)), wanted, FPS)
    np.testing.assert_allclose(found.points, parabola(wanted), atol=1e-9)


def test_swinging_arms_better_than_by_straight_lines() -> None:
    times_s, wanted = np.arange(0, 3, 0.2), np.arange(0.2, 2.6, 1 / 30)
    found = at_times(looks(times_s, walking(times_s)), wanted, FPS).points
    truth = walking(wanted)
    straight = np.stack(
        [np.interp(wanted, times_s, walking(times_s)[:, joint, axis]) for joint in range(17) for axis in range(2)],
        axis=-1,
    ).reshape(truth.shape)
    assert np.abs(found - truth).max() < 0.4 * np.abs(straight - truth).max()


def test_at_its_time_a_look_is_what_it_is() -> None:
    times_s = np.array([0.0, 0.1, 0.25, 0.5])
    points = np.random.default_rng(0).uniform(0, 100, (4, 17, 2))
    found = at_times(looks(times_s, points), times_s, FPS)
    np.testing.assert_array_equal(found.points, points)
    np.testing.assert_array_equal(found.confidence, 0.9)


def test_nothing_beyond_the_looks_and_nothing_across_a_hole() -> None:
    times_s = np.array([0.1, 0.2, 0.3, 0.9, 1.0])
    points = walking(times_s)
    points[1, 3] = np.nan
    wanted = np.array([0.05, 0.15, 0.25, 0.6, 0.95, 1.05])
    found = at_times(looks(times_s, points), wanted, FPS)
    seen = np.isfinite(found.points[..., 0])
    assert seen[:, 0].tolist() == [False, True, True, False, True, False]  # 0.3 to 0.9 s is too far
    assert seen[:, 3].tolist() == [False, False, False, False, True, False]
    np.testing.assert_array_equal(found.confidence > 0, seen)


def test_a_clock_that_rounds_loses_no_frame() -> None:
    times_s = np.round(np.arange(5) / 30, 3)
    points = walking(times_s)
    points[2, 3] = np.nan
    found = at_times(looks(times_s, points), np.arange(5) / 30, FPS)
    assert np.isfinite(found.points[..., 0]).sum() == 5 * 17 - 1
    np.testing.assert_array_equal(found.points[1, 3], points[1, 3])


def test_confidence_tells_frames_that_nobody_has_seen() -> None:
    points = walking(np.array([0.0, 0.03, 0.2]))
    confidence = np.tile(np.array([0.9, 0.5, 0.8])[:, None], (1, 17))
    found = at_times(looks(np.array([0.0, 0.03, 0.2]), points, confidence), np.array([0.015, 0.1]), FPS)
    np.testing.assert_allclose(found.confidence[:, 0], [0.7, 0.25])  # moved in time; between two looks


def test_an_exchange_of_left_and_right_is_left_to_repair() -> None:
    times_s = np.arange(6) * 0.1
    points = walking(times_s, speed_px_s=10)
    points[3] = points[3][COCO_17.mirror_permutation]
    found = at_times(looks(times_s, points), np.arange(0, 0.5, 0.05), FPS)
    seen = np.isfinite(found.points[:, 0, 0])
    assert seen.tolist() == [True, True, True, True, True, False, True, False, True, True]
    np.testing.assert_array_equal(found.points[6], points[3])


def test_depth_is_a_coordinate_like_the_others() -> None:
    times_s = np.arange(5) * 0.1
    points = parabola(times_s)
    whole = at_times(Looks(times_s, points, np.full((5, 17), 0.9), points[..., 1] / 7, COCO_17), times_s + 0.01, FPS)
    assert whole.depth_px is not None
    np.testing.assert_allclose(whole.depth_px, whole.points[..., 1] / 7, atol=1e-9)


def test_even_times() -> None:
    rate = Fraction(30000, 1001)
    np.testing.assert_array_equal(even_times(10 / float(rate) + 0.001, rate, 11), np.arange(11) / float(rate))
    with pytest.raises(InputError, match="lower --fps"):
        even_times(1e6, FPS, 3)


def test_one_look_is_enough() -> None:
    found = at_times(looks(np.zeros(1), walking(np.zeros(1))), np.zeros(1), FPS)
    np.testing.assert_array_equal(found.points, walking(np.zeros(1)))

"""The filter against the least squares over the whole past."""

import numpy as np
import pytest

from maquette.refine.causal_path import EvenPathFilter, PathFilter
from maquette.refine.motion_path import information_at_cutoff, solve_path

STIFFNESS = (0.05, 0.05, 1.0)
DT_S = 1 / 50


def _problem(frames: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """``(pull, information, feet, still)`` of a walk with a gap, seen along changing rays."""
    rng = np.random.default_rng(0)
    ray = rng.normal(size=(frames, 3)) + [0, 0, 3]
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    along = ray[:, :, None] * ray[:, None]
    information = information_at_cutoff(6) * (np.eye(3) - along) + information_at_cutoff(0.7) * along
    information[40:60] = 0.0
    target = np.cumsum(0.02 * rng.normal(size=(frames, 3)), axis=0) + [0, 0, 4]
    feet = np.cumsum(0.01 * rng.normal(size=(4, frames, 3)), axis=1)
    still = 88.0 * (rng.random((4, frames - 1)) < 0.4)
    return np.einsum("fij,fj->fi", information, target), information, feet, still


def _filtered(frames: int, row: int = 1) -> np.ndarray:
    pull, information, feet, still = _problem(frames)
    path, rows, dt = PathFilter(3, stiffness=STIFFNESS), np.array([row]), np.array([DT_S])
    out = []
    for f in range(frames):
        weight = still[:, f - 1] if f else np.zeros(4)
        push = (weight[:, None] * (feet[:, f] - feet[:, max(f - 1, 0)])).sum(0)
        path.predict(rows, dt)
        out.append(path.update(rows, dt, pull[f : f + 1], information[f : f + 1], weight.sum()[None], push[None])[0])
    return np.array(out)


@pytest.mark.parametrize("last", [0, 1, 2, 3, 20, 50, 65, 199])
def test_the_filter_ends_where_least_squares_over_the_past_end(last: int) -> None:
    pull, information, feet, still = _problem(200)
    found = _filtered(last + 1) if last == 199 else _filtered(200)[: last + 1]
    n = last + 1
    whole = solve_path(pull[:n], information[:n], DT_S, feet[:, :n], still[:, : n - 1], stiffness=STIFFNESS)
    np.testing.assert_allclose(found[-1], whole[-1], atol=1e-9)


def test_people_do_not_disturb_each_other() -> None:
    pull, information, _, _ = _problem(30)
    alone, both = PathFilter(1), PathFilter(2)
    dt = np.array([DT_S])
    for f in range(30):
        alone.predict(np.array([0]), dt)
        one = alone.update(np.array([0]), dt, pull[f : f + 1], information[f : f + 1])
        rows = np.array([0, 1]) if f % 3 else np.array([1])
        both.predict(rows, np.repeat(dt, len(rows)))
        others = np.concatenate([2 * pull[f : f + 1]] * (len(rows) - 1) + [pull[f : f + 1]])
        two = both.update(rows, np.repeat(dt, len(rows)), others, np.repeat(information[f : f + 1], len(rows), axis=0))
        np.testing.assert_allclose(two[-1], one[0], atol=1e-12)


def test_a_reset_forgets() -> None:
    path, rows, dt = PathFilter(1), np.array([0]), np.array([DT_S])
    look = 1e4 * np.eye(3)[None]
    for f in range(20):
        path.predict(rows, dt)
        path.update(rows, dt, (look[0] @ np.array([0.1 * f, 0.0, 3.0]))[None], look)
    path.reset(0)
    path.predict(rows, dt)
    place = np.array([5.0, -1.0, 2.0])
    np.testing.assert_allclose(path.update(rows, dt, (look[0] @ place)[None], look)[0], place, atol=1e-9)


def test_uneven_steps_go_on_at_the_speed_seen() -> None:
    path, rows = PathFilter(1), np.array([0])
    speed, look = np.array([1.0, 0.0, -0.5]), 1e6 * np.eye(3)[None]
    time_s = 0.0
    for step in np.tile([0.01, 0.03, 0.02], 40):
        time_s += step
        path.predict(rows, np.array([step]))
        found = path.update(rows, np.array([step]), (look[0] @ (speed * time_s))[None], look)
    np.testing.assert_allclose(found[0], speed * time_s, atol=2e-3)
    ahead = path.predict(rows, np.array([0.5]))[0]
    np.testing.assert_allclose(ahead, speed * (time_s + 0.5), atol=0.02)


def test_axes_that_are_told_the_same_need_no_matrices() -> None:
    """The closed form gives what the filter of coupled axes gives, with steps of any length and rows that come and
    go."""
    rng = np.random.default_rng(3)
    coupled, even = PathFilter(3), EvenPathFilter(3)
    for frame in range(200):
        rows = np.flatnonzero(rng.random(3) < 0.8)
        dt_s = rng.uniform(0.005, 0.1, len(rows))
        information = np.where(rng.random(len(rows)) < 0.3, 0.0, rng.uniform(0.1, 1e5, len(rows)))
        pull = information[:, None] * rng.normal(size=(len(rows), 3))
        if frame == 100:
            coupled.reset(1)
            even.reset(1)
        coupled.predict(rows, dt_s)
        expected = coupled.update(rows, dt_s, pull, information[:, None, None] * np.eye(3))
        np.testing.assert_allclose(even(rows, dt_s, pull, information), expected, atol=1e-9)


def test_two_frames_do_not_throw_a_calm_point() -> None:
    """A floor told in the first frame alone: the offline path takes the difference to the second for a speed."""
    speeds = {}
    for calm in (0.0, 3.0):
        path = PathFilter(1, calm=calm)
        one, dt = np.array([0]), np.full(1, 0.02)
        strong, weak = 900.0 * np.eye(3)[None], 370.0 * np.eye(3)[None]
        path.predict(one, dt)
        path.update(one, dt, strong @ np.array([0.0, 0.0, 7.8]), strong)
        path.predict(one, dt)
        path.update(one, dt, weak @ np.array([0.0, 0.0, 7.5]), weak)
        speeds[calm] = abs(float(path.velocity(one)[0, 2]))
    assert speeds[0.0] > 5.0
    assert speeds[3.0] < 1.0

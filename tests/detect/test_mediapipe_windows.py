"""Windows cover the picture and lie inside it; who is the same as whom."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from maquette.detect.mediapipe_windows import extents, prominence, same_person, search_windows, window_around

sides = st.integers(1, 6000)


@settings(max_examples=60)
@given(width=sides, height=sides)
def test_windows_lie_inside_and_everybody_small_is_whole_in_one(width, height):
    windows = np.array(search_windows(width, height))
    left, top, right, bottom = windows.T
    assert ((0 <= left) & (left < right) & (right <= width)).all()
    assert ((0 <= top) & (top < bottom) & (bottom <= height)).all()
    assert len(np.unique(windows, axis=0)) == len(windows)
    # Squares overlap by half, so that somebody smaller than half of one is not cut in all of them.
    small = min(width, height) // 4 - 2
    if small < 16:
        return
    rng = np.random.default_rng(width * 7000 + height)
    x, y = rng.uniform(0, width - small, 20), rng.uniform(0, height - small, 20)
    squares = windows[(right - left) == min(width, height) // 2]
    whole = (
        (squares[:, :1] <= x) & (x + small <= squares[:, 2:3]) & (squares[:, 1:2] <= y) & (y + small <= squares[:, 3:4])
    )
    assert whole.any(0).all()


def test_windows_of_full_hd():
    windows = search_windows(1920, 1080)
    assert windows[:4] == [(0, 0, 1920, 1080), (0, 0, 1080, 1080), (420, 0, 1500, 1080), (840, 0, 1920, 1080)]
    assert len(windows) == 4 + 7 * 3
    assert search_windows(480, 480)[:2] == [(0, 0, 480, 480), (0, 0, 240, 240)]
    assert search_windows(20, 3) == [(0, 0, 20, 3)]


@given(x=st.floats(-1e4, 1e4), y=st.floats(-1e4, 1e4), side=st.floats(0.1, 2e4), width=sides, height=sides)
def test_window_around_lies_inside(x, y, side, width, height):
    left, top, right, bottom = window_around(np.array([x, y]), side, width, height)
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    if side <= min(width, height) and 0 <= x <= width and 0 <= y <= height:
        assert abs((right - left) - side) <= 1
        assert left - 1 <= x <= right + 1
        assert top - 1 <= y <= bottom + 1


def _figure(x, y, height=100.0, confidence=1.0):
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 1, (33, 2)) * [0.4 * height, height] + [x, y]
    return np.concatenate([points, np.full((33, 1), confidence)], axis=1)


def test_same_person():
    one = _figure(10, 20)
    others = np.stack([_figure(13, 24), _figure(30, 20), _figure(10, 20, height=60.0)])
    assert same_person(one, others).tolist() == [True, False, False]


def test_prominence_is_size_and_sureness_inside_the_window():
    figures = np.stack([_figure(10, 20), _figure(10, 20, height=50.0), _figure(10, 20, confidence=0.5)])
    full = prominence(figures, (0, 0, 1000, 1000))
    np.testing.assert_allclose(full, [extents(figures)[1][0], extents(figures)[1][1], extents(figures)[1][0] / 2])
    cut = prominence(figures, (0, 0, 1000, 70))
    assert cut[0] < 0.7 * full[0]

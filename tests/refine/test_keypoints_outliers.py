"""Implausible points and spikes: what is put in is found, what is there stays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from walking_keypoints import HEIGHT_PX, changed, walker

from maquette.errors import InputError
from maquette.refine.keypoints_outliers import drop_implausible, find_implausible, find_spikes, remove_spikes
from maquette.refine.keypoints_scale import body_height_px
from maquette.skeletons import BODY_25, MPII_16


def test_body_height_of_a_known_body() -> None:
    height_px = body_height_px(walker(noise_heights=0.0))
    np.testing.assert_allclose(height_px, HEIGHT_PX, rtol=0.08)


def test_body_height_follows_who_comes_nearer() -> None:
    clean = walker(300)
    grow = np.linspace(1, 2, 300)
    near = clean.with_notes(points=clean.points * grow[:, None, None])
    np.testing.assert_allclose(body_height_px(near)[20:-20], (HEIGHT_PX * grow)[20:-20], rtol=0.1)


def test_body_height_without_any_bone() -> None:
    clean = walker(20)
    only = np.zeros_like(clean.confidence)
    assert np.isnan(body_height_px(clean.with_notes(confidence=only))).all()
    only[:, clean.skeleton.indices(["nose", "l_ankle"])] = 1.0
    assert 0.5 * HEIGHT_PX < body_height_px(clean.with_notes(confidence=only))[0] < 1.5 * HEIGHT_PX
    assert MPII_16.joints[0] == "r_ankle"


def test_points_outside_unsure_or_far() -> None:
    clean = walker(60)
    bad = changed(clean, slice(10, 12), ["l_wrist"], (0.0, -1500.0))
    bad = changed(bad, slice(20, 21), ["nose"], (1.5 * HEIGHT_PX, 0.0))
    confidence = bad.confidence.copy()
    confidence[30, BODY_25.index("r_knee")] = 0.04
    edits = find_implausible(bad.with_notes(confidence=confidence))
    assert {(edit.kind, edit.frames, edit.joints) for edit in edits} == {
        ("outside", range(10, 12), ("l_wrist",)),
        ("far", range(20, 21), ("nose",)),
        ("unsure", range(30, 31), ("r_knee",)),
    }
    cleaned = drop_implausible(bad.with_notes(confidence=confidence))
    assert (~cleaned.observed).sum() == 4
    assert cleaned.notes == (
        "dropped, because of low confidence: r_knee in frame 30",
        "dropped, because outside the picture: l_wrist in frames 10-11",
        "dropped, because too far from the body: nose in frame 20",
    )


def test_without_a_picture_size_nothing_is_outside() -> None:
    clean = walker(30)
    moved = clean.with_notes(points=clean.points - 3000.0, image_size=None)
    assert find_implausible(moved) == []
    assert {edit.kind for edit in find_implausible(clean.with_notes(points=clean.points - 3000.0))} == {"outside"}


@pytest.mark.parametrize("options", [{"min_confidence": 1.2}, {"min_confidence": -0.1}, {"picture_margin": -1.0}])
def test_thresholds_out_of_range(options: dict[str, float]) -> None:
    with pytest.raises(InputError, match="expected"):
        find_implausible(walker(10), **options)


@pytest.mark.parametrize("fps", [10, 25, 30, 60, 120])
def test_a_walk_has_no_spikes(fps: int) -> None:
    assert find_spikes(walker(5 * fps, fps, noise_heights=0.006)) == []


@settings(max_examples=30, deadline=None)
@given(st.integers(3, 110), st.integers(1, 2), st.sampled_from(BODY_25.joints), st.floats(0.3, 0.6), st.floats(0, 6.28))
def test_spikes_put_in_are_found_and_nothing_else(
    start: int, length: int, joint: str, size_heights: float, angle: float
) -> None:
    # Two frames off at a turn of the path hide in each other's shadow unless they are far off. Where a swinging foot
    # turns, its own movement hides one in three hundred spikes of 0.25 heights, and none of 0.3.
    offset = length * size_heights * HEIGHT_PX * np.array([np.cos(angle), np.sin(angle)])
    spiked = changed(walker(120), slice(start, start + length), [joint], (float(offset[0]), float(offset[1])))
    edits = find_spikes(spiked)
    assert [edit.joints for edit in edits] == [(joint,)] * len(edits)
    assert [frame for edit in edits for frame in edit.frames] == list(range(start, start + length))
    assert (~remove_spikes(spiked).observed).sum() == length


def test_fast_strokes_are_no_spikes() -> None:
    """A wrist that goes to and fro over 0.4 body heights three times a second."""
    clean = walker(300, 60)
    points = clean.points.copy()
    points[:, BODY_25.index("l_wrist"), 0] += 0.2 * HEIGHT_PX * np.sin(2 * np.pi * 3 * clean.times_s)
    assert find_spikes(clean.with_notes(points=points)) == []


def test_spikes_beside_missing_frames() -> None:
    clean = walker(60)
    confidence = clean.confidence.copy()
    confidence[[28, 29, 31, 32], BODY_25.index("r_wrist")] = 0.0
    spiked = changed(clean.with_notes(confidence=confidence), slice(30, 31), ["r_wrist"], (0.0, -150.0))
    assert [edit.frames for edit in find_spikes(spiked, half_window_s=0.14)] == [range(30, 31)]


def test_window_out_of_range() -> None:
    with pytest.raises(InputError, match="positive"):
        find_spikes(walker(10), half_window_s=0.0)


def test_a_jump_in_the_last_frame_of_a_moving_joint() -> None:
    moving = walker(60)
    moving = moving.with_notes(points=moving.points + np.arange(60)[:, None, None] * (-0.03 * HEIGHT_PX, 0.0))
    for last in (59, 44):
        confidence = moving.confidence.copy()
        confidence[last + 1 :] = 0
        cut = moving.with_notes(
            confidence=confidence, points=np.where(confidence[..., None] > 0, moving.points, np.nan)
        )
        assert not [edit for edit in find_spikes(cut) if last in edit.frames]
        bad = changed(cut, slice(last, last + 1), ["l_wrist"], (0.0, -0.35 * HEIGHT_PX))
        found = find_spikes(bad)
        assert [(list(edit.frames), edit.joints) for edit in found] == [([last], ("l_wrist",))]

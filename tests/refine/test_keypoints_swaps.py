"""Left and right exchanged: bursts put in are found, and clean walks stay as they are."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from walking_keypoints import HEIGHT_PX, lost, swapped, walker

from maquette.keypoints import Keypoints
from maquette.refine.keypoints_swaps import find_swaps, repair_swaps
from maquette.skeletons import BLAZEPOSE_33, BODY_25, H36M_17

LEGS = ("hip", "knee", "ankle", "heel", "big_toe", "small_toe")
SHINS = LEGS[1:]
ARMS = ("elbow", "wrist")
ALL = (*LEGS, "shoulder", *ARMS, "eye", "ear")


def worst_heights(got: Keypoints, expected: Keypoints) -> float:
    """Largest distance between two tracks in body heights."""
    return float(np.nanmax(np.linalg.norm(got.points - expected.points, axis=-1)) / HEIGHT_PX)


@pytest.mark.parametrize("fps", [25, Fraction(30000, 1001), 50, 60])
def test_legs_that_cross_are_not_exchanged(fps: Fraction | int) -> None:
    for seed in range(4):
        clean = walker(round(8 * float(fps)), fps, noise_heights=0.006, seed=seed)
        assert repair_swaps(clean) is clean


@pytest.mark.parametrize("parts", [LEGS, SHINS, ARMS, ALL], ids=["legs", "shins", "arms", "all"])
@pytest.mark.parametrize(("start", "stop"), [(40, 41), (47, 54), (60, 80), (0, 6), (141, 150)])
def test_bursts_are_taken_back(parts: tuple[str, ...], start: int, stop: int) -> None:
    clean = walker()
    repaired = repair_swaps(swapped(clean, slice(start, stop), parts))
    # Where left and right are as close as the jitter, nothing can be told and nothing is lost.
    assert worst_heights(repaired, clean) < 0.05


def test_the_note_names_part_and_frames() -> None:
    repaired = repair_swaps(swapped(walker(noise_heights=0.0), slice(41, 48), SHINS))
    assert repaired.notes == ("swap repair, left and right exchanged: legs in frames 41-47",)


def test_confidence_goes_with_its_point_and_missing_points_change_sides() -> None:
    clean = lost(walker(), slice(55, 70), ["l_ankle"])
    repaired = repair_swaps(swapped(clean, slice(60, 66), SHINS))
    np.testing.assert_array_equal(repaired.observed, clean.observed)


def test_a_detector_that_loses_the_limb_before_it_swaps() -> None:
    clean = lost(walker(), slice(38, 40), [f"{side}_{part}" for side in ("l", "r") for part in SHINS])
    repaired = repair_swaps(swapped(clean, slice(40, 47), SHINS))
    assert worst_heights(repaired, clean) < 0.05


def test_lost_limbs_are_no_exchange() -> None:
    """Legs cross while one or both are lost; where they come back says little about which is which."""
    rng = np.random.default_rng(0)
    lower = ("knee", "ankle", "heel", "big_toe", "small_toe")
    for seed in range(5):
        track = walker(200, 25, seed=seed)
        for start in range(10, 190, 15):
            sides = (["l"], ["r"], ["l", "r"])[rng.integers(3)]
            gap = slice(start, start + int(rng.integers(2, 10)))
            track = lost(track, gap, [f"{side}_{part}" for side in sides for part in lower])
        assert find_swaps(track) == []


def test_another_person_is_no_exchange() -> None:
    clean = walker()
    points = clean.points.copy()
    points[70:] = 1500.0 - 0.8 * points[70:]
    cut = clean.with_notes(points=points)
    assert find_swaps(cut) == []


@pytest.mark.parametrize("n_frames", [0, 1, 2, 3])
def test_clips_too_short_to_tell(n_frames: int) -> None:
    clean = walker(10)
    short = clean.with_notes(points=clean.points[:n_frames], confidence=clean.confidence[:n_frames])
    assert find_swaps(short) == []


def test_nobody_seen() -> None:
    clean = walker(20)
    assert find_swaps(clean.with_notes(confidence=np.zeros_like(clean.confidence))) == []


def test_mediapipe_exchanges_the_legs_of_a_real_walker(shared_dir: Path) -> None:
    """Frames found by eye in the video: in 106, 159 and 160 the lower legs are drawn on the wrong side."""
    walk = np.load(shared_dir / "data" / "real" / "sports2d_demo" / "walker_reference.npz")
    for name, skeleton in (("body25", BODY_25), ("mediapipe33", BLAZEPOSE_33)):
        points = walk[name].astype(np.float64)
        confidence = np.nan_to_num(points[..., 2]).clip(0, 1)
        track = Keypoints(points[..., :2], confidence, skeleton, Fraction(30), image_size=(1768, 994))
        edits = find_swaps(track)
        assert [edit.frames for edit in edits] == [range(106, 107), range(159, 161)]
        assert all("l_ankle" in edit.joints and "l_hip" not in edit.joints for edit in edits)


def filmed(clip: np.ndarray, azimuth: float, rng: np.random.Generator) -> Keypoints:
    """Motion capture at 25 frames/s through a pinhole 4 m away, with a detector's jitter and 2 % of points missing."""
    positions = clip[::2, :17].astype(np.float64)
    forward = -np.array([np.sin(azimuth), 0.1, np.cos(azimuth)])
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, (0.0, 1.0, 0.0))
    right /= np.linalg.norm(right)
    axes = np.stack((right, np.cross(forward, right), forward))
    seen = (positions - np.median(positions[:, 0], axis=0) + 4.0 * forward) @ axes.T
    points = 1500.0 * seen[..., :2] / np.maximum(seen[..., 2:], 0.3) + (960.0, 540.0)
    sigma_px = np.array([0.0075 if "wrist" in j or "ankle" in j else 0.005 for j in H36M_17.joints]) * 640
    points += sigma_px[:, None] * rng.standard_normal(points.shape)
    confidence = np.where(rng.random(points.shape[:2]) < 0.02, 0.0, 0.8)
    return Keypoints(points, confidence, H36M_17, Fraction(25), image_size=(1920, 1080))


def test_nine_of_ten_bursts_on_motion_capture(shared_dir: Path) -> None:
    """Real movement of many kinds: at least 90 % of bursts of 1 to 10 frames are taken back, and without bursts fewer
    than 0.5 % of the frames are touched where left and right are apart."""
    clips = np.load(shared_dir / "data" / "cmu" / "cmu17.npz")
    rng = np.random.default_rng(0)
    names = list(clips)
    found = tried = touched = frames = 0
    for name in rng.choice(names, 30, replace=False):
        clip = clips[name][:1000]
        clean = filmed(clip, rng.uniform(0, 2 * np.pi), rng)
        touched += _misplaced(repair_swaps(clean), clean).any(1).sum()
        frames += clean.n_frames
        for _ in range(4):
            parts = ((*LEGS[:3],), LEGS[1:3], ARMS, ("shoulder", *ARMS), (*LEGS[:3], "shoulder", *ARMS))[
                rng.integers(5)
            ]
            start = rng.integers(clean.n_frames - 10)
            burst = slice(start, start + rng.integers(1, 11))
            exchanged = swapped(clean, burst, parts)
            put_in = _misplaced(exchanged, clean)
            if put_in.any():
                tried += 1
                left_over = _misplaced(repair_swaps(exchanged), clean)
                found += (left_over & put_in).sum() < 0.2 * put_in.sum()
    assert found >= 0.9 * tried
    assert touched < 0.005 * frames


def _misplaced(got: Keypoints, clean: Keypoints) -> np.ndarray:
    """True for points that lie more than 3 cm off in the picture of a person 640 px tall."""
    with np.errstate(invalid="ignore"):
        return np.linalg.norm(got.points - clean.points, axis=-1) > 0.03 / 1.7 * 640

"""The default repair as a whole: what was put in comes out, and the log counts it."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from walking_keypoints import HEIGHT_PX, changed, lost, swapped, walker

from maquette.errors import InputError
from maquette.keypoints import Keypoints
from maquette.refine.keypoints_edits import Edit, edits_of, frame_words, joint_words, mask_of
from maquette.refine.keypoints_repair import count_points, repair, repair_with_log
from maquette.skeletons import BODY_25


def damaged() -> tuple[Keypoints, Keypoints]:
    """A clean walk, and the same with one fault of every kind."""
    clean = walker(noise_heights=0.002)
    bad = swapped(clean, slice(41, 48), ("knee", "ankle", "heel", "big_toe", "small_toe"))
    bad = changed(bad, slice(70, 71), ["r_wrist"], (0.0, -0.4 * HEIGHT_PX))
    bad = changed(bad, slice(90, 91), ["nose"], (2.0 * HEIGHT_PX, 0.0))
    bad = lost(bad, slice(100, 106), ["l_elbow", "l_wrist"])
    return clean, lost(bad, slice(120, 140), ["l_ear"])


def test_every_fault_is_mended_and_written_down() -> None:
    clean, bad = damaged()
    repaired, log = repair_with_log(bad)
    assert repaired.notes == (
        "dropped, because too far from the body: nose in frame 90",
        "swap repair, left and right exchanged: legs in frames 41-47",
        "spike removed: r_wrist in frame 70",
        "gap filled: nose in frame 90; r_wrist in frame 70; l_elbow + l_wrist in frames 100-105",
        "left missing, because the gap is too long to fill: l_ear in frames 120-139",
    )
    seen = repaired.observed
    assert (~seen).sum() == 20
    assert np.linalg.norm(repaired.points - clean.points, axis=-1)[seen].max() < 0.02 * HEIGHT_PX
    assert count_points(log) == {"far": 1, "swap": 7 * 10, "spike": 1, "gap": 14, "long gap": 20}
    assert next(edit for edit in log if edit.kind == "swap").frames == range(41, 48)


def test_a_clean_track_comes_back_itself() -> None:
    clean = walker()
    assert repair(clean) is clean


def test_each_step_can_be_left_out() -> None:
    _, bad = damaged()
    kinds = {edit.kind for edit in repair_with_log(bad, swaps=False, spike_window_s=0.0, max_gap_s=0.0)[1]}
    assert kinds == {"far", "long gap"}
    assert "Butterworth" in repair(bad, cutoff_hz=6.0).notes[-1]
    with pytest.raises(InputError):
        repair(bad, max_gap_s=-1.0)


@pytest.mark.parametrize("n_frames", [0, 1, 2, 3, 4])
def test_very_short_tracks(n_frames: int) -> None:
    clean = walker(10)
    short = clean.with_notes(points=clean.points[:n_frames], confidence=clean.confidence[:n_frames])
    repaired = repair(short, cutoff_hz=6.0) if n_frames < 3 else repair(short)
    np.testing.assert_array_equal(repaired.points, short.points)


def test_nobody_at_all() -> None:
    nobody = walker(30).with_notes(confidence=np.zeros((30, 25)))
    assert not repair(nobody, cutoff_hz=6.0).observed.any()


def test_repair_keeps_everything_else() -> None:
    _, bad = damaged()
    named = dataclasses.replace(bad, person_id=3, source="walk", notes=("read",))
    repaired = repair(named)
    assert (repaired.person_id, repaired.source, repaired.notes[0]) == (3, "walk", "read")
    assert (repaired.fps, repaired.image_size, repaired.skeleton) == (bad.fps, bad.image_size, BODY_25)


def test_edits_and_masks_are_two_views_of_one_thing() -> None:
    mask = np.random.default_rng(0).random((50, 25)) < 0.3
    np.testing.assert_array_equal(mask_of(edits_of(mask, "gap", BODY_25), 50, BODY_25), mask)


def test_words() -> None:
    assert frame_words([range(7, 8)]) == "frame 7"
    assert frame_words([range(41, 48), range(3, 4)]) == "frames 3, 41-47"
    assert joint_words(BODY_25.joints, BODY_25) == "all joints"
    assert joint_words(BODY_25.joints[1:], BODY_25) == "all joints but nose"
    assert joint_words(("l_elbow", "l_wrist", "r_elbow", "r_wrist", "nose"), BODY_25) == "arms + nose"
    with pytest.raises(dataclasses.FrozenInstanceError):
        Edit("gap", range(3), ("nose",)).kind = "swap"  # pyright: ignore[reportAttributeAccessIssue]


def test_a_real_walk_moves_more_evenly_afterwards(shared_dir: Path) -> None:
    """Physics instead of truth: ankles of a walker do not accelerate by more than a few body heights per second squared
    from frame to frame, and the tracker's repaired points do so much less often than its raw ones."""
    walk = np.load(shared_dir / "data" / "real" / "sports2d_demo" / "walker_reference.npz")["body25"].astype(float)
    track = Keypoints(
        walk[56:187, :, :2],
        np.nan_to_num(walk[56:187, :, 2]).clip(0, 1),
        BODY_25,
        walker(1).fps,
        image_size=(1768, 994),
    )
    ankles = BODY_25.indices(["l_ankle", "r_ankle"])

    def jumps(keypoints: Keypoints) -> int:
        bend = np.linalg.norm(np.diff(keypoints.points[:, ankles], 2, axis=0), axis=-1)
        return int((bend > 0.15 * 430).sum())

    assert jumps(track) >= 4 * max(1, jumps(repair(track)))


def test_a_picture_that_the_points_lie_outside_of() -> None:
    with pytest.raises(InputError, match="most points lie far outside a picture of 64 x 48 pixels"):
        repair(walker(20).with_notes(image_size=(64, 48)))

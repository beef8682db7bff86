"""Smoothing and filled gaps of 3D motion."""

from fractions import Fraction

import numpy as np
import pytest
from walking_figure import FPS, walk

from maquette.errors import InputError
from maquette.motion import Motion
from maquette.refine.motion_bones import bone_lengths
from maquette.refine.motion_smooth import fill_gaps, smooth
from maquette.skeletons import H36M_17, LIFTED_21


def _motion(positions: np.ndarray, **changes: object) -> Motion:
    return Motion(positions, LIFTED_21, Fraction(FPS), "camera", **changes)  # pyright: ignore[reportArgumentType]


def test_noise_falls_and_the_walk_stays() -> None:
    truth, _ = walk()
    noisy = truth + np.random.default_rng(0).normal(scale=0.02, size=truth.shape)
    before = np.abs(noisy - truth).mean()
    after = np.abs(smooth(_motion(noisy), cutoff_hz=4.0).positions - truth).mean()
    assert after < 0.65 * before
    assert np.abs(smooth(_motion(truth), cutoff_hz=6.0).positions - truth)[10:-10].max() < 0.01


def test_a_cutoff_that_the_frame_rate_cannot_hold_is_said() -> None:
    motion = Motion(walk()[0], LIFTED_21, Fraction(10), "camera")
    same = smooth(motion, cutoff_hz=6.0)
    np.testing.assert_array_equal(same.positions, motion.positions)
    assert "not smoothed" in same.notes[-1]


@pytest.mark.parametrize("n_frames", [1, 2, 3, 5])
def test_short_clips(n_frames: int) -> None:
    assert np.isfinite(smooth(_motion(walk()[0][:n_frames])).positions).all()


def test_a_gap_turns_every_bone_evenly_and_keeps_its_length() -> None:
    truth, _ = walk()
    seen = np.ones(len(truth), dtype=bool)
    seen[60:63] = False
    filled = fill_gaps(_motion(truth), seen)
    np.testing.assert_array_equal(filled.positions[seen], truth[seen])
    assert np.isfinite(filled.positions).all()
    np.testing.assert_allclose(
        bone_lengths(filled.with_notes(positions=filled.positions[60:63]))[1:],
        bone_lengths(_motion(truth))[1:],
        atol=1e-9,
    )
    assert np.linalg.norm(filled.positions - truth, axis=-1).max() < 0.08
    assert "3 frames" in filled.notes[-1]


def test_a_bone_turns_along_the_great_circle() -> None:
    positions = np.zeros((5, 17, 3))
    positions[:] = np.arange(17)[:, None] * np.array([0.0, -0.1, 0.0])
    knee, hip = H36M_17.index("r_knee"), H36M_17.index("r_hip")
    positions[0, knee], positions[4, knee] = positions[0, hip] + [0.4, 0, 0], positions[4, hip] + [0, 0.4, 0]
    motion = fill_gaps(Motion(positions, H36M_17, Fraction(30), "camera"), np.array([True, False, False, False, True]))
    bone = motion.positions[2, knee] - motion.positions[2, hip]
    np.testing.assert_allclose(bone, [0.4 / np.sqrt(2), 0.4 / np.sqrt(2), 0], atol=1e-12)


def test_long_gaps_are_listed_and_flagged_and_ends_hold() -> None:
    truth, _ = walk()
    seen = np.ones(len(truth), dtype=bool)
    seen[:4] = seen[100:160] = False
    filled = fill_gaps(_motion(truth, sigma_m=np.full(truth.shape[:2], 0.03)), seen)
    np.testing.assert_allclose(filled.positions[0], truth[4], atol=1e-12)
    assert filled.sigma_m is not None
    assert np.isinf(filled.sigma_m[100:160]).all()
    assert np.isfinite(filled.sigma_m[:100]).all()
    assert any("100-159 (2.0 s)" in note for note in filled.notes)


def test_one_missing_joint_is_filled_and_nothing_else_touched() -> None:
    truth, _ = walk()
    wrist = LIFTED_21.index("l_wrist")
    positions = truth.copy()
    positions[30:34, wrist] = np.nan
    filled = fill_gaps(_motion(positions)).positions
    others = [j for j in range(21) if j != wrist]
    np.testing.assert_array_equal(filled[:, others], truth[:, others])
    assert np.linalg.norm(filled[:, wrist] - truth[:, wrist], axis=-1).max() < 0.02


def test_a_joint_never_known_stays_missing() -> None:
    positions = walk()[0]
    positions[:, LIFTED_21.index("l_toe")] = np.nan
    filled = fill_gaps(_motion(positions), np.arange(len(positions)) != 7).positions
    assert np.isnan(filled[:, LIFTED_21.index("l_toe")]).all()
    assert np.isfinite(np.delete(filled, LIFTED_21.index("l_toe"), axis=1)).all()


def test_a_cutoff_must_be_positive() -> None:
    with pytest.raises(InputError):
        smooth(_motion(walk()[0]), cutoff_hz=-1.0)

"""Bone lengths and metric scale against exact figures, and against people whose height is known."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from walking_figure import SHIN_M, THIGH_M, walk

from maquette.errors import InputError
from maquette.motion import Motion
from maquette.refine.motion_bones import bone_lengths, constant_bones
from maquette.refine.motion_scale import height_from_bones, scale_to_height
from maquette.skeletons import H36M_17, LIFTED_21


def _motion(positions: np.ndarray) -> Motion:
    return Motion(positions, LIFTED_21, Fraction(30), "camera")


def _noisy(sigma_m: float = 0.03) -> tuple[np.ndarray, Motion]:
    truth, _ = walk()
    truth = truth - truth[:, :1]
    noise = np.random.default_rng(0).normal(scale=sigma_m, size=truth.shape)
    noise[:, 0] = 0
    return truth, _motion(truth + noise)


def _all_lengths(motion: Motion) -> np.ndarray:
    parents, children = np.array(motion.skeleton.bones).T
    return np.linalg.norm(motion.positions[:, children] - motion.positions[:, parents], axis=-1)


def test_lengths_of_an_exact_figure() -> None:
    lengths = bone_lengths(_motion(walk()[0]))
    for side in ("l_", "r_"):
        assert lengths[LIFTED_21.index(side + "knee")] == pytest.approx(THIGH_M)
        assert lengths[LIFTED_21.index(side + "ankle")] == pytest.approx(SHIN_M)
    assert np.isnan(lengths[0])


@pytest.mark.parametrize("iterations", [0, 6])
def test_every_bone_is_constant_and_equal_on_both_sides(iterations: int) -> None:
    _, noisy = _noisy()
    posed = constant_bones(noisy, iterations=iterations)
    lengths = _all_lengths(posed)
    assert np.ptp(lengths, axis=0).max() < 1e-12
    by_child = dict(zip([child for _, child in LIFTED_21.bones], lengths[0], strict=True))
    for left, right in zip(LIFTED_21.left, LIFTED_21.right, strict=True):
        assert by_child[left] == pytest.approx(by_child[right], abs=1e-12)
    np.testing.assert_allclose(posed.positions[:, 0], noisy.positions[:, 0], atol=1e-12)


def test_sharing_the_error_is_nearer_to_the_truth_than_posing_from_the_root() -> None:
    truth, noisy = _noisy()
    lengths = bone_lengths(_motion(truth))

    def error_m(motion: Motion) -> float:
        return float(np.linalg.norm(motion.positions - truth, axis=-1).mean())

    shared, outwards = constant_bones(noisy, lengths), constant_bones(noisy, lengths, iterations=0)
    assert error_m(shared) < error_m(noisy) < error_m(outwards)


def test_an_exact_figure_is_left_alone() -> None:
    truth = walk()[0]
    np.testing.assert_allclose(constant_bones(_motion(truth)).positions, truth, atol=1e-9)


def test_missing_joints_stay_missing_and_do_not_spread() -> None:
    _, noisy = _noisy()
    positions = noisy.positions.copy()
    positions[10:20] = np.nan
    positions[40, LIFTED_21.index("l_knee")] = np.nan
    posed = constant_bones(_motion(positions))
    np.testing.assert_array_equal(np.isfinite(posed.positions), np.isfinite(positions))


def test_given_lengths_are_used_and_nonsense_is_refused() -> None:
    _, noisy = _noisy()
    lengths = bone_lengths(noisy)
    lengths[LIFTED_21.index("l_knee")] = 0.5
    posed = constant_bones(noisy, lengths)
    assert bone_lengths(posed, symmetric=False)[LIFTED_21.index("l_knee")] == pytest.approx(0.5)
    with pytest.raises(InputError, match="positive length"):
        constant_bones(noisy, -lengths)


@pytest.mark.parametrize("height_m", [1.2, 1.75])
def test_scale_gives_the_height_and_moves_what_belongs_to_it(height_m: float) -> None:
    motion = _motion(walk()[0]).with_notes(sigma_m=np.full((240, 21), 0.05))
    scaled = scale_to_height(motion, height_m)
    assert height_from_bones(bone_lengths(scaled), LIFTED_21) == pytest.approx(height_m)
    factor = scaled.positions[0, 5, 1] / motion.positions[0, 5, 1]
    assert scaled.sigma_m is not None
    np.testing.assert_allclose(scaled.sigma_m, 0.05 * factor)
    assert f"{height_m:.2f} m given" in scaled.scale_source


def test_without_a_height_the_network_is_believed_and_said_so() -> None:
    motion = _motion(walk()[0])
    same = scale_to_height(motion, None)
    np.testing.assert_array_equal(same.positions, motion.positions)
    assert same.scale_source.startswith("assumed: bone lengths as the network gave them (height 1.")


@pytest.mark.parametrize("height_m", [175.0, 0.0, -1.7, float("nan")])
def test_no_person_is_so_tall(height_m: float) -> None:
    with pytest.raises(InputError, match="metres"):
        scale_to_height(_motion(walk()[0]), height_m)


def test_height_needs_legs() -> None:
    lengths = np.full(17, 0.3)
    lengths[H36M_17.index("l_knee")] = np.nan
    with pytest.raises(InputError, match="l_knee"):
        height_from_bones(lengths, H36M_17)


def test_height_of_people_in_motion_capture(shared_dir: Path) -> None:
    """One avatar of the data is 1.85 m tall by construction; of the others the top of the head tells, while they stand
    with straight legs on a floor whose height is known."""
    folder = shared_dir / "data" / "cmu"
    if not folder.is_dir():
        pytest.skip("no CMU data")
    clips = np.load(folder / "cmu17.npz")
    index = json.loads((folder / "index.json").read_text())
    avatar = next(name for name, clip in sorted(index.items()) if clip["rig"] == "iclone")
    positions = clips[avatar].astype(float)
    motion = Motion(positions, H36M_17, Fraction(50), "world")
    assert height_from_bones(bone_lengths(motion), H36M_17) == pytest.approx(1.85, rel=0.02)
    for name in ("02/02_01", "E/test_walking_11"):
        motion = Motion(clips[name].astype(float), H36M_17, Fraction(50), "world")
        tallest = float(np.percentile(motion.joint("head")[:, 1], 98))
        assert height_from_bones(bone_lengths(motion), H36M_17) == pytest.approx(tallest, rel=0.03)

"""Bodies and poses made from recorded ones stay human: lengths, limits, symmetry."""

import numpy as np
import pytest

from maquette.datasets.augment import vary_poses
from maquette.datasets.bodies import chest_frame, draw_lengths, head_frame, pelvis_frame, set_lengths, shift_rig
from maquette.datasets.mocap import NODES, positions_of


def lengths_of(vectors: np.ndarray) -> np.ndarray:
    return np.linalg.norm(vectors, axis=-1)


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_varied_poses_keep_every_bone_length_and_differ(motion):
    varied = vary_poses(rng(), motion, strength=1.0)
    # All donors have the same body, so exchanged limbs keep the lengths, too.
    np.testing.assert_allclose(lengths_of(varied)[:, :, 1:], lengths_of(motion)[:, :, 1:], atol=1e-5)
    assert np.abs(varied - motion).max() > 0.05
    np.testing.assert_array_equal(vary_poses(rng(), motion, strength=0.0), motion)


def test_varied_poses_are_smooth_in_time(motion):
    speed = np.linalg.norm(np.diff(positions_of(vary_poses(rng(), motion)), axis=1), axis=-1) * 25
    assert speed.max() < 8, "m/s"


@pytest.mark.parametrize(("upper", "lower", "most"), [("l_knee", "l_ankle", 150), ("r_elbow", "r_wrist", 155)])
def test_hinges_bend_one_way_and_not_too_far(motion, upper, lower, most):
    for seed in range(10):
        varied = vary_poses(np.random.default_rng(seed), motion)
        a, b = (varied[:, :, NODES.index(n)] / lengths_of(varied)[:, :, NODES.index(n), None] for n in (upper, lower))
        flexion = np.degrees(np.arccos(np.clip((a * b).sum(-1), -1, 1)))
        assert flexion.max() < most


def test_drawn_bodies_are_symmetric_and_of_human_size(motion):
    lengths = draw_lengths(rng(), np.tile(motion, (50, 1, 1, 1)), keep_probability=0.0)
    for name in NODES:
        if name.startswith("l_"):
            np.testing.assert_array_equal(lengths[:, NODES.index(name)], lengths[:, NODES.index("r_" + name[2:])])
    height = lengths[
        :, [NODES.index(n) for n in ("l_knee", "l_ankle", "spine", "thorax", "nose", "head", "l_heel")]
    ].sum(1)
    assert 1.55 < np.median(height) < 1.80
    assert 1.3 < height.min() < height.max() < 2.2


def test_kept_bodies_are_those_of_the_recording_up_to_height(motion):
    lengths = draw_lengths(rng(), motion, keep_probability=1.0)
    ratio = lengths[:, 1:23] / lengths_of(motion).mean(axis=1)[:, 1:23]
    np.testing.assert_allclose(ratio, ratio[:, :1].repeat(22, axis=1), rtol=1e-5)
    assert 0.9 < ratio.min() < ratio.max() < 1.1


def test_set_lengths_sets_them(motion):
    wanted = draw_lengths(rng(), motion, keep_probability=0.0)
    np.testing.assert_allclose(lengths_of(set_lengths(motion, wanted))[:, 0, 1:], wanted[:, 1:], rtol=1e-5)


def test_another_rig_moves_the_trunk_but_not_the_legs(motion):
    moved = positions_of(shift_rig(rng(), motion, probability=1.0, sd_m=0.02)) - positions_of(motion)
    legs = [NODES.index(n) for n in ("hip", "l_knee", "r_ankle", "l_toe")]
    np.testing.assert_allclose(moved[:, :, legs], 0, atol=1e-6)
    assert 0.005 < np.abs(moved[:, :, NODES.index("thorax")]).max() < 0.15
    shoulder, wrist = moved[:, :, NODES.index("l_shoulder")], moved[:, :, NODES.index("l_wrist")]
    np.testing.assert_allclose(shoulder, wrist, atol=1e-5)


def test_body_frames_are_left_up_forward(pose):
    for frame in (pelvis_frame, chest_frame, head_frame):
        axes = frame(pose[None, None])[0, 0]
        np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-6)
        assert np.linalg.det(axes) == pytest.approx(1, abs=1e-6)
        np.testing.assert_allclose(np.diag(axes), 1, atol=0.05)

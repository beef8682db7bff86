"""All frames at once against the loop over frames (proved against the original), and gradients against differences."""

from pathlib import Path

import numpy as np
import pytest
from correction_recipes import recipe_weights, sine_frames

from maquette.errors import InputError
from maquette.refine.correction_batched import FRAMES_AT_ONCE, refine_frames
from maquette.refine.correction_loss import PUBLISHED_LOSS, PictureLoss
from maquette.refine.correction_network import Correction
from maquette.refine.correction_published import refine_in_order
from maquette.refine.correction_weights import CorrectionWeights

LOSSES = pytest.mark.parametrize(
    "loss", [PUBLISHED_LOSS, PictureLoss(), PictureLoss(bone_weight=0.3, masked=("head",))]
)


def _frames(goldens_dir: Path, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Golden poses with the root at 0, as published, and weights of all kinds."""
    golden = np.load(goldens_dir / "ssl3d" / f"forward_ls{width}.npz")
    poses = golden["enc_in"].copy()
    poses[:, :3] = 0
    weight = np.random.default_rng(5).random((6, 16))
    weight[1, 3:7] = 0
    weight[2] = 0
    return poses, golden["dec_2d"], weight


@LOSSES
@pytest.mark.parametrize("n_steps", [0, 1, 2, 5])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_frames_at_once_are_frames_one_by_one(goldens_dir: Path, loss: PictureLoss, n_steps: int, dtype: type) -> None:
    weights = recipe_weights(goldens_dir, 64)
    poses, pictures, weight = _frames(goldens_dir, 64)
    known = refine_in_order(
        weights, poses, pictures, weight=weight, n_steps=n_steps, optimiser_state="reset", loss=loss, dtype=dtype
    )
    seen = refine_frames(
        weights, poses, pictures, weight=weight, n_steps=n_steps, loss=loss, batch_norm_scale=True, dtype=dtype
    )
    atol = 1e-13 if dtype is np.float64 else 2e-6
    for name in ("poses", "projected", "point_loss", "bone_loss"):
        np.testing.assert_allclose(getattr(seen, name), getattr(known, name), rtol=0, atol=atol)
    assert np.abs(seen.poses[0, -1] - seen.poses[0, 0]).max() > 1e-3 or n_steps == 0


def test_at_the_published_width(goldens_dir: Path) -> None:
    """The original's own poses, from one call for all frames."""
    golden = np.load(goldens_dir / "ssl3d" / "refine_ls1024.npz")
    frames = np.load(goldens_dir / "ssl3d" / "forward_ls1024.npz")
    weights = recipe_weights(goldens_dir, 1024)
    seen = refine_frames(weights, frames["enc_in"], frames["dec_2d"], loss=PUBLISHED_LOSS, batch_norm_scale=True)
    for i in range(6):
        np.testing.assert_allclose(seen.poses[i], golden[f"fresh_s{i}_refine"][:2], rtol=0, atol=5e-6)
    many = refine_frames(
        weights, frames["enc_in"], frames["dec_2d"], n_steps=10, loss=PUBLISHED_LOSS, batch_norm_scale=True
    )
    np.testing.assert_allclose(many.poses[0, 10], golden["fresh_s0_refine_after_10_updates"][0], rtol=0, atol=5e-6)


@pytest.mark.parametrize("scale", [1e-9, 1e-7, 1e-5])
def test_gradients_as_small_as_epsilon(goldens_dir: Path, scale: float) -> None:
    """Where epsilon decides, the terms of an outer product are of many sizes; its place must be the loop's."""
    weights = recipe_weights(goldens_dir, 64)
    poses, _, _ = _frames(goldens_dir, 64)
    network = Correction(weights, dtype=np.float64, batch_norm_scale=True)
    projected, _ = network.project(network.correct(poses)[1])
    pictures = projected + scale * np.random.default_rng(1).standard_normal(projected.shape)
    for n_steps in (1, 3):
        known = refine_in_order(
            weights, poses, pictures, n_steps=n_steps, optimiser_state="reset", loss=PictureLoss(), dtype=np.float64
        )
        seen = refine_frames(weights, poses, pictures, n_steps=n_steps, batch_norm_scale=True, dtype=np.float64)
        # The gradient is known as well as the difference of picture and projection: to 1e-16 of its size `scale`.
        moved = np.abs(known.poses - known.poses[:, :1]).max()
        np.testing.assert_allclose(seen.poses, known.poses, rtol=0, atol=1e-14 / scale * moved + 1e-15)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_units_that_are_off_and_poses_that_fit(goldens_dir: Path, dtype: type) -> None:
    """No gradient, no update: the moments are 0 / (0 + epsilon)."""
    arrays = [array.copy() for array in recipe_weights(goldens_dir, 64).arrays]
    arrays[1][:32] = -100
    weights = CorrectionWeights.from_arrays(arrays, recipe_weights(goldens_dir, 64).spec)
    poses, pictures, _ = _frames(goldens_dir, 64)
    known = refine_in_order(weights, poses, pictures, optimiser_state="reset", n_steps=2, dtype=dtype)
    seen = refine_frames(weights, poses, pictures, loss=PUBLISHED_LOSS, n_steps=2, batch_norm_scale=True, dtype=dtype)
    np.testing.assert_allclose(seen.poses, known.poses, rtol=0, atol=2e-6)
    fitting = refine_frames(weights, poses, pictures, weight=np.zeros((6, 16)), n_steps=3, dtype=dtype)
    assert (fitting.poses == fitting.poses[:, :1]).all()
    assert (fitting.loss == 0).all()


def test_chunks_do_not_show(goldens_dir: Path) -> None:
    weights = recipe_weights(goldens_dir, 64)
    rng = np.random.default_rng(2)
    poses, pictures = rng.random((1030, 48)), rng.random((1030, 32))
    for n_steps, last in ((1, 515), (2, 69)):
        whole = refine_frames(weights, poses, pictures, n_steps=n_steps, dtype=np.float64)
        alone = refine_frames(weights, poses[last:], pictures[last:], n_steps=n_steps, dtype=np.float64)
        np.testing.assert_allclose(whole.poses[last:], alone.poses, rtol=0, atol=1e-13)
    fast = refine_frames(weights, poses, pictures, final_loss=False, dtype=np.float64)
    full = refine_frames(weights, poses, pictures, dtype=np.float64)
    np.testing.assert_array_equal(fast.poses, full.poses)
    assert np.isnan(fast.loss[:, 1]).all()
    assert np.isfinite(full.loss).all()


def test_long_clips_in_single_precision(goldens_dir: Path) -> None:
    """Their products are another library's."""
    weights = recipe_weights(goldens_dir, 64)
    rng = np.random.default_rng(6)
    poses, pictures = rng.random((FRAMES_AT_ONCE + 9, 48)), rng.random((FRAMES_AT_ONCE + 9, 32))
    single, double = (refine_frames(weights, poses, pictures, dtype=dtype) for dtype in (np.float32, np.float64))
    np.testing.assert_allclose(single.poses, double.poses, rtol=0, atol=3e-6)
    np.testing.assert_allclose(single.projected, double.projected, rtol=0, atol=3e-6)


def test_no_frames(goldens_dir: Path) -> None:
    seen = refine_frames(recipe_weights(goldens_dir, 64), np.zeros((0, 48)), np.zeros((0, 32)))
    assert seen.poses.shape == (0, 2, 48)


@LOSSES
def test_gradient_of_the_loss(loss: PictureLoss) -> None:
    rng = np.random.default_rng(3)
    p, d, weight = rng.random((1, 32)), rng.random((1, 32)), rng.random((1, 16))
    weight[0, 4] = 0

    def total(values: np.ndarray) -> float:
        error = loss(values, d, weight)
        return float(error.point[0] + loss.bone_weight * error.bone[0])

    step = 1e-6 * np.eye(32)
    numeric = [(total(p + s) - total(p - s)) / 2e-6 for s in step]
    np.testing.assert_allclose(loss(p, d, weight).gradient[0], numeric, rtol=1e-6, atol=1e-9)


def test_gradient_of_the_network(goldens_dir: Path) -> None:
    network = Correction(recipe_weights(goldens_dir, 64), dtype=np.float64)
    poses, pictures = sine_frames()
    for index in range(2):
        pose, picture = poses[index : index + 1], pictures[index : index + 1]
        hidden, corrected = network.correct(pose)
        projected, activations = network.project(corrected)
        gradient = network.pose_gradient(2 * (projected - picture), activations)
        steps = 1e-6 * np.eye(48)

        def loss(pose: np.ndarray, picture: np.ndarray = picture) -> float:
            return float(np.square(network.project(pose)[0] - picture).sum())

        numeric = [(loss(corrected + s) - loss(corrected - s)) / 2e-6 for s in steps]
        np.testing.assert_allclose(gradient[0], numeric, rtol=1e-5, atol=1e-7)
        to_hidden = network.hidden_gradient(gradient, hidden)
        assert (to_hidden[hidden == 0] == 0).all()


def test_published_bones_forget_their_direction() -> None:
    mirrored = np.full((1, 16, 2), 0.5)
    mirrored[0, 1] = 0.6, 0.5
    seen = mirrored.copy()
    seen[0, 1] = 0.4, 0.5
    p, d = mirrored.reshape(1, 32), seen.reshape(1, 32)
    # The child's own bone to r_knee is as long, too: only the points differ.
    assert PictureLoss(bones="published")(p, d).bone[0] == pytest.approx(0)
    assert PictureLoss()(p, d).bone[0] > 0


@LOSSES
@pytest.mark.parametrize("value", [0.9, np.nan])
def test_a_joint_that_is_missing_says_nothing(loss: PictureLoss, value: float) -> None:
    rng = np.random.default_rng(4)
    p, d, weight = rng.random((1, 32)), rng.random((1, 32)), np.ones((1, 16))
    weight[0, 11] = 0
    other = d.copy()
    other[0, 22:24] = value
    for name in ("point", "bone", "gradient"):
        np.testing.assert_array_equal(getattr(loss(p, d, weight), name), getattr(loss(p, other, weight), name))
    assert (loss(p, d, weight).gradient[0, 22:24] == 0).all()


def test_losses_out_of_range_are_named() -> None:
    with pytest.raises(InputError, match="2 problems"):
        PictureLoss(bone_weight=-1.0, masked=("nose",))

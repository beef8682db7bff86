"""Metrics against the outputs of the published implementations."""

import numpy as np
import pytest

from maquette.evaluate import metrics


@pytest.fixture
def losses(goldens_dir):
    with np.load(goldens_dir / "metrics" / "losses_videopose3d.npz") as data:
        return dict(data)


@pytest.fixture
def matlab(goldens_dir):
    with np.load(goldens_dir / "metrics" / "procrustes_martinez.npz") as data:
        return dict(data)


def test_agrees_with_videopose3d(losses):
    predicted, target = losses["predicted"].astype(float), losses["target"].astype(float)
    assert metrics.mpjpe(predicted, target).mean() == pytest.approx(float(losses["mpjpe"]), rel=1e-5)
    assert metrics.n_mpjpe(predicted, target).mean() == pytest.approx(float(losses["n_mpjpe"]), rel=1e-5)
    assert metrics.pa_mpjpe(predicted, target).mean() == pytest.approx(float(losses["p_mpjpe_f64"]), rel=1e-6)
    # The original computed this one in float32; one pose is an exact similarity, with an error of 0 but for rounding.
    np.testing.assert_allclose(metrics.pa_mpjpe(predicted, target), losses["p_mpjpe_per_frame"], rtol=1e-5, atol=1e-7)
    assert metrics.velocity_error(predicted, target).mean() == pytest.approx(
        float(losses["mean_velocity_error"]), rel=1e-5
    )


@pytest.mark.parametrize("scale", [True, False])
def test_procrustes_agrees_with_martinez_mirrored_poses_included(matlab, scale):
    kind = "scale" if scale else "noscale"
    aligned = metrics.procrustes(matlab["input_Y"], matlab["target_X"], scale=scale)
    np.testing.assert_allclose(aligned, matlab[f"{kind}_aligned"], rtol=1e-9, atol=1e-6)
    errors = metrics.mpjpe(aligned, matlab["target_X"])
    np.testing.assert_allclose(errors, matlab[f"{kind}_joint_err"].mean(axis=1), rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(
        metrics.mpjpe(matlab["input_Y"], matlab["target_X"]), matlab["plain_joint_err"].mean(axis=1), rtol=1e-9
    )


def test_no_error_after_any_similarity_transform():
    rng = np.random.default_rng(0)
    target = rng.standard_normal((20, 17, 3))
    q, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    q *= np.sign(np.linalg.det(q))
    moved = 2.5 * target @ q.T + np.array([1.0, -2.0, 3.0])
    assert metrics.pa_mpjpe(moved, target).max() < 1e-12
    assert metrics.n_mpjpe(0.3 * target, target).max() < 1e-12
    assert metrics.pa_mpjpe(target * [-1, 1, 1], target).min() > 0.1


def test_poses_without_extent_do_not_divide_by_zero():
    target = np.random.default_rng(0).standard_normal((2, 17, 3))
    point = np.zeros_like(target)
    expected = metrics.mpjpe(np.broadcast_to(target.mean(axis=1, keepdims=True), target.shape), target)
    np.testing.assert_allclose(metrics.pa_mpjpe(point, target), expected)
    assert np.isfinite(metrics.n_mpjpe(point, target)).all()
    assert np.isfinite(metrics.pa_mpjpe(target, point)).all()

"""Metrics against the outputs of the published implementations."""

import numpy as np
import pytest

from maquette.evaluate import metrics


@pytest.fixture(params=["videopose3d", "rie"])
def losses(goldens_dir, request):
    with np.load(goldens_dir / "metrics" / f"losses_{request.param}.npz") as data:
        return dict(data)


@pytest.fixture
def matlab(goldens_dir):
    with np.load(goldens_dir / "metrics" / "procrustes_martinez.npz") as data:
        return dict(data)


def test_agrees_with_videopose3d_and_rie(losses):
    predicted, target = losses["predicted"].astype(float), losses["target"].astype(float)
    # The originals computed all but one in float32.
    for metric, name in (
        (metrics.mpjpe, "mpjpe"),
        (metrics.n_mpjpe, "n_mpjpe"),
        (metrics.pa_mpjpe, "p_mpjpe"),
        (metrics.velocity_error, "mean_velocity_error"),
    ):
        assert metric(predicted, target).mean() == pytest.approx(float(losses[name]), rel=1e-6), name
    assert metrics.pa_mpjpe(predicted, target).mean() == pytest.approx(float(losses["p_mpjpe_f64"]), rel=1e-12)
    # One pose is an exact similarity, with an error of 0 but for rounding.
    np.testing.assert_allclose(metrics.pa_mpjpe(predicted, target), losses["p_mpjpe_per_frame"], rtol=1e-5, atol=1e-7)


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


def test_joint_errors_are_what_the_mean_is_made_of(matlab):
    errors = metrics.joint_errors(matlab["input_Y"], matlab["target_X"])
    np.testing.assert_allclose(errors, matlab["plain_joint_err"], rtol=1e-9)


def test_acceleration_of_a_known_curve():
    t = np.arange(12)[:, None, None]
    still = np.zeros((12, 3, 3))
    # x = 3 t^2 has the second difference 6; adding a line in time changes nothing.
    curve = np.concatenate([3.0 * t**2 + 5 * t, 4 * t, 0 * t], axis=-1) * np.ones((1, 3, 1))
    np.testing.assert_allclose(metrics.acceleration_error(curve, still), 6)
    np.testing.assert_allclose(metrics.velocity_error(curve, curve + 1), 0, atol=1e-12)
    np.testing.assert_allclose(metrics.velocity_error(curve + 2 * t * [1, 0, 0], curve), 2)


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_clips_too_short_for_a_difference_have_none(frames):
    poses = np.zeros((frames, 17, 3))
    assert len(metrics.velocity_error(poses, poses)) == max(frames - 1, 0)
    assert len(metrics.acceleration_error(poses, poses)) == max(frames - 2, 0)


def errors_in_m(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    errors = rng.gamma(2.0, 0.05, (30, 14))
    # Thresholds themselves are not nearer than the threshold.
    errors[0, :4] = metrics.AUC_THRESHOLDS_M[[0, 1, 15, 30]]
    return errors


def test_pck_and_auc_joint_by_joint():
    errors = errors_in_m()
    thresholds = [5 * k / 1000 for k in range(31)]
    shares = [np.mean([[e < t for e in row] for row in errors]) for t in thresholds]
    assert metrics.pck(errors).mean() == pytest.approx(shares[-1], abs=1e-12)
    assert metrics.auc(errors).mean() == pytest.approx(np.mean(shares), abs=1e-12)
    np.testing.assert_allclose(metrics.pck_curve(errors), shares, atol=1e-12)
    assert metrics.pck(errors, 0.05).mean() == pytest.approx(shares[10], abs=1e-12)


def test_pck_in_closed_form():
    # One joint exact, one 100 mm away, one 1 m away: 2 of 3 are near enough; the first is correct at 30 of the 31
    # thresholds (not at 0), the second at 105 ... 150.
    errors = np.array([[0.0, 0.1, 1.0]])
    assert metrics.pck(errors)[0] == pytest.approx(2 / 3)
    assert metrics.auc(errors)[0] == pytest.approx((30 + 10) / 31 / 3)
    assert metrics.pck_curve(errors[:0]).tolist() == [0.0] * 31


def test_pcp_against_plain_loops():
    rng = np.random.default_rng(3)
    target = rng.normal(size=(25, 6, 3))
    predicted = target + rng.normal(scale=0.4, size=target.shape)
    target[4, 1] = target[4, 0]
    limbs = [(0, 1), (1, 2), (5, 3)]
    found = metrics.pcp(predicted, target, limbs)
    for t in range(25):
        for k, (a, b) in enumerate(limbs):
            length = sum((x - y) ** 2 for x, y in zip(target[t, a], target[t, b], strict=True)) ** 0.5
            ends = [
                sum((x - y) ** 2 for x, y in zip(predicted[t, j], target[t, j], strict=True)) ** 0.5 for j in (a, b)
            ]
            if length == 0:
                assert np.isnan(found[t, k])
            else:
                assert found[t, k] == (max(ends) <= length / 2)
    assert 0.2 < np.nanmean(found) < 0.9
    assert metrics.pcp(predicted, target, []).shape == (25, 0)


def test_half_a_limb_is_near_enough_and_more_is_not():
    target = np.array([[[0.0, 0, 0], [1, 0, 0]]])
    for offset, correct in ((0.5, 1), (0.500001, 0)):
        moved = target + np.array([[0, 0, 0], [0, offset, 0]])
        assert metrics.pcp(moved, target, [(0, 1)])[0, 0] == correct

"""Alignment against the recorded Procrustes of Martinez et al. and against transforms known beforehand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from maquette import geometry as g


@pytest.mark.parametrize(("prefix", "scale"), [("scale", True), ("noscale", False)])
def test_agrees_with_martinez(goldens_dir, prefix, scale):
    golden = np.load(goldens_dir / "geometry" / "procrustes_martinez.npz")
    result = g.similarity_align(golden["target_X"], golden["input_Y"], scale=scale)
    np.testing.assert_allclose(result.aligned, golden[f"{prefix}_aligned"], rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(result.scale, golden[f"{prefix}_b"], rtol=1e-9)
    np.testing.assert_allclose(result.rotation, np.swapaxes(golden[f"{prefix}_T"], -1, -2), atol=1e-9)
    error = np.linalg.norm(result.aligned - golden["target_X"], axis=-1)
    np.testing.assert_allclose(error, golden[f"{prefix}_joint_err"], rtol=1e-9, atol=1e-6)


@given(st.integers(0, 10_000), st.integers(4, 12))
def test_finds_a_known_transform(seed, n_points):
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(3, n_points, 3))
    rotation = Rotation.from_quat(rng.normal(size=(3, 4))).as_matrix()
    translation, scale = rng.normal(size=(3, 3)), rng.uniform(0.2, 5, 3)
    target = scale[:, None, None] * source @ np.swapaxes(rotation, -1, -2) + translation[:, None]
    target[0, 0] = np.nan
    source[1, 1, 2] = np.nan
    result = g.similarity_align(target, source)
    np.testing.assert_allclose(result.rotation, rotation, atol=1e-8)
    np.testing.assert_allclose(result.scale, scale, rtol=1e-8)
    np.testing.assert_allclose(result.translation, translation, atol=1e-7)
    assert np.isnan(result.aligned[1, 1, 2])
    assert np.isfinite(result.aligned[0]).all()
    rigid = g.rigid_align(target / scale[:, None, None], source)
    np.testing.assert_allclose(rigid.rotation, rotation, atol=1e-8)
    np.testing.assert_array_equal(rigid.scale, 1.0)


def test_a_mirror_image_is_turned_not_mirrored():
    source = np.random.default_rng(0).normal(size=(10, 3))
    result = g.similarity_align(source * [-1.0, 1.0, 1.0], source)
    assert np.linalg.det(result.rotation) == pytest.approx(1)
    assert np.linalg.norm(result.aligned - source * [-1.0, 1.0, 1.0]) > 0.5


def test_weights_choose_what_is_fitted():
    rng = np.random.default_rng(1)
    source = rng.normal(size=(8, 3))
    target = source + np.array([1.0, 2.0, 3.0])
    target[6:] += rng.normal(size=(2, 3)) * 5
    weights = np.array([1.0] * 6 + [0.0] * 2)
    result = g.rigid_align(target, source, weights=weights)
    np.testing.assert_allclose(result.rotation, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(result.translation, [1, 2, 3], atol=1e-12)
    twice = g.similarity_align(np.concatenate((target, target[:1])), np.concatenate((source, source[:1])))
    weighted = g.similarity_align(target, source, weights=np.array([2.0] + [1.0] * 7))
    np.testing.assert_allclose(twice.rotation, weighted.rotation, atol=1e-12)
    assert twice.scale == pytest.approx(weighted.scale)


def test_degenerate_sets():
    points = np.random.default_rng(2).normal(size=(5, 3))
    nothing = g.similarity_align(np.full((5, 3), np.nan), points)
    assert np.isnan(nothing.aligned).all()
    assert np.isnan(nothing.scale)
    flat = g.similarity_align(points, np.ones((5, 3)))
    np.testing.assert_allclose(flat.aligned, np.broadcast_to(points.mean(axis=0), (5, 3)), atol=1e-12)
    assert flat.scale == 1
    one = g.rigid_align(points[:1], points[1:2])
    np.testing.assert_allclose(one.aligned, points[:1], atol=1e-12)

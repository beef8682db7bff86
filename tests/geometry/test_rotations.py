"""Rotations against SciPy, VideoPose3D's recorded outputs and the laws of the group."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.transform import Rotation, Slerp

from maquette import geometry as g

RANDOM = Rotation.from_quat(np.random.default_rng(11).normal(size=(500, 4)))
QUATS = np.roll(RANDOM.as_quat(), 1, axis=-1)
VECTORS = np.random.default_rng(3).normal(size=(500, 3))

vectors = hnp.arrays(np.float64, 3, elements=st.floats(-10, 10)).filter(lambda v: np.linalg.norm(v) > 1e-3)
quats = (
    hnp.arrays(np.float64, 4, elements=st.floats(-1, 1))
    .filter(lambda q: np.linalg.norm(q) > 1e-2)
    .map(g.quat_normalize)
)


def same_rotation(a, b, atol=1e-12):
    return np.all(g.quat_angle(a, b) < atol)


def test_conversions_agree_with_scipy():
    np.testing.assert_allclose(g.quat_to_matrix(QUATS), RANDOM.as_matrix(), atol=1e-14)
    np.testing.assert_allclose(g.quat_to_rotvec(QUATS), RANDOM.as_rotvec(), atol=1e-13)
    assert same_rotation(g.matrix_to_quat(RANDOM.as_matrix()), QUATS)
    assert same_rotation(g.rotvec_to_quat(RANDOM.as_rotvec()), QUATS)
    np.testing.assert_allclose(g.quat_rotate(QUATS, VECTORS), RANDOM.apply(VECTORS), atol=1e-14)


def test_product_applies_the_right_factor_first():
    product = g.quat_multiply(QUATS[:-1], QUATS[1:])
    assert same_rotation(product, np.roll((RANDOM[:-1] * RANDOM[1:]).as_quat(), 1, axis=-1))
    np.testing.assert_allclose(
        g.quat_rotate(product, VECTORS[1:]),
        g.quat_rotate(QUATS[:-1], g.quat_rotate(QUATS[1:], VECTORS[1:])),
        atol=1e-13,
    )


def test_agrees_with_videopose3d(goldens_dir):
    golden = np.load(goldens_dir / "geometry" / "quaternions_videopose3d.npz")
    np.testing.assert_allclose(g.quat_rotate(golden["q"], golden["v"]), golden["qrot"], atol=2e-6)
    np.testing.assert_allclose(g.quat_conjugate(golden["q"]), golden["qinverse"], atol=1e-6)
    R_world_camera = g.quat_to_matrix(golden["cam_q"].astype(float))
    np.testing.assert_allclose(
        g.world_to_camera(golden["world"].astype(float), R_world_camera.T, golden["cam_t"].astype(float)),
        golden["world_to_camera"],
        atol=5e-6,
    )
    np.testing.assert_allclose(
        g.camera_to_world(golden["world_to_camera"].astype(float), R_world_camera.T, golden["cam_t"].astype(float)),
        golden["camera_to_world"],
        atol=5e-6,
    )


@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, -1, 1)])
@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-4, 1.0, np.pi - 1e-9, np.pi])
def test_every_branch_of_matrix_to_quat(axis, angle):
    q = g.quat_about(np.array(axis, dtype=float), angle)
    back = g.matrix_to_quat(g.quat_to_matrix(q))
    assert back[0] >= 0
    assert same_rotation(back, q, 1e-14)


def test_tiny_turns_survive_the_logarithm():
    rotvec = np.array([[1e-9, -2e-10, 3e-11], [0.0, 0.0, 0.0], [1e-15, 0, 0]])
    np.testing.assert_allclose(g.quat_to_rotvec(g.rotvec_to_quat(rotvec)), rotvec, rtol=1e-12)


@given(quats, quats, quats)
def test_group_laws(a, b, c):
    left = g.quat_multiply(g.quat_multiply(a, b), c)
    np.testing.assert_allclose(left, g.quat_multiply(a, g.quat_multiply(b, c)), atol=1e-14)
    np.testing.assert_allclose(g.quat_multiply(a, g.quat_conjugate(a)), g.quat_identity(), atol=1e-14)
    np.testing.assert_allclose(g.quat_multiply(a, g.quat_identity()), a, atol=0)


@given(quats)
def test_round_trips(q):
    assert same_rotation(g.matrix_to_quat(g.quat_to_matrix(q)), q)
    assert same_rotation(g.rotvec_to_quat(g.quat_to_rotvec(q)), q)
    matrix = g.quat_to_matrix(q)
    np.testing.assert_allclose(g.sixd_to_matrix(g.matrix_to_6d(matrix)), matrix, atol=1e-14)
    assert same_rotation(g.quat_from_axes(*matrix.T), q)


def test_slerp_agrees_with_scipy_and_takes_the_short_way():
    t = np.linspace(0, 1, 9)
    for i in range(20):
        expected = Slerp([0, 1], RANDOM[i : i + 2])(t).as_quat()
        assert same_rotation(g.quat_slerp(QUATS[i], QUATS[i + 1], t), np.roll(expected, 1, axis=-1))
    np.testing.assert_allclose(g.quat_slerp(QUATS[0], -QUATS[0], 0.3), QUATS[0], atol=1e-15)
    batch = g.quat_slerp(QUATS[:10], QUATS[10:20], 0.5)
    np.testing.assert_allclose(g.quat_angle(QUATS[:10], batch), g.quat_angle(batch, QUATS[10:20]), atol=1e-12)


@example(np.array([4.0, 0.0, 2.0**-24]), np.array([-1.0, 0.0, 0.0]))
@given(vectors, vectors)
def test_between_is_the_shortest_turn(u, v):
    q = g.quat_between(u, v)
    turned = g.quat_rotate(q, u / np.linalg.norm(u))
    np.testing.assert_allclose(turned, v / np.linalg.norm(v), atol=1e-8)
    angle = np.arctan2(np.linalg.norm(np.cross(u, v)), np.dot(u, v))
    np.testing.assert_allclose(g.quat_angle(q, g.quat_identity()), angle, atol=1e-7)


def test_between_opposite_directions():
    u = np.array([[0.0, 1.0, 0.0], [1.0, 2.0, -3.0]])
    q = g.quat_between(u, -2 * u)
    np.testing.assert_allclose(g.quat_rotate(q, u), -u, atol=1e-12)
    hinge = g.quat_between(u, -u, axis=np.array([0.0, 1.0, 1.0]))
    np.testing.assert_allclose(g.quat_rotate(hinge, u), -u, atol=1e-12)
    np.testing.assert_allclose(np.abs(hinge[0]), [0, 0, 0, 1], atol=1e-12)
    useless_axis = g.quat_between(u[0], -u[0], axis=u[0])
    np.testing.assert_allclose(g.quat_rotate(useless_axis, u[0]), -u[0], atol=1e-12)


def test_continuous_removes_sign_flips_and_skips_gaps():
    smooth = g.quat_about(np.array([1.0, 2.0, 3.0]), np.linspace(0, 12, 60))
    flipped = smooth * np.where(np.random.default_rng(0).random(60) < 0.5, -1, 1)[:, None]
    flipped[20:25] = np.nan
    fixed = g.quat_continuous(np.stack((flipped, -flipped), axis=1))
    expected = smooth * np.sign(np.sum(fixed[0, 0] * smooth[0]))
    keep = ~np.isnan(fixed[:, 0, 0])
    assert keep.sum() == 55
    np.testing.assert_allclose(fixed[keep, 0], expected[keep], atol=1e-15)
    leading = np.concatenate((np.full((3, 4), np.nan), flipped[:10]))
    np.testing.assert_allclose(np.abs(g.quat_continuous(leading)[3:]), np.abs(smooth[:10]), atol=1e-15)


@given(quats, vectors)
def test_swing_and_twist(q, axis):
    swing, twist = g.swing_twist(q, axis)
    np.testing.assert_allclose(g.quat_multiply(swing, twist), q, atol=1e-12)
    unit = axis / np.linalg.norm(axis)
    np.testing.assert_allclose(np.cross(twist[1:], unit), 0, atol=1e-10)
    assert abs(swing[1:] @ unit) < 1e-6
    assert twist[0] >= 0


def test_a_half_turn_swing_has_no_twist():
    q = np.array([0.0, 1.0, 0.0, 0.0])
    swing, twist = g.swing_twist(q, np.array([0.0, 1.0, 0.0]))
    np.testing.assert_allclose(twist, g.quat_identity())
    np.testing.assert_allclose(swing, q)


@given(vectors, vectors, st.permutations("xyz"))
def test_matrix_from_two_vectors(u, v, letters):
    first, second = "xyz".index(letters[0]), "xyz".index(letters[1])
    if np.linalg.norm(np.cross(u, v)) < 1e-6 * np.linalg.norm(u) * np.linalg.norm(v):
        return
    matrix = g.matrix_from_two_vectors(u, v, letters[0] + letters[1])
    np.testing.assert_allclose(matrix.T @ matrix, np.eye(3), atol=1e-9)
    assert np.linalg.det(matrix) > 0
    np.testing.assert_allclose(matrix[:, first], u / np.linalg.norm(u), atol=1e-12)
    assert matrix[:, second] @ v > 0
    np.testing.assert_allclose(matrix[:, 3 - first - second] @ v / np.linalg.norm(v), 0, atol=1e-9)


def test_missing_stays_missing():
    q = np.array([[np.nan] * 4, [1.0, 0, 0, 0]])
    for result in (g.quat_normalize(q), g.matrix_to_quat(g.quat_to_matrix(q)), g.quat_slerp(q, q, 0.5)):
        assert np.isnan(result[0]).all()
        np.testing.assert_allclose(result[1], q[1])
    assert np.isnan(g.quat_normalize(np.zeros(4))).all()
    assert np.isnan(g.quat_between(np.zeros(3), np.ones(3))).all()
    assert np.isnan(g.matrix_from_two_vectors(np.ones(3), np.ones(3), "xy")).any()

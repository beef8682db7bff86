"""What virtual detectors mark and virtual cameras see."""

import numpy as np
import pytest

from maquette.datasets.cameras import Views, draw_views, look, project
from maquette.datasets.detector_noise import disturb
from maquette.datasets.landmarks import FORMAT_HAS, FORMAT_SHARES, draw_formats, mark
from maquette.datasets.mocap import positions_of
from maquette.mapping import LANDMARKS_27_V1
from maquette.skeletons import H36M_17, LANDMARKS_27

FORMATS = tuple(FORMAT_SHARES)


def of(points: np.ndarray, name: str) -> np.ndarray:
    return points[..., LANDMARKS_27.index(name), :]


def test_each_format_marks_what_the_map_of_the_inference_makes():
    for row, name in zip(FORMAT_HAS, FORMATS, strict=True):
        assert {LANDMARKS_27.joints[i] for i in np.flatnonzero(row)} == set(LANDMARKS_27_V1[name].rows)


def test_h36m_marks_the_joints_exactly(motion):
    nodes = positions_of(motion)
    marked = mark(np.random.default_rng(0), motion, nodes, np.full(8, FORMATS.index("h36m-17")))
    np.testing.assert_array_equal(marked.points[:, :, : len(H36M_17)], nodes[:, :, : len(H36M_17)])


def test_a_detector_marks_a_plausible_body(pose):
    n = 200
    vectors = np.tile(pose, (n, 3, 1, 1))
    nodes = positions_of(vectors)
    points = mark(np.random.default_rng(0), vectors, nodes, np.full(n, FORMATS.index("openpose-body-25"))).points[:, 0]
    nose, ears, eyes = of(points, "face_nose"), of(points, "l_ear"), of(points, "l_eye")
    assert (nose[:, 2] > ears[:, 2]).all(), "the nose is in front of the ears of someone who faces +z"
    assert (eyes[:, 0] > of(points, "r_eye")[:, 0]).mean() > 0.97, "the left eye is on the left"
    width = np.linalg.norm(of(points, "l_hip") - of(points, "r_hip"), axis=-1) / 2
    assert np.median(width) == pytest.approx(0.11, abs=0.006)
    assert np.median(of(points, "hip")[:, 1] - nodes[:, 0, 0, 1]) == pytest.approx(0.02, abs=0.006)
    spread = of(points, "l_knee") - nodes[:, 0, 5]
    assert 0.008 < spread.std() < 0.02
    middle = (of(points, "l_shoulder") + of(points, "r_shoulder")) / 2
    assert np.linalg.norm(of(points, "neck") - middle, axis=-1).max() < 0.05


def test_cameras_see_the_world_upright_and_unmirrored(pose):
    """Seen from the front, somebody's head is up in the picture and their left hand on its right."""
    views = Views(
        look(np.zeros(1), np.radians([10.0]), np.zeros(1)),
        np.array([[0, 0, 4]], dtype=np.float32),
        np.ones(1, dtype=np.float32),
        np.ones((1, 2), dtype=np.float32),
        np.ones(1, dtype=np.float32),
    )
    np.testing.assert_allclose(np.linalg.det(views.R_camera_world), 1, atol=1e-6)
    nodes = positions_of(pose[None, None])
    picture, front = project(views, nodes)
    assert front.all()
    np.testing.assert_allclose(picture[0, 0, 0], 0, atol=1e-6)
    head, left_wrist, right_wrist, toe = (picture[0, 0, i] for i in (10, 13, 16, 19))
    assert head[1] < 0 < toe[1]
    assert left_wrist[0] > 0 > right_wrist[0]
    # The camera looks down at them, so it is above: what is nearer to it lies lower in the picture.
    assert picture[0, 0, 19, 1] > picture[0, 0, 17, 1]


def test_drawn_cameras_are_rotations_that_keep_the_root_in_the_picture():
    views = draw_views(np.random.default_rng(0), 500)
    R = views.R_camera_world
    np.testing.assert_allclose(R @ R.transpose(0, 2, 1), np.broadcast_to(np.eye(3), R.shape), atol=1e-5)
    place = views.root_m[:, :2] / views.root_m[:, 2:] * views.focal[:, None]
    assert (np.abs(place) < 0.5 * views.size).all()
    assert np.mean(views.assumed_focal == views.focal) == pytest.approx(0.5, abs=0.1)
    np.testing.assert_allclose(
        np.linalg.norm(views.root_m, axis=1).clip(1.8, 14.1), np.linalg.norm(views.root_m, axis=1)
    )


def test_formats_come_in_their_shares():
    drawn = np.bincount(draw_formats(np.random.default_rng(0), 4000), minlength=len(FORMATS)) / 4000
    np.testing.assert_allclose(drawn, list(FORMAT_SHARES.values()), atol=0.03)


def test_detector_errors_leave_clean_windows_alone_and_disturb_the_others():
    rng = np.random.default_rng(0)
    picture = rng.uniform(-0.2, 0.2, (400, 27, 27, 2)).astype(np.float32)
    seen = np.ones(picture.shape[:3], dtype=bool)
    sizes = {"person_side": np.full(400, 0.25, dtype=np.float32), "size": np.ones((400, 2), dtype=np.float32)}
    same, still_seen = disturb(np.random.default_rng(1), picture, seen, clean_share=1.0, **sizes)
    np.testing.assert_allclose(same, picture, atol=1e-7)
    assert still_seen.all()
    points, left = disturb(np.random.default_rng(1), picture, seen, clean_share=0.0, **sizes)
    off = np.linalg.norm(points - picture, axis=-1) / (0.25 * 1.7)
    assert 0.003 < np.median(off) < 0.03, "heights of the person"
    assert 0.75 < left.mean() < 0.97
    wrists, hips = (np.median(off[:, :, LANDMARKS_27.indices([f"l_{n}", f"r_{n}"])]) for n in ("wrist", "hip"))
    assert wrists > 1.2 * hips

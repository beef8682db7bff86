"""The films of the grid obey projective geometry, and conditions change what they say and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from maquette.datasets.mocap import load_clips, positions_of
from maquette.errors import InputError
from maquette.lifter_benchmark.grid import AXES, BASE, CONDITIONS, ELEVATION, NOISY_RATE, RATE
from maquette.lifter_benchmark.mistakes import detect, hide
from maquette.lifter_benchmark.tracks import IMAGE_SIZE, cut, film
from maquette.skeletons import LANDMARKS_27

SEED = (3, 0, 0, 0)


@pytest.fixture(scope="module")
def pieces(data):
    return cut(load_clips(data / "cmu"), 4)


def root_of(points_px: np.ndarray, pose: np.ndarray, focal_px: float) -> tuple[np.ndarray, float]:
    """Where the root must be for the pose to be seen there: two equations for each joint, linear in the root.

    Returns the root and the largest error of reprojection in pixels.
    """
    rays = (points_px - np.array(IMAGE_SIZE) / 2) / focal_px
    A = np.concatenate([[[1, 0, -x], [0, 1, -y]] for x, y in rays])
    b = np.concatenate([[x * p[2] - p[0], y * p[2] - p[1]] for (x, y), p in zip(rays, pose, strict=True)])
    root, *_ = np.linalg.lstsq(A, b, rcond=None)
    seen = pose + root
    return root, float(np.abs(seen[:, :2] / seen[:, 2:] * focal_px - rays * focal_px).max())


def test_two_d_is_the_projection_of_the_targets(pieces) -> None:
    for piece in pieces:
        track = film(piece, BASE, SEED)
        for frame, pose in zip(track.instants, track.targets_m, strict=True):
            root, error_px = root_of(track.points_px[frame, :17].astype(float), pose.astype(float), track.focal_px)
            assert error_px < 0.05
            assert 1.5 < root[2]


def test_everybody_is_in_the_picture_all_the_time(pieces) -> None:
    for i, piece in enumerate(pieces):
        track = film(piece, BASE, (3, 0, 0, i))
        assert ((track.points_px[:, :17] >= 0) & (track.points_px[:, :17] <= IMAGE_SIZE)).all()


def test_the_same_instants_at_every_frame_rate(pieces) -> None:
    tracks = [film(pieces[2], c, SEED) for c in CONDITIONS if c.axis == RATE]
    assert [len(track.times_s) for track in tracks] == [41, 61, 101, 201, 241]
    for track in tracks:
        np.testing.assert_allclose(track.times_s[track.instants], np.arange(21) * 0.2, atol=1e-9)
        np.testing.assert_allclose(track.points_px[track.instants], tracks[3].points_px[tracks[3].instants], atol=1e-2)
        np.testing.assert_array_equal(track.targets_m, tracks[3].targets_m)


@pytest.mark.parametrize("condition", [c for c in CONDITIONS if c.axis == ELEVATION], ids=lambda c: c.label)
def test_cameras_look_down_as_the_condition_says(pieces, condition) -> None:
    body = positions_of(pieces[0])[0, :17]
    for i in range(5):
        target = film(pieces[0], condition, (3, 0, 0, i)).targets_m[0]
        # Kabsch: the rotation from the recording to the camera.
        U, _, Vt = np.linalg.svd(target.T.astype(float) @ (body - body[0]))
        R = U @ np.diag([1, 1, np.linalg.det(U @ Vt)]) @ Vt
        low, high = condition.elevation_deg
        assert low - 0.01 <= np.degrees(np.arcsin(-R[2, 1])) <= high + 0.01


def test_noise_is_as_strong_as_it_says() -> None:
    points = np.full((4000, 27, 2), 500, dtype=np.float32)
    for strength in (0.5, 2.0):
        found = detect(np.random.default_rng(1), points, person_px=400.0, fps=50, strength=strength)
        error = np.abs(found - points)
        wrist, hip = (error[:, LANDMARKS_27.index(name)] for name in ("l_wrist", "hip"))
        # Median of |N(0, s)| is 0.6745 s; jitter and drift add up to sqrt(2) times the jitter.
        assert np.median(wrist) == pytest.approx(0.6745 * np.sqrt(2) * strength * 0.010 * 400, rel=0.1)
        assert np.median(hip) == pytest.approx(0.6745 * np.sqrt(2) * strength * 0.005 * 400, rel=0.1)
        assert np.isfinite(found).all()


def test_exchanged_sides_appear() -> None:
    points = np.zeros((3000, 27, 2), dtype=np.float32)
    left, right = LANDMARKS_27.index("l_wrist"), LANDMARKS_27.index("r_wrist")
    points[:, right] = 1000
    found = detect(np.random.default_rng(0), points, person_px=1e-6, fps=50, strength=20.0)
    exchanged = found[:, left, 0] > 500
    assert 0 < exchanged.sum() < 600
    np.testing.assert_array_equal(exchanged, found[:, right, 0] < 500)


@pytest.mark.parametrize(
    ("hidden", "missing"),
    [("nothing", 0), ("one arm", 2), ("one leg", 4), ("lower body", 11), ("30 % of points", None)],
)
def test_hidden_points(hidden, missing) -> None:
    seen = hide(np.random.default_rng(0), np.ones((500, 27), dtype=bool), hidden)
    if missing is None:
        assert np.abs((~seen).mean() - 0.3) < 0.01
    else:
        assert (~seen).any(0).sum() == missing == (~seen).all(0).sum()


def test_conditions_differ_from_the_base_in_one_thing() -> None:
    for condition in CONDITIONS:
        changed = [f for f in ("detector", "noise", "elevation_deg", "hidden", "fps", "focal_told")
                   if getattr(condition, f) != getattr(BASE, f)]  # fmt: skip
        assert len(changed) <= (2 if condition.axis == NOISY_RATE else 1)
    assert len({replace(c, axis="") for c in CONDITIONS}) == len(CONDITIONS)
    assert len(AXES) == 8


def test_no_clips_and_no_tracks_are_refused() -> None:
    with pytest.raises(InputError, match="0 clips and 3 tracks"):
        cut([], 3)

"""Joints are drawn where the projection says: measured in the finished video, against cameras and plain geometry."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from drawn_clips import centroid, read_video, standing, walk, write_video

from maquette.geometry.camera import Camera
from maquette.keypoints import Keypoints
from maquette.motion import Frame, Motion
from maquette.render import render_frames, render_video
from maquette.render.look import SIDE_COLOURS
from maquette.skeleton import Skeleton
from maquette.skeletons import LIFTED_21

DOTS = Skeleton("two-dots", ("l_dot", "r_dot"), (-1, -1), (("l_dot", "r_dot"),))
LEFT, RIGHT = SIDE_COLOURS["left"], SIDE_COLOURS["right"]


def dots(positions_m: np.ndarray, frame: Frame = "world", camera: Camera | None = None) -> Motion:
    return Motion(positions_m, DOTS, Fraction(10), frame, camera=camera)


def without_legend(picture: np.ndarray) -> np.ndarray:
    return picture[: int(picture.shape[0] * 0.93)]


def test_keypoints_lie_on_what_they_mark_in_the_video(tmp_path: Path) -> None:
    """A video with a black square that moves; the keypoint at its middle must be drawn in its middle, in step."""
    rng = np.random.default_rng(0)
    places = rng.integers(60, 260, size=(12, 2)) // 2 * 2
    pictures = []
    for x, y in places:
        picture = np.full((360, 640, 3), 230, dtype=np.uint8)
        picture[y - 24 : y + 24, x - 24 : x + 24] = 0
        pictures.append(picture)
    source = write_video(tmp_path / "in.mp4", pictures, Fraction(10))
    points = np.stack([places, np.full((12, 2), np.nan)], axis=1).astype(float)
    keypoints = Keypoints(points, np.ones((12, 2)), DOTS, Fraction(10), (640, 360))
    render_video(tmp_path / "out.mp4", keypoints, None, video=source, size=(960, 540))
    exact = render_frames(keypoints, None, video=source, size=(960, 540))
    for picture, decoded in zip(exact, read_video(tmp_path / "out.mp4")[0], strict=True):
        dot = centroid(without_legend(picture), LEFT)
        dark = without_legend(picture)[:, 20:700].max(axis=-1) < 110
        y, x = (np.flatnonzero(dark.any(axis=axis)) for axis in (1, 0))
        middle = [(x[0] + x[-1] + 1) / 2 + 20, (y[0] + y[-1] + 1) / 2]
        np.testing.assert_allclose(dot, middle, atol=0.6)
        # Colour has half the resolution in the file.
        np.testing.assert_allclose(centroid(without_legend(decoded), LEFT), middle, atol=1.2)


def test_keypoints_found_in_a_smaller_copy_of_the_video_still_fit(tmp_path: Path) -> None:
    picture = np.full((360, 640, 3), 230, dtype=np.uint8)
    picture[100:140, 400:440] = 0
    source = write_video(tmp_path / "in.mp4", [picture] * 2, Fraction(10))
    points = np.array([[[210.0, 60.0], [np.nan, np.nan]]] * 2)
    keypoints = Keypoints(points, np.ones((2, 2)), DOTS, Fraction(10), (320, 180))
    out = next(iter(render_frames(keypoints, None, video=source)))
    dot = centroid(without_legend(out), LEFT)
    assert (out[int(dot[1]), int(dot[0]) + 20] < 60).all()
    assert (out[int(dot[1]), int(dot[0]) - 20] < 60).all()
    assert (out[int(dot[1]) + 20, int(dot[0])] < 60).all()


@pytest.mark.parametrize("size", [(960, 540), (640, 360), (500, 700)])
def test_keypoints_without_a_video_keep_the_shape_of_the_picture(size: tuple[int, int]) -> None:
    """Corners of the picture are drawn as a rectangle of its aspect, and other points in proportion."""
    places = np.array([[30, 30], [1250, 30], [30, 650], [1250, 650], [320, 180], [111, 633]], dtype=float)
    points = np.stack([places, np.full_like(places, np.nan)], axis=1)
    keypoints = Keypoints(points, np.ones((6, 2)), DOTS, Fraction(10), (1280, 720))
    drawn = np.array([centroid(without_legend(p), LEFT) for p in render_frames(keypoints, None, size=size)])
    # One scale and two offsets, no turn and no stretching.
    scale = np.ptp(drawn[:, 0]) / np.ptp(places[:, 0])
    np.testing.assert_allclose(drawn, scale * (places - places.mean(axis=0)) + drawn.mean(axis=0), atol=0.35)


def test_front_view_is_what_the_camera_sees(tmp_path: Path) -> None:
    """Points at one distance from a level camera: its perspective picture and our parallel one differ by one scale."""
    rng = np.random.default_rng(1)
    turn = 0.7
    across, towards = np.array([np.cos(turn), 0, -np.sin(turn)]), np.array([np.sin(turn), 0, np.cos(turn)])
    camera = Camera(
        (900.0, 900.0), (640.0, 360.0), (1280, 720), np.stack([across, [0, -1, 0], -towards]), 5 * towards + [0, 1, 0]
    )
    s, h = rng.uniform(-0.4, 0.4, (20, 2, 1)), rng.uniform(0.2, 1.8, (20, 2, 1))
    positions = s * across + h * np.array([0, 1.0, 0])
    pixels = camera.project_world(positions).reshape(-1, 2)
    motion = dots(positions, camera=camera)
    render_video(tmp_path / "a.mp4", None, motion, size=(960, 540))
    drawn = []
    for picture in read_video(tmp_path / "a.mp4")[0]:
        front = without_legend(picture)[:, 482:714]
        drawn += [centroid(front, LEFT, 60), centroid(front, RIGHT, 60)]
    drawn = np.array(drawn)
    scale = drawn[:, 0].std() / pixels[:, 0].std()
    expected = scale * (pixels - pixels.mean(axis=0)) + drawn.mean(axis=0)
    np.testing.assert_allclose(drawn, expected, atol=0.8)


def test_front_and_side_show_one_scale_and_the_right_directions() -> None:
    """Nobody says where the camera was: front is where the person looks from; facing +Z, the left hand is at +X."""
    positions = np.zeros((3, 2, 3))
    positions[:, 0] = [0.3, 1.0, 0.0]
    positions[:, 1] = [-0.3, 1.0, 0.0]
    positions[1] += [0, 0.5, 0]
    positions[2] += [0, 0, 0.4]
    start, up, forward = render_frames(None, dots(positions), size=(960, 540))
    front, side = np.s_[:500, 482:714], np.s_[:500, 722:952]
    left, right = centroid(start[front], LEFT), centroid(start[front], RIGHT)
    px_per_m = (left - right)[0] / 0.6
    assert px_per_m > 100, "the person's left is at the right of somebody who looks at their front"
    assert abs(left[1] - right[1]) < 0.5
    np.testing.assert_allclose(centroid(up[front], LEFT) - left, [0, -0.5 * px_per_m], atol=0.6)
    # Seen from the person's right, their right hand hides the left one, and forward is to the right.
    at_start = centroid(start[side], RIGHT)
    np.testing.assert_allclose(centroid(up[side], RIGHT) - at_start, [0, -0.5 * px_per_m], atol=0.6)
    np.testing.assert_allclose(centroid(forward[side], RIGHT) - at_start, [0.4 * px_per_m, 0], atol=0.6)
    np.testing.assert_allclose(centroid(forward[front], LEFT), left, atol=0.6)


def test_camera_frame_is_turned_upright() -> None:
    """In the camera frame y points down and z away."""
    positions = np.zeros((3, 2, 3))
    positions[:, 0], positions[:, 1] = [0.3, 0, 3], [-0.3, 0, 3]
    positions[1] += [0, 0.8, 0]
    positions[2] += [0, 0, -0.4]
    start, lower, nearer = render_frames(None, dots(positions, frame="camera"), size=(960, 540))
    front, side = np.s_[:500, 482:714], np.s_[:500, 722:952]
    assert centroid(start[front], LEFT)[0] > centroid(start[front], RIGHT)[0] + 50
    assert centroid(lower[front], LEFT)[1] > centroid(start[front], LEFT)[1] + 40
    assert centroid(nearer[side], RIGHT)[0] > centroid(start[side], RIGHT)[0] + 40, "the camera is at the right"


def test_the_ground_is_where_the_feet_stand() -> None:
    positions = np.repeat(standing()[None], 2, axis=0)
    picture = next(iter(render_frames(None, Motion(positions, LIFTED_21, Fraction(10), "world"), size=(960, 540))))
    column = picture[:505, 490].astype(int)
    ground = int(np.flatnonzero(np.abs(np.diff(column.sum(axis=-1))) > 15)[-2]) + 1
    left_foot = without_legend(picture)[:, 482:714]
    lowest = np.flatnonzero((np.abs(left_foot.astype(int) - LEFT).max(axis=-1) < 40).any(axis=1))[-1]
    # The toe's middle is 2 cm above the ground; its dot reaches a few pixels lower.
    assert -6 < ground - lowest < 8


def test_nobody_is_drawn_where_nobody_is_known() -> None:
    motion = walk(6)
    positions = motion.positions.copy()
    positions[2] = np.nan
    positions[3, 1:] = np.nan
    pictures = list(render_frames(None, Motion(positions, LIFTED_21, motion.fps, "world"), size=(320, 180)))
    for colour in (LEFT, RIGHT):
        near = [(np.abs(without_legend(p).astype(int) - colour).max(axis=-1) < 40).sum() for p in pictures]
        assert near[2] == near[3] == 0
        assert near[0] > 50


def test_doubtful_points_are_faint() -> None:
    points = np.array([[[100.0, 100.0], [300.0, 100.0]]] * 3)
    confidence = np.array([[1.0, 1.0], [0.1, 1.0], [0.0, 1.0]])
    keypoints = Keypoints(points, confidence, DOTS, Fraction(10), (640, 360))
    sure, unsure, missing = (without_legend(p).astype(int) for p in render_frames(keypoints, None, size=(640, 360)))
    y, x = np.floor(centroid(sure, LEFT)[::-1]).astype(int)
    white = np.array([255, 255, 255])
    assert (missing[y, x] == white).all()
    strength = (white - unsure[y, x]) / (white - sure[y, x])
    assert 0.1 < strength.mean() < 0.5

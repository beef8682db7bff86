"""Motions beside each other and rows of poses: what is the same looks the same, and colours tell the sides."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from drawn_clips import camera_before, centroid, film, read_video, walk

from maquette.errors import InputError, OutputError
from maquette.motion import Motion
from maquette.render import PoseSample, render_comparison, write_samples
from maquette.render.comparison import comparison_stage
from maquette.render.look import SIDE_COLOURS
from maquette.render.samples import samples_picture
from maquette.skeleton import Skeleton
from maquette.skeletons import COCO_17, H36M_17

SIZE = (640, 320)


def walked() -> Motion:
    motion = walk(20)
    return replace(motion, camera=camera_before(motion))


def test_equal_motions_give_equal_panels() -> None:
    motion = walked()
    clip = comparison_stage(film(motion), {"a": motion, "b": motion}, size=SIZE)
    picture = np.asarray(next(clip.pictures(np.array([7])))).astype(int)
    a, b = (picture[top + 20 : bottom, left:right] for left, top, right, bottom in (p.box for p in clip.view_panels))
    np.testing.assert_array_equal(a, b)
    assert len(np.unique(a.reshape(-1, 3), axis=0)) > 50


def test_a_motion_set_aside_is_drawn_aside() -> None:
    """Half a metre to the camera's right: the figure moves right in its own panel, the other stays."""
    motion = walked()
    assert motion.camera is not None
    moved = replace(motion, positions=motion.positions + 0.5 * motion.camera.R_camera_world[0])
    clip = comparison_stage(None, {"reconstruction": moved, "ground truth": motion}, size=SIZE)
    picture = np.asarray(next(clip.pictures(np.array([7]))))
    places = []
    for panel in clip.view_panels:
        left, top, right, bottom = panel.box
        places.append(centroid(picture[top:bottom, left:right], SIDE_COLOURS["left"])[0])
    # Perspective: the person is 6 m from the viewer, half a metre is half a metre there.
    assert places[0] - places[1] == pytest.approx(0.5 * clip.view_panels[0].px_per_m, rel=0.15)


def test_every_frame_at_its_time(tmp_path: Path) -> None:
    motion = walked()
    render_comparison(tmp_path / "a.mp4", film(motion), {"a": motion, "b": motion}, size=SIZE)
    pictures, times, rate = read_video(tmp_path / "a.mp4")
    assert (len(pictures), rate) == (20, 25)
    assert times == [Fraction(k, 25) for k in range(20)]


def test_what_does_not_belong_together_is_refused(tmp_path: Path) -> None:
    motion = walked()
    with pytest.raises(InputError, match=r"motions to compare differ: 10 frames .*; 20 frames"):
        render_comparison(tmp_path / "a.mp4", None, {"a": motion, "b": walk(10)}, size=SIZE)
    with pytest.raises(InputError, match="nothing to draw"):
        render_comparison(tmp_path / "a.mp4", None, {}, size=SIZE)
    with pytest.raises(OutputError, match=r"cannot write '\.txt' as a video"):
        render_comparison(tmp_path / "a.txt", None, {"a": motion}, size=SIZE)
    with pytest.raises(InputError, match="frame 99: no such frame"):
        render_comparison(tmp_path / "a.png", None, {"a": motion}, size=SIZE, frame=99)
    assert not list(tmp_path.iterdir())


def sample(found_m: np.ndarray | None = None, **changes) -> PoseSample:
    motion = walked()
    pose = motion.positions[5, :17] - motion.positions[5, 0]
    values = {
        "caption": "one",
        "points_px": film(motion).points[5, :17],
        "skeleton_2d": H36M_17,
        "image_width_px": 640,
        "true_m": pose,
        "true_skeleton": H36M_17,
        "found_skeleton": H36M_17,
        "found_m": pose if found_m is None else found_m,
        "towards_camera": np.array([0.0, 0.0, 1.0]),
    }
    return PoseSample(**{**values, **changes})


def cells(picture, column: int, count: int = 3) -> np.ndarray:
    """The cell ``column`` of the first triplet."""
    edges = [round(share * picture.width / count) for share in (0.0, 0.28, 0.64, 1.0)]
    return np.asarray(picture)[:, edges[column] + 3 : edges[column + 1] - 3]


def test_right_limbs_have_their_colour_in_every_cell() -> None:
    """Published: blue and red for the truth, purple and green for the prediction; the right side is blue and purple."""
    picture = samples_picture([sample()], (1920, 300))
    for column, right, rest in ((0, (52, 152, 219), (231, 76, 60)), (1, (52, 152, 219), (231, 76, 60)),
                                (2, (155, 89, 182), (46, 204, 113))):  # fmt: skip
        cell = cells(picture, column).astype(int)
        found = [(np.abs(cell - colour).max(axis=-1) < 25).sum() for colour in (right, rest)]
        assert min(found) > 60
    # The walker faces +z, towards the camera: its right is on the left of the picture.
    cell = cells(picture, 0)
    assert centroid(cell, (52, 152, 219))[0] < centroid(cell, (231, 76, 60))[0] - 3


def test_other_formats_and_missing_joints_are_drawn() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(100, 300, (17, 2))
    points[3] = np.nan
    hole = sample().true_m.copy()
    hole[[7, 9]] = np.nan
    picture = samples_picture([sample(hole, points_px=points, skeleton_2d=COCO_17)] * 4, (960, 320))
    assert (np.asarray(picture) < 250).any()
    nobody = sample(points_px=np.full((17, 2), np.nan))
    samples_picture([nobody], (960, 320))


def test_the_error_is_that_of_the_joints_of_both() -> None:
    """A pose on fewer joints in another order, moved by 3 cm and 4 cm; a joint that is missing does not count."""
    names = ("l_wrist", "hip", "r_ankle", "head", "l_knee")
    few = Skeleton("few", names, (1, -1, 1, 1, 1), ())
    pose = sample().true_m
    found = pose[H36M_17.indices(names)] + [0.03, 0.0, -0.04]
    found[3] = np.nan
    assert sample(found, found_skeleton=few).error_m == pytest.approx(0.05)
    assert sample(found[:1], found_skeleton=Skeleton("other", ("tail",), (-1,), ())).error_m is None
    samples_picture([sample(found, found_skeleton=few)], (960, 320))


def test_no_sample_and_no_room_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="0 samples"):
        write_samples(tmp_path / "a.png", [])
    with pytest.raises(InputError, match="9 samples on 960x100"):
        write_samples(tmp_path / "a.png", [sample()] * 9, size=(960, 100))
    with pytest.raises(OutputError, match=r"cannot write '\.mp4' as a picture"):
        write_samples(tmp_path / "a.mp4", [sample()])

"""Single pictures, sheets of several, and which frame is shown when."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from drawn_clips import film, walk
from PIL import Image

from maquette.errors import InputError, OutputError
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.render import contact_sheet, render_picture
from maquette.render.picture import most_visible
from maquette.render.stage import stage
from maquette.render.timeline import timeline
from maquette.skeleton import Skeleton
from maquette.skeletons import SKELETONS


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.JPEG"])
def test_picture_files(tmp_path: Path, name: str) -> None:
    motion = walk(5)
    render_picture(tmp_path / name, film(motion), motion, size=(401, 227))
    with Image.open(tmp_path / name) as picture:
        assert picture.size == (401, 227)
        assert picture.format == {"a.png": "PNG"}.get(name, "JPEG")
        assert len(np.unique(np.asarray(picture).reshape(-1, 3), axis=0)) > 30


def test_frames_by_number(tmp_path: Path) -> None:
    motion = walk(30)
    for frame in (0, 29, -1):
        render_picture(tmp_path / f"{frame}.png", None, motion, frame, size=(320, 180))
    assert (tmp_path / "29.png").read_bytes() == (tmp_path / "-1.png").read_bytes()
    assert (tmp_path / "0.png").read_bytes() != (tmp_path / "29.png").read_bytes()
    with pytest.raises(InputError, match="there are 30, from 0 to 29"):
        render_picture(tmp_path / "x.png", None, motion, 30)
    with pytest.raises(OutputError, match=r"known are \.png"):
        render_picture(tmp_path / "x.tiff", None, motion)
    assert not (tmp_path / "x.png").exists()


def test_the_frame_chosen_is_the_most_visible_near_the_middle() -> None:
    keypoints = film(walk(40))
    assert most_visible(stage(keypoints, None)) == 20
    confidence = keypoints.confidence.copy()
    confidence[5:32, 3:] = 0
    assert most_visible(stage(replace(keypoints, confidence=confidence), None)) == 32


def test_contact_sheet() -> None:
    motion = walk(30)
    sheet = contact_sheet(motion, film(motion), [0, 10, 20], columns=2, tile=(320, 180))
    assert sheet.size[0] in range(640, 700)
    assert sheet.size[1] in range(360, 400)
    with pytest.raises(InputError, match="ascending"):
        contact_sheet(motion, None, [3, 1])
    with pytest.raises(InputError, match="from 0 to 29"):
        contact_sheet(motion, None, [30])


@pytest.mark.parametrize("name", sorted(SKELETONS))
def test_every_skeleton_is_drawn(name: str) -> None:
    skeleton = SKELETONS[name]
    rng = np.random.default_rng(0)
    n = len(skeleton)
    points = rng.uniform(-50, 700, (4, n, 2))
    keypoints = Keypoints(points, rng.uniform(0, 1, (4, n)).round(1), skeleton, Fraction(30), (640, 480))
    motion = Motion(rng.normal(0, 0.5, (4, n, 3)), skeleton, Fraction(30), "camera")
    assert contact_sheet(motion, keypoints, [0, 3], tile=(320, 180)).size[0] > 640


def test_a_rig_with_one_joint_and_a_rig_without_bones(tmp_path: Path) -> None:
    for skeleton in (Skeleton("one", ("a",), (-1,)), Skeleton("loose", ("a", "b", "c"), (-1, -1, -1))):
        motion = Motion(np.ones((2, len(skeleton), 3)), skeleton, Fraction(30), "world")
        render_picture(tmp_path / "a.png", None, motion, size=(320, 180))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30, -1e300])
def test_wild_numbers_are_drawn_or_left_out(tmp_path: Path, value: float) -> None:
    motion = walk(6)
    positions = motion.positions.copy()
    positions[2, 5] = value
    keypoints = film(motion)
    points = keypoints.points.copy()
    points[2, 7] = value
    render_picture(
        tmp_path / "a.png", replace(keypoints, points=points), replace(motion, positions=positions), 2, size=(320, 180)
    )
    nobody = replace(motion, positions=np.full_like(positions, np.nan))
    render_picture(tmp_path / "b.png", replace(keypoints, confidence=0 * keypoints.confidence), nobody, size=(320, 180))


def test_equal_rates_are_shown_one_to_one() -> None:
    motion = walk(7)
    line = timeline(film(motion), motion)
    assert line.motion_index is not None
    assert line.keypoints_index is not None
    assert line.motion_index.tolist() == line.keypoints_index.tolist() == list(range(7))
    assert line.fps == motion.fps


def test_keypoints_of_half_the_rate_are_shown_twice() -> None:
    motion, keypoints = walk(11, fps=Fraction(50)), film(walk(6, fps=Fraction(25)))
    line = timeline(keypoints, motion)
    assert line.keypoints_index is not None
    assert line.keypoints_index.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5]


def test_keypoints_shorter_than_the_motion_end() -> None:
    line = timeline(film(walk(5)), walk(10))
    assert line.keypoints_index is not None
    assert line.keypoints_index.tolist() == [0, 1, 2, 3, 4, 4, -1, -1, -1, -1]


def test_irregular_timestamps_become_a_steady_rate() -> None:
    keypoints = film(walk(4, fps=Fraction(10)))
    line = timeline(replace(keypoints, timestamps_s=np.array([5.0, 5.1, 5.4, 5.5])), None)
    np.testing.assert_allclose(line.times_s, [5.0, 5.1, 5.2, 5.3, 5.4, 5.5])
    assert line.keypoints_index is not None
    assert line.keypoints_index.tolist() == [0, 1, 1, 2, 2, 3]


def test_a_hole_of_years_is_refused() -> None:
    keypoints = replace(film(walk(3)), timestamps_s=np.array([0.0, 0.1, 1e9]))
    with pytest.raises(InputError, match="mend the timestamps"):
        timeline(keypoints, None)


def test_names_in_two_lines(tmp_path: Path) -> None:
    track = film(walk(5))
    render_picture(tmp_path / "a.png", replace(track, source="a\nb\tc"), None, size=(640, 360))
    assert (tmp_path / "a.png").exists()

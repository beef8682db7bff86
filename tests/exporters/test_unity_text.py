"""Unity's text formats, read as the Unity projects do (specification 5.13): every joint stands where it should."""

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from made_body import made_motion

from maquette.errors import OutputError
from maquette.exporters.choices import UnityText
from maquette.exporters.unity_text import encode_unity_frame, encode_unity_stream, write_unity_text
from maquette.motion import Motion
from maquette.skeletons import COCO_17, H36M_17

OF_32 = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]


def in_unity(x_away_up: np.ndarray) -> np.ndarray:
    """Unity's place of a joint as its scripts compute it: (-x, up, -away) x 0.001."""
    x, away, up = np.moveaxis(x_away_up, -1, 0)
    return 0.001 * np.stack((-x, up, -away), axis=-1)


def read_pos(path: Path) -> np.ndarray:
    """As the player of pos.txt: split at commas, then at spaces; the number says which joint."""
    frames = []
    for line in path.read_text().splitlines():
        joints = [entry.split() for entry in line.split(",") if entry.strip()]
        assert [int(entry[0]) for entry in joints] == OF_32
        frames.append([[float(v) for v in entry[1:]] for entry in joints])
    return in_unity(np.array(frames))


def read_frame(text: str) -> np.ndarray:
    """As the player of one file for each frame: brackets away, rows x, away, up; nothing when the hip is far."""
    numbers = np.array([float(v) for v in re.sub(r"[\[\]]", " ", text).split()]).reshape(3, 17).T
    assert np.linalg.norm(numbers[0]) < 1000
    return in_unity(numbers) + [0.0, 0.8, 0.0]


def read_stream(path: Path) -> np.ndarray:
    lines = path.read_bytes().splitlines()
    assert max(map(len, lines)) <= 1024
    return in_unity(
        np.array([[float(v) for v in line.decode("ascii").split(" ")] for line in lines]).reshape(-1, 17, 3)
    )


def true_unity(motion: Motion) -> np.ndarray:
    """Our world in Unity: left-handed, so one axis is mirrored; x, because people face +Z in both."""
    return motion.positions[:, :17] * [-1.0, 1.0, 1.0]


def body(fps: int = 30) -> Motion:
    return replace(made_motion(60), fps=Fraction(fps))


def test_pos_lines_are_the_body_in_unity(tmp_path: Path) -> None:
    motion = body()
    seen = read_pos(write_unity_text(motion, tmp_path / "pos.txt")[0])
    np.testing.assert_allclose(seen, true_unity(motion), atol=1e-6)


def test_left_is_left_for_somebody_who_faces_forward(tmp_path: Path) -> None:
    """A Unity figure faces +Z; its left hand is then on -X, its toes before its heels."""
    figure = np.zeros((1, 17, 3))
    figure[0, H36M_17.index("l_wrist")] = [0.7, 1.4, 0.0]
    figure[0, H36M_17.index("nose")] = [0.0, 1.5, 0.1]
    for mode in ("unity-pos", "unity-stream"):
        path = write_unity_text(Motion(figure, H36M_17, Fraction(30), "world"), tmp_path / f"{mode}.txt", mode=mode)[0]
        seen = (read_pos if mode == "unity-pos" else read_stream)(path)[0]
        assert seen[H36M_17.index("l_wrist")] @ [-1, 0, 0] > 0.69
        assert seen[H36M_17.index("nose"), 2] > 0.09


def test_pos_is_at_thirty_frames_a_second(tmp_path: Path) -> None:
    """A clip at 60 loses every second frame, one at 50 is interpolated; a path straight in time stays straight."""
    double = body(60)
    np.testing.assert_allclose(
        read_pos(write_unity_text(double, tmp_path / "a.txt")[0]), true_unity(double)[::2], atol=1e-6
    )
    straight = np.arange(51)[:, None, None] / 50 * np.array([0.3, 0.0, -1.0]) + np.zeros((51, 17, 3))
    seen = read_pos(write_unity_text(Motion(straight, H36M_17, Fraction(50), "world"), tmp_path / "b.txt")[0])
    assert len(seen) == 31
    np.testing.assert_allclose(seen[:, 0], np.arange(31)[:, None] / 30 * [-0.3, 0.0, -1.0], atol=1e-6)


def test_frames_are_files_with_the_hip_above_the_origin(tmp_path: Path) -> None:
    motion = body()
    paths = write_unity_text(motion, tmp_path / "data" / "walk.txt", mode="unity-frames")
    assert [path.name for path in paths] == [f"walk{n}.txt" for n in range(60)]
    expected = true_unity(motion)
    expected = expected - expected[:, :1] * [1.0, 0.0, 1.0]
    for path, pose in zip(paths, expected, strict=True):
        np.testing.assert_allclose(read_frame(path.read_text()), pose, atol=2e-6)
    # What NumPy prints is what NumPy reads as three rows of 17.
    assert paths[0].read_text().startswith("[[[")
    assert paths[0].read_text().count("[") == 5
    short = replace(motion, positions=motion.positions[:40])
    with pytest.raises(OutputError, match=r"walk40\.txt and others of a longer clip"):
        write_unity_text(short, tmp_path / "data" / "walk.txt", mode="unity-frames")


def test_stream_lines_fit_the_buffer(tmp_path: Path) -> None:
    motion = body()
    seen = read_stream(write_unity_text(motion, tmp_path / "s.txt", mode="unity-stream")[0])
    np.testing.assert_allclose(seen, true_unity(motion), atol=1e-5)
    assert len(encode_unity_stream(np.full((17, 3), -99_999.99))) <= 1024


@pytest.mark.parametrize("mode", ["unity-pos", "unity-stream", "unity-frames"])
def test_frames_without_a_pose(tmp_path: Path, mode: UnityText) -> None:
    positions = body().positions.copy()
    positions[:2] = np.nan
    positions[5, 3] = np.nan
    motion = replace(body(), positions=positions)
    paths = write_unity_text(motion, tmp_path / "m.txt", mode=mode)
    if mode == "unity-frames":
        assert [n for n, path in enumerate(paths) if path.read_text() == "0"] == [0, 1, 5]
    else:
        seen = (read_pos if mode == "unity-pos" else read_stream)(paths[0])
        assert len(seen) == 60
        np.testing.assert_array_equal(seen[[0, 1, 5]], seen[[2, 2, 4]])
    nothing = replace(motion, positions=np.full_like(positions, np.nan))
    with pytest.raises(OutputError, match="no frame of the motion has all 17 joints"):
        write_unity_text(nothing, tmp_path / "n.txt", mode=mode)


def test_camera_frame_and_other_skeletons(tmp_path: Path) -> None:
    motion = body()
    camera = replace(motion, positions=motion.positions * [1.0, -1.0, -1.0] + [0.0, 1.3, 5.0], frame="camera")
    seen = read_pos(write_unity_text(camera, tmp_path / "c.txt")[0])
    expected = true_unity(motion) + [0.0, 0.0, -5.0]
    ground = float(np.median(expected[..., 1].min(axis=1)))
    np.testing.assert_allclose(seen, expected - [0.0, ground, 0.0], atol=1e-6)
    other = Motion(np.zeros((1, 17, 3)), COCO_17, Fraction(30), "world")
    with pytest.raises(OutputError, match=r"needs the joints of Human3\.6M-17, the motion has no hip"):
        write_unity_text(other, tmp_path / "o.txt")
    assert encode_unity_frame(np.full((17, 3), np.nan)) == "0"

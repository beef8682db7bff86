"""Input that cannot be used gets one sentence that names the file and what was seen."""

import json
import os
import sys
from pathlib import Path

import made_clips as made
import numpy as np
import pytest

from maquette.errors import InputError, NoPersonError
from maquette.readers import read_keypoints
from maquette.readers.motion import is_motion_file, read_motion
from maquette.skeletons import BODY_25, COCO_17, COCO_18

POINTS, SCORES = made.figure(BODY_25, 6), made.certainty(BODY_25, 6)


def message(path: Path, **options) -> str:
    with pytest.raises(InputError) as error:
        read_keypoints(path, **options)
    text = str(error.value)
    assert str(path) in text
    assert "\n" not in text
    return text


def good_folder(path: Path) -> Path:
    return made.write_openpose(path / "clip", [(POINTS, SCORES)])


def put(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_nothing_there(tmp_path: Path) -> None:
    assert "no such file or folder" in message(tmp_path / "none.json")


def test_empty_folder(tmp_path: Path) -> None:
    assert "no files" in message(tmp_path)


def test_folder_of_folders(tmp_path: Path) -> None:
    (tmp_path / "json_1").mkdir()
    assert "only folders (json_1)" in message(tmp_path)


def test_folder_of_other_things(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    assert "a.png" in message(tmp_path)


def test_json_that_is_no_pose(tmp_path: Path) -> None:
    path = put(tmp_path / "settings.json", {"model": "x", "rate": 3})
    assert "model, rate" in message(path)
    with pytest.raises(InputError, match="model, rate"):
        read_keypoints(tmp_path)
    folder = good_folder(tmp_path)
    put(folder / "clip_000000000009_keypoints.json", {"model": "x"})
    assert "000009_keypoints.json" in message(folder)


def test_truncated_json_names_the_file(tmp_path: Path) -> None:
    folder = good_folder(tmp_path)
    broken = folder / "clip_000000000003_keypoints.json"
    broken.write_bytes(broken.read_bytes()[:-20])
    assert broken.name in message(folder)
    assert "ends in the middle" in message(folder)
    broken.write_bytes(b"")
    assert "empty" in message(folder)


def test_two_layouts_in_one_folder_name_a_file_of_each(tmp_path: Path) -> None:
    folder = good_folder(tmp_path)
    made.write_openpose(folder, [(made.figure(COCO_18, 2), made.certainty(COCO_18, 2))], first=6)
    text = message(folder)
    assert "clip_000000000000_keypoints.json has 25 points" in text
    assert "clip_000000000006_keypoints.json has 18 points" in text


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", '"12"', "null", "1e400", "[1]", "true"])
def test_what_is_no_number(word: str, tmp_path: Path) -> None:
    folder = good_folder(tmp_path)
    file = folder / "clip_000000000002_keypoints.json"
    text = file.read_text()
    start = text.index("[", text.index("pose_keypoints_2d")) + 1
    file.write_text(text[:start] + word + text[text.index(",", start) :])
    seen = message(folder).partition(str(folder))[2]
    assert file.name in seen
    assert f"{word.strip('-')} stands at byte" in seen or word not in ("NaN", "Infinity", "-Infinity")


def test_a_coordinate_beyond_all_pictures(tmp_path: Path) -> None:
    points = POINTS.copy()
    points[3, 4] = 1e200
    assert "1e+200" in message(made.write_openpose(tmp_path / "clip", [(points, SCORES)]))


def test_nobody(tmp_path: Path) -> None:
    folder = made.write_openpose(tmp_path / "clip", [(np.full((4, 25, 2), np.nan), np.zeros((4, 25)))])
    with pytest.raises(NoPersonError):
        read_keypoints(folder)
    folder = made.write_openpose(tmp_path / "zero", [(POINTS, SCORES * 0)])
    with pytest.raises(NoPersonError, match="all confidences are zero"):
        read_keypoints(folder)
    for content in ([], [[]], [{}], [{"frame_id": 0, "instances": []}], {"annotations": [], "images": []}):
        with pytest.raises(NoPersonError):
            read_keypoints(put(tmp_path / "a.json", content))


def test_layouts_that_are_not_read(tmp_path: Path) -> None:
    mpi = put(tmp_path / "mpi.json", {"people": [{"pose_keypoints": [1.0] * 45}]})
    assert "MPI model" in message(mpi)
    odd = put(tmp_path / "odd.json", {"people": [{"pose_keypoints_2d": [1.0] * 46}]})
    assert "46 numbers" in message(odd)
    assert "coco-17" in message(odd, skeleton="coco-17")
    three_d = put(tmp_path / "3d.json", [{"keypoints": [[1, 2, 3]] * 17, "keypoint_scores": [1] * 17}])
    assert "3D" in message(three_d)


def test_fractions_need_the_picture_size(tmp_path: Path) -> None:
    assert "--image-size" in message(made.write_openpose(tmp_path / "clip", [(POINTS / made.SIZE, SCORES)]))
    path = made.write_yolo(tmp_path / "labels", made.figure(COCO_17, 3), made.certainty(COCO_17, 3))
    assert "--image-size" in message(path)


def test_two_clips_in_one_folder(tmp_path: Path) -> None:
    folder = made.write_openpose(tmp_path / "clip", [(POINTS, SCORES)], name="cam1_{:03d}.json")
    made.write_openpose(folder, [(POINTS, SCORES)], name="cam2_{:03d}.json")
    text = message(folder)
    assert "cam1_000.json" in text
    assert "cam2_000.json" in text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x00\x00\x00\x18ftypmp42", "a video"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"\xff\xd8\xff\xe0", "a picture"),
        (b"HIERARCHY\nROOT Hips", "BVH"),
        (b"PK\x03\x04garbage", "damaged"),
        (b"\x9b", "expected"),
        (b"hello", "begins with 'hello'"),
        (b"", "empty"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"people":' * 50_000, "nested too deeply"),
    ],
    ids=range(10),
)
def test_other_files(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content)
    assert words in message(path)


def test_every_file_of_one_byte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    for byte in range(256):
        path.write_bytes(bytes([byte]))
        assert str(path) in message(path)


def test_metric_trc_is_no_2d(tmp_path: Path) -> None:
    path = made.write_trc(tmp_path / "m.trc", made.figure(COCO_17, 3) / 500, COCO_17)
    assert "not in pixels" in message(path)


def test_options(tmp_path: Path) -> None:
    folder = good_folder(tmp_path)
    with pytest.raises(InputError, match="no skeleton is called"):
        read_keypoints(folder, skeleton="coco-71")
    with pytest.raises(InputError, match="skeleton 'coco-17' has 17"):
        read_keypoints(folder, skeleton="coco-17")
    with pytest.raises(InputError, match="fps"):
        read_keypoints(folder, fps=0)
    with pytest.raises(InputError, match="image size"):
        read_keypoints(folder, image_size=(0, 720))


def test_strange_paths(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read_keypoints("bad\0name")
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert "cannot be opened" in message(loop)
    if sys.platform != "win32":
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        assert "pipe" in message(pipe)


def test_a_folder_where_a_file_should_be(tmp_path: Path) -> None:
    folder = good_folder(tmp_path)
    (folder / "clip_000000000077_keypoints.json").mkdir()
    assert read_keypoints(folder)[0].n_frames == 6


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(tmp_path: Path) -> None:
    folder = good_folder(tmp_path)
    file = folder / "clip_000000000002_keypoints.json"
    file.chmod(0)
    with pytest.raises(InputError, match=file.name):
        read_keypoints(folder)


def test_one_frame_is_a_pose(tmp_path: Path) -> None:
    folder = good_folder(tmp_path)
    person = read_keypoints(folder / "clip_000000000002_keypoints.json")[0]
    assert person.n_frames == 1
    np.testing.assert_array_equal(person.points[0], POINTS[2])


@pytest.mark.parametrize("text", ["[[ ]]", "[[\n], [ ]]"])
def test_lists_of_empty_lists(tmp_path: Path, text: str) -> None:
    message(put(tmp_path / "a.json", text))


@pytest.mark.parametrize("cut", range(1, 40))
def test_every_cut_is_called_one(tmp_path: Path, cut: int) -> None:
    text = json.dumps({"people": [{"pose_keypoints_2d": [10.25, 20.5, 0.875] * 25}]})
    said = message(put(tmp_path / "a.json", text[:-cut]))
    assert "ends in the middle" in said or "invalid number" not in said


def test_null_is_explained(tmp_path: Path) -> None:
    path = put(tmp_path / "a.json", {"people": [{"pose_keypoints_2d": [None, 2.0, 0.5] * 25}]})
    assert "write missing points as 0, 0, 0" in message(path)


@pytest.mark.parametrize("size", [(0, 5), (5, -1), (10**30, 5)])
def test_impossible_picture_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="expected width and height in pixels"):
        read_keypoints(good_folder(tmp_path), image_size=size)


@pytest.mark.parametrize("name", ["a" * 5000, "a\0b"])
def test_names_that_no_file_can_have(name: str) -> None:
    assert not is_motion_file(name)
    for read in (read_keypoints, read_motion):
        with pytest.raises(InputError, match="cannot be opened"):
            read(name)


def test_keypoints_where_a_motion_is_expected(tmp_path: Path) -> None:
    path = put(tmp_path / "a.json", {"version": 1.3, "people": []})
    with pytest.raises(InputError, match="no motion in it: it is an object with keys version, people"):
        read_motion(path)

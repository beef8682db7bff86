"""People in pictures from made-up files in the exact layouts of the data sets."""

import json
import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from maquette.cli import main
from maquette.datasets.hourglass_samples import made_sample, without_chance
from maquette.datasets.hourglass_settings import PLAIN, V2
from maquette.datasets.mpii import prepare_mpii
from maquette.datasets.picture_h36m import h36m_pictures
from maquette.datasets.picture_h36m_v2 import h36m_v2_pictures
from maquette.datasets.picture_mpii import mpii_people
from maquette.datasets.picture_people import (
    ChosenPeople,
    JoinedPeople,
    PicturePeople,
    WithoutDepth,
    read_picture,
)
from maquette.datasets.picture_sources import open_picture_people
from maquette.datasets.picture_table import open_picture_table
from maquette.datasets.sequences import Label
from maquette.errors import InputError

# MPII's joints among Human3.6M's 17, joint by joint: r ankle, r knee, r hip, l hip, l knee, l ankle, hip, spine, neck
# base ("thorax"), head, r wrist, r elbow, r shoulder, l shoulder, l elbow, l wrist.
IN_17 = [3, 2, 1, 4, 5, 6, 0, 7, 8, 10, 16, 15, 14, 11, 12, 13]


def picture(path: Path, value: int, size: tuple[int, int] = (224, 224)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, 2 * value, 3 * value)).save(path)


def take(
    root: Path, name: str, numbers: range | list[int], frames: int, *, hdf5: bool = False
) -> dict[str, np.ndarray]:
    """Pictures with numbers and a meta file of some frames; returns its arrays."""
    rng = np.random.default_rng(len(name) + frames)
    arrays = {
        "Y2d": rng.uniform(20, 200, (34, frames)),
        "Y3d_mono": rng.uniform(-900, 900, (51, frames)) + 3000,
        "bbox": rng.uniform(0, 500, (4, frames)),
        "num_images": np.array([[float(frames)]]),
    }
    for number in numbers:
        picture(root / name / f"{name}_{number:06d}.jpg", number % 80)
    path = root / name / "matlab_meta.mat"
    path.parent.mkdir(exist_ok=True)
    if not hdf5:
        savemat(path, arrays)
        return arrays
    with h5py.File(path, "w", userblock_size=512) as file:
        for key, array in arrays.items():
            file[key] = array.T
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64, HDF5 schema 1.00 .".ljust(124) + b"\x00\x02IM")
    return arrays


@pytest.fixture(scope="module")
def h36m(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, np.ndarray]]]:
    """A training take annotated at every frame, one of version 7.3 annotated where there are pictures, a test take, and
    the damaged one."""
    root = tmp_path_factory.mktemp("h36m")
    made = {
        "s_01_act_02_subact_01_ca_01": take(root, "s_01_act_02_subact_01_ca_01", range(1, 32, 5), 33),
        "s_05_act_12_subact_02_ca_04": take(root, "s_05_act_12_subact_02_ca_04", range(1, 32, 5), 7, hdf5=True),
        "s_11_act_16_subact_01_ca_02": take(root, "s_11_act_16_subact_01_ca_02", [1, 6, 201, 206], 210),
    }
    (root / "s_11_act_02_subact_02_ca_01").mkdir()
    return root, made


def test_takes_of_human36m(h36m: tuple[Path, dict[str, dict[str, np.ndarray]]]) -> None:
    root, made = h36m
    people = h36m_pictures(root)
    assert isinstance(people, PicturePeople)
    assert len(people) == 7 + 7 + 4
    assert (len(people.people("train")), len(people.people("test")), len(people.people("test", every=200))) == (
        14,
        4,
        2,
    )
    labels = [Label("S1", "Directions 1", "54138969"), Label("S5", "Photo 2", "60457274")]
    assert list(people.labels) == [*labels, Label("S11", "WalkTogether 1", "55011271")]
    assert any("s_11_act_02_subact_02_ca_01: left out" in note for note in people.notes)
    for index, (name, column, number) in {
        2: ("s_01_act_02_subact_01_ca_01", 10, 11),
        7 + 3: ("s_05_act_12_subact_02_ca_04", 3, 16),
        14 + 2: ("s_11_act_16_subact_01_ca_02", 200, 201),
    }.items():
        person = people.person(index)
        assert person.name == f"{name}/{name}_{number:06d}.jpg"
        x, y = (made[name]["Y2d"][start::2, column] for start in (0, 1))
        np.testing.assert_allclose(person.points_px, np.stack([x, y], 1)[IN_17], rtol=1e-6)
        camera = np.stack([made[name]["Y3d_mono"][start::3, column] for start in (0, 1, 2)], 1)[IN_17]
        assert person.camera_mm is not None
        np.testing.assert_allclose(person.camera_mm, camera, rtol=1e-6)
        assert (person.centre_px.tolist(), person.side_px) == ([112, 112], 224)
        assert abs(int(person.picture()[0, 0, 0]) - number % 80) <= 2
    assert made_sample(people.person(0), PLAIN, np.random.default_rng(0)).has_depth


def test_lists_of_human36m(h36m: tuple[Path, dict], tmp_path: Path) -> None:
    """The two lists; people whose picture is not there are left out with a word."""
    root, _ = h36m
    (tmp_path / "images").symlink_to(root)
    (tmp_path / "annot").mkdir()
    ids = {"annotSampleTest.h5": [1, 6, 1, 201], "annotFullTest.h5": [1, 6, 1, 6, 201, 206, 401]}
    rng = np.random.default_rng(0)
    for name, numbers in ids.items():
        n = len(numbers)
        test = np.arange(n) >= 2
        with h5py.File(tmp_path / "annot" / name, "w") as file:
            file["id"] = np.array(numbers, dtype=float)
            file["joint_2d"], file["joint_3d_mono"] = rng.normal(size=(n, 16, 2)), rng.normal(size=(n, 16, 3))
            file["bbox"], file["istrain"] = rng.normal(size=(n, 4)), 1.0 - test
            file["subject"], file["action"] = np.where(test, 11, 1), np.where(test, 16, 2)
            file["subaction"], file["camera"] = np.ones(n), np.where(test, 2, 1)
    full = h36m_pictures(tmp_path)
    assert len(full) == 6
    assert any("left out: 1 of 7" in note for note in full.notes)
    sample = h36m_pictures(tmp_path, layout="sample")
    assert len(sample) == 4
    with h5py.File(tmp_path / "annot" / "annotSampleTest.h5") as file:
        np.testing.assert_allclose(sample.person(3).points_px, file["joint_2d"][3], rtol=1e-6)  # type: ignore[index]
    assert sample.person(3).label == Label("S11", "WalkTogether 1", "55011271")
    assert len(h36m_pictures(tmp_path, layout="folders")) == 18
    assert len(full.people("test", every=200)) == 2


@pytest.mark.parametrize("what", ["empty", "shape", "short", "pictures", "layout", "damage"])
def test_what_is_no_human36m(tmp_path: Path, what: str) -> None:
    name = "s_01_act_02_subact_01_ca_01"
    layout = None
    if what != "empty":
        take(tmp_path, name, [] if what == "pictures" else range(1, 32, 5), 9 if what == "short" else 33)
    if what == "shape":
        savemat(tmp_path / name / "matlab_meta.mat", {"Y2d": np.zeros((32, 5)), "Y3d_mono": np.full((51, 5), np.nan)})
    if what == "damage":
        (tmp_path / name / "matlab_meta.mat").write_bytes(b"nothing")
    if what == "layout":
        layout = "sample"
    expected = {
        "empty": "no folder s_01_act",
        "shape": r"(?s)'Y2d' is of shape.*not finite",
        "short": "annotates 9 frames, but 7 pictures go up to 31",
        "pictures": "none of the",
        "layout": "no annotSampleTest.h5",
        "damage": "no MATLAB file",
    }
    with pytest.raises(InputError, match=expected[what]):
        h36m_pictures(tmp_path, layout=layout)


def entry(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    joints = rng.uniform(100, 400, (18, 3)).astype(np.float32)
    return {
        "joints_3d": joints,
        "joints_3d_relative": rng.uniform(-900, 900, (18, 3)),
        "center_x": 250.0 + seed,
        "center_y": 260.0,
        "width": 300.0,
        "height": 320,
    }


def test_list_of_the_second_version(tmp_path: Path) -> None:
    entries = [entry(i) for i in range(3)]
    path = tmp_path / "h36m18_train.pkl"
    path.write_bytes(pickle.dumps(entries, protocol=2))
    for number in range(1, 4):
        picture(tmp_path / "IMG" / f"{number:05d}.jpg", 10 * number, (640, 600))
    people = h36m_v2_pictures(path)
    assert len(people.people("train")) == 3
    person = people.person(1)
    made = entry(1)
    assert person.centre_px.tolist() == [251.5, 260.5]
    assert person.side_px == 320
    np.testing.assert_allclose(person.points_px, made["joints_3d"][IN_17, :2] + 0.5)
    assert person.depth_px is not None
    np.testing.assert_allclose(person.depth_px, (made["joints_3d"][:, 2] - made["joints_3d"][0, 2])[IN_17], atol=1e-4)
    assert abs(int(person.picture()[0, 0, 0]) - 20) <= 2
    sample = made_sample(person, without_chance(V2), np.random.default_rng(0))
    np.testing.assert_allclose(sample.depth, person.depth_px / 320, atol=1e-6)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"a": 1}, "expected a list"),
        ([1], "entry 1: is int"),
        ([{"joints_3d": 1}], "lacks joints_3d_relative"),
        ([{**entry(0), "joints_3d": np.zeros((3, 3))}], r"of shape \(3, 3\)"),
        ([{**entry(0), "width": 0}], "has the box"),
        ([entry(0), {**entry(0), "joints_3d": np.full((17, 3), np.nan)}], "entry 2: holds numbers that are not"),
    ],
)
def test_what_is_no_list_of_the_second_version(tmp_path: Path, content: Any, expected: str) -> None:
    path = tmp_path / "val.pkl"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(InputError, match=expected):
        h36m_v2_pictures(path)


def mpii_json(folder: Path, marks: bool) -> Path:
    joints = [[100.0 + 3 * j, 50.0 + 7 * j] for j in range(16)]
    joints[4] = [0.0, 0.0]
    joints[5] = [-1.0, -1.0]
    joints[6] = [-12.0, 40.0]
    shown: dict[str, Any] = {"image": "015601864.jpg", "joints": joints, "center": [594.0, 257.0], "scale": 3.021046}
    if marks:
        shown["joints_vis"] = [0 if j in (4, 5) else 1 for j in range(16)]
    (folder / "annot").mkdir(parents=True)
    (folder / "annot" / "train.json").write_text(json.dumps([shown]))
    picture(folder / "images" / "015601864.jpg", 40, (700, 400))
    return folder


@pytest.mark.parametrize("marks", [False, True])
def test_mpii_lists_of_the_second_version(tmp_path: Path, marks: bool) -> None:
    """By hand: 15 scales down, 1.25 as large, pixels from the corner; joints at (0, 0) are not annotated."""
    people = mpii_people(prepare_mpii(mpii_json(tmp_path / "mpii", marks), tmp_path / "out"), "train")
    person = people.person(0)
    np.testing.assert_allclose(person.centre_px, [593.5, 256.5 + 15 * 3.021046], rtol=1e-6)
    assert person.side_px == pytest.approx(200 * 1.25 * 3.021046)
    assert np.flatnonzero(~person.annotated).tolist() == [4, 5]
    assert person.points_px[6].tolist() == [-12.5, 39.5]
    assert person.camera_mm is None
    assert person.count_from_px == 0.5
    assert abs(int(person.picture()[0, 0, 0]) - 40) <= 2


def test_centres_of_published_mpii_files_are_not_moved_twice(tmp_path: Path) -> None:
    """The first row of a published valid.h5: centre (966, 410.777), scale 5.8981 are those of the crop already."""
    annotated = np.array([[966.0, 340.0], [500.0, 300.0], [20.0, 31.0]]), np.array([4.71849, 3.1, 1.234])
    with h5py.File(tmp_path / "valid.h5", "w") as file:
        file["imgname"] = np.array([b"005808361.jpg", b"b.jpg", b"c.jpg"])
        file["part"] = np.full((3, 16, 2), 100.0)
        file["center"] = annotated[0] + np.stack([np.zeros(3), 15 * annotated[1]], axis=1)
        file["scale"] = 1.25 * annotated[1]
        file["normalize"] = 20 * 1.25 * annotated[1]
    people = mpii_people(prepare_mpii(tmp_path / "valid.h5", tmp_path / "out"), folder=tmp_path)
    person = people.person(0)
    np.testing.assert_allclose(person.centre_px + 0.5, [966, 410.777], atol=1e-3)
    assert person.side_px / 200 == pytest.approx(5.8981, abs=1e-4)
    assert np.isnan(person.head_px)


def test_prepared_pictures(h36m: tuple[Path, dict], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, _ = h36m
    out = tmp_path / "prepared"
    assert main(["prepare", "h36m-pictures", str(root), str(out)]) == 0
    printed = capsys.readouterr().out
    assert "people in pictures of Human3.6M" in printed
    assert "14 people (S1, S5)" in printed
    direct, prepared = h36m_pictures(root), open_picture_table(out)
    assert prepared.pictures == direct.pictures
    assert prepared.labels == direct.labels
    for name in ("points_px", "camera_mm", "frame", "split", "side_px", "visible", "depth_px"):
        np.testing.assert_array_equal(getattr(prepared, name), getattr(direct, name))
    test = open_picture_people(out, "test", every=200)
    assert len(test) == 2
    assert test.person(1).name.endswith("_000201.jpg")
    with pytest.raises(InputError, match="nobody in its split val"):
        open_picture_people(out, "val")
    elsewhere = open_picture_people(out, "test", pictures=tmp_path)
    with pytest.raises(InputError, match="no such picture"):
        elsewhere.person(0).picture()
    assert main(["prepare", "h36m-pictures", str(root), str(out)]) != 0
    assert "--overwrite" in capsys.readouterr().err
    assert main(["prepare", "h36m-pictures", str(root), str(out), "--overwrite", "--layout", "folders"]) == 0


def test_prepared_mpii_opens_as_people(tmp_path: Path) -> None:
    prepare_mpii(mpii_json(tmp_path / "mpii", True), tmp_path / "out")
    assert open_picture_people(tmp_path / "out", "train").person(0).picture().shape == (400, 700, 3)
    with pytest.raises(InputError, match="nobody"):
        open_picture_people(tmp_path / "out", "val")
    with pytest.raises(InputError, match="holds no people in pictures"):
        open_picture_people(tmp_path, "train")


@pytest.mark.parametrize("what", ["json", "schema", "array", "missing", "label"])
def test_damaged_prepared_pictures(h36m: tuple[Path, dict], tmp_path: Path, what: str) -> None:
    h36m_pictures(h36m[0]).write(tmp_path)
    listing, arrays = tmp_path / "pictures.json", tmp_path / "pictures.npz"
    facts = json.loads(listing.read_text())
    if what == "json":
        listing.write_text("{")
    if what == "schema":
        listing.write_text(json.dumps(facts | {"schema": "maquette pictures 99"}))
    if what == "label":
        listing.write_text(json.dumps(facts | {"labels": facts["labels"][:1]}))
    if what in ("array", "missing"):
        held = dict(np.load(arrays))
        held["points_px"] = held["points_px"][:, :3]
        if what == "missing":
            del held["points_px"]
        np.savez_compressed(arrays, **held)
    with pytest.raises(InputError, match=r"pictures|beyond"):
        open_picture_table(tmp_path)


def test_people_chosen_joined_and_without_depth(h36m: tuple[Path, dict]) -> None:
    people = h36m_pictures(h36m[0])
    chosen = ChosenPeople(people, np.array([3, 1]))
    joined = JoinedPeople((chosen, WithoutDepth(people)))
    assert len(joined) == 2 + 18
    assert joined.person(1).name == people.pictures[1]
    assert joined.person(1).camera_mm is not None
    assert joined.person(2).camera_mm is None
    assert joined.person(2).name == people.pictures[0]
    assert isinstance(joined, PicturePeople)
    with pytest.raises(IndexError):
        joined.person(20)
    with pytest.raises(InputError, match="of the 18 there are"):
        ChosenPeople(people, np.array([18]))


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK"])
def test_pictures_of_any_kind(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.jpg" if mode in ("L", "CMYK") else "a.png")
    Image.new("RGB", (5, 4), (10, 10, 10)).convert(mode).save(path)
    assert read_picture(path).shape == (4, 5, 3)


@pytest.mark.parametrize(
    ("content", "expected"), [(None, "no such picture"), (b"", "cannot be read"), (b"\xff\xd8\xff\xe0abc", "cannot be")]
)
def test_what_is_no_picture(tmp_path: Path, content: bytes | None, expected: str) -> None:
    path = tmp_path / "a.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=expected):
        read_picture(path)

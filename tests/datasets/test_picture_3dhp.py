"""MPI-INF-3DHP's pictures: made-up trees in the layouts of the release and of the published hourglass."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from maquette.cli import main
from maquette.datasets.picture_3dhp import mpi_inf_3dhp_pictures
from maquette.datasets.picture_sources import open_picture_people
from maquette.datasets.sequences import Label
from maquette.errors import InputError

FRAMES = 9
# MPII's joints among the test set's 17 joints (counted from 0), and the latter's among the release's 28.
IN_17 = [10, 9, 8, 11, 12, 13, 14, 15, 1, 0, 4, 3, 2, 5, 6, 7]
OF_28 = [7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6]


def picture(path: Path, value: int, size: tuple[int, int] = (64, 64)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, 0, 0)).save(path)


def write_train(folder: Path, seed: int) -> dict[str, np.ndarray]:
    """``annot.mat``; returns (14, frames, 28, dims)."""
    rng = np.random.default_rng(seed)
    made = {"annot2": rng.uniform(0, 2048, (14, FRAMES, 28, 2)), "annot3": rng.uniform(-900, 4000, (14, FRAMES, 28, 3))}
    made["univ_annot3"] = 0.9 * made["annot3"]
    cells = {name: np.empty((14, 1), dtype=object) for name in made}
    for name, arrays in made.items():
        for camera in range(14):
            cells[name][camera, 0] = arrays[camera].reshape(FRAMES, -1)
    folder.mkdir(parents=True)
    savemat(folder / "annot.mat", cells)
    return made


def write_test(folder: Path, valid: list[bool]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(9)
    n = len(valid)
    made = {"annot2": rng.uniform(0, 2048, (n, 1, 17, 2)), "annot3": rng.uniform(-900, 4000, (n, 1, 17, 3))}
    made["univ_annot3"] = 1.1 * made["annot3"]
    folder.mkdir(parents=True)
    with h5py.File(folder / "annot_data.mat", "w") as file:
        for name, array in made.items():
            file[name] = array
        file["valid_frame"] = np.array(valid, dtype=float)[:, None]
        file["activity_annotation"] = np.arange(1, n + 1, dtype=float)[:, None]
    return made


@pytest.mark.parametrize(("folder", "first"), [("imageSequence", 0), ("imageFrames", 1)])
def test_frames_of_training_videos(tmp_path: Path, folder: str, first: int) -> None:
    """Seen by cameras 0 and 3 (of which 3 hangs high); every third frame, counted from 0 or from 1."""
    made = write_train(tmp_path / "S1" / "Seq1", 1)
    write_train(tmp_path / "S1" / "Seq2", 2)
    for camera in (0, 3):
        for frame in (0, 3, 6, 12):
            name = f"frame_{frame + first:06d}.jpg"
            picture(tmp_path / "S1" / "Seq1" / folder / f"video_{camera}" / name, 10 * frame + 20)
    people = mpi_inf_3dhp_pictures(tmp_path)
    assert len(people) == 3  # frame 12 has no annotation
    assert len(mpi_inf_3dhp_pictures(tmp_path, all_cameras=True)) == 6
    assert any("Seq2: no pictures" in note for note in people.notes)
    person = people.person(1)
    assert person.label == Label("S1", "Seq1", "0")
    points = made["annot2"][0, 3][OF_28][IN_17]
    np.testing.assert_allclose(person.points_px, points, rtol=1e-6)
    assert person.camera_mm is not None
    np.testing.assert_allclose(person.camera_mm, made["annot3"][0, 3][OF_28][IN_17], rtol=1e-6)
    np.testing.assert_allclose(person.centre_px, (points.min(0) + points.max(0)) / 2, rtol=1e-5)
    assert person.side_px == pytest.approx(1.25 * np.ptp(points, axis=0).max())
    assert abs(int(person.picture()[0, 0, 0]) - 50) <= 2
    assert people.people("train").tolist() == [0, 1, 2]
    universal = mpi_inf_3dhp_pictures(tmp_path, universal=True).person(1)
    assert universal.camera_mm is not None
    np.testing.assert_allclose(universal.camera_mm, 0.9 * person.camera_mm, rtol=1e-5)


def test_frames_of_the_test_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "mpi_inf_3dhp_test_set" / "TS2"
    made = write_test(root, [True, False, True, True])
    for number in (1, 2, 3):
        picture(root / "imageSequence" / f"img_{number:06d}.jpg", 10 * number)
    people = mpi_inf_3dhp_pictures(tmp_path)
    assert len(people) == 2
    assert any("TS2: frames whose picture is not there, left out: 1" in note for note in people.notes)
    person = people.person(1)
    assert person.name.endswith("img_000003.jpg")
    assert person.label == Label("TS2", "Sitting", "0")
    np.testing.assert_allclose(person.points_px, made["annot2"][2, 0][IN_17], rtol=1e-6)
    assert person.camera_mm is not None
    np.testing.assert_allclose(person.camera_mm, made["annot3"][2, 0][IN_17], rtol=1e-6)
    assert len(mpi_inf_3dhp_pictures(tmp_path, all_frames=True)) == 3
    out = tmp_path / "out"
    command = ["prepare", "mpi-inf-3dhp-pictures", str(tmp_path), str(out), "--universal", "--subjects", "TS2"]
    assert main(command) == 0
    assert "2 people (TS2)" in capsys.readouterr().out
    prepared = open_picture_people(out, "test").person(1).camera_mm
    assert prepared is not None
    np.testing.assert_allclose(prepared, made["univ_annot3"][2, 0][IN_17], rtol=1e-6)


def write_cut(folder: Path) -> dict[str, np.ndarray]:
    """``annotTest.h5`` of four people, the third not valid."""
    rng = np.random.default_rng(4)
    made = {
        "id": np.arange(4.0),
        "TSId": np.array([1.0, 1, 1, 6]),
        "data_id": np.array([1.0, 7, 8, 123]),
        "valid_frame": np.array([1.0, 1, 0, 1]),
        "activity_annotation": np.array([1.0, 2, 3, 6]),
        "univ_annot3": rng.uniform(-900, 4000, (4, 17, 3)),
        "annot_2d": rng.uniform(400, 900, (4, 17, 2)),
        "bbox": np.array([[300.0, 200, 736, 736]] * 3 + [[310.0, 220, 184, 184]]),
    }
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / "annotTest.h5", "w") as file:
        for name, array in made.items():
            file[name] = array
    return made


@pytest.mark.parametrize("pattern", ["{}_{}.png", "TS{}_{:06d}.png"])
def test_test_set_of_the_published_hourglass(tmp_path: Path, pattern: str) -> None:
    made = write_cut(tmp_path / "annot")
    for test, frame in ((1, 1), (1, 8), (6, 123)):
        picture(tmp_path / "images" / pattern.format(test, frame), 3 * test, (368, 368))
    people = mpi_inf_3dhp_pictures(tmp_path)
    assert [person.label for person in map(people.person, range(2))] == [
        Label("TS1", "Standing/Walking", "0"),
        Label("TS6", "Sports", "0"),
    ]
    assert any("left out: 1 of 3" in note for note in people.notes)
    person = people.person(1)
    assert (person.centre_px.tolist(), person.side_px) == ([184, 184], 368)
    np.testing.assert_allclose(person.points_px, 2 * (made["annot_2d"][3] - [310, 220])[IN_17], rtol=1e-5)
    assert person.camera_mm is not None
    np.testing.assert_allclose(person.camera_mm, made["univ_annot3"][3][IN_17], rtol=1e-6)
    assert person.picture().shape == (368, 368, 3)
    assert len(mpi_inf_3dhp_pictures(tmp_path, subjects=("TS6",))) == 1
    assert len(mpi_inf_3dhp_pictures(tmp_path, all_frames=True)) == 3


@pytest.mark.parametrize("what", ["nothing", "subject", "absent", "numbers", "pictures", "annotations", "cut", "box"])
def test_what_is_no_mpi_inf_3dhp(tmp_path: Path, what: str) -> None:
    subjects: tuple[str, ...] = ()
    if what in ("numbers", "pictures", "annotations"):
        write_train(tmp_path / "S2" / "Seq1", 1)
    if what == "numbers":
        picture(tmp_path / "S2" / "Seq1" / "imageSequence" / "video_0" / "00005.png", 1)
    if what == "annotations":
        picture(tmp_path / "S2" / "Seq1" / "imageSequence" / "video_0" / "00000.png", 1)
        savemat(tmp_path / "S2" / "Seq1" / "annot.mat", {"annot2": np.zeros(3)})
    if what == "subject":
        subjects = ("S99",)
    if what == "absent":
        (tmp_path / "S1").mkdir()
        subjects = ("TS1",)
    if what in ("cut", "box"):
        write_cut(tmp_path)
    if what == "box":
        with h5py.File(tmp_path / "annotTest.h5", "a") as file:
            file["bbox"][...] = 0  # type: ignore[index]
            del file["TSId"]
    expected = {
        "nothing": "none of the folders",
        "subject": "expected some of",
        "absent": "no folder TS1",
        "numbers": "the first picture is number 5",
        "pictures": "no pictures of frames",
        "annotations": "'annot3' is missing",
        "cut": "none of its 3 pictures",
        "box": "no array 'TSId'",
    }
    with pytest.raises(InputError, match=expected[what]):
        mpi_inf_3dhp_pictures(tmp_path, subjects=subjects)

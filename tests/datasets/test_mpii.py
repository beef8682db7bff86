"""MPII Human Pose: made-up annotations with the irregularities of its file, and in the layouts of its re-releases."""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from maquette.cli import main
from maquette.datasets.mpii import prepare_mpii
from maquette.datasets.mpii_release import read_release
from maquette.datasets.mpii_set import open_mpii
from maquette.errors import InputError, MaquetteError, OutputError
from maquette.skeletons import H36M_16

# Joints of MPII by its readme: 0 r ankle, 1 r knee, 2 r hip, 3 l hip, 4 l knee, 5 l ankle, 6 pelvis, 7 thorax, 8 upper
# neck, 9 head top, 10 r wrist, 11 r elbow, 12 r shoulder, 13 l shoulder, 14 l elbow, 15 l wrist. Of the machine: hip,
# r hip, r knee, r foot, l hip, l knee, l foot, spine, thorax, head, l shoulder, elbow, wrist, r shoulder, elbow, wrist.
OF_THE_MACHINE = [6, 2, 1, 0, 3, 4, 5, None, 7, 9, 13, 14, 15, 12, 11, 10]
EMPTY = np.empty((0, 0))


def place(person: int, joint: int) -> tuple[float, float]:
    return 100.0 + 300 * person + 7 * joint, 50.0 + 11 * ((5 * joint) % 16) + 0.25 * person


def points(person: int, joints: Sequence[int] = range(16), visible: Any = None) -> dict[str, Any]:
    """``annopoints``: structures of one joint each, in the order given."""
    joints = list(joints)
    shown = [visible] * len(joints) if not isinstance(visible, list) else visible
    parts = np.empty((1, len(joints)), dtype=object)
    for k, (joint, flag) in enumerate(zip(joints, shown, strict=True)):
        x, y = place(person, joint)
        parts[0, k] = {"x": x, "y": y, "id": float(joint)} | ({} if flag is None else {"is_visible": flag})
    return {"point": structures(parts.ravel().tolist())}


def structures(parts: list[dict[str, Any]]) -> Any:
    """A structure array as MATLAB has it: every element has all fields, those it lacks are empty."""
    names = list(dict.fromkeys(name for part in parts for name in part))
    out = np.empty((1, len(parts)), dtype=[(name, object) for name in names])
    for k, part in enumerate(parts):
        for name in names:
            out[0, k][name] = part.get(name, EMPTY)
    return out


def rect(person: int, **fields: Any) -> dict[str, Any]:
    base = {
        "x1": 10.0, "y1": 20.0, "x2": 40.0 + person, "y2": 60.0,
        "scale": 2.0 + person, "objpos": {"x": 200.0 + 300 * person, "y": 140.0},
    }  # fmt: skip
    return {name: value for name, value in (base | fields).items() if value is not None}


def cells(values: list[Any]) -> np.ndarray:
    out = np.empty((len(values), 1), dtype=object)
    for i, value in enumerate(values):
        out[i, 0] = value
    return out


def write_release(path: Path) -> Path:
    """Six pictures: two people; occluded joints as numbers; points alone; nobody; a test picture; one point."""
    people: list[Any] = [
        structures([rect(0, annopoints=points(0, visible=1.0)), rect(1, annopoints=points(1, range(9, -1, -1), "1"))]),
        structures([rect(2, annopoints=points(2, range(16), [float(j % 2) for j in range(16)]))]),
        structures(
            [
                {"annopoints": points(3, [6, 2, 3], ["0", "1", EMPTY]), "x1": 5.0, "objpos": EMPTY},
                {"x1": 1.0, "y1": 1.0, "x2": 2.0, "y2": 2.0},
            ]
        ),
        EMPTY,
        structures([rect(0, x1=None, y1=None, x2=None, y2=None), rect(4)]),
        structures([rect(5, annopoints={"point": {"x": 7.0, "y": 8.0, "id": 9.0, "is_visible": np.uint8(1)}})]),
    ]
    pictures = [
        {"image": {"name": f"00000{i}.jpg"}, "annorect": rects, "frame_sec": 3.0 * i, "vididx": 1.0 + i % 2}
        for i, rects in enumerate(people)
    ]
    pictures[3].update(frame_sec=EMPTY, vididx=EMPTY)
    release = {
        "annolist": structures(pictures),
        "img_train": np.array([[1, 1, 1, 1, 0, 1]], dtype=np.uint8),
        "single_person": cells([np.array([[2.0]]), np.array([[1.0]]), EMPTY, EMPTY, np.array([[1.0], [2.0]]), EMPTY]),
        "act": structures([{"cat_name": "sports", "act_name": f"game {i}", "act_id": float(i)} for i in range(6)]),
        "video_list": cells(["abc", "def"]),
        "version": "12",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"RELEASE": release}, do_compression=True)
    return path


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("mpii")
    write_release(root / "mpii_human_pose_v1_u12_2" / "mpii_human_pose_v1_u12_1.mat")
    (root / "images").mkdir()
    return root


def test_the_release(release: Path, tmp_path: Path) -> None:
    mpii = prepare_mpii(release, tmp_path / "set")
    assert mpii.folder == str((release / "images").resolve())
    assert [mpii.image(i) for i in range(len(mpii))] == [f"00000{i}.jpg" for i in (0, 0, 1, 2, 4, 4, 5)]
    assert mpii.number.tolist() == [0, 1, 0, 0, 0, 1, 0]
    assert mpii.split.tolist() == [0, 0, 0, 0, 2, 2, 0]
    assert mpii.single.tolist() == [False, True, True, False, True, True, False]
    expected = np.full((7, 16, 2), np.nan)
    for row, person, joints in ((0, 0, range(16)), (1, 1, range(10)), (2, 2, range(16)), (3, 3, (6, 2, 3))):
        for joint in joints:
            expected[row, joint] = place(person, joint)
    expected[6, 9] = 7, 8
    np.testing.assert_array_equal(mpii.points_px, expected)
    assert mpii.visible[0].all()
    assert mpii.visible[1, :10].all()
    assert mpii.visible[2].tolist() == [bool(j % 2) for j in range(16)]
    assert mpii.visible[3].nonzero()[0].tolist() == [2, 3]
    np.testing.assert_allclose(
        mpii.head_px, [0.6 * 50, 0.6 * np.hypot(31, 40), 0.6 * np.hypot(32, 40), np.nan, np.nan, 0.6 * np.hypot(34, 40)]
        + [0.6 * np.hypot(35, 40)],
    )  # fmt: skip
    np.testing.assert_array_equal(mpii.scale, [2, 3, 4, np.nan, 2, 6, 7])
    np.testing.assert_array_equal(mpii.centre_px[[0, 3, 5]], [[200, 140], [np.nan, np.nan], [1400, 140]])
    assert mpii.activities == ("game 0", "game 1", "game 2", "game 4", "game 5")
    assert mpii.videos == ("abc", "def", "abc", "abc", "def")
    assert mpii.frame_s.tolist() == [0, 3, 6, 12, 15]
    centre, scale = mpii.hourglass_crop()
    np.testing.assert_array_equal((*centre[1], scale[1]), (500, 140 + 45, 3.75))
    notes = "\n".join(mpii.notes)
    for said in (
        "pictures with nobody annotated, left out: 1",
        "people with neither points nor place and size, left out: 1",
        "people without place and size: 1",
        "points that do not say whether they are visible, taken as visible: 1",
        "no list of people for validation",
    ):
        assert said in notes
    again = open_mpii(tmp_path / "set")
    assert again.images == mpii.images
    np.testing.assert_array_equal(again.points_px, mpii.points_px)
    with pytest.raises(ValueError, match="read-only"):
        again.points_px[0] = 0


def test_rows_for_the_pose_machine(release: Path, tmp_path: Path) -> None:
    mpii = prepare_mpii(release, tmp_path / "set")
    rows = mpii.machine_rows(least_points=9)
    assert [rows.pictures[i] for i in range(len(rows))] == ["000000.jpg", "000000.jpg", "000001.jpg"]  # type: ignore[index]
    assert rows.notes == ("people with fewer than 9 joints, left out: 2 of 5",)
    assert not rows.continues.any()
    assert not rows.has_3d.any()
    assert not rows.visible[:, H36M_16.index("spine")].any()
    assert rows.boxes is not None
    for row, person, known in ((0, 0, range(16)), (1, 1, range(10)), (2, 2, range(16))):
        left, top, side = rows.boxes[row]
        for joint, of_mpii in enumerate(OF_THE_MACHINE):
            assert rows.visible[row, joint] == (of_mpii in known)
            if of_mpii in known and of_mpii is not None:
                x, y = rows.points[row, joint] * side + (left, top)
                assert (x, y) == pytest.approx(place(person, of_mpii), abs=1e-3)
    seen = rows.points[0][rows.visible[0]]
    assert (seen.min(), seen.max()) == (pytest.approx(0.15 / 1.3), pytest.approx(1.15 / 1.3)), (
        "the longer side fills it"
    )
    assert len(mpii.machine_rows(least_points=3)) == 4
    with pytest.raises(InputError, match="nobody of 0 people"):
        mpii.machine_rows("test")
    with pytest.raises(InputError, match="no split dev"):
        mpii.people("dev")
    assert mpii.people("test").size == 0
    assert mpii.people("test", with_points=False).tolist() == [4, 5]
    assert mpii.people("train", single=True).tolist() == [1, 2]


@pytest.mark.parametrize("kind", ["mat", "h5", "txt", "csv"])
def test_lists_of_validation(release: Path, tmp_path: Path, kind: str) -> None:
    """Person 2 of picture 1 and person 1 of picture 2 (from 1), and somebody who is not there."""
    path = tmp_path / f"who.{kind}"
    if kind == "mat":
        index, person = np.array([[1, 2, 99]], dtype=np.uint16), np.array([[2, 1, 1]], dtype=np.uint8)
        savemat(path, {"RELEASE_img_index": index, "RELEASE_person_index": person, "type": "x"})
    elif kind == "h5":
        with h5py.File(path, "w") as file:
            file["index"], file["person"] = [0.0, 1.0, 98.0], [1.0, 0.0, 0.0]
    else:
        text = "000000.jpg 2\n\n000001.jpg\nnobody.jpg 1\n"
        path.write_text(text if kind == "txt" else text.replace(" ", ","))
    mpii = prepare_mpii(release, tmp_path / "set", val_list=path)
    assert mpii.people("val").tolist() == [1, 2]
    assert f"1 of 3 that who.{kind} names for validation are not there" in mpii.notes


def test_wrong_lists_of_validation(release: Path, tmp_path: Path) -> None:
    path = tmp_path / "who.txt"
    for text, said in (
        ("elsewhere.jpg 1", "of whom nobody is there"),
        ("a.jpg 0", "line 1 is 'a.jpg 0', expected"),
        ("a b c", "expected a picture's name"),
        ("\n", "names nobody"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=said):
            prepare_mpii(release, tmp_path / "set", val_list=path)
    savemat(tmp_path / "who.mat", {"RELEASE_img_index": np.arange(3)})
    with pytest.raises(InputError, match="expected RELEASE_img_index and RELEASE_person_index"):
        prepare_mpii(release, tmp_path / "set", val_list=tmp_path / "who.mat")


def entries(*people: int) -> list[dict[str, Any]]:
    """As ``train.json`` has them: a joint that is not annotated is (-1, -1) with mark 0."""
    made = []
    for person in people:
        joints = [list(place(person, joint)) for joint in range(16)]
        marks = [1] * 16
        joints[4], marks[4] = [-1.0, -1.0], 0
        made.append(
            {"image": f"{person}.jpg", "joints": joints, "joints_vis": marks, "center": [200.0, 140.0], "scale": 3.5}
        )
    return made


def test_json_lists(tmp_path: Path) -> None:
    (tmp_path / "annot").mkdir()
    (tmp_path / "annot" / "train.json").write_text(json.dumps(entries(0, 1)))
    (tmp_path / "annot" / "valid.json").write_text(json.dumps(entries(2)))
    test = [{name: value for name, value in entries(3)[0].items() if "joints" not in name}]
    (tmp_path / "annot" / "test.json").write_text(json.dumps(test))
    mpii = prepare_mpii(tmp_path, tmp_path / "set")
    assert mpii.split.tolist() == [0, 0, 1, 2]
    assert np.isnan(mpii.points_px[:3, 4]).all()
    np.testing.assert_array_equal(mpii.points_px[2, 9], place(2, 9))
    assert np.isnan(mpii.points_px[3]).all()
    assert mpii.visible.sum(axis=1).tolist() == [15, 15, 15, 0]
    np.testing.assert_array_equal(mpii.scale, 3.5)
    assert np.isnan(mpii.head_px).all()
    assert any("does not tell occluded joints" in note for note in mpii.notes)
    # A list of its own kind can name people of validation by their place.
    again = prepare_mpii(
        tmp_path / "annot" / "train.json", tmp_path / "other", val_list=tmp_path / "annot" / "train.json"
    )
    assert set(again.split.tolist()) == {1}
    savemat(tmp_path / "who.mat", {"RELEASE_img_index": np.arange(3), "RELEASE_person_index": np.arange(3)})
    with pytest.raises(InputError, match="by their numbers in the release"):
        prepare_mpii(tmp_path / "annot" / "train.json", tmp_path / "x", val_list=tmp_path / "who.mat")
    (tmp_path / "annot" / "train.json").write_text(json.dumps(entries(0))[:-30])
    (tmp_path / "annot" / "valid.json").write_text(json.dumps([entries(0)[0] | {"joints": [[1, 2]]}]))
    with pytest.raises(InputError) as caught:
        prepare_mpii(tmp_path, tmp_path / "set", overwrite=True)
    assert "train.json" in str(caught.value)
    assert "entry 1 has 1 joints and 16 marks, expected 16" in str(caught.value)


def test_one_list_of_annotations(tmp_path: Path) -> None:
    made = []
    for person in range(3):
        joints = [[*place(person, joint), float(joint != 3)] for joint in range(16)]
        joints[4] = [0.0, 0.0, 0.0]
        made.append(
            {
                "dataset": "MPI" if person < 2 else "LEEDS", "isValidation": float(person),
                "img_paths": f"{person}.jpg",
                "objpos": [594.0, 257.0], "joint_self": joints, "scale_provided": 3.021, "people_index": 1.0,
                "annolist_index": 5.0 + person, "numOtherPeople": 1.0, "img_width": 1280.0,
            }
        )  # fmt: skip
    (tmp_path / "mpii_annotations.json").write_text(json.dumps(made))
    mpii = prepare_mpii(tmp_path, tmp_path / "set")
    assert mpii.split.tolist() == [0, 1]
    assert mpii.annotated.sum(axis=1).tolist() == [15, 15]
    assert mpii.visible.sum(axis=1).tolist() == [14, 14]
    assert "entries of other data sets, left out: 1" in mpii.notes
    savemat(tmp_path / "who.mat", {"RELEASE_img_index": np.array([5, 7]), "RELEASE_person_index": np.array([1, 1])})
    again = prepare_mpii(tmp_path, tmp_path / "set", val_list=tmp_path / "who.mat", overwrite=True)
    assert again.split.tolist() == [1, 1]


def write_h5(path: Path, *, of_crops: bool, heads: bool, codes: bool) -> None:
    """Two people: annotated (966, 340) with 4.71849 and (100, 200) with 2, which crops make (966, 410.777), 5.8981."""
    centre, scale = np.array([[966.0, 340.0], [100.0, 200.0]]), np.array([4.71849, 2.0])
    part = np.array([[place(person, joint) for joint in range(16)] for person in range(2)])
    part[1, 5] = 0
    names = ["005808361.jpg", "052475643.jpg"]
    with h5py.File(path, "w") as file:
        if of_crops:
            centre, scale = centre + np.stack([0 * scale, 15 * scale], axis=-1), 1.25 * scale
        file["center"], file["scale"], file["part"] = centre, scale, part
        file["normalize"] = np.array([51.5, 30.25]) if heads else 20 * scale * (1 if of_crops else 1.25)
        file["index"], file["person"] = [6.0, 17.0], [0.0, 1.0]
        file["visible"] = np.array([[1.0] * 16, [1, 1, 0] + [1] * 13])
        file["imgname"] = [[*n.encode(), 0, 0, 0] for n in names] if codes else np.array(names, dtype="S13")


@pytest.mark.parametrize(("of_crops", "heads", "codes"), [(True, False, False), (False, True, True)])
def test_hdf5_lists(tmp_path: Path, of_crops: bool, heads: bool, codes: bool) -> None:
    write_h5(tmp_path / "valid.h5", of_crops=of_crops, heads=heads, codes=codes)
    mpii = prepare_mpii(tmp_path, tmp_path / "set")
    assert mpii.images == ("005808361.jpg", "052475643.jpg")
    assert mpii.split.tolist() == [1, 1]
    np.testing.assert_allclose(mpii.centre_px, [[966, 340], [100, 200]], atol=1e-9)
    np.testing.assert_allclose(mpii.scale, [4.71849, 2])
    assert ("centre and scale were those of the crop; brought back to those annotated" in mpii.notes) == of_crops
    np.testing.assert_array_equal(mpii.head_px, [51.5, 30.25] if heads else [np.nan] * 2)
    assert mpii.annotated.sum(axis=1).tolist() == [16, 15]
    assert mpii.visible.sum(axis=1).tolist() == [16, 14]
    centre, scale = mpii.hourglass_crop()
    np.testing.assert_allclose((*centre[0], scale[0]), (966, 410.77735, 5.8981125))


def test_wrong_hdf5(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "train.h5", "w") as file:
        file["imgname"] = np.array(["a.jpg"], dtype="S5")
        file["part"] = np.zeros((2, 16, 2))
        file["scale"] = np.ones(1)
    with pytest.raises(InputError) as caught:
        prepare_mpii(tmp_path, tmp_path / "set")
    assert "no array 'center'" in str(caught.value)
    assert "arrays of different lengths: 2 of part, 1 of scale, 1 of imgname" in str(caught.value)
    with h5py.File(tmp_path / "train.h5", "w") as file:
        file["part"] = np.zeros((2, 17, 2))
    with pytest.raises(InputError, match=r"'part' is float64 of shape \(2, 17, 2\), expected \(people, 16, 2\)"):
        prepare_mpii(tmp_path, tmp_path / "set")
    (tmp_path / "train.h5").write_bytes(b"nothing")
    with pytest.raises(InputError, match="is no HDF5 file"):
        prepare_mpii(tmp_path, tmp_path / "set")


def test_what_is_no_release(tmp_path: Path) -> None:
    path = tmp_path / "mpii_human_pose_v1_u12_1.mat"
    savemat(path, {"RELEASE": {"annolist": 3.0}})
    with pytest.raises(InputError, match=r"no structure RELEASE with annolist and img_train \(it has: annolist\)"):
        read_release(path)
    savemat(path, {"RELEASE": {"annolist": structures([{"image": {"name": "a.jpg"}}]), "img_train": np.ones((1, 2))}})
    with pytest.raises(InputError, match="1 pictures in annolist and 2 marks in img_train"):
        read_release(path)
    savemat(path, {"RELEASE": {"annolist": structures([{"image": {"name": "a.jpg"}}]), "img_train": 1.0}})
    with pytest.raises(InputError, match="nobody is annotated in 1 pictures"):
        read_release(path)
    with pytest.raises(InputError, match="no annotations of MPII"):
        prepare_mpii(tmp_path, tmp_path / "set", layout="h5")
    (tmp_path / "train.json").write_text("[]")
    with pytest.raises(InputError, match="holds several layouts; choose one with --layout release or json"):
        prepare_mpii(tmp_path, tmp_path / "set")
    with pytest.raises(InputError, match="list nobody"):
        prepare_mpii(tmp_path, tmp_path / "set", layout="json")
    with pytest.raises(InputError, match="neither a file nor a folder"):
        prepare_mpii(tmp_path / "nothing", tmp_path / "set")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(OutputError, match="a folder with other files"):
        prepare_mpii(tmp_path, tmp_path / "full")
    with pytest.raises(InputError, match="is no prepared MPII"):
        open_mpii(tmp_path)


def test_damaged_files_are_input_errors(release: Path, tmp_path: Path) -> None:
    whole, made = next(release.rglob("*.mat")).read_bytes(), tmp_path / "set"
    prepare_mpii(release, made)
    archive = (made / "mpii.npz").read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(40):
        for path, data in ((tmp_path / "a.mat", whole), (made / "mpii.npz", archive)):
            broken = bytearray(data)
            for _ in range(int(rng.integers(1, 6))):
                broken[int(rng.integers(len(broken)))] = int(rng.integers(256))
            path.write_bytes(bytes(broken[: int(rng.integers(len(broken) // 2, len(broken) + 1))]))
        with suppress(MaquetteError):
            read_release(tmp_path / "a.mat")
        with suppress(MaquetteError):
            open_mpii(made)


def test_the_command(release: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    Image.new("L", (4, 4)).save(release / "images" / "000000.jpg")
    (tmp_path / "who.txt").write_text("000001.jpg 1\n")
    command = ["prepare", "mpii", str(release), str(tmp_path / "set"), "--val-list", str(tmp_path / "who.txt")]
    assert main(command) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[0].startswith(f"wrote {tmp_path / 'set'}: MPII Human Pose, 0.0 MB")
    for line in (
        "2D mpii-16 7 people in 5 pictures, without 3D",
        "train 4 people, 4 with joints, 1 far from others",
        "val 1 people, 1 with joints, 1 far from others",
        "test 2 people, 0 with joints, 2 far from others",
        "note people without place and size: 1",
    ):
        assert line in lines
    assert main(command) == 2
    assert "there is a prepared MPII already" in capsys.readouterr().err
    assert main([*command, "--overwrite"]) == 0
    assert main([*command, "--overwrite", "--noise"]) == 2
    assert "--noise: no option for the data set 'mpii'" in capsys.readouterr().err

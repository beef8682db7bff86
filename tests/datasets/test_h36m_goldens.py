"""Stores of the made-up Human3.6M against what the original programs read from the same files."""

import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from maquette.datasets.h36m import prepare_h36m
from maquette.datasets.h36m_cameras import published_cameras, read_cameras_h5, read_metadata_xml
from maquette.datasets.h36m_facts import CAMERAS, SUBJECTS
from maquette.datasets.store import PoseStore, Recording, View
from maquette.geometry.camera import Camera
from maquette.skeletons import H36M_17, H36M_32, MPII_16

JOINTS_17 = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory, goldens_dir: Path) -> Path:
    folder = tmp_path_factory.mktemp("h36m")
    for name in ("martinez_data", "martinez_data_cdf"):
        with zipfile.ZipFile(goldens_dir / name / "h36m.zip") as archive:
            archive.extractall(folder / name)
    return folder


@pytest.fixture(scope="module")
def martinez(trees: Path) -> PoseStore:
    return prepare_h36m(trees / "martinez_data" / "h36m", trees / "martinez_store")


def find(store: PoseStore, subject: str, action: str, camera: str) -> tuple[Recording, View]:
    recording = next(r for r in store.recordings if (r.subject, r.action) == (subject, action))
    return recording, next(view for view in recording.views if view.camera_name == camera)


@pytest.mark.parametrize(
    ("read", "file", "golden"),
    [
        (read_cameras_h5, "martinez_data/h36m/cameras.h5", "martinez_data/cameras_loaded.npz"),
        (read_metadata_xml, "martinez_data_cdf/h36m/metadata.xml", "martinez_data_cdf/cameras_from_xml.npz"),
    ],
)
def test_cameras(trees: Path, goldens_dir: Path, read, file: str, golden: str) -> None:
    cameras = read(trees / file, SUBJECTS)
    expected = np.load(goldens_dir / golden)
    assert len([key for key in expected if key.endswith("_R")]) == 28
    for subject in SUBJECTS:
        for number, (name, camera) in enumerate(cameras[subject].items(), 1):
            numbers = {key: expected[f"{subject}_cam{number}_{key}"] for key in ("R", "T", "f", "c", "k", "p", "name")}
            assert name == str(numbers["name"])
            np.testing.assert_allclose(camera.R_camera_world, numbers["R"], rtol=0, atol=1e-14)
            np.testing.assert_allclose(camera.position_world_m * 1000, numbers["T"].ravel(), rtol=1e-12)
            np.testing.assert_array_equal(camera.focal_px, numbers["f"].ravel())
            np.testing.assert_array_equal(camera.centre_px, numbers["c"].ravel())
            np.testing.assert_array_equal(camera.distortion, [*numbers["k"].ravel(), *numbers["p"].ravel()])
            assert camera.image_size == (1000, 1002 if number in (1, 4) else 1000)


def test_camera_functions(trees: Path, goldens_dir: Path) -> None:
    golden = np.load(goldens_dir / "martinez_data" / "camera_functions.npz")
    cameras = read_cameras_h5(trees / "martinez_data" / "h36m" / "cameras.h5", SUBJECTS)
    world_m = golden["points_world"] / 1000
    names = sorted({key.rsplit("_", 1)[0] for key in golden if "_cam" in key})
    names = sorted({"_".join(name.split("_")[:2]) for name in names})
    assert len(names) == 3
    for name in names:
        subject, number = name.split("_cam")
        camera = cameras[subject][CAMERAS[int(number) - 1]]
        in_camera_m = camera.world_to_camera(world_m)
        np.testing.assert_allclose(in_camera_m * 1000, golden[f"{name}_Xcam"], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(camera.camera_to_world(in_camera_m) * 1000, golden[f"{name}_Xworld_back"], rtol=1e-9)
        np.testing.assert_allclose(camera.project(in_camera_m), golden[f"{name}_proj"], rtol=1e-9)


def test_a_martinez_tree(martinez: PoseStore, goldens_dir: Path) -> None:
    golden = np.load(goldens_dir / "martinez_data" / "raw_S9_Sitting.npz")
    compared = 0
    for key in golden:
        what, _, _, name = key.split("|")
        action, camera = name.split(".")[:2]
        recording, view = find(martinez, "S9", action, camera if what != "world" else CAMERAS[0])
        seen = {
            "world": lambda r, v: martinez.positions_world_m(r) * 1000,
            "cam3d": lambda r, v: martinez.positions_camera_m(r, v) * 1000,
            "proj2d": lambda r, v: martinez.keypoints_px(r, v, "gt"),
        }[what](recording, view)
        np.testing.assert_allclose(seen.reshape(len(seen), -1), golden[key], rtol=1e-9, atol=1e-9)
        compared += 1
    assert compared == 18
    assert (martinez.skeleton, martinez.sources["gt"].skeleton) == (H36M_32, H36M_32)
    assert {float(recording.fps) for recording in martinez.recordings} == {50.0}


def test_order_names_and_the_known_gap(martinez: PoseStore) -> None:
    assert martinez.subjects == SUBJECTS
    assert [r.action for r in martinez.recordings if r.subject == "S1"] == [
        *("Directions", "Directions 1", "Sitting 1", "Sitting 2", "SittingDown", "SittingDown 2")
    ]
    assert [r.kind for r in martinez.recordings[:6]] == ["Directions"] * 2 + ["Sitting"] * 2 + ["SittingDown"] * 2
    assert all(tuple(view.camera_name for view in r.views) == CAMERAS for r in martinez.recordings)
    without = [(str(r), v.camera_name) for r in martinez.recordings for v in r.views if "sh" not in v.rows]
    assert without == [("S11 Directions", "54138969")]
    notes = "\n".join(martinez.notes)
    assert "no points of 'sh' for S11 Directions, camera 54138969: its video is damaged" in notes
    assert "absent: 12 of 15 actions, Discussion, Eating" in notes


def test_stacked_hourglass_points_are_those_of_the_files(martinez: PoseStore, trees: Path) -> None:
    assert martinez.sources["sh"].skeleton == MPII_16
    for subject, action, camera in (("S1", "Sitting 2", "58860488"), ("S11", "Directions", "60457274")):
        name = f"{subject}/StackedHourglass/{action.replace(' ', '_')}.{camera}.h5"
        with h5py.File(trees / "martinez_data" / "h36m" / name, "r") as file:
            expected = np.asarray(file["poses"])
        recording, view = find(martinez, subject, action, camera)
        np.testing.assert_array_equal(martinez.keypoints_px(recording, view, "sh"), expected)


def test_a_release_tree(trees: Path, goldens_dir: Path) -> None:
    golden = np.load(goldens_dir / "martinez_data_cdf" / "cdf_loaded.npz")
    source = trees / "martinez_data_cdf" / "h36m"
    store = prepare_h36m(source, trees / "release_store", subjects=["S1"], mirror_behind=True)
    plain = prepare_h36m(source, trees / "plain_store", subjects=["S1"])
    compared, behind = 0, 0
    for key in golden:
        what, _, _, name = key.split("|")
        action, camera = name.split(".")[:2]
        recording, view = find(store, "S1", action, camera if what != "world" else CAMERAS[0])
        seen = {
            "world": lambda r, v: store.positions_world_m(r) * 1000,
            "cam3d": lambda r, v: store.positions_camera_m(r, v) * 1000,
            "proj2d": lambda r, v: store.keypoints_px(r, v, "gt"),
        }[what](recording, view)
        np.testing.assert_allclose(seen.reshape(len(seen), -1), golden[key], rtol=1e-9, atol=1e-9)
        compared += 1
        if what == "proj2d":
            points = plain.keypoints_px(*find(plain, "S1", action, camera), "gt")
            in_front = store.positions_camera_m(recording, view)[..., 2] > 0
            np.testing.assert_array_equal(np.isfinite(points).all(-1), in_front)
            np.testing.assert_array_equal(points[in_front], seen[in_front])
            behind += int((~in_front).sum())
    assert compared == 18
    assert behind == 1536
    assert "1,536 joints lie behind a camera: NaN in 'gt' (real recordings have none)" in plain.notes


def test_archives_of_videopose3d(tmp_path: Path, goldens_dir: Path) -> None:
    store = prepare_h36m(goldens_dir / "rie_data", tmp_path / "store", subjects=["S1", "S9"])
    golden = np.load(goldens_dir / "generators" / "prepared_videopose3d.npz")
    info = json.loads((goldens_dir / "generators" / "info_videopose3d.json").read_text())
    compared, lengths = 0, []
    for recording in store.recordings:
        for number, view in enumerate(recording.views):
            detected = store.keypoints_px(recording, view, "cpn_ft_h36m_dbb")
            lengths += [recording.frames] if recording.subject == "S1" else []
            # The original has already cut the detections to the length of the motion capture.
            assert len(detected) >= recording.frames
            assert (golden[f"lengths|{recording.subject}|{recording.action}"][number] == recording.frames).all()
            key = f"pos3d_cam|{recording.subject}|{recording.action}|{number}"
            if key in golden:
                expected = golden[key].astype(np.float64)
                expected[:, 1:] += expected[:, :1]
                seen = store.positions_camera_m(recording, view)[:, JOINTS_17]
                np.testing.assert_allclose(seen, expected, atol=2e-6)
                compared += 1
    assert lengths == info["lengths_2d"]
    assert compared == 4
    assert [str(recording) for recording in store.recordings] == [
        *("S1 Directions 1", "S1 Walking", "S9 Directions 1", "S9 Walking")
    ]
    assert store.sources["cpn_ft_h36m_dbb"].skeleton == H36M_17
    assert store.positions_world_m(store.recordings[0]).dtype == np.float32


def test_published_projections_are_ours_rounded(tmp_path: Path, goldens_dir: Path) -> None:
    """Their formula with their order of the tangential coefficients, ours with ours, from the same table."""
    store = prepare_h36m(goldens_dir / "rie_data", tmp_path / "store", subjects=["S1", "S9"])
    (note,) = [note for note in store.notes if "data_2d_h36m_gt.npz" in note]
    assert note.startswith("data_2d_h36m_gt.npz: equal to the projected 3D within 0.000")
    published = np.load(goldens_dir / "rie_data" / "data_2d_h36m_gt.npz", allow_pickle=True)["positions_2d"].item()
    for recording in store.recordings:
        for view, points in zip(recording.views, published[recording.subject][recording.action], strict=True):
            ours = store.keypoints_px(recording, view, "gt")
            assert ours.shape == (recording.frames, 32, 2)
            # Theirs is in single precision from the world on: some roundings of 6e-8 of 1000 px.
            np.testing.assert_allclose(ours[:, JOINTS_17], points, rtol=0, atol=5e-4)


def test_the_published_table_against_its_published_example() -> None:
    camera: Camera = published_cameras(["S1"])["S1"]["54138969"]
    points = camera.world_to_camera(np.array([[0.1, 0.2, 0.9], [0.3, 0.1, 1.4]]))
    expected = [[-0.33405268, -0.29581118, 5.08775473], [-0.54443222, -0.79466200, 5.00475979]]
    np.testing.assert_allclose(points, expected, atol=1e-6)

"""HumanEva-I: made-up archives and MATLAB trees in the published layouts, their 2D by a pinhole written out here."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat
from scipy.spatial.transform import Rotation

from maquette.cli import main
from maquette.datasets.humaneva import prepare_humaneva
from maquette.datasets.humaneva_facts import takes
from maquette.datasets.humaneva_files import read_points, read_positions
from maquette.datasets.store import open_store
from maquette.errors import InputError, MaquetteError
from maquette.skeletons import COCO_17, HUMANEVA_15, HUMANEVA_20

SYMMETRY = {
    15: [[2, 3, 4, 8, 9, 10], [5, 6, 7, 11, 12, 13]],
    20: [[3, 4, 5, 6, 11, 12, 13, 14], [7, 8, 9, 10, 15, 16, 17, 18]],
}
S3_TRAIN_FRAMES = {"Walking 1": 491, "Jog 1": 441, "Gestures 1": 569, "Box 1": 509}
POSE_S1_C2 = ((0.6503354, -0.7481602, -0.0919284, 0.0941766), (844.8131, -3805.2092, 1504.9929))
POSE_S3 = [
    ((0.424207, -0.4983646, -0.5802981, 0.4847012), (4062.2271, 663.2477, 1528.397)),
    POSE_S1_C2,
    ((0.0664734, -0.0690535, 0.7416416, -0.6639132), (-797.6738, 3916.3174, 1433.6602)),
]


def world_m(rng: np.random.Generator, frames: int, joints: int) -> np.ndarray:
    return rng.uniform([-0.6, -0.6, 0], [0.6, 0.6, 1.8], (frames, joints, 3))


def seen_px(world: np.ndarray, camera: int) -> np.ndarray:
    """Camera q (wxyz, camera to world) and t in mm: p = R(q)^-1 (w - t); u = f x / z + c."""
    (w, x, y, z), t = POSE_S3[camera]
    p = Rotation.from_quat([x, y, z, w]).inv().apply(world.reshape(-1, 3) - np.array(t) / 1000).reshape(world.shape)
    return np.stack([(760 + camera) * p[..., 0] / p[..., 2] + 330, 755 * p[..., 1] / p[..., 2] + 245], axis=-1)


def write_archives(folder: Path, joints: int = 15) -> tuple[dict, dict]:
    """3D and ground truth and detections of Train/S3, Validate/S1; returns the two dictionaries."""
    rng = np.random.default_rng(joints)
    positions = {
        "Train/S3": {f"Walking 1 chunk{n}": world_m(rng, 20 + n, joints).astype("float32") for n in (0, 2)},
        "Validate/S1": {"Box 1 chunk0": world_m(rng, 12, joints).astype("float32")},
    }
    gt = {
        s: {a: [seen_px(p, c).astype("float32") for c in range(3)] for a, p in actions.items()}
        for s, actions in positions.items()
    }
    detected: dict[str, dict[str, list]] = {
        s: {
            a: [rng.uniform(0, 480, (len(v[0]) + 3, 17, 2)).astype("float32") for _ in range(3)]
            for a, v in actions.items()
        }
        for s, actions in gt.items()
    }
    detected["Validate/S1"]["Box 1 chunk0"][1] = None
    detected["Unlabeled/S4"] = {"Walking 1": [None, None, None]}
    np.savez(folder / f"data_3d_humaneva{joints}.npz", positions_3d=np.array(positions, dtype=object))
    for name, points, layout, symmetry in (
        ("gt", gt, f"humaneva{joints}", SYMMETRY[joints]),
        ("detectron_pt_coco", detected, "coco", [list(COCO_17.left), list(COCO_17.right)]),
    ):
        metadata = {
            "layout_name": layout,
            "num_joints": 17 if layout == "coco" else joints,
            "keypoints_symmetry": symmetry,
        }
        np.savez(
            folder / f"data_2d_humaneva{joints}_{name}.npz",
            positions_2d=np.array(points, dtype=object),
            metadata=np.array(metadata, dtype=object),
        )
    return positions, gt


@pytest.mark.parametrize("joints", [15, 20])
def test_archives(tmp_path: Path, joints: int) -> None:
    positions, gt = write_archives(tmp_path, joints)
    command = ["prepare", "humaneva", str(tmp_path), str(tmp_path / "store"), "--subjects", "Train/S3", "Validate/S1"]
    assert main(command) == 0
    store = open_store(tmp_path / "store")
    assert store.skeleton == (HUMANEVA_15 if joints == 15 else HUMANEVA_20)
    assert {name: source.skeleton for name, source in store.sources.items()} == {
        "detectron_pt_coco": COCO_17, "gt": store.skeleton,
    }  # fmt: skip
    assert [(str(r), r.kind, r.fps) for r in store.recordings] == [
        ("Train/S3 Walking 1 chunk0", "Walking", 60), ("Train/S3 Walking 1 chunk2", "Walking", 60),
        ("Validate/S1 Box 1 chunk0", "Box", 60),
    ]  # fmt: skip
    for recording in store.recordings:
        assert np.array_equal(store.positions_world_m(recording), positions[recording.subject][recording.action])
        for camera, view in enumerate(recording.views):
            points = gt[recording.subject][recording.action][camera]
            assert np.array_equal(store.keypoints_px(recording, view, "gt"), points)
            # S1 and S3 stand in the same places; the lens was found from the points.
            np.testing.assert_allclose(view.camera.project_world(store.positions_world_m(recording)), points, atol=0.01)
            assert view.camera.focal_px == pytest.approx((760 + camera, 755), abs=0.02)
            assert view.camera.image_size == (640, 480)
    box = store.recordings[2]
    assert [("detectron_pt_coco" in view.rows) for view in box.views] == [True, False, True]
    assert len(store.keypoints_px(box, box.views[0], "detectron_pt_coco")) == 15
    notes = "\n".join(store.notes)
    assert "fitted to the ground-truth 2D, which they meet to" in notes
    assert "no points of 1 videos" in notes
    assert "Unlabeled/S4 left out" in notes


def test_camera_frame_of_the_published_example(tmp_path: Path) -> None:
    write_archives(tmp_path)
    store = prepare_humaneva(tmp_path, tmp_path / "store", subjects=("Validate/S1",))
    recording = store.recordings[0]
    (w, x, y, z), t = POSE_S1_C2
    world = store.positions_world_m(recording).astype(np.float64)
    expected = Rotation.from_quat([x, y, z, w]).inv().apply(world.reshape(-1, 3) - np.array(t) / 1000)
    ours = store.positions_camera_m(recording, recording.views[1])
    np.testing.assert_allclose(ours.reshape(-1, 3), expected, atol=1e-9)
    assert recording.views[1].camera_name == "C2"


def test_without_ground_truth_the_lens_is_nominal(tmp_path: Path) -> None:
    write_archives(tmp_path)
    (tmp_path / "data_2d_humaneva15_gt.npz").unlink()
    store = prepare_humaneva(tmp_path, tmp_path / "store", subjects=("Train/S3",))
    assert store.recordings[0].views[0].camera.focal_px == (736, 736)
    assert any("focal length 736 px is nominal" in note for note in store.notes)
    assert list(store.sources) == ["detectron_pt_coco"]


def write_tree(root: Path) -> dict[str, np.ndarray]:
    """``Train/S3``, with gaps: its positions in mm by action."""
    rng = np.random.default_rng(3)
    found = {}
    (root / "Train" / "S3").mkdir(parents=True)
    for action, frames in S3_TRAIN_FRAMES.items():
        world = 1000 * world_m(rng, frames, 15)
        if action == "Jog 1":
            world[:4, 2] = np.nan
            world[100:103] = np.nan
            world[400, 14] = np.nan
        points = np.stack([seen_px(world / 1000, camera) for camera in range(3)])
        name = f"{action.replace(' ', '_')}.mat"
        savemat(root / "Train" / "S3" / name, {"poses_3d": world, "poses_2d": points})
        found[action] = world
    return found


def test_matlab_tree_in_chunks(tmp_path: Path) -> None:
    truth = write_tree(tmp_path / "tree")
    store = prepare_humaneva(tmp_path / "tree", tmp_path / "store", subjects=("Train/S3",))
    expected = {f"{action} chunk0": (action, slice(0, n)) for action, n in S3_TRAIN_FRAMES.items() if action != "Jog 1"}
    expected |= {
        "Jog 1 chunk1": ("Jog 1", slice(4, 100)), "Jog 1 chunk3": ("Jog 1", slice(103, 400)),
        "Jog 1 chunk5": ("Jog 1", slice(401, 441)),
    }  # fmt: skip
    assert {r.action for r in store.recordings} == set(expected)
    for recording in store.recordings:
        action, frames = expected[recording.action]
        positions = truth[action][frames].astype("float32") / 1000
        assert positions.dtype == np.float32
        assert np.array_equal(store.positions_world_m(recording), positions)
        for camera, view in enumerate(recording.views):
            points = seen_px(truth[action][frames] / 1000, camera).astype("float32")
            assert np.array_equal(store.keypoints_px(recording, view, "gt"), points)
    assert "ThrowCatch 1" not in takes("Train/S3")
    assert takes("Validate/S2") == {
        "Walking 1": 433,
        "Jog 1": 393,
        "ThrowCatch 1": 545,
        "Gestures 1": 495,
        "Box 1": 377,
    }


def test_all_missing_and_damaged_files_are_named(tmp_path: Path) -> None:
    write_tree(tmp_path / "tree")
    folder = tmp_path / "tree" / "Train" / "S3"
    (folder / "Box_1.mat").unlink()
    (folder / "Jog_1.mat").write_bytes(b"MATLAB 5.0 MAT-file" + bytes(20))
    savemat(folder / "Walking_1.mat", {"poses_3d": np.zeros((490, 15, 3)), "poses_2d": np.zeros((3, 490, 15, 2))})
    with pytest.raises(InputError) as error:
        prepare_humaneva(tmp_path / "tree", tmp_path / "store", subjects=("S3",))
    text = str(error.value)
    for part in (
        "7 problems", "Train/S3/Box_1.mat is missing", "Jog_1.mat: is no MATLAB file", "expected (491, 15 or 20, 3)",
        "Validate/S3/Walking_1.mat is missing",
    ):  # fmt: skip
        assert part in text
    assert not (tmp_path / "store").exists()


def test_damaged_archives(tmp_path: Path) -> None:
    write_archives(tmp_path)
    with pytest.raises(InputError, match=r"4 problems:(?s:.*)no subject Train/S1; it has Train/S3, Validate/S1"):
        prepare_humaneva(tmp_path, tmp_path / "store")
    short = {"Train/S3": {"Walking 1 chunk0": [np.zeros((5, 17, 2), "float32")] * 3, "Walking 1 chunk2": [None] * 2}}
    np.savez(tmp_path / "data_2d_humaneva15_x.npz", positions_2d=np.array(short, dtype=object))
    with pytest.raises(InputError) as error:
        prepare_humaneva(tmp_path, tmp_path / "store", subjects=("Train/S3",))
    assert "Train/S3 Walking 1 chunk0, camera C1: 5 frames for 20 of 3D" in str(error.value)
    assert "Walking 1 chunk2: expected points of 3 cameras, saw 2 of them" in str(error.value)


def test_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no files of HumanEva-I; expected data_3d_humaneva15\.npz, or Train/S1"):
        prepare_humaneva(tmp_path, tmp_path / "store")
    with pytest.raises(InputError, match="--subjects S4: expected some of S1"):
        prepare_humaneva(tmp_path, tmp_path / "store", subjects=("S4",))
    write_archives(tmp_path, 15)
    write_archives(tmp_path, 20)
    with pytest.raises(InputError, match="choose with --joints 15 or --joints 20"):
        prepare_humaneva(tmp_path, tmp_path / "store")
    store = prepare_humaneva(tmp_path, tmp_path / "store", joints=20, subjects=("Train/S3",))
    assert store.skeleton == HUMANEVA_20


READERS: dict[str, Callable[[Path], object]] = {
    "data_3d_humaneva15.npz": lambda path: read_positions(path, 15, ["Train/S3"]),
    "data_2d_humaneva15_gt.npz": lambda path: read_points(
        path, "data_2d_humaneva15_", {("Train/S3", "Walking 1 chunk0"): np.zeros((20, 15, 3))}
    ),
}


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archives")
    write_archives(folder)
    return folder


@pytest.mark.parametrize("name", ["data_3d_humaneva15.npz", "data_2d_humaneva15_gt.npz"])
@settings(max_examples=30)
@given(data=st.data())
def test_any_damage_is_read_or_said(tmp_path_factory: pytest.TempPathFactory, archives: Path, name: str, data) -> None:
    sound = archives / name
    content = bytearray(sound.read_bytes())
    for _ in range(data.draw(st.integers(0, 5))):
        place = data.draw(st.integers(0, len(content) - 1) | st.integers(0, min(len(content), 3000) - 1))
        content[place] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content)))]
    path = tmp_path_factory.mktemp("damaged") / sound.name
    path.write_bytes(content)
    said = str(path)
    try:
        READERS[name](path)
    except MaquetteError as error:
        said = str(error)
    assert str(path) in said

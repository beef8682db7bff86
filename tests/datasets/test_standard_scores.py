"""Samples of single poses against what the original program makes of the same files."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from maquette.datasets.h36m import prepare_h36m
from maquette.datasets.pose_statistics import INPUT_COLUMNS, columns, output_joints
from maquette.datasets.standard_scores import EpochOrder, ScoredPoses, scored_poses, statistics_of_store
from maquette.datasets.store import PoseStore, Source, StoreWriter, open_store
from maquette.errors import InputError
from maquette.geometry.camera import Camera
from maquette.skeletons import COCO_17, H36M_17, H36M_32, MPII_16

TRAIN, TEST = ("S1", "S5", "S6", "S7", "S8"), ("S9", "S11")
CONFIGURATIONS = [
    ("3d_cam_predict17", "gt", True, False),
    ("3d_cam_predict14", "gt", True, True),
    ("3d_world_predict17", "gt", False, False),
    ("3d_world_predict14", "gt", False, True),
    ("2d_gt", "gt", True, False),
    ("2d_sh", "sh", True, False),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, goldens_dir: Path) -> PoseStore:
    folder = tmp_path_factory.mktemp("martinez")
    with zipfile.ZipFile(goldens_dir / "martinez_data" / "h36m.zip") as archive:
        archive.extractall(folder)
    return prepare_h36m(folder / "h36m", folder / "store")


def samples(store: PoseStore, source: str, camera_frame: bool, predict_14: bool) -> dict[str, ScoredPoses]:
    options = {"source": source, "camera_frame": camera_frame, "predict_14": predict_14, "dtype": np.float64}
    train = scored_poses(store, subjects=TRAIN, **options)
    return {"train": train, "test": scored_poses(store, subjects=TEST, statistics=train.statistics, **options)}


def key(scored: ScoredPoses, i: int, source: str) -> str:
    """The original's name of a sequence; in the world frame that of the recording."""
    label = scored.labels[i]
    camera = f".{label.camera}" if scored.camera_frame else ""
    return f"{label.subject[1:]}|{label.kind}|{label.action}{camera}.h5" + ("-sh" if source == "sh" else "")


@pytest.mark.parametrize(("name", "source", "camera_frame", "predict_14"), CONFIGURATIONS)
def test_every_sequence_of_the_original(store, goldens_dir, name, source, camera_frame, predict_14):
    folder = goldens_dir / "martinez_data"
    checksums = json.loads((folder / f"{name}_checksums.json").read_text())
    whole = dict(np.load(folder / f"{name}.npz")) if (folder / f"{name}.npz").exists() else {}
    seen = set()
    for part, scored in samples(store, source, camera_frame, predict_14).items():
        for i in range(len(scored.labels)):
            rows, ours = scored.rows(i), key(scored, i, source)
            values = scored.inputs[rows] if name.startswith("2d") else scored.targets[rows]
            for golden, found in ((f"{part}|{ours}", values), (f"{part}_root|{ours}", scored.roots[rows])):
                if golden in checksums:
                    shape, total, squares = checksums[golden]
                    assert list(found.shape) == shape
                    np.testing.assert_allclose([found.sum(), np.square(found).sum()], [total, squares], rtol=1e-9)
                    seen.add(golden)
                if golden in whole:
                    np.testing.assert_allclose(found, whole[golden], rtol=1e-9, atol=1e-9)
            if f"unnormalized|{ours}" in whole:
                back = scored.statistics.points_px(values) if name.startswith("2d") else scored.targets_mm()[rows]
                np.testing.assert_allclose(back, whole[f"unnormalized|{ours}"], rtol=1e-6, atol=1e-3)
    assert seen == set(checksums)


@pytest.mark.parametrize(
    ("name", "source", "camera_frame", "predict_14"), [c for c in CONFIGURATIONS if c[0][-1] != "4"]
)
def test_statistics_and_coordinates_of_the_original(store, goldens_dir, name, source, camera_frame, predict_14):
    golden = np.load(goldens_dir / "martinez_data" / f"{name}.npz")
    found = statistics_of_store(store, source=source, subjects=TRAIN, camera_frame=camera_frame)
    flat = name.startswith("2d")
    np.testing.assert_allclose(
        found.mean_2d_px if flat else found.mean_3d_mm, golden["data_mean"], rtol=1e-9, atol=1e-9
    )
    np.testing.assert_allclose(found.std_2d_px if flat else found.std_3d_mm, golden["data_std"], rtol=1e-9, atol=1e-9)
    used = INPUT_COLUMNS if flat else columns(output_joints(predict_14), 3)
    np.testing.assert_array_equal(used, golden["dim_to_use"])


def test_batches_of_the_original(store, goldens_dir):
    golden = np.load(goldens_dir / "martinez_data" / "batches_train_seed7_sh.npz")
    order = np.load(goldens_dir / "martinez_data" / "2d_sh.npz")["train_key_order"]
    train = samples(store, "sh", True, False)["train"]
    ours = [key(train, i, "sh") for i in range(len(train.labels))]
    train = train.arranged([ours.index(name) for name in order])
    epoch = EpochOrder(len(train.inputs), batch_size=64, seed=7)
    assert epoch.batches_per_epoch == golden["n_batches"]
    for index, name in ((0, "batch0"), (epoch.batches_per_epoch - 1, "last")):
        rows = epoch.batch(0, index)
        np.testing.assert_allclose(train.inputs[rows], golden[f"enc_in_{name}"], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(train.targets[rows], golden[f"dec_out_{name}"], rtol=1e-9, atol=1e-9)


def test_epochs_go_on_from_one_random_state():
    order, random = EpochOrder(200, batch_size=64, seed=3), np.random.RandomState(3)
    expected = [random.permutation(200) for _ in range(3)]
    assert order.batches_per_epoch == 3
    for epoch in (0, 2, 1, 1, 0):
        np.testing.assert_array_equal(order.batch(epoch, 1), expected[epoch][64:128])


def test_one_action_is_not_another_that_begins_with_its_name(store):
    sitting = scored_poses(store, source="gt", subjects=["S9"], actions=["Sitting"])
    assert {label.kind for label in sitting.labels} == {"Sitting"}
    assert sitting.inputs.dtype == np.float32
    assert "actions Sitting" in sitting.statistics.source


def test_all_that_is_wrong_is_said_at_once(store):
    with pytest.raises(InputError) as error:
        scored_poses(store, source="cpn", subjects=["S1", "S2"], actions=["Flying"])
    text = str(error.value)
    assert "no 2D points of 'cpn'; there are: gt, sh" in text
    assert "no subject 'S2'" in text
    assert "no action 'Flying' of these subjects; there are: Directions, Sitting, SittingDown" in text


def write(path: Path, source: Source, points: np.ndarray, skeleton=H36M_32) -> PoseStore:
    camera = Camera((1000.0, 1000.0), (500.0, 500.0), (1000, 1000), position_world_m=np.array([0.0, 0, -5]))
    body = np.random.default_rng(0).normal(size=(5, len(skeleton), 3))
    with StoreWriter(path, name="made up", skeleton=skeleton, sources=[source]) as writer:
        number = writer.add_recording("S1", "Walk", body, fps=50, cameras={"c": camera})
        writer.add_keypoints(number, "c", source.name, points)
    return open_store(path)


def test_points_of_17_joints_with_scores(tmp_path):
    points = np.random.default_rng(1).normal(size=(6, 17, 3)) * 100
    store = write(tmp_path / "s", Source("cpn", H36M_17, 3), points)
    scored = scored_poses(store, source="cpn", subjects=["S1"], dtype=np.float64)
    seen = np.delete(points[:5, :, :2], H36M_17.index("nose"), axis=1).reshape(5, -1)
    np.testing.assert_allclose(scored.inputs, (seen - seen.mean(0)) / seen.std(0), atol=1e-9)


@pytest.mark.parametrize(
    ("source", "points", "text"),
    [
        (Source("sh", MPII_16), np.ones((4, 16, 2)), "4 frames of 2D for 5 of motion capture"),
        (Source("sh", MPII_16), np.full((5, 16, 2), np.nan), "are missing in some frames"),
        (Source("sh", MPII_16), np.ones((5, 16, 2)), "std_2d_px of hip, r_hip"),
        (Source("cnn", COCO_17), np.ones((5, 17, 2)), "2D points of skeleton coco-17"),
    ],
)
def test_points_that_cannot_be_used(tmp_path, source, points, text):
    with pytest.raises(InputError, match=text):
        scored_poses(write(tmp_path / "s", source, points), source=source.name, subjects=["S1"])


def test_a_store_of_other_joints(tmp_path):
    store = write(tmp_path / "s", Source("gt", H36M_17), np.ones((5, 17, 2)), skeleton=COCO_17)
    with pytest.raises(InputError, match="its joints are coco-17"):
        scored_poses(store, source="gt", subjects=["S1"])


def test_a_store_of_17_joints_gives_the_same_samples(store, tmp_path):
    """Open motion capture has no more; the published samples read none of the other 15."""
    kept = H36M_32.indices(H36M_17.joints)
    with StoreWriter(tmp_path / "17", name="17", skeleton=H36M_17, sources=[Source("gt", H36M_17, 2)]) as writer:
        for recording in store.recordings:
            number = writer.add_recording(
                recording.subject,
                recording.action,
                store.positions_world_m(recording)[:, kept],
                fps=recording.fps,
                cameras={view.camera_name: view.camera for view in recording.views},
            )
            for view in recording.views:
                writer.add_keypoints(number, view.camera_name, "gt", store.keypoints_px(recording, view, "gt")[:, kept])
    small = open_store(tmp_path / "17")
    for camera_frame in (True, False):
        ours, theirs = (scored_poses(s, source="gt", subjects=TRAIN, camera_frame=camera_frame) for s in (small, store))
        np.testing.assert_allclose(ours.inputs, theirs.inputs, atol=1e-6)
        np.testing.assert_allclose(ours.targets, theirs.targets, atol=1e-6)

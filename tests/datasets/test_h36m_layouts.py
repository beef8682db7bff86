"""The layouts of Human3.6M: one recording gives the same arrays in each; names, choices, and what is missing."""

from pathlib import Path

import numpy as np
import pytest
from made_h36m import (
    ACTIONS,
    hourglass_px,
    positions_mm,
    write_archives,
    write_h5,
    write_martinez,
    write_points,
    write_release,
)
from scipy.io import savemat

from maquette.datasets.h36m import prepare_h36m
from maquette.datasets.h36m_facts import CAMERAS
from maquette.datasets.store import PoseStore
from maquette.errors import InputError
from maquette.skeletons import COCO_17, H36M_17, MPII_16

TWO = ("S1", "S11")
COCO = {"layout_name": "coco", "num_joints": 17, "keypoints_symmetry": [[1, 3, 5, 7, 9, 11, 13, 15], []]}


def error_of(source: Path, target: Path, **options) -> str:
    with pytest.raises(InputError) as caught:
        prepare_h36m(source, target, **options)
    assert not target.exists()
    return str(caught.value)


def assert_same(one: PoseStore, other: PoseStore, *, rounding_m: float, rounding_px: float) -> None:
    assert [str(r) for r in one.recordings] == [str(r) for r in other.recordings]
    for a, b in zip(one.recordings, other.recordings, strict=True):
        assert (a.frames, a.fps, len(a.views)) == (b.frames, b.fps, len(b.views))
        np.testing.assert_allclose(one.positions_world_m(a), other.positions_world_m(b), rtol=0, atol=rounding_m)
        for view, twin in zip(a.views, b.views, strict=True):
            assert (view.camera_name, view.camera.image_size) == (twin.camera_name, twin.camera.image_size)
            in_camera, again = one.positions_camera_m(a, view), other.positions_camera_m(b, twin)
            np.testing.assert_allclose(in_camera, again, rtol=0, atol=max(2 * rounding_m, 1e-12))
            points, again = one.keypoints_px(a, view, "gt"), other.keypoints_px(b, twin, "gt")
            np.testing.assert_allclose(points, again, rtol=0, atol=rounding_px)
            for source in {"sh"} & view.rows.keys() & twin.rows.keys():
                points, again = one.keypoints_px(a, view, source), other.keypoints_px(b, twin, source)
                np.testing.assert_array_equal(points, again)


def test_all_layouts_give_the_same_arrays(tmp_path: Path) -> None:
    stores = {}
    for name, write in (("martinez", write_martinez), ("release", write_release), ("videopose3d", write_archives)):
        write(tmp_path / name, TWO)
        stores[name] = prepare_h36m(tmp_path / name, tmp_path / "stores" / name, subjects=TWO)
    assert_same(stores["martinez"], stores["release"], rounding_m=0, rounding_px=1e-9)
    # The archive holds metres in float32: half of 1.2e-7 of 2 m, and 4 m away at 1145 px that is some 1e-4 px.
    assert_same(stores["martinez"], stores["videopose3d"], rounding_m=1.3e-7, rounding_px=2e-4)
    first = stores["martinez"].recordings[0]
    np.testing.assert_array_equal(
        stores["martinez"].positions_world_m(first), positions_mm("S1", "Directions").astype(np.float64) / 1000
    )
    for name in ("martinez", "videopose3d"):
        store = stores[name]
        assert store.sources["sh"].skeleton == MPII_16
        points = store.keypoints_px(first, store.recordings[0].views[2], "sh")
        np.testing.assert_array_equal(points, hourglass_px("S1", "Directions", CAMERAS[2]))
    assert list(stores["release"].sources) == ["gt"]
    types = {name: store.positions_world_m(store.recordings[0]).dtype for name, store in stores.items()}
    assert types == {"martinez": np.float64, "release": np.float64, "videopose3d": np.float32}


def test_fine_tuned_points_and_both(tmp_path: Path) -> None:
    write_martinez(tmp_path / "h36m", TWO)
    write_martinez(tmp_path / "h36m", TWO, hourglass="StackedHourglassFineTuned240")
    store = prepare_h36m(tmp_path / "h36m", tmp_path / "store", subjects=TWO)
    assert list(store.sources) == ["gt", "sh", "sh_ft"]


def test_names_of_the_release_as_they_come(tmp_path: Path) -> None:
    write_release(tmp_path / "h36m", ["S1"])
    folder = tmp_path / "h36m" / "S1" / "MyPoseFeatures" / "D3_Positions"
    names = ("TakingPhoto", "TakingPhoto 1", "Walking", "Walking 1", "WalkingDog", "WalkingDog 1")
    for old, new in zip(ACTIONS, names, strict=True):
        (folder / f"{old}.cdf").rename(folder / f"{new}.cdf")
    (folder / "._Walking.cdf").write_bytes(b"from a Mac")
    (folder / "_ALL.cdf").write_bytes(b"all of them")
    store = prepare_h36m(tmp_path / "h36m", tmp_path / "store", subjects=["S1"])
    assert [r.action for r in store.recordings] == ["Photo", "Photo 1", "WalkDog", "WalkDog 1", "Walking", "Walking 1"]
    assert "left out, as it is none of the 15 actions: S1/MyPoseFeatures/D3_Positions/_ALL.cdf" in store.notes
    np.testing.assert_array_equal(store.positions_world_m(store.recordings[0]), positions_mm("S1", "Directions") / 1000)


def test_matlab_files_made_of_the_release(tmp_path: Path) -> None:
    write_release(tmp_path / "h36m", ["S1"])
    expected = prepare_h36m(tmp_path / "h36m", tmp_path / "expected", subjects=["S1"])
    folder = tmp_path / "h36m" / "S1" / "MyPoseFeatures" / "D3_Positions"
    for action in ACTIONS:
        cell = np.empty((1, 1), dtype=object)
        cell[0, 0] = positions_mm("S1", action).reshape(-1, 96)
        savemat(folder / f"{action}.cdf.mat", {"data": cell})
    beside = prepare_h36m(tmp_path / "h36m", tmp_path / "beside", subjects=["S1"])
    for path in folder.glob("*.cdf"):
        path.unlink()
    alone = prepare_h36m(tmp_path / "h36m", tmp_path / "alone", subjects=["S1"])
    assert_same(expected, beside, rounding_m=0, rounding_px=0)
    assert_same(expected, alone, rounding_m=0, rounding_px=0)


def test_archives_beside_a_tree(tmp_path: Path) -> None:
    """Detections with scores, longer than the 3D, with unlabelled subjects, in an order of their own."""
    write_martinez(tmp_path / "h36m", TWO, hourglass=None)
    rng = np.random.default_rng(0)
    made = {a: [rng.uniform(0, 999, (7, 17, 3)).astype(np.float32) for _ in CAMERAS] for a in reversed(ACTIONS)}
    points = {"S11": {a: v for a, v in made.items() if a != "Directions"}, "S2": made, "S1": made}
    write_points(tmp_path / "h36m" / "data_2d_h36m_detectron_pt_coco.npz", points, COCO)
    store = prepare_h36m(tmp_path / "h36m", tmp_path / "store", subjects=TWO)
    source = store.sources["detectron_pt_coco"]
    assert (source.skeleton, source.channels) == (COCO_17, 3)
    assert "data_2d_h36m_detectron_pt_coco.npz: S2 left out, as there is no 3D of them" in store.notes
    for recording in store.recordings:
        for view, expected in zip(recording.views, made[recording.action], strict=True):
            if str(recording) == "S11 Directions":
                assert source.name not in view.rows
            else:
                np.testing.assert_array_equal(store.keypoints_px(recording, view, source.name), expected)
    # The order of the archive can be told from the rows.
    order = sorted((r for r in store.recordings if r.subject == "S1"), key=lambda r: r.views[0].rows[source.name])
    assert [r.action for r in order] == list(reversed(ACTIONS))


def test_ground_truth_of_other_takes_is_refused(tmp_path: Path) -> None:
    write_archives(tmp_path / "h36m", ["S1"])
    points = {"S1": {a: [np.full((5, 17, 2), 500, np.float32)] * 4 for a in ACTIONS}}
    symmetry = [list(H36M_17.left), list(H36M_17.right)]
    write_points(tmp_path / "h36m" / "data_2d_h36m_gt.npz", points, {"keypoints_symmetry": symmetry})
    text = error_of(tmp_path / "h36m", tmp_path / "store", subjects=["S1"])
    assert "data_2d_h36m_gt.npz: its points are up to" in text
    assert "Rename it to data_2d_h36m_NAME.npz" in text


def test_which_layout(tmp_path: Path) -> None:
    write_archives(tmp_path / "data" / "h36m", ["S1"])
    assert f"perhaps {tmp_path / 'data' / 'h36m'} is meant" in error_of(tmp_path / "data", tmp_path / "store")
    assert "is no folder" in error_of(tmp_path / "nothing", tmp_path / "store")
    write_release(tmp_path / "data" / "h36m", ["S1"])
    text = error_of(tmp_path / "data" / "h36m", tmp_path / "store", subjects=["S1"])
    assert "several layouts; choose one with --layout release or videopose3d" in text
    assert "--layout h5: expected one of" in error_of(tmp_path / "data", tmp_path / "store", layout="h5")
    (tmp_path / "data" / "h36m" / "data_2d_h36m_sh_pt_mpii.npz").unlink()
    store = prepare_h36m(tmp_path / "data" / "h36m", tmp_path / "store", subjects=["S1"], layout="release")
    assert "cameras: metadata.xml" in store.notes


def test_everything_missing_is_named_at_once(tmp_path: Path) -> None:
    root = tmp_path / "h36m"
    write_martinez(root, ("S1", "S5", "S6", "S7", "S8", "S9", "S11"))
    for name in (
        "cameras.h5",
        "S5/MyPoses/3D_positions/Sitting 2.h5",
        "S6/StackedHourglass/Directions_1.55011271.h5",
        "S11/StackedHourglass/Directions.54138969.h5",
    ):
        (root / name).unlink()
    for path in (root / "S9" / "StackedHourglass").iterdir():
        path.unlink()
    (root / "S7" / "MyPoses" / "3D_positions").rename(root / "S7" / "elsewhere")
    write_h5(root / "S8" / "MyPoses" / "3D_positions" / "Sitting 3.h5", "3D_positions", np.zeros((96, 2)))
    for action in ("Directions", "Directions 1"):
        (root / "S1" / "MyPoses" / "3D_positions" / f"{action}.h5").unlink()
        for camera in CAMERAS:
            (root / "S1" / "StackedHourglass" / f"{action.replace(' ', '_')}.{camera}.h5").unlink()
    text = error_of(root, tmp_path / "store")
    for line in (
        "cameras.h5 is missing (or take the published table: --published-cameras)",
        "S7/MyPoses/3D_positions: no *.h5 files (to prepare only the subjects that are there: "
        "--subjects S1 S5 S6 S8 S9 S11)",
        "S5/MyPoses/3D_positions/Sitting 2.h5 is missing (its 2D points are there)",
        "S6/StackedHourglass: missing Directions_1.55011271.h5",
        "S8/MyPoses/3D_positions: 3 takes of Sitting (Sitting 1.h5, Sitting 2.h5, Sitting 3.h5), expected 2",
        "S1/MyPoses/3D_positions: 0 takes of Directions (no file), expected 2",
        *(f"S9/StackedHourglass: missing {a.replace(' ', '_')}.54138969.h5, " for a in ACTIONS),
    ):
        assert line in text, line
    assert "Directions.54138969" not in text.replace("S9/StackedHourglass: missing Directions.54138969", "")


def test_missing_in_archives_is_named_at_once(tmp_path: Path) -> None:
    write_archives(tmp_path, TWO)
    made = [np.ones((5, 17, 2), np.float32)] * 4
    short = [np.ones((4, 17, 2), np.float32), *made[1:]]
    points = {
        "S1": {a: made for a in ACTIONS if a != "Sitting 1"},
        "S11": {a: made[:3] if a == "Sitting 1" else made for a in ACTIONS},
    }
    write_points(
        tmp_path / "data_2d_h36m_cpn.npz", {"S1": points["S1"] | {"SittingDown": short}, "S11": points["S1"]}, COCO
    )
    write_points(tmp_path / "data_2d_h36m_detectron.npz", points, COCO)
    write_points(tmp_path / "data_2d_h36m_half.npz", {"S1": points["S1"]}, COCO)
    text = error_of(tmp_path, tmp_path / "store", subjects=TWO)
    assert "data_2d_h36m_cpn.npz: S1 Sitting 1 is missing" in text
    assert "data_2d_h36m_cpn.npz: S11 Sitting 1 is missing" in text
    assert "data_2d_h36m_cpn.npz: S1 SittingDown, camera 54138969: 4 frames for 5 of 3D" in text
    assert "S11 Sitting 1: points of 3 cameras, expected 4" in text
    assert "half.npz: lacks S11 (it has S1); to prepare only those that are there: --subjects S1" in text
    everybody = error_of(tmp_path, tmp_path / "store")
    assert "data_3d_h36m.npz: lacks S5, S6, S7, S8, S9 (it has S1, S11)" in everybody
    assert "half.npz: lacks S5, S6, S7, S8, S9, S11" in everybody


def test_subjects_are_named_as_published(tmp_path: Path) -> None:
    write_archives(tmp_path, TWO)
    assert "--subjects S2 S4: expected some of S1 S5" in error_of(tmp_path, tmp_path / "x", subjects=["S4,S1", "S2"])
    store = prepare_h36m(tmp_path, tmp_path / "store", subjects=["S11,S1"])
    assert store.subjects == TWO
    assert "only the subjects asked for: S1, S11" in store.notes


def test_the_published_table_instead_of_the_file(tmp_path: Path) -> None:
    write_martinez(tmp_path / "h36m", ["S1"])
    expected = prepare_h36m(tmp_path / "h36m", tmp_path / "expected", subjects=["S1"])
    (tmp_path / "h36m" / "cameras.h5").unlink()
    store = prepare_h36m(tmp_path / "h36m", tmp_path / "store", subjects=["S1"], published_cameras=True)
    assert_same(expected, store, rounding_m=0, rounding_px=1e-9)
    assert "cameras: the published table" in store.notes

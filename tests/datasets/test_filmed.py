"""Motion capture filmed by virtual cameras, and folders of own motions, as stores."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maquette.cli import main
from maquette.datasets.custom import prepare_custom
from maquette.datasets.filmed import prepare_mocap
from maquette.datasets.mocap_takes import name_of
from maquette.datasets.store import open_store
from maquette.errors import InputError
from maquette.exporters import write_motion
from maquette.exporters.keypoints import write_keypoints
from maquette.geometry.camera import Camera, look_at
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.skeletons import COCO_17, H36M_17, LIFTED_21

STANDING = np.array([
    [0, .95, 0], [-.1, .94, 0], [-.1, .5, .02], [-.1, .09, 0], [.1, .94, 0], [.1, .5, .02], [.1, .09, 0],
    [0, 1.2, 0], [0, 1.45, 0], [0, 1.58, .04], [0, 1.7, 0], [.18, 1.42, 0], [.25, 1.15, 0], [.28, .9, .1],
    [-.18, 1.42, 0], [-.25, 1.15, 0], [-.28, .9, .1],
])  # fmt: skip


def walking(frames: int, speed_m_s: float = 1.2, fps: float = 50) -> np.ndarray:
    """(frames, 17, 3): along +z, bobbing."""
    t = np.arange(frames) / fps
    path = np.stack([0.1 * np.sin(t), 0.02 * np.cos(9 * t), speed_m_s * t], axis=1)
    return STANDING + path[:, None]


def motion(frames: int = 40, **changes) -> Motion:
    facts: dict[str, Any] = {
        "positions": walking(frames),
        "skeleton": H36M_17,
        "fps": Fraction(50),
        "frame": "world",
    } | changes
    return Motion(**facts)


@pytest.fixture
def arrays(tmp_path: Path) -> Path:
    folder = tmp_path / "mocap"
    folder.mkdir()
    clips = {"02/02_01": walking(30), "02/02_02": walking(20, -1.5), "94/94_04": walking(25, 0)}
    as_float32: dict[str, Any] = {name: clip.astype(np.float32) for name, clip in clips.items()}
    np.savez(folder / "cmu17.npz", **as_float32)
    texts = {"02/02_01": "walk", "02/02_02": "basketball - forward dribble", "94/94_04": "indian (id inferred): x"}
    index = {
        name: {"subject": name[:2], "action": text, "split": "test" if name[:2] == "02" else "train", "fps": 50}
        for name, text in texts.items()
    }
    (folder / "index.json").write_text(json.dumps(index))
    return folder


def test_an_arrays_store_filmed(arrays: Path, tmp_path: Path) -> None:
    store = prepare_mocap(arrays, tmp_path / "store", cameras=3, image_size=(800, 600), noise=True)
    assert [str(r) for r in store.recordings] == ["02 walk 02_01", "02 basketball 02_02", "94 indian 94_04"]
    assert [r.kind for r in store.recordings] == ["walk", "basketball", "indian"]
    assert store.notes[0] == (
        "3 virtual cameras for each recording, 0 to 30 degrees up, 3 to 6 m away or farther, focal length 1 to 1.3 of "
        "the longer side of 800x600 pixels, seed 1"
    )
    assert {name: source.skeleton.name for name, source in store.sources.items()} == {
        "gt": "h36m-17",
        "noise": "h36m-17",
    }
    with np.load(arrays / "cmu17.npz") as archive:
        for recording, name in zip(store.recordings, ("02/02_01", "02/02_02", "94/94_04"), strict=True):
            assert np.array_equal(store.positions_world_m(recording), archive[name].astype(np.float64))
    recording = store.recordings[0]
    azimuths = []
    for view in recording.views:
        camera = view.camera
        # The pinhole, written out: u = f X / Z + w / 2.
        x, y, z = np.moveaxis(
            (store.positions_world_m(recording) - camera.position_world_m) @ camera.R_camera_world.T, -1, 0
        )
        expected = np.stack([camera.focal_px[0] * x / z + 400, camera.focal_px[1] * y / z + 300], axis=-1)
        points = store.keypoints_px(recording, view, "gt")
        np.testing.assert_allclose(points, expected, atol=1e-3)
        assert (points > 0).all()
        assert (points < [800, 600]).all()
        assert (points[:, 10, 1] < points[:, 3, 1]).all()  # the head over the feet
        assert 800 <= camera.focal_px[0] <= 1040
        away = camera.position_world_m - store.positions_world_m(recording).mean(axis=(0, 1))
        azimuths.append(np.arctan2(away[2], away[0]))
        noise = store.keypoints_px(recording, view, "noise")
        assert np.isfinite(noise).all()
        assert 0.3 < np.median(np.linalg.norm(noise - points, axis=-1)) < 30
    gaps = np.sort(np.diff(np.sort(np.array(azimuths) % (2 * np.pi))))
    assert gaps.min() > 1.0  # spread around the person


def test_lost_joints_go_along_with_the_person(arrays: Path, tmp_path: Path) -> None:
    """No joint of the simulated detections is left behind, much farther from the thorax than in the picture."""
    long = {"02/02_01": walking(600, 1.2).astype(np.float32)}
    np.savez(arrays / "cmu17.npz", **long)  # pyright: ignore[reportArgumentType]
    index = json.loads((arrays / "index.json").read_text())
    (arrays / "index.json").write_text(json.dumps({"02/02_01": index["02/02_01"]}))
    store = prepare_mocap(arrays, tmp_path / "store", cameras=8, noise=True, seed=3)
    recording = store.recordings[0]
    for view in recording.views:
        noise, points = (store.keypoints_px(recording, view, name) for name in ("noise", "gt"))
        body = np.linalg.norm(points - points[:, 8:9], axis=-1).max(axis=1)
        apart = np.linalg.norm(noise - noise[:, 8:9], axis=-1).max(axis=1)
        assert np.quantile(apart / body, 0.9) < 1.3
        assert (apart / body).max() < 2.5


def test_cameras_follow_the_seed_only(arrays: Path, tmp_path: Path) -> None:
    first = prepare_mocap(arrays, tmp_path / "first", seed=5)
    again = prepare_mocap(arrays, tmp_path / "again", seed=5)
    other = prepare_mocap(arrays, tmp_path / "other", seed=6)

    def places(store) -> np.ndarray:
        return np.array([view.camera.position_world_m for r in store.recordings for view in r.views])

    assert np.array_equal(places(first), places(again))
    assert not np.allclose(places(first), places(other))
    assert (places(first)[:, 1] >= 0.2).all()


def test_splits_subjects_and_rates(arrays: Path, tmp_path: Path) -> None:
    assert prepare_mocap(arrays, tmp_path / "a", splits=("train",)).subjects == ("94",)
    assert len(prepare_mocap(arrays, tmp_path / "b", subjects=("02",)).recordings) == 2
    slow = prepare_mocap(arrays, tmp_path / "c", subjects=("94",), fps=25).recordings[0]
    assert (slow.frames, slow.fps) == (13, 25)
    wrong: dict[str, Any]
    for wrong, text in (
        ({"splits": ("tset",)}, "no clip of split 'tset'; there are: test, train"),
        ({"subjects": ("03",)}, "no subject 03; there are: 02, 94"),
        ({"cameras": 0, "focal": (2.0, 1.0)}, r"2 problems:(?s:.*)0 cameras(?s:.*)focal is 2 to 1"),
    ):
        with pytest.raises(InputError, match=text):
            prepare_mocap(arrays, tmp_path / "d", **wrong)
        assert not (tmp_path / "d").exists()


def test_damaged_array_stores(arrays: Path, tmp_path: Path) -> None:
    index = json.loads((arrays / "index.json").read_text())
    (arrays / "index.json").write_text(json.dumps(index | {"94/94_09": index["94/94_04"]}))
    with pytest.raises(InputError, match=r"cmu17\.npz lacks the clip '94/94_09'"):
        prepare_mocap(arrays, tmp_path / "store")
    (arrays / "index.json").write_text('{"02/02_01": {"subject": "02"}}')
    with pytest.raises(InputError, match=r"index\.json: damaged"):
        prepare_mocap(arrays, tmp_path / "store")


def test_names_of_subjects_and_actions() -> None:
    root = Path("/data")
    for file, expected in {
        "02_01.amc": ("02", "02_01"),
        "rig/006_03.bvh": ("06", "006_03"),
        "12_01_walk.bvh": ("12", "12_01_walk"),
        "anna/walk_2.bvh": ("anna", "walk 2"),
        "anna/day1/jump.npz": ("anna", "day1_jump"),
        "run.npz": ("data", "run"),
    }.items():
        assert name_of(root / file, root) == expected


def test_all_bad_files_are_named_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "takes"
    (folder / "anna").mkdir(parents=True)
    (folder / "cut.bvh").write_text("HIERARCHY\nROOT Hips\n{\nOFFSET 0 0 0\n")
    write_motion(motion(), folder / "good.npz")
    gaps = walking(40)
    gaps[7:9, 3] = np.nan
    write_motion(motion(positions=gaps), folder / "anna" / "gaps.npz")
    write_motion(motion(positions=np.zeros((40, 17, 3)), skeleton=COCO_17), folder / "anna" / "coco.npz")
    for prepare in (prepare_mocap, prepare_custom):
        with pytest.raises(InputError, match=r"3 problems") as error:
            prepare(folder, tmp_path / "store")
        text = str(error.value)
        assert "cut.bvh: the line MOTION is missing" in text
        assert "gaps.npz: 2 of 40 frames lack joints, first frame 7" in text
        assert "coco.npz" in text
        assert "skeleton 'coco-17' is of no rig that is known" in text
        assert not (tmp_path / "store").exists()
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no motion file in it"):
        prepare_custom(tmp_path / "empty", tmp_path / "store")


def test_raw_files_of_all_rigs_become_the_arrays(shared_dir: Path, tmp_path: Path) -> None:
    """Four rigs through the command: the joints of the published arrays, at 50 frames per second, on the ground."""
    raw = shared_dir / "data" / "raw"
    assert main(["prepare", "mocap", str(raw), str(tmp_path / "store"), "--cameras", "1"]) == 0
    store = open_store(tmp_path / "store")
    assert len(store.recordings) == 10
    by_name = {str(recording): recording for recording in store.recordings}
    with np.load(shared_dir / "data" / "cmu" / "cmu17.npz") as arrays:
        for name, clip in {"02 02_01": "02/02_01", "03 03_02": "03/03_02", "11 11_01": "11/11_01"}.items():
            error = store.positions_world_m(by_name[name]) - arrays[clip]
            assert np.abs(error - np.median(error, axis=(0, 1))).max() < 2e-5
            assert np.abs(np.median(error, axis=(0, 1))).max() < 0.012


def own_camera() -> Camera:
    place, target = np.array([3.5, 1.4, 3.0]), np.array([0, 0.9, 0.5])
    return Camera((1100.0, 1090.0), (640.0, 360.0), (1280, 720), look_at(place, target), place)


def test_own_cameras_and_keypoints_are_used(tmp_path: Path) -> None:
    folder = tmp_path / "takes"
    (folder / "anna").mkdir(parents=True)
    camera = own_camera()
    seen = motion(camera=camera)
    write_motion(seen, folder / "anna" / "walk_1.npz")
    points = np.zeros((45, 17, 2))
    points[:40] = camera.project_world(seen.positions) + 2.0
    confidence = np.full((45, 17), 0.9)
    points[5, 4], confidence[5, 4] = np.nan, 0.0
    keypoints = Keypoints(
        points=points, confidence=confidence, skeleton=COCO_17, fps=Fraction(50), image_size=(1280, 720)
    )
    write_keypoints(keypoints, folder / "anna" / "walk_1.keypoints.npz")
    in_camera = camera.world_to_camera(walking(30))
    more = LIFTED_21.indices(H36M_17.joints)
    wide = np.zeros((30, 21, 3))
    wide[:, more] = in_camera
    write_motion(motion(positions=wide, skeleton=LIFTED_21, frame="camera", fps=Fraction(25)), folder / "jump.npz")
    store = prepare_custom(folder, tmp_path / "store", cameras=2)
    assert {str(r): (len(r.views), r.fps) for r in store.recordings} == {
        "anna walk 1": (1, 50),
        "takes jump": (2, 25),
    }
    walk = next(r for r in store.recordings if r.subject == "anna")
    view = walk.views[0]
    np.testing.assert_allclose(view.camera.R_camera_world, camera.R_camera_world, atol=1e-12)
    np.testing.assert_allclose(store.positions_camera_m(walk, view), camera.world_to_camera(seen.positions), atol=1e-9)
    np.testing.assert_allclose(store.keypoints_px(walk, view, "gt"), camera.project_world(seen.positions), atol=1e-3)
    detected = store.keypoints_px(walk, view, "detected")
    assert detected.shape == (45, 17, 3)
    np.testing.assert_allclose(detected[5, 4, :2], points[[4, 6], 4].mean(axis=0), atol=1e-3)
    assert detected[5, 4, 2] == 0
    jump = next(r for r in store.recordings if r.action == "jump")
    upright = store.positions_world_m(jump)
    assert (upright[:, 10, 1] > upright[:, 0, 1]).all()
    assert abs(upright[..., 1].min()) < 0.1
    assert any("turned upright" in note for note in store.notes)
    slow = prepare_custom(folder, tmp_path / "slow", fps=20)
    assert [r.fps for r in slow.recordings] == [50, 20]
    assert "1 of 2 motions keep their own frame rate, that of their 2D" in slow.notes


def test_motions_that_do_not_fit_their_camera_or_2d(tmp_path: Path) -> None:
    folder = tmp_path / "takes"
    folder.mkdir()
    camera = own_camera()
    write_motion(motion(positions=walking(40) - walking(40)[:, :1], frame="camera", camera=Camera(
        (1100.0, 1100.0), (640.0, 360.0), (1280, 720))), folder / "hip.npz")  # fmt: skip
    write_motion(motion(camera=camera), folder / "short.npz")
    keypoints = Keypoints(
        points=np.full((10, 17, 2), 300.0), confidence=np.ones((10, 17)), skeleton=COCO_17, fps=Fraction(50),
        image_size=(1280, 720),
    )  # fmt: skip
    write_keypoints(keypoints, folder / "short.keypoints.npz")
    with pytest.raises(InputError, match=r"2 problems") as error:
        prepare_custom(folder, tmp_path / "store")
    assert "hip.npz: in 40 of 40 frames joints are not in front of its own camera" in str(error.value)
    assert "short.keypoints.npz: 10 frames, but the motion has 40" in str(error.value)

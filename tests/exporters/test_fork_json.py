"""3d_data.json and 2d_data.json: the fork's schema, sane coordinates, and the fork's own as the original wrote them."""

import json
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from maquette.errors import OutputError
from maquette.exporters.fork_json import STAND_INS, fork_axes_mm, held_over_gaps, write_fork_json
from maquette.geometry.camera import Camera
from maquette.keypoints import Keypoints
from maquette.motion import Frame, Motion
from maquette.refine import legacy_fork
from maquette.skeletons import BODY_25, COCO_18, H36M_17, H36M_32, LIFTED_21, SMPL_24


def motion(frame: Frame = "world", skeleton=LIFTED_21, n_frames: int = 3, **more) -> Motion:
    positions = np.random.default_rng(0).normal(size=(n_frames, len(skeleton), 3))
    return Motion(positions, skeleton, Fraction(30), frame, **more)


def track(skeleton=BODY_25, n_frames: int = 3) -> Keypoints:
    points = np.random.default_rng(1).uniform(100, 900, (n_frames, len(skeleton), 2))
    return Keypoints(points, np.ones(points.shape[:2]), skeleton, Fraction(30))


def read(path: Path) -> tuple[dict, np.ndarray]:
    document = json.loads(path.read_text())
    return document, np.array([[joint["translate"] for joint in frame.values()] for frame in document.values()])


def test_schema_is_that_of_the_original_files(tmp_path: Path, goldens_dir: Path) -> None:
    """Same keys in the same order, same nesting, numbers in lists of three and two."""
    written = write_fork_json(motion(n_frames=60), tmp_path / "3d_data.json", keypoints=track(n_frames=60))
    assert [path.name for path in written] == ["3d_data.json", "2d_data.json"]
    with zipfile.ZipFile(goldens_dir / "openpose" / "written_files.zip") as archive:
        for path, name in zip(written, ("3d_data.json", "2d_data.json"), strict=True):
            original = json.loads(archive.read(f"coco18_stub_nointerp_{name}"))
            ours, _ = read(path)
            assert list(ours) == list(original)
            for frame in original:
                assert list(ours[frame]) == list(original[frame])
                for joint, entry in original[frame].items():
                    assert ours[frame][joint].keys() == entry.keys()
                    assert [type(v) for v in ours[frame][joint]["translate"]] == [type(v) for v in entry["translate"]]


def test_axes_of_world_and_camera_agree(tmp_path: Path) -> None:
    """The same body written from the world and from the camera that looks along -z from the world's origin."""
    world = motion()
    turn = np.diag([1.0, -1.0, -1.0])
    camera = Motion(world.positions @ turn.T, LIFTED_21, Fraction(30), "camera")
    np.testing.assert_allclose(fork_axes_mm(world), fork_axes_mm(camera), atol=1e-9)
    _, written = read(write_fork_json(world, tmp_path / "walk_3d_data.json")[0])
    hip, head = world.joint("hip"), world.joint("head")
    np.testing.assert_allclose(written[:, H36M_32.index("hip")], 1000 * hip[:, [0, 2, 1]] * [1, -1, 1], atol=1e-9)
    up_mm = written[:, H36M_32.index("head"), 2] - written[:, 0, 2]
    np.testing.assert_allclose(up_mm, 1000 * (head - hip)[:, 1], atol=1e-9)


def test_all_32_joints_hold_something_of_the_body() -> None:
    body = motion()
    coordinates = fork_axes_mm(body)
    assert len(STAND_INS) == 32 - 17
    for name in H36M_17.joints:
        expected = 1000 * body.joint(name)[:, [0, 2, 1]] * [1, -1, 1]
        np.testing.assert_allclose(coordinates[:, H36M_32.index(name)], expected)
    at = {name: coordinates[:, i] for i, name in enumerate(H36M_32.joints)}
    np.testing.assert_array_equal(at["spine_root"], at["hip"])
    np.testing.assert_array_equal(at["l_finger_site"], at["l_wrist"])
    np.testing.assert_allclose(at["r_toe_base"], 1000 * body.joint("r_toe")[:, [0, 2, 1]] * [1, -1, 1])
    bare = fork_axes_mm(motion(skeleton=H36M_17))
    np.testing.assert_array_equal(bare[:, H36M_32.index("l_toe_site")], bare[:, H36M_32.index("l_ankle")])


def test_legacy_coordinates_are_the_originals(tmp_path: Path, goldens_dir: Path) -> None:
    """The original's poses as a motion on all 32 joints: the written file is the one that the original wrote."""
    golden = np.load(goldens_dir / "openpose" / "sandbox_coco18_stub_nointerp.npz")
    poses = golden["unnorm96"].reshape(-1, 32, 3) / 1000
    body = Motion(poses, H36M_32, Fraction(30), "camera")
    points = golden["export_2d"]
    seen = (points != 0).any(-1).astype(float)
    written = write_fork_json(
        body, tmp_path / "3d_data.json", keypoints=Keypoints(points, seen, COCO_18, Fraction(30)), legacy=True
    )
    with zipfile.ZipFile(goldens_dir / "openpose" / "written_files.zip") as archive:
        original = json.loads(archive.read("coco18_stub_nointerp_3d_data.json"))
    expected = np.array([[joint["translate"] for joint in frame.values()] for frame in original.values()])
    np.testing.assert_allclose(read(written[0])[1], expected, rtol=0, atol=1e-4)
    np.testing.assert_array_equal(read(written[1])[1], points)


def test_legacy_from_the_world_goes_back_to_the_camera(tmp_path: Path) -> None:
    camera = Camera(
        (1000.0, 1000.0), (500.0, 500.0), (1000, 1000), np.diag([1.0, -1.0, -1.0]), np.array([0.0, 1.0, 4.0])
    )
    world = motion(camera=camera)
    seen = Motion(camera.world_to_camera(world.positions), LIFTED_21, Fraction(30), "camera")
    paths = [
        write_fork_json(body, tmp_path / name / "3d_data.json", keypoints=track(), legacy=True)[0]
        for name, body in (("world", world), ("camera", seen))
    ]
    np.testing.assert_allclose(read(paths[0])[1], read(paths[1])[1], atol=1e-6)
    pairs = legacy_fork.to_pairs(held_over_gaps(track(COCO_18)))
    assert pairs.shape == (3, 36)


def test_missing_points(tmp_path: Path) -> None:
    keypoints = track(COCO_18, 6)
    confidence = keypoints.confidence.copy()
    confidence[2:5, 4] = 0.0
    confidence[:, 7] = 0.0
    holed = keypoints.with_notes(confidence=confidence)
    _, points = read(write_fork_json(motion(n_frames=6), tmp_path / "3d_data.json", keypoints=holed)[1])
    np.testing.assert_array_equal(points[:, 4], keypoints.points[[0, 1, 1, 1, 5, 5], 4])
    np.testing.assert_array_equal(points[:, 7], 0.0)
    body = motion(n_frames=6)
    positions = body.positions.copy()
    positions[3, LIFTED_21.index("l_wrist")] = np.nan
    _, joints = read(write_fork_json(body.with_notes(positions=positions), tmp_path / "3d_data.json")[0])
    np.testing.assert_array_equal(joints[3, H36M_32.index("l_wrist")], joints[3, H36M_32.index("l_elbow")])


def test_what_cannot_be_written(tmp_path: Path) -> None:
    target = tmp_path / "3d_data.json"
    with pytest.raises(OutputError, match=r"ends in 3d_data\.json"):
        write_fork_json(motion(), tmp_path / "walk.json")
    with pytest.raises(OutputError, match="the motion has no hip"):
        write_fork_json(motion(skeleton=SMPL_24), target)
    with pytest.raises(OutputError, match="2D keypoints of every frame"):
        write_fork_json(motion(), target, legacy=True)
    with pytest.raises(OutputError, match="has no camera"):
        write_fork_json(motion(), target, keypoints=track(), legacy=True)
    with pytest.raises(OutputError, match="no position in frame 0"):
        write_fork_json(motion().with_notes(positions=np.full((3, 21, 3), np.nan)), target)
    assert list(tmp_path.iterdir()) == []

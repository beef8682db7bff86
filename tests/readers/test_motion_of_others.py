"""Results of other programs: bare arrays (VideoPose3D, MotionBERT) and MediaPipe's world landmarks."""

import contextlib
import io
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_body import made_motion

from maquette.errors import InputError, MaquetteError
from maquette.exporters.npz import write_npz
from maquette.motion import Motion
from maquette.readers.motion import is_motion_file, read_motion
from maquette.skeletons import BLAZEPOSE_33, H36M_17, SMPL_24

STARTS = (b"\x93NUMPY\x01\x00", b'{"world_landmarks": ', b'[{"worldLandmarks":[')


def upright() -> np.ndarray:
    """A standing figure that sways: its vertical can be told."""
    pose = np.zeros((17, 3))
    heights = {"hip": 0.0, "knee": -0.42, "ankle": -0.83, "spine": 0.25, "thorax": 0.5, "nose": 0.61, "head": 0.72}
    heights |= {"shoulder": 0.45, "elbow": 0.2, "wrist": -0.05}
    for i, name in enumerate(H36M_17.joints):
        side = {"l": 1.0, "r": -1.0}.get(name[:1], 0.0) if name[1:2] == "_" else 0.0
        pose[i] = (0.15 * side, heights[name.split("_")[-1]], 0.02 * i)
    angles = 0.1 * np.sin(np.arange(30) / 5)
    return pose + angles[:, None, None] * np.array([0.0, 0.0, 1.0]) * pose[:, 1:2]


def saved(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("turned", "per_metre", "frame"),
    [
        (lambda p: p * [1, -1, -1], 1.0, "camera"),  # VideoPose3D's export
        (lambda p: p * [1, -1, -1], 1000.0, "camera"),  # in millimetres
        (lambda p: np.stack((p[..., 0], -p[..., 2], p[..., 1]), axis=-1), 1.0, "world"),  # z up
        (lambda p: p, 1.0, "world"),
    ],
)
def test_axes_and_unit_are_told_from_the_figure(tmp_path: Path, turned, per_metre: float, frame: str) -> None:
    given_m = upright()
    (tmp_path / "out.npy").write_bytes(saved((turned(given_m) * per_metre).astype(np.float32)))
    motion = read_motion(tmp_path / "out.npy", fps=25)
    assert (motion.frame, motion.fps, motion.skeleton) == (frame, 25, H36M_17)
    expected = given_m if frame == "world" else given_m * [1, -1, -1]
    np.testing.assert_allclose(motion.positions, expected, atol=1e-6)
    assert is_motion_file(tmp_path / "out.npy")


def test_shares_of_the_picture_become_a_person(tmp_path: Path) -> None:
    """MotionBERT: x right, y down, in halves of the shorter side of the picture."""
    (tmp_path / "X3D.npy").write_bytes(saved(upright()[None] * [1, -1, -1] * 0.3))
    motion = read_motion(tmp_path / "X3D.npy")
    assert motion.scale_source == "assumed body height 1.70 m"
    assert motion.fps == 30
    assert any("taken as 30" in note for note in motion.notes)
    height = np.ptp(motion.positions[0, :, 1])
    assert 1.4 < height < 1.75


def test_archives_with_one_motion(tmp_path: Path) -> None:
    np.savez(tmp_path / "one.npz", reconstruction=upright(), names=np.array(["a"]))
    assert read_motion(tmp_path / "one.npz").n_frames == 30
    nested = {"S1": {"Walking": upright().astype(np.float32)}}
    np.savez(tmp_path / "nested.npz", positions_3d=np.array(nested, dtype=object))
    assert "S1/Walking" in read_motion(tmp_path / "nested.npz").source
    np.savez(tmp_path / "two.npz", a=upright(), b=upright())
    with pytest.raises(InputError, match=r"holds 2 motions \(a, b\); save the one"):
        read_motion(tmp_path / "two.npz")


def test_other_joints_must_be_named(tmp_path: Path) -> None:
    poses = np.random.default_rng(0).normal(size=(4, 24, 3))
    (tmp_path / "smpl.npy").write_bytes(saved(poses))
    with pytest.raises(InputError, match="24 joints without names; 17 are taken"):
        read_motion(tmp_path / "smpl.npy")
    assert read_motion(tmp_path / "smpl.npy", skeleton="smpl-24").skeleton == SMPL_24
    write_npz(made_motion(2), tmp_path / "ours.npz")
    with pytest.raises(InputError, match="says its frame rate itself"):
        read_motion(tmp_path / "ours.npz", fps=25)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((5, 2)), "expected \\(frames, joints, 3\\)"),
        (np.zeros((5, 17, 3)), "no figure of a person"),
        (np.full((5, 17, 3), np.inf), "infinite numbers"),
        (np.zeros((5, 17, 3), dtype="U2"), "expected numbers"),
    ],
)
def test_what_is_no_motion_is_refused(tmp_path: Path, array: np.ndarray, words: str) -> None:
    (tmp_path / "a.npy").write_bytes(saved(array))
    with pytest.raises(InputError, match=words):
        read_motion(tmp_path / "a.npy")


def test_real_world_landmarks(shared_dir: Path) -> None:
    path = shared_dir / "data" / "real" / "sports2d_demo" / "walker_mediapipe33.jsonl"
    motion = read_motion(path)
    assert (motion.n_frames, motion.skeleton, motion.fps) == (230, BLAZEPOSE_33, 30)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    np.testing.assert_allclose(motion.positions[120], lines[120]["world_landmarks"])
    assert np.isnan(motion.positions[0]).all()


@pytest.mark.parametrize(
    ("name", "wrap"),
    [
        ("poseWorldLandmarks", lambda marks: marks),
        ("pose_world_landmarks", lambda marks: [marks, marks]),
        ("worldLandmarks", lambda marks: [dict(zip("xyz", mark, strict=True)) for mark in marks]),
    ],
)
def test_the_names_of_mediapipes_interfaces(tmp_path: Path, name: str, wrap) -> None:
    marks = np.random.default_rng(1).normal(size=(33, 3)).round(4).tolist()
    frames = [{name: wrap(marks), "timestamp_ms": 40 * i} for i in range(3)]
    (tmp_path / "a.json").write_text(json.dumps(frames))
    motion = read_motion(tmp_path / "a.json")
    assert motion.fps == Fraction(25)
    np.testing.assert_allclose(motion.positions[2], marks)
    assert any("several people in 3 frames" in note for note in motion.notes) == (name == "pose_world_landmarks")


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=300), st.sampled_from([b"\x93NUMPY\x01\x00", b'{"world_landmarks": ', b'[{"worldLandmarks":['])
)
def test_any_bytes_give_a_motion_or_a_sentence(tmp_path_factory, rest: bytes, start: bytes) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "a.bin"
    path.write_bytes(start + rest)
    with contextlib.suppress(MaquetteError):
        assert isinstance(read_motion(path), Motion)

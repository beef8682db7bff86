"""The lifter around the network: windows in time, streams, symmetry, and what it refuses."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from made_model import write_model

from maquette.errors import InputError, ModelError
from maquette.geometry.camera import Camera
from maquette.keypoints import Keypoints
from maquette.lifting.assumed_camera import assumed_image_size, camera_for, with_common_size
from maquette.lifting.lifter import Lifter
from maquette.lifting.stream import LiftStream
from maquette.lifting.windows import gather_windows, window_samples
from maquette.mapping import map_keypoints
from maquette.skeletons import BODY_25, LANDMARKS_27, LIFTED_21

CAMERA = Camera(focal_px=(1400.0, 1400.0), centre_px=(640.0, 360.0), image_size=(1280, 720))


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return write_model(tmp_path_factory.mktemp("model") / "made.onnx")


def walk(frames: int = 60, fps=Fraction(30), missing: float = 0.1, timestamps_s=None) -> Keypoints:
    """A smooth random track of a person of about 300 px, with missing points and one lost frame."""
    rng = np.random.default_rng(3)
    body = rng.normal(size=(25, 2)) * (60, 110) + (600, 350)
    t = np.arange(frames)[:, None, None] / float(fps)
    sway = np.sin(t * rng.uniform(2, 8, size=(1, 25, 2)) + rng.uniform(0, 6, size=(1, 25, 2))) * 30
    points = body + sway + np.array([80.0, 5.0]) * t
    confidence = np.where(rng.random((frames, 25)) < missing, 0.0, 0.8)
    if frames > 20:
        confidence[17] = 0
    return Keypoints(points, confidence, BODY_25, fps, (1280, 720), timestamps_s)


def lifted(lifter: Lifter, keypoints: Keypoints, camera: Camera = CAMERA) -> np.ndarray:
    return lifter(map_keypoints(keypoints, "landmarks-27"), camera=camera).positions


def test_a_motion_of_the_right_kind(model: Path) -> None:
    lifter = Lifter(model)
    motion = lifter(map_keypoints(walk(), "landmarks-27"), camera=CAMERA)
    assert motion.skeleton is LIFTED_21
    assert motion.positions.shape == (60, 21, 3)
    assert motion.frame == "camera"
    assert np.isfinite(motion.positions).all()
    np.testing.assert_allclose(motion.joint("hip"), 0, atol=1e-12)
    assert lifter.latency_s == pytest.approx(13 * 0.04)
    assert len(motion.model_sha256 or "") == 64


@pytest.mark.parametrize(
    "fps", [Fraction(25), Fraction(30), Fraction(50), Fraction(30000, 1001), Fraction(12), Fraction(240)]
)
@pytest.mark.parametrize("window", [1, 27])
def test_a_stream_gives_what_the_clip_gives(tmp_path, fps: Fraction, window: int) -> None:
    lifter = Lifter(write_model(tmp_path / "m.onnx", window_frames=window))
    track = walk(fps=fps, frames=90)
    stream = LiftStream(lifter, BODY_25, CAMERA)
    poses = []
    for frame in range(track.n_frames):
        ready = stream.push(track.points[frame], track.confidence[frame], track.times_s[frame])
        for pose in ready:
            assert pose.time_s <= track.times_s[frame] - lifter.latency_s + 1e-6  # never before its future is known
        poses += ready
    assert stream._history.kept <= 2 * lifter.latency_s * fps + 6  # the past is forgotten
    poses += stream.finish()
    assert [pose.frame for pose in poses] == list(range(90))
    np.testing.assert_allclose(np.stack([p.positions for p in poses]), lifted(lifter, track), atol=2e-6)


def test_a_stream_refuses_time_running_backwards(model: Path) -> None:
    stream = LiftStream(Lifter(model), BODY_25, CAMERA)
    stream.push(np.ones((25, 2)), np.ones(25), 1.0)
    with pytest.raises(InputError, match="time must move forward"):
        stream.push(np.ones((25, 2)), np.ones(25), 1.0)


def test_the_mirrored_person_gives_the_mirrored_motion(model: Path) -> None:
    track = walk()
    mirrored_points = track.points[:, BODY_25.mirror_permutation] * (-1, 1) + (1280, 0)
    mirrored = track.with_notes(points=mirrored_points, confidence=track.confidence[:, BODY_25.mirror_permutation])
    lifter = Lifter(model, flip=True)
    expected = lifted(lifter, track)[:, LIFTED_21.mirror_permutation] * (-1, 1, 1)
    np.testing.assert_allclose(lifted(lifter, mirrored), expected, atol=1e-5)


def test_the_size_of_the_picture_does_not_matter(model: Path) -> None:
    """Twice the pixels with twice the focal length is the same picture."""
    track = walk()
    doubled = track.with_notes(points=track.points * 2, image_size=(2560, 1440))
    camera = Camera(focal_px=(2800.0, 2800.0), centre_px=(1280.0, 720.0), image_size=(2560, 1440))
    lifter = Lifter(model)
    np.testing.assert_allclose(lifted(lifter, doubled, camera), lifted(lifter, track), atol=1e-5)


def test_turning_the_camera_turns_the_result(model: Path) -> None:
    """A camera that pans sees the same rays: root-relative 3D turns with it but for a small roll."""
    track = walk(missing=0.0)
    lifter = Lifter(model, flip=False)
    angle = 0.2
    R = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    rays = np.concatenate([(track.points - (640, 360)) / 1400, np.ones((*track.points.shape[:2], 1))], -1) @ R.T
    panned = track.with_notes(points=rays[..., :2] / rays[..., 2:] * 1400 + (640, 360))
    before, after = lifted(lifter, track), lifted(lifter, panned)
    # Lengths are kept exactly but for the small roll between the two virtual cameras.
    np.testing.assert_allclose(np.linalg.norm(after, axis=-1), np.linalg.norm(before, axis=-1), atol=0.05)


def test_frame_rate_does_not_matter(model: Path) -> None:
    """The same movement at 25 and at 50 frames per second: the shared frames agree."""
    slow, fast = walk(40, Fraction(25), missing=0), walk(79, Fraction(50), missing=0)
    slow = slow.with_notes(confidence=np.ones((40, 25)), points=fast.points[::2])
    fast = fast.with_notes(confidence=np.ones((79, 25)))
    lifter = Lifter(model)
    np.testing.assert_allclose(lifted(lifter, fast)[::2], lifted(lifter, slow), atol=1e-5)


def test_timestamps_win_over_the_frame_rate(model: Path) -> None:
    track = walk(50, Fraction(25))
    stamped = track.with_notes(fps=Fraction(10), timestamps_s=track.times_s)
    lifter = Lifter(model)
    np.testing.assert_array_equal(lifted(lifter, stamped), lifted(lifter, track))


def test_one_frame_and_nothing_seen(model: Path) -> None:
    lifter = Lifter(model)
    assert lifted(lifter, walk(1)).shape == (1, 21, 3)
    blind = walk(5).with_notes(confidence=np.zeros((5, 25)))
    assert np.isfinite(lifted(lifter, blind)).all()
    with pytest.raises(InputError, match="no frames"):
        lifted(lifter, walk(0))


def test_interpolation_in_windows_is_linear_and_respects_missing() -> None:
    times_s = np.arange(10) / 30
    points = np.stack([np.arange(10.0), np.arange(10.0) * -2], -1)[:, None]
    observed = np.ones((10, 1), bool)
    observed[5] = False
    points[5] = 0
    samples = window_samples(times_s, np.array([4]), 5, 0.01)
    values, seen = gather_windows(points, observed, samples)
    np.testing.assert_allclose(values[0, :3, 0, 0], [4 - 0.6, 4 - 0.3, 4.0], atol=1e-9)
    assert values[0, 3, 0, 0] == 4  # 0.3 of the way to a missing frame: the nearer, seen one counts alone
    assert seen[0, :, 0].tolist() == [True, True, True, True, False]


def test_windows_hold_the_ends() -> None:
    samples = window_samples(np.arange(3) / 25, np.array([0, 2]), 27, 0.04)
    points = np.arange(3.0)[:, None, None].repeat(2, -1)
    values, _ = gather_windows(points, np.ones((3, 1), bool), samples)
    assert (values[0, :14, 0, 0] == 0).all()
    assert (values[0, 15:, 0, 0] == 2).all()
    assert (values[1, 13:, 0, 0] == 2).all()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"metadata": None}, "without Maquette's metadata"),
        ({"metadata": "{"}, "cannot be read"),
        ({"schema": 2}, "schema 2"),
        ({"normalisation": "screen/v9"}, "normalisation 'screen/v9'"),
        ({"window_frames": 4}, "odd number"),
        ({"channels": 7}, "takes 7 channels a frame"),
    ],
)
def test_model_files_that_do_not_fit(tmp_path, changes: dict, text: str) -> None:
    with pytest.raises(ModelError, match=text):
        Lifter(write_model(tmp_path / "m.onnx", **changes))


def test_damaged_model_files_are_loaded_or_refused(tmp_path) -> None:
    good = write_model(tmp_path / "m.onnx", window_frames=1).read_bytes()
    rng = np.random.default_rng(0)
    damaged = tmp_path / "damaged.onnx"
    refused = 0
    for i in range(120):
        data = bytearray(good[: rng.integers(len(good))] if i % 3 == 0 else good)
        # The ends hold the structure and the metadata; the middle is weights.
        for _ in range(rng.integers(1, 6)):
            place = rng.integers(400) if rng.random() < 0.5 else len(data) - 1 - rng.integers(900)
            data[int(place) % max(len(data), 1) : int(place) % max(len(data), 1) + 1] = rng.bytes(1)
        damaged.write_bytes(data)
        try:
            Lifter(damaged)
        except ModelError:
            refused += 1
    assert refused > 40


def test_files_that_are_no_models(tmp_path) -> None:
    with pytest.raises(ModelError, match=r"expected an .onnx file or one of maquette-tcn27"):
        Lifter("no-such")
    (tmp_path / "x.onnx").write_bytes(b"hello")
    with pytest.raises(ModelError, match="cannot load"):
        Lifter(tmp_path / "x.onnx")


def test_the_skeleton_must_be_mapped_first(model: Path) -> None:
    with pytest.raises(InputError, match="map them first"):
        Lifter(model)(walk(), camera=CAMERA)


def test_assumptions_about_the_camera_are_said() -> None:
    track = walk()
    track = track.with_notes(image_size=None, points=np.minimum(track.points, (1250, 715)))
    assert assumed_image_size(track) == (1280, 720)
    camera, notes = camera_for(track)
    assert camera.focal_px[0] == pytest.approx(1.15 * 1280)
    assert any("1280x720 assumed" in note for note in notes)
    assert any("focal length 1472 px assumed" in note for note in notes)
    _, notes = camera_for(walk(), focal_px=1000.0)
    assert notes == ()
    with pytest.raises(InputError, match="focal length"):
        camera_for(walk(), focal_px=-1.0)
    with pytest.raises(InputError, match="no keypoint"):
        camera_for(track.with_notes(confidence=np.zeros((60, 25))))


def test_people_of_one_clip_share_a_picture() -> None:
    left = Keypoints(np.full((1, 27, 2), (300.0, 200.0)), np.ones((1, 27)), LANDMARKS_27, Fraction(30))
    right = left.with_notes(points=left.points + (1500.0, 0.0))
    assert assumed_image_size(left) == (640, 480)
    assert {k.image_size for k in with_common_size([left, right])} == {(1920, 1080)}
    told = left.with_notes(image_size=(720, 576))
    assert [k.image_size for k in with_common_size([told, right])] == [(720, 576), None]


def test_upright_pictures_are_assumed_upright() -> None:
    tall = Keypoints(np.full((1, 27, 2), (700.0, 1200.0)), np.ones((1, 27)), LANDMARKS_27, Fraction(30))
    assert assumed_image_size(tall) == (720, 1280)

"""Models of the published systems behind the Lifter: any 2D format, any frame rate, partial bodies."""

from fractions import Fraction

import numpy as np
import pytest
from test_published import clip_model

from maquette.errors import InputError, ModelError
from maquette.geometry.camera import Camera
from maquette.keypoints import Keypoints
from maquette.lifting.lifter import Lifter
from maquette.lifting.published import lift_clip
from maquette.lifting.stream import LiftStream
from maquette.mapping import map_keypoints
from maquette.skeletons import BODY_25, H36M_17

CAMERA = Camera(focal_px=(1400.0, 1400.0), centre_px=(640.0, 360.0), image_size=(1280, 720))
FAMILY = {"mapping": "h36m-17/v1"}


def swaying(skeleton, fps, seconds: float = 2.0, hz: float = 0.5) -> Keypoints:
    rng = np.random.default_rng(5)
    t = np.arange(int(seconds * fps) + 1) / float(fps)
    body, phase = rng.uniform(200, 500, (len(skeleton), 2)), rng.uniform(0, 6, (len(skeleton), 2))
    points = body + 30 * np.sin(2 * np.pi * hz * t[:, None, None] + phase)
    return Keypoints(points, np.ones(points.shape[:2]), skeleton, Fraction(fps), CAMERA.image_size)


def test_at_the_models_rate_the_lifter_gives_the_clip(tmp_path) -> None:
    path = clip_model(tmp_path / "m.onnx", **FAMILY).path
    lifter, track = Lifter(path), swaying(H36M_17, 50)
    motion = lifter(map_keypoints(track, "landmarks-27"), camera=CAMERA)
    expected = lift_clip(lifter.model, track.points, CAMERA.image_size)
    assert motion.skeleton is H36M_17
    np.testing.assert_allclose(motion.positions, expected - expected[:, :1], atol=1e-5)


def test_another_frame_rate_gives_the_same_motion(tmp_path) -> None:
    lifter = Lifter(clip_model(tmp_path / "m.onnx", **FAMILY).path)
    slow, fast = (lifter(map_keypoints(swaying(H36M_17, fps), "landmarks-27"), camera=CAMERA) for fps in (25, 50))
    np.testing.assert_allclose(slow.positions, fast.positions[::2], atol=0.02)
    assert any("resampled" in note for note in slow.notes)


def test_missing_joints_are_derived_filled_and_said(tmp_path) -> None:
    lifter = Lifter(clip_model(tmp_path / "m.onnx", **FAMILY).path)
    track = swaying(BODY_25, 50)
    confidence = track.confidence.copy()
    confidence[10:20, BODY_25.index("l_wrist")] = 0
    points = np.where(confidence[..., None] > 0, track.points, np.nan)
    gappy = track.with_notes(points=points, confidence=confidence)
    motion = lifter(map_keypoints(gappy, "landmarks-27"), camera=CAMERA)
    assert np.isfinite(motion.positions).all()
    assert any("spine" in note and "derived" in note for note in motion.notes)
    assert any("interpolated" in note for note in motion.notes)


def test_a_joint_that_is_never_seen_is_refused(tmp_path) -> None:
    lifter = Lifter(clip_model(tmp_path / "m.onnx", **FAMILY).path)
    track = swaying(BODY_25, 50)
    confidence = track.confidence.copy()
    confidence[:, BODY_25.indices(["l_ankle", "r_ankle"])] = 0
    gone = track.with_notes(points=np.where(confidence[..., None] > 0, track.points, np.nan), confidence=confidence)
    with pytest.raises(InputError, match="r_ankle, l_ankle are never seen"):
        lifter(map_keypoints(gone, "landmarks-27"), camera=CAMERA)


def test_no_stream_and_unknown_families_are_refused(tmp_path) -> None:
    lifter = Lifter(clip_model(tmp_path / "m.onnx", **FAMILY).path)
    with pytest.raises(ModelError, match="takes whole clips"):
        LiftStream(lifter, BODY_25, CAMERA)
    strange = Lifter(clip_model(tmp_path / "n.onnx", mapping="mine/v7").path)
    with pytest.raises(ModelError, match="mine/v7"):
        strange(map_keypoints(swaying(H36M_17, 50), "landmarks-27"), camera=CAMERA)

"""Exact joints and depths give the pose back, through any camera; and sizes are what they are said to be."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from maquette.datasets.picture_people import FROM_H36M_17
from maquette.errors import InputError
from maquette.geometry.camera import Camera, look_at
from maquette.keypoints import Keypoints
from maquette.lifting.weak_perspective import BONES, HEIGHT_M, lift_depth, of_length, skeleton_lengths
from maquette.mapping import H36M_17_CONVENTIONS
from maquette.motion import Motion
from maquette.refine.motion_bones import bone_lengths
from maquette.refine.motion_scale import height_from_bones
from maquette.skeletons import COCO_17, H36M_17, MPII_16

PELVIS = MPII_16.index("pelvis")
SIZE = (1920, 1080)


def keypoints(points: np.ndarray, confidence: np.ndarray | None = None) -> Keypoints:
    shown = np.ones(points.shape[:2]) if confidence is None else confidence
    return Keypoints(points, shown, MPII_16, Fraction(25), SIZE, source="made")


def on_h36m(poses: np.ndarray) -> np.ndarray:
    """Relative to the pelvis."""
    relative = poses - poses[:, [PELVIS]]
    return H36M_17_CONVENTIONS["hourglass/mpii-16"].apply_arrays(relative, np.ones(poses.shape[:2]))[0]


@pytest.fixture(scope="module")
def poses() -> np.ndarray:
    """16 joints in front of the camera, metres."""
    rng = np.random.default_rng(3)
    return rng.normal(0, 0.4, (5, 16, 3)) + [0.3, -0.2, 4.0]


@pytest.fixture(scope="module")
def clips(shared_dir: Path) -> list[np.ndarray]:
    """Open motion capture on mpii-16, Y up."""
    with np.load(shared_dir / "data" / "cmu" / "cmu17.npz") as store:
        return [store[name][::25, FROM_H36M_17].astype(np.float64) for name in list(store)[::12]]


def test_exact_pose_through_an_orthographic_camera(poses: np.ndarray) -> None:
    pixels_per_metre = np.array([100.0, 130.0, 90.0, 210.0, 55.5])[:, None, None]
    seen = poses * pixels_per_metre + [640, 400, 0]
    length_m = skeleton_lengths(poses)
    for i in range(len(poses)):
        motion = lift_depth(
            keypoints(seen[[i], :, :2]), seen[[i], :, 2], skeleton_length_m=float(length_m[i]), perspective=False
        )
        np.testing.assert_allclose(motion.positions, on_h36m(poses[[i]]), atol=1e-6)


def test_exact_pose_through_a_camera_at_the_side_of_its_picture(poses: np.ndarray) -> None:
    camera = Camera((900.0, 900.0), (960.0, 540.0), SIZE)
    scale = 900 / poses[:, [PELVIS], 2]
    # The depth is counted from the head here: any point of the body will do.
    depth_px = (poses[..., 2] - poses[:, [9], 2]) * scale
    for i in range(len(poses)):
        length_m = float(skeleton_lengths(poses)[i])
        motion = lift_depth(
            keypoints(camera.project(poses[[i]])), depth_px[[i]], skeleton_length_m=length_m, focal_px=900
        )
        np.testing.assert_allclose(motion.positions, on_h36m(poses[[i]]), atol=1e-6)


@pytest.mark.parametrize(
    ("factor", "options", "limit_mm"),
    [
        (1.4, {"focal_px": 1.4 * 1920}, 4),
        (1.4, {}, 15),
        (1.4, {"perspective": False}, 50),
        (8.0, {"perspective": False}, 12),
    ],
)
def test_pose_of_open_motion_capture(clips: list[np.ndarray], factor: float, options: dict, limit_mm: float) -> None:
    rng = np.random.default_rng(0)
    errors = []
    for clip in clips:
        azimuth, middle = rng.uniform(0, 2 * np.pi), clip[:, PELVIS].mean(axis=0)
        away = 2.8 * factor * np.array([np.cos(azimuth), 0.05, np.sin(azimuth)])
        look = look_at(middle + away, middle + rng.normal(0, 0.2, 3))
        focal_px = factor * 1920
        camera = Camera((focal_px, focal_px), (960.0, 540.0), SIZE, look, middle + away)
        truth = camera.world_to_camera(clip)
        kept = (truth[..., 2] > 1).all(axis=1)
        truth = truth[kept]
        depth_px = (truth[..., 2] - truth[:, [PELVIS], 2]) * focal_px / truth[:, [PELVIS], 2]
        length_m = float(skeleton_lengths(truth).mean())
        found = lift_depth(keypoints(camera.project(truth)), depth_px, skeleton_length_m=length_m, **options)
        errors.append(1000 * np.linalg.norm(found.positions - on_h36m(truth), axis=-1).mean())
    # What is left with the true camera: lengths of the trunk's bones vary in motion capture, the rule's do not.
    assert max(errors) < limit_mm


def test_size_is_the_one_that_is_said(poses: np.ndarray) -> None:
    seen = keypoints(poses[..., :2] * 100 + 700)
    by_length = lift_depth(seen, poses[..., 2] * 100, skeleton_length_m=4.5, perspective=False)
    mpii = by_length.positions[:, list(H36M_17.indices(("hip", "r_hip", "r_knee")))]
    scale = 4.5 / skeleton_lengths(poses)
    np.testing.assert_allclose(
        np.linalg.norm(mpii[:, 1] - mpii[:, 2], axis=-1), scale * np.linalg.norm(poses[:, 2] - poses[:, 1], axis=-1)
    )
    assert "assumed" in by_length.scale_source
    assert "4.50 m" in by_length.scale_source
    by_height = lift_depth(seen, poses[..., 2] * 100, height_m=1.8, perspective=False)
    assert by_height.scale_source == "body height 1.80 m given"
    np.testing.assert_allclose(
        by_height.positions, by_length.positions * (1.8 / HEIGHT_M * sum(BONES.values()) / 4.5), atol=1e-12
    )


def test_table_of_bones_is_of_a_person_of_the_height_that_it_says() -> None:
    """Standing upright, by the rule that other motions are measured with."""
    spine = np.array([0.0, 0.0, 0.0]), np.array([0.0, 0.53, 0.0]), np.array([0.0, 0.775, 0.0])
    pose = np.full((1, 16, 3), np.nan)
    pose[0, MPII_16.indices(("pelvis", "upper_neck", "head_top"))] = spine
    for side, sign in (("l", 1.0), ("r", -1.0)):
        for joint, x, y in (
            ("hip", 0.105, 0), ("knee", 0.105, -0.43), ("ankle", 0.105, -0.85),
            ("shoulder", 0.185, 0.53), ("elbow", 0.185, 0.25), ("wrist", 0.185, 0.005),
        ):  # fmt: skip
            pose[0, MPII_16.index(f"{side}_{joint}")] = [sign * x, y, 0]
    assert skeleton_lengths(pose) == pytest.approx(sum(BONES.values()))
    motion = Motion(on_h36m(pose), H36M_17, Fraction(25), "world")
    assert height_from_bones(bone_lengths(motion), H36M_17) == pytest.approx(HEIGHT_M, abs=0.02)


def test_missing_bones_count_by_their_usual_share(poses: np.ndarray) -> None:
    """On a body of the table's proportions, three times as large, nothing changes with what is missing."""
    usual = np.zeros((1, 16, 3))
    index = MPII_16.index
    usual[0, index("upper_neck")] = usual[0, index("pelvis")] + [0, BONES["pelvis", "upper_neck"], 0]
    usual[0, index("head_top")] = usual[0, index("upper_neck")] + [0, BONES["upper_neck", "head_top"], 0]
    for side in ("l", "r"):
        chain = [("hip", "pelvis"), ("knee", "l_hip"), ("ankle", "l_knee"), ("shoulder", "upper_neck")]
        for joint, parent in [*chain, ("elbow", "l_shoulder"), ("wrist", "l_elbow")]:
            start = parent.replace("l_", f"{side}_")
            length = next(m for pair, m in BONES.items() if set(pair) == {f"{side}_{joint}", start})
            usual[0, index(f"{side}_{joint}")] = usual[0, index(start)] + [0, 0, length]
    whole = skeleton_lengths(3 * usual)
    assert whole == pytest.approx(3 * sum(BONES.values()))
    partly = 3 * usual
    for gone in (["l_wrist"], ["l_elbow", "r_elbow"], ["head_top"]):
        partly[:, MPII_16.indices(gone)] = np.nan
        assert skeleton_lengths(partly) == pytest.approx(whole)
    partly[:, MPII_16.indices(("pelvis", "l_knee", "r_knee"))] = np.nan
    assert np.isnan(skeleton_lengths(partly)).all()
    assert np.isfinite(skeleton_lengths(poses)).all()


def test_pelvis_that_is_missing_lies_between_the_hips(poses: np.ndarray) -> None:
    posed = poses.copy()
    posed[:, PELVIS] = (posed[:, MPII_16.index("l_hip")] + posed[:, MPII_16.index("r_hip")]) / 2
    seen, depth_px = posed[..., :2] * 100 + 700, posed[..., 2] * 100
    full = lift_depth(keypoints(seen), depth_px)
    confidence = np.ones((5, 16))
    confidence[1:3, PELVIS] = 0
    np.testing.assert_allclose(lift_depth(keypoints(seen, confidence), depth_px).positions, full.positions, atol=1e-12)
    confidence[1, MPII_16.index("l_hip")] = 0
    assert np.isnan(lift_depth(keypoints(seen, confidence), depth_px).positions[1]).all()


def test_motion_says_what_it_is(poses: np.ndarray) -> None:
    motion = lift_depth(keypoints(poses[..., :2] * 100 + 700), poses[..., 2] * 100, model="m", model_sha256="s")
    assert motion.skeleton == H36M_17
    assert motion.frame == "camera"
    assert motion.fps == 25
    assert (motion.model, motion.model_sha256) == ("m", "s")
    assert not motion.positions[:, 0].any()
    assert any("focal length" in note and "assumed" in note for note in motion.notes)


def test_what_does_not_fit_is_refused_at_once(poses: np.ndarray) -> None:
    seen = keypoints(poses[..., :2] * 100)
    with pytest.raises(InputError) as caught:
        lift_depth(seen, np.zeros((4, 16)), height_m=180, skeleton_length_m=4296)
    for said in ("(4, 16) for 5 frames", "180 m", "4296 m"):
        assert said in str(caught.value)
    coco = Keypoints(np.ones((1, 17, 2)), np.ones((1, 17)), COCO_17, Fraction(25))
    with pytest.raises(InputError, match="coco-17"):
        lift_depth(coco, np.zeros((1, 16)))
    nobody = keypoints(np.full((2, 16, 2), np.nan))
    with pytest.raises(InputError, match="no frame shows hips and limbs"):
        lift_depth(nobody, np.zeros((2, 16)))


def test_poses_of_a_length_do_not_depend_on_their_unit(poses: np.ndarray) -> None:
    np.testing.assert_allclose(of_length(poses * 37, 4.0), of_length(poses, 4.0), atol=1e-12)
    np.testing.assert_allclose(skeleton_lengths(of_length(poses, 4.0)), 4.0)
    assert np.isnan(of_length(np.zeros((1, 16, 3)), 4.0)).all()


def test_thorax_of_networks_that_know_it(poses: np.ndarray) -> None:
    seen, depth_px = keypoints(poses[..., :2] * 100 + 700), poses[..., 2] * 100
    known, usual = (lift_depth(seen, depth_px, perspective=False, thorax=name) for name in ("thorax", "upper neck"))
    mpii = of_length(poses, 4.29699233013)
    np.testing.assert_allclose(known.joint("thorax"), mpii[:, MPII_16.index("thorax")], atol=1e-9)
    np.testing.assert_allclose(usual.joint("thorax"), mpii[:, MPII_16.index("upper_neck")], atol=1e-9)
    np.testing.assert_allclose(known.joint("l_wrist"), usual.joint("l_wrist"))
    for motion in (known, usual):
        spine, ends = motion.joint("spine"), motion.joint("thorax")
        np.testing.assert_allclose(spine, 0.486 * ends, atol=1e-12)

"""What is found from the first seconds, against the camera that filmed them."""

import numpy as np
import pytest
from walking_figure import FPS, camera_at, film, walk

from maquette.errors import InputError
from maquette.geometry.camera import Camera
from maquette.refine.causal_calibration import CalibrationFrames, assumed_calibration, calibrate
from maquette.refine.motion_bones import bone_lengths
from maquette.skeletons import LIFTED_21

LEGS = [i for i, j in enumerate(LIFTED_21.joints) if j[2:] in ("knee", "ankle", "heel", "toe")]


def _frames(people: list[np.ndarray], camera: Camera, *, hidden: list[int] | None = None) -> CalibrationFrames:
    films = [film(world, camera)[:2] for world in people]
    count = len(people[0])
    confidence = [np.stack([k.confidence[f] for _, k in films]) for f in range(count)]
    for each in confidence:
        each[:, hidden or []] = 0.0
    return CalibrationFrames(
        times_s=tuple(f / FPS for f in range(count)),
        occupants=tuple(np.arange(len(people)) + 7 for _ in range(count)),
        poses_m=tuple(np.stack([m.positions[f] for m, _ in films]) for f in range(count)),
        points_px=tuple(np.stack([k.points[f] for _, k in films]) for f in range(count)),
        confidence=tuple(confidence),
    )


def _blind(camera: Camera) -> Camera:
    return Camera(camera.focal_px, camera.centre_px, camera.image_size)


def _off_deg(up: np.ndarray, camera: Camera) -> float:
    return float(np.degrees(np.arccos(np.clip(up @ camera.R_camera_world[:, 1], -1, 1))))


@pytest.mark.parametrize("elevation_deg", [0, 20, 35])
def test_tilt_height_and_bones_of_two_people(elevation_deg: float) -> None:
    world, _ = walk(3.0)
    camera = camera_at(elevation_deg, roll_deg=2)
    found = calibrate(_frames([world, world * [1, 1, -1] + [0.5, 0, -0.5]], camera), _blind(camera))
    assert found.found
    assert _off_deg(found.up, camera) < 3.0
    assert found.camera_height_m == pytest.approx(camera.position_world_m[1], abs=0.3)
    assert "2 people" in found.evidence
    motion, _, _ = film(world, camera)
    np.testing.assert_allclose(found.bone_lengths_m[7][1:], bone_lengths(motion)[1:], atol=0.01)
    assert set(found.heights_m) == {7, 8}


def test_it_is_a_function_of_the_frames() -> None:
    camera = camera_at(10)
    frames = _frames([walk(2.0)[0]], camera)
    first, second = (calibrate(frames, _blind(camera)) for _ in range(2))
    assert (first.pitch_rad, first.roll_rad, first.camera_height_m) == (
        second.pitch_rad,
        second.roll_rad,
        second.camera_height_m,
    )


def test_without_legs_gravity_comes_from_the_trunk_and_no_floor_is_claimed() -> None:
    camera = camera_at(20)
    found = calibrate(_frames([walk(2.0)[0]], camera, hidden=LEGS), _blind(camera))
    assert found.found
    assert found.camera_height_m is None
    assert "floor goes on following the feet" in found.evidence
    assert _off_deg(found.up, camera) < 9


def test_nobody_or_too_little_leaves_the_assumptions_and_says_so() -> None:
    camera = camera_at(20)
    nobody = calibrate(CalibrationFrames((), (), (), (), ()), _blind(camera))
    short = calibrate(_frames([walk(0.2)[0]], camera), _blind(camera))
    for found in (nobody, short):
        assert not found.found
        assert found.evidence.startswith("not calibrated (")
        assert np.degrees(found.pitch_rad) == pytest.approx(5)
        assert found.roll_rad == 0
    assert "nobody was seen" in nobody.evidence
    assert "only 6 frames" in short.evidence


def test_what_is_given_is_kept() -> None:
    camera = camera_at(20)
    found = calibrate(_frames([walk(2.0)[0]], camera), _blind(camera), height_m=1.9, pitch_rad=0.3, roll_rad=0.0)
    assert (found.pitch_rad, found.pitch_sigma_rad) == (pytest.approx(0.3, abs=1e-5), 0.0)
    assert found.heights_m[7] == pytest.approx(1.9, abs=0.01)
    assert "given" in assumed_calibration(pitch_rad=0.1).evidence
    with pytest.raises(InputError, match="metres, not centimetres"):
        calibrate(_frames([walk(1.0)[0]], camera), _blind(camera), height_m=190)

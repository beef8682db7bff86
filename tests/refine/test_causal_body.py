"""Bodies in space as they come, against the walk that was filmed and against the clip as a whole."""

from fractions import Fraction

import numpy as np
import pytest
from walking_figure import FPS, camera_at, film, walk

from maquette.errors import InputError
from maquette.motion import Motion
from maquette.refine.causal_body import BodyStream
from maquette.refine.causal_calibration import Calibration, CalibrationFrames, calibrate
from maquette.refine.motion_bones import bone_lengths
from maquette.refine.motion_contacts import CONTACT_JOINTS
from maquette.refine.motion_scale import height_from_bones
from maquette.skeletons import LIFTED_21

FEET = LIFTED_21.indices(CONTACT_JOINTS)
ROW = np.array([0])


def _run(
    world: np.ndarray, elevation_deg: float = 15, *, calibrated: bool = True, missing: slice | None = None, **settings
) -> tuple[np.ndarray, np.ndarray, BodyStream]:
    """``(positions, contacts, stream)`` of a figure filmed with a perfect lifter."""
    motion, keypoints, camera = film(world, camera_at(elevation_deg))
    stream = BodyStream(camera, 1, **settings)
    positions, contacts = [], []
    for f in range(len(world)):
        confidence = keypoints.confidence[f : f + 1].copy()
        if missing is not None and f in range(*missing.indices(len(world))):
            confidence[:] = 0.0
        body = stream(ROW, motion.positions[f : f + 1], keypoints.points[f : f + 1], confidence, f / FPS)
        positions.append(body.positions_m[0])
        contacts.append(body.contacts[0])
        if calibrated and stream.calibration_ready:
            stream.calibrated(calibrate(stream.calibration_frames, camera))
    return np.array(positions), np.array(contacts), stream


def _turned(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Turned about the vertical and moved on the floor to fit; heights stay."""
    p, q = found.reshape(-1, 3) - found.mean((0, 1)), truth.reshape(-1, 3) - truth.mean((0, 1))
    angle = np.arctan2((p[:, 2] * q[:, 0] - p[:, 0] * q[:, 2]).sum(), (p[:, 0] * q[:, 0] + p[:, 2] * q[:, 2]).sum())
    c, s = np.cos(angle), np.sin(angle)
    out = p @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T + truth.mean((0, 1))
    out[:, 1] = found[..., 1].reshape(-1)
    return out.reshape(found.shape)


@pytest.mark.parametrize("elevation_deg", [0, 15, 30])
def test_a_walk_comes_out_where_it_was(elevation_deg: float) -> None:
    world, standing = walk(8.0)
    found, contacts, stream = _run(world, elevation_deg)
    assert stream.calibration.found
    late = slice(int(4.0 * FPS), None)
    away = np.linalg.norm(_turned(found[late], world[late]) - world[late], axis=-1)
    assert away.mean() < 0.09
    truth = standing[:, [0, 0, 1, 1]]
    assert 2 * (contacts & truth).sum() / (contacts.sum() + truth.sum()) > 0.85
    assert np.percentile(found[late][:, FEET, 1].min(axis=1), 2) > -0.04
    speed = np.linalg.norm(np.diff(found[:, FEET], axis=0), axis=-1) * FPS
    assert speed[late][truth[1:][late] & truth[:-1][late]].mean() < 0.2


def test_the_first_frame_stands_on_the_floor_over_the_origin() -> None:
    found, _, _ = _run(walk(1.0)[0], calibrated=False)
    np.testing.assert_allclose(found[0, 0, [0, 2]], 0, atol=0.03)
    assert abs(found[0, FEET, 1].min() - 0.02) < 0.03


def test_nothing_jumps_when_the_calibration_comes() -> None:
    found, _, stream = _run(walk(5.0)[0], 30)
    assert stream.calibration.camera_height_m is not None
    steps = np.linalg.norm(np.diff(found[:, 0], axis=0), axis=-1)
    assert steps[5:].max() < 0.12


def test_who_is_lost_goes_on_a_little_waits_and_is_brought_back() -> None:
    found, contacts, _ = _run(walk(6.0)[0], missing=slice(100, 130))
    hip = found[:, 0]
    assert np.isfinite(found).all()
    assert np.linalg.norm(hip[129] - hip[120], axis=-1) < 0.02
    assert np.linalg.norm(hip[129] - hip[99], axis=-1) < 0.3
    assert not contacts[101:130].any()
    # Two thirds of a metre of way are caught up within 0.2 s, not in one frame.
    assert np.linalg.norm(np.diff(hip, axis=0), axis=-1).max() < 0.35
    parents, children = np.array(LIFTED_21.bones).T
    lengths = np.linalg.norm(found[:, children] - found[:, parents], axis=-1)
    assert np.abs(np.diff(lengths, axis=0)).max() < 0.005


def test_a_body_height_is_kept() -> None:
    found, _, _ = _run(walk(2.0)[0], height_m=1.9)
    tall = height_from_bones(bone_lengths(Motion(found, LIFTED_21, Fraction(FPS), "world")), LIFTED_21)
    assert tall == pytest.approx(1.9, abs=0.01)


def test_people_are_independent_and_rows_can_be_given_to_others() -> None:
    world, _ = walk(2.0)
    motion, keypoints, camera = film(world, camera_at(15))
    known = Calibration(np.radians(15.0), 0.0, 0.0, 0.0, 2.19, "given")
    alone, both = (BodyStream(camera, n, calibration=known, calibrate_s=0) for n in (1, 3))
    for f in range(60):
        if f == 30:
            alone.reset(0)
            both.reset(2)
        frame = (motion.positions[f : f + 1], keypoints.points[f : f + 1], keypoints.confidence[f : f + 1])
        one = alone(ROW, frame[0], frame[1], frame[2], f / FPS)
        other = (motion.positions[59 - f : 60 - f], keypoints.points[59 - f : 60 - f], keypoints.confidence[:1])
        pair = [np.concatenate(arrays) for arrays in zip(other, frame, strict=True)]
        two = both(np.array([0, 2]), pair[0], pair[1], pair[2], f / FPS)
        shift = two.positions_m[1] - one.positions_m[0]
        # The origin of the session is where its first person was first.
        np.testing.assert_allclose(shift - shift[0], 0, atol=1e-6)
        np.testing.assert_array_equal(two.contacts[1], one.contacts[0])
    nobody = [a[:0] for a in frame]
    assert both(np.zeros(0, dtype=int), nobody[0], nobody[1], nobody[2], 3.0).positions_m.shape == (0, 21, 3)


def test_a_calibration_that_found_nothing_changes_nothing() -> None:
    world, _ = walk(1.5)
    motion, keypoints, camera = film(world, camera_at(30))
    streams = [BodyStream(camera, 1) for _ in range(2)]
    for f in range(len(world)):
        bodies = [
            stream(
                ROW, motion.positions[f : f + 1], keypoints.points[f : f + 1], keypoints.confidence[f : f + 1], f / FPS
            )
            for stream in streams
        ]
        np.testing.assert_array_equal(bodies[0].positions_m, bodies[1].positions_m)
        if f == 20:
            streams[0].calibrated(calibrate(CalibrationFrames((), (), (), (), ()), camera))
            assert streams[0].calibration.evidence.startswith("not calibrated")
            assert np.degrees(streams[0].calibration.pitch_rad) > 20


def test_the_same_frames_give_the_same_bodies() -> None:
    world = walk(4.0)[0]
    first, second = (_run(world)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_what_cannot_be_is_refused() -> None:
    camera = camera_at(0)
    with pytest.raises(InputError, match="capacity"):
        BodyStream(camera, 0)
    with pytest.raises(InputError, match="metres, not centimetres"):
        BodyStream(camera, 1, height_m=180)
    stream = BodyStream(camera, 1)
    nobody = (np.zeros(0, dtype=int), np.zeros((0, 21, 3)), np.zeros((0, 21, 2)), np.zeros((0, 21)))
    stream(*nobody, 1.0)
    with pytest.raises(InputError, match="forward"):
        stream(*nobody, 1.0)

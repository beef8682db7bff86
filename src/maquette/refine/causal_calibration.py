"""Gravity, floor and bones from the first seconds of a session, by the offline refinement."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
from jaxtyping import Bool, Float, Int

from maquette.errors import InputError
from maquette.geometry.camera import Camera
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.refine.causal_ground import REST_M
from maquette.refine.motion_bones import bone_lengths, constant_bones
from maquette.refine.motion_contacts import CONTACT_JOINTS
from maquette.refine.motion_placing import picture_feet, root_trajectory
from maquette.refine.motion_scale import height_from_bones, scale_to_height
from maquette.refine.motion_smooth import fill_gaps, smooth
from maquette.refine.motion_tilt import PITCH_PRIOR_RAD, ROLL_PRIOR_RAD, CameraTilt, estimate_tilt
from maquette.refine.motion_trajectory import MIN_JOINTS
from maquette.skeletons import LIFTED_21

_LEGS = LIFTED_21.indices(["l_knee", "r_knee", "l_ankle", "r_ankle"])
_FEET = LIFTED_21.indices(CONTACT_JOINTS)
_SHORTEST_S, _FEWEST = 0.5, 8
"""Somebody who is there for less time, or in fewer frames, tells nothing."""
_SMOOTH_HZ = 6.0


@dataclass(frozen=True, eq=False)
class Calibration(CameraTilt):
    """What holds for a whole session: one camera that does not move, and one floor for everybody. ``evidence`` is a
    sentence: what was found from what, or why nothing was."""

    found: bool = True
    """False when these are only the assumptions about cameras of which nothing is known."""
    bone_lengths_m: dict[int, Float[np.ndarray, " joints"]] = field(default_factory=dict)
    """By occupant (:attr:`CalibrationFrames.occupants`): of the bone that ends in each joint, before any scaling to a
    body height; NaN for the root."""
    heights_m: dict[int, float] = field(default_factory=dict)
    """By occupant: the standing height that the bones come to, after scaling."""


@dataclass(frozen=True, eq=False)
class CalibrationFrames:
    """The frames that a calibration is made from. Each has arrays whose first axis is the people in it."""

    times_s: tuple[float, ...]
    occupants: tuple[Int[np.ndarray, " people"], ...]
    """Whom each pose belongs to: a number that nobody else of the session has."""
    poses_m: tuple[Float[np.ndarray, "people 21 3"], ...]
    """Relative to the root, camera axes, as lifted."""
    points_px: tuple[Float[np.ndarray, "people 21 2"], ...]
    confidence: tuple[Float[np.ndarray, "people 21"], ...]


@dataclass(frozen=True, eq=False)
class _Placed:
    """One person in front of the camera."""

    motion: Motion
    feet_m: Float[np.ndarray, "feet frames 3"] | None
    contacts: Bool[np.ndarray, "feet frames"] | None
    lengths_m: Float[np.ndarray, " joints"]
    height_m: float


def assumed_calibration(*, pitch_rad: float | int | None = None, roll_rad: float | int | None = None) -> Calibration:
    """What holds before anything is found: the tilt that is given, or a camera that looks 5 degrees down."""
    given = [name for name, value in (("pitch", pitch_rad), ("roll", roll_rad)) if value is not None]
    evidence = f"camera {' and '.join(given)} given" if given else "nothing is known of the camera"
    pitch = PITCH_PRIOR_RAD[0] if pitch_rad is None else float(pitch_rad)
    roll = ROLL_PRIOR_RAD[0] if roll_rad is None else float(roll_rad)
    return Calibration(
        pitch_rad=float(pitch),
        roll_rad=float(roll),
        pitch_sigma_rad=float(PITCH_PRIOR_RAD[1]) if pitch_rad is None else 0.0,
        roll_sigma_rad=float(ROLL_PRIOR_RAD[1]) if roll_rad is None else 0.0,
        camera_height_m=None,
        evidence=f"{evidence}: it is taken to look {_tilt_words(pitch, roll)}; the floor follows the feet",
        found=False,
    )


def calibrate(
    frames: CalibrationFrames,
    camera: Camera,
    *,
    height_m: float | int | None = None,
    pitch_rad: float | int | None = None,
    roll_rad: float | int | None = None,
) -> Calibration:
    """Find gravity and floor from everybody in ``frames`` together, and everybody's bones.

    Each person goes through the offline refinement (:func:`maquette.refine.motion_finish.finish` up to the tilt), then
    one tilt is estimated from the upright bodies and standing feet of all. Frames are taken as evenly spaced at their
    median distance. The result depends on nothing but the arguments.

    Args:
        camera: focal length and principal point of the picture.
        height_m: body height of everybody; None keeps the size that the lifter gives.
        pitch_rad, roll_rad: tilt of the camera where it is known.

    Returns:
        ``found`` is False when nobody could be placed; the sentence then says why and what holds instead.

    Raises:
        InputError: a body height that no person has.
    """
    if height_m is not None and not 0.4 <= height_m <= 2.8:
        raise InputError(f"body height is {height_m:g} m, expected 0.4 to 2.8 (metres, not centimetres or feet)")
    placed, problems = {}, []
    for occupant in sorted({int(number) for numbers in frames.occupants for number in numbers}):
        try:
            placed[occupant] = _place(frames, occupant, camera, height_m)
        except InputError as error:
            problems.append(str(error))
    if not placed:
        assumed = assumed_calibration(pitch_rad=pitch_rad, roll_rad=roll_rad)
        why = problems[0] if problems else "nobody was seen"
        return replace(assumed, evidence=f"not calibrated ({why}): {assumed.evidence}")
    joined, contacts, feet = _joined(list(placed.values()))
    tilt = estimate_tilt(
        joined, contacts, feet, REST_M, legs_seen=contacts is not None, pitch_rad=pitch_rad, roll_rad=roll_rad
    )
    return Calibration(
        pitch_rad=tilt.pitch_rad,
        roll_rad=tilt.roll_rad,
        pitch_sigma_rad=tilt.pitch_sigma_rad,
        roll_sigma_rad=tilt.roll_sigma_rad,
        camera_height_m=tilt.camera_height_m,
        evidence=_words(tilt, frames.times_s[-1] - frames.times_s[0], len(placed)),
        bone_lengths_m={occupant: person.lengths_m for occupant, person in placed.items()},
        heights_m={occupant: person.height_m for occupant, person in placed.items()},
    )


def _words(tilt: CameraTilt, seconds: float, count: int) -> str:
    people = f"{count} {'person' if count == 1 else 'people'}"
    margin = f" (+-{np.degrees(tilt.pitch_sigma_rad):.0f})" if tilt.pitch_sigma_rad else ""
    direction = _tilt_words(tilt.pitch_rad, tilt.roll_rad)
    words = f"calibrated from {seconds:.1f} s of {people}: camera looks {direction}{margin}"
    if tilt.camera_height_m is None:
        words += "; no foot was seen to stand, so the floor goes on following the feet"
    else:
        words += f", {tilt.camera_height_m:.2f} m over the floor"
    return f"{words}; from {tilt.evidence}"


def _tilt_words(pitch_rad: float, roll_rad: float) -> str:
    direction = "down" if pitch_rad >= 0 else "up"
    return f"{abs(np.degrees(pitch_rad)):.0f} degrees {direction}, rolled by {np.degrees(roll_rad):.0f}"


def _place(frames: CalibrationFrames, occupant: int, camera: Camera, height_m: float | int | None) -> _Placed:
    """One person through the offline refinement.

    Raises:
        InputError: there is too little of them, or the picture does not place them.
    """
    motion, keypoints = _track(frames, occupant)
    seen = (keypoints.confidence > 0).sum(1) >= MIN_JOINTS
    duration_s = motion.n_frames / float(motion.fps)
    if seen.sum() < _FEWEST or duration_s < _SHORTEST_S:
        raise InputError(f"somebody was seen in only {int(seen.sum())} frames of {duration_s:.1f} s")
    motion = motion.with_notes(positions=np.where(seen[:, None, None], motion.positions, np.nan))
    posed = smooth(motion, cutoff_hz=_SMOOTH_HZ)
    lengths = bone_lengths(posed)
    posed = scale_to_height(constant_bones(posed), height_m)
    implied_m = height_from_bones(bone_lengths(posed), LIFTED_21)
    posed = fill_gaps(posed, seen)
    legs = float((keypoints.confidence[seen][:, _LEGS] > 0).mean()) >= 0.5
    placed = root_trajectory(posed, keypoints, camera, use_feet=legs)
    if not legs or placed.contacts is None:
        return _Placed(placed, None, None, lengths, implied_m)
    rays = camera.pixels_to_normalized(keypoints.points)
    feet = picture_feet(placed, rays, np.zeros((placed.n_frames, 3)), _FEET)
    return _Placed(placed, feet, np.ascontiguousarray(placed.contacts.T), lengths, implied_m)


def _track(frames: CalibrationFrames, occupant: int) -> tuple[Motion, Keypoints]:
    """Poses and 2D of one person from their first frame to their last; NaN in the frames between that lack them."""
    places = [np.flatnonzero(numbers == occupant) for numbers in frames.occupants]
    there = [frame for frame, place in enumerate(places) if len(place)]
    first, count = there[0], there[-1] - there[0] + 1
    poses, points = np.full((count, 21, 3), np.nan), np.full((count, 21, 2), np.nan)
    confidence = np.zeros((count, 21))
    for frame in there:
        person = int(places[frame][0])
        poses[frame - first] = frames.poses_m[frame][person]
        known = frames.confidence[frame][person] > 0
        points[frame - first] = np.where(known[:, None], frames.points_px[frame][person], np.nan)
        confidence[frame - first] = np.where(np.isfinite(points[frame - first]).all(-1), 1.0, 0.0) * np.where(
            known, frames.confidence[frame][person], 0.0
        )
    steps_s = np.diff(frames.times_s)
    fps = Fraction(round(1000.0 / float(np.median(steps_s))), 1000) if len(steps_s) else Fraction(30)
    return Motion(poses, LIFTED_21, fps, "camera"), Keypoints(points, confidence, LIFTED_21, fps)


def _joined(
    people: Sequence[_Placed],
) -> tuple[Motion, Bool[np.ndarray, "feet frames"] | None, Float[np.ndarray, "feet frames 3"] | None]:
    """The people one after the other, as if they were one, with a frame in between that joins no contacts.

    If legs are seen of some, only they are taken: their word on gravity is better.
    """
    with_feet = [person for person in people if person.contacts is not None]
    if not with_feet:
        together = np.concatenate([person.motion.positions for person in people])
        return Motion(together, LIFTED_21, people[0].motion.fps, "camera"), None, None
    gap = np.full((1, 21, 3), np.nan)
    positions, feet, contacts = [], [], []
    for person in with_feet:
        assert person.feet_m is not None
        assert person.contacts is not None
        positions += [person.motion.positions, gap]
        feet += [person.feet_m, np.full((len(_FEET), 1, 3), np.nan)]
        contacts += [person.contacts, np.zeros((len(_FEET), 1), dtype=bool)]
    joined = Motion(np.concatenate(positions), LIFTED_21, people[0].motion.fps, "camera")
    return joined, np.concatenate(contacts, axis=1), np.concatenate(feet, axis=1)

"""Which way is up in the camera's picture: from the body, the standing feet, and how people hold cameras."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from maquette.geometry.rotations import unit_vectors
from maquette.motion import Motion
from maquette.refine.motion_contacts import contact_runs

PITCH_PRIOR_RAD = (np.radians(5.0), np.radians(20.0))
"""Mean and standard deviation of the pitch of a camera about which nothing is known: it looks slightly down."""
ROLL_PRIOR_RAD = (0.0, np.radians(3.0))
"""The same for the roll: people and tripods keep the horizon level."""
BODY_SIGMA_RAD = np.radians(5.0)
"""Error of the mean direction of an upright body against gravity: 3 degrees between clips in motion capture (after the
mean lean is taken off), and about 4 that the lifter adds."""

_LEAN_RAD = {"legs": np.radians(2.9), "trunk": np.radians(0.8)}
"""Mean forward lean of the line from the ankles, or from the hips, to the thorax in 188 clips of motion capture."""


@dataclass(frozen=True)
class CameraTilt:
    """The direction of gravity in the camera frame."""

    pitch_rad: float
    """Positive when the camera looks down."""
    roll_rad: float
    """Positive when the camera is turned clockwise about its line of sight, so that its right side is the lower one."""
    pitch_sigma_rad: float
    roll_sigma_rad: float
    camera_height_m: float | None
    """Height of the camera over the floor on which the feet stand; None when no foot was seen to stand."""
    evidence: str
    """What it was estimated from, for the notes."""

    @property
    def up(self) -> Float[np.ndarray, "3"]:
        """Unit vector against gravity, camera axes (x right, y down, z forward)."""
        return up_of_tilt(self.pitch_rad, self.roll_rad)


def up_of_tilt(pitch: float, roll: float) -> Float[np.ndarray, "3"]:
    return np.array([-np.sin(roll) * np.cos(pitch), -np.cos(roll) * np.cos(pitch), -np.sin(pitch)])


def body_up(
    motion: Motion, legs_seen: bool = True, expected: Float[np.ndarray, "3"] | None = None
) -> tuple[Float[np.ndarray, "3"] | None, float]:
    """``(direction, share)``: the mean upward direction of the body while it is upright, in the motion's axes, and the
    share of frames that were.

    The line from the middle of the ankles (of the hips when the legs are not seen) to the thorax, less the mean lean of
    people towards where they face; frames far from the consensus (bent, lying) are weighted down. The direction is None
    when it would be more than 60 degrees from ``expected`` or fewer than a tenth of the frames agree.
    """
    skeleton = motion.skeleton
    if "thorax" not in skeleton or "l_hip" not in skeleton or "r_hip" not in skeleton:
        return None, 0.0
    thorax, left, right = (motion.joint(joint) for joint in ("thorax", "l_hip", "r_hip"))
    hips = 0.5 * (left + right)
    use_legs = legs_seen and "l_ankle" in skeleton and "r_ankle" in skeleton
    base = 0.5 * (motion.joint("l_ankle") + motion.joint("r_ankle")) if use_legs else hips
    line = unit_vectors(thorax - base)
    forward = unit_vectors(np.cross(left - right, line))
    line = unit_vectors(line - np.tan(_LEAN_RAD["legs" if use_legs else "trunk"]) * forward)
    line = line[np.isfinite(line).all(-1)]
    if not len(line):
        return None, 0.0
    start = up_of_tilt(PITCH_PRIOR_RAD[0], 0.0) if expected is None else expected
    mean = start
    weights = np.ones(len(line))
    for scale_deg in (60.0, 40.0, 20.0, 20.0, 20.0):
        angle = np.degrees(np.arccos(np.clip(line @ mean, -1, 1)))
        weights = 1 / (1 + (angle / scale_deg) ** 2) ** 2
        total = weights @ line
        mean = total / max(float(np.linalg.norm(total)), 1e-9)
    share = float((line @ mean > np.cos(np.radians(25.0))).mean())
    if share < 0.1 or float(mean @ start) < np.cos(np.radians(60.0)):
        return None, share
    return mean, share


def estimate_tilt(
    motion: Motion,
    contacts: Bool[np.ndarray, "feet frames"] | None = None,
    feet_m: Float[np.ndarray, "feet frames 3"] | None = None,
    rest_m: Float[np.ndarray, " feet"] | None = None,
    *,
    legs_seen: bool = True,
    pitch_rad: float | int | None = None,
    roll_rad: float | int | None = None,
) -> CameraTilt:
    """The camera's pitch and roll against gravity, and its height over the floor when feet are seen to stand.

    Least squares, reweighted against outliers, of three kinds of evidence: the upright body (:func:`body_up`); each
    contact of a foot, whose mean place must lie in one horizontal floor (informative when the person travels, weighted
    by how badly its depth is known); and the priors on how cameras are held. A ``pitch_rad`` or ``roll_rad`` that is
    given is kept.
    """
    known = (pitch_rad, roll_rad)
    priors = [
        (float(value), 1e-5) if value is not None else prior
        for value, prior in zip(known, (PITCH_PRIOR_RAD, ROLL_PRIOR_RAD), strict=True)
    ]
    expected = up_of_tilt(priors[0][0], priors[1][0])
    upright, share = body_up(motion, legs_seen, expected)
    places, rests = _standing_places(contacts, feet_m, rest_m)
    solution, covariance, n_used = _solve_tilt(priors, upright, places, rests)
    given = [name for name, value in zip(("pitch", "roll"), known, strict=True) if value is not None]
    sources = [f"{' and '.join(given)} given"] if given else []
    if upright is not None:
        sources.append(f"the body, upright in {share:.0%} of the frames")
    if n_used:
        sources.append(f"{n_used} foot contacts in one floor")
    if len(given) < 2:
        sources.append("the assumption that cameras are nearly level")
    sigmas = np.sqrt(np.diag(covariance))
    return CameraTilt(
        pitch_rad=float(solution[0]),
        roll_rad=float(solution[1]),
        pitch_sigma_rad=0.0 if pitch_rad is not None else float(sigmas[0]),
        roll_sigma_rad=0.0 if roll_rad is not None else float(sigmas[1]),
        camera_height_m=float(solution[2]) if len(places) else None,
        evidence=", ".join(sources),
    )


def _standing_places(
    contacts: Bool[np.ndarray, "feet frames"] | None,
    feet_m: Float[np.ndarray, "feet frames 3"] | None,
    rest_m: Float[np.ndarray, " feet"] | None,
) -> tuple[Float[np.ndarray, "contacts 3"], Float[np.ndarray, " contacts"]]:
    """Mean place of each contact, camera axes, and the height over the floor at which that joint stands."""
    if contacts is None or feet_m is None or rest_m is None:
        return np.zeros((0, 3)), np.zeros(0)
    runs = contact_runs(contacts)
    # Sums up to each frame make the mean of every run two look-ups.
    sums = np.concatenate((np.zeros((len(feet_m), 1, 3)), np.cumsum(np.nan_to_num(feet_m), axis=1)), axis=1)
    places = [(sums[foot, stop] - sums[foot, start]) / (stop - start) for foot, start, stop in runs]
    return np.array(places).reshape(-1, 3), np.array([rest_m[foot] for foot, _, _ in runs])


def _solve_tilt(
    priors: list[tuple[float, float]],
    upright: Float[np.ndarray, "3"] | None,
    places: Float[np.ndarray, "contacts 3"],
    rests: Float[np.ndarray, " contacts"],
) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3 3"], int]:
    """``((pitch, roll, camera height), covariance, contacts that fit)`` by iterated linear least squares."""
    pitch, roll = priors[0][0], priors[1][0]
    if upright is not None and min(priors[0][1], priors[1][1]) > 1e-3:
        pitch, roll = float(np.arcsin(-upright[2])), float(np.arctan2(-upright[0], -upright[1]))
    height = float(np.median(-(places @ up_of_tilt(pitch, roll)))) if len(places) else 0.0
    ray = places / np.maximum(np.linalg.norm(places, axis=-1, keepdims=True), 1e-9)
    distance = np.linalg.norm(places, axis=-1)
    weights = np.ones(len(places))
    for _ in range(12):
        up = up_of_tilt(pitch, roll)
        by_pitch = np.array([np.sin(roll) * np.sin(pitch), np.cos(roll) * np.sin(pitch), -np.cos(pitch)])
        by_roll = np.array([-np.cos(roll) * np.cos(pitch), np.sin(roll) * np.cos(pitch), 0.0])
        # 3 cm of pose error; 3 % of the distance along the ray; contacts of one step share their errors (sqrt 4).
        sigma = 2.0 * np.sqrt(0.03**2 + (0.03 * distance * (ray @ up)) ** 2)
        floor = (places @ up + height - rests) / sigma
        weights = 1 / (1 + (floor / 1.5) ** 2)
        root = np.sqrt(weights)
        rows = [
            np.column_stack((places @ by_pitch, places @ by_roll, np.ones(len(places)))) * (root / sigma)[:, None],
            np.array([[1 / priors[0][1], 0, 0], [0, 1 / priors[1][1], 0], [0, 0, 1e-3]]),
        ]
        residuals = [
            floor * root,
            np.array([(pitch - priors[0][0]) / priors[0][1], (roll - priors[1][0]) / priors[1][1], 0.0]),
        ]
        if upright is not None:
            rows.append(np.column_stack((by_pitch, by_roll, np.zeros(3))) / BODY_SIGMA_RAD)
            residuals.append((up - upright) / BODY_SIGMA_RAD)
        jacobian, residual = np.concatenate(rows), np.concatenate(residuals)
        normal = jacobian.T @ jacobian
        step = np.linalg.solve(normal, jacobian.T @ residual)
        pitch, roll, height = pitch - step[0], roll - step[1], height - step[2]
        if np.abs(step).max() < 1e-7:
            break
    return np.array([pitch, roll, height]), np.linalg.inv(normal), int((weights > 0.5).sum())

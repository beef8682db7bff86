"""Legs that reach for given ankles: hips that come near enough, and knees that bend as they did."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from maquette.geometry.rotations import quat_about, quat_between, quat_multiply, quat_rotate
from maquette.refine.motion_hips import MovedLeg, hips_that_keep_knees

Vectors = Float[np.ndarray, "frames 3"]
Quats = Float[np.ndarray, "frames 4"]

_STRAIGHT = 0.97
"""Of a leg's length: legs are pulled straighter than this (28 degrees of bend) with growing reluctance."""
_ROOM = 0.6
"""Of what is left to the whole length, how much of it they ever use."""
_HINGE_SHARE = 0.1
"""Weight of the usual hinge beside that of a knee, as the sine of a bend (6 degrees)."""
_ROUNDS = 20


@dataclass(frozen=True)
class Leg:
    """Places of one leg in all frames, in the world, and what its knee turns about."""

    hip: Vectors
    knee: Vectors
    ankle: Vectors
    hinge: Vectors
    """Unit, square to the thigh: the shin bends backwards about it by the right hand."""


def leg_hinge(thigh: Vectors, shin: Vectors, thigh_turn: Quats, rest_hinge: Float[np.ndarray, "3"]) -> Vectors:
    """Axis of the knee in the world.

    Args:
        thigh, shin: from hip to knee and from knee to ankle.
        thigh_turn: world orientation of the thigh's joint.
        rest_hinge: axis of the hinge in the axes of that joint that its rest pose suggests.
    """
    down, bend = _unit(thigh), np.cross(_unit(thigh), _unit(shin))
    back = thigh_turn * np.array([1.0, -1.0, -1.0, -1.0])
    usual = quat_rotate(back, bend).sum(axis=0) + _HINGE_SHARE * rest_hinge
    size = float(np.linalg.norm(usual))
    usual = usual / size if size > 1e-9 else rest_hinge
    hinge = quat_rotate(thigh_turn, usual)
    hinge = _unit(hinge - _dot(hinge, down) * down)
    # A knee that was bent the wrong way is straight; so the sum never vanishes.
    bend = bend - np.minimum(_dot(bend, hinge), 0.0) * hinge
    return _unit(bend + _HINGE_SHARE * hinge)


def longest_m(leg: Leg, target: Vectors) -> Float[np.ndarray, " frames"]:
    """How far from its target a hip should be: no matter up to a straightness, then ever less than it is.

    That straightness is :data:`_STRAIGHT` of the leg's length, or what the leg had before. Beyond, distances approach a
    bound exponentially, so that a knee straightens smoothly and never wholly.
    """
    whole = np.linalg.norm(leg.knee - leg.hip, axis=-1) + np.linalg.norm(leg.ankle - leg.knee, axis=-1)
    before = np.maximum(_STRAIGHT * whole, np.linalg.norm(leg.ankle - leg.hip, axis=-1))
    room = np.maximum(_ROOM * (whole - before), 1e-9)
    beyond = np.maximum(np.linalg.norm(target - leg.hip, axis=-1) - before, 0.0)
    return np.where(beyond > 0, before - room * np.expm1(-beyond / room), before)


def hips_shift(legs: list[Leg], targets: list[Vectors], fps: float, ease_s: float | int) -> Vectors:
    """How to move the hips so that each leg reaches its target.

    First so that knees stay bent as they were (:func:`maquette.refine.motion_hips.hips_that_keep_knees`). Then, for
    legs that do not reach yet, downwards, as far as the worst frame within ``ease_s`` asks, smoothly; sideways only the
    part that the shortest way to all targets has (a person in a wide stride, whom lowering alone would not help).
    """
    frames = len(legs[0].hip)
    kept = hips_that_keep_knees([_moved(leg, target) for leg, target in zip(legs, targets, strict=True)], fps)
    targets = [target - kept for target in targets]
    longest = [longest_m(leg, target) for leg, target in zip(legs, targets, strict=True)]
    shortest = np.zeros((frames, 3))
    for _ in range(_ROUNDS):
        for leg, target, most in zip(legs, targets, longest, strict=True):
            away = leg.hip + shortest - target
            shortest -= np.maximum(np.linalg.norm(away, axis=-1) - most, 0.0)[:, None] * _unit(away)
    if not shortest.any():
        return kept
    half = max(round(float(ease_s) * fps), 1)
    shift = np.stack((_smoothed(shortest[:, 0], half), np.zeros(frames), _smoothed(shortest[:, 2], half)), axis=1)
    drop = np.zeros(frames)
    for leg, target, most in zip(legs, targets, longest, strict=True):
        away = leg.hip + shift - target
        level = np.hypot(away[:, 0], away[:, 2])
        drop = np.maximum(drop, away[:, 1] - np.sqrt(np.maximum(most**2 - level**2, 0.0)))
    # Where no lowering reaches, no more of it than the shortest way has.
    drop = np.minimum(drop, 2.0 * np.linalg.norm(shortest, axis=-1))
    shift[:, 1] = -_above(drop, half)
    return kept + shift


def _moved(leg: Leg, target: Vectors) -> MovedLeg:
    length = np.linalg.norm(leg.knee - leg.hip, axis=-1) + np.linalg.norm(leg.ankle - leg.knee, axis=-1)
    return MovedLeg(leg.hip, leg.ankle, target, length)


def _above(values: Float[np.ndarray, " frames"], half: int) -> Float[np.ndarray, " frames"]:
    """A smooth curve that is nowhere below the values: their largest within ``half`` frames, averaged as widely."""
    from scipy.ndimage import maximum_filter1d

    return _smoothed(maximum_filter1d(values, 2 * half + 1, mode="nearest"), half)


def _smoothed(values: Float[np.ndarray, " frames"], half: int) -> Float[np.ndarray, " frames"]:
    """Weighted average over ``half`` frames to both sides (a raised cosine)."""
    weights = 1.0 + np.cos(np.pi * np.arange(-half, half + 1) / (half + 1))
    return np.convolve(np.pad(values, half, mode="edge"), weights / weights.sum(), mode="valid")


def bent_to(leg: Leg, target: Vectors) -> tuple[Quats, Quats]:
    """World rotations to put on thigh and shin so that the ankle comes to its target, or as near as the leg reaches.

    First the knee turns about its hinge until the ankle is as far from the hip as it shall be, then the leg swings on
    the shortest way.
    """
    thigh, shin = leg.knee - leg.hip, leg.ankle - leg.knee
    a, b = np.linalg.norm(thigh, axis=-1), np.linalg.norm(shin, axis=-1)
    down, low = _unit(thigh), _unit(shin)
    reach = target - leg.hip
    far = np.clip(np.linalg.norm(reach, axis=-1), np.abs(a - b) + 1e-4, (1.0 - 1e-9) * (a + b))
    # With the hinge square to the thigh, the cosine between thigh and turned shin is size * cos(turn + now).
    cosine, sine = _dot(down, low)[:, 0], _dot(leg.hinge, np.cross(down, low))[:, 0]
    size, now = np.hypot(cosine, sine), np.arctan2(sine, cosine)
    wanted = (far**2 - a**2 - b**2) / np.maximum(2 * a * b * size, 1e-12)
    turn = quat_about(leg.hinge, np.arccos(np.clip(wanted, -1.0, 1.0)) - now)
    swing = quat_between(thigh + quat_rotate(turn, shin), reach, axis=leg.hinge)
    return swing, quat_multiply(swing, turn)


def _unit(vectors: Vectors) -> Vectors:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _dot(a: Vectors, b: Vectors) -> Float[np.ndarray, "frames 1"]:
    return np.sum(a * b, axis=-1, keepdims=True)

"""Legs that reach for given ankles: hips that come near enough, and knees that bend as they did."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from maquette.geometry.rotations import quat_about, quat_between, quat_multiply, quat_rotate
from maquette.rig.held_curve import held_curve

Vectors = Float[np.ndarray, "frames 3"]
Quats = Float[np.ndarray, "frames 4"]

_STRAIGHTEST = 0.99
"""Of a leg's length: no leg is pulled straighter than this (16 degrees of bend), unless it was; knees do not snap."""
_HINGE_SHARE = 0.1
"""Weight of the usual hinge beside that of a knee, as the sine of a bend (6 degrees)."""
_ROUNDS = 40


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


def longest_m(leg: Leg) -> Float[np.ndarray, " frames"]:
    """How far an ankle may be from its hip."""
    whole = np.linalg.norm(leg.knee - leg.hip, axis=-1) + np.linalg.norm(leg.ankle - leg.knee, axis=-1)
    return np.maximum(_STRAIGHTEST * whole, np.linalg.norm(leg.ankle - leg.hip, axis=-1))


def hips_shift(
    legs: list[Leg],
    targets: list[Vectors],
    standing: list[Bool[np.ndarray, " frames"]],
    fps: float,
    release_s: float | int,
) -> Vectors:
    """How to move the hips so that each standing leg reaches its target: no further than needed, and smoothly."""
    frames = len(legs[0].hip)
    held, values, curve = np.zeros(frames, dtype=bool), np.zeros((frames, 3)), np.zeros((frames, 3))
    reach = [longest_m(leg) for leg in legs]
    for _ in range(_ROUNDS):
        far = np.zeros(frames, dtype=bool)
        for leg, target, stands, longest in zip(legs, targets, standing, reach, strict=True):
            far |= stands & (np.linalg.norm(leg.hip + curve - target, axis=-1) > longest + 1e-6)
        if not (far & ~held).any():
            break
        far &= ~held
        nearer = curve[far]
        for _ in range(_ROUNDS):
            for leg, target, stands, longest in zip(legs, targets, standing, reach, strict=True):
                away = leg.hip[far] + nearer - target[far]
                over = np.maximum(np.linalg.norm(away, axis=-1) - longest[far], 0.0) * stands[far]
                nearer = nearer - over[:, None] * _unit(away)
        values[far] = nearer
        held |= far
        curve = held_curve(values, held, fps, release_s)
    return curve


def bent_to(leg: Leg, target: Vectors) -> tuple[Quats, Quats]:
    """World rotations to put on thigh and shin so that the ankle comes to its target, or as near as the leg reaches.

    First the knee turns about its hinge until the ankle is as far from the hip as it shall be, then the leg swings on
    the shortest way.
    """
    thigh, shin = leg.knee - leg.hip, leg.ankle - leg.knee
    a, b = np.linalg.norm(thigh, axis=-1), np.linalg.norm(shin, axis=-1)
    down, low = _unit(thigh), _unit(shin)
    reach = target - leg.hip
    far = np.clip(np.linalg.norm(reach, axis=-1), np.abs(a - b) + 1e-4, np.maximum(longest_m(leg), 1e-3))
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

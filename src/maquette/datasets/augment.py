"""New poses from recorded ones: limbs exchanged between recordings, joints turned within limits, bodies tilted.

Arrays are ``(segments, frames, 25, 3)`` bone vectors (:mod:`maquette.datasets.mocap`); a group of rows turned together
is a limb turned at its joint. Donors are other segments of the same batch.
"""

import numpy as np
from jaxtyping import Float, Int

from maquette.datasets.bodies import Frames, Vectors, chest_frame, pelvis_frame
from maquette.datasets.mocap import HEAD_FORWARD, HEAD_UP, NODES

Rows = list[int]
Chosen = Int[np.ndarray, " chosen"]


def _rows(*names: str) -> Rows:
    return [NODES.index(name) for name in names]


_HEAD_ROWS = [*_rows("nose", "head"), HEAD_FORWARD, HEAD_UP]
_ARM = {s: _rows(f"{s}_elbow", f"{s}_wrist") for s in "lr"}
_FOREARM = {s: _rows(f"{s}_wrist") for s in "lr"}
_FOOT = {s: _rows(f"{s}_heel", f"{s}_toe", f"{s}_toe_tip") for s in "lr"}
_SHIN = {s: _rows(f"{s}_ankle") + _FOOT[s] for s in "lr"}
_LEG = {s: _rows(f"{s}_knee") + _SHIN[s] for s in "lr"}
_SHOULDERS = _rows("l_shoulder", "r_shoulder")
_CHEST = [*_rows("thorax"), *_SHOULDERS, *_ARM["l"], *_ARM["r"], *_HEAD_ROWS]
_UPPER = [*_rows("spine"), *_CHEST]
_OTHER = {"l": "r", "r": "l"}

_ELBOW_LIMITS = np.radians([3, 150])
_KNEE_LIMITS = np.radians([1, 145])


def vary_poses(rng: np.random.Generator, vectors: Vectors, *, strength: float = 1.0) -> Vectors:
    """All variations in turn, each on its share of the segments; ``strength`` scales shares and angles (0: none)."""
    if strength <= 0:
        return vectors
    out = vectors.copy()
    _exchange_upper_bodies(out, _pick(rng, out, 0.30 * strength))
    for side in "lr":
        _exchange_limb(rng, out, _pick(rng, out, 0.18 * strength), side, _ARM, chest_frame)
        _exchange_limb(rng, out, _pick(rng, out, 0.12 * strength), side, _LEG, pelvis_frame)
    _turn_joints(rng, out, strength)
    for side in "lr":
        _bend(rng, out, _pick(rng, out, 0.35 * strength), side, "elbow", 28 * strength)
        _bend(rng, out, _pick(rng, out, 0.30 * strength), side, "knee", 20 * strength)
        _twist(rng, out, _pick(rng, out, 0.30 * strength), _rows(f"{side}_elbow")[0], _FOREARM[side], 28 * strength)
        _twist(rng, out, _pick(rng, out, 0.20 * strength), _rows(f"{side}_knee")[0], _SHIN[side], 10 * strength)
    _tilt(rng, out, strength)
    return out


def _rows_of(vectors: Vectors, chosen: Chosen, rows: Rows) -> tuple[np.ndarray, ...]:
    """Index of these rows in all frames of the chosen segments."""
    return np.ix_(chosen, np.arange(vectors.shape[1]), np.array(rows))


def _pick(rng: np.random.Generator, vectors: Vectors, share: float) -> Chosen:
    return np.flatnonzero(rng.random(len(vectors)) < share)


def _exchange_upper_bodies(vectors: Vectors, chosen: Chosen) -> None:
    """The upper body of the next segment, turned about the vertical so that the hips of both face one way."""
    donors = (chosen + 1) % len(vectors)
    angle = _heading(vectors[chosen]) - _heading(vectors[donors])
    vectors[_rows_of(vectors, chosen, _UPPER)] = _turn_about_vertical(vectors[donors][:, :, _UPPER], angle)


def _exchange_limb(
    rng: np.random.Generator, vectors: Vectors, chosen: Chosen, side: str, limbs: dict[str, Rows], frame
) -> None:
    """A limb of another segment, as it stood to its own trunk; half of them from the other side, mirrored."""
    if not len(chosen):
        return
    donors = (chosen + rng.integers(1, max(2, len(vectors)))) % len(vectors)
    mirrored = (rng.random(len(chosen)) < 0.5)[:, None, None, None]
    donor = vectors[donors]
    local = np.swapaxes(frame(donor), -1, -2)
    own = _apply(local, donor[:, :, limbs[side]])
    other = _apply(local, donor[:, :, limbs[_OTHER[side]]]) * np.array([-1, 1, 1], dtype=np.float32)
    limb = _apply(frame(vectors[chosen]), np.where(mirrored, other, own))
    vectors[_rows_of(vectors, chosen, limbs[side])] = limb


def _turn_joints(rng: np.random.Generator, vectors: Vectors, strength: float) -> None:
    """A rotation about a random axis of the body at some joints, constant or slowly varying."""
    groups: list[tuple[Rows, float, float]] = [(_UPPER, 0.35, 13), (_CHEST, 0.25, 10), (_HEAD_ROWS, 0.45, 17)]
    for side in "lr":
        groups += [(_ARM[side], 0.40, 22), (_LEG[side], 0.35, 15), (_FOOT[side], 0.30, 13)]
    pelvis = pelvis_frame(vectors)
    for rows, share, sd_deg in groups:
        chosen = _pick(rng, vectors, share * strength)
        if len(chosen):
            axis = _random_directions(rng, len(chosen))
            angle = _angle_over_time(rng, len(chosen), vectors.shape[1], sd_deg * strength)
            turned = _rodrigues(vectors[chosen][:, :, rows], (pelvis[chosen] @ axis[:, None, :, None])[..., 0], angle)
            vectors[_rows_of(vectors, chosen, rows)] = turned


def _bend(rng: np.random.Generator, vectors: Vectors, chosen: Chosen, side: str, joint: str, sd_deg: float) -> None:
    """A change of flexion at a hinge, within its limits; nearly straight elbows, whose axis is uncertain, are left."""
    if not len(chosen):
        return
    upper_row = _rows(f"{side}_{joint}")[0]
    rows, limits = (_FOREARM[side], _ELBOW_LIMITS) if joint == "elbow" else (_SHIN[side], _KNEE_LIMITS)
    upper, lower = _unit(vectors[chosen][:, :, upper_row]), _unit(vectors[chosen][:, :, rows[0]])
    normal = np.cross(upper, lower)
    if joint == "knee":
        normal = normal + np.float32(0.15) * pelvis_frame(vectors[chosen])[..., 0]
    flexion = np.arccos(np.clip((upper * lower).sum(-1), -1, 1))
    change = _angle_over_time(rng, len(chosen), vectors.shape[1], sd_deg)
    change = np.clip(flexion + change, *limits) - np.clip(flexion, *limits)
    if joint == "elbow":
        change *= np.clip((flexion - 0.10) / 0.15, 0, 1)
    turned = _rodrigues(vectors[chosen][:, :, rows], _unit(normal), change.astype(np.float32))
    vectors[_rows_of(vectors, chosen, rows)] = turned


def _twist(
    rng: np.random.Generator, vectors: Vectors, chosen: Chosen, axis_row: int, rows: Rows, sd_deg: float
) -> None:
    """What hangs below a bone, turned about that bone."""
    if not len(chosen):
        return
    angle = _angle_over_time(rng, len(chosen), vectors.shape[1], sd_deg)
    turned = _rodrigues(vectors[chosen][:, :, rows], _unit(vectors[chosen][:, :, axis_row]), angle)
    vectors[_rows_of(vectors, chosen, rows)] = turned


def _tilt(rng: np.random.Generator, vectors: Vectors, strength: float) -> None:
    """The whole body leaned about a level axis: half of them a little, a few up to lying."""
    n = len(vectors)
    azimuth = rng.random(n) * 2 * np.pi
    axis = np.stack([np.cos(azimuth), np.zeros(n), np.sin(azimuth)], axis=-1).astype(np.float32)
    lean = rng.standard_normal(n) * np.radians(9) * (rng.random(n) < 0.5)
    lying = rng.random(n) < 0.05
    angle = strength * np.where(lying, rng.random(n) * np.radians(100), lean)
    shape = vectors.shape[:2]
    rows = list(range(1, vectors.shape[2]))
    vectors[:, :, rows] = _rodrigues(
        vectors[:, :, rows],
        np.broadcast_to(axis[:, None], (*shape, 3)),
        np.broadcast_to(angle[:, None].astype(np.float32), shape),
    )


def _angle_over_time(
    rng: np.random.Generator, n: int, frames: int, sd_deg: float
) -> Float[np.ndarray, "chosen frames"]:
    """Angles in radians, at most 2.2 ``sd_deg``: constant, and swinging slowly (0.2-1 Hz at 25 frames/s) in a third."""
    peak = np.radians(sd_deg) * np.clip(rng.standard_normal((n, 1)), -2.2, 2.2)
    swing = (rng.random((n, 1)) < 0.33) * rng.random((n, 1))
    phase = 2 * np.pi * (rng.random((n, 1)) + (0.2 + 0.8 * rng.random((n, 1))) * np.arange(frames) / 25)
    return (peak * ((1 - swing) + swing * np.sin(phase))).astype(np.float32)


def _rodrigues(
    vectors: Float[np.ndarray, "chosen frames rows 3"],
    axis: Float[np.ndarray, "chosen frames 3"],
    angle: Float[np.ndarray, "chosen frames"],
) -> Float[np.ndarray, "chosen frames rows 3"]:
    """Each row turned by ``angle`` about the unit ``axis``."""
    c, s = np.cos(angle), np.sin(angle)
    x, y, z = axis[..., 0], axis[..., 1], axis[..., 2]
    t = 1 - c
    R = np.empty((*angle.shape, 3, 3), dtype=np.float32)
    R[..., 0, 0], R[..., 0, 1], R[..., 0, 2] = t * x * x + c, t * x * y - s * z, t * x * z + s * y
    R[..., 1, 0], R[..., 1, 1], R[..., 1, 2] = t * x * y + s * z, t * y * y + c, t * y * z - s * x
    R[..., 2, 0], R[..., 2, 1], R[..., 2, 2] = t * x * z - s * y, t * y * z + s * x, t * z * z + c
    return _apply(R, vectors)


def _apply(
    frames: Frames, vectors: Float[np.ndarray, "chosen frames rows 3"]
) -> Float[np.ndarray, "chosen frames rows 3"]:
    return vectors @ np.swapaxes(frames, -1, -2)


def _heading(vectors: Vectors) -> Float[np.ndarray, "chosen frames"]:
    """Direction of the hip line about the vertical, radians."""
    left, right = _rows("l_hip", "r_hip")
    across = vectors[:, :, left] - vectors[:, :, right]
    return np.arctan2(across[..., 2], across[..., 0])


def _turn_about_vertical(
    vectors: Float[np.ndarray, "chosen frames rows 3"], angle: Float[np.ndarray, "chosen frames"]
) -> Float[np.ndarray, "chosen frames rows 3"]:
    """Turned so that directions at heading h point to h + ``angle`` (from x towards z)."""
    c, s = np.cos(angle)[..., None], np.sin(angle)[..., None]
    x, z = vectors[..., 0], vectors[..., 2]
    return np.stack([c * x - s * z, vectors[..., 1], s * x + c * z], axis=-1)


def _random_directions(rng: np.random.Generator, n: int) -> Float[np.ndarray, "chosen 3"]:
    return _unit(rng.standard_normal((n, 3), dtype=np.float32))


def _unit(v: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    return v / np.maximum(np.sqrt(np.square(v).sum(-1, keepdims=True)), 1e-8)

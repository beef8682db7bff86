"""Bodies: absolute bone lengths drawn from a human prior, and frames fixed to parts of the body.

Arrays are ``(segments, frames, 25, 3)`` bone vectors as in :mod:`maquette.datasets.mocap`.
"""

import numpy as np
from jaxtyping import Float

from maquette.datasets.mocap import HEAD_FORWARD, HEAD_UP, NODES
from maquette.skeletons import LIFTED_21

Vectors = Float[np.ndarray, "segments frames 25 3"]
Frames = Float[np.ndarray, "segments frames 3 3"]

HEIGHT_M, HEIGHT_SD = 1.70, 0.055
"""Mean stature, and its relative spread over adults of both sexes (about 9 cm)."""

_LENGTHS_M: dict[str, tuple[float, float]] = {
    "hip": (0.088, 0.16),
    "knee": (0.420, 0.055),
    "ankle": (0.418, 0.055),
    "spine": (0.268, 0.10),
    "thorax": (0.283, 0.09),
    "nose": (0.124, 0.07),
    "head": (0.124, 0.07),
    "shoulder": (0.195, 0.15),
    "elbow": (0.282, 0.06),
    "wrist": (0.245, 0.06),
    "heel": (0.064, 0.10),
    "toe": (0.130, 0.10),
    "toe_tip": (0.065, 0.12),
}
"""Bone that ends at the joint -> (mean length of an adult of 1.70 m, relative spread between bodies of one height).

From the proportions of anthropometric tables and of the rigs in use; hips and thorax-shoulder vary most, because rigs
place those joints differently."""

_KINDS = tuple(_LENGTHS_M)
_KIND_OF_VECTOR = np.array(
    [0] + [_KINDS.index(name.removeprefix("l_").removeprefix("r_")) for name in NODES[1:]] + [0, 0]
)
_MEAN = np.array([mean for mean, _ in _LENGTHS_M.values()], dtype=np.float32)
_SPREAD = np.array([spread for _, spread in _LENGTHS_M.values()], dtype=np.float32)

_L_HIP, _R_HIP, _SPINE, _THORAX, _L_SHOULDER, _R_SHOULDER, _NOSE, _HEAD = LIFTED_21.indices(
    ["l_hip", "r_hip", "spine", "thorax", "l_shoulder", "r_shoulder", "nose", "head"]
)


def orthonormal(
    left: Float[np.ndarray, "*batch 3"], up: Float[np.ndarray, "*batch 3"]
) -> Float[np.ndarray, "*batch 3 3"]:
    """Frames with columns left, up, forward: ``up`` is kept, ``left`` made orthogonal to it."""
    up = _unit(up)
    left = _unit(left - (left * up).sum(-1, keepdims=True) * up)
    return np.stack([left, up, np.cross(left, up)], axis=-1)


def pelvis_frame(vectors: Vectors) -> Frames:
    """Columns: to the left hip (exact), up the spine, forward."""
    left = _unit(vectors[..., _L_HIP, :] - vectors[..., _R_HIP, :])
    spine = vectors[..., _SPINE, :]
    up = _unit(spine - (spine * left).sum(-1, keepdims=True) * left)
    return np.stack([left, up, np.cross(left, up)], axis=-1)


def chest_frame(vectors: Vectors) -> Frames:
    """Columns: to the left shoulder, from spine to thorax, forward."""
    return orthonormal(vectors[..., _L_SHOULDER, :] - vectors[..., _R_SHOULDER, :], vectors[..., _THORAX, :])


def head_frame(vectors: Vectors) -> Frames:
    """Columns: left of the head, up, forward."""
    up, forward = vectors[..., HEAD_UP, :], vectors[..., HEAD_FORWARD, :]
    return orthonormal(np.cross(up, forward), up)


def draw_lengths(
    rng: np.random.Generator, vectors: Vectors, *, keep_probability: float
) -> Float[np.ndarray, "segments 25"]:
    """Bone lengths in metres for each segment, equal left and right.

    With ``keep_probability`` a segment keeps the lengths of its recording, up to the height of the person.
    The rows that are no bones get 1.
    """
    n = len(vectors)
    own = np.sqrt(np.square(vectors).sum(-1)).mean(axis=1)
    height = 1 + HEIGHT_SD * np.clip(rng.standard_normal((n, 1), dtype=np.float32), -2.7, 2.7)
    spread = np.clip(rng.standard_normal((n, len(_KINDS)), dtype=np.float32), -2.3, 2.3) * _SPREAD
    # Legs and arms of one body are long or short together.
    legs = np.float32(0.03) * rng.standard_normal((n, 1), dtype=np.float32)
    spread[:, _kinds("knee", "ankle")] += legs
    spread[:, _kinds("elbow", "wrist")] += np.float32(0.7) * legs
    drawn = (_MEAN * (1 + spread) * height)[:, _KIND_OF_VECTOR]
    keep = rng.random((n, 1)) < keep_probability
    lengths = np.where(keep, own * (1 + np.float32(0.5) * (height - 1)), drawn)
    lengths[:, [0, HEAD_FORWARD, HEAD_UP]] = 1
    return lengths.astype(np.float32)


def set_lengths(vectors: Vectors, lengths_m: Float[np.ndarray, "segments 25"]) -> Vectors:
    """The motion on bones of these mean lengths; the root's path is scaled with the legs.

    Bones whose length varies in the recording (averages of joints) keep that variation in proportion.
    """
    own = np.sqrt(np.square(vectors).sum(-1)).mean(axis=1)
    factor = lengths_m / np.maximum(own, 1e-6)
    factor[:, [HEAD_FORWARD, HEAD_UP]] = 1
    legs = LIFTED_21.indices(["l_knee", "l_ankle", "r_knee", "r_ankle"])
    factor[:, 0] = lengths_m[:, legs].sum(1) / np.maximum(own[:, legs].sum(1), 1e-6)
    return vectors * factor[:, None, :, None]


def shift_rig(rng: np.random.Generator, vectors: Vectors, *, probability: float, sd_m: float) -> Vectors:
    """Joints of the trunk placed as another rig would place them: spine, thorax, shoulders, nose and head top.

    A constant offset in the frame of the chest (left-right symmetric); limbs follow their shoulders.
    """
    n = len(vectors)
    chest = chest_frame(vectors)
    scale = np.float32(sd_m) * (rng.random((n, 1)) < probability)
    out = vectors.copy()

    def offset(up: float, forward: float) -> Float[np.ndarray, "segments frames 3"]:
        amounts = rng.standard_normal((n, 2), dtype=np.float32) * scale * np.array([up, forward], dtype=np.float32)
        return chest[..., 1] * amounts[:, None, :1] + chest[..., 2] * amounts[:, None, 1:]

    spine, thorax, nose, head, shoulders = (offset(*weights) for weights in _RIG_OFFSETS)
    out[:, :, _SPINE] += spine
    out[:, :, _THORAX] += thorax - spine
    out[:, :, _NOSE] += nose - thorax
    out[:, :, _HEAD] += head - nose
    for shoulder in (_L_SHOULDER, _R_SHOULDER):
        out[:, :, shoulder] += shoulders - thorax
    return out


_RIG_OFFSETS = ((0.3, 1.0), (1.0, 1.0), (0.5, 1.0), (0.5, 1.0), (1.2, 1.0))
"""Spread up and forward, in units of ``sd_m``: spine, thorax, nose, head, shoulders."""


def _kinds(*names: str) -> list[int]:
    return [_KINDS.index(name) for name in names]


def _unit(v: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    return v / np.maximum(np.sqrt(np.square(v).sum(-1, keepdims=True)), 1e-8)

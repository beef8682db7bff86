"""Which labelling of left and right looks like a person: evidence from single frames, where continuity says nothing.

A small network gives each frame a plausibility; the difference between two labellings of one frame is the logarithm of
their odds. It has seen recorded people through many cameras (``benchmarks/release_sides.py``), and knows what tells
left from right: bones that would be too long, a trunk that faces one way above and another below, knees and feet that
point forward, the nearer foot that stands lower in the picture, a face that only shows in front, people who walk
forward and grow as they come nearer.

Exchanging *all* of a body's labels gives the picture of another possible person, seen from behind instead of from in
front: seen from far away the two cannot be told apart. That evidence is therefore weak, and is weighed as such.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from maquette.formats.npz import read_array
from maquette.keypoints import Keypoints
from maquette.mapping import LANDMARKS_27_V1, JointMap
from maquette.refine.keypoints_scale import body_height_px
from maquette.runtime.shipped import SIDES, WEIGHTS
from maquette.skeletons import LANDMARKS_27

PAIRS = ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle", "heel", "toe")
"""Landmarks that the network looks at, on both sides; and the tip of the nose."""
LOOKED_AT = np.array(LANDMARKS_27.indices([f"{side}_{pair}" for pair in PAIRS for side in "lr"] + ["face_nose"]))
CHANNELS = 3 * len(LOOKED_AT) + 3

TRUNK = [2 * PAIRS.index(pair) + side for pair in ("shoulder", "hip") for side in (0, 1)]
_WEAK = 0.4
"""A point less sure than this share of the frame's middle confidence is a guess about what is hidden."""
_VELOCITY_S, _GROWTH_S = 0.2, 0.5
_FASTEST_HEIGHTS_S, _FASTEST_GROWTH_PER_S = 2.0, 1.0
_FASTEST = np.array([_FASTEST_HEIGHTS_S, _FASTEST_HEIGHTS_S, _FASTEST_GROWTH_PER_S])


class Layer(NamedTuple):
    """``y = x @ weight + bias``."""

    weight: Float[np.ndarray, "inputs outputs"]
    bias: Float[np.ndarray, " outputs"]


class Evidence(NamedTuple):
    """What the network sees of each frame."""

    points: Float[np.ndarray, "frames 21 2"]
    """From the middle of the trunk, in body heights; 0 where missing."""
    seen: Float[np.ndarray, "frames 21"]
    motion: Float[np.ndarray, "frames 3"]
    """Velocity of the trunk (body heights per second) and growth of the person (logarithm, per second)."""

    def channels(self) -> Float[np.ndarray, "frames channels"]:
        """All of it, as the network reads it."""
        n = len(self.points)
        return np.concatenate([self.points.reshape(n, -1), self.seen, self.motion], axis=1).astype(np.float32)


def exchanged_channels(pairs: tuple[str, ...]) -> np.ndarray:
    """Order of the channels when left and right of ``pairs`` are exchanged."""
    landmark = np.arange(len(LOOKED_AT))
    for pair in pairs:
        left = 2 * PAIRS.index(pair)
        landmark[[left, left + 1]] = left + 1, left
    n = len(landmark)
    return np.concatenate(
        [np.stack([2 * landmark, 2 * landmark + 1], axis=1).ravel(), 2 * n + landmark, 3 * n + np.arange(3)]
    )


def evidence_of(keypoints: Keypoints, height_px: Float[np.ndarray, " frames"] | None = None) -> Evidence | None:
    """What there is to see; None for skeletons without a map to our landmarks.

    Args:
        height_px: :func:`~maquette.refine.keypoints_scale.body_height_px` of the keypoints, where it is known already.
    """
    joint_map = LANDMARKS_27_V1.get(keypoints.skeleton.name)
    if joint_map is None or keypoints.n_frames < 3:
        return None
    height_px = body_height_px(keypoints) if height_px is None else height_px
    looked_at = look(joint_map, keypoints.points, keypoints.confidence, height_px)
    motion = _motion(keypoints, looked_at.points, looked_at.seen, height_px)
    return Evidence(looked_at.placed, looked_at.seen.astype(np.float64), motion)


class LookedAt(NamedTuple):
    """The landmarks that the network looks at, in single frames."""

    points: Float[np.ndarray, "frames 21 2"]
    """Pixels."""
    placed: Float[np.ndarray, "frames 21 2"]
    """From the middle of the trunk, in body heights; 0 where missing."""
    seen: Bool[np.ndarray, "frames 21"]


def look(
    joint_map: JointMap,
    points: Float[np.ndarray, "frames joints 2"],
    confidence: Float[np.ndarray, "frames joints"],
    height_px: Float[np.ndarray, " frames"],
) -> LookedAt:
    """What there is to see in frames of one person, or of several in one frame."""
    points, confidence = joint_map.apply_arrays(points, confidence)
    points, confidence = points[:, LOOKED_AT], confidence[:, LOOKED_AT]
    seen = confidence > _WEAK * _middle(confidence)[:, None]
    centre = _centre(points, seen)
    placed = np.where(seen[..., None], (points - centre[:, None]) / height_px[:, None, None], 0.0)
    return LookedAt(points, np.minimum(np.maximum(placed, -1.5), 1.5), seen)


def _middle(confidence: Float[np.ndarray, "frames 21"]) -> Float[np.ndarray, " frames"]:
    """Median over what is seen in each frame; 1 where nothing is."""
    known = np.where(confidence > 0, confidence, np.inf)
    ordered = np.sort(known, axis=1)
    count = np.isfinite(known).sum(1)
    frame = np.arange(len(known))
    low, high = ordered[frame, np.maximum(count - 1, 0) // 2], ordered[frame, count // 2]
    return np.where(count > 0, (low + high) / 2.0, 1.0)


def _centre(points: Float[np.ndarray, "frames 21 2"], seen: Bool[np.ndarray, "frames 21"]) -> np.ndarray:
    """Middle of what is seen of the trunk, of everything where that is less than two points; 0 where nothing is."""
    chosen = np.zeros_like(seen)
    chosen[:, TRUNK] = seen[:, TRUNK]
    chosen = np.where(chosen.sum(1, keepdims=True) >= 2, chosen, seen)
    total = np.where(chosen[..., None], points, 0.0).sum(1)
    return total / np.maximum(chosen.sum(1), 1)[:, None]


def _motion(
    keypoints: Keypoints,
    points: Float[np.ndarray, "frames 21 2"],
    seen: Bool[np.ndarray, "frames 21"],
    height_px: Float[np.ndarray, " frames"],
) -> Float[np.ndarray, "frames 3"]:
    n, fps, times_s = keypoints.n_frames, float(keypoints.fps), keypoints.times_s
    frame = np.arange(n)

    def around(reach_s: float) -> tuple[np.ndarray, np.ndarray]:
        reach = max(1, round(reach_s * fps))
        return np.minimum(frame + reach, n - 1), np.maximum(frame - reach, 0)

    late, early = around(_VELOCITY_S)
    both = (seen[late] & seen[early])[:, TRUNK]
    step = np.where(both[..., None], (points[late] - points[early])[:, TRUNK], 0.0).sum(1)
    step /= np.maximum(both.sum(1), 1)[:, None] * (height_px * (times_s[late] - times_s[early]))[:, None]
    late, early = around(_GROWTH_S)
    growth = np.log(height_px[late] / height_px[early]) / (times_s[late] - times_s[early])
    return motion_channels(np.concatenate([step, growth[:, None]], axis=1))


def motion_channels(motion: Float[np.ndarray, "frames 3"]) -> Float[np.ndarray, "frames 3"]:
    """Velocity (body heights per second) and growth (per second) within what the network has seen."""
    return np.minimum(np.maximum(motion, -_FASTEST), _FASTEST)


def plausibility(channels: Float[np.ndarray, "frames channels"]) -> Float[np.ndarray, " frames"]:
    """Logarithm of the plausibility of each frame's labelling, up to a constant of the frame."""
    layers = _layers()
    for layer in layers[:-1]:
        channels = np.maximum(channels @ layer.weight + layer.bias, 0.0)
    return (channels @ layers[-1].weight)[:, 0].astype(np.float64)


@cache
def _layers() -> tuple[Layer, ...]:
    path = WEIGHTS / SIDES["maquette-sides"]
    return tuple(
        Layer(*(read_array(path, f"{name}_{k}", path.name).astype(np.float32) for name in ("weight", "bias")))
        for k in range(3)
    )

"""A person walking past a camera in pixels, by a few sines: known 2D for tests of repair."""

from fractions import Fraction

import numpy as np

from maquette.keypoints import Keypoints
from maquette.skeletons import BODY_25

HEIGHT_PX = 500.0


def walker(n_frames: int = 150, fps: Fraction | int = 30, *, noise_heights: float = 0.004, seed: int = 0) -> Keypoints:
    """Side view of a walk from left to right; legs and arms cross at every step. Noise is in body heights."""
    time_s = np.arange(n_frames) / float(fps)
    joints: dict[str, np.ndarray] = {}
    x, y = 0.4 * time_s, np.full(n_frames, 0.0)
    hip = np.stack((x, y + 0.01 * np.sin(4 * np.pi * time_s)), axis=-1)
    neck = hip + (0.02, -0.30)

    def limb(root: np.ndarray, lengths: tuple[float, float], swing: np.ndarray, bend: np.ndarray) -> list[np.ndarray]:
        middle = root + lengths[0] * np.stack((np.sin(swing), np.cos(swing)), axis=-1)
        low = swing - bend
        return [middle, middle + lengths[1] * np.stack((np.sin(low), np.cos(low)), axis=-1)]

    for side, phase, depth in (("l", 0.0, 0.012), ("r", np.pi, -0.012)):
        turn = 2 * np.pi * time_s + phase
        joints[f"{side}_hip"] = hip + (depth, 0.0)
        knee, ankle = limb(joints[f"{side}_hip"], (0.245, 0.246), 0.45 * np.sin(turn), 0.4 + 0.4 * np.cos(turn))
        joints |= {f"{side}_knee": knee, f"{side}_ankle": ankle}
        joints |= {f"{side}_heel": ankle + (-0.03, 0.03), f"{side}_big_toe": ankle + (0.09, 0.03)}
        joints |= {f"{side}_small_toe": ankle + (0.08, 0.035), f"{side}_shoulder": neck + (-depth, 0.0)}
        elbow, wrist = limb(joints[f"{side}_shoulder"], (0.17, 0.16), -0.35 * np.sin(turn), np.full(n_frames, -0.5))
        joints |= {f"{side}_elbow": elbow, f"{side}_wrist": wrist}
        joints |= {f"{side}_eye": neck + (0.06 + depth, -0.13), f"{side}_ear": neck + (depth, -0.12)}
    joints |= {"nose": neck + (0.08, -0.11), "neck": neck, "mid_hip": hip}
    points = np.stack([joints[name] for name in BODY_25.joints], axis=1) * HEIGHT_PX + (300.0, 500.0)
    points = points + np.random.default_rng(seed).normal(size=points.shape) * noise_heights * HEIGHT_PX
    return Keypoints(points, np.full(points.shape[:2], 0.8), BODY_25, Fraction(fps), image_size=(1920, 1080))


def changed(keypoints: Keypoints, frames: slice, joints: list[str], offset_px: tuple[float, float]) -> Keypoints:
    """A copy with ``joints`` moved in ``frames``."""
    points = keypoints.points.copy()
    points[frames, keypoints.skeleton.indices(joints)] += offset_px
    return keypoints.with_notes(points=points)


def lost(keypoints: Keypoints, frames: slice, joints: list[str]) -> Keypoints:
    """A copy with ``joints`` missing in ``frames``."""
    confidence = keypoints.confidence.copy()
    confidence[frames, keypoints.skeleton.indices(joints)] = 0.0
    return keypoints.with_notes(confidence=confidence)


def swapped(keypoints: Keypoints, frames: slice, parts: tuple[str, ...]) -> Keypoints:
    """A copy with the left and right ``parts`` exchanged in ``frames``."""
    points, confidence = keypoints.points.copy(), keypoints.confidence.copy()
    here = keypoints.skeleton.indices([*(f"l_{p}" for p in parts), *(f"r_{p}" for p in parts)])
    there = keypoints.skeleton.mirror_permutation[here]
    points[frames, here] = keypoints.points[frames, there]
    confidence[frames, here] = keypoints.confidence[frames, there]
    return keypoints.with_notes(points=points, confidence=confidence)

"""Plain numbers of a motion that a report shows, beside those of :mod:`maquette.measure`."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from maquette.motion import Motion


@dataclass(frozen=True)
class Bone:
    """One bone of the middle or of both sides; median length and standard deviation over the frames, in metres."""

    name: str
    length_m: tuple[float, ...]
    """Of the middle, or left and right; NaN when never seen."""
    spread_m: tuple[float, ...]

    @property
    def asymmetry(self) -> float:
        """Left less right as a share of their mean; NaN for bones of the middle."""
        if len(self.length_m) < 2:
            return float("nan")
        left, right = self.length_m
        return (left - right) / max((left + right) / 2, 1e-9)


def bones(motion: Motion) -> list[Bone]:
    """Every bone of the skeleton that was seen, both sides of a mirror pair as one."""
    skeleton = motion.skeleton
    found, done = [], set()
    for _, child in skeleton.bones:
        other = int(skeleton.mirror_permutation[child])
        pair = [child] if other == child else sorted((child, other), key=lambda j: skeleton.joints[j][:2] != "l_")
        if child in done or any(skeleton.parents[joint] < 0 for joint in pair):
            continue
        done.update(pair)
        spans = [_lengths(motion, joint) for joint in pair]
        if any(span.size for span in spans):
            ends = (skeleton.joints[skeleton.parents[pair[0]]], skeleton.joints[pair[0]])
            found.append(
                Bone(
                    " to ".join(_sideless(end) for end in ends),
                    tuple(float(np.median(span)) if span.size else float("nan") for span in spans),
                    tuple(float(span.std()) if span.size else float("nan") for span in spans),
                )
            )
    return found


def _sideless(joint: str) -> str:
    return joint.removeprefix("l_").removeprefix("r_").replace("_", " ")


def _lengths(motion: Motion, joint: int) -> Float[np.ndarray, " known"]:
    spans = np.linalg.norm(motion.positions[:, joint] - motion.positions[:, motion.skeleton.parents[joint]], axis=-1)
    return spans[np.isfinite(spans)]


def speeds_mps(path_m: Float[np.ndarray, "frames 3"], times_s: Float[np.ndarray, " frames"]) -> np.ndarray:
    """Speed along a path by central differences; NaN beside gaps, and everywhere with fewer than two frames."""
    if len(times_s) < 2:
        return np.full(len(times_s), np.nan)
    return np.linalg.norm(np.gradient(path_m, times_s, axis=0), axis=-1)


@dataclass(frozen=True)
class Ground:
    """How the lowest joint stands to the ground (y = 0) of the world, in metres."""

    median_m: float
    below_share: float
    """Share of the frames in which it is more than 1 cm below."""
    lowest_m: float


def ground(motion: Motion) -> Ground | None:
    """Of a motion in the world; None in the camera's frame, or where nothing is known."""
    if motion.frame != "world":
        return None
    heights = motion.positions[..., 1]
    lowest = np.where(np.isfinite(heights), heights, np.inf).min(axis=1)
    lowest = lowest[np.isfinite(lowest)]
    if not lowest.size:
        return None
    return Ground(float(np.median(lowest)), float((lowest < -0.01).mean()), float(lowest.min()))


def unknown_share(motion: Motion) -> float:
    """Share of joints and frames without a position."""
    return float((~np.isfinite(motion.positions).all(axis=-1)).mean())


def way_m(path_m: Float[np.ndarray, "frames 3"]) -> float:
    """Length of a path over its known frames."""
    known = path_m[np.isfinite(path_m).all(axis=-1)]
    return float(np.linalg.norm(np.diff(known, axis=0), axis=-1).sum())

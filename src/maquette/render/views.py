"""Where a motion is looked at from: axes of the views, the point that they follow, and the space that it needs.

Scene coordinates are metres with Y up whatever the motion's frame: the world frame as it is; the camera frame with y
and z turned round, so that +Z points to whoever looks.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from maquette.geometry.lab_axes import turned_upright
from maquette.motion import Motion

_CHUNK = 4096
_ALL = slice(None)
_SMOOTHING_S = 0.4
"""Standard deviation of the Gaussian that smooths the path which the views follow."""
_STAYS_M = 0.45
"""A person who stays within this distance of one spot is seen by a view at rest."""
_OUT_OF_THIS_WORLD_M = 1e6
_OUTLIER = 1.6
"""Extent over its 99.5 percentile beyond which an extreme is taken for a glitch and may leave the panel."""


@dataclass(frozen=True, eq=False)
class View:
    """One direction of sight."""

    title: str
    R_view_scene: Float[np.ndarray, "3 3"]
    """Rows: right, up and towards the viewer, in scene coordinates."""
    distance_m: float | None = None
    """Of the viewer from the point followed; None for parallel projection."""

    def project(self, relative_m: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
        """Right, up (metres at the point followed) and nearness to the viewer of points relative to that point."""
        seen = relative_m @ self.R_view_scene.T
        if self.distance_m is None:
            return seen
        # Nothing comes nearer than a tenth of the distance: what does would be behind the viewer or fill the panel.
        ahead = np.maximum(self.distance_m - seen[..., 2:], 0.1 * self.distance_m)
        return np.concatenate((seen[..., :2] * (self.distance_m / ahead), seen[..., 2:]), axis=-1)


@dataclass(frozen=True)
class Extent:
    """Space in a view: metres to the left and right of the middle, and from bottom to top."""

    half_width_m: float
    bottom_m: float
    top_m: float


def view_axes(azimuth_rad: float, elevation_rad: float = 0.0) -> Float[np.ndarray, "3 3"]:
    """Rows right, up, towards the viewer, who stands in the direction (sin a, 0, cos a), raised by the elevation."""
    sin_a, cos_a, sin_e, cos_e = (f(x) for x in (azimuth_rad, elevation_rad) for f in (np.sin, np.cos))
    towards = np.array([sin_a * cos_e, sin_e, cos_a * cos_e])
    right = np.array([cos_a, 0.0, -sin_a])
    return np.stack((right, np.cross(towards, right), towards))


def standard_views(motion: Motion) -> tuple[View, View, View]:
    """From the front, from the side (the person's right, so that they face right), and from between and above.

    The front is the camera's side when the camera is known, so that the figure matches the picture; else the side
    which the person faces on average.
    """
    azimuth_rad, from_camera = _front(motion)
    front, side = ("from the camera", "from the side") if from_camera else ("front", "side")
    return (
        View(front, view_axes(azimuth_rad)),
        View(side, view_axes(azimuth_rad - np.pi / 2)),
        View("3D", view_axes(azimuth_rad - np.radians(32), np.radians(14)), distance_m=6.0),
    )


def scene_positions(motion: Motion, frames: slice = _ALL) -> Float[np.ndarray, "frames joints 3"]:
    """Positions of some frames in scene coordinates. What is no place (infinite, or out of this world) is NaN."""
    positions = motion.positions[frames]
    positions = np.where(np.abs(positions) < _OUT_OF_THIS_WORLD_M, positions, np.nan)
    return turned_upright(positions) if motion.frame == "camera" else positions


def followed_path(motion: Motion) -> Float[np.ndarray, "frames 3"]:
    """The point at the middle of the views in each frame: at rest for a person who stays, else their smoothed path.

    In the world frame the height is always 0 (the ground does not move).
    """
    path = np.empty((motion.n_frames, 3))
    for start in range(0, motion.n_frames, _CHUNK):
        frames = slice(start, start + _CHUNK)
        path[frames] = _middles(scene_positions(motion, frames))
    if motion.frame == "world":
        path[:, 1] = 0.0
    seen = np.isfinite(path).all(axis=-1)
    if not seen.any():
        return np.zeros_like(path)
    frames = np.arange(len(path))
    path = np.stack([np.interp(frames, frames[seen], path[seen, axis]) for axis in range(3)], axis=-1)
    rest = (path.min(axis=0) + path.max(axis=0)) / 2
    if np.linalg.norm(path - rest, axis=-1).max() <= _STAYS_M:
        return np.broadcast_to(rest, path.shape).copy()
    return _smoothed(path, _SMOOTHING_S * float(motion.fps))


def extent(motion: Motion, view: View, followed: Float[np.ndarray, "frames 3"]) -> Extent:
    """Space that the whole clip needs in the view, so that the person never leaves it."""
    widths, bottoms, tops = [], [], []
    for start in range(0, motion.n_frames, _CHUNK):
        frames = slice(start, start + _CHUNK)
        relative = scene_positions(motion, frames) - followed[frames, None]
        seen = view.project(relative).reshape(len(relative), -1, 3)
        seen = seen[np.isfinite(seen).all(axis=-1).any(axis=-1)]
        if len(seen):
            widths.append(np.nanmax(np.abs(seen[..., 0]), axis=-1))
            bottoms.append(np.nanmin(seen[..., 1], axis=-1))
            tops.append(np.nanmax(seen[..., 1], axis=-1))
    if not widths:
        return Extent(1.0, 0.0, 2.0)
    bottom, top = -_largest(-np.concatenate(bottoms)), _largest(np.concatenate(tops))
    if motion.frame == "world":
        bottom = min(bottom, 0.0)
    return Extent(max(_largest(np.concatenate(widths)), 0.2), bottom, max(top, bottom + 0.4))


def _smoothed(path: Float[np.ndarray, "frames 3"], sigma_frames: float) -> Float[np.ndarray, "frames 3"]:
    """Gaussian smoothing that keeps a steady walk as it is up to the ends: the path is turned about its end points."""
    from scipy.ndimage import gaussian_filter1d

    n = min(len(path) - 1, int(4 * sigma_frames) + 1)
    before, after = 2 * path[0] - path[n:0:-1], 2 * path[-1] - path[-2 : -n - 2 : -1]
    return gaussian_filter1d(np.concatenate((before, path, after)), sigma_frames, axis=0)[n : n + len(path)]


def _middles(positions: Float[np.ndarray, "frames joints 3"]) -> Float[np.ndarray, "frames 3"]:
    """Median of the joints that are known, NaN where none is. Needs no joint by name, so that any rig will do."""
    count = np.sum(np.isfinite(positions), axis=1, keepdims=True)
    # NaN is sorted behind all numbers; with none the first is NaN.
    ranked = np.sort(positions, axis=1)
    lower = np.take_along_axis(ranked, np.maximum(count - 1, 0) // 2, axis=1)
    upper = np.take_along_axis(ranked, count // 2, axis=1) if positions.shape[1] > 1 else lower
    return ((lower + np.where(count > 1, upper, lower)) / 2)[:, 0]


def _largest(values: Float[np.ndarray, " frames"]) -> float:
    """The maximum, unless it is far beyond nearly all others: one wild frame must not make the person a dot."""
    maximum, usual = float(values.max()), float(np.quantile(values, 0.995, method="lower"))
    margin = _OUTLIER * max(abs(usual), 0.5)
    return maximum if maximum <= usual + margin else usual


def _front(motion: Motion) -> tuple[float, bool]:
    """Azimuth of the viewer in front, and whether that is the camera's."""
    if motion.frame == "camera":
        return 0.0, True
    if motion.camera is not None:
        backward = -motion.camera.R_camera_world[2]
        if np.hypot(backward[0], backward[2]) > 0.1:
            return float(np.arctan2(backward[0], backward[2])), True
    left, right = list(motion.skeleton.left), list(motion.skeleton.right)
    # A few thousand frames tell the mean heading of any clip.
    sample = scene_positions(motion, slice(None, None, max(1, motion.n_frames // 2000)))
    across = sample[:, left] - sample[:, right]
    across = across[np.isfinite(across).all(axis=-1)].sum(axis=0) if left else np.zeros(3)
    # The person's left times up is forward in a right-handed frame.
    forward = np.cross(across, [0.0, 1.0, 0.0])
    if np.hypot(forward[0], forward[2]) < 1e-9:
        return 0.0, False
    return float(np.arctan2(forward[0], forward[2])), False

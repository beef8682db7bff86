"""A recording of a store as motions and keypoints that can be drawn."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.skeleton import Skeleton
from maquette.skeletons import H36M_17

if TYPE_CHECKING:
    from maquette.datasets.store import PoseStore, Recording, View

_FLOOR_M = 0.5
"""A clip whose lowest joint is further than this from height 0 has its floor elsewhere."""


class Scene:
    """A recording in our world frame: Y up, whatever axis is up in the data set."""

    def __init__(self, store: "PoseStore", recording: "Recording", view: "View") -> None:
        self.store, self.recording, self.view = store, recording, view
        self.R_up_world = upright([v.camera.R_camera_world for v in recording.views])
        self.R_up_camera = self.R_up_world @ view.camera.R_camera_world.T
        h36m = all(name in store.skeleton for name in H36M_17.joints)
        self.skeleton = H36M_17 if h36m else store.skeleton
        joints = store.skeleton.indices(self.skeleton.joints)
        world = np.asarray(store.positions_world_m(recording)[:, joints], dtype=np.float64)
        self.positions = world @ self.R_up_world.T
        heights = self.positions[..., 1]
        lowest = float(np.nanmin(heights)) if np.isfinite(heights).any() else 0.0
        self.floor_m = lowest if abs(lowest) > _FLOOR_M else 0.0
        self.positions[..., 1] -= self.floor_m

    def truth(self, n: int) -> Motion:
        """The first ``n`` frames."""
        return self._motion(self.positions[:n], self.skeleton)

    def placed(self, positions_m: Float[np.ndarray, "frames joints 3"], skeleton: Skeleton) -> Motion:
        """A prediction of the camera frame, turned into the room by that camera and put on the true root's path."""
        root = self.positions[: len(positions_m), self.skeleton.roots[0]]
        return self._motion(positions_m @ self.R_up_camera.T + root[:, None], skeleton)

    def keypoints(self, source: str, n: int) -> Keypoints:
        """The first ``n`` frames of 2D; Human3.6M's 32 points, of which half are no joints, become its 17."""
        skeleton = self.store.sources[source].skeleton
        points = self.store.keypoints_px(self.recording, self.view, source)[:n]
        if skeleton.name == "h36m-32":
            points, skeleton = points[:, skeleton.indices(H36M_17.joints)], H36M_17
        return Keypoints(
            np.asarray(points[..., :2], dtype=np.float64),
            np.ones(points.shape[:2]),
            skeleton,
            self.recording.fps,
            self.view.camera.image_size,
        )

    def _motion(self, positions: Float[np.ndarray, "frames joints 3"], skeleton: Skeleton) -> Motion:
        camera = self.view.camera
        place = self.R_up_world @ camera.position_world_m - np.array([0.0, self.floor_m, 0.0])
        posed = replace(camera, R_camera_world=self.R_up_camera.T, position_world_m=place)
        return Motion(positions, skeleton, self.recording.fps, "world", camera=posed)


def upright(rotations: list[Float[np.ndarray, "3 3"]]) -> Float[np.ndarray, "3 3"]:
    """Rotation from the data set's world to Y up. Up is the axis that the cameras, which stand upright, agree on."""
    up = -np.mean([R[1] for R in rotations], axis=0)
    axis, sign = int(np.argmax(np.abs(up))), float(np.sign(up[np.argmax(np.abs(up))]) or 1.0)
    y = sign * np.eye(3)[axis]
    x = np.eye(3)[0] if axis != 0 else np.eye(3)[1]
    return np.stack((x, y, np.cross(x, y)))


@dataclass(frozen=True)
class Cut:
    """Frames skipped first, then at most ``limit``, then means of blocks; an incomplete last block is left out."""

    skip: int
    limit: int | None
    downsample: int
    frames: int

    def __post_init__(self) -> None:
        if (min(self.limit or self.frames, self.frames - self.skip)) < self.downsample:
            raise InputError(
                f"the clip has {self.frames} frames: nothing is left after --skip {self.skip}"
                + ("" if self.limit is None else f", --limit {self.limit}")
                + ("" if self.downsample == 1 else f" and means over {self.downsample}")
            )

    def keypoints(self, keypoints: Keypoints) -> Keypoints:
        """What is left of them."""
        points, fps = self._means(keypoints.points), keypoints.fps / self.downsample
        return replace(keypoints, points=points, confidence=np.ones(points.shape[:2]), fps=fps)

    def motion(self, motion: Motion) -> Motion:
        """What is left of it."""
        return replace(motion, positions=self._means(motion.positions), fps=motion.fps / self.downsample)

    def _means(self, values: np.ndarray) -> np.ndarray:
        kept = values[self.skip : None if self.limit is None else self.skip + self.limit]
        blocks = len(kept) // self.downsample
        return kept[: blocks * self.downsample].reshape(blocks, self.downsample, *values.shape[1:]).mean(axis=1)

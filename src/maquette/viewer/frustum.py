"""The camera that saw the motion, as a pyramid with its picture."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, UInt8

from maquette.geometry.rotations import matrix_to_quat
from maquette.motion import Motion
from maquette.render.views import scene_positions
from maquette.viewer.body import Body

if TYPE_CHECKING:
    import viser

_SCENE_FROM_CAMERA = np.diag([1.0, -1.0, -1.0])
"""Scene coordinates of a motion in the camera frame (:func:`maquette.render.views.scene_positions`)."""
_SIZE_M = 0.5


class Frustum:
    """The camera of one motion. It moves with the motion, in whose coordinates it stands."""

    def __init__(self, server: "viser.ViserServer", body: Body) -> None:
        camera = body.motion.camera
        assert camera is not None, "made for motions with a camera only"
        width, height = camera.image_size
        self._server = server
        R_scene_camera, position_m = pose(body.motion)
        self.body = body
        self.fov_rad = float(2 * np.arctan(height / (2 * camera.focal_px[1])))
        self.wxyz = matrix_to_quat(R_scene_camera)
        self.aspect = width * camera.focal_px[1] / (height * camera.focal_px[0])
        self.position_m = position_m + [0.0, body.shape.lift_m, 0.0]
        self._R_camera_scene = R_scene_camera.T
        self.node = server.scene.add_camera_frustum(
            f"{body.path}/camera",
            fov=self.fov_rad,
            aspect=self.aspect,
            scale=_SIZE_M,
            thickness=2.0,
            thickness_units="screen",
            color=(70, 76, 88),
            wxyz=self.wxyz,
            position=self.position_m,
            format="jpeg",
            jpeg_quality=80,
            cast_shadow=False,
            receive_shadow=False,
        )

    @property
    def shown(self) -> bool:
        """Whether it can be seen."""
        return bool(self.node.visible) and self.body.shown

    def show(self, picture: UInt8[np.ndarray, "height width 3"]) -> None:
        """Send what the camera sees."""
        self.node.image = picture

    def look_through(self, client: "viser.ClientHandle") -> None:
        """Put the eye of one browser where the camera is, with all of its picture in sight, behind the person."""
        self.node.scale = scale_of(self._beyond_m(), self.fov_rad, self.aspect)
        camera, high = client.camera, np.tan(self.fov_rad / 2)
        camera.position = self.body.root.position + self.position_m
        camera.wxyz = self.wxyz
        camera.fov = float(2 * np.arctan(high * max(1.0, self.aspect / camera.aspect)))

    def look_away(self, client: "viser.ClientHandle") -> None:
        """Go back to the first look at the page."""
        self.node.scale = _SIZE_M
        first, camera = self._server.initial_camera, client.camera
        camera.up_direction = (0.0, 1.0, 0.0)
        camera.position, camera.look_at, camera.fov = first.position, first.look_at, first.fov

    def _beyond_m(self) -> float:
        """A distance from the camera at which the person never is."""
        motion = self.body.motion
        sample = scene_positions(motion, slice(None, None, max(1, motion.n_frames // 500)))
        lifted = sample + [0.0, self.body.shape.lift_m, 0.0] - self.position_m
        depths_m = (lifted @ self._R_camera_scene[2])[np.isfinite(lifted).all(axis=-1)]
        return float(depths_m.max()) + 0.5 if len(depths_m) and depths_m.max() > 0 else 5.0


def scale_of(distance_m: float, fov_rad: float, aspect: float) -> float:
    """The scale at which viser puts a frustum's picture at a distance: it scales all frusta to one volume."""
    return distance_m * float(np.cbrt(np.tan(fov_rad / 2) ** 2 * aspect / 3))


def pose(motion: Motion) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
    """Rotation from the camera (x right, y down, z ahead) to scene coordinates, and where it stands in them."""
    camera = motion.camera
    assert camera is not None, "made for motions with a camera only"
    R_frame_camera, position_m = camera.R_camera_world.T, camera.position_world_m
    if motion.frame == "camera":
        return _SCENE_FROM_CAMERA @ R_frame_camera, _SCENE_FROM_CAMERA @ position_m
    return R_frame_camera, position_m

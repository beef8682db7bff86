"""The world as a session sees it: tilt of the camera and height of the floor, blended when they become known."""

import dataclasses

import numpy as np
from jaxtyping import Float

from maquette.geometry.camera import Camera
from maquette.refine.causal_calibration import Calibration
from maquette.refine.motion_tilt import up_of_tilt
from maquette.refine.motion_world import world_axes

BLEND_S = 1.0
"""A calibration takes effect over this time."""


class SessionView:
    """Camera axes to world axes, one for everybody.

    The first root of the session lies above the origin with the tilt held then; afterwards the camera keeps its place
    on the floor plan, whatever is learnt about its tilt.
    """

    def __init__(self, calibration: Calibration) -> None:
        self._from = self._to = np.array([calibration.pitch_rad, calibration.roll_rad, 0.0])
        self._begun_s = -np.inf
        self._origin: np.ndarray | None = None
        self._current = np.full(3, np.nan)
        self.floor_known = calibration.camera_height_m is not None
        """Whether the floor comes from a calibration."""
        if calibration.camera_height_m is not None:
            self._to[2] = calibration.camera_height_m
        self._set(self._to)

    def _set(self, values: np.ndarray) -> None:
        if np.array_equal(values, self._current):
            return
        self._current = values
        self.up = up_of_tilt(float(values[0]), float(values[1]))
        self.axes = world_axes(self.up)
        self.height_m = float(values[2])

    @property
    def begun(self) -> bool:
        """Whether anybody has been seen."""
        return self._origin is not None

    def begin(self, root_m: Float[np.ndarray, "3"], height_m: float) -> None:
        """The first person: their root comes to lie above the origin; ``height_m`` is the camera's unless known."""
        if not self.floor_known:
            self._to = np.append(self._to[:2], height_m)
            self._from = np.append(self._from[:2], height_m)
            self._set(self._to)
        x, _, z = root_m @ self.axes
        self._origin = np.array([-x, 0.0, -z])

    def change(self, calibration: Calibration, time_s: float) -> None:
        """Go over to another calibration from ``time_s`` on."""
        self.at(time_s)
        self._from = self._current.copy()
        height = self.height_m if calibration.camera_height_m is None else calibration.camera_height_m
        self._to = np.array([calibration.pitch_rad, calibration.roll_rad, height])
        self.floor_known = calibration.camera_height_m is not None
        # Before anybody is seen there is nothing that could be seen to move.
        self._begun_s = time_s if self.begun else -np.inf
        self.at(time_s)

    def at(self, time_s: float) -> float:
        """Bring ``up``, ``axes`` and ``height_m`` to a time; returns how much of the last change has happened, 0..1."""
        done = float(np.clip((time_s - self._begun_s) / BLEND_S, 0.0, 1.0))
        done = done * done * (3.0 - 2.0 * done)
        self._set(self._to if done == 1.0 else self._from + done * (self._to - self._from))
        return done

    @property
    def target(self) -> tuple[Float[np.ndarray, "3"], float]:
        """``(up, camera height)`` once the change is done."""
        return up_of_tilt(float(self._to[0]), float(self._to[1])), float(self._to[2])

    @property
    def place_m(self) -> Float[np.ndarray, "3"]:
        """Where the camera is in the world."""
        origin = np.zeros(3) if self._origin is None else self._origin
        return origin + np.array([0.0, self.height_m, 0.0])

    def posed(self, camera: Camera) -> Camera:
        """The camera with its pose in the world."""
        return dataclasses.replace(camera, R_camera_world=self.axes, position_world_m=self.place_m)

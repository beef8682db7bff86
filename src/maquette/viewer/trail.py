"""Where a joint has been in the last seconds: a line that fades out."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, UInt8

from maquette.render.look import SIDE_COLOURS, Rgb, joint_sides, mixed
from maquette.render.views import scene_positions
from maquette.viewer.body import Body
from maquette.viewer.colours import linear

if TYPE_CHECKING:
    import viser

TRAIL_S = 2.0
_POINTS = 61
"""A fixed number, so that a long clip sends no more than a short one."""
_PAPER: Rgb = (255, 255, 255)


class Trail:
    """The line behind one joint of one motion."""

    def __init__(self, server: "viser.ViserServer", body: Body) -> None:
        self._body = body
        self.joint = 0
        self.node = server.scene.add_line_segments(
            f"{body.path}/trail",
            np.zeros((_POINTS - 1, 2, 3)),
            np.zeros((_POINTS - 1, 2, 3), dtype=np.uint8),
            thickness=4.0,
            thickness_units="screen",
            visible=False,
        )

    def choose(self, joint: int) -> None:
        """Follow another joint."""
        self.joint = joint
        side = joint_sides(self._body.motion.skeleton)[joint]
        self.node.colors = _fading(SIDE_COLOURS[side])

    def show(self, position_s: float) -> None:
        """Send the line that ends at a time."""
        if self.node.visible:
            self.node.points = trail_segments(self._body, self.joint, position_s)


def trail_segments(body: Body, joint: int, position_s: float) -> Float[np.ndarray, "segments 2 3"]:
    """The last seconds of a joint, oldest first. Pieces next to a frame where it is not known have no length."""
    begin_s = max(position_s - TRAIL_S, 0.0)
    asked_s = np.linspace(begin_s, max(position_s, begin_s), _POINTS)
    frames = np.clip(np.searchsorted(body.times_s, asked_s + 1e-6, side="right") - 1, 0, body.motion.n_frames - 1)
    first = int(frames[0])
    path = scene_positions(body.motion, slice(first, int(frames[-1]) + 1))[frames - first, joint]
    path = path + [0.0, body.shape.lift_m, 0.0]
    known = np.asarray(np.isfinite(path).all(axis=-1))
    both = known[:-1] & known[1:]
    segments = np.stack((path[:-1], path[1:]), axis=1)
    return np.where(both[:, None, None], segments, np.nan_to_num(path[1:, None]) * known[1:, None, None])


def _fading(colour: Rgb) -> UInt8[np.ndarray, "segments 2 3"]:
    shares = np.linspace(0.9, 0.0, _POINTS)
    points = mixed(np.array([colour] * _POINTS, dtype=np.uint8), _PAPER, shares)
    points = linear(points)
    return np.stack((points[:-1], points[1:]), axis=1)

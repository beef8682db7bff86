"""The nodes of one motion on the page: bones, joints, name, and what is known about the joints."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from maquette.render.views import followed_path, scene_positions
from maquette.viewer.colours import Paint, by_side
from maquette.viewer.contacts import Contacts
from maquette.viewer.entries import Entry
from maquette.viewer.figure_meshes import FigureMeshes
from maquette.viewer.figures import figure_shape, place
from maquette.viewer.playback import frame_at
from maquette.viewer.uncertainty import Uncertainty

if TYPE_CHECKING:
    import viser


class Body:
    """One motion on the page. Everything hangs on one node, which is moved; the rest keeps the motion's coordinates."""

    def __init__(self, server: "viser.ViserServer", entry: Entry, order: int, *, named: bool) -> None:
        scene = server.scene
        self.entry, self.order = entry, order
        self.motion = entry.motion
        self.shape = figure_shape(entry.motion)
        self.times_s = entry.motion.times_s - entry.motion.times_s[0]
        self.followed = followed_path(entry.motion)
        self.frame = -1
        self.thickness = 1.0
        self.path = f"/motion{order}"
        self.root = scene.add_frame(self.path, show_axes=False, visible=entry.shown)
        placed, paint = place(self.shape, 0), by_side(entry.motion.skeleton, self.shape.bones, order)
        self.meshes = FigureMeshes(server, self.path, placed, paint)
        self._label = scene.add_label(f"{self.path}/name", entry.name, visible=named)
        self.uncertainty = Uncertainty(server, self.path, self.shape) if entry.motion.sigma_m is not None else None
        self.contacts = Contacts(server, self.path, self.shape) if entry.motion.contact_joints else None

    @property
    def shown(self) -> bool:
        """Whether it can be seen."""
        return bool(self.root.visible)

    def frame_at(self, position_s: float) -> int:
        """The frame on show at a time."""
        return frame_at(self.times_s, position_s)

    def positions(self, frame: int) -> Float[np.ndarray, "joints 3"]:
        """Joints of a frame under the root node, in metres with Y up; NaN where not known."""
        return scene_positions(self.motion, slice(frame, frame + 1))[0] + [0.0, self.shape.lift_m, 0.0]

    def show(self, frame: int) -> None:
        """Send one frame."""
        self.frame = frame
        placed = place(self.shape, frame, self.thickness)
        self.meshes.put(placed)
        if self._label.visible:
            middle = self.followed[frame]
            # Beside each other in height, too, where several stand in one place.
            self._label.position = (middle[0], self.shape.top_m + 0.15 + 0.12 * self.order, middle[2])
        if self.uncertainty is not None:
            self.uncertainty.show(frame, placed)
        if self.contacts is not None:
            self.contacts.show(frame, placed)

    def paint(self, paint: Paint) -> None:
        """Send other colours."""
        self.meshes.paint(paint)

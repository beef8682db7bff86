"""People who move while one looks: figures on a page of their own, fed with the newest pose."""

import threading
import time
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float

from maquette.motion import Motion
from maquette.refine.motion_contacts import CONTACT_JOINTS
from maquette.skeletons import LIFTED_21
from maquette.viewer.colours import by_side
from maquette.viewer.contacts import Contacts
from maquette.viewer.figure_meshes import FigureMeshes
from maquette.viewer.figures import figure_shape, placed_at
from maquette.viewer.setting import set_stage

if TYPE_CHECKING:
    import viser

_FORGET_S = 5.0
"""Whoever has been away for so long is taken off the page; until then they are only hidden."""
_DISTANCE_M, _EYE_M, _LOOK_AT_M = 4.2, 1.5, 0.9


Shown = tuple[Float[np.ndarray, "21 3"], Bool[np.ndarray, " 4"]]
"""One person: joints of ``maquette-21`` in metres with Y up, NaN where not known; and whether left heel, left toe,
right heel, right toe stand."""


class LiveFigure:
    """The nodes of one person."""

    def __init__(self, server: "viser.ViserServer", person: int, shown: Shown, order: int) -> None:
        positions_m, standing = shown
        path = f"/person{person}"
        self.seen_s = time.monotonic()
        pose = Motion(
            positions=positions_m[None],
            skeleton=LIFTED_21,
            fps=Fraction(30),
            frame="world",
            contacts=standing[None],
            contact_joints=CONTACT_JOINTS,
        )
        self._shape = figure_shape(pose)
        placed = placed_at(self._shape, positions_m)
        self.root = server.scene.add_frame(path, show_axes=False)
        self._meshes = FigureMeshes(server, path, placed, by_side(LIFTED_21, self._shape.bones, order))
        self._contacts = Contacts(server, path, self._shape)
        self._contacts.put(standing, placed)

    def show(self, shown: Shown, now_s: float) -> None:
        """Send a pose."""
        self.seen_s, (positions_m, standing) = now_s, shown
        placed = placed_at(self._shape, positions_m)
        self._meshes.put(placed)
        self._contacts.put(standing, placed)
        if not self.root.visible:
            self.root.visible = True

    def hide(self) -> None:
        """Not there for now."""
        if self.root.visible:
            self.root.visible = False

    def remove(self) -> None:
        """Take it off the page."""
        self.root.remove()


class LivePage:
    """The scene of a session. Its methods are called from one thread."""

    def __init__(self, server: "viser.ViserServer") -> None:
        self._server = server
        self._figures: dict[int, LiveFigure] = {}
        self._lock = threading.Lock()
        self._middle: Float[np.ndarray, 3] | None = None
        set_stage(server)
        self._words = server.gui.add_markdown("waiting")
        self._said = "waiting"
        self._finder = server.gui.add_button("Look at the people")
        self._finder.on_click(self._find)
        self._aim(server.initial_camera, np.zeros(3))

    @property
    def people(self) -> tuple[int, ...]:
        """Whose figures can be seen."""
        return tuple(person for person, figure in self._figures.items() if figure.root.visible)

    def show(self, people: Mapping[int, Shown]) -> None:
        """Send where everybody is; whoever is not among them vanishes."""
        now_s = time.monotonic()
        with self._server.atomic():
            for person, shown in people.items():
                if not np.isfinite(shown[0]).any():
                    continue
                figure = self._figures.get(person)
                if figure is None:
                    self._figures[person] = LiveFigure(self._server, person, shown, len(self._figures))
                else:
                    figure.show(shown, now_s)
                # Whoever else waits for the interpreter waits for one figure, not for ten.
                time.sleep(0)
            for person in [person for person in self._figures if person not in people]:
                figure = self._figures[person]
                figure.hide()
                if now_s - figure.seen_s > _FORGET_S:
                    figure.remove()
                    del self._figures[person]
        if people:
            self._stand(np.array([positions_m[0] for positions_m, _ in people.values()]))

    def say(self, text: str) -> None:
        """Words beside the scene."""
        if text != self._said:
            self._words.content = self._said = text

    def _stand(self, roots_m: Float[np.ndarray, "people 3"]) -> None:
        """Where everybody is; the first time, whoever looks is turned there."""
        middle = np.nan_to_num(np.nanmean(roots_m, axis=0)) * [1.0, 0.0, 1.0]
        with self._lock:
            first, self._middle = self._middle is None, middle
        if first:
            self._aim(self._server.initial_camera, middle)
            for client in self._server.get_clients().values():
                self._aim(client.camera, middle)

    def _find(self, event: "viser.GuiEvent[Any]") -> None:
        with self._lock:
            middle = self._middle
        if event.client is not None and middle is not None:
            self._aim(event.client.camera, middle)

    @staticmethod
    def _aim(camera: Any, middle: Float[np.ndarray, "3"]) -> None:
        camera.position = tuple(middle + [0.25 * _DISTANCE_M, _EYE_M, _DISTANCE_M])
        camera.look_at = tuple(middle + [0.0, _LOOK_AT_M, 0.0])

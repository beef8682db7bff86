"""What is on the page, and what is sent when: only what is shown, never the whole clip."""

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from maquette.render.views import standard_views
from maquette.viewer.arrangement import Arrangement, root_difference, side_by_side, way_back
from maquette.viewer.body import Body
from maquette.viewer.colours import FULL_ERROR_M, by_motion, by_side, by_value
from maquette.viewer.controls import SaveControls, SceneControls, TimeControls
from maquette.viewer.curves import Curves
from maquette.viewer.differences import Difference, summary
from maquette.viewer.entries import Entry, Input2D
from maquette.viewer.frustum import Frustum
from maquette.viewer.input_pictures import InputPictures
from maquette.viewer.input_view import InputView
from maquette.viewer.playback import Playback, frame_at, ticks_of
from maquette.viewer.setting import place_camera, set_stage
from maquette.viewer.trail import Trail
from maquette.viewer.wiring import wire

if TYPE_CHECKING:
    import viser

_PANEL_PX = 340
_CONTROLS_PX = 310
_THIN = 0.45
_WORDS_PAUSE_S = 0.1
"""Texts and the slider change no faster than they are read, while it plays."""


class Page:
    """The scene and the controls of one server."""

    def __init__(
        self,
        server: "viser.ViserServer",
        entries: Sequence[Entry],
        given: Input2D,
        arrangement: Arrangement = "side by side",
    ) -> None:
        self._server = server
        self._lock = threading.RLock()
        self._said_at = -np.inf
        self.bodies = [Body(server, entry, order, named=len(entries) > 1) for order, entry in enumerate(entries)]
        lead = self.bodies[0]
        duration_s = max(float(body.times_s[-1]) for body in self.bodies)
        self.ticks_s = ticks_of(lead.times_s, duration_s, 1 / float(lead.motion.fps))
        self.playback = Playback(duration_s=duration_s, frame_s=1 / float(lead.motion.fps))
        self._beside = side_by_side(self.bodies, standard_views(lead.motion)[0].R_view_scene[0])
        self._offsets = self._beside
        self._ground = set_stage(server)
        self.trails = [Trail(server, body) for body in self.bodies]
        self.frustums = [Frustum(server, body) for body in self.bodies if body.motion.camera is not None]
        self._differences: list[Difference] = []
        self.time = TimeControls(server, len(self.ticks_s))
        self.look = SceneControls(server, self.bodies, arrangement)
        self.save = SaveControls(server)
        self.input: InputView | None = None
        self._add_panel(given)
        self._place_camera()
        wire(self)
        self.changed()

    def step(self, elapsed_s: float) -> None:
        """Let time pass, and show what is on show then."""
        with self._lock:
            was_playing = self.playback.playing
            self.playback.advance(elapsed_s)
            if was_playing:
                self.show(settled=not self.playback.playing)

    def seek(self, position_s: float) -> None:
        """Go to a time and show it."""
        with self._lock:
            self.playback.seek(position_s)
            self.show()

    def go_to(self, tick: int) -> None:
        """Go to a frame of the first motion (or beyond its end) and show it."""
        self.seek(float(self.ticks_s[min(max(tick, 0), len(self.ticks_s) - 1)]))

    def step_to(self, tick: int) -> None:
        """Stop, and go to a frame."""
        with self._lock:
            self.playback.playing = False
            self.go_to(tick)

    def toggle(self) -> None:
        """Play or pause."""
        with self._lock:
            self.playback.toggle()
            self.show()

    @property
    def tick(self) -> int:
        """Frame of the first motion that is on show; beyond its end, counted on."""
        return frame_at(self.ticks_s, self.playback.position_s)

    def show(self, *, settled: bool = True) -> None:
        """Send what has changed. Unless ``settled``, texts, slider and curves may lag a little."""
        with self._lock, self._server.atomic():
            position_s = self.playback.position_s
            for body in self.bodies:
                if body.shown and (frame := body.frame_at(position_s)) != body.frame:
                    body.show(frame)
            now = time.monotonic()
            saying = settled or now - self._said_at > _WORDS_PAUSE_S
            self._put_in_place(saying=saying)
            for trail in self.trails:
                trail.show(position_s)
            self.curves.show(position_s, at_once=settled)
            if saying:
                self._said_at = now
                lead = self.bodies[0]
                sigma_m = lead.motion.sigma_m
                guessed = sigma_m is not None and bool(np.isinf(sigma_m[lead.frame_at(position_s)]).any())
                self.time.say(self.tick, len(self.ticks_s) - 1, position_s, self.playback.playing, guessed)
        if self.input is not None:
            self.input.show(position_s)

    def changed(self) -> None:
        """Take what the controls of the scene say, and show it."""
        with self._lock, self._server.atomic():
            look = self.look
            for body, box in zip(self.bodies, look.shown, strict=True):
                body.root.visible = box.value
                for mark, wanted in ((body.uncertainty, look.uncertainty), (body.contacts, look.contacts)):
                    if mark is not None:
                        mark.node.visible = wanted.value
                # Shown afresh, with whatever was not kept up to date.
                body.frame = -1
            together = look.arrangement.value != "side by side"
            self._offsets = [np.zeros(3) for _ in self.bodies] if together else self._beside
            for frustum in self.frustums:
                frustum.node.visible = look.camera.value
            if self.input is not None:
                self.input.again()
            for body in self.bodies:
                # One in the other, thick ones would hide each other and the lines between them.
                body.thickness = _THIN if together and len(self.bodies) > 1 else 1.0
            self._compare(together)
            self.choose_joint()
            self._paint_still()
            self.show()

    def choose_joint(self) -> None:
        """Trail and curves of the joint that is chosen."""
        name = self.look.joint.value
        for trail, body in zip(self.trails, self.bodies, strict=True):
            has = name in body.motion.skeleton
            trail.node.visible = self.look.trail.value and has
            if has:
                trail.choose(body.motion.skeleton.index(name))
        self.curves.choose(name, self.playback.position_s)

    def settle(self) -> None:
        """Wait until the picture of the 2D input is shown, too."""
        if self.input is not None:
            self.input.settle()

    def prepare_recording(self) -> None:
        """Only the scene is recorded: put the 2D input there, and begin at the start."""
        self.playback.playing = False
        self.seek(0.0)
        if self.input is not None:
            front = standard_views(self.bodies[0].motion)[0].R_view_scene
            self.input.stand_in_scene(self.bodies[0].followed[0] + self._offsets[0], front)
            self._place_camera(beside_m=1.8)

    def record(self, position_s: float, *, with_picture: bool) -> None:
        """Show a time at once, the picture of the 2D input too if asked for."""
        self.playback.seek(position_s)
        self.show(settled=False)
        if self.input is not None and with_picture:
            self.input.record(position_s)

    def close(self) -> None:
        """End what runs beside the page."""
        if self.input is not None:
            self.input.close()

    def _place_camera(self, beside_m: float = 0.0) -> None:
        seen = [number for number, body in enumerate(self.bodies) if body.shown]
        place_camera(self._server, [self.bodies[n] for n in seen], [self._offsets[n] for n in seen], beside_m)

    def _compare(self, together: bool) -> None:
        """Set the first motion seen against the others seen."""
        for difference in self._differences:
            difference.remove()
        seen = [body for body in self.bodies if body.shown]
        self._differences = [Difference(self._server, seen[0], other) for other in seen[1:]]
        for difference in self._differences:
            if difference.node is not None:
                difference.node.visible = together and self.look.lines.value
        if not self._differences:
            self.look.differences.content = ""

    def _put_in_place(self, *, saying: bool) -> None:
        """Move the figures to where they stand, and show how far they are from each other."""
        seen = [body for body in self.bodies if body.shown]
        if not seen:
            return
        reference = seen[0]
        apart = self.look.arrangement.value == "side by side"
        back = way_back(reference) * float(self.look.follow.value)
        # The grid repeats every metre; it lies a hair under the feet, or the soles would flicker.
        self._ground.position = back % 1.0 + [0.0, -0.002, 0.0]
        shifts = {}
        for body, offset in zip(self.bodies, self._offsets, strict=True):
            if not body.shown:
                continue
            own = way_back(body) * float(self.look.follow.value) if apart else back
            shifts[body.order] = (
                root_difference(reference, body) if "root" in self.look.arrangement.value else np.zeros(3)
            )
            body.root.position = offset + own + shifts[body.order]
        words = []
        for difference in self._differences:
            other = difference.other
            ends_m = difference.ends_m(shifts[other.order])
            values_m = difference.values_m(ends_m)
            difference.show(ends_m, reference.root.position)
            if self.look.colour.value == "error":
                other.paint(by_value(values_m, other.shape.bones, FULL_ERROR_M))
            words.append(summary(other.entry.name, other.motion.skeleton, values_m))
        if words and saying:
            self.look.differences.content = _note("<br>".join(words))
        if self.look.colour.value == "uncertainty":
            for body in seen:
                if body.motion.sigma_m is not None:
                    body.paint(by_value(body.motion.sigma_m[body.frame], body.shape.bones, FULL_ERROR_M / 2))

    def _paint_still(self) -> None:
        """Colours that stay as they are from frame to frame."""
        kind = self.look.colour.value
        colouring = by_side if kind == "side" else by_motion
        for body in self.bodies:
            body.paint(colouring(body.motion.skeleton, body.shape.bones, body.order))
        full_m = FULL_ERROR_M if kind == "error" else FULL_ERROR_M / 2
        self.look.scale.visible = kind in {"error", "uncertainty"}
        self.look.scale.content = _note(f"green 0, yellow {500 * full_m:.0f} mm, red {1000 * full_m:.0f} mm and more")

    def _add_panel(self, given: Input2D) -> None:
        """The 2D input and the curves, at the left."""
        gui = self._server.gui
        panel = gui.add_panel()
        with panel.add_tab("Input and curves" if given else "Curves"):
            if given:
                pictures = InputPictures(given, start_s=float(self.bodies[0].motion.times_s[0]))
                self.input = InputView(self._server, pictures, self.frustums)
            self.curves = Curves(self._server, self.bodies, self.look.joint.value)
        panel.dock_left()
        panel.set_width(_PANEL_PX)
        gui.main_panel.dock_right()
        gui.main_panel.set_width(_CONTROLS_PX)


def _note(text: str) -> str:
    return f'<div style="padding:0 0.8em 0.4em;font-size:0.85em;color:#666">{text}</div>'

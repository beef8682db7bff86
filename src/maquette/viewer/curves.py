"""The panel of curves: position or speed of the chosen joint, with a line at the time on show."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from maquette.render.look import Rgb
from maquette.viewer.body import Body
from maquette.viewer.colours import motion_colour
from maquette.viewer.curve_data import QUANTITIES, Curve, Quantity, aligned, joint_curves, limits

if TYPE_CHECKING:
    import viser

SPANS = ("4 s", "20 s", "all")
_AXES: tuple[Rgb, ...] = ((196, 60, 50), (40, 140, 70), (40, 90, 190))
"""x, y, z, in the colours that every 3D program has for them."""
_NOW = "rgb(46,50,58)"
_PAUSE_S = 0.1
"""Between two updates while it plays."""
_HEIGHT_PX = 200


class Curves:
    """The curves of the bodies that can be seen. Only what the panel can show is sent, ten times a second at most."""

    def __init__(self, server: "viser.ViserServer", bodies: Sequence[Body]) -> None:
        self._server, self._bodies = server, bodies
        self._curves: tuple[Curve, ...] = ()
        self._duration_s = max(float(body.times_s[-1]) for body in bodies)
        self._plot: viser.GuiUplotHandle | None = None
        self._sent_at = -np.inf
        self.quantity = server.gui.add_dropdown("curve", options=QUANTITIES, initial_value="position")
        self.span = server.gui.add_dropdown("time shown", options=SPANS, initial_value=SPANS[0])
        self._place = server.gui.add_folder("curves", expand_by_default=True, visible=True)
        self._joint = ""

    def choose(self, joint: str, position_s: float) -> None:
        """Show another joint, or the same one after other bodies, another quantity or another span were chosen."""
        self._joint = joint
        quantity: Quantity = self.quantity.value
        shown = [body for body in self._bodies if body.shown and joint in body.motion.skeleton]
        curves, colours = [], []
        for number, body in enumerate(shown):
            found = joint_curves(body.motion, body.motion.skeleton.index(joint), quantity)
            if quantity == "position" and number:
                # Three lines are read; six are not.
                break
            named = [
                Curve(_name(body, curve.name, len(shown) > 1 and quantity != "position"), curve.times_s, curve.values)
                for curve in found
            ]
            curves += named
            colours += list(_AXES) if quantity == "position" else [motion_colour(body.order)]
        self._curves = tuple(curves)
        if self._plot is not None:
            self._plot.remove()
            self._plot = None
        if not curves:
            return
        self._add(colours, position_s)

    def show(self, position_s: float, *, at_once: bool = False) -> None:
        """Send the part around a time."""
        now = time.monotonic()
        if self._plot is None or (now - self._sent_at < _PAUSE_S and not at_once):
            return
        self._sent_at = now
        self._plot.data = self._data(position_s)

    def _add(self, colours: list[Rgb], position_s: float) -> None:
        import viser.uplot

        unit = "m" if self.quantity.value == "position" else "m/s"
        lines = [
            viser.uplot.Series(label=curve.name, stroke=f"rgb{colour}", width=1.5)
            for curve, colour in zip(self._curves, colours, strict=True)
        ]
        with self._place:
            self._plot = self._server.gui.add_uplot(
                data=self._data(position_s),
                series=(
                    viser.uplot.Series(label="s"),
                    *lines,
                    viser.uplot.Series(label="now", stroke=_NOW, width=1.0),
                ),
                scales={"x": viser.uplot.Scale(time=False)},
                axes=(viser.uplot.Axis(size=28), viser.uplot.Axis(size=48)),
                legend=viser.uplot.Legend(show=True, live=False),
                title=f"{self._joint}, {self.quantity.value} ({unit}) over time (s)",
                height=_HEIGHT_PX,
            )

    def _data(self, position_s: float) -> tuple[np.ndarray, ...]:
        begin_s, end_s = self._window(position_s)
        times_s, values = aligned(self._curves, begin_s, end_s)
        # The line at the time on show: two points at one time, with which the other curves do not move.
        place = int(np.searchsorted(times_s, position_s))
        here = [position_s, position_s]
        rows = [np.insert(times_s, place, here)]
        for curve in values:
            known = np.interp(position_s, times_s, curve) if len(times_s) else np.nan
            rows.append(np.insert(curve, place, [known, known]))
        marker = np.full(len(rows[0]), np.nan)
        marker[place : place + 2] = limits(values)
        return (*rows, marker)

    def _window(self, position_s: float) -> tuple[float, float]:
        if self.span.value == "all" or self._duration_s <= (width := float(self.span.value.split()[0])):
            return 0.0, self._duration_s
        begin_s = min(max(position_s - width / 2, 0.0), self._duration_s - width)
        return begin_s, begin_s + width


def _name(body: Body, quantity: str, several: bool) -> str:
    return f"{body.entry.name}" if several else quantity

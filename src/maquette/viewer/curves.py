"""The panel of curves: position or speed of the chosen joint, with a line at the time on show."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from maquette.render.look import Rgb
from maquette.viewer.body import Body
from maquette.viewer.colours import motion_colour
from maquette.viewer.curve_data import QUANTITIES, Curve, aligned, joint_curves, limits

if TYPE_CHECKING:
    import viser
    import viser.uplot

SPANS = ("4 s", "20 s", "all")
_AXES: tuple[Rgb, ...] = ((196, 60, 50), (40, 140, 70), (40, 90, 190))
"""x, y, z, in the colours that every 3D program has for them."""
_NOW = "rgb(46,50,58)"
_PAUSE_S = 0.1
"""Between two updates while it plays."""
_HEIGHT_PX = 220
_LOOSE = 3.0
"""How many times higher than what it shows a scale may be before it is made anew."""


class Curves:
    """The curves of the bodies that can be seen. Only what the panel can show is sent, ten times a second at most."""

    def __init__(self, server: "viser.ViserServer", bodies: Sequence[Body], joint: str) -> None:
        self._server, self._bodies = server, bodies
        self._duration_s = max(float(body.times_s[-1]) for body in bodies)
        self._sent_at = -np.inf
        self.quantity = server.gui.add_dropdown("curve", options=QUANTITIES, initial_value="position")
        self.span = server.gui.add_dropdown("time shown", options=SPANS, initial_value=SPANS[0])
        self._chosen: tuple[object, ...] = ()
        self._curves: tuple[Curve, ...] = ()
        self._range = (0.0, 1.0)
        self._plot = self._add_plot(joint)

    def choose(self, joint: str, position_s: float) -> None:
        """Show another joint, or the same one after other bodies, another quantity or another span were chosen."""
        shown = [body for body in self._bodies if body.shown and joint in body.motion.skeleton]
        chosen = (joint, self.quantity.value, self.span.value, *(body.order for body in shown))
        if chosen == self._chosen:
            return
        self._chosen = chosen
        # Three lines are read, six are not: positions are those of the first one seen.
        of = shown[:1] if self.quantity.value == "position" else shown
        found = [
            (body, curve)
            for body in of
            for curve in joint_curves(body.motion, body.motion.skeleton.index(joint), self.quantity.value)
        ]
        self._curves = tuple(curve for _, curve in found)
        self._plot.visible = bool(found)
        if not found:
            return
        colours = list(_AXES) if self.quantity.value == "position" else [motion_colour(body.order) for body, _ in found]
        names = [curve.name if len(of) < 2 else body.entry.name for body, curve in found]
        unit = "m" if self.quantity.value == "position" else "m/s"
        around = "over time (s)" if self._span() is None else "around now (s)"
        self._plot.title = f"{joint}, {self.quantity.value} ({unit}) {around}"
        # Before the data: the page would draw them with the wrong number of lines.
        self._plot.series = _series(names, colours)
        self._range = (np.inf, -np.inf)
        self.show(position_s, at_once=True)

    def show(self, position_s: float, *, at_once: bool = False) -> None:
        """Send the part around a time."""
        now = time.monotonic()
        if not self._curves or (now - self._sent_at < _PAUSE_S and not at_once):
            return
        self._sent_at = now
        span_s = self._span()
        # The present stays in the middle: the page cannot move the time axis without building the chart anew.
        begin_s, end_s, zero_s = (
            (0.0, self._duration_s, 0.0)
            if span_s is None
            else (position_s - span_s / 2, position_s + span_s / 2, position_s)
        )
        times_s, values = aligned(self._curves, begin_s, end_s)
        self._settle_range(limits(values))
        self._plot.data = with_marker(times_s - zero_s, values, position_s - zero_s, self._range)

    def _settle_range(self, needed: tuple[float, float]) -> None:
        """Keep the scale while it fits: the page builds the chart anew for another one."""
        low, high = self._range
        fits = low <= needed[0] and needed[1] <= high and high - low <= _LOOSE * (needed[1] - needed[0])
        if not fits:
            margin = 0.15 * (needed[1] - needed[0])
            self._range = (needed[0] - margin, needed[1] + margin)
            self._plot.scales = self._scales()

    def _scales(self) -> "dict[str, viser.uplot.Scale]":
        import viser.uplot

        span_s = self._span()
        across = (0.0, max(self._duration_s, 1e-3)) if span_s is None else (-span_s / 2, span_s / 2)
        return {"x": viser.uplot.Scale(time=False, range=across), "y": viser.uplot.Scale(range=self._range)}

    def _add_plot(self, joint: str) -> "viser.GuiUplotHandle":
        import viser.uplot

        return self._server.gui.add_uplot(
            data=(np.zeros(1), np.zeros(1), np.zeros(1)),
            series=_series([""], [_AXES[0]]),
            scales=self._scales(),
            axes=(viser.uplot.Axis(size=28), viser.uplot.Axis(size=48)),
            legend=viser.uplot.Legend(show=True, live=False),
            title=joint,
            height=_HEIGHT_PX,
            padding=(10, 24, 0, 0),
        )

    def _span(self) -> float | None:
        """Seconds shown around the present; None when the whole clip is."""
        return None if self.span.value == "all" else float(self.span.value.split()[0])


def with_marker(
    times_s: Float[np.ndarray, " points"],
    values: Sequence[Float[np.ndarray, " points"]],
    position_s: float,
    height: tuple[float, float],
) -> tuple[Float[np.ndarray, " more"], ...]:
    """Times, curves, and one more curve: an upright line at a time. It is two points, in which the others are as they
    are between their neighbours."""
    place = int(np.searchsorted(times_s, position_s))
    rows = [np.insert(times_s, place, [position_s, position_s])]
    for curve in values:
        known = float(np.interp(position_s, times_s, curve)) if len(times_s) else np.nan
        rows.append(np.insert(curve, place, [known, known]))
    marker = np.full(len(rows[0]), np.nan)
    marker[place : place + 2] = height
    return (*rows, marker)


def _series(names: Sequence[str], colours: Sequence[Rgb]) -> "tuple[viser.uplot.Series, ...]":
    import viser.uplot

    lines = [
        viser.uplot.Series(label=name, stroke=f"rgb{colour}", width=1.5)
        for name, colour in zip(names, colours, strict=True)
    ]
    return (viser.uplot.Series(label="s"), *lines, viser.uplot.Series(label="now", stroke=_NOW, width=1.0))

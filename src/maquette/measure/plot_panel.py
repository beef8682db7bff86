"""One panel of a picture of angles: curves of the left and the right over time or over the gait cycle."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFont

from maquette.refine.keypoints_edits import runs
from maquette.render.curve_panel import SCALE, nice_ticks, thinned

WIDTH, HEIGHT = 380, 190
SIDE_COLOURS: dict[str, tuple[int, int, int]] = {
    "l_": (31, 105, 180),
    "r_": (214, 98, 16),
    "": (60, 64, 72),
}
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 22, 20
_FRAME, _GRID, _INK = (168, 173, 181), (226, 229, 233), (32, 36, 44)
_LEAST_SPAN_DEG = 10.0
_MOST_SPREAD_SPANS = 1.0


@dataclass(frozen=True, eq=False)
class Curve:
    """One line with a band around it."""

    side: str
    x: Float[np.ndarray, " samples"]
    y_deg: Float[np.ndarray, " samples"]
    spread_deg: Float[np.ndarray, " samples"]
    """Half the height of the band; NaN where there is none."""


@dataclass(frozen=True, eq=False)
class Panel:
    """What one panel shows."""

    title: str
    curves: tuple[Curve, ...]
    span: tuple[float, float]
    unit: str
    """Of the horizontal axis."""
    marks: tuple[tuple[str, float], ...] = ()
    """Side and place of upright lines: the landings of the feet."""

    def draw(self, picture: Image.Image, corner: tuple[int, int]) -> None:
        """Draw into ``picture`` with the top left ``corner``."""
        box = (_LEFT * SCALE, _TOP * SCALE, (WIDTH - _RIGHT) * SCALE, (HEIGHT - _BOTTOM) * SCALE)
        canvas = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), (255, 255, 255))
        pen = ImageDraw.Draw(canvas)
        low, high = self._range()
        across, up = nice_ticks(*self.span, 5), nice_ticks(low, high, 5)
        for value in across:
            pen.line((self._x(value, box), box[1], self._x(value, box), box[3]), fill=_GRID, width=SCALE)
        for value in up:
            y = self._y(value, box, low, high)
            pen.line((box[0], y, box[2], y), fill=(190, 194, 201) if value == 0 else _GRID, width=SCALE)
        for side, place in self.marks:
            x = self._x(place, box)
            pale = tuple((2 * 255 + c) // 3 for c in SIDE_COLOURS[side])
            pen.line((x, box[1], x, box[3]), fill=pale, width=SCALE)
        for curve in self.curves:
            canvas = self._band(canvas, box, curve, low, high)
        pen = ImageDraw.Draw(canvas)
        for curve in self.curves:
            self._line(pen, box, curve, low, high)
        pen.rectangle(box, outline=_FRAME, width=1)
        picture.paste(canvas.resize((WIDTH, HEIGHT), Image.Resampling.BOX), corner)
        self._labels(ImageDraw.Draw(picture), corner, across, up, (low, high))

    def _x(self, value: float, box: tuple[int, int, int, int]) -> int:
        start, end = self.span
        return round(box[0] + (value - start) / max(end - start, 1e-9) * (box[2] - box[0]))

    def _y(self, value: float, box: tuple[int, int, int, int], low: float, high: float) -> float:
        return box[3] - (value - low) / (high - low) * (box[3] - box[1])

    def _range(self) -> tuple[float, float]:
        """Degrees at the lower and the upper edge: all of the curves, of wide bands only a part."""
        known = np.concatenate([curve.y_deg[np.isfinite(curve.y_deg)] for curve in self.curves])
        if not known.size:
            return 0.0, _LEAST_SPAN_DEG
        low, high = float(known.min()), float(known.max())
        spread = [curve.spread_deg[np.isfinite(curve.spread_deg)] for curve in self.curves]
        widest = max((float(np.percentile(s, 90)) for s in spread if s.size), default=0.0)
        grow = 0.06 * (high - low) + min(widest, _MOST_SPREAD_SPANS * max(high - low, _LEAST_SPAN_DEG))
        grow = max(grow, 0.5 * (_LEAST_SPAN_DEG - (high - low)))
        return low - grow, high + grow

    def _band(
        self, canvas: Image.Image, box: tuple[int, int, int, int], curve: Curve, low: float, high: float
    ) -> Image.Image:
        overlay = Image.new("L", canvas.size, 0)
        pen = ImageDraw.Draw(overlay)
        step = max(1, len(curve.x) // (box[2] - box[0]))
        for first, last in runs(np.isfinite(curve.y_deg) & np.isfinite(curve.spread_deg)):
            part = slice(first, last, step)
            if len(curve.x[part]) < 2:
                continue
            x = [self._x(value, box) for value in curve.x[part]]
            edges = [np.clip(curve.y_deg[part] + sign * curve.spread_deg[part], low, high) for sign in (1.0, -1.0)]
            top, bottom = ([self._y(float(v), box, low, high) for v in edge] for edge in edges)
            pen.polygon([*zip(x, top, strict=True), *zip(x[::-1], bottom[::-1], strict=True)], fill=44)
        return Image.composite(Image.new("RGB", canvas.size, SIDE_COLOURS[curve.side]), canvas, overlay)

    def _line(
        self, pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int], curve: Curve, low: float, high: float
    ) -> None:
        wraps = np.concatenate(([False], np.abs(np.diff(np.nan_to_num(curve.y_deg))) > 180.0))
        for first, last in runs(np.isfinite(curve.y_deg)):
            cuts = [first, *(first + np.flatnonzero(wraps[first + 1 : last]) + 1).tolist(), last]
            for start, stop in pairwise(cuts):
                x = np.array([float(self._x(value, box)) for value in curve.x[start:stop]])
                y = np.array([self._y(float(value), box, low, high) for value in curve.y_deg[start:stop]])
                line = thinned(x, y, 2 * (box[2] - box[0]))
                if len(line) > 1:
                    pen.line([(a, b) for a, b in line.tolist()], fill=SIDE_COLOURS[curve.side], width=2 * SCALE)
                elif len(line) == 1:
                    a, b = line[0].tolist()
                    pen.ellipse((a - 3, b - 3, a + 3, b + 3), fill=SIDE_COLOURS[curve.side])

    def _labels(
        self,
        pen: ImageDraw.ImageDraw,
        corner: tuple[int, int],
        across: list[float],
        up: list[float],
        edges: tuple[float, float],
    ) -> None:
        x0, y0 = corner
        small = ImageFont.load_default(size=11)
        box = (_LEFT, _TOP, WIDTH - _RIGHT, HEIGHT - _BOTTOM)
        pen.text((x0 + _LEFT, y0 + 2), self.title, font=ImageFont.load_default(size=14), fill=_INK)
        for value in across:
            words = f"{value:g}" if value != across[-1] else f"{value:g} {self.unit}"
            pen.text((x0 + self._x(value, box), y0 + box[3] + 3), words, font=small, fill=_INK, anchor="ma")
        for value in up:
            y = y0 + self._y(value, box, *edges)
            if y0 + box[1] + 4 <= y <= y0 + box[3] - 4:
                pen.text((x0 + _LEFT - 5, y), f"{value:g}°", font=small, fill=_INK, anchor="rm")

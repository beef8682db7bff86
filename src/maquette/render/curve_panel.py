"""One panel of a picture of curves: x and y of one joint over time."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image, ImageDraw, ImageFont

from maquette.keypoints import Keypoints
from maquette.refine.keypoints_edits import runs

PANEL_WIDTH, PANEL_HEIGHT = 360, 170
SCALE = 2
"""Lines are drawn this much larger and then reduced, which smooths them."""

COLOURS: dict[str, tuple[int, int, int]] = {
    "x": (31, 105, 180),
    "y": (214, 98, 16),
    "behind": (176, 180, 188),
    "missing": (232, 234, 238),
    "swapped": (222, 205, 245),
    "filled": (201, 236, 205),
    "replaced": (255, 232, 160),
    "dropped": (250, 205, 205),
}
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 44, 20, 20
_FRAME, _GRID, _INK = (168, 173, 181), (226, 229, 233), (32, 36, 44)


@dataclass(frozen=True)
class Marks:
    """Points that repair changed."""

    swapped: Bool[np.ndarray, "frames joints"]
    filled: Bool[np.ndarray, "frames joints"]
    replaced: Bool[np.ndarray, "frames joints"]
    dropped: Bool[np.ndarray, "frames joints"]


@dataclass(frozen=True)
class Panel:
    """What one panel shows."""

    track: Keypoints
    joint: int
    span_s: tuple[float, float]
    behind: Keypoints | None
    marks: Marks | None

    def draw(self, picture: Image.Image, canvas: Image.Image, corner: tuple[int, int]) -> None:
        """Draw into ``picture`` with the top left ``corner``; ``canvas`` is scratch space of the panel's size times
        :data:`SCALE`."""
        pen = ImageDraw.Draw(canvas)
        pen.rectangle((0, 0, *canvas.size), fill=(255, 255, 255))
        box = (_LEFT * SCALE, _TOP * SCALE, (PANEL_WIDTH - _RIGHT) * SCALE, (PANEL_HEIGHT - _BOTTOM) * SCALE)
        pen.rectangle(box, fill=(255, 255, 255))
        self._bands(pen, box)
        seconds = nice_ticks(*self.span_s, 5)
        for second in seconds:
            x = self._x(second, box)
            pen.line((x, box[1], x, box[3]), fill=_GRID, width=SCALE)
        ranges = [self._range(axis) for axis in (0, 1)]
        for axis in (0, 1):
            if self.behind is not None:
                self._curve(pen, box, self.behind, axis, ranges[axis], COLOURS["behind"], SCALE)
            colour = COLOURS["xy"[axis]]
            self._curve(pen, box, self.track, axis, ranges[axis], colour, 2 * SCALE)
        pen.rectangle(box, outline=_FRAME, width=1)
        picture.paste(canvas.resize((PANEL_WIDTH, PANEL_HEIGHT), Image.Resampling.BOX), corner)
        self._labels(ImageDraw.Draw(picture), corner, seconds, ranges)

    def _bands(self, pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int]) -> None:
        observed = self.track.observed[:, self.joint]
        bands = [(~observed, COLOURS["missing"])]
        if self.marks is not None:
            bands += [
                (getattr(self.marks, kind)[:, self.joint], COLOURS[kind])
                for kind in ("dropped", "filled", "swapped", "replaced")
            ]
        half_s = 0.5 / float(self.track.fps)
        times_s = self.track.times_s
        for mask, colour in bands:
            for start, stop in runs(mask):
                left = self._x(float(times_s[start]) - half_s, box)
                right = max(self._x(float(times_s[stop - 1]) + half_s, box), left + 3 * SCALE)
                pen.rectangle((max(left, box[0]), box[1], min(right, box[2]), box[3]), fill=colour)

    def _x(self, second: float, box: tuple[int, int, int, int]) -> int:
        start, end = self.span_s
        return round(box[0] + (second - start) / max(end - start, 1e-9) * (box[2] - box[0]))

    def _range(self, axis: int) -> tuple[float, float]:
        """Pixels at the lower and the upper edge; the behind track takes part, so that nothing is cut off. Every
        joint's axis spans at least a twentieth of the whole track's extent: jitter of a still joint stays small."""
        seen = [self.track.points[:, self.joint, axis]]
        if self.behind is not None:
            seen.append(self.behind.points[:, self.joint, axis])
        values = np.concatenate(seen)
        values = values[np.isfinite(values)]
        everything = self.track.points[np.isfinite(self.track.points)]
        least = 0.05 * float(np.ptp(everything)) if everything.size else 1.0
        low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
        grow = max(0.06 * (high - low), 0.5 * (least - (high - low)), 0.5)
        low, high = low - grow, high + grow
        return (high, low) if axis == 1 else (low, high)

    def _curve(
        self,
        pen: ImageDraw.ImageDraw,
        box: tuple[int, int, int, int],
        track: Keypoints,
        axis: int,
        edges_px: tuple[float, float],
        colour: tuple[int, int, int],
        width: int,
    ) -> None:
        values = track.points[:, self.joint, axis]
        start, end = self.span_s
        across = box[0] + (track.times_s - start) / max(end - start, 1e-9) * (box[2] - box[0])
        down = box[3] - (values - edges_px[0]) / (edges_px[1] - edges_px[0]) * (box[3] - box[1])
        for first, last in runs(np.isfinite(values)):
            line = thinned(across[first:last], down[first:last], 2 * (box[2] - box[0]))
            if len(line) == 1:
                x, y = line[0]
                pen.ellipse((x - width, y - width, x + width, y + width), fill=colour)
            else:
                pen.line([(x, y) for x, y in line.tolist()], fill=colour, width=width, joint="curve")

    def _labels(
        self,
        pen: ImageDraw.ImageDraw,
        corner: tuple[int, int],
        seconds: list[float],
        ranges: list[tuple[float, float]],
    ) -> None:
        x0, y0 = corner
        small = ImageFont.load_default(size=11)
        pen.text(
            (x0 + _LEFT, y0 + 1),
            self.track.skeleton.joints[self.joint],
            font=ImageFont.load_default(size=14),
            fill=_INK,
        )
        box = (_LEFT, _TOP, PANEL_WIDTH - _RIGHT, PANEL_HEIGHT - _BOTTOM)
        for second in seconds:
            at = x0 + self._x(second, box)
            words = f"{second:g}" if second != seconds[-1] else f"{second:g} s"
            pen.text((at, y0 + box[3] + 3), words, font=small, fill=_INK, anchor="ma")
        for axis, edges in enumerate(ranges):
            at, anchor = (x0 + _LEFT - 5, "rm") if axis == 0 else (x0 + PANEL_WIDTH - _RIGHT + 5, "lm")
            for value in nice_ticks(min(edges), max(edges), 4):
                y = y0 + box[3] - (value - edges[0]) / (edges[1] - edges[0]) * (box[3] - box[1])
                if y0 + box[1] + 4 <= y <= y0 + box[3] - 4:
                    pen.text((at, y), f"{value:g}", font=small, fill=COLOURS["xy"[axis]], anchor=anchor)


def nice_ticks(low: float, high: float, about: int) -> list[float]:
    """Round numbers between ``low`` and ``high``, about as many as asked for."""
    if not high > low:
        return [low]
    step = 10.0 ** np.floor(np.log10((high - low) / about))
    step = next(factor * step for factor in (1, 2, 5, 10) if (high - low) / (factor * step) <= about + 1)
    first, last = int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9))
    return [float(f"{k * step:.10g}") for k in range(first, last + 1)]


def thinned(x: Float[np.ndarray, " points"], y: Float[np.ndarray, " points"], most: int) -> Float[np.ndarray, "kept 2"]:
    """A line of at most about ``most`` points that looks the same: the lowest and the highest of each stretch."""
    if len(x) <= most:
        return np.stack((x, y), axis=-1)
    per_stretch = -(-2 * len(x) // most)
    n = len(x) // per_stretch * per_stretch
    stretches = y[:n].reshape(-1, per_stretch)
    ends = np.stack((stretches.argmin(1), stretches.argmax(1)), axis=1)
    keep = (np.sort(ends, axis=1) + np.arange(len(stretches))[:, None] * per_stretch).reshape(-1)
    keep = np.unique(np.concatenate(([0], keep, np.arange(n, len(x)), [len(x) - 1])))
    return np.stack((x[keep], y[keep]), axis=-1)

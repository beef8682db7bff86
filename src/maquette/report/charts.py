"""Small SVG charts, drawn by hand so that a page needs nothing from outside."""

from collections.abc import Sequence
from html import escape

import numpy as np
from jaxtyping import Float

from maquette.render.curve_panel import nice_ticks, thinned

_BANDS = ("#f4f1ea", "#e9eef3")
_COLOURS = ("#c2482d", "#3567a8", "#2b2b2b", "#3f8f5f", "#8a5ca8", "#b8860b")
_LEFT, _RIGHT, _MIDDLE = "#2a6cb8", "#dd6b2b", "#77736b"
_MOST_POINTS = 1500
"""Of a line: more than there are pixels."""


def over_time(
    times_s: Float[np.ndarray, " frames"],
    lines: dict[str, Float[np.ndarray, " frames"]],
    unit: str,
    *,
    bands: Sequence[tuple[str, float, float]] = (),
    from_zero: bool = False,
    width: int = 920,
    height: int = 240,
) -> str:
    """Curves over time, interrupted where a value is unknown and left out where all are; the sides in their colours.

    Args:
        lines: name -> values; names that begin with "left" or "right" are the sides.
        unit: of the values.
        bands: name, begin and end in seconds of stretches to shade.
        from_zero: the axis begins at 0.
    """
    lines = {name: values for name, values in lines.items() if np.isfinite(values).any()}
    left, right, top, bottom = 62, width - 14, 28, height - 34
    begin_s, end_s = float(times_s[0]), max(float(times_s[-1]), float(times_s[0]) + 1e-3)
    low, high = _range(list(lines.values()), from_zero)

    def x(t: float | int) -> float:
        return left + (right - left) * (t - begin_s) / (end_s - begin_s)

    def y(value: float | int) -> float:
        return bottom - (bottom - top) * (value - low) / (high - low)

    parts = []
    for i, (name, start, stop) in enumerate(bands):
        x0, x1 = x(max(start, begin_s)), x(min(stop, end_s))
        parts.append(
            f'<rect x="{x0:.1f}" y="{top}" width="{x1 - x0:.1f}" height="{bottom - top}" fill="{_BANDS[i % 2]}"/>'
        )
        parts.append(_text((x0 + x1) / 2, top - 9, name, "middle"))
    for value in nice_ticks(low, high, 5):
        parts.append(f'<line x1="{left}" x2="{right}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#d4d0c8"/>')
        parts.append(_text(left - 8, y(value) + 4, f"{value:g}", "end"))
    for second in nice_ticks(begin_s, end_s, 10):
        parts.append(_text(x(second), bottom + 17, f"{second:g} s", "middle"))
    parts.append(_text(left - 8, top - 9, unit, "end"))
    colours = _line_colours(list(lines))
    for name, values in lines.items():
        for piece in _pieces(times_s, values):
            points = thinned(piece[0], piece[1], _MOST_POINTS)
            parts += _curve([(x(t), y(v)) for t, v in points.tolist()], colours[name])
    return _svg(width, height, parts) + _legend(colours)


def path_from_above(
    paths_m: dict[str, Float[np.ndarray, "frames 2"]],
    camera_m: tuple[float, float] | None = None,
    *,
    width: int = 920,
    height: int = 320,
) -> str:
    """Paths on the floor from above, world x to the right, z downwards, with the start as a dot."""
    known = [path[np.isfinite(path).all(axis=-1)] for path in paths_m.values()]
    both = np.concatenate(known)
    around = max(0.35, 0.04 * float(np.ptp(both, axis=0).max()))
    low, high = both.min(axis=0) - around, both.max(axis=0) + around
    scale = min(width / (high[0] - low[0]), height / (high[1] - low[1]))
    margin = np.array([width, height]) - scale * (high - low)

    def at(point: np.ndarray) -> tuple[float, float]:
        x, y = margin / 2 + scale * (point - low)
        return float(x), float(y)

    parts = [f'<rect width="{width}" height="{height}" fill="#faf8f4"/>']
    spacing = 0.5
    while scale * spacing < 12:
        spacing *= 10
    edges = [low - margin / 2 / scale, high + margin / 2 / scale]
    for k in np.arange(np.ceil(edges[0][0] / spacing), np.floor(edges[1][0] / spacing) + 1) * spacing:
        x = at(np.array([k, 0.0]))[0]
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height}" stroke="#e6e2da"/>')
    for k in np.arange(np.ceil(edges[0][1] / spacing), np.floor(edges[1][1] / spacing) + 1) * spacing:
        y = at(np.array([0.0, k]))[1]
        parts.append(f'<line x1="0" x2="{width}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e6e2da"/>')
    colours = _line_colours(list(paths_m))
    for name, path in paths_m.items():
        parts += _curve([at(p) for p in path[:: max(1, len(path) // _MOST_POINTS)]], colours[name])
        first = at(path[np.isfinite(path).all(axis=-1)][0])
        parts.append(f'<circle cx="{first[0]:.1f}" cy="{first[1]:.1f}" r="4" fill="{colours[name]}"/>')
    if camera_m is not None:
        arrow_x = float(np.clip(at(np.array(camera_m))[0], 60, width - 60))
        parts.append(_text(arrow_x, height - 10, "to the camera ↓", "middle"))
    squares = f'<p class="legend">The dot is the start; one square is {spacing:g} m.</p>'
    return _svg(width, height, parts) + (_legend(colours) if len(colours) > 1 else "") + squares


def bars(values: dict[str, float], *, unit: str = "", decimals: int = 0, width: int = 920) -> str:
    """One horizontal bar for each joint; those of left and right in the colours of the sides."""
    row, left = 20, 120
    highest = max(values.values())
    parts = []
    for i, (name, value) in enumerate(values.items()):
        length = (width - left - 90) * value / highest if highest > 0 else 0.0
        colour = _LEFT if name.startswith("l_") else _RIGHT if name.startswith("r_") else _MIDDLE
        parts.append(_text(left - 8, row * i + 14, name.replace("_", " "), "end"))
        parts.append(f'<rect x="{left}" y="{row * i + 4}" width="{length:.1f}" height="12" rx="2" fill="{colour}"/>')
        parts.append(_text(left + length + 8, row * i + 14, f"{value:.{decimals}f} {unit}".rstrip(), "start"))
    return _svg(width, row * len(values) + 6, parts)


def _range(lines: Sequence[Float[np.ndarray, " frames"]], from_zero: bool) -> tuple[float, float]:
    """Ends of the upright axis: on round numbers, and apart where all is one value."""
    values = np.concatenate([np.zeros(0), *(line[np.isfinite(line)] for line in lines)])
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    low = 0.0 if from_zero else low
    if high - low < 1e-9 * max(abs(high), 1.0):
        low, high = (low, low + 1.0) if from_zero else (low - 0.5, high + 0.5)
    ticks = nice_ticks(low, high, 5)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else high - low
    return float(np.floor(low / step + 1e-9) * step), float(np.ceil(high / step - 1e-9) * step)


def _pieces(
    times_s: Float[np.ndarray, " frames"], values: Float[np.ndarray, " frames"]
) -> list[tuple[Float[np.ndarray, " part"], Float[np.ndarray, " part"]]]:
    """The stretches of a curve between its gaps."""
    known = np.flatnonzero(np.isfinite(values))
    runs = np.split(known, np.flatnonzero(np.diff(known) > 1) + 1) if known.size else []
    return [(times_s[run], values[run]) for run in runs]


def _line_colours(names: Sequence[str]) -> dict[str, str]:
    """Sides have their own colours, others take the next free one."""
    free = iter(_COLOURS * (1 + len(names) // len(_COLOURS)))
    sides = {"left": _LEFT, "right": _RIGHT}
    return {name: sides.get(name.split(" ")[0]) or next(free) for name in names}


def _curve(points: list[tuple[float, float]], colour: str) -> list[str]:
    """Polylines through the points, interrupted where one is missing."""
    pieces: list[list[str]] = [[]]
    for x, y in points:
        if np.isfinite(x) and np.isfinite(y):
            pieces[-1].append(f"{x:.1f},{y:.1f}")
        elif pieces[-1]:
            pieces.append([])
    style = f'fill="none" stroke="{colour}" stroke-width="1.8" stroke-linejoin="round"'
    return [f'<polyline points="{" ".join(piece)}" {style}/>' for piece in pieces if piece]


def _text(x: float | int, y: float | int, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _svg(width: int, height: int, parts: list[str]) -> str:
    return f'<svg viewBox="0 0 {width} {height}" role="img">{"".join(parts)}</svg>'


def _legend(colours: dict[str, str]) -> str:
    items = (f'<span><i style="background:{colour}"></i>{escape(name)}</span>' for name, colour in colours.items())
    return f'<p class="legend">{"".join(items)}</p>'

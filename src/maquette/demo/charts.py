"""Small SVG charts for the demo's report, drawn by hand so that the page needs nothing from outside."""

from html import escape

import numpy as np
from jaxtyping import Float

_BANDS = ("#f4f1ea", "#e9eef3")
_ESTIMATE, _TRUTH, _SECOND = "#c2482d", "#2b2b2b", "#3567a8"
_LEFT, _RIGHT, _MIDDLE = "#2a6cb8", "#dd6b2b", "#77736b"


def error_over_time(
    times_s: Float[np.ndarray, " frames"],
    lines_mm: dict[str, Float[np.ndarray, " frames"]],
    activities: tuple[tuple[str, float, float], ...],
    *,
    width: int = 920,
    height: int = 260,
) -> str:
    """Errors in millimetres over time, with a band for each activity."""
    left, right, top, bottom = 52, width - 12, 28, height - 34
    end_s = float(times_s[-1])
    highest = max(float(np.nanmax(values)) for values in lines_mm.values())
    step = next(s for s in (10, 20, 25, 50, 100, 200, 500, 1000, 10_000) if highest / s <= 6)
    ceiling = step * np.ceil(highest / step)

    def x(t: float | int) -> float:
        return left + (right - left) * t / end_s

    def y(mm: float) -> float:
        return bottom - (bottom - top) * mm / ceiling

    parts = []
    for i, (name, begin, stop) in enumerate(activities):
        x0, x1 = x(begin), x(min(stop, end_s))
        parts.append(
            f'<rect x="{x0:.1f}" y="{top}" width="{x1 - x0:.1f}" height="{bottom - top}" fill="{_BANDS[i % 2]}"/>'
        )
        parts.append(_text((x0 + x1) / 2, top - 9, name, "middle"))
    for mm in np.arange(0, ceiling + 1, step):
        parts.append(f'<line x1="{left}" x2="{right}" y1="{y(mm):.1f}" y2="{y(mm):.1f}" stroke="#d4d0c8"/>')
        parts.append(_text(left - 8, y(mm) + 4, f"{mm:.0f}", "end"))
    for second in range(int(end_s) + 1):
        parts.append(_text(x(second), bottom + 17, f"{second} s", "middle"))
    parts.append(_text(left - 8, top - 9, "mm", "end"))
    for (_, values), colour in zip(lines_mm.items(), (_ESTIMATE, _SECOND, _TRUTH), strict=False):
        points = [(x(t), y(v)) for t, v in zip(times_s.tolist(), values.tolist(), strict=True)]
        parts += _curve(points, colour)
    return _svg(width, height, parts) + _legend(dict(zip(lines_mm, (_ESTIMATE, _SECOND, _TRUTH), strict=False)))


def path_from_above(
    truth_m: Float[np.ndarray, "frames 2"],
    estimate_m: Float[np.ndarray, "frames 2"],
    camera_m: tuple[float, float],
    *,
    width: int = 920,
    height: int = 320,
) -> str:
    """Both paths of the hip on the floor from above, x to the right, the camera below; one square is 0.5 m."""
    both = np.concatenate((truth_m, estimate_m[np.isfinite(estimate_m).all(axis=-1)]))
    low, high = both.min(axis=0) - 0.35, both.max(axis=0) + 0.35
    scale = min(width / (high[0] - low[0]), height / (high[1] - low[1]))
    margin = (width - scale * (high[0] - low[0])) / 2

    def at(point: np.ndarray) -> tuple[float, float]:
        return margin + scale * (point[0] - low[0]), scale * (point[1] - low[1])

    parts = [f'<rect width="{width}" height="{height}" fill="#faf8f4"/>']
    for k in np.arange(np.ceil((low[0] - margin / scale) * 2), np.floor((high[0] + margin / scale) * 2) + 1) / 2:
        x = at(np.array([k, 0.0]))[0]
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height}" stroke="#e6e2da"/>')
    for k in np.arange(np.ceil(low[1] * 2), np.floor(high[1] * 2) + 1) / 2:
        y = at(np.array([0.0, k]))[1]
        parts.append(f'<line x1="0" x2="{width}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e6e2da"/>')
    for path, colour in ((truth_m, _TRUTH), (estimate_m, _ESTIMATE)):
        parts += _curve([at(p) for p in path], colour)
        first = at(path[np.isfinite(path).all(axis=-1)][0])
        parts.append(f'<circle cx="{first[0]:.1f}" cy="{first[1]:.1f}" r="4" fill="{colour}"/>')
    eye = np.array(camera_m)
    arrow_x = float(np.clip(at(eye)[0], 40, width - 40))
    parts.append(_text(arrow_x, height - 10, "to the camera ↓", "middle"))
    return _svg(width, height, parts) + _legend({"truth": _TRUTH, "lifted": _ESTIMATE})


def bars(values_mm: dict[str, float], *, width: int = 920) -> str:
    """One horizontal bar for each joint, in millimetres."""
    row, left = 20, 110
    highest = max(values_mm.values())
    parts = []
    for i, (name, value) in enumerate(values_mm.items()):
        length = (width - left - 70) * value / highest if highest > 0 else 0.0
        colour = _LEFT if name.startswith("l_") else _RIGHT if name.startswith("r_") else _MIDDLE
        parts.append(_text(left - 8, row * i + 14, name.replace("_", " "), "end"))
        parts.append(f'<rect x="{left}" y="{row * i + 4}" width="{length:.1f}" height="12" rx="2" fill="{colour}"/>')
        parts.append(_text(left + length + 8, row * i + 14, f"{value:.0f}", "start"))
    return _svg(width, row * len(values_mm) + 6, parts)


def _curve(points: list[tuple[float, float]], colour: str) -> list[str]:
    """Polylines through the points, interrupted where one is missing."""
    pieces: list[list[str]] = [[]]
    for x, y in points:
        if np.isfinite(x) and np.isfinite(y):
            pieces[-1].append(f"{x:.1f},{y:.1f}")
        elif pieces[-1]:
            pieces.append([])
    style = f'fill="none" stroke="{colour}" stroke-width="2" stroke-linejoin="round"'
    return [f'<polyline points="{" ".join(piece)}" {style}/>' for piece in pieces if piece]


def _text(x: float | int, y: float | int, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _svg(width: int, height: int, parts: list[str]) -> str:
    return f'<svg viewBox="0 0 {width} {height}" role="img">{"".join(parts)}</svg>'


def _legend(colours: dict[str, str]) -> str:
    items = (f'<span><i style="background:{colour}"></i>{escape(name)}</span>' for name, colour in colours.items())
    return f'<p class="legend">{"".join(items)}</p>'

"""Loss and errors over the steps of a training, as a picture."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from maquette.atomic import atomic_path

_SIZE_INCHES, _DPI = (9.0, 3.6), 110


def draw_curves(path: Path, rows: Sequence[Mapping[str, float]], loss_column: str, metrics: Sequence[str]) -> None:
    """Write a PNG with two panels: the loss, and what validations measured.

    Raises:
        OutputError: it cannot be written.
    """
    from matplotlib.figure import Figure  # without pyplot: no window, no global state
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

    figure = Figure(figsize=_SIZE_INCHES, dpi=_DPI, layout="constrained")
    left, right = figure.subplots(1, 2)
    _line(left, rows, loss_column, loss_column)
    left.set_ylabel(loss_column.replace("_mm", " (mm)").replace("_", " "))
    for name in metrics:
        words = name.removesuffix("_mm").replace("pa_mpjpe", "PA-MPJPE").replace("mpjpe", "MPJPE").replace("_", " ")
        _line(right, rows, name, words)
    right.set_ylabel("error (mm)" if all(name.endswith("_mm") for name in metrics) else "error")
    if right.get_legend_handles_labels()[0]:
        right.legend(frameon=False, fontsize=8)
    for axes in (left, right):
        axes.set_xlabel("step")
        axes.grid(alpha=0.3)
        values = [v for line in axes.get_lines() for v in line.get_ydata()]
        if values and min(values) > 0 and max(values) > 4 * min(values):
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 4, 5, 7)))
            axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            axes.yaxis.set_minor_locator(NullLocator())
        axes.spines[["top", "right"]].set_visible(False)
    with atomic_path(path) as temporary:
        figure.savefig(temporary)


def _line(axes, rows: Sequence[Mapping[str, float]], name: str, label: str) -> None:
    points = [(row["step"], row[name]) for row in rows if math.isfinite(row.get(name, math.nan))]
    if points:
        axes.plot(*zip(*points, strict=True), label=label, linewidth=1.4, marker="." if len(points) < 40 else None)

"""The figure: a row of small panels, one for each axis of the grid, for each set."""

from pathlib import Path

from maquette.atomic import atomic_path
from maquette.errors import missing_extra
from maquette.lifter_benchmark.grid import ELEVATION, FORMAT, NOISE, NOISY_RATE, OCCLUSION, RATE
from maquette.lifter_benchmark.report import Report

_PANELS = (NOISE, ELEVATION, RATE, OCCLUSION, FORMAT)
_LINES = (NOISE, ELEVATION, RATE)
_WIDTHS = (1.0, 1.35, 1.0, 1.3, 1.6)
_TITLES = {
    NOISE: "Detector noise\n(1: usual)",
    ELEVATION: "Camera elevation\n(degrees above the horizon)",
    RATE: "Frames per second\n(dashed: with noise 1)",
    OCCLUSION: "Missing points",
    FORMAT: "2D format",
}
# Told apart by common kinds of colour vision, and by their marks in grey.
_COLOURS = ("#1e6ab4", "#de6826", "#3a8a5f", "#8a5aa8", "#b8860b", "#58606a", "#c2417a", "#2a9aa8")
_MARKS = "osD^vPX*"
_INK, _MUTED, _GRID = "#2e323a", "#7e7c76", "#e2dfd8"


def draw(report: Report, path: str | Path) -> None:
    """Write the figure (``.png``, ``.pdf`` or ``.svg``): MPJPE in mm of every model along every axis.

    Raises:
        MissingExtraError: matplotlib is not installed (extra: plot).
        OutputError: the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise missing_extra("plot", "matplotlib") from None
    rows = len(report.sets)
    figure = Figure(figsize=(13.5, 0.9 + 3.3 * rows), layout="constrained", facecolor="white")
    axes = figure.subplots(rows, len(_PANELS), squeeze=False, width_ratios=_WIDTHS, sharey="row")
    for row, test_set in enumerate(report.sets):
        for place, axis in zip(axes[row], _PANELS, strict=True):
            _panel(place, report, axis, test_set, _top(report, test_set))
            if axis == RATE:
                _panel(place, report, NOISY_RATE, test_set, _top(report, test_set))
            _dress(place)
            if row == 0:
                place.set_title(_TITLES[axis], fontsize=10, color=_INK)
            if row < rows - 1:
                place.tick_params(labelbottom=False)
        axes[row][0].set_ylabel(f"{test_set}\nMPJPE, mm", fontsize=10, color=_INK)
        axes[row][0].set_ylim(0, _top(report, test_set))
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=min(len(labels), 4), frameon=False, fontsize=10)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=130)


def _top(report: Report, test_set: str) -> float:
    """Upper end of a row's axis: a few cells beyond twice the usual error must not press all others flat."""
    errors = sorted(cell.mpjpe_mm for *_, name, _, cell in report.rows if name == test_set and cell.mpjpe_mm)
    if not errors:
        return 1.0
    return 1.08 * min(errors[-1], 2.5 * errors[len(errors) // 2])


def _panel(place, report: Report, axis: str, test_set: str, top: float) -> None:
    labels = report.conditions(axis)
    along = axis in (*_LINES, NOISY_RATE)
    line = "none" if not along else "--" if axis == NOISY_RATE else "-"
    count = len(report.models)
    for i, model in enumerate(report.models):
        cells = [report.cell(axis, label, test_set, model.name) for label in labels]
        values = [cell.mpjpe_mm if cell.mpjpe_mm and cell.mpjpe_mm <= 0.97 * top else float("nan") for cell in cells]
        # Names have no order to draw a line along; side by side they stay readable.
        shift = 0.0 if along else (i - (count - 1) / 2) * min(0.16, 0.6 / count)
        place.plot(
            [x + shift for x in range(len(labels))],
            values,
            color=_COLOURS[i % len(_COLOURS)],
            marker=_MARKS[i % len(_MARKS)],
            markersize=5.5,
            linewidth=1.8,
            linestyle=line,
            label=model.name,
        )
        for x, cell in enumerate(cells):
            if cell.mpjpe_mm is None or cell.mpjpe_mm > 0.97 * top:
                if axis == NOISY_RATE:
                    continue
                beyond = cell.mpjpe_mm is not None
                # What lies beyond is written at the upper edge, what does not apply is a dash at the lower one.
                place.annotate(
                    f"{cell.mpjpe_mm:.0f} ↑" if beyond else "–",
                    (x + shift, 1 if beyond else 0),
                    xycoords=("data", "axes fraction"),
                    xytext=(0, -4 - 11 * i if beyond else 4),
                    textcoords="offset points",
                    ha="center",
                    va="top" if beyond else "bottom",
                    fontsize=8.5,
                    color=_COLOURS[i % len(_COLOURS)],
                )
    place.set_xticks(range(len(labels)), [_short(axis, label) for label in labels], fontsize=8.5)
    if not along:
        place.tick_params(axis="x", labelrotation=35)
        for tick in place.get_xticklabels():
            tick.set_ha("right")
        place.set_xlim(-0.6, len(labels) - 0.4)


def _short(axis: str, label: str) -> str:
    if axis == ELEVATION:
        low = int(label.split()[0])
        return str(low + 5)
    return label.removesuffix(" fps").removeprefix("openpose-").replace("30 % of points", "30 % at random")


def _dress(place) -> None:
    place.grid(axis="y", color=_GRID, linewidth=0.8)
    place.set_axisbelow(True)
    for side in ("top", "right", "left"):
        place.spines[side].set_visible(False)
    place.spines["bottom"].set_color(_MUTED)
    place.tick_params(colors=_INK, length=0, labelsize=8.5)

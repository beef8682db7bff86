"""The figure of a report: its headline by action, PCK over the threshold, the error of every joint."""

from pathlib import Path

from maquette.atomic import atomic_path
from maquette.errors import OutputError, missing_extra
from maquette.evaluate.report import Report
from maquette.evaluate.tables import TITLES

INK, _MUTED, _GRID = "#2e323a", "#7e7c76", "#e2dfd8"
COLOURS = ("#1e6ab4", "#de6826", "#2f8f5b")
_FIRST, _SECOND = COLOURS[:2]
FIGURE_SUFFIXES = (".png", ".pdf", ".svg")


def draw(report: Report, path: str | Path) -> None:
    """Write the figure (:data:`FIGURE_SUFFIXES`).

    Raises:
        MissingExtraError: matplotlib is not installed (extra: plot).
        OutputError: another suffix, or the file cannot be written.
    """
    if Path(path).suffix.lower() not in FIGURE_SUFFIXES:
        raise OutputError(f"{path}: expected a name that ends in {' or '.join(FIGURE_SUFFIXES)}")
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise missing_extra("plot", "matplotlib") from None
    protocol = report.protocol
    figure = Figure(figsize=(12, 7.4), layout="constrained", facecolor="white")
    grid = figure.add_gridspec(2, 2, width_ratios=(1.55, 1))
    _actions(figure.add_subplot(grid[0, :]), report)
    _joints(figure.add_subplot(grid[1, 0]), report)
    _curve(figure.add_subplot(grid[1, 1]), report)
    name, unit = TITLES[protocol.headline]
    value = "–" if report.headline is None else f"{report.headline:.1f}"
    figure.suptitle(
        f"{report.model.name} on {report.data.name}: {name} {value} {unit}\nprotocol {protocol.name}, "
        f"{len(protocol.joints)} joints, {report.average.frames:,} frames",
        color=INK,
        fontsize=12,
    )
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=130)


def _actions(place, report: Report) -> None:
    headline = report.protocol.headline
    name, unit = TITLES[headline]
    split = report.protocol.average == "subjects and actions"
    rows = [row for row in report.of("subject and action" if split else "action") if row.metrics[headline] is not None]
    values = [row.metrics[headline] or 0.0 for row in rows]
    bars = place.bar(range(len(rows)), values, color=_FIRST, width=min(0.7, 0.1 * max(len(rows), 2)))
    place.bar_label(bars, fmt="%.1f", fontsize=8.5, color="white", label_type="center")
    if report.headline is not None:
        place.axhline(report.headline, color=_SECOND, linewidth=1.4, label=f"average {report.headline:.1f} {unit}")
        place.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0, 1.0))
    place.set_xticks(range(len(rows)), [row.title for row in rows], rotation=35 if len(rows) > 6 else 0, fontsize=8.5)
    if len(rows) > 6:
        for tick in place.get_xticklabels():
            tick.set_ha("right")
    place.set_xlim(-0.7, max(len(rows), 3) - 0.3)
    dress(place, f"{name}, {unit}")


def _joints(place, report: Report) -> None:
    n = len(report.joints)
    places = range(n)
    place.bar([x - 0.2 for x in places], [j.mpjpe for j in report.joints], 0.4, color=_FIRST, label="MPJPE")
    place.bar([x + 0.2 for x in places], [j.pa_mpjpe for j in report.joints], 0.4, color=_SECOND, label="PA-MPJPE")
    place.set_xticks(places, [joint.name for joint in report.joints], rotation=50, ha="right", fontsize=8)
    place.legend(frameon=False, fontsize=9, ncols=2, loc="lower left", bbox_to_anchor=(0, 1.0))
    place.set_xlim(-0.7, n - 0.3)
    dress(place, "mm, all frames")


def _curve(place, report: Report) -> None:
    curve = report.pck_curve
    place.plot(curve.thresholds_mm, curve.correct, color=_FIRST, linewidth=2)
    place.set_xlim(0, curve.thresholds_mm[-1])
    place.set_ylim(0, 101)
    place.set_xlabel("threshold, mm", fontsize=9, color=INK)
    area = sum(curve.correct) / len(curve.correct)
    # Beside the curve, wherever that is.
    x, y, across, up = (0.97, 0.05, "right", "bottom") if curve.correct[-1] > 60 else (0.03, 0.95, "left", "top")
    text = f"PCK@150 {curve.correct[-1]:.1f} %\nAUC {area:.1f} %"
    place.text(x, y, text, transform=place.transAxes, ha=across, va=up, fontsize=10, color=INK)
    dress(place, "joints nearer than that, %")


def dress(place, label: str) -> None:
    """The looks that all axes share."""
    place.set_ylabel(label, fontsize=9, color=INK)
    place.grid(axis="y", color=_GRID, linewidth=0.8)
    place.set_axisbelow(True)
    for side in ("top", "right", "left"):
        place.spines[side].set_visible(False)
    place.spines["bottom"].set_color(_MUTED)
    place.tick_params(colors=INK, length=0, labelsize=8.5)

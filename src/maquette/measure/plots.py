"""Pictures of a measurement: every angle over time, and over the gait cycle."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from maquette.atomic import atomic_path
from maquette.measure.angle_definitions import ANGLES, base_name
from maquette.measure.cycles import AngleCycle, angle_cycles
from maquette.measure.measurement import Measurement
from maquette.measure.plot_panel import HEIGHT, SIDE_COLOURS, WIDTH, Curve, Panel

_MARGIN, _HEAD, _GAP, _COLUMNS = 24, 78, 16, 3
_INK, _PALE_INK = (32, 36, 44), (96, 102, 112)


def write_plots(measurement: Measurement, folder: str | Path) -> list[Path]:
    """Write ``angles.png`` (over time, with one standard deviation around where it is known) and, where strides were
    found, ``cycles.png`` (mean and standard deviation over the strides); returns their paths.

    Raises:
        OutputError: the folder cannot be written to.
    """
    pictures = {"angles": draw_angles(measurement)}
    cycles = angle_cycles(measurement.angles, measurement.events)
    if cycles:
        pictures["cycles"] = draw_cycles(measurement, cycles)
    paths = []
    for name, picture in pictures.items():
        path = Path(folder) / f"{name}.png"
        with atomic_path(path) as temporary:
            picture.save(temporary, format="PNG")
        paths.append(path)
    return paths


def draw_angles(measurement: Measurement) -> Image.Image:
    """All angles over time; upright lines are landings of the feet."""
    angles = measurement.angles
    times_s = angles.times_s
    span = (float(times_s[0]), float(times_s[-1])) if len(times_s) else (0.0, 1.0)
    marks = tuple((side, float(second)) for side, foot in measurement.events.feet.items() for second in foot.strikes_s)
    panels = []
    for base, names in _grouped(angles.names).items():
        curves = []
        for name in names:
            column = angles.names.index(name)
            spread = (
                np.full(len(times_s), np.nan) if measurement.sigma_deg is None else measurement.sigma_deg[:, column]
            )
            curves.append(Curve(_side(name), times_s, angles.values_deg[:, column], spread))
        panels.append(Panel(_title(base), tuple(curves), span, "s", marks))
    band = "band: one standard deviation" if measurement.sigma_deg is not None else "no band: uncertainty not known"
    return _page(measurement, "angles over time", f"{band}; upright lines: landings of the feet", panels)


def draw_cycles(measurement: Measurement, cycles: dict[str, AngleCycle]) -> Image.Image:
    """Mean and standard deviation over the strides of each angle."""
    percent = np.linspace(0.0, 100.0, 101)
    panels = []
    for base, names in _grouped(tuple(cycles)).items():
        curves = tuple(Curve(_side(name), percent, cycles[name].mean_deg, cycles[name].sd_deg) for name in names)
        panels.append(Panel(_title(base), curves, (0.0, 100.0), "%"))
    counts = {cycle.foot: len(cycle.strides_deg) for cycle in cycles.values()}
    strides = ", ".join(f"{counts[foot]} {word}" for foot, word in (("l_", "left"), ("r_", "right")) if foot in counts)
    about = f"mean of the strides ({strides}), band: their standard deviation; 0 % is the landing of the foot"
    return _page(measurement, "angles over the gait cycle", f"{about}, of the midline the right", panels)


def _grouped(names: tuple[str, ...]) -> dict[str, list[str]]:
    """Left and right of an angle share a panel."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(base_name(name), []).append(name)
    return groups


def _side(name: str) -> str:
    return name[:2] if base_name(name) != name else ""


def _title(base: str) -> str:
    positive = ANGLES[base].positive.split(";")[0].split(":")[0]
    return f"{base.replace('_', ' ')}  (+ {positive})"


def _page(measurement: Measurement, title: str, about: str, panels: list[Panel]) -> Image.Image:
    rows = -(-len(panels) // _COLUMNS)
    size = (
        2 * _MARGIN + _COLUMNS * WIDTH + (_COLUMNS - 1) * _GAP,
        _HEAD + rows * (HEIGHT + _GAP) + _MARGIN,
    )
    picture = Image.new("RGB", size, (255, 255, 255))
    for place, panel in enumerate(panels):
        row, column = divmod(place, _COLUMNS)
        panel.draw(picture, (_MARGIN + column * (WIDTH + _GAP), _HEAD + row * (HEIGHT + _GAP)))
    pen, small = ImageDraw.Draw(picture), ImageFont.load_default(size=13)
    name = Path(measurement.motion.source).name
    heading = f"{name}: {title}" if name else title
    pen.text((_MARGIN, 14), heading, font=ImageFont.load_default(size=22), fill=_INK)
    pen.text((_MARGIN, 48), about, font=small, fill=_PALE_INK)
    x = size[0] - _MARGIN
    for side, word in (("r_", "right"), ("l_", "left")):
        x -= round(pen.textlength(word, font=small))
        pen.text((x, 20), word, font=small, fill=_INK)
        pen.line((x - 28, 29, x - 6, 29), fill=SIDE_COLOURS[side], width=3)
        x -= 46
    return picture

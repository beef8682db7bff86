"""The grid: one thing at a time is changed from the same base (the frame rate a second time, with noise)."""

from dataclasses import dataclass, replace
from typing import Literal

from maquette.datasets.landmarks import FORMAT_SHARES

Hidden = Literal["nothing", "one arm", "one leg", "lower body", "30 % of points"]


@dataclass(frozen=True)
class Condition:
    """How the tracks of one row are filmed and detected. The defaults are the base."""

    axis: str
    """What differs from the base."""
    label: str
    """The row's name within its axis."""
    detector: str = "h36m-17"
    """2D format: which landmarks there are, and where the detector puts them."""
    noise: float = 0.0
    """Strength of a detector's errors; 1 is that of a usual detector (see ``mistakes``)."""
    elevation_deg: tuple[float, float] = (-20.0, 40.0)
    """How far above the horizon the camera looks down from, drawn evenly between these."""
    hidden: Hidden = "nothing"
    """What is missing."""
    fps: int = 50
    """Frame rate of the 2D."""
    focal_told: bool = False
    """Whether the lifter is told the true focal length; else it reads 1.15 times the longer side."""


BASE = Condition("base", "exact 2D, 50 fps")
NOISE, ELEVATION, OCCLUSION, RATE, NOISY_RATE, FORMAT, FOCAL = (
    "detector noise",
    "camera elevation",
    "occlusion",
    "frame rate",
    "frame rate, noise 1",
    "2D format",
    "focal length",
)
_RATES = (10, 15, 25, 50, 60)
_HIDDEN: tuple[Hidden, ...] = ("nothing", "one arm", "one leg", "lower body", "30 % of points")


def _conditions() -> tuple[Condition, ...]:
    def on(axis: str, label: str, **changes) -> Condition:
        return replace(BASE, axis=axis, label=label, **changes)

    return (
        BASE,
        *(on(NOISE, f"{level:g}", noise=level) for level in (0.0, 0.5, 1.0, 2.0)),
        *(on(ELEVATION, f"{low} to {low + 10}°", elevation_deg=(float(low), low + 10.0)) for low in range(-20, 60, 10)),
        *(on(OCCLUSION, hidden, hidden=hidden) for hidden in _HIDDEN),
        *(on(RATE, f"{fps} fps", fps=fps) for fps in _RATES),
        # Exact 2D hardly notices the rate; what a temporal network gains from more frames is less of the noise.
        *(on(NOISY_RATE, f"{fps} fps", fps=fps, noise=1.0) for fps in _RATES),
        *(on(FORMAT, name, detector=name) for name in FORMAT_SHARES),
        on(FOCAL, "told", focal_told=True),
    )


CONDITIONS: tuple[Condition, ...] = _conditions()
"""Rows of the table, axis by axis."""
AXES = tuple(dict.fromkeys(condition.axis for condition in CONDITIONS))


def same_films(condition: Condition) -> Condition:
    """The condition without its name: rows that are the base itself are computed once."""
    return replace(condition, axis="", label="")

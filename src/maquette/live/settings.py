"""How a live session treats its frames."""

from dataclasses import dataclass
from pathlib import Path

from maquette.errors import InputError

MOST_PEOPLE = 16
"""Followed at once."""


@dataclass(frozen=True)
class LiveSettings:
    """What a user may choose about the way from keypoints to poses.

    Raises:
        InputError: a value out of range.
    """

    model: str | Path | None = None
    """Name of a model in the package or path of an ``.onnx`` file; None takes the fastest one (no look-ahead)."""
    people: int = 1
    """How many are followed at once, the most prominent ones."""
    calibrate_s: float | int = 3.0
    """Seconds with somebody in the picture from which tilt of the camera, ground and bone lengths are told; 0 does
    without."""
    height_m: float | int | None = None
    """Body height that sets the scale."""
    focal_px: float | int | None = None
    """Focal length; None assumes 1.15 times the longer side of the picture."""
    image_size: tuple[int, int] | None = None
    """Of the picture that the keypoints were found in, where the source does not say."""
    smooth: float | int = 1.0
    """Of the One-Euro filter on the poses: 2 is steadier and follows later, 0.5 prompter and shakier."""
    repair: bool = True
    """Drop points that cannot be right and exchange left and right back."""
    flip: bool = True
    """Average with the mirrored input."""

    def __post_init__(self) -> None:
        problems = []
        if not 1 <= self.people <= MOST_PEOPLE:
            problems.append(f"{self.people} people, expected 1 to {MOST_PEOPLE}")
        if not 0 <= self.calibrate_s <= 60:
            problems.append(f"calibration of {self.calibrate_s:g} s, expected 0 (none) to 60")
        if self.height_m is not None and not 0.4 <= self.height_m <= 2.8:
            problems.append(
                f"body height is {self.height_m:g} m, expected 0.4 to 2.8 (metres, not centimetres or feet)"
            )
        if self.focal_px is not None and not 0 < self.focal_px < 1e6:
            problems.append(f"focal length is {self.focal_px:g} px, expected a positive number of pixels")
        if not 0.25 <= self.smooth <= 4:
            problems.append(f"smoothing is {self.smooth:g}, expected 0.25 (prompt) to 4 (steady), usually 1")
        if problems:
            raise InputError.from_problems("live", problems)

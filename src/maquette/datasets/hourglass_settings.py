"""How samples for networks for pictures are made: the three published lines, and a modern one."""

from dataclasses import dataclass, replace
from typing import Literal

from maquette.errors import InputError

Gaussian = Literal["subpixel", "torch7", "torch7-border", "port6x6", "sigma2"]
"""``subpixel``: around the joint itself. Published, around the pixel that it lies in: ``torch7``: 7 by 7 pixels of
sigma 1.75; ``torch7-border``: the same with its mistake at the left and upper border, where peaks are displaced;
``port6x6``: without the last row and column of these, values of four digits; ``sigma2``: 13 by 13 of sigma 2."""
DepthUnit = Literal["half-crop", "half-crop-torch7", "crop"]
"""Depth in half sides of the crop; the same with the shift of one-based pixels that the Torch7 version left in; in
sides of the crop."""


@dataclass(frozen=True)
class Augmentation:
    """What chance does to samples; nothing by default.

    Raises:
        InputError: a share beyond 0 to 1, or a spread below 0.
    """

    scale: float = 0.0
    """Spread of the size of the crop."""
    scale_law: Literal["doubling", "linear"] = "doubling"
    """``doubling``: the side is multiplied by 2 to a normal number of that spread, at most two spreads.
    ``linear``: by 1 plus a normal number of that spread, at most one spread."""
    shift: float = 0.0
    """Spread of the centre in sides of the crop, at most two spreads."""
    rotation_deg: float = 0.0
    """Spread of the rotation, at most two spreads."""
    rotation_share: float = 0.4
    """Share of the samples that are turned."""
    flip_share: float = 0.0
    """Share of the samples that are mirrored."""
    gain: tuple[float, float] | None = None
    """Range of a factor for each colour channel; values are kept within white."""
    brightness: float = 0.0
    """Largest change of the exposure, as a share."""
    contrast: float = 0.0
    saturation: float = 0.0
    grey_share: float = 0.0
    """Share of the samples without colour."""
    blur_share: float = 0.0
    blur_px: float = 1.5
    """Largest sigma."""
    noise: float = 0.0
    """Largest spread of a camera's noise, as a share of white."""
    hidden_share: float = 0.0
    """Share of the samples of which something in front hides a part: bars, discs and boxes of any colour."""
    hidden_most: float = 0.4
    """Largest side of what hides, in sides of the crop."""

    def __post_init__(self) -> None:
        shares = ("rotation_share", "flip_share", "grey_share", "blur_share", "hidden_share")
        problems = [f"{n} is {getattr(self, n)}, expected 0 to 1" for n in shares if not 0 <= getattr(self, n) <= 1]
        spreads = ("scale", "shift", "rotation_deg", "brightness", "contrast", "saturation", "blur_px", "noise")
        problems += [f"{n} is {getattr(self, n)}, expected 0 or more" for n in spreads if not getattr(self, n) >= 0]
        if self.gain is not None and not 0 <= self.gain[0] <= self.gain[1]:
            problems.append(f"gain is {self.gain}, expected a lower and an upper factor")
        if problems:
            raise InputError.from_problems("augmentation", problems)


NO_CHANCE = Augmentation()


@dataclass(frozen=True)
class HourglassSampleSettings:
    """From somebody in a picture to a sample.

    Raises:
        InputError: sizes that are none, or a colour range that is none.
    """

    input_size: int = 256
    """Of the crop, in pixels."""
    heatmap_size: int = 64
    crop: Literal["affine", "torch7", "port", "opencv"] = "affine"
    """``affine``: exact, smoothed where the picture is larger. The others as published, see
    :mod:`maquette.detect.published_crop`."""
    side_within_picture: bool = False
    """The plain crop is at most as large as the longer side of the picture."""
    heatmaps: Gaussian = "subpixel"
    """All but ``subpixel`` take the pixel that a joint lies in."""
    sigma_px: float = 1.75
    """Of ``subpixel`` heatmaps."""
    places: Literal["annotated", "weak-perspective"] = "annotated"
    """Where joints of samples with 3D are: where they are in the picture, or where their 3D is under weak perspective,
    so that x, y and z have one scale."""
    depth: DepthUnit = "half-crop"
    anchor: Literal["pelvis", "thorax"] = "pelvis"
    """Joint of depth 0, and of weak perspective; as published the thorax, which is Human3.6M's spine."""
    thorax: Literal["given", "shoulders"] = "shoulders"
    """Of samples with 3D: the thorax moves to the middle of the shoulders, about where MPII has it."""
    drawn: Literal["annotated", "beyond-1", "not-0"] = "annotated"
    """Which joints get a bump: all that are annotated; as published, those whose x in the picture is above 1, or whose
    x or y is above 0."""
    visible: Literal["annotated", "drawn", "inside", "inside-or-missing"] = "annotated"
    """Which joints count in the constraint on bones: annotated ones; those with a bump; those in the crop; as published
    in the last version, those and all that are not annotated, which are taken to be in the first pixel."""
    with_depth: Augmentation = NO_CHANCE
    """Of samples with 3D."""
    without_depth: Augmentation = NO_CHANCE
    """Of samples with 2D alone."""
    colour_order: Literal["rgb", "bgr"] = "rgb"
    divide_by: Literal[1, 255, 256] = 255
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Taken from values that were divided, in the order of the channels."""
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        problems = []
        if not (16 <= self.input_size <= 4096 and 4 <= self.heatmap_size <= self.input_size):
            problems.append(f"crops of {self.input_size} and heatmaps of {self.heatmap_size} pixels")
        if not self.sigma_px > 0 or min(self.std) <= 0:
            problems.append(f"sigma_px is {self.sigma_px} and std {self.std}, expected numbers above 0")
        if problems:
            raise InputError.from_problems("samples", problems)


_NEWELL = Augmentation(scale=0.25, rotation_deg=30.0, rotation_share=0.4, flip_share=0.5)

TORCH7 = HourglassSampleSettings(
    crop="torch7",
    heatmaps="torch7-border",
    places="weak-perspective",
    depth="half-crop-torch7",
    anchor="thorax",
    drawn="beyond-1",
    visible="drawn",
    without_depth=replace(_NEWELL, gain=(0.6, 1.4)),
)
"""The paper's program (C-T)."""

PORT = HourglassSampleSettings(
    crop="port",
    heatmaps="port6x6",
    places="weak-perspective",
    depth="half-crop",
    anchor="thorax",
    drawn="beyond-1",
    visible="annotated",
    without_depth=replace(_NEWELL, gain=(0.6, 1.0)),
    colour_order="bgr",
    divide_by=256,
)
"""Its first PyTorch version (C-P1)."""

V2 = HourglassSampleSettings(
    crop="opencv",
    side_within_picture=True,
    heatmaps="sigma2",
    places="annotated",
    depth="crop",
    anchor="pelvis",
    thorax="given",
    drawn="not-0",
    visible="inside-or-missing",
    with_depth=Augmentation(scale=0.25, scale_law="linear", flip_share=0.5),
    without_depth=Augmentation(scale=0.25, scale_law="linear", rotation_deg=30.0, rotation_share=0.6, flip_share=0.5),
    colour_order="bgr",
    divide_by=256,
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
)
"""The second (C-P2), with a residual network and transposed convolutions."""

_MODERN = Augmentation(
    scale=0.25,
    shift=0.03,
    rotation_deg=30.0,
    rotation_share=0.6,
    flip_share=0.5,
    gain=(0.8, 1.2),
    brightness=0.3,
    contrast=0.3,
    saturation=0.3,
    grey_share=0.05,
    blur_share=0.2,
    noise=0.03,
    hidden_share=0.3,
)
MODERN = HourglassSampleSettings(with_depth=_MODERN, without_depth=_MODERN)
"""Exact crops, bumps around the joint itself, and the same chance for samples with and without 3D: a network cannot
tell by their looks which of them have it."""

PLAIN = HourglassSampleSettings()
"""The modern one without chance: for validation."""

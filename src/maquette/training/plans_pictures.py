"""From somebody in a picture to a sample, as flags; :mod:`maquette.datasets.hourglass_settings` says what they do."""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from maquette.datasets.hourglass_settings import MODERN, PORT, TORCH7, V2, HourglassSampleSettings


@dataclass(frozen=True, kw_only=True)
class PictureSampleFields:
    """How samples of people in pictures are made."""

    crop: Literal["affine", "torch7", "port", "opencv"] = "affine"
    """How the square around the person is cut: exactly, or as one of the published programs does it."""
    side_within_picture: bool = False
    """The square is at most as large as the longer side of the picture."""
    heatmaps: Literal["subpixel", "torch7", "torch7-border", "port6x6", "sigma2"] = "subpixel"
    """Bumps of the target: around the joint itself, or around its cell as one of the published programs draws them."""
    sigma_px: float = 1.75
    """Size of subpixel bumps, in cells."""
    places: Literal["annotated", "weak-perspective"] = "annotated"
    """Where joints of people with 3D are: where they are in the picture, or where their 3D is under weak
    perspective."""
    depth_unit: Literal["half-crop", "half-crop-torch7", "crop"] = "half-crop"
    """Depths in half sides of the crop, the same with a published shift, or in sides of the crop."""
    anchor: Literal["pelvis", "thorax"] = "pelvis"
    """Joint of depth 0."""
    thorax: Literal["given", "shoulders"] = "shoulders"
    """The thorax of people with 3D: as the data have it, or halfway between the shoulders, as MPII has it."""
    drawn: Literal["annotated", "beyond-1", "not-0"] = "annotated"
    """Which joints get a bump: annotated ones, or what a published program took for these."""
    visible: Literal["annotated", "drawn", "inside", "inside-or-missing"] = "annotated"
    """Which joints count in the geometry: annotated ones; those with a bump; those in the crop; these and the missing
    ones, as a published program had it."""
    colour_order: Literal["rgb", "bgr"] = "rgb"
    """In which the network gets the colours."""
    divide_by: Literal[1, 255, 256] = 255
    """What values of colours from 0 to 255 are divided by."""
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Taken from the colours then, in their order."""
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Divides the colours last."""
    scale: float = 0.0
    """Spread of the size of the crop."""
    scale_law: Literal["doubling", "linear"] = "doubling"
    """Sides are multiplied by 2 to a normal number of that spread, at most two spreads; or by 1 plus one of at most one
    spread."""
    shift: float = 0.0
    """Spread of the middle of the crop, in its sides."""
    rotation_deg: float = 0.0
    """Spread of the rotation."""
    rotation_share: float = 0.4
    """Share of the samples that are turned."""
    flip_share: float = 0.0
    """Share of the samples that are mirrored."""
    gain: tuple[float, float] = (1.0, 1.0)
    """Range of a factor for each colour."""
    brightness: float = 0.0
    """Largest change of the exposure, as a share."""
    contrast: float = 0.0
    """Largest change of the contrast, as a share."""
    saturation: float = 0.0
    """Largest change of the saturation, as a share."""
    grey_share: float = 0.0
    """Share of the samples without colour."""
    blur_share: float = 0.0
    """Share of the samples that are blurred."""
    blur_px: float = 1.5
    """Largest sigma of a blur."""
    noise: float = 0.0
    """Largest spread of a camera's noise, as a share of white."""
    hidden_share: float = 0.0
    """Share of the samples of which something in front hides a part."""
    hidden_most: float = 0.4
    """Largest side of what hides, in sides of the crop."""
    augment_3d: Literal["none", "no-rotation", "all"] = "all"
    """What of all this chance is for pictures with 3D."""


def _as_fields(
    settings: HourglassSampleSettings, augment_3d: Literal["none", "no-rotation", "all"]
) -> PictureSampleFields:
    """One of the lines of :mod:`maquette.datasets.hourglass_settings` as flags."""
    own, chance = ({f.name: getattr(part, f.name) for f in fields(part)} for part in (settings, settings.without_depth))
    values: dict[str, Any] = own | chance | {"depth_unit": settings.depth, "gain": chance["gain"] or (1.0, 1.0)}
    names = {f.name for f in fields(PictureSampleFields)} - {"augment_3d"}
    return PictureSampleFields(**{name: values[name] for name in names}, augment_3d=augment_3d)


PAPER_SAMPLES = replace(_as_fields(TORCH7, "none"), heatmaps="torch7", depth_unit="half-crop")
"""The paper's program, without two mistakes of its: ``heatmaps="torch7-border"`` displaces bumps at the border,
``depth_unit="half-crop-torch7"`` shifts all depths."""
PORT_SAMPLES = _as_fields(PORT, "none")
"""Its first PyTorch version, as it is."""
V2_SAMPLES = replace(_as_fields(V2, "no-rotation"), visible="inside")
"""The second, with the residual network; without its mistake of taking missing joints for visible ones in the first
cell (``visible="inside-or-missing"``)."""
MODERN_SAMPLES = _as_fields(MODERN, "all")
"""Exact crops, bumps around the joint itself, the same chance for people with and without 3D."""

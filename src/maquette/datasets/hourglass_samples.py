"""Samples for networks for pictures: a crop around somebody, the heatmaps of the joints, their depths.

A sample depends on (seed, epoch, index) and on nothing else: any number of processes, in any order, make the same ones.
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64, UInt8

from maquette.datasets.hourglass_settings import Augmentation, HourglassSampleSettings
from maquette.datasets.hourglass_targets import (
    depth_target,
    draw_heatmaps,
    thorax_between_shoulders,
    weak_perspective,
)
from maquette.datasets.picture_augment import Geometry, drawn_geometry, hide_parts, recoloured
from maquette.datasets.picture_people import MIRRORED, PELVIS, THORAX, PicturePeople, PicturePerson
from maquette.detect.person_crop import Crop, crop_picture
from maquette.detect.published_crop import opencv_crop, published_crop

_PIXEL = 0.5
"""From the corner of a pixel to its middle."""


class HourglassSample(NamedTuple):
    """One sample."""

    picture: Float32[np.ndarray, "3 size size"]
    """As the network takes it: order and range of the colours are the settings'."""
    heatmaps: Float32[np.ndarray, "16 height width"]
    xy_px: Float32[np.ndarray, "16 2"]
    """Joints in pixels of the heatmaps, (0, 0) the upper left corner of the first (of settings with published heatmaps
    the corner of the pixel that they lie in); 0 where not visible."""
    visible: Bool[np.ndarray, " 16"]
    """Whose place is known."""
    depth: Float32[np.ndarray, " 16"]
    """Behind the anchor, in the settings' unit; 0 without 3D."""
    has_depth: bool
    weak: bool
    """2D alone: what the constraint on bones is for."""


@dataclass(frozen=True, eq=False)
class HourglassSamples:
    """Samples of people; may be sent to other processes."""

    people: PicturePeople
    settings: HourglassSampleSettings
    seed: int = 1

    def __len__(self) -> int:
        return len(self.people)

    def sample(self, index: int, epoch: int = 0) -> HourglassSample:
        """One sample, the same for the same seed, epoch and index.

        Raises:
            InputError: the picture cannot be read.
        """
        chance = np.random.default_rng((self.seed, epoch, index))
        return made_sample(self.people.person(index), self.settings, chance)


def made_sample(
    person: PicturePerson, settings: HourglassSampleSettings, chance: np.random.Generator
) -> HourglassSample:
    """A sample of somebody.

    Raises:
        InputError: the picture cannot be read.
    """
    has_depth = person.camera_mm is not None
    augmentation = settings.with_depth if has_depth else settings.without_depth
    geometry = drawn_geometry(augmentation, chance)
    picture = person.picture()
    crop = crop_of(person, settings, geometry, picture.shape[:2])
    points_px, z_px = _labels(person, settings)
    places = _places(crop, points_px, settings, has_depth)
    drawn = _drawn(person, settings)
    heatmaps = draw_heatmaps(places, drawn, settings.heatmap_size, settings.heatmaps, sigma_px=settings.sigma_px)
    visible = _visible(settings, person, places, heatmaps)
    depth = np.zeros(len(places))
    if z_px is not None:
        depth = depth_target(z_px, crop.side_px, settings.depth, heatmap_size=settings.heatmap_size)
    if not np.isfinite(depth).all():
        # Without a bone in the picture there is no scale to bring depths into its pixels.
        has_depth, depth = False, np.zeros(len(places))
    seen = cut(picture, crop, person, settings)
    if geometry.flipped:
        seen, heatmaps, places, visible, depth = _mirrored(seen, heatmaps, places, visible, depth, settings)
    return HourglassSample(
        picture=_values(seen, settings, augmentation, chance),
        heatmaps=heatmaps,
        xy_px=np.where(visible[:, None] & np.isfinite(places), places, 0).astype(np.float32),
        visible=visible,
        depth=depth.astype(np.float32),
        has_depth=has_depth,
        weak=person.camera_mm is None,
    )


def crop_of(
    person: PicturePerson, settings: HourglassSampleSettings, geometry: Geometry, picture_size: tuple[int, int]
) -> Crop:
    """The square around somebody, with what chance does to it."""
    side = person.side_px
    if settings.side_within_picture:
        side = min(side, float(max(picture_size)))
    side *= geometry.scale
    return Crop(person.centre_px + side * np.array(geometry.shift), side, math.radians(geometry.rotation_deg))


def cut(
    picture: UInt8[np.ndarray, "height width 3"],
    crop: Crop,
    person: PicturePerson,
    settings: HourglassSampleSettings,
) -> UInt8[np.ndarray, "size size 3"]:
    """The crop as the settings have it cut."""
    size = settings.input_size
    if settings.crop == "affine":
        return crop_picture(picture, crop, size)
    rotation_deg = -math.degrees(crop.rotation_rad)
    if settings.crop == "opencv":
        return opencv_crop(picture, crop.centre_px - _PIXEL, crop.side_px, size, rotation_deg=rotation_deg)
    centre = crop.centre_px + person.count_from_px
    return published_crop(picture, centre, crop.side_px, size, settings.crop, rotation_deg=rotation_deg)


def _labels(
    person: PicturePerson, settings: HourglassSampleSettings
) -> tuple[Float64[np.ndarray, "16 2"], Float64[np.ndarray, " 16"] | None]:
    """Joints in the picture and how far behind the anchor they are, both in its pixels."""
    if person.camera_mm is None:
        return person.points_px, None
    anchor = THORAX if settings.anchor == "thorax" else PELVIS
    joints = weak_perspective(person.points_px, person.camera_mm, anchor=anchor)
    if settings.places == "annotated":
        joints[:, :2] = person.points_px
    if person.depth_px is not None:
        joints[:, 2] = person.depth_px - person.depth_px[anchor]
    if settings.thorax == "shoulders":
        joints = thorax_between_shoulders(joints)
    return joints[:, :2], joints[:, 2]


def _places(
    crop: Crop, points_px: Float64[np.ndarray, "16 2"], settings: HourglassSampleSettings, has_depth: bool
) -> Float64[np.ndarray, "16 2"]:
    """Joints in pixels of the heatmap, as the settings round them."""
    if settings.crop == "torch7":
        # Its pixels count from 1, its centre does not.
        points_px = points_px - 1
    places = crop.to_crop(points_px, settings.heatmap_size)
    if settings.heatmaps == "subpixel":
        return places
    return np.floor(places) if has_depth and settings.crop != "opencv" else np.trunc(places)


def _drawn(person: PicturePerson, settings: HourglassSampleSettings) -> Bool[np.ndarray, " 16"]:
    if settings.drawn == "annotated":
        return person.annotated
    published = np.where(np.isfinite(person.points_px), person.points_px + person.count_from_px, 0)
    return np.asarray(published[:, 0] > 1 if settings.drawn == "beyond-1" else (published > 0).any(axis=-1))


def _visible(
    settings: HourglassSampleSettings, person: PicturePerson, places: np.ndarray, heatmaps: np.ndarray
) -> Bool[np.ndarray, " 16"]:
    known = np.asarray(np.isfinite(places).all(axis=-1))
    if settings.visible == "annotated":
        return known
    if settings.visible == "drawn":
        return np.asarray(heatmaps.reshape(len(heatmaps), -1).any(axis=1))
    with np.errstate(invalid="ignore"):
        inside = np.asarray(((places >= 0) & (places < settings.heatmap_size)).all(axis=-1))
    return inside if settings.visible == "inside" else inside | ~known


def _mirrored(
    seen: np.ndarray,
    heatmaps: np.ndarray,
    places: np.ndarray,
    visible: np.ndarray,
    depth: np.ndarray,
    settings: HourglassSampleSettings,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """All of a sample in the mirror: left becomes right, depth stays."""
    pairs = list(MIRRORED)
    places = places[pairs].copy()
    # The pixel of a mirrored place is the mirrored pixel: its upper left corner is what was its upper right one.
    places[:, 0] = settings.heatmap_size - (settings.heatmaps != "subpixel") - places[:, 0]
    maps = np.ascontiguousarray(heatmaps[pairs, :, ::-1])
    return np.ascontiguousarray(seen[:, ::-1]), maps, places, visible[pairs], depth[pairs]


def _values(
    seen: UInt8[np.ndarray, "size size 3"],
    settings: HourglassSampleSettings,
    augmentation: Augmentation,
    chance: np.random.Generator,
) -> Float32[np.ndarray, "3 size size"]:
    """Colours as the network takes them."""
    values = recoloured(hide_parts(seen, augmentation, chance), augmentation, chance)
    if settings.colour_order == "bgr":
        values = np.ascontiguousarray(values[::-1])
    if settings.divide_by != 255:
        values *= np.float32(255 / settings.divide_by)
    if any(settings.mean) or settings.std != (1.0, 1.0, 1.0):
        mean, std = (np.array(numbers, dtype=np.float32)[:, None, None] for numbers in (settings.mean, settings.std))
        values = (values - mean) / std
    return values


def without_chance(settings: HourglassSampleSettings) -> HourglassSampleSettings:
    """The same settings for validation."""
    return replace(settings, with_depth=Augmentation(), without_depth=Augmentation())

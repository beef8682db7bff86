"""Chance in pictures of people: how a crop is scaled, turned, mirrored, coloured and partly hidden for training.

Every draw comes from one generator, so that a sample is the same again for the same seed.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, UInt8
from PIL import Image, ImageDraw, ImageFilter

from maquette.datasets.hourglass_settings import Augmentation

_LUMA = np.array([0.299, 0.587, 0.114])


class Geometry(NamedTuple):
    """How one crop differs from the plain one."""

    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    """In sides of the crop."""
    rotation_deg: float = 0.0
    """Clockwise as things appear."""
    flipped: bool = False


def drawn_geometry(settings: Augmentation, chance: np.random.Generator) -> Geometry:
    """Draw how to cut a crop."""
    scale, rotation, shift, flipped = 1.0, 0.0, (0.0, 0.0), False
    if settings.scale:
        if settings.scale_law == "doubling":
            scale = 2.0 ** (settings.scale * _normal(chance, 2.0))
        else:
            scale = 1 + settings.scale * _normal(chance, 1.0)
    if settings.shift:
        shift = (settings.shift * _normal(chance, 2.0), settings.shift * _normal(chance, 2.0))
    if settings.rotation_deg and chance.random() < settings.rotation_share:
        rotation = settings.rotation_deg * _normal(chance, 2.0)
    if settings.flip_share:
        flipped = bool(chance.random() < settings.flip_share)
    return Geometry(scale, shift, rotation, flipped)


def _normal(chance: np.random.Generator, most: float) -> float:
    """A normal number, cut (not drawn again) at ``most``."""
    return float(np.clip(chance.standard_normal(), -most, most))


def hide_parts(
    crop: UInt8[np.ndarray, "size size 3"], settings: Augmentation, chance: np.random.Generator
) -> UInt8[np.ndarray, "size size 3"]:
    """The crop with something in front of it, or itself."""
    if not settings.hidden_share or chance.random() >= settings.hidden_share:
        return crop
    size = len(crop)
    image = Image.fromarray(crop)
    pen = ImageDraw.Draw(image)
    for _ in range(int(chance.integers(1, 4))):
        middle = chance.random(2) * size
        half = chance.uniform(0.05, max(settings.hidden_most, 0.05), 2) * size / 2
        colour = tuple(int(c) for c in chance.integers(0, 256, 3))
        kind = int(chance.integers(3))
        if kind == 0:
            pen.ellipse((*(middle - half), *(middle + half)), fill=colour)
        elif kind == 1:
            pen.rectangle((*(middle - half), *(middle + half)), fill=colour)
        else:
            angle = chance.uniform(0, math.pi)
            along = np.array([math.cos(angle), math.sin(angle)]) * size
            pen.line((*(middle - along), *(middle + along)), fill=colour, width=max(int(half[0] / 2), 1))
    return np.asarray(image)


def recoloured(
    crop: UInt8[np.ndarray, "size size 3"], settings: Augmentation, chance: np.random.Generator
) -> Float32[np.ndarray, "3 size size"]:
    """Values 0 to 1 of the crop as another camera, in other light, would have taken it; colours first."""
    if settings.blur_share and chance.random() < settings.blur_share:
        blur = ImageFilter.GaussianBlur(chance.uniform(0, settings.blur_px))
        crop = np.asarray(Image.fromarray(crop).filter(blur))
    values = np.ascontiguousarray(crop.transpose(2, 0, 1)).astype(np.float32)
    values *= np.float32(1 / 255)
    mixed = _colour_map(values, settings, chance)
    if mixed is not None:
        matrix, constant = (numbers.astype(np.float32) for numbers in mixed)
        values = (matrix @ values.reshape(3, -1) + constant[:, None]).reshape(values.shape)
    if settings.noise:
        values += np.float32(settings.noise * chance.random()) * chance.standard_normal(values.shape, dtype=np.float32)
    return values if mixed is None and not settings.noise else np.clip(values, 0, 1, out=values)


def _colour_map(
    values: Float32[np.ndarray, "3 size size"], settings: Augmentation, chance: np.random.Generator
) -> tuple[Float64[np.ndarray, "3 3"], Float64[np.ndarray, "3"]] | None:
    """All that is linear in the colours as one matrix and a constant; None where nothing is to change."""
    matrix, constant = np.eye(3), np.zeros(3)
    if settings.saturation or settings.grey_share:
        keep = 1 + settings.saturation * chance.uniform(-1, 1)
        if chance.random() < settings.grey_share:
            keep = 0.0
        matrix = keep * matrix + (1 - keep) * _LUMA
    if settings.contrast:
        factor = 1 + settings.contrast * chance.uniform(-1, 1)
        grey = float((matrix @ values[:, ::4, ::4].reshape(3, -1).mean(axis=1)).mean())
        matrix, constant = factor * matrix, np.full(3, (1 - factor) * grey)
    if settings.brightness:
        factor = 1 + settings.brightness * chance.uniform(-1, 1)
        matrix, constant = factor * matrix, factor * constant
    if settings.gain is not None:
        gains = chance.uniform(*settings.gain, 3)
        matrix, constant = gains[:, None] * matrix, gains * constant
    return None if (matrix == np.eye(3)).all() and not constant.any() else (matrix, constant)

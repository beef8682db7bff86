"""What stands around a mannequin and lights it: backgrounds, floors, things in front, lamps, colours, the camera."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Float32, UInt8
from PIL import Image, ImageDraw, ImageFilter

from maquette.datasets.mannequin_body import PARTS, Body
from maquette.datasets.mannequin_surface import RoundedCones, look_at_solids

Surroundings = Literal["studio", "anywhere"]
"""``studio``: an even wall and floor under one lamp, plain clothes, as in a capture laboratory. ``anywhere``: textures,
things behind and before the person, any light, patterned clothes, a worse camera."""

_SKIN = np.array([[0.96, 0.80, 0.69], [0.87, 0.66, 0.52], [0.70, 0.48, 0.35], [0.45, 0.29, 0.20], [0.30, 0.19, 0.14]])
_HAIR = np.array([[0.09, 0.07, 0.06], [0.25, 0.16, 0.10], [0.45, 0.30, 0.16], [0.78, 0.66, 0.42], [0.6, 0.6, 0.6]])


@dataclass(frozen=True, eq=False)
class View:
    """A pinhole camera."""

    R_camera_world: Float[np.ndarray, "3 3"]
    position_world_m: Float[np.ndarray, "3"]
    focal_px: float
    centre_px: tuple[float, float]
    size: tuple[int, int]

    def to_camera(self, points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
        return (points - self.position_world_m) @ self.R_camera_world.T

    def project(self, points_camera: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 2"]:
        return points_camera[..., :2] / points_camera[..., 2:] * self.focal_px + self.centre_px


def photograph(
    rng: np.random.Generator, body: Body, view: View, surroundings: Surroundings
) -> UInt8[np.ndarray, "height width 3"]:
    """A picture of a body. Drawn at twice the size and averaged, so that edges are smooth."""
    size = (2 * view.size[0], 2 * view.size[1])
    solids = RoundedCones(
        view.to_camera(body.solids.start),
        view.to_camera(body.solids.end),
        body.solids.start_radius,
        body.solids.end_radius,
    )
    centre = (2 * view.centre_px[0], 2 * view.centre_px[1])
    surface = look_at_solids(solids, size, 2 * view.focal_px, centre)
    picture = _behind(rng, view, size, surroundings)
    seen = surface.solid >= 0
    part = np.where(surface.along > body.cut[surface.solid], body.part[surface.solid, 1], body.part[surface.solid, 0])
    colour = _colours(rng, surroundings)[part[seen]]
    if surroundings == "anywhere":
        colour = _patterned(rng, colour, part[seen], surface.along[seen], surface.normal[seen])
    picture[seen] = colour * _light(rng, surface.normal[seen], view, surroundings)
    if surroundings == "anywhere" and rng.random() < 0.35:
        _in_front(rng, picture, view, solids)
    return _developed(rng, picture, view.size, surroundings)


def _colours(rng: np.random.Generator, surroundings: Surroundings) -> Float[np.ndarray, "parts 3"]:
    skin = _SKIN[rng.integers(len(_SKIN))] * rng.uniform(0.9, 1.05)
    cloth = rng.uniform(0.03, 0.95, (3, 3))
    if surroundings == "studio" or rng.random() < 0.5:
        # Most clothes are greyish or dark.
        cloth = cloth.mean(1, keepdims=True) + rng.uniform(0.1, 0.6) * (cloth - cloth.mean(1, keepdims=True))
    table = dict(zip(("shirt", "trousers", "shoes"), cloth, strict=True))
    table |= {"skin": skin, "hair": _HAIR[rng.integers(len(_HAIR))] * rng.uniform(0.7, 1.2), "eyes": np.full(3, 0.05)}
    return np.array([table[name] for name in PARTS])


def _patterned(
    rng: np.random.Generator, colour: np.ndarray, part: np.ndarray, along: np.ndarray, normal: np.ndarray
) -> Float[np.ndarray, "pixels 3"]:
    """Stripes along or around, on shirt or trousers."""
    for name in ("shirt", "trousers"):
        if rng.random() > 0.35:
            continue
        phase = along * rng.uniform(2, 9) if rng.random() < 0.6 else normal[:, 0] * rng.uniform(1, 4)
        stripe = (np.sin(2 * np.pi * (phase + rng.random())) > rng.uniform(-0.5, 0.7)) & (part == PARTS.index(name))
        colour = np.where(stripe[:, None], rng.uniform(0.03, 0.95, 3), colour)
    return colour


def _light(
    rng: np.random.Generator, normal: np.ndarray, view: View, surroundings: Surroundings
) -> Float[np.ndarray, "pixels 3"]:
    """A lamp, a sky and a floor that gives some of it back (Lambert)."""
    up = view.R_camera_world @ np.array([0.0, 1.0, 0.0])
    yaw, height = (0.5, 0.9) if surroundings == "studio" else (rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 1.2))
    side = np.array([np.cos(yaw) * np.cos(height), np.sin(height), np.sin(yaw) * np.cos(height)])
    lamp = view.R_camera_world @ side
    strength = rng.uniform(0.5, 0.6) if surroundings == "studio" else rng.uniform(0.1, 0.9)
    ambient = rng.uniform(0.45, 0.55) if surroundings == "studio" else rng.uniform(0.25, 0.7)
    tint = 1 + (0.0 if surroundings == "studio" else 0.15) * rng.uniform(-1, 1, (2, 3))
    sky = 0.75 + 0.25 * (normal @ up)
    return ambient * sky[:, None] * tint[0] + strength * np.maximum(normal @ lamp, 0)[:, None] * tint[1]


def _behind(
    rng: np.random.Generator, view: View, size: tuple[int, int], surroundings: Surroundings
) -> Float32[np.ndarray, "height width 3"]:
    """Wall and floor; the horizon is where the camera sees it."""
    wall = _texture(rng, size, surroundings)
    up = view.R_camera_world @ np.array([0.0, 1.0, 0.0])
    if surroundings == "studio" or rng.random() < 0.7:
        # The wall stands some metres behind the person, who is at the origin.
        distance = float(np.linalg.norm(view.position_world_m)) + rng.uniform(0.7, 4)
        flat = np.array([0, 0, 1.0]) - up * up[2]
        at = distance * flat / max(float(np.linalg.norm(flat)), 1e-6) - up * float(view.position_world_m[1])
        if at[2] > 0.1:
            line = 2 * (at[:2] / at[2] * view.focal_px + view.centre_px)
            y, x = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
            below = (x - line[0]) * up[0] + (y - line[1]) * up[1] < 0
            floor = _texture(rng, size, surroundings)
            wall = np.where(below[..., None], floor, wall)
    if surroundings == "anywhere":
        wall = _clutter(rng, wall)
    return np.ascontiguousarray(wall, dtype=np.float32)


def _texture(
    rng: np.random.Generator, size: tuple[int, int], surroundings: Surroundings
) -> Float32[np.ndarray, "height width 3"]:
    """An even colour with a slope; anywhere, noise of several scales over it."""
    base = rng.uniform(0.35, 0.75) + rng.uniform(-0.06, 0.06, 3)
    if surroundings == "anywhere":
        # Most of what is around people is greyish.
        vivid = rng.uniform(0.1, 1) ** 2
        base = rng.uniform(0.05, 0.95) + vivid * rng.uniform(-0.5, 0.5, 3)
    corners = base + rng.uniform(-0.08, 0.08, (2, 2, 1))
    picture = _enlarged(corners.astype(np.float32), size)
    if surroundings == "studio":
        return picture
    for cells in (4, 9, 22, 60):
        grain = rng.standard_normal((cells, cells, 1 if rng.random() < 0.8 else 3)) * rng.uniform(0, 0.16)
        picture = picture + _enlarged(np.broadcast_to(grain, (cells, cells, 3)).astype(np.float32), size)
    return picture


def _enlarged(small: Float32[np.ndarray, "h w c"], size: tuple[int, int]) -> Float32[np.ndarray, "height width 3"]:
    small = np.broadcast_to(small, (*small.shape[:2], 3))
    planes = [
        np.asarray(Image.fromarray(np.ascontiguousarray(small[..., c])).resize(size, Image.Resampling.BICUBIC))
        for c in range(3)
    ]
    return np.stack(planes, axis=-1)


def _clutter(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Furniture: boxes, balls and poles of any colour, some with a grain."""
    image = Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(0, 14)):
        _thing(rng, draw, image.size, 0.5)
    if rng.random() < 0.5:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 4))))
    return np.asarray(image, dtype=np.float32) / 255


def _thing(rng: np.random.Generator, draw: ImageDraw.ImageDraw, size: tuple[int, int], largest: float) -> None:
    colour = tuple(int(v) for v in rng.integers(0, 256, 3))
    middle, half = rng.uniform(0, 1, 2) * size, rng.uniform(0.02, largest, 2) * size / 2
    kind = rng.integers(4)
    if kind == 0:
        draw.ellipse([*(middle - half), *(middle + half)], fill=colour)
    elif kind == 1:
        draw.line([*(middle - half * rng.choice((-1, 1), 2)), *(middle + half)], colour, int(rng.integers(1, 18)))
    else:
        turn = rng.uniform(0, 2 * np.pi)
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
        matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        draw.polygon([tuple(map(float, p)) for p in corners @ matrix + middle], fill=colour)


def _in_front(rng: np.random.Generator, picture: np.ndarray, view: View, solids: RoundedCones) -> None:
    """One or two things that cover a part of the person."""
    image = Image.new("RGB", (picture.shape[1], picture.shape[0]))
    mask = Image.new("L", image.size)
    at = 2 * view.project(solids.start[rng.integers(len(solids), size=2)])
    for place in at[: rng.integers(1, 3)]:
        half = rng.uniform(0.03, 0.14, 2) * image.size
        box = [*(place - half), *(place + half)]
        for target, fill in ((image, tuple(int(v) for v in rng.integers(0, 256, 3))), (mask, 255)):
            draw = ImageDraw.Draw(target)
            (draw.ellipse if half.sum() % 2 > 1 else draw.rectangle)(box, fill=fill)
    cover = np.asarray(mask) > 0
    grain = 1 + 0.15 * rng.standard_normal(picture.shape[:2])[cover][:, None]
    picture[cover] = np.asarray(image, dtype=np.float32)[cover] / 255 * grain


def _developed(
    rng: np.random.Generator, picture: np.ndarray, size: tuple[int, int], surroundings: Surroundings
) -> UInt8[np.ndarray, "height width 3"]:
    """Averaged to its size; anywhere with a blurred lens, noise and an exposure that is off."""
    picture = picture.reshape(size[1], 2, size[0], 2, 3).mean(axis=(1, 3))
    if surroundings == "anywhere":
        picture = (picture - 0.5) * rng.uniform(0.6, 1.25) + 0.5 + rng.uniform(-0.12, 0.12)
        picture = picture + rng.uniform(0, 0.05) * rng.standard_normal(picture.shape)
    out = (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
    if surroundings == "anywhere" and rng.random() < 0.4:
        blurred = Image.fromarray(out).filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.1))))
        out = np.asarray(blurred)
    return out

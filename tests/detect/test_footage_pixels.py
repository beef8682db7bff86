"""Videos as they are meant to be seen: upright, with square pixels, in the right colours."""

import os
import sys
from fractions import Fraction
from itertools import product
from pathlib import Path

import av
import numpy as np
import pytest
from numbered_footage import lay, number_of, seen, write_numbered

from maquette.detect.footage import open_footage
from maquette.render.footage import pictures_at

QUARTERS = {"r": (250, 0, 0), "g": (0, 250, 0), "b": (0, 0, 250), "w": (250, 250, 250)}
STANDARDS = {"601": ((0.299, 0.114), 5), "709": ((0.2126, 0.0722), 1), "2020": ((0.2627, 0.0593), 9)}
"""Kr, Kb of the recommendations of these numbers, and their code in ITU-T H.273."""


def quartered(_: int, width: int, height: int) -> np.ndarray:
    picture = np.zeros((height, width, 3), dtype=np.uint8)
    picture[: height // 2, : width // 2], picture[: height // 2, width // 2 :] = QUARTERS["r"], QUARTERS["g"]
    picture[height // 2 :, : width // 2], picture[height // 2 :, width // 2 :] = QUARTERS["b"], QUARTERS["w"]
    return picture


def quarters(picture: np.ndarray) -> str:
    """Letters of the four quarters, row by row."""
    corners = (picture[10, 10], picture[10, -10], picture[-10, 10], picture[-10, -10])
    names = {tuple(value > 120 for value in colour): name for name, colour in QUARTERS.items()}
    return "".join(names[tuple(bool(value > 120) for value in corner)] for corner in corners)


@pytest.mark.parametrize(
    ("matrix", "shown"),
    [
        ((1, 0, 0, 1), "rgbw"),
        ((0, 1, -1, 0), "brwg"),  # a quarter clockwise
        ((-1, 0, 0, -1), "wbgr"),
        ((0, -1, 1, 0), "gwrb"),  # a quarter counterclockwise
        ((-1, 0, 0, 1), "grwb"),  # mirrored, as by front cameras
        ((1, 0, 0, -1), "bwrg"),
        ((0, 1, 1, 0), "rbgw"),
        ((0, -1, -1, 0), "wgbr"),
    ],
)
def test_telephones_held_in_any_way(tmp_path: Path, matrix: tuple[int, int, int, int], shown: str) -> None:
    path = lay(write_numbered(tmp_path / "a.mp4", 2, picture=quartered, options={"crf": "4"}), matrix)
    footage = open_footage(path)
    picture = next(iter(footage)).picture
    assert footage.size == ((96, 64) if matrix[0] else (64, 96))
    assert picture.shape == (footage.size[1], footage.size[0], 3)
    assert quarters(picture) == shown
    assert picture.flags.c_contiguous
    assert picture.flags.writeable
    small = next(pictures_at(path, np.zeros(1), (footage.size[0] // 2, footage.size[1] // 2)))
    assert small.size == (footage.size[0] // 2, footage.size[1] // 2)
    assert quarters(np.kron(np.asarray(small), np.ones((2, 2, 1)))) == shown


def test_pixels_that_are_not_square(tmp_path: Path) -> None:
    """PAL, wide: 64:45."""
    path = write_numbered(tmp_path / "a.mp4", 5, pixel_aspect=Fraction(64, 45), size=(144, 96))
    footage = open_footage(path)
    assert footage.size == (205, 96)
    assert seen(footage)[2] == list(range(5))
    assert footage.notes() == ["its pixels are not square: 144x96 are shown as 205x96"]
    turned = open_footage(lay(path, (0, 1, -1, 0)))
    assert turned.size == (96, 205)
    assert next(iter(turned)).picture.shape == (205, 96, 3)


def test_an_aspect_that_no_camera_has_is_passed_over(tmp_path: Path) -> None:
    footage = open_footage(write_numbered(tmp_path / "a.mp4", 2, pixel_aspect=Fraction(1, 100)))
    assert footage.size == (96, 64)


@pytest.mark.parametrize("size", [(97, 63), (1, 1), (35, 257)])
def test_odd_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    footage = open_footage(write_numbered(tmp_path / "a.mkv", 2, codec="ffv1", pixels="yuv444p", size=size))
    assert footage.size == size
    assert [frame.picture.shape for frame in footage] == [(size[1], size[0], 3)] * 2


def coded(rgb: tuple[int, int, int], weights: tuple[float, float], full: bool, bits: int) -> list[int]:
    """Y'CbCr by the formulas of ITU-R BT.601, 709 and 2020."""
    kr, kb = weights
    red, green, blue = (value / 255 for value in rgb)
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    chroma = (blue - luma) / (2 * (1 - kb)), (red - luma) / (2 * (1 - kr))
    unit = 1 << (bits - 8)
    if full:
        return [round(luma * (256 * unit - 1)), *(round(value * (256 * unit - 1)) + 128 * unit for value in chroma)]
    return [round((219 * luma + 16) * unit), *(round((224 * value + 128) * unit) for value in chroma)]


@pytest.mark.parametrize(("standard", "full", "bits"), list(product(STANDARDS, (False, True), (8, 10))))
def test_colours(tmp_path: Path, standard: str, full: bool, bits: int) -> None:
    """Of any standard, range and depth: what was coded by the book comes out."""
    weights, code = STANDARDS[standard]
    pixels = "yuv420p" if bits == 8 else "yuv420p10le"
    for rgb in ((200, 40, 30), (30, 160, 60), (40, 50, 220), (128, 128, 128), (255, 255, 255), (0, 0, 0)):
        frame = av.VideoFrame(64, 48, pixels)
        for plane, value in zip(frame.planes, coded(rgb, weights, full, bits), strict=True):
            width = 1 if bits == 8 else 2
            plane.update(value.to_bytes(width, "little") * (plane.buffer_size // width))
        frame.color_range, frame.colorspace, frame.pts = 2 if full else 1, code, 0
        with av.open(str(tmp_path / "a.mkv"), "w") as container:
            stream = container.add_stream("ffv1", rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, pixels  # pyright: ignore
            stream.codec_context.color_range, stream.codec_context.colorspace = frame.color_range, code  # pyright: ignore
            container.mux(stream.encode(frame))  # pyright: ignore
            container.mux(stream.encode(None))  # pyright: ignore
        picture = next(iter(open_footage(tmp_path / "a.mkv"))).picture.astype(int)
        assert np.abs(picture - rgb).max() <= 3


def test_interlaced_is_said(tmp_path: Path) -> None:
    options = {"flags": "+ilme+ildct"}
    footage = open_footage(write_numbered(tmp_path / "a.mpg", 5, codec="mpeg2video", options=options))
    assert any("interlaced" in note for note in footage.notes())


def test_a_size_that_changes_midway(tmp_path: Path) -> None:
    """Transport streams may: all pictures are given in the size of the first."""
    first = write_numbered(tmp_path / "a.ts", 30, codec="mpeg2video").read_bytes()
    second = write_numbered(tmp_path / "b.ts", 30, codec="mpeg2video", size=(192, 128)).read_bytes()
    (tmp_path / "c.ts").write_bytes(first + second)
    footage = open_footage(tmp_path / "c.ts")
    frames = [(frame.picture.shape, number_of(frame.picture)) for frame in footage]
    assert {shape for shape, _ in frames} == {(64, 96, 3)}
    # The packets at the joint may count as damaged.
    assert [number for _, number in frames[:28]] == list(range(28))
    assert [number for _, number in frames[-30:]] == list(range(30))
    assert "30 pictures of another size are scaled to that of the first" in footage.notes()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_does_not_grow(tmp_path: Path) -> None:
    """800 pictures of 480x360 are 415 MB."""
    path = write_numbered(tmp_path / "a.mp4", 800, size=(480, 360), options={"preset": "ultrafast", "g": "50"})

    def resident_mb() -> float:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    early = late = 0.0
    for frame in open_footage(path):
        if frame.index == 100:
            early = resident_mb()
        late = resident_mb()
    assert early > 0
    assert late - early < 40

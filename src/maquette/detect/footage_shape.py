"""From a decoded video frame to the picture as it is meant to be seen: upright, with square pixels, in RGB."""

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import numpy as np
from jaxtyping import UInt8

from maquette.detect.detector import Picture

if TYPE_CHECKING:
    from av.sidedata.sidedata import SideDataContainer
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter

_WIDEST_PIXEL = 4
_BT601 = 5
_MATRICES = (1, 4, 5, 6, 7, 9)
"""Codes of ITU-T H.273 that FFmpeg converts. It takes the unspecified for 601, and refuses others, which are rare or
damage."""


@dataclass(frozen=True)
class Turn:
    """One of the eight ways to lay a picture on a grid: transposed first, then mirrored."""

    transposed: bool = False
    left_right: bool = False
    up_down: bool = False

    def __call__(self, picture: Picture) -> UInt8[np.ndarray, "height_seen width_seen 3"]:
        """The picture as seen."""
        if self == Turn():
            return picture
        turned = picture.transpose(1, 0, 2) if self.transposed else picture
        turned = turned[:, ::-1] if self.left_right else turned
        return np.ascontiguousarray(turned[::-1] if self.up_down else turned)

    def size(self, size: tuple[int, int]) -> tuple[int, int]:
        """``(width, height)`` after the turn, or before it: the answer is the same."""
        return (size[1], size[0]) if self.transposed else size


def turn_of(frame: "VideoFrame") -> Turn:
    """The turn that telephones write into the file (a matrix; the nearest of the eight is taken)."""
    from av.sidedata.sidedata import Type

    side = cast("SideDataContainer", frame.side_data).get(Type.DISPLAYMATRIX)
    if side is None or side.buffer_size < 36:
        return Turn()
    # A point (x, y) of the stored picture is seen at (a x + c y, b x + d y), up to a shift (ISO 14496-12, 8.3.2).
    a, b, _, c, d, *_ = (int(value) for value in np.frombuffer(bytes(side)[:36], dtype=np.int32))
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Turn(True, c < 0, b < 0)
    return Turn(False, a < 0, d < 0)


def squared(size: tuple[int, int], pixel_aspect: Fraction | None) -> tuple[int, int]:
    """Size with square pixels: the width is stretched. An aspect that no camera has counts as a slip."""
    if not pixel_aspect or not Fraction(1, _WIDEST_PIXEL) <= pixel_aspect <= _WIDEST_PIXEL:
        return size
    return max(round(size[0] * pixel_aspect), 1), size[1]


def to_rgb(frame: "VideoFrame", size: tuple[int, int], turn: Turn, reformatter: "VideoReformatter") -> Picture:
    """The picture, upright.

    Args:
        size: ``(width, height)`` wanted, as seen.
    """
    width, height = turn.size(size)
    same = (width, height) == (frame.width, frame.height)
    scaled = reformatter.reformat(
        frame,
        width=width,
        height=height,
        format="rgb24",
        interpolation="BILINEAR" if same else "AREA" if width < frame.width else "BICUBIC",
        # Left to itself, the reformatter takes full-range video for limited. Up to version 16 it takes all for BT.601
        # unless the matrix of the result, which as RGB has none, is another.
        src_colorspace=frame.colorspace if frame.colorspace in _MATRICES else _BT601,
        dst_colorspace=_BT601,
        src_color_range=frame.color_range if frame.color_range in (1, 2) else None,
    )
    return turn(scaled.to_ndarray())

"""Networks that find the joints of one person in a box: RTMPose, RTMW, DWPose (SimCC), ViTPose, HRNet (heatmaps)."""

from typing import Literal

import numpy as np
from jaxtyping import Float, Float64, UInt8

from maquette.detect.onnx_files import BATCH, OnnxFile, prepared
from maquette.detect.rtmpose_decode import decode_quarter, decode_simcc, decode_udp, simcc_order
from maquette.detect.warp import from_pixel_middles, warp

EXPECTED = (
    "a network of poses: SimCC (simcc_x (n, joints, 2 x width), simcc_y (n, joints, 2 x height)), heatmaps "
    "(n, joints, height / 4, width / 4), or RTMO (dets (1, n, 5), keypoints (1, n, joints, 3))"
)
PADDING = 1.25
"""Side of what the network sees, in sides of the box."""
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
"""ImageNet's, in the order red, green, blue."""

ColourOrder = Literal["bgr", "rgb"]
Decoding = Literal["simcc", "quarter", "udp"]


class TopDownPose:
    """A network for one person at a time, in an opened file.

    Args:
        colour_order: in which the colours go in. The published networks were trained on red, green, blue
            (``bgr_to_rgb=True`` in MMPose's configurations); rtmlib feeds blue, green, red with the same means and
            deviations (its issue 48), so ``"bgr"`` is for results that equal its.

    Raises:
        ModelError: the file gives no such arrays.
    """

    def __init__(self, file: OnnxFile, *, colour_order: ColourOrder = "rgb") -> None:
        self.file, self.colour_order = file, colour_order
        shapes = {name: array.shape for name, array in file.outputs.items()}
        heatmap = next(iter(shapes.values()), ())[2:]
        self._order = simcc_order(shapes, file.size)
        if self._order is not None:
            self.decoding: Decoding = "simcc"
        elif len(shapes) == 1 and _fits(heatmap, file.size):
            self.decoding = _heatmap_decoding(file)
        else:
            raise file.unknown()
        self.n_points: int = next(iter(shapes.values()))[1]
        """Points of a person."""
        file.forget_file()

    def __call__(
        self, picture: UInt8[np.ndarray, "height width 3"], corners: Float[np.ndarray, "boxes 4"]
    ) -> tuple[Float64[np.ndarray, "boxes points 2"], Float64[np.ndarray, "boxes points"]]:
        """Points in pixels of the picture, and scores, for the person in each box.

        Args:
            picture: RGB.
            corners: left, top, right, bottom; as the networks of boxes and those of poses were trained, these count
                from the middle of the first pixel when a crop is cut.
        """
        shares, scores = [], []
        origin, extent = crops_of(corners, self.file.size)
        for start in range(0, len(corners), BATCH):
            some = slice(start, start + BATCH)
            crops = [cut(picture, *one, self.file.size) for one in zip(origin[some], extent[some], strict=True)]
            points, score = self._decode(self.file.run(prepared(crops, self.colour_order, MEAN, STD)))
            shares.append(points)
            scores.append(score)
        if not shares:
            return np.empty((0, self.n_points, 2)), np.empty((0, self.n_points))
        # Half a pixel: from the middle of the first pixel to its corner.
        return origin[:, None] + np.concatenate(shares) * extent[:, None] + 0.5, np.concatenate(scores)

    def _decode(self, arrays: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        if self._order is not None:
            x, y = (np.asarray(arrays[i], np.float32) for i in self._order)
            return decode_simcc(x, y)
        heatmaps = np.asarray(arrays[0], np.float32)
        return decode_udp(heatmaps) if self.decoding == "udp" else decode_quarter(heatmaps)


def crops_of(
    corners: Float[np.ndarray, "boxes 4"], size: tuple[int, int]
) -> tuple[Float64[np.ndarray, "boxes 2"], Float64[np.ndarray, "boxes 2"]]:
    """``(upper left corner, width and height)`` of what a network of input ``(width, height)`` sees of each box: the
    box with its padding, made wider or higher to the shape of the input. Counted from the middle of the first pixel."""
    corners = np.asarray(corners, np.float64)
    centre, sides = (corners[:, :2] + corners[:, 2:]) / 2, (corners[:, 2:] - corners[:, :2]) * PADDING
    aspect = size[0] / size[1]
    width = np.maximum(sides[:, 0], sides[:, 1] * aspect)
    extent = np.stack((width, width / aspect), axis=-1)
    return centre - extent / 2, extent


def cut(
    picture: UInt8[np.ndarray, "height width 3"],
    origin: Float[np.ndarray, "2"],
    extent: Float[np.ndarray, "2"],
    size: tuple[int, int],
) -> UInt8[np.ndarray, "in_height in_width 3"]:
    """One crop; black beyond the picture. Single pixels are picked where the crop is smaller, as in the training."""
    scale = extent[0] / size[0]
    matrix = np.array([[scale, 0.0, origin[0]], [0.0, scale, origin[1]]])
    return warp(picture, from_pixel_middles(matrix), size, smooth=False)


def _fits(heatmap: tuple[int, ...], size: tuple[int, int]) -> bool:
    """True for a heatmap ``(height, width)`` of the shape of the input."""
    if len(heatmap) != 2:
        return False
    height, width = heatmap
    return 8 <= width <= size[0] and width * size[1] == height * size[0]


def _heatmap_decoding(file: OnnxFile) -> Decoding:
    """The two kinds of heatmaps look alike; ViTPose's, and those whose name says so, are of the kind UDP."""
    path = file.path.resolve()
    text = f"{path.parent.name} {path.name}".lower()
    return "udp" if "vitpose" in text or "udp" in text else "quarter"

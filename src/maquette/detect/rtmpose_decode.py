"""From what pose networks give, to points in their crops: SimCC's two rows of bins, and heatmaps."""

import numpy as np
from jaxtyping import Float

from maquette.errors import ModelError

_BLUR_KERNEL, _BLUR_SIGMA = 11, 2.0
"""Of DARK for heatmaps of 64x48: 11 pixels, with the deviation that OpenCV derives from it."""


def decode_simcc(
    x: Float[np.ndarray, "n joints bins_x"], y: Float[np.ndarray, "n joints bins_y"]
) -> tuple[Float[np.ndarray, "n joints 2"], Float[np.ndarray, "n joints"]]:
    """Points in shares of the crop's width and height, and scores: the mean of the two highest values.

    Each coordinate is a classification into bins finer than pixels (Li et al. 2022, SimCC): the best one counts.
    """
    points = np.stack((x.argmax(-1) / x.shape[-1], y.argmax(-1) / y.shape[-1]), axis=-1)
    return points, 0.5 * (x.max(-1).astype(np.float64) + y.max(-1))


def decode_quarter(
    heatmaps: Float[np.ndarray, "n joints height width"],
) -> tuple[Float[np.ndarray, "n joints 2"], Float[np.ndarray, "n joints"]]:
    """Points in shares of the crop's width and height, and scores: the highest pixel, moved by a quarter towards the
    higher one of its two neighbours (Newell et al. 2016; HRNet's and SimpleBaseline's heatmaps)."""
    points, score = _highest(heatmaps)
    around = _around(heatmaps, points)
    height, width = heatmaps.shape[-2:]
    steps = np.stack(
        (np.sign(around[..., 1, 2] - around[..., 1, 0]), np.sign(around[..., 2, 1] - around[..., 0, 1])), -1
    )
    # At the border there is no neighbour to compare with.
    inside = (points > 0) & (points < np.array([width - 1, height - 1]))
    return (points + 0.25 * steps * inside) / np.array([width, height]), score


def decode_udp(
    heatmaps: Float[np.ndarray, "n joints height width"],
) -> tuple[Float[np.ndarray, "n joints 2"], Float[np.ndarray, "n joints"]]:
    """Points in shares of the crop's width and height, and scores, for heatmaps of unbiased data processing.

    The first and the last pixel of such a heatmap lie on the borders of the crop (Huang et al. 2020, UDP). The maximum
    is that of the parabola through the logarithm of the blurred heatmap (Zhang et al. 2020, DARK); ViTPose's.
    """
    from scipy.ndimage import correlate1d

    points, score = _highest(heatmaps)
    offset = np.arange(_BLUR_KERNEL) - _BLUR_KERNEL // 2
    kernel = np.exp(-(offset**2) / (2 * _BLUR_SIGMA**2))
    blurred = np.asarray(heatmaps, dtype=np.float64)
    for axis in (-1, -2):
        blurred = correlate1d(blurred, kernel / kernel.sum(), axis=axis, mode="mirror")
    around = _around(np.log(np.clip(blurred, 0.001, 50.0)), points)
    slope = 0.5 * np.stack((around[..., 1, 2] - around[..., 1, 0], around[..., 2, 1] - around[..., 0, 1]), axis=-1)
    middle = around[..., 1, 1]
    xx = around[..., 1, 2] - 2 * middle + around[..., 1, 0]
    yy = around[..., 2, 1] - 2 * middle + around[..., 0, 1]
    # Mixed second difference along the diagonal, as UDP's authors take it.
    xy = 0.5 * (around[..., 2, 2] + around[..., 0, 0] + 2 * middle - around[..., [1, 1, 2, 0], [2, 0, 1, 1]].sum(-1))
    determinant = xx * yy - xy**2
    is_peak = (xx < 0) & (determinant > 1e-9)
    divisor = np.where(is_peak, determinant, 1.0)[..., None]
    step = np.stack((yy * slope[..., 0] - xy * slope[..., 1], xx * slope[..., 1] - xy * slope[..., 0]), -1) / divisor
    points = points - np.where(is_peak[..., None], step, 0.0)
    height, width = heatmaps.shape[-2:]
    return points / np.array([max(width - 1, 1), max(height - 1, 1)]), score


def simcc_order(shapes: dict[str, tuple[int, ...]], size: tuple[int, int]) -> tuple[int, int] | None:
    """Which two outputs are SimCC's x and y, by name or by their ratio to the input's ``(width, height)``; None if
    they are no such pair."""
    names = list(shapes)
    if len(names) != 2 or any(len(shape) != 3 for shape in shapes.values()):
        return None
    (_, joints, first), (_, other_joints, second) = shapes.values()
    if joints != other_joints:
        return None
    for x, y, bins in ((0, 1, (first, second)), (1, 0, (second, first))):
        ratios = [count / side for count, side in zip(bins, size, strict=True)]
        if ratios[0] == ratios[1] >= 1 and "y" not in names[x].split("_"):
            return x, y
    return None


def _highest(heatmaps: np.ndarray) -> tuple[Float[np.ndarray, "n joints 2"], Float[np.ndarray, "n joints"]]:
    """Column and row of the highest pixel, and its value."""
    if not np.isfinite(heatmaps).all():
        raise ModelError("the network gives heatmaps that are no numbers")
    height, width = heatmaps.shape[-2:]
    flat = heatmaps.reshape(*heatmaps.shape[:2], height * width)
    row, column = np.divmod(flat.argmax(-1), width)
    return np.stack((column, row), axis=-1).astype(np.float64), flat.max(-1).astype(np.float64)


def _around(
    heatmaps: Float[np.ndarray, "n joints height width"], points: Float[np.ndarray, "n joints 2"]
) -> Float[np.ndarray, "n joints 3 3"]:
    """The 3x3 pixels around each point, those beyond the border as at it."""
    height, width = heatmaps.shape[-2:]
    steps = np.arange(-1, 2)
    column = np.clip(points[..., 0].astype(int)[..., None] + steps, 0, width - 1)
    row = np.clip(points[..., 1].astype(int)[..., None] + steps, 0, height - 1)
    n, joints = np.ix_(range(points.shape[0]), range(points.shape[1]))
    index = (n[..., None, None], joints[..., None, None], row[..., :, None], column[..., None, :])
    return np.asarray(heatmaps[index], np.float64)

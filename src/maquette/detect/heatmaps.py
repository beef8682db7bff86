"""From heatmaps to places: where each joint is, and how sure the network is of it.

Places are in cells of the heatmap, counted from the upper left corner of the first one, so that the middle of the cell
in column 3 is x = 3.5. How published programs read heatmaps otherwise: :mod:`maquette.detect.published_heatmaps`.
"""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int

Refinement = Literal["none", "quarter", "taylor"]
"""``none``: the middle of the highest cell. ``quarter``: moved by a quarter of a cell, along each axis, towards the
higher one of the two neighbours (Newell et al. 2016). ``taylor``: to the top of the bell around the highest cell, by a
parabola through the logarithms of its 3x3 cells (after Zhang et al. 2020, who take the derivatives at the cell)."""

_FLOOR = 0.01
"""Share of the peak that a neighbour has at least: logarithms want something above 0."""
_LONGEST_STEP = 1.0
"""In cells; the top of a bell whose highest cell is known lies within half a cell, noise aside."""


class Decoded(NamedTuple):
    """Of every heatmap."""

    points: Float[np.ndarray, "n joints 2"]
    """x and y in cells, from the corner of the first; NaN where no cell is above 0."""
    confidence: Float[np.ndarray, "n joints"]
    """Height of the peak, at most 1 (that of the bells that networks are trained on); 0 where no cell is above 0."""
    cells: Int[np.ndarray, "n joints 2"]
    """Column and row of the highest cell, the first in reading order of several; (0, 0) where none is above 0."""


def decode(heatmaps: Float[np.ndarray, "n joints height width"], refine: Refinement = "quarter") -> Decoded:
    """Place and confidence of each joint.

    Cells at the border are not refined: they lack a neighbour. Heatmaps with values that are not finite have no joint.
    """
    n, joints, _, width = heatmaps.shape
    flat = heatmaps.reshape(n, joints, -1)
    highest = np.where(np.isfinite(flat).all(axis=-1, keepdims=True), flat, -np.inf)
    place = highest.argmax(axis=-1)
    peak = np.take_along_axis(highest, place[..., None], axis=-1)[..., 0]
    found = peak > 0
    cells = np.where(found[..., None], np.stack([place % width, place // width], axis=-1), 0)
    points = cells + 0.5
    if refine != "none":
        inner, around = neighbourhoods(heatmaps, cells)
        inner &= found
        shift = quarter_shift if refine == "quarter" else taylor_shift
        points[inner] += shift(around[inner])
    confidence = np.where(found, np.minimum(peak, 1), 0.0).astype(np.float64)
    return Decoded(np.where(found[..., None], points, np.nan), confidence, cells.astype(np.int64))


def at_cells(
    maps: Float[np.ndarray, "n joints height width"], cells: Int[np.ndarray, "n joints 2"]
) -> Float[np.ndarray, "n joints"]:
    """Values of maps (of depth) in a cell for each joint."""
    n, joints = np.indices(cells.shape[:2])
    return maps[n, joints, cells[..., 1], cells[..., 0]]


def neighbourhoods(
    heatmaps: Float[np.ndarray, "n joints height width"], cells: Int[np.ndarray, "n joints 2"]
) -> tuple[np.ndarray, np.ndarray]:
    """``(inner, around)``: whether a cell has all eight neighbours, and itself amid them (n, joints, 3 rows, 3
    columns); of cells at the border, those of the nearest cell that has all."""
    height, width = heatmaps.shape[2:]
    x, y = cells[..., 0], cells[..., 1]
    inner = (x > 0) & (x < width - 1) & (y > 0) & (y < height - 1)
    if height < 3 or width < 3:
        return np.zeros_like(inner), np.zeros((*inner.shape, 3, 3))
    n, joints = np.indices(cells.shape[:2])[..., None, None]
    rows = np.clip(y, 1, height - 2)[..., None, None] + np.array([[-1], [0], [1]])
    columns = np.clip(x, 1, width - 2)[..., None, None] + np.array([[-1, 0, 1]])
    return inner, heatmaps[n, joints, rows, columns]


def quarter_shift(around: Float[np.ndarray, "some 3 3"]) -> Float[np.ndarray, "some 2"]:
    """A quarter of a cell towards the higher neighbour; none where both are equal."""
    across, down = around[:, 1, 2] - around[:, 1, 0], around[:, 2, 1] - around[:, 0, 1]
    return 0.25 * np.sign(np.stack([across, down], axis=-1)).astype(np.float64)


def taylor_shift(around: Float[np.ndarray, "some 3 3"]) -> Float[np.ndarray, "some 2"]:
    """To the top of the parabola in x and y that fits the logarithms of the nine cells by least squares: exact for a
    bell. Where the nine form no summit, a quarter as above."""
    peak = around[:, 1, 1].astype(np.float64)
    logs = np.log(np.maximum(around / np.maximum(peak, 1e-300)[:, None, None], _FLOOR))
    across, down = logs.sum(axis=1), logs.sum(axis=2)
    gradient = np.stack([across[:, 2] - across[:, 0], down[:, 2] - down[:, 0]], axis=-1) / 6
    xx, yy = ((line[:, 0] - 2 * line[:, 1] + line[:, 2]) / 3 for line in (across, down))
    xy = (logs[:, 2, 2] - logs[:, 2, 0] - logs[:, 0, 2] + logs[:, 0, 0]) / 4
    determinant = xx * yy - xy * xy
    summit = (xx < 0) & (determinant > 1e-9)
    safe = np.where(summit, determinant, 1.0)
    step = -np.stack(
        [(yy * gradient[:, 0] - xy * gradient[:, 1]) / safe, (xx * gradient[:, 1] - xy * gradient[:, 0]) / safe],
        axis=-1,
    )
    step = np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)
    return np.where(summit[:, None], step, quarter_shift(around))

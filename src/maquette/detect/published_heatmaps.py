"""How the published programs of Zhou et al. 2017 read heatmaps, with their mistakes: for equal numbers, not for use.

The Torch program is ``decode(heatmaps, "quarter")``. Its two successors in PyTorch count cells from 0 as well, but

* the first port (2017) moves by a quarter as the cell with column and row exchanged would be, and by a quarter
  upwards where both neighbours are equal. Run by Python 3 instead of Python 2, its division gives rows a fraction;
* the second (2019) does not refine, and gives rows that fraction: index / width, so y is up to a cell too large.
"""

from typing import Literal

import numpy as np
from jaxtyping import Float

PythonVersion = Literal[2, 3]


def port_cells(
    heatmaps: Float[np.ndarray, "n joints height width"], *, python: PythonVersion = 2
) -> Float[np.ndarray, "n joints 2"]:
    """Column and row of the highest cell as both ports give them; by Python 3 the row has the fraction."""
    n, joints, _, width = heatmaps.shape
    place = heatmaps.reshape(n, joints, -1).argmax(axis=-1)
    rows = place / width if python == 3 else place // width
    return np.stack([place % width, rows], axis=-1).astype(np.float64)


def port_points(
    heatmaps: Float[np.ndarray, "n joints side side"], *, python: PythonVersion = 2
) -> Float[np.ndarray, "n joints 2"]:
    """Places as the first port refines them for its error in 3D."""
    points = port_cells(heatmaps, python=python)
    side = heatmaps.shape[-1]
    x, y = points.astype(int).transpose(2, 0, 1)
    inner = (x > 0) & (x < side - 1) & (y > 0) & (y < side - 1)
    n, joints = np.indices(x.shape)
    # The program indexes [column, row] where the array is [row, column].
    row, column = np.clip(x, 1, side - 2), np.clip(y, 1, side - 2)
    across = heatmaps[n, joints, row + 1, column] - heatmaps[n, joints, row - 1, column]
    down = heatmaps[n, joints, row, column + 1] - heatmaps[n, joints, row, column - 1]
    shift = np.where(np.stack([across, down], axis=-1) >= 0, 0.25, -0.25)
    return points + np.where(inner[..., None], shift, 0.0) + 0.5

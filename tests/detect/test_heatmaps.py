"""Heatmaps are read as the published programs read them, and better where asked."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from maquette.detect.heatmaps import Refinement, at_cells, decode
from maquette.detect.published_heatmaps import port_cells, port_points


def bells(points: np.ndarray, side: int = 64, sigma: float = 1.75) -> np.ndarray:
    """(n, joints, side, side): a bell of height 1 around each point (in cells, from the corner of the first)."""
    grid = np.arange(side) + 0.5
    x, y = points[..., 0, None], points[..., 1, None]
    across, down = np.exp(-((grid - x) ** 2) / (2 * sigma**2)), np.exp(-((grid - y) ** 2) / (2 * sigma**2))
    return down[..., :, None] * across[..., None, :]


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    return np.random.default_rng(0).uniform(2, 62, (6, 16, 2))


def errors(heatmaps: np.ndarray, points: np.ndarray, refine: Refinement) -> np.ndarray:
    return np.linalg.norm(decode(heatmaps, refine).points - points, axis=-1)


def test_cells_are_those_of_the_first_port(goldens_dir: Path) -> None:
    golden = np.load(goldens_dir / "zhou_hourglass" / "eval.npz")
    decoded = decode(golden["heatmaps"], "none")
    np.testing.assert_array_equal(decoded.cells, golden["py2_preds"])
    np.testing.assert_array_equal(decoded.points, golden["py2_preds"] + 0.5)
    np.testing.assert_array_equal(decode(golden["gt_heatmaps"]).cells, golden["py2_gt_preds"])
    np.testing.assert_array_equal(port_cells(golden["heatmaps"], python=3), golden["py3verbatim_preds"])


def test_cells_and_peaks_are_those_of_the_second_port(goldens_dir: Path) -> None:
    golden = np.load(goldens_dir / "zhou_v2_resnet" / "eval.npz")
    np.testing.assert_array_equal(port_cells(golden["heatmaps"], python=3), golden["preds_verbatim"])
    decoded = decode(golden["heatmaps"], "none")
    np.testing.assert_array_equal(decoded.cells[..., 0], golden["preds_verbatim"][..., 0])
    np.testing.assert_array_equal(decoded.cells[..., 1], np.floor(golden["preds_verbatim"][..., 1]))
    np.testing.assert_array_equal(decoded.confidence, np.minimum(golden["conf"][..., 0], 1))


def test_a_quarter_of_a_cell_towards_the_higher_neighbour() -> None:
    heatmap = np.zeros((1, 4, 8, 8), dtype=np.float32)
    heatmap[0, :, 3, 5] = 1
    heatmap[0, 0, 3, 6], heatmap[0, 0, 2, 5] = 0.5, 0.25
    heatmap[0, 1, 3, 4], heatmap[0, 1, 4, 5] = 0.5, 0.25
    heatmap[0, 3] = 0
    heatmap[0, 3, 0, 5], heatmap[0, 3, 0, 6] = 1, 0.5
    found = decode(heatmap).points[0]
    # Moved right and up; left and down; nowhere, both neighbours being equal; nowhere, at the border.
    np.testing.assert_array_equal(found, [[5.75, 3.25], [5.25, 3.75], [5.5, 3.5], [5.5, 0.5]])


def test_the_first_port_moves_as_the_cell_with_row_and_column_exchanged_would_be() -> None:
    heatmap = np.zeros((1, 1, 8, 8))
    heatmap[0, 0, 3, 5] = 1
    assert port_points(heatmap)[0, 0].tolist() == [5.75, 3.75]  # equal neighbours: to the right and down
    heatmap[0, 0, 4, 3], heatmap[0, 0, 5, 2] = 0.5, 0.5  # neighbours of row 5, column 3
    assert port_points(heatmap)[0, 0].tolist() == [5.25, 3.25]
    assert port_points(heatmap, python=3)[0, 0].tolist() == [5.25, 3.25 + 5 / 8]


@pytest.mark.parametrize(("refine", "worst"), [("none", 0.71), ("quarter", 0.36), ("taylor", 1e-9)])
def test_refinements_find_the_top_of_a_bell(points: np.ndarray, refine: Refinement, worst: float) -> None:
    assert errors(bells(points), points, refine).max() < worst


def test_the_top_of_a_bell_is_found_amid_noise_better_than_by_quarters(points: np.ndarray) -> None:
    noise = np.random.default_rng(1).normal(0, 0.02, (6, 16, 64, 64))
    heatmaps = bells(points) + noise
    by_taylor, by_quarter = errors(heatmaps, points, "taylor"), errors(heatmaps, points, "quarter")
    assert by_taylor.mean() < 0.6 * by_quarter.mean()
    assert by_taylor.max() < 0.4


def test_the_mirror_image_is_read_as_the_mirror_image(points: np.ndarray) -> None:
    heatmaps = bells(points) + np.random.default_rng(2).normal(0, 0.02, (6, 16, 64, 64))
    for refine in ("none", "quarter", "taylor"):
        found, mirrored = decode(heatmaps, refine).points, decode(heatmaps[..., ::-1], refine).points
        np.testing.assert_allclose(mirrored, [64, 0] + found * [-1, 1], atol=1e-12)


def test_no_peak_is_no_joint() -> None:
    heatmaps = np.zeros((1, 3, 16, 16), dtype=np.float32)
    heatmaps[0, 1] = -1
    heatmaps[0, 2] = np.nan
    decoded = decode(heatmaps)
    assert np.isnan(decoded.points).all()
    assert not decoded.confidence.any()
    assert not decoded.cells.any()


def test_peaks_above_one_are_certain() -> None:
    heatmaps = np.full((1, 1, 4, 4), 3.0)
    assert decode(heatmaps).confidence == 1


def test_maps_are_read_in_the_cells() -> None:
    maps = np.arange(2 * 3 * 4 * 5, dtype=np.float64).reshape(2, 3, 4, 5)
    cells = np.array([[[4, 3], [0, 0], [1, 2]], [[0, 1], [2, 2], [3, 0]]])
    found = at_cells(maps, cells)
    for n in range(2):
        for j in range(3):
            assert found[n, j] == maps[n, j, cells[n, j, 1], cells[n, j, 0]]


@given(arrays(np.float32, (1, 2, 6, 5), elements=st.floats(width=32, allow_nan=True)))
def test_any_numbers_give_a_place_in_the_heatmap_or_none(heatmaps: np.ndarray) -> None:
    for refine in ("none", "quarter", "taylor"):
        points, confidence, cells = decode(heatmaps, refine)
        assert (np.isfinite(points).all(axis=-1) == (confidence > 0)).all()
        seen = points[confidence > 0]
        assert (seen >= 0).all()
        assert (seen <= [5, 6]).all()
        assert (cells >= 0).all()
        assert (cells < [5, 6]).all()

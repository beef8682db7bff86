"""Min-max normalisation against what the published program holds and computes."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from maquette.errors import InputError
from maquette.lifting.min_max import PUBLISHED_16, PUBLISHED_17, MinMax
from maquette.skeletons import H36M_16, H36M_17


def test_limits_are_those_of_the_published_program(goldens_dir: Path) -> None:
    with np.load(goldens_dir / "ssl3d" / "parsed.npz", allow_pickle=False) as golden:
        for limits, skeleton, joints in ((PUBLISHED_16, H36M_16, 16), (PUBLISHED_17, H36M_17, 17)):
            assert len(limits) == len(skeleton) == joints
            np.testing.assert_array_equal(limits.max_mm.ravel(), golden[f"max_{joints}"])
            np.testing.assert_array_equal(limits.min_mm.ravel(), golden[f"min_{joints}"])


def test_millimetres_are_those_of_the_published_evaluation(goldens_dir: Path) -> None:
    with np.load(goldens_dir / "ssl3d" / "parsed.npz", allow_pickle=False) as golden:
        coarse = golden["coarse_3d"]
    with np.load(goldens_dir / "ssl3d" / "eval_h36m.npz", allow_pickle=False) as golden:
        expected = golden["pred_mm"]
    found = PUBLISHED_16.unnormalise(coarse.reshape(-1, 16, 3))
    np.testing.assert_allclose(found.reshape(-1, 48), expected, atol=1e-9)


@given(arrays(np.float64, (4, 16, 3), elements=st.floats(-1500, 1500)))
def test_there_and_back(positions: np.ndarray) -> None:
    positions[:, 0] = 0
    values = PUBLISHED_16.normalise(positions)
    assert (values[:, 0] == 0).all()  # the root stays at 0
    np.testing.assert_allclose(PUBLISHED_16.unnormalise(values), positions, atol=1e-9)


def test_limits_become_0_and_1_and_nothing_is_clipped() -> None:
    np.testing.assert_allclose(PUBLISHED_17.normalise(PUBLISHED_17.max_mm), 1, atol=1e-15)
    np.testing.assert_array_equal(PUBLISHED_17.normalise(PUBLISHED_17.min_mm), 0)
    assert PUBLISHED_17.normalise(2 * PUBLISHED_17.max_mm).max() > 1


def test_caffe_raises_the_root_only() -> None:
    raised = PUBLISHED_16.with_root_raised()
    np.testing.assert_allclose(raised.max_mm[0], 1.01e-4, rtol=1e-12)
    np.testing.assert_array_equal(raised.max_mm[1:], PUBLISHED_16.max_mm[1:])
    np.testing.assert_array_equal(raised.min_mm, PUBLISHED_16.min_mm)


def test_limits_that_cannot_be() -> None:
    low, high = np.zeros((3, 3)), np.ones((3, 3))
    high[1, 2], high[2, 0] = 0, np.nan
    with pytest.raises(InputError, match=r"2 problems:(.|\n)*joint 1.*\n.*joint 2"):
        MinMax(high, low)
    limits = MinMax(np.ones((2, 3)), np.zeros((2, 3)))
    with pytest.raises(ValueError, match="read-only"):
        limits.max_mm[0] = 3

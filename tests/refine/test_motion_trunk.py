"""Networks that leave out spine and neck/nose."""

from fractions import Fraction

import numpy as np
import pytest

from maquette.datasets.pose_statistics import published_statistics
from maquette.motion import Motion
from maquette.refine.motion_trunk import place_trunk
from maquette.skeletons import H36M_17, H36M_32


def motion(**missing: int | slice) -> Motion:
    """Human3.6M's mean pose, three frames; joint -> frames in which it is missing."""
    mean_mm = published_statistics("gt").mean_3d_mm.reshape(-1, 3)[H36M_32.indices(H36M_17.joints)]
    positions = np.repeat(mean_mm[None] / 1000, 3, axis=0)
    for joint, frames in missing.items():
        positions[frames, H36M_17.index(joint)] = np.nan
    return Motion(positions=positions, skeleton=H36M_17, fps=Fraction(50), frame="camera")


def test_the_mean_pose_is_found_again() -> None:
    whole, completed = motion(), place_trunk(motion(spine=slice(None), nose=slice(None)))
    assert np.abs(completed.positions - whole.positions).max() < 1e-3
    assert completed.notes == (
        "spine and nose, which the model does not give, put on straight lines between the joints around",
    )


@pytest.mark.parametrize("missing", [{}, {"spine": 1}, {"l_wrist": slice(None)}])
def test_other_gaps_are_not_touched(missing) -> None:
    gaps = motion(**missing)
    assert place_trunk(gaps) is gaps

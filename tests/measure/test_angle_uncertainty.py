"""Uncertainties of angles against the spread of angles of shaken joints."""

from dataclasses import replace

import numpy as np
import pytest
from made_body import made_motion

from maquette.errors import InputError
from maquette.measure import angle_sigma_deg, joint_angles, joint_sigma, measure_motion
from maquette.measure.uncertainty import MEAN_PER_SIGMA

_SIGMA_M = 0.004


def test_sigma_is_the_spread_over_many_shaken_copies() -> None:
    rng = np.random.default_rng(1)
    one = made_motion(4, 2)
    motion = replace(one, positions=one.positions.repeat(4000, axis=0))
    shaken = joint_angles(
        replace(motion, positions=motion.positions + _SIGMA_M * rng.normal(size=motion.positions.shape))
    )
    angles = joint_angles(one)
    sigma = joint_sigma(one, _SIGMA_M)
    assert sigma is not None
    told = angle_sigma_deg(one, angles, sigma)
    compared = 0
    for column, name in enumerate(angles.names):
        if name not in shaken.names:  # against the way it goes, which copies in a row have not
            continue
        values = shaken.angle(name).reshape(4, 4000) - angles.values_deg[:, column, None]
        values = values - 360 * np.round(values / 360)
        for frame in range(4):
            # A first-order figure is one for small angles.
            if np.isfinite(values[frame]).all() and told[frame, column] < 4.0:
                assert told[frame, column] == pytest.approx(values[frame].std(), rel=0.1), name
                compared += 1
    assert compared > 60


def test_unequal_sigma_counts_by_joint_and_guesses_are_told() -> None:
    motion = made_motion(5, 2)
    sigma_m = np.zeros(motion.positions.shape[:2])
    knee = motion.skeleton.index("l_knee")
    sigma_m[:, knee] = 0.01
    sigma_m[3] = np.inf
    measured = measure_motion(replace(motion, sigma_m=sigma_m))
    assert measured.sigma_deg is not None
    names = measured.angles.names
    # Shaken across the line from hip to ankle only the knee's own bend changes: by 1 / thigh + 1 / shin at most.
    most_deg = np.degrees(0.01 * (1 / 0.42 + 1 / 0.41))
    left = measured.sigma_deg[:, names.index("l_knee_flexion")]
    assert (left[:3] > 0.5 * most_deg).all()
    assert (left[:3] <= 1.001 * most_deg).all()
    assert (measured.sigma_deg[:3, names.index("r_knee_flexion")] == 0).all()
    assert left[3] > 100
    assert any("guessed" in warned.text for warned in measured.warnings)


def test_a_card_speaks_for_motions_of_its_model() -> None:
    rng = np.random.default_rng(0)
    assert np.linalg.norm(rng.normal(size=(200_000, 3)), axis=1).mean() == pytest.approx(MEAN_PER_SIGMA, rel=0.01)
    motion = replace(made_motion(3, 0), model="maquette-tcn27")
    sigma = joint_sigma(motion)
    assert sigma is not None
    assert "maquette-tcn27" in sigma.basis
    # 49.5 mm among each other and 58.0 mm as it is, on the card.
    assert sigma.body_m[0, 0] * MEAN_PER_SIGMA == pytest.approx(0.0495)
    assert sigma.world_m[0, 0] * MEAN_PER_SIGMA == pytest.approx(0.0580)


def test_nothing_known_is_said_so() -> None:
    measured = measure_motion(made_motion(30, 0))
    assert measured.sigma_deg is None
    assert "not known" in measured.basis
    assert np.isnan(measured.number("range:l_knee_flexion").uncertainty)
    with pytest.raises(InputError, match="metres above 0"):
        measure_motion(made_motion(30, 0), sigma_m=-0.1)

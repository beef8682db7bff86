"""Knees beside planted feet: against geometry of two bones, and a figure whose knees are known."""

import dataclasses
from fractions import Fraction

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from walking_figure import FPS, walk

from maquette.motion import Motion
from maquette.refine.motion_contacts import CONTACT_JOINTS
from maquette.refine.motion_hips import MovedLeg, eased_distance, hips_that_keep_knees
from maquette.refine.motion_plant import plant_feet
from maquette.skeletons import LIFTED_21

LENGTH_M = 0.85


def flexion_deg(distance_m: np.ndarray) -> np.ndarray:
    """Of a leg with thigh and shin of one length."""
    return np.degrees(2 * np.arccos(np.minimum(distance_m / LENGTH_M, 1.0)))


def knees_deg(motion: Motion, side: str) -> np.ndarray:
    hip, knee, ankle = (motion.joint(f"{side}_{part}") for part in ("hip", "knee", "ankle"))
    thigh, shin = knee - hip, ankle - knee
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(thigh, shin), axis=-1), (thigh * shin).sum(-1)))


@example(before=0.84765625, ahead=-0.125)
@given(before=st.floats(0.3, 0.8499), ahead=st.floats(-0.2, 0.3))
def test_a_leg_straightens_ever_slower_and_never_wholly(before: float, ahead: float) -> None:
    wanted = before + ahead + np.array([0.0, 1e-4])
    got = eased_distance(np.full(2, before), wanted, np.full(2, LENGTH_M))
    assert got[0] <= got[1] < LENGTH_M
    bend = flexion_deg(got)
    # 1.6 degrees for a millimetre of this leg; a leg cut off at its length has no bound.
    assert abs(bend[1] - bend[0]) < 0.16
    if flexion_deg(wanted)[0] > 30:
        # A leg that was nearly straight keeps what it gave way there: ease squared over what it lacked, 3 mm at most.
        kept_m = LENGTH_M * 0.0012**2 / max(1.0 - before / LENGTH_M, 0.0004)
        np.testing.assert_allclose(got[0], wanted[0], atol=kept_m + 2e-4)


@given(before=st.floats(0.3, 0.8496))
def test_a_leg_that_is_not_moved_stays_as_it_is(before: float) -> None:
    one = np.array([before])
    np.testing.assert_allclose(eased_distance(one, one, np.array([LENGTH_M])), one, atol=1e-12)


def test_hips_go_with_a_foot_that_stands_lower_and_leave_swinging_legs_alone() -> None:
    frames = 90
    hip = np.tile([0.0, 0.845, 0.0], (frames, 1))
    down = 0.02 * np.exp(-(((np.arange(frames) - 45) / 12.0) ** 2))[:, None] * np.array([0.0, -1.0, 0.0])
    standing = MovedLeg(hip, np.zeros((frames, 3)), down, np.full(frames, LENGTH_M))
    bent = np.tile([0.2, 0.3, -0.2], (frames, 1))
    swinging = MovedLeg(hip + [0.2, 0.0, 0.0], bent, bent, np.full(frames, LENGTH_M))
    shift = hips_that_keep_knees([standing, swinging], 30.0)
    assert np.abs(shift[:, [0, 2]]).max() < 0.004
    # Without the hips the leg would lack 1.5 cm; a bend of 12 degrees is 5 mm.
    left = np.linalg.norm(hip + shift - down, axis=-1)
    assert left.max() < LENGTH_M
    assert np.abs(flexion_deg(left) - flexion_deg(np.full(frames, 0.845))).max() < 8.0
    assert np.abs(np.diff(shift, 2, axis=0)).max() * 30**2 < 2.0


def test_knees_stay_near_the_truth_when_sliding_feet_are_planted() -> None:
    world, standing = walk()
    frames = np.arange(len(world))
    # The whole body wanders by up to 3 cm on the floor and 1 cm up and down; heights tell which feet stand.
    wander = np.stack([0.03 * np.sin(frames / 21), 0.01 * np.sin(frames / 13), 0.03 * np.cos(frames / 17)], axis=1)
    truth = Motion(world, LIFTED_21, fps=Fraction(FPS), frame="world")
    found = dataclasses.replace(
        truth,
        positions=world + wander[:, None],
        contacts=np.repeat(standing, 2, axis=1),
        contact_joints=CONTACT_JOINTS,
    )
    planted = plant_feet(found)
    feet = [planted.joint(joint) - truth.joint(joint) for joint in CONTACT_JOINTS]
    for column, away in enumerate(feet):
        held = np.diff(away[standing[:, column // 2]], axis=0)
        assert np.median(np.linalg.norm(held, axis=-1)) < 3e-4
    for side in "lr":
        error = knees_deg(planted, side) - knees_deg(truth, side)
        assert np.sqrt(np.mean(error**2)) < 1.5
        turns = [np.abs(np.diff(knees_deg(motion, side), 2)).max() for motion in (truth, planted)]
        assert turns[1] < 1.25 * turns[0]

"""Where an animation goes: in place, and on the ground of the rig at hand."""

import dataclasses

import numpy as np
from made_body import made_motion  # pyright: ignore[reportMissingImports]

from maquette.demo.choreography import perform
from maquette.rig import animate, joint_positions_m
from maquette.rig.root_motion import in_place, on_ground


def test_in_place_takes_out_the_way_and_nothing_else() -> None:
    animation = animate(made_motion(60))
    still = in_place(animation)
    np.testing.assert_array_equal(still.rotations, animation.rotations)
    np.testing.assert_array_equal(still.root_positions_m[:, 1], animation.root_positions_m[:, 1])
    assert not still.root_positions_m[:, [0, 2]].any()
    # Every joint keeps its place beside the root.
    a, b = joint_positions_m(animation), joint_positions_m(still)
    np.testing.assert_allclose(a - a[:, :1], b - b[:, :1], atol=1e-12)


def test_the_lowest_standing_foot_comes_onto_the_ground() -> None:
    """The demo's soles are on the ground: lifted or sunk, they come back there."""
    motion = perform(30).motion
    for with_contacts in (True, False):
        given = motion if with_contacts else dataclasses.replace(motion, contacts=None, contact_joints=())
        animation = animate(given)
        for lift in (-0.3, 0.8):
            moved = dataclasses.replace(animation, root_positions_m=animation.root_positions_m + [0.0, lift, 0.0])
            back = on_ground(moved)
            # Heels and balls of the figure stand 0 and 10 mm high, soles under a person's 15 and 25 mm.
            assert np.abs(back.root_positions_m - animation.root_positions_m).max() < 0.02
            np.testing.assert_array_equal(back.rotations, animation.rotations)
            np.testing.assert_array_equal(
                np.diff(back.root_positions_m[:, 1]).round(12), np.diff(moved.root_positions_m[:, 1]).round(12)
            )


def test_rigs_without_legs_and_empty_animations_stay() -> None:
    animation = animate(made_motion(3))
    lamp = dataclasses.replace(animation, roles={})
    assert on_ground(lamp) is lamp

"""When feet are held without being asked: in lifted motions on every rig; recorded motions keep their positions."""

import dataclasses
import json
import struct
from pathlib import Path

import numpy as np
import pytest

from maquette import write_motion
from maquette.demo.choreography import perform
from maquette.motion import Motion
from maquette.rig import RigAnimation
from maquette.rig.choice import animated
from maquette.rig.forward import joint_positions_m
from maquette.skeletons import LIFTED_21

FEET = ("l_heel", "l_toe", "r_heel", "r_toe")


def creeping_walk(model: str | None) -> Motion:
    """The demo's figure, whose whole body creeps by centimetres as a lifted one does."""
    motion = perform(30).motion
    time_s = np.arange(motion.n_frames) / 30
    creep = 0.03 * np.stack([np.sin(2.0 * time_s), 0.2 * np.sin(3.0 * time_s), np.cos(1.3 * time_s)], axis=1)
    return dataclasses.replace(
        motion,
        skeleton=LIFTED_21,
        positions=motion.positions[:, : len(LIFTED_21)] + creep[:, None],
        root_trajectory=None,
        model=model,
    )


def slide_m(animation: RigAnimation, contacts: dict[str, list[list[int]]]) -> float:
    positions = joint_positions_m(animation)
    slides = []
    for joint in FEET:
        if joint not in animation.places:
            continue
        path = positions[:, animation.skeleton.index(joint)]
        slides += [np.linalg.norm(path[a : b + 1] - path[a], axis=-1).max() for a, b in contacts[joint]]
    return float(max(slides))


@pytest.mark.parametrize("rig", [None, "mixamo", "unreal"])
def test_lifted_feet_stand_still_on_every_rig(rig: str | None) -> None:
    motion = creeping_walk("some lifter")
    held, free = animated(motion, rig=rig), animated(motion, rig=rig, foot_lock=False)
    assert slide_m(free, free.contacts) > 0.02
    assert slide_m(held, held.contacts) < 1e-5
    assert any("feet held on their spots" in note for note in held.notes)


@pytest.mark.parametrize("change", [{"model": None}, {"contacts": None, "contact_joints": ()}])
def test_recorded_motions_and_those_without_contacts_keep_their_positions(change: dict) -> None:
    motion = dataclasses.replace(creeping_walk("some lifter"), **change)
    animation = animated(motion)
    np.testing.assert_allclose(joint_positions_m(animation), motion.positions, atol=1e-3)


def test_contacts_that_flicker_do_not_tear_feet_away() -> None:
    motion = creeping_walk("some lifter")
    assert motion.contacts is not None
    contacts = motion.contacts.copy()
    contacts[20::23] = False
    held, flickering = animated(motion), animated(dataclasses.replace(motion, contacts=contacts))
    peaks = [np.abs(np.diff(joint_positions_m(a), 2, axis=0)).max() for a in (held, flickering)]
    assert peaks[1] < 1.2 * peaks[0]


def test_the_file_says_what_was_done(tmp_path: Path) -> None:
    write_motion(creeping_walk("some lifter"), tmp_path / "walk.glb")
    data = (tmp_path / "walk.glb").read_bytes()
    (length,) = struct.unpack_from("<I", data, 12)
    assert "feet held on their spots" in json.dumps(json.loads(data[20 : 20 + length])["asset"]["extras"])

"""Standing feet and the floor under them, of a walk whose contacts are known."""

import numpy as np
from walking_figure import FPS, walk

from maquette.refine.causal_ground import REST_M, ContactDetector, FloorLevel
from maquette.refine.motion_contacts import CONTACT_JOINTS
from maquette.skeletons import LIFTED_21

FEET = LIFTED_21.indices(CONTACT_JOINTS)
ROW, DT, UP = np.array([0]), np.array([1 / FPS]), np.array([0.0, 1.0, 0.0])
SEEN, RAY = np.ones((1, 4), dtype=bool), np.array([[0.0, 0.0, 1.0]])


def _contacts(feet: np.ndarray, seen: np.ndarray = SEEN) -> np.ndarray:
    detect = ContactDetector(1)
    return np.array([detect(ROW, f[None], seen, RAY, UP, DT)[0][0] for f in feet])


def test_contacts_of_a_walk_are_found_and_late_by_little() -> None:
    world, standing = walk()
    truth = standing[:, [0, 0, 1, 1]]
    found = _contacts(world[:, FEET])
    assert (found & truth).sum() / found.sum() > 0.85
    assert (found & truth).sum() / truth.sum() > 0.9
    begins = [np.flatnonzero(np.diff(c[:, 0].astype(int)) == 1) for c in (truth, found)]
    delays = [int(np.min(np.abs(begins[1] - b))) for b in begins[0][1:]]
    assert max(delays) <= 3


def test_unseen_and_jumping_feet_do_not_stand() -> None:
    world, _ = walk(2.0)
    assert not _contacts(world[:, FEET], ~SEEN).any()
    flight = np.repeat(world[:1, FEET], 30, axis=0)
    flight[:, :, 1] += (3.0 * np.arange(30) / FPS)[:, None]
    assert not _contacts(flight)[4:].any()


def test_the_floor_starts_under_the_lowest_foot_and_moves_slowly() -> None:
    level = FloorLevel(1)
    heights = np.array([[0.5, 0.45, 0.4, 0.6]])
    nobody, everybody, blind = np.zeros((1, 4), bool), np.ones((1, 4), bool), np.array([np.nan])
    assert level(ROW, heights, nobody, blind, DT)[0] == -0.4
    course = [float(level(ROW, np.full((1, 4), 1.4), everybody, blind, DT, 0.06)[0]) for _ in range(20 * FPS)]
    steps = -np.diff(course)
    assert steps.max() <= 0.5 / FPS + 1e-9
    assert steps[FPS:].max() <= 0.06 / FPS + 1e-9
    assert abs(course[-1] + 1.4) < 0.02


def test_raised_feet_do_not_move_the_floor_and_sunken_ones_do() -> None:
    level = FloorLevel(1)
    nobody, blind = np.zeros((1, 4), bool), np.array([np.nan])
    level(ROW, np.zeros((1, 4)), nobody, blind, DT)
    for _ in range(30):
        raised = level(ROW, np.full((1, 4), 0.5), nobody, blind, DT)
    assert raised[0] == 0.0
    for _ in range(60):
        sunk = level(ROW, np.full((1, 4), -0.3), nobody, blind, DT)
    assert sunk[0] > 0.1
    assert REST_M.shape == (4,)


def test_without_feet_the_wanted_level_is_taken() -> None:
    level = FloorLevel(2)
    found = level(np.array([1]), np.zeros((1, 4)), np.zeros((1, 4), bool), np.array([0.9]), DT)
    assert found[0] == 0.9
    level.shift(np.array([1]), np.array([-0.2]))
    assert level.level_m(np.array([1]))[0] == np.float64(0.9) - 0.2

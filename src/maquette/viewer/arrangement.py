"""Where the motions stand: side by side, or one over the other; and how they are held in place while they travel."""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from maquette.motion import Motion
from maquette.render.views import scene_positions
from maquette.viewer.body import Body

Arrangement = Literal["side by side", "overlaid", "overlaid at the root"]
ARRANGEMENTS: tuple[Arrangement, ...] = get_args(Arrangement)

_GAP_M = 0.4
_TRAVELS_M = 1.0
_ON_THE_GROUND = np.array([1.0, 0.0, 1.0])


def side_by_side(bodies: Sequence[Body], along: Float[np.ndarray, "3"]) -> list[Float[np.ndarray, "3"]]:
    """How far each is moved, so that the slots stand in a row where they begin, in a horizontal direction (a unit
    vector). Each keeps its own height."""
    slots = sorted({body.entry.slot for body in bodies})
    if len(slots) == 1:
        return [np.zeros(3) for _ in bodies]
    offsets, x = {}, 0.0
    for number, slot in enumerate(slots):
        members = [body for body in bodies if body.entry.slot == slot]
        reach = max(_reach(body.motion, body.followed, along) for body in members)
        x += reach if number else 0.0
        offsets[slot] = x * along - members[0].followed[0] * _ON_THE_GROUND
        x += reach + _GAP_M
    return [offsets[body.entry.slot] for body in bodies]


def way_back(body: Body) -> Float[np.ndarray, "3"]:
    """What takes a person who is followed back to where they began, in the frame on show."""
    return (body.followed[0] - body.followed[body.frame]) * _ON_THE_GROUND


def root_difference(reference: Body, other: Body) -> Float[np.ndarray, "3"]:
    """What takes the other's root joint onto the reference's, in the frames on show; zero where one is not known."""
    first, second = (body.positions(body.frame)[body.motion.skeleton.roots[0]] for body in (reference, other))
    return np.nan_to_num(first - second)


def travels(body: Body) -> bool:
    """Whether the person goes anywhere."""
    return float(np.ptp(body.followed[:, [0, 2]], axis=0).max()) > _TRAVELS_M


def _reach(motion: Motion, followed: Float[np.ndarray, "frames 3"], along: Float[np.ndarray, "3"]) -> float:
    """How far the person reaches to the side of the point followed, in metres, in most frames."""
    every = slice(None, None, max(1, motion.n_frames // 1000))
    sideways = np.abs((scene_positions(motion, every) - followed[every, None]) @ along)
    finite = sideways[np.isfinite(sideways)]
    return float(np.clip(np.quantile(finite, 0.99), 0.4, 3.0)) if len(finite) else 0.5

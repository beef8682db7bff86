"""The path of :mod:`maquette.refine.motion_path` as far as the present knows it: an information filter.

The cost that :func:`maquette.refine.motion_path.solve_path` minimises over a clip is a chain: with x_n the place and
v_n = (x_n - x_(n-1)) / dt the velocity, every term joins at most two successive states,

    w / dt |v_n - v_(n-1)|^2  +  dt (e w |v_n|^2 + sum over feet c |v_n + foot velocity|^2 + (x_n - target)^T A (x_n -
    target)),   x_n = x_(n-1) + dt v_n,

so eliminating the states in order of time (Kalman's filter in its information form) gives at frame n exactly the last
sample of that path over the frames 0 to n. The information form needs no prior: a fresh state has information zero.
Steps of different length are taken each as its own: the second difference then weighs w / dt of the later step, where
the grid of the offline path has one dt.
"""

import numpy as np
from jaxtyping import Float, Int

_FLAT = 1e-12
"""Added to the information when the state is read, so that a direction about which nothing is known stays where it is
predicted."""
_IDENTITY = np.eye(6) * _FLAT


class PathFilter:
    """Place and velocity of up to ``capacity`` points; the axes of a point are coupled by the information given.

    Args:
        stiffness: w for x, y and z.
        drag: e.
        calm: weight of w |v|^2 in a point's first frame. 0 is the offline path: two frames then decide about the
            velocity, and their noise sends the point off.
    """

    def __init__(
        self,
        capacity: int,
        *,
        stiffness: tuple[float, float, float] = (1.0, 1.0, 1.0),
        drag: float = 0.01,
        calm: float = 0.0,
    ) -> None:
        self._stiffness = np.array(stiffness)
        self._drag, self._calm = drag, calm
        self._information = np.zeros((capacity, 6, 6))
        self._state = np.zeros((capacity, 6))
        self._begun = np.zeros(capacity)

    def reset(self, row: int) -> None:
        """Forget one point."""
        self._information[row] = 0.0
        self._state[row] = 0.0
        self._begun[row] = 0.0

    def place(self, rows: Int[np.ndarray, " points"], places: Float[np.ndarray, "points 3"]) -> None:
        """Say where points are without information, at rest; only for points that have none."""
        self._state[rows, :3] = places
        self._state[rows, 3:] = 0.0

    def velocity(self, rows: Int[np.ndarray, " points"]) -> Float[np.ndarray, "points 3"]:
        """Of the last step, per second."""
        return self._state[rows, 3:]

    def scale(self, rows: Int[np.ndarray, " points"], factor: Float[np.ndarray, " points"]) -> None:
        """Everything known so far is ``factor`` times as far from the origin."""
        self._state[rows] *= factor[:, None]

    def predict(
        self,
        rows: Int[np.ndarray, " points"],
        dt_s: Float[np.ndarray, " points"],
        ahead_s: Float[np.ndarray, " points"] | None = None,
        kept: Float[np.ndarray, " points"] | None = None,
    ) -> Float[np.ndarray, "points 3"]:
        """Go on by ``dt_s``; returns the places predicted.

        Args:
            ahead_s: how long the velocity carries the point on; ``dt_s`` when None. Less for one that is not seen.
            kept: share of the velocity that is left then; 1 when None.
        """
        dt = dt_s[:, None, None]
        stiff = self._stiffness / dt_s[:, None]
        information = self._information[rows]
        place, cross, speed = information[:, :3, :3], information[:, :3, 3:], information[:, 3:, 3:]
        # The old velocity is eliminated; what it knew reaches the new one through the stiffness.
        inner = speed.copy()
        inner.reshape(-1, 9)[:, ::4] += stiff
        through = np.linalg.inv(inner)
        to_new = through * stiff[:, None, :]
        new = np.empty_like(information)
        reduced = place - cross @ through @ cross.swapaxes(1, 2)
        turned = cross @ to_new
        new_cross = turned - dt * reduced
        new[:, :3, :3] = reduced
        new[:, :3, 3:] = new_cross
        new[:, 3:, :3] = new_cross.swapaxes(1, 2)
        new_speed = speed @ to_new - dt * (turned + turned.swapaxes(1, 2)) + dt * dt * reduced
        new[:, 3:, 3:] = 0.5 * (new_speed + new_speed.swapaxes(1, 2))
        self._information[rows] = new
        state = self._state[rows]
        state[:, :3] += (dt_s if ahead_s is None else ahead_s)[:, None] * state[:, 3:]
        if kept is not None:
            state[:, 3:] *= kept[:, None]
        self._state[rows] = state
        return state[:, :3].copy()

    def update(
        self,
        rows: Int[np.ndarray, " points"],
        dt_s: Float[np.ndarray, " points"],
        pull: Float[np.ndarray, "points 3"],
        information: Float[np.ndarray, "points 3 3"],
        still: Float[np.ndarray, " points"] | None = None,
        push: Float[np.ndarray, "points 3"] | None = None,
    ) -> Float[np.ndarray, "points 3"]:
        """Take in what a frame tells; returns the places.

        Args:
            dt_s: the frame's share of time, as given to :meth:`predict`.
            pull: the sum of A target.
            information: the sum of A: symmetric, positive semi-definite, per second.
            still: the sum of c over the feet that stand; 0 for a point without a frame before.
            push: the sum over them of c times their step relative to the point, in metres.
        """
        state = self._state[rows]
        total = self._information[rows]
        place, velocity = state[:, :3], state[:, 3:]
        dt = dt_s[:, None]
        right = np.empty_like(state)
        right[:, :3] = dt * (pull - (information @ place[..., None])[..., 0])
        # Before the first frame there is no step that the drag could act on.
        begun = self._begun[rows, None]
        at_rest = (dt * begun * self._drag + (1.0 - begun) * self._calm) * self._stiffness
        self._begun[rows] = 1.0
        if still is not None:
            at_rest = at_rest + (dt_s * still)[:, None]
        right[:, 3:] = -at_rest * velocity
        if push is not None:
            right[:, 3:] -= push
        total[:, :3, :3] += dt[:, None] * information
        total.reshape(-1, 36)[:, 21::7] += at_rest
        self._information[rows] = total
        state += np.linalg.solve(total + _IDENTITY, right[..., None])[..., 0]
        self._state[rows] = state
        return state[:, :3].copy()


class EvenPathFilter:
    """:class:`PathFilter` where all information is the same along x, y and z: the axes part, and a 2x2 system has a
    closed form. For a stiffness of one and points that do not stand still."""

    def __init__(self, capacity: int, *, drag: float = 0.01) -> None:
        self._drag = drag
        # Of place, of place and velocity, of velocity.
        self._information = np.zeros((3, capacity))
        self._place, self._velocity = np.zeros((capacity, 3)), np.zeros((capacity, 3))
        self._begun = np.zeros(capacity)

    def reset(self, row: int) -> None:
        """Forget one point."""
        self._information[:, row] = 0.0
        self._place[row] = self._velocity[row] = 0.0
        self._begun[row] = 0.0

    def __call__(
        self,
        rows: Int[np.ndarray, " points"],
        dt_s: Float[np.ndarray, " points"],
        pull: Float[np.ndarray, "points 3"],
        information: Float[np.ndarray, " points"],
    ) -> Float[np.ndarray, "points 3"]:
        """Go on by ``dt_s`` and take in what a frame tells; returns the places. Arguments as of
        :meth:`PathFilter.update`, the information as a multiple of the identity."""
        place_i, cross_i, speed_i = self._information[:, rows]
        kept = 1.0 / (1.0 + dt_s * speed_i)
        reduced = place_i - dt_s * cross_i * cross_i * kept
        turned = cross_i * kept
        at_rest = dt_s * self._begun[rows] * self._drag
        self._begun[rows] = 1.0
        a = reduced + dt_s * information
        b = turned - dt_s * reduced
        c = speed_i * kept - dt_s * (turned + b) + at_rest
        self._information[:, rows] = a, b, c
        velocity = self._velocity[rows]
        place = self._place[rows] + dt_s[:, None] * velocity
        right_place = dt_s[:, None] * (pull - information[:, None] * place)
        right_velocity = -at_rest[:, None] * velocity
        a, c = (a + _FLAT)[:, None], (c + _FLAT)[:, None]
        b = b[:, None]
        scale = 1.0 / (a * c - b * b)
        place = place + scale * (c * right_place - b * right_velocity)
        self._place[rows] = place
        self._velocity[rows] = velocity + scale * (a * right_velocity - b * right_place)
        return place

"""Where several people are in front of the camera, one frame at a time, from picture, standing feet and floor."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from maquette.refine.causal_path import PathFilter
from maquette.refine.motion_path import information_at_cutoff
from maquette.refine.motion_placing import FLOOR_CUTOFF_HZ, STILL_WEIGHT
from maquette.refine.motion_trajectory import MIN_JOINTS, PictureFit, fit_translation

_WINDOW_S, _SAMPLES = 1.0, 16
"""Medians of depth, size and error are over this time, from about so many samples."""
_COAST_S = 0.15
"""Somebody who is not seen goes on with this time constant and then waits."""
_CONTRADICTION = 0.25
"""Depths further than this share off their median are something else (``without_contradictions``)."""
_UNSEEN_DEPTH_M = 4.0
_LATERAL_HZ = 6.0
_SLOPE_HZ = 1.0
"""Of the low-pass on the ray on which the depth moves."""
_STIFFNESS = (0.05, 0.05, 1.0)

_CALM = 3.0
"""Nobody comes into the picture at ten metres a second."""
_EASE_HZ = 0.7
"""What later frames tell about the depth before is brought in with the critically damped motion of this frequency."""
_STRAY_MPS = 1.5
"""Feet that stand and yet want the root to be this much faster along the ray than it was lose most of their say: the
pose is misread."""

_EYE = np.eye(3)


@dataclass(frozen=True, eq=False)
class Footing:
    """What the feet tell about the root in one frame."""

    steps_m: Float[np.ndarray, "people feet 3"]
    """How far each foot has moved relative to the root since the frame before."""
    still: Bool[np.ndarray, "people feet"]
    """Whether it stood then and stands now."""
    levels_m: Float[np.ndarray, "people feet"] | None
    """Height along ``up`` at which the root is when the foot stands on the known floor; None without one."""
    stands: Bool[np.ndarray, "people feet"]
    """Whether it stands on that floor."""
    up: Float[np.ndarray, "3"]


class RootPath:
    """The causal counterpart of :func:`maquette.refine.motion_trajectory.root_path` for up to ``capacity`` people.

    The weights are those of the offline path. Where it judges a depth by the second around it, the past second and the
    filter's own prediction judge here.

    A filter's newest place jumps whenever it learns that the ones before were wrong (a foot that stands on the known
    floor after a long time). As its state is place and velocity, each frame says apart how far the body has moved and
    by how much the place before is revised. The movement is shown at once; what is revised along the ray, where it is
    large and nobody sees it in the picture, is eased in.
    """

    def __init__(self, capacity: int, *, depth_cutoff_hz: float | int = 0.7) -> None:
        self._path = PathFilter(capacity, stiffness=_STIFFNESS, calm=_CALM)
        self._along = information_at_cutoff(depth_cutoff_hz)
        self._across = information_at_cutoff(_LATERAL_HZ)
        self._floor = information_at_cutoff(FLOOR_CUTOFF_HZ)
        # Depth, size and relative error of the last second, oldest overwritten.
        self._history = np.full((capacity, 3, _SAMPLES), np.inf)
        self._count = np.zeros(capacity, dtype=int)
        self._waited_s = np.zeros(capacity)
        self._slope = np.zeros((capacity, 2))
        self._ray = self._target = np.zeros((0, 3))
        self._placed = np.zeros(capacity, dtype=bool)
        self._last = np.zeros((capacity, 3))
        self._begun = np.zeros(capacity, dtype=bool)
        # Of what is still to be eased in: how much and how fast it changes, along the ray.
        self._owed = np.zeros((capacity, 2))
        self._fit: PictureFit | None = None
        self._predicted = np.zeros((0, 3))

    def reset(self, row: int) -> None:
        """Forget one person."""
        self._path.reset(row)
        self._history[row] = np.inf
        self._count[row] = 0
        self._waited_s[row] = 0.0
        self._placed[row] = False
        self._begun[row] = False
        self._owed[row] = 0.0

    def rescale(self, rows: Int[np.ndarray, " people"], factor: Float[np.ndarray, " people"]) -> None:
        """Bodies have become ``factor`` times as large, and so have their distances."""
        self._path.scale(rows, factor)
        self._last[rows] *= factor[:, None]
        self._history[rows, 0] *= factor[:, None]
        self._history[rows, 1] *= factor[:, None] ** 2

    def begin(
        self,
        rows: Int[np.ndarray, " people"],
        poses_m: Float[np.ndarray, "people joints 3"],
        rays: Float[np.ndarray, "people joints 2"],
        confidence: Float[np.ndarray, "people joints"],
        dt_s: Float[np.ndarray, " people"],
        away: Bool[np.ndarray, " people"],
    ) -> Float[np.ndarray, "people 3"]:
        """First half of a frame: fit the picture and say where the roots are expected.

        Args:
            poses_m: relative to the root, camera axes, of the bones that will be put out.
            rays: image coordinates at unit depth; NaN where missing.
            dt_s: since the person's frame before.
            away: who was not there for much longer than a frame takes.
        """
        fit = fit_translation(poses_m, rays, confidence)
        fit = self._without_contradictions(rows, fit)
        away = away | ~fit.seen
        kept = np.where(away, np.exp(-dt_s / _COAST_S), 1.0)
        ahead_s = np.where(away, _COAST_S * (1.0 - kept), dt_s)
        predicted = self._path.predict(rows, dt_s, ahead_s, kept)
        new = ~self._placed[rows]
        if new.any():
            start = np.where(fit.seen[:, None], fit.translation_m, _far(rays))
            self._path.place(rows[new], start[new])
            predicted = np.where(new[:, None], start, predicted)
            self._placed[rows] |= fit.seen
        self._fit, self._predicted = fit, predicted
        # What is observed, and with it the ray, changes from frame to frame; the ray that the depth moves on must not.
        slope = fit.ray[:, :2] / fit.ray[:, 2:]
        calm = np.where(new[:, None], slope, self._slope[rows])
        calm = calm + np.where(fit.seen, 1.0 - np.exp(-2 * np.pi * _SLOPE_HZ * dt_s), 0.0)[:, None] * (slope - calm)
        self._slope[rows] = calm
        ray = np.concatenate((calm, np.ones((len(rows), 1))), axis=1)
        self._ray = ray / np.sqrt(np.add.reduce(ray * ray, axis=1, keepdims=True))
        depth_m = fit.translation_m[:, 2:] - predicted[:, 2:]
        at_depth = fit.translation_m[:, :2] - depth_m * fit.ray[:, :2] / fit.ray[:, 2:]
        on_ray = np.concatenate((at_depth, predicted[:, 2:]), axis=1) + depth_m * ray
        self._target = np.where(fit.seen[:, None], on_ray, 0.0)
        return predicted

    @property
    def seen(self) -> Bool[np.ndarray, " people"]:
        """Whom the picture places in the frame begun last."""
        assert self._fit is not None
        return self._fit.seen

    @property
    def ray(self) -> Float[np.ndarray, "people 3"]:
        """Unit viewing directions in the frame begun last; NaN-free."""
        assert self._fit is not None
        return self._fit.ray

    def finish(
        self, rows: Int[np.ndarray, " people"], dt_s: Float[np.ndarray, " people"], feet: Footing
    ) -> Float[np.ndarray, "people 3"]:
        """Second half: the roots, with what the feet tell about them."""
        fit = self._fit
        assert fit is not None
        seen, ray = fit.seen, self._ray
        reliable = self._reliability(rows, fit, dt_s)
        along = ray[:, :, None] * ray[:, None, :]
        weight = np.where(seen, self._across, 0.0)[:, None, None]
        information = weight * (_EYE - along) + (self._along * reliable)[:, None, None] * along
        pull = np.einsum("pij,pj->pi", information, self._target)
        if feet.levels_m is not None:
            share = self._floor * feet.stands / np.maximum(feet.stands.sum(1), 1)[:, None]
            information = information + share.sum(1)[:, None, None] * (feet.up[:, None] * feet.up)
            pull = pull + (share * feet.levels_m).sum(1)[:, None] * feet.up
        stray = np.einsum("pfi,pi->pf", feet.steps_m / dt_s[:, None, None] + self._path.velocity(rows)[:, None], ray)
        still = STILL_WEIGHT * feet.still / (1.0 + (stray / _STRAY_MPS) ** 2) ** 2
        push = np.einsum("pf,pfi->pi", still, feet.steps_m)
        root = self._path.update(rows, dt_s, pull, information, still.sum(1), push)
        return self._eased(rows, root, dt_s)

    def _eased(
        self, rows: Int[np.ndarray, " people"], root: Float[np.ndarray, "people 3"], dt_s: Float[np.ndarray, " people"]
    ) -> Float[np.ndarray, "people 3"]:
        """The roots with what is revised about earlier frames coming in slowly."""
        before = root - dt_s[:, None] * self._path.velocity(rows)
        revised = np.einsum("pi,pi->p", before - self._last[rows], self._ray)
        self._last[rows] = root
        owed, speed = self._owed[rows].T
        owed = owed - np.where(self._begun[rows], revised, 0.0)
        self._begun[rows] = True
        rate = 2.0 * np.pi * _EASE_HZ
        kept = np.exp(-rate * dt_s)
        step = (speed + rate * owed) * dt_s
        self._owed[rows, 0] = (owed + step) * kept
        self._owed[rows, 1] = (speed - rate * step) * kept
        return root + self._owed[rows, :1] * self._ray

    def _without_contradictions(self, rows: Int[np.ndarray, " people"], fit: PictureFit) -> PictureFit:
        depth, _, error = self._medians(rows)
        with np.errstate(invalid="ignore"):
            off = np.abs(depth / fit.translation_m[:, 2] - 1.0)
        known = self._count[rows] > 2
        usual = np.maximum(1.4826 * np.where(known, error, 0.0), 0.01)
        odd = fit.seen & known & (off >= np.maximum(_CONTRADICTION, 8 * usual))
        if not odd.any():
            return fit
        # What contradicts is remembered: once most of a second says so, it is the truth.
        self._remember(rows, fit, np.where(odd, off, 0.0), odd)
        seen = fit.seen & ~odd
        return PictureFit(
            np.where(seen[:, None], fit.translation_m, np.nan),
            fit.ray,
            np.where(seen, fit.depth_information, 0.0),
            seen,
        )

    def _reliability(
        self, rows: Int[np.ndarray, " people"], fit: PictureFit, dt_s: Float[np.ndarray, " people"]
    ) -> Float[np.ndarray, " people"]:
        """The say of each depth: by the size of what is seen, less the further it is from what is expected."""
        seen = fit.seen
        depth_m = np.where(seen, fit.translation_m[:, 2], 1.0)
        error = np.where(seen, np.abs(self._predicted[:, 2] - depth_m) / depth_m, 0.0)
        self._waited_s[rows] += dt_s
        due = seen & ((self._waited_s[rows] >= _WINDOW_S / _SAMPLES - 5e-4) | (self._count[rows] == 0))
        self._remember(rows, fit, error, due)
        _, size, usual = self._medians(rows)
        known = self._count[rows] > 0
        scale = np.maximum(1.4826 * np.where(known, usual, 0.0), 0.01)
        share = fit.depth_information / np.where(known & (size > 0), size, 1.0)
        share = np.minimum(np.maximum(share, 0.05), 2.0)
        return np.where(seen, share / (1.0 + (error / (2.5 * scale)) ** 2) ** 2, 0.0)

    def _remember(
        self,
        rows: Int[np.ndarray, " people"],
        fit: PictureFit,
        error: Float[np.ndarray, " people"],
        due: Bool[np.ndarray, " people"],
    ) -> None:
        if not due.any():
            return
        taken = rows[due]
        sample = np.stack((fit.translation_m[:, 2], fit.depth_information, error), axis=-1)[due]
        self._history[taken, :, self._count[taken] % _SAMPLES] = sample
        self._count[taken] += 1
        self._waited_s[taken] = 0.0

    def _medians(self, rows: Int[np.ndarray, " people"]) -> Float[np.ndarray, "3 people"]:
        ordered = np.sort(self._history[rows], axis=-1)
        count = np.minimum(np.maximum(self._count[rows], 1), _SAMPLES)
        people = np.arange(len(rows))
        return (0.5 * (ordered[people, :, (count - 1) // 2] + ordered[people, :, count // 2])).T


def _far(rays: Float[np.ndarray, "people joints 2"]) -> Float[np.ndarray, "people 3"]:
    """A place to start from where nothing places a person: on the ray of what is seen, or straight ahead."""
    known = np.isfinite(rays[..., 0]) & np.isfinite(rays[..., 1])
    count = np.maximum(known.sum(1), 1)[:, None]
    middle = np.where(known[..., None], rays, 0.0).sum(1) / count
    return _UNSEEN_DEPTH_M * np.concatenate((middle, np.ones((len(rays), 1))), axis=1)


def enough_seen(confidence: Float[np.ndarray, "people joints"]) -> Bool[np.ndarray, " people"]:
    """Who shows enough joints to be placed."""
    return np.count_nonzero(confidence > 0, axis=1) >= MIN_JOINTS

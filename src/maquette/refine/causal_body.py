"""The bodies of a session in space, one frame at a time: what the offline refinement does, as far as the past tells."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from maquette.errors import InputError
from maquette.geometry.camera import Camera
from maquette.refine.causal_bones import BoneKeeper
from maquette.refine.causal_calibration import Calibration, CalibrationFrames, assumed_calibration
from maquette.refine.causal_ground import REST_M, ContactDetector, FloorLevel
from maquette.refine.causal_plant import FootPlanter
from maquette.refine.causal_pose import BETA, MIN_CUTOFF_HZ, PoseFilter
from maquette.refine.causal_root import Footing, RootPath, enough_seen
from maquette.refine.causal_tilt import EarlyTilt
from maquette.refine.causal_view import SessionView
from maquette.refine.motion_contacts import CONTACT_JOINTS
from maquette.refine.motion_placing import OTHER_FLOOR_M
from maquette.refine.motion_scale import ANKLE_HEIGHT_FRACTION, height_from_bones
from maquette.skeletons import LIFTED_21

_JOINTS = len(LIFTED_21)
_FEET = np.array(LIFTED_21.indices(CONTACT_JOINTS))
_ANKLES = np.array(LIFTED_21.indices([joint[:2] + "ankle" for joint in CONTACT_JOINTS]))
_LEGS = np.array(LIFTED_21.indices(["l_knee", "r_knee", "l_ankle", "r_ankle"]))
_LEAST_BODY_M = 0.1
"""A pose smaller than this, or one with NaN, is none."""
_ABSENT_S = 0.1
"""Who was away for this much longer than frames take has come back."""
_EASE_S, _FAR_M = 0.2, 1.0
"""Who comes back is brought over from where they were last in this time, unless it is further than that."""
_OFF_FLOOR_M = 0.13
"""A foot further from the floor than this is not said to stand on it."""
_KNOWN_FLOOR_MPS, _FELT_FLOOR_MPS = 0.06, 0.3
"""How fast somebody's floor may rise or sink: where one floor for all is known, and where the tilt may still be wrong,
so that it slopes for whoever walks."""
_CALIBRATION_FRAMES = 2000


def _height_shares() -> Float[np.ndarray, " 21"]:
    """Body height as a linear form of the bone lengths (:func:`height_from_bones` is linear in them)."""
    ones = np.ones(_JOINTS)
    base = height_from_bones(ones, LIFTED_21)
    return np.array([height_from_bones(ones + row, LIFTED_21) - base for row in np.eye(_JOINTS)])


_HEIGHT_SHARES = _height_shares()


@dataclass(frozen=True, eq=False)
class BodyFrame:
    """The people of one frame in the world: right-handed, Y up, ground at y = 0, metres."""

    positions_m: Float[np.ndarray, "people 21 3"]
    """Of the joints of ``maquette-21``; finite."""
    contacts: Bool[np.ndarray, "people 4"]
    """Whether left heel, left toe, right heel, right toe stand."""


@dataclass(frozen=True, eq=False)
class _Now:
    """The people of a frame in time."""

    rows: Int[np.ndarray, " people"]
    seen: Bool[np.ndarray, " people"]
    """The picture shows enough of them."""
    fresh: Bool[np.ndarray, " people"]
    away: Bool[np.ndarray, " people"]
    """Their last frame is longer ago than frames take."""
    back: Bool[np.ndarray, " people"]
    """Seen again after such a time."""
    dt: Float[np.ndarray, " people"]
    """Since their last frame."""
    unseen_s: Float[np.ndarray, " people"]
    """Since they were last seen."""
    easing: Float[np.ndarray, " people"]
    """How much of the place where they were last still counts, 1..0."""


class BodyStream:
    """Root-relative poses of several people in, bodies in the world out, frame by frame.

    In order, as :func:`maquette.refine.motion_finish.finish` has it: smoothing, constant bones, scale, path of the
    root, gravity, ground. Everything is a function of the frames so far alone.

    Args:
        camera: focal length and principal point of the picture.
        capacity: how many people at once; rows are 0 to ``capacity`` - 1.
        height_m: body height of everybody; None keeps the size that the lifter gives.
        min_cutoff_hz, beta: of the One-Euro filter on the poses (:class:`maquette.refine.causal_pose.PoseFilter`).
        calibration: what is known of tilt and floor beforehand; None assumes a usual camera.
        calibrate_s: how many seconds of frames :attr:`calibration_frames` collects; 0 for none.

    Raises:
        InputError: a capacity below one, a body height that no person has, or filter settings that are none.
    """

    def __init__(
        self,
        camera: Camera,
        capacity: int,
        *,
        height_m: float | int | None = None,
        min_cutoff_hz: float | int = MIN_CUTOFF_HZ,
        beta: float | int = BETA,
        calibration: Calibration | None = None,
        calibrate_s: float | int = 3.0,
    ) -> None:
        if capacity < 1:
            raise InputError(f"capacity is {capacity} people, expected at least 1")
        if height_m is not None and not 0.4 <= height_m <= 2.8:
            raise InputError(f"body height is {height_m:g} m, expected 0.4 to 2.8 (metres, not centimetres or feet)")
        self.capacity = capacity
        self._camera = camera
        self._height_m = height_m
        self.calibration = assumed_calibration() if calibration is None else calibration
        """What holds now."""
        self._view = SessionView(self.calibration)
        self._early = EarlyTilt(self.calibration)
        self._pose = PoseFilter(capacity, _JOINTS, min_cutoff_hz=min_cutoff_hz, beta=beta)
        self._calm_root = PoseFilter(capacity, 1, min_cutoff_hz=min_cutoff_hz, beta=beta)
        self._bones = BoneKeeper(capacity)
        self._root = RootPath(capacity)
        self._contacts = ContactDetector(capacity)
        self._level = FloorLevel(capacity)
        self._plant = FootPlanter(capacity)
        self._last_s = np.full(capacity, np.nan)
        self._seen_s = np.full(capacity, np.nan)
        self._offsets_m = np.zeros((capacity, len(_FEET), 3))
        self._footing_m = np.full((capacity, 3), np.nan)
        self._last_root_m = np.zeros((capacity, 3))
        self._relevel_m = np.zeros(capacity)
        self._changed = 1.0
        self._legs = np.zeros(capacity)
        self._scale = np.ones(capacity)
        self._body_m = np.zeros((capacity, _JOINTS, 3))
        self._ease_pose_m = np.zeros((capacity, _JOINTS, 3))
        self._ease_root_m = np.zeros((capacity, 3))
        self._ease_s = np.full(capacity, _EASE_S)
        self._frame_s = 1.0 / 30.0
        self._time_s = -np.inf
        self._occupant = np.arange(capacity)
        self._next_occupant = capacity
        self._calibrate_s = float(calibrate_s)
        self._recorded: list[tuple[float, np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []

    @property
    def camera(self) -> Camera:
        """The camera as it stands in the world now."""
        return self._view.posed(self._camera)

    @property
    def calibration_frames(self) -> CalibrationFrames:
        """The frames collected so far, from the first that showed somebody, for :func:`calibrate`. What is given back
        does not change any more and may go to another thread."""
        columns = zip(*self._recorded, strict=True) if self._recorded else [()] * 5
        return CalibrationFrames(*(tuple(column) for column in columns))

    @property
    def calibration_ready(self) -> bool:
        """Whether ``calibrate_s`` seconds have been collected."""
        return bool(self._recorded) and not self._collecting(self._time_s)

    def _collecting(self, time_s: float) -> bool:
        if self._calibrate_s <= 0 or len(self._recorded) >= _CALIBRATION_FRAMES:
            return False
        return not self._recorded or time_s - self._recorded[0][0] <= self._calibrate_s

    def calibrated(self, calibration: Calibration) -> None:
        """Take over what has been found meanwhile, from the next frame on and blended over a second.

        The frames collected are let go. Where nothing was found, what holds goes on to hold, and collecting begins
        anew.
        """
        self._recorded = []
        if not calibration.found:
            self.calibration = replace(self.calibration, evidence=calibration.evidence)
            return
        self._calibrate_s = 0.0
        self._early.stop()
        self._go_over(calibration)

    def _go_over(self, calibration: Calibration) -> None:
        """Let another tilt, floor and bones take effect over the next second."""
        self._blend(self._time_s)
        self.calibration = calibration
        known = np.flatnonzero(np.isfinite(self._footing_m[:, 0]))
        time_s = self._time_s if np.isfinite(self._time_s) else 0.0
        self._view.change(calibration, time_s)
        self._changed = 0.0
        self._relevel_m[:] = 0.0
        up, height_m = self._view.target
        # Everybody's floor goes over to where their last footing is seen from now on.
        self._relevel_m[known] = -(self._footing_m[known] @ up + height_m) - self._level.level_m(known)
        for row in known:
            lengths = calibration.bone_lengths_m.get(int(self._occupant[row]))
            if lengths is not None:
                self._bones.settle(int(row), lengths)

    def reset(self, row: int) -> None:
        """Forget who was in a row; somebody else will be."""
        for stage in (self._pose, self._calm_root, self._bones, self._root, self._contacts, self._level, self._plant):
            stage.reset(row)
        self._last_s[row] = self._seen_s[row] = np.nan
        self._relevel_m[row] = 0.0
        self._footing_m[row] = np.nan
        self._ease_s[row] = _EASE_S
        self._scale[row] = 1.0
        self._occupant[row] = self._next_occupant
        self._next_occupant += 1

    def __call__(
        self,
        rows: Int[np.ndarray, " people"],
        poses_m: Float[np.ndarray, "people 21 3"],
        points_px: Float[np.ndarray, "people 21 2"],
        confidence: Float[np.ndarray, "people 21"],
        time_s: float | int,
    ) -> BodyFrame:
        """One frame.

        Args:
            rows: who is in it; unique and ascending.
            poses_m: relative to the root, camera axes, as lifted.
            points_px: where the picture shows the joints; NaN where it does not.
            confidence: 0 where a joint is missing.
            time_s: strictly increasing.

        Somebody with fewer than four joints in the picture goes on for a moment and waits.

        Raises:
            InputError: time does not move forward.
        """
        time_s = float(time_s)
        if not time_s > self._time_s:
            raise InputError(f"frame at {time_s:.3f} s after one at {self._time_s:.3f} s; time must move forward")
        if np.isfinite(self._time_s):
            self._frame_s += 0.1 * (min(time_s - self._time_s, 0.5) - self._frame_s)
        self._time_s = time_s
        self._blend(time_s)
        if not len(rows):
            return BodyFrame(np.zeros((0, _JOINTS, 3)), np.zeros((0, len(_FEET)), dtype=bool))
        known_px = (confidence > 0) & np.isfinite(points_px).all(-1)
        confidence = np.where(known_px, confidence, 0.0)
        with np.errstate(invalid="ignore"):
            a_body = np.ptp(poses_m.reshape(len(rows), -1), axis=1) > _LEAST_BODY_M
        seen = enough_seen(confidence) & a_body
        if not seen.all():
            poses_m = np.where(seen[:, None, None], poses_m, np.nan_to_num(poses_m))
        if self._collecting(time_s) and (self._recorded or seen.any()):
            people = self._occupant[rows]
            self._recorded.append((time_s, people, poses_m.copy(), points_px.copy(), confidence))
        now = self._timed(rows, seen, time_s)
        pose = self._posed(now, poses_m)
        if not self._early.done:
            legs = (confidence[:, _LEGS] > 0).mean(axis=1) >= 0.5
            better = self._early(pose, seen, legs, time_s)
            if better is not None:
                self._go_over(better)
        rays = self._camera.pixels_to_normalized(np.where(known_px[..., None], points_px, np.nan))
        root, standing, feet_m = self._placed(now, pose, rays, confidence)
        return self._grounded(now, pose, root, standing, feet_m, confidence)

    def _timed(self, rows: np.ndarray, seen: np.ndarray, time_s: float) -> "_Now":
        """Who is new, who comes back, and how long everybody's step is."""
        last = self._last_s[rows]
        fresh = np.isnan(last)
        dt = np.where(fresh, self._frame_s, time_s - last)
        unseen_s = np.where(fresh, dt, time_s - self._seen_s[rows])
        limit_s = self._frame_s + _ABSENT_S
        away = dt > limit_s
        back = seen & ~fresh & (unseen_s > limit_s)
        self._last_s[rows] = time_s
        self._seen_s[rows] = np.where(seen | fresh, time_s, self._seen_s[rows])
        for row in rows[back | away]:
            self._contacts.reset(int(row))
            self._plant.reset(int(row))
            self._calm_root.reset(int(row))
        self._ease_s[rows] = np.where(back, 0.0, self._ease_s[rows] + dt)
        left = np.minimum(np.maximum(1.0 - self._ease_s[rows] / _EASE_S, 0.0), 1.0)
        return _Now(rows, seen, fresh, away, back, dt, unseen_s, left * left * (3.0 - 2.0 * left))

    def _blend(self, time_s: float) -> None:
        """Let a new calibration take effect a little more."""
        if self._changed == 1.0:
            return
        done = self._view.at(time_s)
        known = np.flatnonzero(np.isfinite(self._footing_m[:, 0]))
        self._level.shift(known, (done - self._changed) * self._relevel_m[known])
        self._changed = done

    def _posed(self, now: "_Now", poses_m: np.ndarray) -> Float[np.ndarray, "people 21 3"]:
        """Steady poses of constant bones at the scale of the body."""
        rows = now.rows
        pose = self._pose(rows, poses_m, now.seen, now.unseen_s)
        self._bones.learn(rows, pose, now.seen, now.dt)
        if self._height_m is not None:
            implied_m = np.nan_to_num(self._bones.lengths_m(rows)) @ _HEIGHT_SHARES
            scale = np.where(implied_m > 0, self._height_m / np.maximum(implied_m, 1e-3), 1.0)
            self._root.rescale(rows, scale / self._scale[rows])
            self._scale[rows] = scale
            pose = pose * scale[:, None, None]
        if now.back.any():
            self._ease_pose_m[rows[now.back]] = (self._body_m[rows] - pose)[now.back]
        if now.easing.any():
            pose = pose + now.easing[:, None, None] * self._ease_pose_m[rows]
        pose = self._bones(rows, pose, self._scale[rows])
        self._body_m[rows] = pose
        return pose

    def _placed(
        self, now: "_Now", pose: np.ndarray, rays: np.ndarray, confidence: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """``(roots, standing feet, where the feet are)`` in camera axes."""
        rows, up = now.rows, self._view.up
        expected = self._root.begin(rows, pose, rays, confidence, now.dt, now.away)
        offsets = pose[:, _FEET]
        feet = offsets + expected[:, None]
        uv = rays[:, _FEET]
        shown = np.isfinite(uv[..., 0])
        # Across the ray the picture knows better than the pose.
        on_ray = np.concatenate((uv, np.ones((*uv.shape[:2], 1))), axis=-1) * feet[..., 2:]
        feet = np.where(shown[..., None], on_ray, feet)
        visible = (shown | (confidence[:, _ANKLES] > 0)) & self._root.seen[:, None]
        standing, still = self._contacts(rows, feet, visible, self._root.ray, up, now.dt)
        steps = offsets - self._offsets_m[rows]
        self._offsets_m[rows] = offsets
        levels, stands = None, standing
        if self._view.floor_known:
            height_m = self._view.height_m
            levels = REST_M - height_m - offsets @ up
            stands = standing & (np.abs(feet @ up + height_m - REST_M) < OTHER_FLOOR_M)
        before = self._last_root_m[rows]
        root = self._root.finish(rows, now.dt, Footing(steps, still, levels, stands, up))
        # As late as the pose is, so that the two cancel in a standing foot.
        everybody = np.ones(len(rows), dtype=bool)
        root = self._calm_root(rows, root[:, None], everybody, now.dt)[:, 0]
        if now.back.any():
            jump = before - root
            far = np.linalg.norm(jump, axis=1) > _FAR_M
            self._ease_root_m[rows[now.back]] = np.where(far[:, None], 0.0, jump)[now.back]
        if now.easing.any():
            root = root + now.easing[:, None] * self._ease_root_m[rows]
        self._last_root_m[rows] = root
        return root, standing, offsets + root[:, None]

    def _grounded(
        self,
        now: "_Now",
        pose: np.ndarray,
        root: np.ndarray,
        standing: np.ndarray,
        feet_m: np.ndarray,
        confidence: np.ndarray,
    ) -> BodyFrame:
        """Everybody in the world, feet on the floor."""
        rows, view = now.rows, self._view
        lifted = feet_m @ view.up - REST_M
        if not view.begun:
            view.begin(root[0], -float(lifted[0].min()))
        legs = (confidence[:, _LEGS] > 0).mean(axis=1)
        follow = np.where(now.fresh, 1.0, 1.0 - np.exp(-now.dt / 0.5))
        self._legs[rows] += np.where(now.seen, follow, 0.0) * (legs - self._legs[rows])
        blind = self._legs[rows] < 0.5
        wanted = np.full(len(rows), np.nan)
        if blind.any():
            wanted = np.where(blind, self._hips_m(rows) - (root @ view.up + view.height_m), np.nan)
        fastest = _KNOWN_FLOOR_MPS if view.floor_known else _FELT_FLOOR_MPS
        level = self._level(rows, lifted + view.height_m, standing, wanted, now.dt, fastest)
        self._stood(rows, feet_m, standing, lifted)
        world = (pose + root[:, None]) @ view.axes + view.place_m
        world[..., 1] += level[:, None]
        contacts = standing & (np.abs(world[:, _FEET, 1] - REST_M) < _OFF_FLOOR_M) & ~blind[:, None]
        return BodyFrame(self._plant(rows, world, contacts, now.dt), contacts)

    def _hips_m(self, rows: np.ndarray) -> Float[np.ndarray, " people"]:
        """Height of the hips of people who stand straight, from their bones."""
        lengths = np.nan_to_num(self._bones.lengths_m(rows)) * self._scale[rows, None]
        return 0.5 * lengths[:, _LEGS].sum(axis=1) + ANKLE_HEIGHT_FRACTION * (lengths @ _HEIGHT_SHARES)

    def _stood(self, rows: np.ndarray, feet_m: np.ndarray, standing: np.ndarray, lifted: np.ndarray) -> None:
        """Remember where the floor was last under everybody's feet, in camera axes."""
        places = feet_m - REST_M[:, None] * self._view.up
        lowest = np.take_along_axis(places, lifted.argmin(axis=1)[:, None, None], axis=1)[:, 0]
        count = standing.sum(axis=1)[:, None]
        mean = np.where(standing[..., None], places, 0.0).sum(axis=1) / np.maximum(count, 1)
        new = np.isnan(self._footing_m[rows, :1])
        self._footing_m[rows] = np.where(count > 0, mean, np.where(new, lowest, self._footing_m[rows]))

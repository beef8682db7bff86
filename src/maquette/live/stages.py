"""The stages of a live session for one skeleton and one camera.

Follow people, repair their points, lift them, put them in space, solve rotations: the main path in its causal form. The
first half runs when a frame comes in, the second when the model's look-ahead has passed; without a look-ahead that is
at once.
"""

from collections import Counter, deque
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from maquette.geometry.camera import Camera
from maquette.lifting.history import History
from maquette.lifting.lifter import Lifter
from maquette.lifting.stream import PeopleStream
from maquette.live.calibrating import Calibrating
from maquette.live.settings import LiveSettings
from maquette.mapping import find_map
from maquette.refine.causal_body import BodyStream
from maquette.refine.causal_keypoints import KeypointRepairStream
from maquette.refine.causal_pose import BETA, MIN_CUTOFF_HZ
from maquette.refine.motion_trajectory import MIN_JOINTS
from maquette.rig.humanoid_stream import HumanoidStream
from maquette.rig.solve_stream import RotationStream
from maquette.skeleton import Skeleton
from maquette.skeletons import LANDMARKS_27, LIFTED_21
from maquette.stream.keypoint_frame import KeypointFrame
from maquette.stream.pose_frame import Humanoid, LivePose, PoseFrame
from maquette.track.online import OnlineTracker

_COMMON = [joint for joint in LIFTED_21.joints if joint in LANDMARKS_27]
_INTO, _OUT_OF = np.array(LIFTED_21.indices(_COMMON)), np.array(LANDMARKS_27.indices(_COMMON))
_ROUNDING_S = 1e-6
_MAX_GAP_S = 0.6
"""Somebody not seen for longer hands over: on a stage a figure that stands still for a second is a long pause."""


@dataclass(eq=False)
class _Person:
    """One followed person in one frame."""

    slot: int
    person: int
    history: History
    at: int
    """Number of the frame in the history."""
    points_px: np.ndarray
    """Of ``maquette-21``."""
    confidence: np.ndarray
    new: bool
    """The person's first frame in this slot."""
    seen: bool
    """Enough to lift."""


@dataclass(eq=False)
class _Pending:
    """A frame that waits for its future."""

    frame: int
    time_s: float
    arrived_s: float
    people: list[_Person]
    gone: tuple[int, ...]
    notes: list[str]


class Stages:
    """Everything between keypoints and poses.

    Args:
        first_person: number of the first person; numbers are not used twice in a session.
        given_up: whom the stages before these followed, for the first frame to tell.

    Raises:
        InputError: no map leads from the skeleton to the model's.
    """

    def __init__(
        self,
        settings: LiveSettings,
        lifter: Lifter,
        camera: Camera,
        skeleton: Skeleton,
        executor: Executor | None,
        first_person: int = 0,
        given_up: tuple[int, ...] = (),
    ) -> None:
        capacity = settings.people
        self.skeleton, self.camera = skeleton, camera
        self._first_person, self.next_person = first_person, first_person
        self._given_up = given_up
        self._map = find_map(skeleton.name, LANDMARKS_27.name)
        self._tracker = OnlineTracker(capacity, max_gap_s=_MAX_GAP_S)
        size = camera.image_size
        self._repair = KeypointRepairStream(skeleton, capacity, image_size=size) if settings.repair else None
        self._lift = PeopleStream(lifter, camera)
        height_m, calibrate_s = settings.height_m, settings.calibrate_s
        self._body = BodyStream(
            camera,
            capacity,
            height_m=height_m,
            min_cutoff_hz=MIN_CUTOFF_HZ / settings.smooth,
            beta=BETA / settings.smooth,
            calibrate_s=calibrate_s,
        )
        self._rotations = RotationStream(capacity)
        self._humanoid = HumanoidStream(capacity, self._rotations.bones)
        self._calibrating = Calibrating(
            self._body, camera, wanted=calibrate_s > 0, height_m=height_m, executor=executor
        )
        self._look_ahead_s = lifter.latency_s
        self._histories: dict[int, History] = {}
        """Of each person who is followed."""
        self._pending: deque[_Pending] = deque()
        self._last: dict[int, LivePose] = {}
        """Of each person, the newest pose."""

    def push(self, frame: KeypointFrame, time_s: float, number: int, notes: list[str]) -> list[PoseFrame]:
        """Take a frame; returns those that have become ready."""
        self._pending.append(self._follow(frame, time_s, number, notes))
        done = []
        while self._pending and self._pending[0].time_s + self._look_ahead_s <= time_s + _ROUNDING_S:
            done.append(self._pose(self._pending.popleft()))
        return done

    def finish(self) -> list[PoseFrame]:
        """The frames that still wait: their windows hold the last frame."""
        done = [self._pose(pending) for pending in self._pending]
        self._pending.clear()
        return done

    @property
    def people(self) -> tuple[int, ...]:
        """Numbers of those who are followed now."""
        return tuple(self._histories)

    def edits(self) -> Counter[str]:
        """How many points the repair has dropped or exchanged, by kind."""
        return Counter() if self._repair is None else self._repair.counts

    def _follow(self, frame: KeypointFrame, time_s: float, number: int, notes: list[str]) -> _Pending:
        followed = self._tracker.push(frame.points, frame.confidence, time_s, frame.identities)
        left = tuple(self._first_person + person for _, person in followed.left)
        for person in left:
            self._histories.pop(person, None)
        gone, self._given_up = self._given_up + left, ()
        for slot in followed.entered:
            if self._repair is not None:
                self._repair.reset(slot)
            person = self._first_person + int(followed.persons[slot])
            self._histories[person] = self._lift.history()
            notes.append(f"person {person} is followed")
            self.next_person = max(self.next_person, person + 1)
        detected = np.flatnonzero(followed.rows >= 0)
        detected = detected[np.argsort(followed.rows[detected])]
        slots = followed.rows[detected]
        points, confidence = frame.points[detected], frame.confidence[detected]
        if self._repair is not None and len(slots):
            points, confidence = self._repair(slots, points, confidence, time_s)
        people = self._add(followed.persons, followed.entered, slots, points, confidence, time_s)
        return _Pending(number, time_s, frame.arrived_s, people, gone, notes)

    def _add(
        self,
        persons: np.ndarray,
        entered: tuple[int, ...],
        slots: np.ndarray,
        points: np.ndarray,
        confidence: np.ndarray,
        time_s: float,
    ) -> list[_Person]:
        """Put a frame into the histories of all who are followed; of those who are not seen, an empty one."""
        occupied = np.flatnonzero(persons >= 0)
        landmarks_px = np.full((len(occupied), len(LANDMARKS_27), 2), np.nan)
        sure = np.zeros((len(occupied), len(LANDMARKS_27)))
        if len(slots):
            here = np.searchsorted(occupied, slots)
            landmarks_px[here], sure[here] = self._map.apply_arrays(points, confidence)
        rays, observed = self._lift.landmarks(landmarks_px)
        points_px = np.full((len(occupied), len(LIFTED_21), 2), np.nan)
        known = np.zeros((len(occupied), len(LIFTED_21)))
        points_px[:, _INTO], known[:, _INTO] = landmarks_px[:, _OUT_OF], sure[:, _OUT_OF]
        seen = (np.add.reduce(known > 0, axis=1) >= MIN_JOINTS).tolist()
        people = []
        for row, slot in enumerate(occupied.tolist()):
            person = self._first_person + int(persons[slot])
            history = self._histories[person]
            history.add(rays[row], observed[row], time_s)
            new, at = slot in entered, history.count - 1
            people.append(_Person(slot, person, history, at, points_px[row], known[row], new, seen[row]))
        return people

    def _pose(self, pending: _Pending) -> PoseFrame:
        """The second half: everybody's pose, of those who are not seen the last one."""
        for person in pending.gone:
            self._last.pop(person, None)
        for one in pending.people:
            if one.new:
                self._last.pop(one.person, None)
                for stage in (self._body, self._rotations, self._humanoid):
                    stage.reset(one.slot)
        seen = [one for one in pending.people if one.seen]
        pending.notes += self._calibrating.before(pending.time_s, bool(seen))
        if seen:
            self._last |= self._posed(seen, pending.time_s)
        for one in pending.people:
            one.history.forget_before(one.at + 1)
        here = {one.person: one for one in pending.people}
        poses = tuple(
            _held(self._last[person]) if not one.seen else self._last[person]
            for person, one in sorted(here.items())
            if person in self._last
        )
        return PoseFrame(
            frame=pending.frame,
            time_s=pending.time_s,
            arrived_s=pending.arrived_s,
            poses=poses,
            gone=pending.gone,
            state=self._calibrating.state,
            notes=tuple(pending.notes),
        )

    def _posed(self, seen: list[_Person], time_s: float) -> dict[int, LivePose]:
        rows = np.array([one.slot for one in seen])
        confidence = np.array([one.confidence for one in seen])
        lifted = self._lift.lift([(one.history, one.at) for one in seen])
        body = self._body(rows, lifted, np.array([one.points_px for one in seen]), confidence, time_s)
        rotations = self._rotations(rows, body.positions_m, time_s)
        human = self._humanoid(rows, body.positions_m, rotations)
        return {
            one.person: LivePose(
                person=one.person,
                positions_m=body.positions_m[i],
                rotations=rotations[i],
                confidence=confidence[i],
                contacts=body.contacts[i],
                humanoid=Humanoid(human.rotations[i], human.offsets_m[i], human.hips_m[i]),
            )
            for i, one in enumerate(seen)
        }


def _held(pose: LivePose) -> LivePose:
    """The last pose of somebody who is not seen now."""
    return LivePose(
        person=pose.person,
        positions_m=pose.positions_m,
        rotations=pose.rotations,
        confidence=np.zeros_like(pose.confidence),
        contacts=pose.contacts,
        humanoid=pose.humanoid,
    )

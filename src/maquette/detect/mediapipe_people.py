"""Several people of one clip by MediaPipe: searched in windows of the picture, each followed in a window of its own.

PoseLandmarker by itself looks at the whole picture, and loses people who are small there, changes from one to another
when one is hidden, and shakes when it is to see more people than there are. One landmarker for each person, who gets
to see little else, does none of this.
"""

import math

import numpy as np
from jaxtyping import Float

from maquette.detect.detector import Picture, Seen
from maquette.detect.mediapipe_landmarker import Landmarker, Poses, Window
from maquette.detect.mediapipe_package import version
from maquette.detect.mediapipe_windows import extents, prominence, same_person, search_windows, window_around
from maquette.errors import InputError
from maquette.skeletons import BLAZEPOSE_33

# Side of a person's window, in extents of the person; at first narrower ones where the wide one shows others, too.
_ROOM = 2.0
_NARROWER = (1.5, 1.2)
# The window goes with the person, but evenly: MediaPipe smooths inside it, and would not if the window shook.
_WINDOW_TIME_S = 0.4
# Somebody who is not seen is waited for this long.
_PATIENCE_S = 0.25
# All windows are searched once in this time.
_SEARCH_S = 0.5
# How many people one window of a search may show.
_IN_WINDOW = 3


class MediaPipeDetector:
    """Up to so many people of each picture, the most prominent of those who are found.

    In clips each is followed until lost, and places that are free are filled within half a second; in single
    pictures everybody is searched anew.
    """

    skeleton = BLAZEPOSE_33

    def __init__(self, bundle: bytes, model_name: str, *, people: int = 1, still: bool = False):
        """
        Args:
            bundle: the bytes of a ``.task`` file.
            model_name: what to call it.
            people: how many to see at most. While there are fewer, the search for others takes time.
            still: pictures that have nothing to do with each other.

        Raises:
            MissingExtraError: no MediaPipe.
            ModelError: MediaPipe refuses the bundle.
            InputError: nobody to see.
        """
        if people < 1:
            raise InputError(f"{people} people to be detected; expected 1 or more")
        self.name = f"mediapipe {version()} ({model_name})"
        self._bundle = bundle
        self._model_name = model_name
        self._people = people
        self._still = still
        self._scout: Landmarker | None = Landmarker(bundle, model_name, people=_IN_WINDOW)
        self._followed: list[_Followed] = []
        self._last_s: float | None = None
        self._next_window = 0

    def __call__(self, picture: Picture, time_s: float) -> Seen:
        if self._scout is None:
            self._scout = Landmarker(self._bundle, self._model_name, people=_IN_WINDOW)
        if self._still:
            return _seen(self._everybody(self._scout, picture))
        self._follow(self._scout, picture, time_s)
        if len(self._followed) < self._people:
            self._fill(self._scout, picture, time_s)
        self._last_s = time_s
        return _seen([one.pose for one in self._followed if one.seen_s == time_s])

    def reset(self) -> None:
        for one in self._followed:
            one.landmarker.close()
        self._followed = []
        self._last_s = None
        self._next_window = 0

    def close(self) -> None:
        self.reset()
        if self._scout is not None:
            self._scout.close()
        self._scout = None

    def _everybody(self, scout: Landmarker, picture: Picture) -> list[np.ndarray]:
        """Each looked at once more in a window that fits, where the pose is better and most phantoms are gone."""
        size = picture.shape[1], picture.shape[0]
        found: list[np.ndarray] = []
        for pose in _search(scout, picture, search_windows(*size)):
            if len(found) == self._people:
                break
            if _is_one_of(pose, found):
                continue
            again = _nearest(scout.look(picture, _window(pose, size), 0.0), pose)
            if again is not None and not _is_one_of(again, found):
                found.append(again)
        return found

    def _follow(self, scout: Landmarker, picture: Picture, time_s: float) -> None:
        """Moves everybody on by a picture; the younger of two who have become one goes."""
        kept: list[_Followed] = []
        for one in self._followed:
            known = [other.pose for other in kept]
            one.move_on(picture, time_s, scout, known)
            twice = one.seen_s == time_s and _is_one_of(one.pose, known)
            if twice or time_s - one.seen_s > _PATIENCE_S:
                one.landmarker.close()
            else:
                kept.append(one)
        self._followed = kept

    def _fill(self, scout: Landmarker, picture: Picture, time_s: float) -> None:
        """Looks for others, in as many windows as time has passed, in turn."""
        size = picture.shape[1], picture.shape[0]
        windows = search_windows(*size)
        count = len(windows)
        if self._last_s is not None:
            count = min(max(math.ceil(count * (time_s - self._last_s) / _SEARCH_S), 1), count)
        turn = [windows[(self._next_window + k) % len(windows)] for k in range(count)]
        self._next_window = (self._next_window + count) % len(windows)
        for pose in _search(scout, picture, turn):
            known = [one.pose for one in self._followed]
            if len(known) == self._people:
                break
            if not _is_one_of(pose, known) and (one := self._begin(scout, picture, pose, known, time_s)):
                self._followed.append(one)

    def _begin(
        self, scout: Landmarker, picture: Picture, found: np.ndarray, known: list[np.ndarray], time_s: float
    ) -> "_Followed | None":
        """Somebody new, if a second look agrees."""
        size = picture.shape[1], picture.shape[0]
        pose = _nearest(scout.look(picture, _window(found, size), 0.0), found)
        if pose is None or _is_one_of(pose, known):
            return None
        for room in (_ROOM, *_NARROWER):
            landmarker = Landmarker(self._bundle, self._model_name, follow=True)
            poses = landmarker.look(picture, _window(pose, size, room), time_s)
            if _is_one_of(pose, list(poses)):
                return _Followed(landmarker, poses[0], room, time_s)
            landmarker.close()
        return None


class _Followed:
    """A person, with the landmarker that sees nobody else."""

    def __init__(self, landmarker: Landmarker, pose: np.ndarray, room: float, time_s: float):
        self.landmarker = landmarker
        self.pose = pose
        self.seen_s = time_s
        self._last_s = time_s
        centre, extent = extents(pose[None])
        self._centre, self._side = centre[0], room * float(extent[0])
        self._velocity = np.zeros(2)
        self._steps = 0

    def move_on(self, picture: Picture, time_s: float, scout: Landmarker, known: list[np.ndarray]) -> None:
        """Looks for the person in the next picture; where following fails, searches the window for one not known."""
        size = picture.shape[1], picture.shape[0]
        step_s, self._last_s = time_s - self._last_s, time_s
        predicted = self._centre + step_s * self._velocity
        window = window_around(predicted, self._side, *size)
        poses = self.landmarker.look(picture, window, time_s)
        if len(poses):
            pose = poses[0]
        else:
            others = [other for other in scout.look(picture, window, 0.0) if not _is_one_of(other, known)]
            pose = _nearest(np.array(others).reshape(-1, *self.pose.shape), self.pose)
        if pose is None:
            return
        self.pose, self.seen_s = pose, time_s
        centre, extent = extents(pose[None])
        # Fading memory of a straight way (Zarchan and Musoff, Fundamentals of Kalman Filtering): no lag at even speed.
        self._steps += 1
        memory = min(math.exp(-step_s / _WINDOW_TIME_S), 1 - 1 / self._steps)
        off = centre[0] - predicted
        self._centre = predicted + (1 - memory**2) * off
        self._velocity = self._velocity + (1 - memory) ** 2 / max(step_s, 1e-6) * off
        self._side += (1 - memory) * (_ROOM * float(extent[0]) - self._side)


def _search(scout: Landmarker, picture: Picture, windows: list[Window]) -> list[np.ndarray]:
    """Everybody in the windows, many of them several times, the most prominent first."""
    found: list[tuple[float, np.ndarray]] = []
    for window in windows:
        poses = scout.look(picture, window, 0.0)
        if len(poses):
            found += zip(prominence(poses, window).tolist(), poses, strict=True)
    return [pose for _, pose in sorted(found, key=lambda pair: -pair[0])]


def _window(pose: Float[np.ndarray, "joints 3"], size: tuple[int, int], room: float = _ROOM) -> Window:
    centre, extent = extents(pose[None])
    return window_around(centre[0], room * float(extent[0]), *size)


def _nearest(poses: Poses, pose: Float[np.ndarray, "joints 3"]) -> np.ndarray | None:
    """The one whose joints are nearest, not farther than half an extent."""
    if not len(poses):
        return None
    apart = np.median(np.linalg.norm(poses[..., :2] - pose[:, :2], axis=-1), axis=1)
    best = int(apart.argmin())
    return poses[best] if apart[best] < 0.5 * extents(pose[None])[1][0] else None


def _is_one_of(pose: np.ndarray, known: list[np.ndarray]) -> bool:
    return bool(known) and bool(same_person(pose, np.stack(known)).any())


def _seen(poses: list[np.ndarray]) -> Seen:
    if not poses:
        return Seen.nobody(BLAZEPOSE_33)
    marks = np.stack(poses)
    return Seen(marks[..., :2], marks[..., 2])

"""From footage to people: a detector looks at the pictures, and everybody is followed through the whole clip."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from jaxtyping import Float

from maquette.detect.detector import Detector, Seen
from maquette.detect.footage import Footage
from maquette.detect.sampling import MAX_BRIDGE_S, Looks, at_times, even_times
from maquette.errors import InputError, NoPersonError
from maquette.keypoints import Keypoints
from maquette.skeleton import Skeleton
from maquette.track import Detections, Track, track_people

Progress = Callable[[int, int | None], None]
"""Called after each picture with how many are done, and how many there are about (None when nobody knows)."""


@dataclass(frozen=True, eq=False)
class Detected:
    """The people of one clip, the most prominent (largest and longest seen) first."""

    people: list[Keypoints]
    """Each with the frames of the whole clip, at a constant rate."""
    depth_px: list[Float[np.ndarray, "frames joints"] | None]
    """For each person what :attr:`Seen.depth_px` means; None from detectors that see no depth."""
    notes: tuple[str, ...]
    """Of the footage, the detector and the tracking; every person has them, too."""


@dataclass(eq=False)
class _Collected:
    """What came of looking: a row for each person in each picture looked at."""

    n_pictures: int = 0
    """All of them, those that the detector has not seen included."""
    last_s: float = 0.0
    """Time of the last picture."""
    looked_s: list[float] = field(default_factory=list)
    """Of the pictures that the detector has seen."""
    look: list[int] = field(default_factory=list)
    """For each row the number of the look."""
    points: list[np.ndarray] = field(default_factory=list)
    confidence: list[np.ndarray] = field(default_factory=list)
    depth_px: list[np.ndarray] = field(default_factory=list)

    def add(self, seen: Seen, time_s: float) -> None:
        """What was seen in one picture; people of whom nothing is seen are left out."""
        valid = np.isfinite(seen.points).all(-1) & np.isfinite(seen.confidence) & (seen.confidence > 0)
        for row in np.flatnonzero(valid.any(-1)):
            self.look.append(len(self.looked_s))
            self.points.append(np.where(valid[row, :, None], seen.points[row], np.nan))
            self.confidence.append(np.where(valid[row], seen.confidence[row], 0.0))
            if seen.depth_px is not None:
                self.depth_px.append(np.where(valid[row], seen.depth_px[row], np.nan))
        self.looked_s.append(time_s)


def detect_people(
    footage: Footage, detector: Detector, *, every: int = 1, people: int | None = None, progress: Progress | None = None
) -> Detected:
    """Run a detector over footage and follow everybody through it. Only points stay in memory, never the pictures.

    Where pictures come unevenly or are lost, points are moved in time onto the footage's nominal rate
    (:func:`~maquette.detect.sampling.at_times`), so that every frame of the result has the same length.

    Args:
        footage: an open clip, from its beginning.
        detector: fresh or reset; stays open.
        every: let it see each ``every``-th picture (and the last), and interpolate the frames between.
        people: keep at most so many, the most prominent ones.
        progress: told after each picture.

    Raises:
        InputError: there are no pictures, or ``every`` or ``people`` is out of range.
        NoPersonError: nobody is seen in any picture.
    """
    _check(footage, every, people)
    collected = _look(footage, detector, every, progress)
    if not collected.looked_s:
        raise InputError(f"{footage.source}: has no pictures that can be decoded{_in_brackets(footage.notes())}")
    if not collected.points:
        raise NoPersonError(_nobody(footage, detector, collected))
    times_s = even_times(collected.last_s, footage.fps, collected.n_pictures)
    looked_s = np.array(collected.looked_s)
    if not footage.is_variable:
        # What the clock of the file has rounded: each picture has its place in an even row.
        looked_s = times_s[np.rint(looked_s * float(footage.fps)).astype(int)]
    tracks, tracked = track_people(_detections(collected), _looks_per_s(looked_s, footage.fps))
    notes = [*footage.notes(), f"2D by {detector.name}", *_timing(collected, footage, every, len(times_s)), *tracked]
    if people is not None and len(tracks) > people:
        notes.append(f"{len(tracks)} people were found and the {people} most prominent kept, as asked for")
        tracks = tracks[:people]
    found, depths = [], []
    for track in tracks:
        person, depth_px = _person(collected, track, looked_s, times_s, detector.skeleton, footage, tuple(notes))
        found.append(person)
        depths.append(depth_px)
    return Detected(found, depths, tuple(notes))


def _check(footage: Footage, every: int, people: int | None) -> None:
    if every < 1:
        raise InputError(f"--every {every}: expected 1 (each picture) or more")
    if people is not None and people < 1:
        raise InputError(f"--people {people}: expected 1 or more")
    most = max(1, int(MAX_BRIDGE_S * footage.fps))
    if every > most and not footage.is_still:
        raise InputError(
            f"--every {every}: at {float(footage.fps):g} frames/s that is a look each {every / float(footage.fps):.2g} "
            f"s, and movement between looks more than {MAX_BRIDGE_S:g} s apart cannot be told; expected at most {most}"
        )


def _look(footage: Footage, detector: Detector, every: int, progress: Progress | None) -> _Collected:
    """Every ``every``-th picture and the last one, seen by the detector."""
    collected = _Collected()
    for shot in footage.shots():
        collected.n_pictures += 1
        collected.last_s = shot.time_s
        if shot.index % every == 0 or shot.index + 1 == footage.n_frames:
            picture = shot.develop(None)
            if picture is not None:
                collected.add(detector(picture, shot.time_s), shot.time_s)
        if progress is not None:
            progress(collected.n_pictures, footage.n_frames)
    return collected


def _nobody(footage: Footage, detector: Detector, collected: _Collected) -> str:
    count = len(collected.looked_s)
    where = "in the picture" if count == 1 else f"in any of the {count} pictures looked at"
    return (
        f"{footage.source}: nobody found {where} by {detector.name}{_in_brackets(footage.notes())}; "
        "try another --detector, or a picture that shows a whole person, upright and larger"
    )


def _in_brackets(notes: list[str]) -> str:
    return f" ({'; '.join(notes)})" if notes else ""


def _detections(collected: _Collected) -> Detections:
    return Detections(
        frame=np.array(collected.look),
        points=np.array(collected.points, dtype=np.float64),
        confidence=np.array(collected.confidence, dtype=np.float64),
        person_id=np.full(len(collected.look), -1),
        n_frames=len(collected.looked_s),
    )


def _looks_per_s(looked_s: np.ndarray, fps: Fraction) -> float:
    """Mean rate of the looks: what the tracker takes for the frame rate."""
    if len(looked_s) < 2:
        return float(fps)
    return float((len(looked_s) - 1) / (looked_s[-1] - looked_s[0]))


def _timing(collected: _Collected, footage: Footage, every: int, n_frames: int) -> Iterator[str]:
    """Notes on frames that no detector has seen."""
    count = collected.n_pictures
    if every > 1 and count > 1:
        yield (
            f"the detector saw every {_ordinal(every)} of {count} pictures; the frames between were interpolated, with "
            "half the confidence"
        )
    if footage.is_variable:
        yield (
            f"pictures come unevenly: {count} of them were moved in time to {n_frames} frames at "
            f"{float(footage.fps):.6g} frames/s"
        )
    elif every == 1 and len(collected.looked_s) < n_frames:
        lost = n_frames - len(collected.looked_s)
        yield f"{lost} frames without a picture were interpolated, with half the confidence"


def _ordinal(number: int) -> str:
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if number % 100 in (11, 12, 13) else endings.get(number % 10, 'th')}"


def _person(
    collected: _Collected,
    track: Track,
    looked_s: Float[np.ndarray, " looks"],
    times_s: Float[np.ndarray, " frames"],
    skeleton: Skeleton,
    footage: Footage,
    notes: tuple[str, ...],
) -> tuple[Keypoints, Float[np.ndarray, "frames joints"] | None]:
    shape = (len(looked_s), len(skeleton))
    points, confidence = np.full((*shape, 2), np.nan), np.zeros(shape)
    depth_px = np.full(shape, np.nan) if collected.depth_px else None
    for row in track.rows.tolist():
        look = collected.look[row]
        points[look], confidence[look] = collected.points[row], collected.confidence[row]
        if depth_px is not None:
            depth_px[look] = collected.depth_px[row]
    whole = at_times(Looks(looked_s, points, confidence, depth_px, skeleton), times_s, footage.fps)
    keypoints = Keypoints(
        points=whole.points,
        confidence=whole.confidence,
        skeleton=skeleton,
        fps=footage.fps,
        image_size=footage.size,
        person_id=track.person_id,
        source=str(footage.source),
        notes=notes,
    )
    return keypoints, whole.depth_px

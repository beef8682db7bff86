"""What is wrong with 2D tracks, and what repair will do about it: the findings behind ``maquette inspect``."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from maquette.keypoints import Keypoints
from maquette.refine.diagnose_words import person_lines
from maquette.refine.keypoints_edits import Edit, runs
from maquette.refine.keypoints_repair import repair_with_log
from maquette.refine.keypoints_scale import body_height_px, lengths_px
from maquette.skeleton import Skeleton

JUMP_SPEED_HEIGHTS_S = 8.0
"""No joint is faster than this relative to the body, in body heights per second: 14 m/s, a boxer's fist makes 10."""
_JUMP_SLACK_HEIGHTS = 0.1
_BODY_JUMP_HEIGHTS = 0.5
"""Who moves as a whole by this much from one sighting to the next is somebody else, or the film was cut."""
_LIMBS = {
    "head": ("nose", "eye", "ear", "mouth", "head", "face", "skull"),
    "hand": ("hand", "thumb", "index", "middle", "ring", "little", "pinky"),
    "foot": ("heel", "toe", "foot"),
    "leg": ("knee", "ankle"),
    "arm": ("elbow", "wrist"),
}
"""Words in joint names; joints without any belong to the trunk."""


@dataclass(frozen=True)
class LimbGaps:
    """How much of one limb is missing between the first and the last sighting of the person."""

    limb: str
    """``head``, ``trunk``, ``left arm``, ``right foot``, ..."""
    missing_share: float
    """Of its points, in [0, 1]; joints that are never seen do not count."""
    longest_gap_s: float
    """The longest time that one of its joints is missing."""


@dataclass(frozen=True)
class Jump:
    """A point, or the whole person, further from its last place than a body can move in the time between."""

    frame: int
    joint: str | None
    """None when the whole person jumps."""
    distance_heights: float
    """How far, in body heights; for a joint, relative to the rest of the body."""


@dataclass(frozen=True)
class PersonDiagnosis:
    """Findings on one track."""

    keypoints: Keypoints
    frames_seen: range
    """From the first to the last frame in which any joint is seen; empty when none ever is."""
    n_seen: int
    """Frames in which any joint is seen."""
    height_px: float
    """Median height of the body in the picture that its bones imply; NaN when no bone is seen."""
    never_seen: tuple[str, ...]
    limbs: tuple[LimbGaps, ...]
    gaps: tuple[range, ...]
    """Stretches between the first and the last sighting in which nothing of the person is seen."""
    confidence_quantiles: tuple[float, float, float] | None
    """5, 50 and 95 % of the points seen; None when all are equally sure (the format has no confidence)."""
    outside_share: float | None
    """Share of the points seen that lie outside the picture; None when its size is unknown."""
    swaps: tuple[Edit, ...]
    jumps: tuple[Jump, ...]
    still: tuple[range, ...]
    """Frames whose points all equal those of the frame before."""
    speed_heights_s: float
    """95th percentile of the speed of wrists and ankles, in body heights per second; NaN when never seen."""
    edits: tuple[Edit, ...]
    """Everything that :func:`~maquette.refine.keypoints_repair.repair` will do, by default."""

    @property
    def effective_fps(self) -> float | None:
        """Rate of the pictures that are new, when every k-th frame repeats the one before (24 frames/s shown at 30);
        None when there is no such rhythm."""
        repeated = np.array([frame for stretch in self.still for frame in stretch])
        if len(repeated) < 4:
            return None
        steps, counts = np.unique(np.diff(repeated), return_counts=True)
        step = int(steps[np.argmax(counts)])
        if step < 2 or counts.max() < 0.8 * (len(repeated) - 1) or len(repeated) * step < 0.6 * self.n_seen:
            return None
        return float(self.keypoints.fps) * (1 - 1 / step)


@dataclass(frozen=True)
class Diagnosis:
    """Findings on every person of one input."""

    people: tuple[PersonDiagnosis, ...]

    def lines(self) -> list[str]:
        """The findings as text, a few lines for each person."""
        return [line for index, person in enumerate(self.people) for line in person_lines(index, person)]


def diagnose(people: list[Keypoints]) -> Diagnosis:
    """Examine every track; nothing is changed."""
    return Diagnosis(tuple(diagnose_person(keypoints) for keypoints in people))


def diagnose_person(keypoints: Keypoints) -> PersonDiagnosis:
    """Examine one track."""
    observed = keypoints.observed
    anywhere = observed.sum(axis=1) > 0
    frames = np.flatnonzero(anywhere)
    seen = range(int(frames[0]), int(frames[-1]) + 1) if len(frames) else range(0)
    height_px = body_height_px(keypoints)
    sure = keypoints.confidence[observed]
    spread = len(sure) > 0 and float(sure.max() - sure.min()) > 1e-6
    quantiles = np.quantile(sure, (0.05, 0.5, 0.95)).tolist() if spread else None
    _, edits = repair_with_log(keypoints)
    inside = slice(seen.start, seen.stop)
    gaps = [range(start + seen.start, stop + seen.start) for start, stop in runs(~anywhere[inside])]
    return PersonDiagnosis(
        keypoints=keypoints,
        frames_seen=seen,
        n_seen=len(frames),
        height_px=float(np.median(height_px[inside])) if len(frames) else float("nan"),
        never_seen=tuple(keypoints.skeleton.joints[joint] for joint in np.flatnonzero(observed.sum(axis=0) == 0)),
        limbs=_limb_gaps(keypoints, inside),
        gaps=tuple(gaps),
        confidence_quantiles=None if quantiles is None else (quantiles[0], quantiles[1], quantiles[2]),
        outside_share=_outside_share(keypoints),
        swaps=tuple(edit for edit in edits if edit.kind in ("swap", "turned")),
        jumps=_jumps(keypoints, height_px),
        still=tuple(range(start, stop) for start, stop in runs(_repeats(keypoints))),
        speed_heights_s=_limb_speed(keypoints, height_px),
        edits=tuple(edits),
    )


def limbs_of(skeleton: Skeleton) -> dict[str, list[int]]:
    """Joints of each limb, with ``left`` and ``right`` told apart."""
    limbs: dict[str, list[int]] = {}
    for index, joint in enumerate(skeleton.joints):
        words = joint.split("_")
        kind = next((limb for limb, names in _LIMBS.items() if set(names) & set(words)), "trunk")
        side = {"l": "left ", "r": "right "}.get(words[0], "") if kind not in ("head", "trunk") else ""
        limbs.setdefault(side + kind, []).append(index)
    return limbs


def _limb_gaps(keypoints: Keypoints, inside: slice) -> tuple[LimbGaps, ...]:
    observed = keypoints.observed[inside]
    ever = observed.sum(axis=0) > 0
    frame_s = 1.0 / float(keypoints.fps)
    found = []
    for limb, joints in limbs_of(keypoints.skeleton).items():
        known = [joint for joint in joints if ever[joint]]
        if known and not observed[:, known].all():
            longest = max((stop - start for j in known for start, stop in runs(~observed[:, j])), default=0)
            found.append(LimbGaps(limb, float(1 - observed[:, known].mean()), longest * frame_s))
    return tuple(found)


def _outside_share(keypoints: Keypoints) -> float | None:
    if keypoints.image_size is None or not keypoints.observed.any():
        return None
    seen = keypoints.points[keypoints.observed]
    off = (seen < 0) | (seen > np.array(keypoints.image_size, dtype=np.float64))
    return float((off[:, 0] | off[:, 1]).mean())


def _jumps(keypoints: Keypoints, height_px: Float[np.ndarray, " frames"]) -> tuple[Jump, ...]:
    """Jumps between frames that follow each other; what repair drops for other reasons is looked at as well."""
    if keypoints.n_frames < 2 or not np.isfinite(height_px).any():
        return ()
    step = np.diff(keypoints.points, axis=0) / height_px[1:, None, None]
    both = np.isfinite(step[..., 0])
    count = both.sum(1)
    ordered = np.sort(step, axis=1)
    middle = np.maximum(count - 1, 0) // 2
    body = np.where(count[:, None] > 0, ordered[np.arange(len(step)), middle], 0.0)
    body_length = lengths_px(body)
    moved = body_length > _BODY_JUMP_HEIGHTS
    limit = JUMP_SPEED_HEIGHTS_S * np.diff(keypoints.times_s) + _JUMP_SLACK_HEIGHTS
    length = lengths_px(step - body[:, None])
    with np.errstate(invalid="ignore"):
        far = (length > limit[:, None]) & ~moved[:, None]
    found = [Jump(int(f) + 1, None, float(body_length[f])) for f in np.flatnonzero(moved)]
    found += [Jump(int(f) + 1, keypoints.skeleton.joints[j], float(length[f, j])) for f, j in np.argwhere(far)]
    return tuple(sorted(found, key=lambda jump: jump.frame))


def _repeats(keypoints: Keypoints) -> Bool[np.ndarray, " frames"]:
    """True for frames in which something is seen and everything is exactly where it was in the frame before."""
    repeats = np.zeros(keypoints.n_frames, dtype=bool)
    observed = keypoints.observed
    same = (np.diff(keypoints.points, axis=0) == 0).all(axis=2) | ~observed[1:]
    same &= observed[1:] == observed[:-1]
    repeats[1:] = (same.sum(axis=1) == keypoints.n_joints) & (observed[1:].sum(axis=1) > 0)
    return repeats


def _limb_speed(keypoints: Keypoints, height_px: Float[np.ndarray, " frames"]) -> float:
    names = [name for name in ("l_wrist", "r_wrist", "l_ankle", "r_ankle") if name in keypoints.skeleton]
    if keypoints.n_frames < 3 or not names:
        return float("nan")
    step = np.diff(keypoints.points[:, keypoints.skeleton.indices(names)], axis=0)
    speed = lengths_px(step) / height_px[1:, None] / np.diff(keypoints.times_s)[:, None]
    finite = speed[np.isfinite(speed)]
    return float(np.quantile(finite, 0.95)) if len(finite) else float("nan")

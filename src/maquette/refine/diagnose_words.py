"""The findings on a 2D track in words."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from maquette.refine.keypoints_edits import Edit, EditKind, frame_words, joint_words
from maquette.refine.keypoints_repair import count_points

if TYPE_CHECKING:
    from maquette.refine.diagnose import PersonDiagnosis

_MOST = 8
"""Stretches and jumps named; the rest is counted."""
_FASTEST_HEIGHTS_S = 6.0


def person_lines(index: int, person: "PersonDiagnosis") -> list[str]:
    """The findings on one person: a headline, what was found, what will be done."""
    keypoints = person.keypoints
    identity = "" if keypoints.person_id is None else f" (id {keypoints.person_id})"
    if not person.n_seen:
        return [f"person {index}{identity}: never seen in {keypoints.n_frames} frames"]
    frames = person.frames_seen
    fps = float(keypoints.fps)
    headline = (
        f"person {index}{identity}: seen in {person.n_seen} of {keypoints.n_frames} frames "
        f"({frame_words([frames])}, {len(frames) / fps:.1f} s at {fps:.5g} frames/s)"
    )
    findings = [
        *_size(person),
        *_missing(person),
        *_confidence(person),
        *_swaps(person),
        *_jumps(person),
        *_time(person),
    ]
    return [headline, *(f"  {line}" for line in [*findings, *_plan(person)])]


def _size(person: "PersonDiagnosis") -> list[str]:
    if not np.isfinite(person.height_px):
        return ["no bone is seen whole: the size of the body is unknown"]
    line = f"body about {person.height_px:.0f} px tall"
    if person.outside_share:
        line += f"; {_percent(person.outside_share)} of the points lie outside the picture"
    return [line]


def _missing(person: "PersonDiagnosis") -> list[str]:
    lines = []
    if person.never_seen:
        lines.append(f"never seen: {joint_words(person.never_seen, person.keypoints.skeleton)}")
    limbs = sorted(person.limbs, key=lambda limb: -limb.missing_share)
    if limbs:
        much = [limb for limb in limbs if limb.missing_share >= 0.01]
        words = [f"{limb.limb} {_percent(limb.missing_share)} (up to {limb.longest_gap_s:.2f} s)" for limb in much]
        if len(much) < len(limbs):
            longest_s = max(limb.longest_gap_s for limb in limbs[len(much) :])
            words.append(f"{'elsewhere ' if much else ''}under 1 % (up to {longest_s:.2f} s)")
        lines.append(f"missing between first and last sighting: {', '.join(words)}")
    elif not person.never_seen:
        lines.append("nothing missing between first and last sighting")
    if person.gaps:
        lines.append(f"nobody in {frame_words(person.gaps, _MOST)}")
    return lines


def _confidence(person: "PersonDiagnosis") -> list[str]:
    if person.confidence_quantiles is None:
        return ["confidence: the same for all points (the format may have none)"]
    low, middle, high = person.confidence_quantiles
    return [f"confidence: median {middle:.2f}, nine tenths of the points between {low:.2f} and {high:.2f}"]


def _swaps(person: "PersonDiagnosis") -> list[str]:
    if not person.swaps:
        return ["left and right: no exchange suspected"]
    by_joints: dict[tuple[str, ...], list[range]] = {}
    for edit in person.swaps:
        by_joints.setdefault(edit.joints, []).append(edit.frames)
    skeleton = person.keypoints.skeleton
    words = [f"{joint_words(joints, skeleton)} in {frame_words(f, _MOST)}" for joints, f in by_joints.items()]
    return [f"left and right exchanged: {'; '.join(words[:_MOST])}{_more(words)}"]


def _jumps(person: "PersonDiagnosis") -> list[str]:
    lines = []
    whole = [f"{j.distance_heights:.1f} in frame {j.frame}" for j in person.jumps if j.joint is None]
    if whole:
        named = f"{', '.join(whole[:_MOST])}{_more(whole)}"
        lines.append(f"the whole person jumps (another person, or a cut), by body heights: {named}")
    by_frame: dict[int, list[tuple[float, str]]] = {}
    for jump in person.jumps:
        if jump.joint is not None:
            by_frame.setdefault(jump.frame, []).append((jump.distance_heights, jump.joint))
    single = []
    for frame, found in by_frame.items():
        farthest, joint = max(found)
        who = (
            joint
            if len(found) == 1
            else f"{len(found)} joints"
            if len(found) > 2
            else f"{found[0][1]} and {found[1][1]}"
        )
        single.append(f"{who} by {'up to ' if len(found) > 1 else ''}{farthest:.2f} in frame {frame}")
    if single:
        lines.append(f"implausible jumps, by body heights: {', '.join(single[:_MOST])}{_more(single)}")
    return lines


def _time(person: "PersonDiagnosis") -> list[str]:
    lines = []
    fps = float(person.keypoints.fps)
    if person.effective_fps is not None:
        lines.append(
            f"frames repeat in a rhythm: new pictures come at about {person.effective_fps:.3g}, not {fps:.4g} a second"
        )
    elif person.still:
        lines.append(f"frames that repeat the one before: {frame_words(person.still, _MOST)}")
    if person.speed_heights_s > _FASTEST_HEIGHTS_S:
        lines.append(
            f"hands and feet at {person.speed_heights_s:.1f} body heights a second: "
            f"faster than people move; is {fps:.4g} frames/s too high?"
        )
    return lines


_PLANS: dict[EditKind, str] = {
    "unsure": "{points} points of low confidence dropped",
    "outside": "{points} points far outside the picture dropped",
    "far": "{points} points far from the body dropped",
    "swap": "left and right exchanged back in {frames} frames",
    "turned": "left and right exchanged in {frames} frames whose pose is more plausible so",
    "spike": "{points} spikes removed",
    "gap": "{stretches} gaps of up to {longest:.2f} s filled ({points} points)",
    "hold": "{points} points held at the ends of sightings",
    "long gap": "{points} points left missing (gaps of up to {longest:.2f} s)",
}


def _plan(person: "PersonDiagnosis") -> list[str]:
    """What repair will do, with its default settings."""
    # Before the first and after the last sighting there is nobody to repair.
    seen = person.frames_seen
    done = [edit for edit in person.edits if edit.frames.start < seen.stop and edit.frames.stop > seen.start]
    if not done:
        return ["repair: nothing to do"]
    points = count_points(done)
    fps = float(person.keypoints.fps)
    words = []
    for kind, sentence in _PLANS.items():
        edits = [edit for edit in done if edit.kind == kind]
        if edits:
            longest = max(len(edit.frames) for edit in edits) / fps
            words.append(
                sentence.format(points=points[kind], stretches=len(edits), frames=_frames(edits), longest=longest)
            )
    return [f"repair: {', '.join(words)}"]


def _frames(edits: Iterable[Edit]) -> int:
    return len({frame for edit in edits for frame in edit.frames})


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 else "under 1 %"


def _more(words: list[str]) -> str:
    return f" and {len(words) - _MOST} more" if len(words) > _MOST else ""

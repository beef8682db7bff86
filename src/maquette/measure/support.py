"""What a motion can support: facts about it that speak against numbers, in sentences."""

import re
from dataclasses import dataclass

import numpy as np

from maquette.measure.events import GaitEvents, flight_share
from maquette.measure.gait import strides_s, travels
from maquette.measure.segments import heading, paths_of, progression
from maquette.motion import Motion

_LOW_PASS = re.compile(r"low-pass[^;]*?([\d.]+) Hz")
_NO_SCALE = ("assumed", "unknown", "as the network")
_LENGTHS = ("walking_speed", "step_length", "stride_length", "step_width", "speed_mean", "speed_peak",
            "skate_speed", "skate_per_stance")  # fmt: skip
_SMOOTHNESS = ("sparc", "ldlj")
_GAIT = ("walking_speed", "cadence", "step_time", "stride_time", "step_length", "stride_length", "step_width",
         "stance", "swing", "double_support")  # fmt: skip
_PATHS = ("walking_speed", "stride_length", "speed_mean", "speed_peak")


@dataclass(frozen=True)
class Warned:
    """One sentence, and the kinds of number that it concerns; ``angles`` are the ranges of angles."""

    kinds: tuple[str, ...]
    text: str


def warnings_of(motion: Motion, events: GaitEvents) -> tuple[Warned, ...]:
    """What in this motion does not support which numbers."""
    found = [
        *_scale(motion),
        *_time(motion),
        *_origin(motion),
        *_walking(motion, events),
    ]
    return tuple(found)


def _scale(motion: Motion) -> list[Warned]:
    if "guessed" in motion.scale_source:
        text = f"lengths and speeds are right if the unit is ({motion.scale_source})"
        return [Warned(_LENGTHS, text)]
    if any(word in motion.scale_source for word in _NO_SCALE):
        text = (
            f"no true scale ({motion.scale_source}): lengths and speeds are relative; angles and times are not touched"
        )
        return [Warned(_LENGTHS, text)]
    return []


def low_pass_hz(motion: Motion) -> float | None:
    """Lowest cutoff of the filters that the notes tell of."""
    cutoffs = [float(found) for note in motion.notes for found in _LOW_PASS.findall(note)]
    return min(cutoffs) if cutoffs else None


def _time(motion: Motion) -> list[Warned]:
    found = []
    fps, cutoff = float(motion.fps), low_pass_hz(motion)
    if fps < 20.0:
        found.append(
            Warned(_SMOOTHNESS, f"{fps:g} frames/s hold only what is below {fps / 2:g} Hz: too few for smoothness")
        )
    if fps < 25.0:
        found.append(Warned(_GAIT, f"{fps:g} frames/s: events are sure to {500 / fps:.0f} ms at best"))
    if cutoff is not None:
        found.append(
            Warned(
                _SMOOTHNESS, f"the motion was low-passed at {cutoff:g} Hz: jerk and SPARC tell of the filter as well"
            )
        )
    elif fps >= 20.0 and motion.model is not None:
        found.append(
            Warned(_SMOOTHNESS, "no low-pass is known of: jerk may be that of the estimate, not of the person")
        )
    duration_s = float(motion.times_s[-1] - motion.times_s[0]) if motion.n_frames else 0.0
    if duration_s < 1.0:
        found.append(Warned((*_GAIT, "range", "least", "most", *_SMOOTHNESS), f"only {duration_s:.2f} s long"))
    return found


def _origin(motion: Motion) -> list[Warned]:
    found = []
    if motion.frame != "world":
        text = (
            "camera frame: up and the ground are not known, so there is nothing about walking or against the vertical"
        )
        found.append(Warned((*_GAIT, "skate_speed", "skate_per_stance", "flight"), text))
    if motion.model is not None:
        text = (
            "depth is a guess from a single view: what moves along the line of sight is less sure than is said, what "
            "moves across it more"
        )
        found.append(Warned(("range", "least", "most", *_LENGTHS), text))
        if any("focal length" in note and "assumed" in note for note in motion.notes):
            text = (
                "the focal length was assumed: ways towards the camera and away from it are wrong by as much as it is"
            )
            found.append(Warned(_LENGTHS, text))
        if motion.root_trajectory is None:
            found.append(
                Warned(_PATHS, "only the pose is known: the hip stays at the origin, so there is no way over ground")
            )
    kinds = (*_GAIT, "range", "least", "most", *_SMOOTHNESS)
    found += [Warned(kinds, note) for note in motion.notes if "the pose there is a guess" in note]
    if motion.sigma_m is not None:
        guessed = int(np.isinf(motion.sigma_m).any(axis=1).sum())
        if guessed:
            found.append(
                Warned(("range", "least", "most"), f"{guessed} of {motion.n_frames} frames were guessed across gaps")
            )
    unknown = int((~np.isfinite(motion.positions)).any(axis=(1, 2)).sum())
    if unknown:
        found.append(Warned(("range", "least", "most"), f"{unknown} of {motion.n_frames} frames have unknown joints"))
    return found


def _walking(motion: Motion, events: GaitEvents) -> list[Warned]:
    if motion.frame != "world" or "hip" not in motion.skeleton:
        return []
    strides = sum(len(strides_s(foot)) for foot in events.feet.values())
    if not events.n_strikes():
        return [Warned(_GAIT, "no steps were found: nobody walks here, or the legs are not seen")]
    found = []
    if strides < 6:
        found.append(Warned(_GAIT, f"{strides} strides only: six or more are wanted for a mean"))
    if flight_share(motion) > 0.1:
        found.append(Warned(_GAIT, "both feet are off the ground at times: running or jumping, not walking"))
    found += [Warned(_GAIT, text) for text in events.warnings]
    if travels(motion):
        ahead = np.sum(heading(paths_of(motion)) * progression(motion), axis=-1)
        ahead = ahead[np.isfinite(ahead)]
        if ahead.size and float(np.median(ahead)) < 0.5:
            found.append(Warned(_GAIT, "it does not go where it faces: the events are defined for walking forwards"))
        turned = _turn_deg(motion)
        if turned > 45.0:
            found.append(
                Warned(
                    _GAIT, f"the way turns by {turned:.0f} degrees: steps on a curve are not those of a straight walk"
                )
            )
    return found


def _turn_deg(motion: Motion) -> float:
    """Between the first and the last second or so of walking, the largest turn of the way."""
    way = progression(motion)
    angle = np.arctan2(way[:, 0], way[:, 2])
    angle = np.unwrap(angle[np.isfinite(angle)])
    return float(np.degrees(np.ptp(angle))) if angle.size else 0.0

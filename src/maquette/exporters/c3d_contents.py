"""What a C3D file of ours holds besides points: uncertainty and contacts as analog channels, steps as events, and
the record from which a reader of ours makes the motion again."""

import json
from dataclasses import dataclass

import msgspec
import numpy as np
from jaxtyping import Float

from maquette.exporters.choices import PER_METRE, LengthUnit
from maquette.motion import Motion
from maquette.readers.motion_c3d import CONTACT, GUESSED, RECORD_TEXT, SIGMA, TIME_OFFSET, UNKNOWN
from maquette.readers.motion_record import record_of
from maquette.rig.animation_rig import contact_stands

MAX_TEXTS = 255
"""C3D counts the texts of a parameter with one byte."""
_LARGEST_RECORD = 80_000
"""Bytes; all parameters together have 130,560."""


@dataclass(frozen=True, eq=False)
class Channel:
    """One analog channel with one sample a frame."""

    label: str
    unit: str
    description: str
    values: Float[np.ndarray, " frames"]


@dataclass(frozen=True)
class Event:
    """A foot that comes down or leaves, as Vicon names them."""

    time_s: float
    context: str
    label: str


def channels_of(motion: Motion, labels: list[str], unit: LengthUnit) -> list[Channel]:
    """The channels of a motion: ``<joint>_sigma``, ``<joint>_contact``, and the time where frames are not even.

    Args:
        motion: the motion.
        labels: names of its joints in the file.
        unit: of the file.
    """
    channels = []
    if motion.sigma_m is not None:
        sigma = motion.sigma_m * PER_METRE[unit]
        coded = np.where(np.isinf(sigma), GUESSED, np.where(np.isnan(sigma), UNKNOWN, sigma))
        text = f"standard deviation; {UNKNOWN:g} not known, {GUESSED:g} a guess"
        channels += [Channel(f"{label}{SIGMA}", unit, text, coded[:, i]) for i, label in enumerate(labels)]
    if motion.contacts is not None:
        at = dict(zip(motion.skeleton.joints, labels, strict=True))
        channels += [
            Channel(f"{at[joint]}{CONTACT}", "1", "1 while it stands on the ground", motion.contacts[:, i] * 1.0)
            for i, joint in enumerate(motion.contact_joints)
        ]
    if motion.timestamps_s is not None:
        offset = motion.times_s - start_s(motion) - np.arange(motion.n_frames) / float(motion.fps)
        text = "time since the first frame, less the frame's number over the rate"
        channels.append(Channel(TIME_OFFSET, "s", text, offset))
    return channels


def start_s(motion: Motion) -> float:
    """Time of the first frame in seconds. It stands in the record: channels are of single precision, which knows the
    seconds since 1970 to two minutes."""
    return float(motion.times_s[0])


def events_of(motion: Motion) -> list[Event]:
    """Foot Strike and Foot Off of each side, in order of time: a foot stands while any contact joint of its side does.

    Stands that begin with the first frame or end with the last one have no event there.
    """
    events = []
    if motion.contacts is None:
        return []
    # As C3D counts, from the first frame.
    times_s = motion.times_s - start_s(motion)
    for context, letter in (("Left", "l_"), ("Right", "r_")):
        columns = [i for i, joint in enumerate(motion.contact_joints) if joint.startswith(letter)]
        if not columns:
            continue
        stands = np.any(motion.contacts[:, columns], axis=1)
        foot = motion.with_notes(contacts=stands[:, None], contact_joints=(motion.contact_joints[columns[0]],))
        for first, last in contact_stands(foot)[motion.contact_joints[columns[0]]]:
            if first > 0:
                events.append(Event(float(times_s[first]), context, "Foot Strike"))
            if last + 1 < motion.n_frames:
                events.append(Event(float(times_s[last + 1]), context, "Foot Off"))
    return sorted(events, key=lambda event: event.time_s)


def record_texts(motion: Motion) -> list[str]:
    """The record of a motion (:class:`maquette.readers.motion_record.MotionRecord`, ``fps``, ``start_s``) as JSON, in
    pieces that C3D keeps as they are: plain letters, without spaces, which readers cut off the ends."""
    record = msgspec.to_builtins(record_of(motion)) | {"fps": str(motion.fps), "start_s": start_s(motion)}
    text = json.dumps(record, separators=(",", ":")).replace(" ", "\\u0020")
    if len(text) > _LARGEST_RECORD:
        record["notes"] = ["notes were too long for this format"]
        text = json.dumps(record, separators=(",", ":")).replace(" ", "\\u0020")
    if len(text) > _LARGEST_RECORD:
        return []
    return [text[i : i + RECORD_TEXT] for i in range(0, len(text), RECORD_TEXT)]

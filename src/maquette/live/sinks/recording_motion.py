"""From the poses of a recording to motions: one for each person, at the times of the session, without holes."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from maquette.detect.footage_rate import rate_of
from maquette.exporters.writers import format_of
from maquette.geometry.rotations import quat_normalize, quat_slerp
from maquette.live.sinks.recording_spool import SpoolContents
from maquette.motion import Motion
from maquette.refine.motion_contacts import CONTACT_JOINTS
from maquette.skeletons import LIFTED_21

MAX_GAP_S = 0.5
"""Longer absences are guesses, as in :func:`maquette.refine.motion_smooth.fill_gaps`."""
LONGEST_FILLED_S = 60.0
"""Longer absences are left out: nobody wants hours of somebody who turns slowly."""
LEAST_S = 0.5
"""Whoever was followed for less, while others were for longer, gets no file of their own."""

_EVEN_ONLY = (".bvh", ".c3d", ".trc", ".mp4", ".gif", "_smpl.npz", "3d_data.json")
"""Formats that play frames at one rate: times that are not even are made so."""
_NEAR = 0.02
"""Of a rate to the usual one that is meant."""
_BLOCK = 8192
"""Frames that are worked on at once, so that an hour needs little more memory than its result."""


@dataclass(frozen=True, eq=False)
class TimeBase:
    """The rate behind the times of frames."""

    fps: Fraction
    is_even: bool
    """Each frame follows the one before after one period."""


def time_base_of(times_s: Float[np.ndarray, " frames"]) -> TimeBase:
    """The rate behind the times, exact where they keep to one (rounded to milliseconds at worst)."""
    for tick_s in (Fraction(1, 1_000_000), Fraction(1, 1000)):
        ticks = np.rint((times_s - times_s[0]) / float(tick_s)).astype(np.int64)
        if (np.diff(ticks) < 1).any():
            break
        rate = rate_of(ticks, tick_s, ())
        if not rate.is_variable:
            periods = np.rint((times_s - times_s[0]) * float(rate.fps))
            return TimeBase(rate.fps, bool((np.diff(periods) == 1).all()))
    ticks = np.unique(np.rint((times_s - times_s[0]) * 1e6).astype(np.int64))
    fps = rate_of(ticks, Fraction(1, 1_000_000), ()).fps
    # Times that shake say 29.97 as easily as 30; over the whole, they are no longer than what is meant, unless many
    # frames are missing.
    mean = (len(times_s) - 1) / float(times_s[-1] - times_s[0])
    near = abs(mean / float(fps) - 1) < _NEAR and round(mean) > 0 and abs(round(mean) / mean - 1) < _NEAR
    return TimeBase(Fraction(round(mean)) if near else fps, False)


def people_of(contents: SpoolContents) -> dict[int | None, Int[np.ndarray, " rows"]]:
    """The records of everybody who gets a file; None stands for whoever was first."""
    poses = contents.poses
    if contents.recording.person != "all":
        return {None: poses} if len(poses) else {}
    persons, times_s = contents.records["person"][poses], contents.records["time_s"]
    found: dict[int | None, np.ndarray] = {int(person): poses[persons == person] for person in np.unique(persons)}
    lasting = {person: rows for person, rows in found.items() if times_s[rows[-1]] - times_s[rows[0]] >= LEAST_S}
    return lasting or found


def motion_of(contents: SpoolContents, rows: Int[np.ndarray, " rows"]) -> Motion:
    """The motion of one person, from first to last sight.

    Frames of the session in which the person was absent are filled: bones turn evenly from where they were last seen to
    the next time. Absences of more than :data:`MAX_GAP_S` are guesses (``sigma_m`` is infinite there) and noted, and
    those of more than :data:`LONGEST_FILLED_S` are left out. Times that are not even become even for formats that play
    frames at one rate.
    """
    recording, records = contents.recording, contents.records
    own_s = np.array(records["time_s"][rows])
    within = (contents.frame_times_s >= own_s[0]) & (contents.frame_times_s <= own_s[-1])
    session_s = _without_long_absences(contents.frame_times_s[within], own_s)
    base = time_base_of(session_s)
    notes, wanted_s = [*recording.notes], session_s
    is_regular = base.is_even or format_of(Path(recording.target)) in _EVEN_ONLY
    if is_regular and not base.is_even:
        count = max(round((session_s[-1] - session_s[0]) * float(base.fps)), 0) + 1
        wanted_s = _without_long_absences(session_s[0] + np.arange(count) / float(base.fps), own_s)
        notes.append(
            f"frames came unevenly and were moved in time onto {float(base.fps):g} frames/s: this format has no times"
        )
    positions, rotations, contacts = _at(records, rows, own_s, wanted_s)
    guessed = _absent(own_s, wanted_s, notes)
    persons = np.unique(records["person"][rows])
    return Motion(
        positions=positions,
        skeleton=LIFTED_21,
        fps=base.fps,
        frame="world",
        rotations=rotations,
        sigma_m=np.where(guessed[:, None], np.inf, np.full(positions.shape[:2], np.nan)) if guessed.any() else None,
        contacts=contacts,
        contact_joints=CONTACT_JOINTS,
        root_trajectory=positions[:, LIFTED_21.roots[0]],
        timestamps_s=None if is_regular else wanted_s,
        scale_source=recording.scale_source,
        person_id=int(persons[0]) if len(persons) == 1 else None,
        model=recording.model,
        model_sha256=recording.model_sha256,
        source=recording.source,
        notes=(*notes, *_told(contents, rows, own_s)),
    )


def _without_long_absences(
    times_s: Float[np.ndarray, " frames"], own_s: Float[np.ndarray, " rows"]
) -> Float[np.ndarray, " kept"]:
    """The times at which the person was there, or was away for a while that is worth filling."""
    after = np.searchsorted(own_s, times_s).clip(1, max(len(own_s) - 1, 1))
    away = (own_s[after % len(own_s)] - own_s[after - 1] > LONGEST_FILLED_S) & ~np.isin(times_s, own_s)
    return times_s[~away]


def _told(contents: SpoolContents, rows: Int[np.ndarray, " rows"], own_s: Float[np.ndarray, " rows"]) -> list[str]:
    """What was said while it was recorded, and who took over from whom."""
    start_s, end_s = float(own_s[0]), float(own_s[-1])
    notes = [f"recorded live, {end_s - start_s:.2f} s from {start_s:.2f} s of the session on"]
    calibrating = np.flatnonzero(contents.records["calibrating"][rows])
    if len(calibrating):
        until_s = float(own_s[calibrating[-1]]) - start_s
        notes.append(f"scale and ground were being calibrated until {until_s:.2f} s and may change there")
    persons = contents.records["person"][rows]
    for row in np.flatnonzero(np.diff(persons)) + 1:
        at_s = float(own_s[row]) - start_s
        notes.append(f"person {int(persons[row])} took over from person {int(persons[row - 1])} at {at_s:.2f} s")
    notes += [f"at {at_s - start_s:.2f} s: {text}" for at_s, text in contents.notes if start_s <= at_s <= end_s]
    return notes


def _absent(
    own_s: Float[np.ndarray, " rows"], wanted_s: Float[np.ndarray, " frames"], notes: list[str]
) -> Bool[np.ndarray, " frames"]:
    """The frames in absences that are too long to be known; adds what was filled to the notes."""
    guessed = np.zeros(len(wanted_s), dtype=bool)
    usual_s = float(np.median(np.diff(own_s))) if len(own_s) > 1 else 0.0
    longs, left_out, n_short = [], [], 0
    for row in np.flatnonzero(np.diff(own_s) > 1.5 * usual_s):
        low_s, high_s = float(own_s[row]), float(own_s[row + 1])
        first, stop = np.searchsorted(wanted_s, (low_s + 1e-9, high_s - 1e-9))
        if high_s - low_s > LONGEST_FILLED_S:
            left_out.append(f"{high_s - low_s:.0f} s after {low_s - float(own_s[0]):.2f} s")
        elif high_s - low_s - usual_s > MAX_GAP_S:
            guessed[first:stop] = True
            longs.append(f"{low_s - float(wanted_s[0]):.2f}-{high_s - float(wanted_s[0]):.2f}")
        else:
            n_short += int(stop - first)
    if n_short:
        notes.append(f"3D interpolated over {n_short} frames without the person, in gaps of up to {MAX_GAP_S:g} s")
    if longs:
        more = f" and {len(longs) - 8} more" if len(longs) > 8 else ""
        notes.append(
            f"the person was away for longer than {MAX_GAP_S:g} s at {', '.join(longs[:8])}{more} s: the pose there is "
            "a guess, turned evenly from the last seen to the next"
        )
    if left_out:
        more = f" and {len(left_out) - 8} more" if len(left_out) > 8 else ""
        notes.append(f"left out, for the person was away: {', '.join(left_out[:8])}{more}")
    return guessed


def _at(
    records: np.ndarray,
    rows: Int[np.ndarray, " rows"],
    own_s: Float[np.ndarray, " rows"],
    wanted_s: Float[np.ndarray, " frames"],
) -> tuple[Float[np.ndarray, "frames 21 3"], Float[np.ndarray, "frames 21 4"], Bool[np.ndarray, "frames 4"]]:
    """Positions, rotations and contacts at the wanted times: as recorded where there is a pose, else between."""
    count = len(wanted_s)
    positions, rotations = np.empty((count, 21, 3)), np.empty((count, 21, 4))
    contacts = np.zeros((count, 4), dtype=bool)
    for start in range(0, count, _BLOCK):
        block = slice(start, min(start + _BLOCK, count))
        at_s = wanted_s[block]
        after = np.clip(np.searchsorted(own_s, at_s), 0, len(own_s) - 1)
        before = np.where(own_s[after] == at_s, after, np.maximum(after - 1, 0))
        span_s = own_s[after] - own_s[before]
        t = np.where(span_s > 0, (at_s - own_s[before]) / np.where(span_s > 0, span_s, 1.0), 0.0).clip(0.0, 1.0)
        first, second = records[rows[before]], records[rows[after]]
        positions[block], rotations[block] = first["positions_m"], first["rotations"]
        # Whoever is away stands nowhere.
        near = np.where((t < 0.5)[:, None], first["contacts"], second["contacts"])
        contacts[block] = (near != 0) & (span_s <= MAX_GAP_S)[:, None]
        between = np.flatnonzero(t > 0)
        if len(between):
            share = t[between, None]
            positions[start + between] = _turned(first["positions_m"][between], second["positions_m"][between], share)
            rotations[start + between] = quat_slerp(
                quat_normalize(first["rotations"][between]), quat_normalize(second["rotations"][between]), share
            )
    return positions, rotations, contacts


def _turned(
    a: Float[np.ndarray, "frames 21 3"], b: Float[np.ndarray, "frames 21 3"], t: Float[np.ndarray, "frames 1"]
) -> Float[np.ndarray, "frames 21 3"]:
    """Joints between two poses: every bone turns on the shortest way, its length and the root's place blended."""
    result = (1 - t)[..., None] * a + t[..., None] * b
    for joint in LIFTED_21.order:
        parent = LIFTED_21.parents[joint]
        if parent < 0:
            continue
        bone_a, bone_b = a[:, joint] - a[:, parent], b[:, joint] - b[:, parent]
        length_a, length_b = (np.linalg.norm(bone, axis=-1, keepdims=True) for bone in (bone_a, bone_b))
        unit_a, unit_b = bone_a / np.maximum(length_a, 1e-9), bone_b / np.maximum(length_b, 1e-9)
        cosine = (unit_a * unit_b).sum(-1, keepdims=True)
        angle = np.arctan2(np.linalg.norm(np.cross(unit_a, unit_b), axis=-1, keepdims=True), cosine)
        # Opposite directions have no shortest way, and no length no direction: a straight line serves.
        arc = (angle > 1e-6) & (angle < 3.0) & (length_a > 1e-6) & (length_b > 1e-6)
        sine = np.where(arc, np.sin(angle), 1.0)
        unit = (np.sin((1 - t) * angle) * unit_a + np.sin(t * angle) * unit_b) / sine
        straight = (1 - t) * bone_a + t * bone_b
        result[:, joint] = result[:, parent] + np.where(arc, unit * ((1 - t) * length_a + t * length_b), straight)
    return result

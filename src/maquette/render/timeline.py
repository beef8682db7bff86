"""Which frame of the motion, and which of the keypoints, is shown in each frame of the result."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Float, Int

from maquette.errors import InputError
from maquette.keypoints import Keypoints
from maquette.motion import Motion


@dataclass(frozen=True, eq=False)
class Timeline:
    """Frames at a constant rate. An index of -1 says that there is nothing to show at that time."""

    fps: Fraction
    times_s: Float[np.ndarray, " frames"]
    """In the time of the input, so that a video can be shown in step."""
    motion_index: Int[np.ndarray, " frames"] | None
    keypoints_index: Int[np.ndarray, " frames"] | None

    def __len__(self) -> int:
        return len(self.times_s)


def timeline(keypoints: Keypoints | None, motion: Motion | None, fps: Fraction | None = None) -> Timeline:
    """The motion's time, or that of the keypoints when there is no motion; the nearest frame where rates differ.

    Raises:
        InputError: neither is given, there are no frames, or the timestamps have holes too long to show.
    """
    lead = motion if motion is not None else keypoints
    if lead is None:
        raise InputError("nothing to draw: neither keypoints nor a motion given")
    if lead.n_frames == 0:
        raise InputError(f"{lead.source or 'the input'}: has no frames, nothing to draw")
    rate = fps or lead.fps
    if rate == lead.fps and lead.timestamps_s is None:
        times_s = lead.times_s
    else:
        own = lead.times_s
        count = round((own[-1] - own[0]) * float(rate)) + 1
        if count > 100_000 + 50 * lead.n_frames:
            raise InputError(
                f"{lead.source or 'the input'}: {lead.n_frames} frames over {own[-1] - own[0]:.0f} s would be "
                f"{count} frames at {float(rate):g} fps; mend the timestamps or give a lower fps"
            )
        times_s = own[0] + np.arange(count) / float(rate)
    return Timeline(
        fps=rate,
        times_s=times_s,
        motion_index=None if motion is None else _nearest(motion, times_s, lead),
        keypoints_index=None if keypoints is None else _nearest(keypoints, times_s, lead),
    )


def _nearest(
    track: Motion | Keypoints, times_s: Float[np.ndarray, " frames"], lead: Motion | Keypoints
) -> Int[np.ndarray, " frames"]:
    """Index of the frame nearest in time, -1 beyond the ends."""
    if track.n_frames == 0:
        return np.full(len(times_s), -1)
    if len(times_s) == track.n_frames == lead.n_frames and track.fps == lead.fps and track.timestamps_s is None:
        return np.arange(track.n_frames)
    own = track.times_s
    after = np.clip(np.searchsorted(own, times_s), 1, max(len(own) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(own) - 1)
    # Half way between two frames the earlier one counts, whatever the last digit says.
    index = np.where(times_s - own[before] <= own[after] - times_s + 1e-6, before, after)
    outside = np.abs(times_s - own[index]) > max(1.5 / float(track.fps), 1.5 / float(lead.fps))
    beyond = (times_s < own[0]) | (times_s > own[-1])
    return np.where(outside & beyond, -1, index)

"""The clip as a video or picture, drawn by :mod:`maquette.render`: the same on every machine, without a browser."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from maquette.errors import InputError
from maquette.motion import Motion
from maquette.render import render_video
from maquette.render.comparison import render_comparison
from maquette.viewer.entries import Entry, Input2D
from maquette.viewer.playback import frame_at

SIZE = (1280, 480)


def write_film(path: str | Path, entries: Sequence[Entry], given: Input2D) -> None:
    """Write ``.mp4`` or ``.gif``: one motion from three sides, or several beside each other from the camera's side.

    Args:
        path: the file; it appears whole or not at all.
        entries: the motions to be drawn, the first one leading: the others are shown at its times, as on the page.
        given: the 2D input.

    Raises:
        InputError: nothing to draw, a video that cannot be read, or motions of which only some know a world.
        OutputError: an unknown suffix, or a file that cannot be written.
    """
    if not entries:
        raise InputError("no motion is shown, so there is nothing to write; turn one on")
    # Footage alone is not drawn upon.
    video = given.video if given.keypoints is not None else None
    start_s = given.video_start_s
    if len(entries) == 1:
        render_video(path, given.keypoints, entries[0].motion, video=video, video_start_s=start_s)
        return
    lead = entries[0].motion
    motions = {entry.name: in_time(entry.motion, lead) for entry in entries}
    render_comparison(path, given.keypoints, motions, video=video, video_start_s=start_s, size=SIZE)


def in_time(motion: Motion, lead: Motion) -> Motion:
    """The motion at the times of another, from the first frame of each: the frame that is on show then. After its end
    the last one stays.

    Raises:
        InputError: one is in the world's frame and the other in the camera's.
    """
    if motion is lead:
        return motion
    if motion.frame != lead.frame:
        raise InputError(
            f"{motion.source or 'a motion'} is in the {motion.frame} frame, {lead.source or 'the first'} in the "
            f"{lead.frame} frame; one video takes motions of one frame"
        )
    own_s = motion.times_s - motion.times_s[0]
    frames = np.array([frame_at(own_s, position_s) for position_s in lead.times_s - lead.times_s[0]], dtype=int)
    return Motion(
        positions=motion.positions[frames],
        skeleton=motion.skeleton,
        fps=lead.fps,
        frame=motion.frame,
        timestamps_s=lead.timestamps_s,
        camera=motion.camera,
        source=motion.source,
    )

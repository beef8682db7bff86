"""A stretch of a clip, and the small video of it that goes into a page."""

import tempfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.report.page import data_uri


def stretch(motion: Motion, begin_s: float | int, length_s: float | int) -> Motion:
    """The frames of a motion within a stretch of time, which is made to begin at 0 s; at least one frame."""
    frames = _within(motion.times_s, begin_s, length_s)
    parts = ("positions", "rotations", "sigma_m", "contacts", "root_trajectory", "timestamps_s")
    cut = {name: None if getattr(motion, name) is None else getattr(motion, name)[frames] for name in parts}
    if cut["timestamps_s"] is not None:
        cut["timestamps_s"] = cut["timestamps_s"] - cut["timestamps_s"][0]
    return replace(motion, **cut)


def stretch_of_keypoints(keypoints: Keypoints, begin_s: float | int, length_s: float | int) -> Keypoints:
    """The same of 2D keypoints."""
    frames = _within(keypoints.times_s, begin_s, length_s)
    times_s = keypoints.timestamps_s
    return replace(
        keypoints,
        points=keypoints.points[frames],
        confidence=keypoints.confidence[frames],
        timestamps_s=None if times_s is None else times_s[frames] - times_s[frames][0],
    )


def _within(times_s: np.ndarray, begin_s: float | int, length_s: float | int) -> slice:
    first, last = np.searchsorted(times_s - times_s[0], [begin_s - 1e-6, begin_s + length_s + 1e-6])
    first = min(int(first), len(times_s) - 1)
    return slice(first, max(int(last), first + 1))


def small_video(
    motion: Motion,
    keypoints: Keypoints | None,
    video: str | Path | None,
    *,
    begin_s: float | int,
    length_s: float | int,
    video_start_s: float | int = 0.0,
    video_fps: Fraction | None = None,
    size: tuple[int, int] = (960, 400),
) -> str:
    """The HTML of a video that is inside the page, with a picture of it for where no video plays (paper)."""
    from maquette.render import render_picture, render_video

    seen = stretch(motion, begin_s, length_s)
    points = None if keypoints is None else stretch_of_keypoints(keypoints, begin_s, length_s)
    # The picture under the keypoints belongs to the times of the whole clip.
    times_s = (motion if keypoints is None else keypoints).times_s
    first_s = float(times_s[_within(times_s, begin_s, length_s)][0])
    under = {"video": video, "video_start_s": float(video_start_s) + first_s, "video_fps": video_fps}
    with tempfile.TemporaryDirectory() as folder:
        film, still = Path(folder) / "clip.mp4", Path(folder) / "clip.png"
        render_video(film, points, seen, size=size, **under)
        render_picture(still, points, seen, size=size, **under)
        codec = _codec(film)
        if codec != "h264":
            # Browsers play no other: without an encoder for it, pictures that move.
            film = Path(folder) / "clip.gif"
            render_video(film, points, seen, size=(size[0] // 2, size[1] // 2), **under)
            return f'<figure><img src="{data_uri(film.read_bytes(), "image/gif")}" alt="the motion"></figure>'
        poster, source = data_uri(still.read_bytes(), "image/png"), data_uri(film.read_bytes(), "video/mp4")
    return (
        f'<video controls loop muted playsinline preload="metadata" poster="{poster}" src="{source}">'
        "This browser plays no video.</video>"
    )


def _codec(film: Path) -> str:
    import av

    with av.open(str(film)) as container:
        return container.streams.video[0].codec_context.name

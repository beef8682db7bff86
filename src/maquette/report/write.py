"""``write_report``: one HTML file about a motion."""

from fractions import Fraction
from pathlib import Path

from maquette.errors import OutputError
from maquette.keypoints import Keypoints
from maquette.motion import Motion


def write_report(
    motion: Motion,
    path: str | Path,
    *,
    keypoints: Keypoints | None = None,
    video: str | Path | None = None,
    video_start_s: float | int = 0.0,
    video_fps: Fraction | None = None,
    source: str | Path | None = None,
    title: str | None = None,
    begin_s: float | int = 0.0,
    seconds: float | int = 15.0,
) -> None:
    """Write a page about a motion that needs nothing from outside: numbers, curves, a small video, provenance.

    Args:
        motion: one person.
        path: ``.html``.
        keypoints: the 2D that it was made from: shown in the video, and how they were seen in numbers.
        video: file to draw the keypoints on.
        video_start_s: time in the video at which the motion starts.
        video_fps: rate to play the video at instead of its own times.
        source: the file that the motion was read from; its name and hash are put down.
        title: heading; the source's name if None.
        begin_s: where in the motion the small video begins.
        seconds: its length; 0 leaves it out.

    Raises:
        InputError: the video cannot be read.
        OutputError: the motion has no known position at all, the name is not that of a page, or it cannot be written.
    """
    import numpy as np

    from maquette.atomic import write_text
    from maquette.report import sections
    from maquette.report.excerpt import small_video
    from maquette.report.page import page, section
    from maquette.report.provenance import provenance

    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise OutputError(f"{target}: a report is a page, its name ends in .html")
    if not motion.n_frames or not np.isfinite(motion.positions).all(axis=-1).any():
        raise OutputError(f"{target}: the motion has no position to report about")
    name = title or (Path(source).name if source else Path(motion.source).name) or "motion"
    measured = sections.measured(motion)
    parts = [sections.head(name, motion, measured)]
    if seconds > 0:
        under = {"video_start_s": video_start_s, "video_fps": video_fps}
        film = small_video(motion, keypoints, video, begin_s=begin_s, length_s=seconds, **under)
        parts.append(section("The motion", film))
    if warnings := sections.warnings(measured):
        parts.append(section("What speaks against some of these numbers", warnings))
    parts += sections.about(motion, measured)
    if keypoints is not None:
        parts.append(section("The 2D it was made from", sections.seen(motion, keypoints)))
    parts.append(section("Provenance", provenance(motion, source)))
    write_text(target, page(f"{name}: Maquette report", parts))

"""``write_recording``: the 3D scene of a whole clip as one HTML file that plays anywhere, without a network."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from maquette.atomic import write_text
from maquette.errors import OutputError
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.viewer.serve import Viewer

if TYPE_CHECKING:
    from maquette.viewer.arrangement import Arrangement

_LOG = logging.getLogger(__name__)

SUFFIXES = (".html", ".htm")
MOST_POSES = 6000
"""Of the whole file, at some 900 bytes each: what a mail takes, and what the player, which goes through all poses on
the way, can jump across in seconds."""
MOST_PER_S = 30.0
MOST_PICTURES = 300
"""Of the 2D input, at some 15 kB each."""


def write_recording(
    path: str | Path,
    motions: Sequence[Motion],
    keypoints: Keypoints | None = None,
    *,
    variants: Mapping[str, Motion] | None = None,
    video: str | Path | None = None,
    video_start_s: float | int = 0.0,
    arrangement: "Arrangement" = "side by side",
    progress: Callable[[float], None] | None = None,
) -> tuple[str, ...]:
    """Write the clip as one HTML file with its own player: turn, zoom, play, scrub.

    The page's panels are not in it; the 2D input stands in the scene, beside the person.

    Args:
        path: ``.html``; it appears whole or not at all.
        motions, keypoints, variants, video, video_start_s, arrangement: as for :func:`maquette.viewer.view`.
        progress: called with the share that is done.

    Returns:
        One sentence for each thing that was left out to keep the file small.

    Raises:
        InputError: no motion, or a video that cannot be read.
        OutputError: an unknown suffix, or a file that cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(f"{path}: a recording is one HTML file; expected a name that ends in .html")
    with Viewer(
        motions,
        keypoints,
        variants=variants,
        video=video,
        video_start_s=video_start_s,
        arrangement=arrangement,
        port=0,
    ) as viewer:
        page = viewer.page
        positions_s, picture_at, notes = plan(page.ticks_s, has_pictures=page.input is not None)
        page.prepare_recording()
        recorder = viewer.recorder()
        for number, position_s in enumerate(positions_s):
            page.record(float(position_s), with_picture=bool(picture_at[number]))
            following_s = (
                positions_s[number + 1] if number + 1 < len(positions_s) else position_s + page.playback.frame_s
            )
            if len(positions_s) > 1:
                recorder.insert_sleep(float(following_s - position_s))
            if progress is not None:
                progress((number + 1) / len(positions_s))
        html = recorder.as_html()
    html = html.replace("<title>Viser</title>", "<title>Maquette</title>", 1)
    write_text(path, html)
    for note in notes:
        _LOG.info("%s: %s", path, note)
    return notes


def plan(
    ticks_s: Float[np.ndarray, " ticks"], *, has_pictures: bool
) -> tuple[Float[np.ndarray, " poses"], np.ndarray, tuple[str, ...]]:
    """Which times are recorded, at which of them the 2D picture changes, and what to say about the rest."""
    duration_s = float(ticks_s[-1] - ticks_s[0])
    notes = []
    every = max(1, -(-len(ticks_s) // MOST_POSES))
    if duration_s > 0:
        every = max(every, int(np.ceil((len(ticks_s) - 1) / duration_s / MOST_PER_S - 1e-6)))
    positions_s = ticks_s[::every]
    if every > 1:
        rate = (len(positions_s) - 1) / float(positions_s[-1] - positions_s[0]) if len(positions_s) > 1 else 0.0
        notes.append(
            f"{len(positions_s)} of {len(ticks_s)} frames are in the recording, {rate:.3g} per second, to keep it small"
        )
    picture_at = np.zeros(len(positions_s), dtype=bool)
    if has_pictures:
        step = max(1, -(-len(positions_s) // MOST_PICTURES))
        picture_at[::step] = True
        if step > 1:
            notes.append(f"the picture of the 2D input changes with every {step}th of them only")
    return positions_s, picture_at, tuple(notes)

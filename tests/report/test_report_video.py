"""The small video of a report shows the pictures of its own stretch of the clip."""

import base64
import io
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from made_body import made_motion

from maquette.keypoints import Keypoints
from maquette.report import write_report
from maquette.skeletons import LIFTED_21

FPS = 50


@pytest.mark.parametrize("clock_begins_s", [None, 0.4])
def test_the_video_under_the_keypoints_is_in_step(tmp_path: Path, clock_begins_s: float | None) -> None:
    """A film that grows brighter by one step a frame tells which of its frames is shown."""
    with av.open(str(tmp_path / "film.mp4"), "w") as file:
        stream = file.add_stream("mpeg4", rate=FPS)
        stream.width, stream.height, stream.bit_rate = 320, 180, 4_000_000
        for level in range(100):
            picture = np.full((180, 320, 3), 2 * level, np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        file.mux(stream.encode())
    times_s = None if clock_begins_s is None else clock_begins_s + np.arange(60) / FPS
    points, confidence = np.full((60, 21, 2), np.nan), np.zeros((60, 21))
    points[:, 0], confidence[:, 0] = 5.0, 1.0
    keypoints = Keypoints(points, confidence, LIFTED_21, Fraction(FPS), (320, 180), timestamps_s=times_s)
    motion = replace(made_motion(60), timestamps_s=times_s)
    page = tmp_path / "walk.html"
    write_report(
        motion, page, keypoints=keypoints, video=tmp_path / "film.mp4", begin_s=0.6, seconds=0.2, video_start_s=0.2
    )
    inside = re.search(r'src="data:video/mp4;base64,([^"]*)"', page.read_text(encoding="utf-8"))
    assert inside is not None
    with av.open(io.BytesIO(base64.b64decode(inside[1])), "r") as film:
        shown = [frame.to_ndarray(format="rgb24")[200, 200].mean() for frame in film.decode(video=0)]
    first = FPS * (0.2 + 0.6 + (clock_begins_s or 0.0))
    np.testing.assert_allclose(np.array(shown) / 2, first + np.arange(11), atol=2.0)

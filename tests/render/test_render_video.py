"""Videos read back by FFmpeg and Pillow: frames, rate, size, timing, and what happens when something is wrong."""

import itertools
import logging
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from drawn_clips import film, read_video, standing, walk
from PIL import Image, ImageSequence

from maquette.errors import InputError, OutputError
from maquette.motion import Motion
from maquette.render import render_frames, render_video, video
from maquette.skeletons import LIFTED_21

SIZE = (320, 180)


def read_gif(path: Path) -> list[tuple[int, np.ndarray]]:
    """Duration in ms and RGB picture of each frame, as Pillow reads them; it must repeat for ever."""
    with Image.open(path) as gif:
        assert gif.info["loop"] == 0
        return [(f.info["duration"], np.asarray(f.convert("RGB")).astype(int)) for f in ImageSequence.Iterator(gif)]


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001), Fraction(50), Fraction(1373, 100)])
def test_mp4_has_every_frame_at_its_exact_time(tmp_path: Path, fps: Fraction) -> None:
    motion = walk(23, fps=fps)
    render_video(tmp_path / "a.mp4", film(motion), motion, size=SIZE)
    pictures, times, rate = read_video(tmp_path / "a.mp4")
    assert len(pictures) == 23
    assert rate == fps
    assert times == [k / fps for k in range(23)]
    assert pictures[0].shape == (180, 320, 3)


def test_mp4_plays_everywhere(tmp_path: Path) -> None:
    """H.264 in 4:2:0 with BT.709 said, and the index before the data."""
    render_video(tmp_path / "a.mp4", None, walk(5), size=SIZE)
    data = (tmp_path / "a.mp4").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    with av.open(str(tmp_path / "a.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (1, 1, 1, 1)


def test_colours_survive_the_encoder(tmp_path: Path) -> None:
    motion = walk(3)
    render_video(tmp_path / "a.mp4", None, motion, size=SIZE)
    drawn = list(render_frames(None, motion, size=SIZE))
    for ours, read in zip(drawn, read_video(tmp_path / "a.mp4")[0], strict=True):
        flat = (ours == ours[20, 20]).all(axis=-1)
        assert np.abs(np.median(read[flat].astype(int), axis=0) - ours[20, 20]).max() <= 2


def test_odd_sizes_are_raised_to_even(tmp_path: Path) -> None:
    render_video(tmp_path / "a.mp4", None, walk(3), size=(333, 187))
    assert read_video(tmp_path / "a.mp4")[0][0].shape == (188, 334, 3)
    render_video(tmp_path / "a.gif", None, walk(3), size=(333, 187))
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.size == (333, 187)


def test_another_rate_keeps_the_duration(tmp_path: Path) -> None:
    motion = walk(51, fps=Fraction(50))
    render_video(tmp_path / "a.mp4", None, motion, size=SIZE, fps=10)
    pictures, times, rate = read_video(tmp_path / "a.mp4")
    assert (len(pictures), rate, times[-1]) == (11, 10, 1)


@pytest.mark.parametrize(("fps", "step"), [(Fraction(25), 2), (Fraction(60000, 1001), 3), (Fraction(12), 1)])
def test_gif_keeps_time(tmp_path: Path, fps: Fraction, step: int) -> None:
    n = 20 * step + 1
    motion = walk(n, fps=fps)
    render_video(tmp_path / "a.gif", None, motion, size=SIZE)
    durations = [duration for duration, _ in read_gif(tmp_path / "a.gif")]
    assert len(durations) == 21
    begins_ms = np.cumsum([0, *durations])
    np.testing.assert_allclose(begins_ms, [1000 * step * k / float(fps) for k in range(22)], atol=5.001)
    assert min(durations) >= 50


def test_gif_is_one_palette_and_shows_what_the_video_shows(tmp_path: Path) -> None:
    motion = walk(9)
    render_video(tmp_path / "a.gif", film(motion), motion, size=SIZE, fps=25)
    frames = list(render_frames(film(motion), motion, size=SIZE))
    for (_, shown), ours in zip(read_gif(tmp_path / "a.gif"), frames, strict=True):
        difference = np.abs(shown - ours).max(axis=-1)
        assert difference.mean() < 4
        assert np.quantile(difference, 0.999) < 60


def test_a_still_person_has_a_gif_of_every_frame(tmp_path: Path) -> None:
    motion = Motion(np.repeat(standing()[None], 10, axis=0), LIFTED_21, Fraction(10), "world")
    render_video(tmp_path / "a.gif", None, motion, size=SIZE)
    assert sum(duration for duration, _ in read_gif(tmp_path / "a.gif")) == 1000


@pytest.mark.parametrize("name", ["a.avi", "a", "a.webm"])
def test_unknown_suffix(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=r"known are \.mp4 \.gif"):
        render_video(tmp_path / name, None, walk(2))
    assert not list(tmp_path.iterdir())


def test_bad_input_leaves_nothing_behind(tmp_path: Path) -> None:
    motion = walk(4)
    (tmp_path / "text.mp4").write_text("this is no video")
    out = tmp_path / "out" / "a.mp4"
    for bad in (tmp_path / "none.mp4", tmp_path / "text.mp4", tmp_path):
        with pytest.raises(InputError, match=r"none|text|cannot be read"):
            render_video(out, film(motion), motion, video=bad)
    with pytest.raises(InputError, match="nothing to draw"):
        render_video(out, None, None)
    with pytest.raises(InputError, match="no frames"):
        render_video(out, None, replace(motion, positions=motion.positions[:0]))
    with pytest.raises(InputError, match="expected 160x90"):
        render_video(out, None, motion, size=(20, 10))
    with pytest.raises(InputError, match="at most 50"):
        render_video(out.with_suffix(".gif"), None, motion, fps=60)
    assert not out.parent.exists() or not list(out.parent.iterdir())


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write there"):
        render_video(tmp_path / "file" / "a.mp4", None, walk(2))


def test_a_video_that_breaks_off_midway_is_an_error_of_the_input(tmp_path: Path) -> None:
    motion = walk(60)
    render_video(tmp_path / "good.mp4", None, motion, size=SIZE)
    data = (tmp_path / "good.mp4").read_bytes()
    (tmp_path / "bad.mp4").write_bytes(data[:3000] + b"\xff" * 50)
    with pytest.raises(InputError, match=r"bad\.mp4"):
        render_video(tmp_path / "out.mp4", film(motion), motion, video=tmp_path / "bad.mp4")
    assert not (tmp_path / "out.mp4").exists()


def test_without_an_h264_encoder_the_log_says_so(tmp_path: Path, monkeypatch, caplog) -> None:
    monkeypatch.setattr(video, "_ENCODERS", (("no-such-encoder", {}), *video._ENCODERS[-1:]))
    with caplog.at_level(logging.INFO):
        render_video(tmp_path / "a.mp4", None, walk(5), size=SIZE)
    assert "no H.264 encoder" in caplog.text
    assert len(read_video(tmp_path / "a.mp4")[0]) == 5
    monkeypatch.setattr(video, "_ENCODERS", (("no-such-encoder", {}),))
    with pytest.raises(OutputError, match=r"write a \.gif"):
        render_video(tmp_path / "b.mp4", None, walk(5), size=SIZE)


def test_the_first_pictures_of_a_long_clip_come_at_once() -> None:
    n = 100_000
    positions = np.broadcast_to(standing(), (n, 21, 3)) + np.linspace(0, 500, n)[:, None, None] * [0, 0, 1]
    frames = render_frames(None, Motion(positions, LIFTED_21, Fraction(100), "world"), size=SIZE)
    assert [picture.shape for picture in itertools.islice(frames, 3)] == [(180, 320, 3)] * 3


def test_an_error_of_the_encoder_reaches_the_caller() -> None:
    def fail(item: int) -> None:
        raise OSError(28, "No space left on device")

    def put_all() -> None:
        with video.in_background(fail) as put:
            for item in range(1000):
                put(item)

    with pytest.raises(OSError, match="No space"):
        put_all()


def test_in_background_keeps_the_order() -> None:
    seen: list[int] = []
    with video.in_background(seen.append) as put:
        for item in range(500):
            put(item)
    assert seen == list(range(500))

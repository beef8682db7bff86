"""When each picture of a video is shown, and which one it is; the numbers are drawn into the pictures."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numbered_footage import numbered, seen, write_numbered

from maquette.detect.footage import open_footage
from maquette.detect.footage_rate import rate_of

NTSC = Fraction(30000, 1001)
CONTAINERS = {
    ".mp4": ("libx264", "yuv420p"),
    ".mov": ("libx264", "yuv420p"),
    ".mkv": ("libx264", "yuv420p"),
    ".avi": ("libx264", "yuv420p"),
    ".ts": ("libx264", "yuv420p"),
    ".flv": ("libx264", "yuv420p"),
    ".webm": ("libvpx-vp9", "yuv420p"),
    ".mpg": ("mpeg2video", "yuv420p"),
    ".wmv": ("wmv2", "yuv420p"),
    ".h264": ("libx264", "yuv420p"),
    ".mjpeg": ("mjpeg", "yuvj420p"),
    ".y4m": ("wrapped_avframe", "yuv420p"),
    ".gif": ("gif", "rgb8"),
    ".apng": ("apng", "rgb24"),
}
CLOCKS = {".mkv": 1000, ".webm": 1000, ".flv": 1000, ".wmv": 1000, ".gif": 100}
"""Ticks per second of containers whose clock is coarse."""


@pytest.mark.parametrize("suffix", CONTAINERS)
@pytest.mark.parametrize("fps", [Fraction(25), NTSC])
def test_every_container_gives_every_picture_at_its_time(tmp_path: Path, suffix: str, fps: Fraction) -> None:
    """With B-frames, where the codec has them."""
    codec, pixels = CONTAINERS[suffix]
    footage = open_footage(write_numbered(tmp_path / f"a{suffix}", 45, fps, codec=codec, pixels=pixels))
    said = fps
    if suffix == ".gif" and fps == NTSC:
        assert footage.fps in (30, NTSC)  # hundredths of a second hardly tell the two apart
        said = footage.fps
    if suffix == ".mjpeg":
        said = Fraction(25)  # a string of pictures without a word on time
    assert (footage.fps, footage.is_variable, footage.n_frames, footage.size) == (said, False, 45, (96, 64))
    assert not footage.is_still
    indices, times_s, numbers = seen(footage)
    assert numbers == indices == list(range(45))
    slack = 0.5 / CLOCKS[suffix] if suffix in CLOCKS else 1e-5 if suffix in (".ts", ".mpg", ".apng") else 1e-12
    np.testing.assert_allclose(times_s, np.arange(45) / float(said), atol=slack + 1e-9, rtol=0)
    timeless = suffix in (".h264", ".mjpeg") and any("carry no times" in note for note in footage.notes())
    assert len(footage.notes()) == timeless


@pytest.mark.parametrize("every", [2, 7, 100])
def test_every_nth(tmp_path: Path, every: int) -> None:
    footage = open_footage(write_numbered(tmp_path / "a.mp4", 50))
    indices, times_s, numbers = seen(footage, every)
    assert numbers == indices == list(range(0, 50, every))
    assert times_s == [k / 25 for k in indices]


def test_again_and_again(tmp_path: Path) -> None:
    with open_footage(write_numbered(tmp_path / "a.mp4", 30)) as footage:
        first = [next(iter(footage)).index, next(iter(footage)).index]
        assert first == [0, 0]
        assert seen(footage) == seen(footage)
        running = iter(footage)
        next(running)
        footage.close()
        assert list(running) == []
        footage.close()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_variable_rate(tmp_path: Path, suffix: str) -> None:
    """A telephone in changing light: 24 to 40 pictures per second."""
    ticks = 1000 if suffix == ".mkv" else 90000
    stamps = np.cumsum(np.random.default_rng(0).uniform(1 / 40, 1 / 24, 60) * ticks).astype(int)
    footage = open_footage(
        write_numbered(tmp_path / f"a{suffix}", 60, 30, tick_s=Fraction(1, ticks), stamps=stamps.tolist())
    )
    assert footage.is_variable
    assert 27 <= footage.fps <= 34
    assert footage.n_frames == 60
    indices, times_s, numbers = seen(footage)
    assert numbers == indices == list(range(60))
    np.testing.assert_allclose(times_s, (stamps - stamps[0]) / ticks, atol=1e-9)
    (note,) = footage.notes()
    assert "variable frame rate" in note


def test_lost_pictures_leave_gaps(tmp_path: Path) -> None:
    """Of a constant rate, where the camera dropped some; the rest keep the number that their time gives them."""
    kept = [k for k in range(100) if k not in (10, 11, 12, 40)]
    footage = open_footage(write_numbered(tmp_path / "a.mp4", 96, NTSC, stamps=kept))
    assert (footage.fps, footage.is_variable, footage.n_frames) == (NTSC, False, 100)
    indices, times_s, numbers = seen(footage)
    assert indices == kept
    assert numbers == list(range(96))
    np.testing.assert_allclose(times_s, np.array(kept) / float(NTSC), atol=1e-9)
    assert footage.notes() == ["4 pictures missing in 2 places, first after 0.30 s"]


def test_a_rate_asked_for_replaces_the_times(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "slow.mp4", 20, 30)
    footage = open_footage(path, fps=240)
    assert seen(footage)[1] == [k / 240 for k in range(20)]
    assert footage.fps == 240
    assert footage.notes() == ["taken as 240 pictures per second, as asked, instead of 30"]
    assert open_footage(path, fps="30").notes() == []
    variable = write_numbered(tmp_path / "v.mkv", 4, 30, tick_s=Fraction(1, 1000), stamps=[0, 10, 100, 300])
    footage = open_footage(variable, fps=29.97)
    assert footage.fps == NTSC
    assert not footage.is_variable
    assert seen(footage)[1] == [float(k / NTSC) for k in range(4)]


def test_clips_put_together(tmp_path: Path) -> None:
    """Transport streams can be joined by appending; the times of the second begin again."""
    path = write_numbered(tmp_path / "a.ts", 60)
    (tmp_path / "b.ts").write_bytes(path.read_bytes() * 2)
    footage = open_footage(tmp_path / "b.ts")
    indices, times_s, numbers = seen(footage)
    assert indices == list(range(120))
    assert numbers == [*range(60), *range(60)]
    np.testing.assert_allclose(times_s, np.arange(120) / 25, atol=1e-5)
    assert footage.notes() == ["its times jump in one place; there the next picture follows at once"]


def test_a_leap_of_an_hour_is_closed_up(tmp_path: Path) -> None:
    stamps = [40 * k + 3_600_000 * (k >= 20) for k in range(40)]
    footage = open_footage(write_numbered(tmp_path / "a.mkv", 40, tick_s=Fraction(1, 1000), stamps=stamps))
    indices, times_s, _ = seen(footage)
    assert indices == list(range(40))
    np.testing.assert_allclose(times_s, np.arange(40) / 25, atol=1e-9)
    assert "jump" in footage.notes()[0]


def test_pictures_cut_away_by_an_edit_list_are_not_shown(tmp_path: Path) -> None:
    footage = open_footage(write_numbered(tmp_path / "a.mp4", 50, stamps=list(range(-10, 40))))
    indices, times_s, numbers = seen(footage)
    assert numbers == list(range(10, 50))
    assert indices == list(range(40))
    assert times_s[:2] == [0, 0.04]
    assert footage.notes() == []


def test_pictures_of_one_time(tmp_path: Path) -> None:
    """Stamps too coarse for their pictures: of several at one time, one is seen."""
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuvj420p"  # pyright: ignore
        for number in range(40):
            frame = av.VideoFrame.from_ndarray(numbered(number), format="rgb24")
            for packet in stream.encode(frame):  # pyright: ignore
                packet.pts = packet.dts = number // 2
                container.mux(packet)
    footage = open_footage(path)
    indices, times_s, _ = seen(footage)
    assert indices == list(range(20))
    assert (np.diff(times_s) > 0).all()
    assert footage.notes() == ["20 pictures whose times repeat or run backwards are left out"]


@pytest.mark.parametrize("fps", [*map(Fraction, (5, 12, 15, 24, 25, 50, 60, 100, 240)), NTSC, Fraction(24000, 1001)])
@pytest.mark.parametrize("ticks_per_s", [600, 1000, 90000, 1_000_000])
def test_a_constant_rate_is_found_behind_any_clock(fps: Fraction, ticks_per_s: int) -> None:
    """Rounded to the nearest tick, downwards, and begun in the middle of one."""
    exact = np.array([float(k / fps * ticks_per_s) for k in range(500)])
    for ticks in (np.rint(exact), np.floor(exact), np.floor(exact + 0.37)):
        for stated in ((), (fps,), (Fraction(1000),)):
            rate = rate_of(ticks.astype(np.int64), Fraction(1, ticks_per_s), stated)
            assert (rate.fps, rate.is_variable) == (fps, False)


def test_what_is_stated_decides_where_the_times_do_not() -> None:
    """Ten pictures in milliseconds can be 30 or 30000/1001."""
    ticks = np.rint(np.arange(10) * 1000 / float(NTSC)).astype(np.int64)
    assert rate_of(ticks, Fraction(1, 1000), (NTSC,)).fps == NTSC
    assert rate_of(ticks, Fraction(1, 1000), (Fraction(30),)).fps == 30
    assert rate_of(ticks, Fraction(1, 1000), (Fraction(50),)).fps in (30, NTSC)
    assert rate_of(ticks[:1], Fraction(1, 1000), (Fraction(50),)).fps == 50


def test_real_clips(shared_dir: Path) -> None:
    """The counts and rates are those of the data's own description."""
    clips = {
        "sports2d_demo/demo.mp4": (230, 30, (1768, 994)),
        "openpose_body25_OpenPoseR/gebaerden.mp4": (149, 25, (640, 480)),
    }
    for name, (count, fps, size) in clips.items():
        path = shared_dir / "data" / "real" / name
        if not path.exists():
            pytest.skip(f"no {path}")
        footage = open_footage(path)
        assert (footage.n_frames, footage.fps, footage.size) == (count, fps, size)
        shots = [(shot.index, shot.time_s) for shot in footage.shots()]
        assert shots == [(k, k / fps) for k in range(count)]
        assert footage.notes() == []

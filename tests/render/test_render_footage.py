"""Pictures of a video at given times; the videos are made here, each picture with its number as brightness."""

import logging
import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from drawn_clips import write_video

from maquette.errors import InputError
from maquette.render.footage import pictures_at, video_size


def numbered(path: Path, count: int, fps: Fraction, first_pts: int = 0) -> Path:
    """Picture k has brightness 10 + 8 k."""
    pictures = [np.full((48, 64, 3), 10 + 8 * k, dtype=np.uint8) for k in range(count)]
    return write_video(path, pictures, fps, first_pts)


def numbers(path: Path, times_s: list[float]) -> list[int]:
    pictures = pictures_at(path, np.array(times_s, dtype=float), (32, 24))
    return [round((np.asarray(picture).mean() - 10) / 8) for picture in pictures]


def test_in_step_at_the_videos_own_rate(tmp_path: Path) -> None:
    for fps in (Fraction(25), Fraction(30000, 1001), Fraction(60)):
        path = numbered(tmp_path / "a.mp4", 25, fps)
        assert numbers(path, [k / float(fps) for k in range(25)]) == list(range(25))


def test_in_step_at_another_rate(tmp_path: Path) -> None:
    path = numbered(tmp_path / "a.mp4", 20, Fraction(10))
    assert numbers(path, [k / 25 for k in range(20)]) == [int(k / 25 * 10 + 0.25) for k in range(20)]
    assert numbers(path, [k / 5 for k in range(10)]) == list(range(0, 20, 2))


def test_time_zero_is_the_first_picture_whatever_its_stamp(tmp_path: Path) -> None:
    path = numbered(tmp_path / "a.mkv", 10, Fraction(10), first_pts=37)
    assert numbers(path, [0, 0.1, 0.5, 0.9]) == [0, 1, 5, 9]


def test_beyond_the_end_the_last_picture_stays_and_the_log_says_so(tmp_path: Path, caplog) -> None:
    path = numbered(tmp_path / "a.mp4", 10, Fraction(10))
    with caplog.at_level(logging.WARNING):
        assert numbers(path, [0.8, 0.9, 1.0, 2.5, 3.0, 9.0]) == [8, 9, 9, 9, 9, 9]
    assert caplog.text.count("its last picture stays") == 1


def test_a_start_in_the_middle_seeks(tmp_path: Path) -> None:
    path = numbered(tmp_path / "a.mp4", 29, Fraction(2))
    assert numbers(path, [10.0, 12.5]) == [20, 25]


def test_a_telephone_held_upright(tmp_path: Path) -> None:
    """The turn in the file's header (here by a quarter clockwise, as telephones write it) is done."""
    picture = np.zeros((48, 64, 3), dtype=np.uint8)
    picture[:24, :32] = (250, 0, 0)
    path = write_video(tmp_path / "a.mp4", [picture] * 2)
    data = bytearray(path.read_bytes())
    track = data.index(b"tkhd") + 4
    matrix = track + 40
    assert struct.unpack(">9i", data[matrix : matrix + 36]) == (65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
    data[matrix : matrix + 36] = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 48 << 16, 0, 1 << 30)
    path.write_bytes(bytes(data))
    assert video_size(path) == (48, 64)
    shown = np.asarray(next(iter(pictures_at(path, np.zeros(1), (48, 64))))).astype(int)
    assert shown.shape == (64, 48, 3)
    # The top left quarter turns to the top right.
    assert shown[:28, 28:, 0].min() > 200
    assert shown[:, :20, 0].max() < 60


def test_what_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        video_size(tmp_path / "none.mp4")
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(5000))
    with pytest.raises(InputError, match="cannot be read as a video"):
        video_size(tmp_path / "noise.mp4")
    with av.open(str(tmp_path / "sound.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), dtype=np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))  # pyright: ignore
        container.mux(stream.encode(None))  # pyright: ignore
    with pytest.raises(InputError, match="no video stream"):
        video_size(tmp_path / "sound.wav")

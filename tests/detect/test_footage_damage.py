"""Broken files: what can be saved is, the notes say the rest, and what is no footage is refused in one sentence."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from hypothesis import given, settings
from hypothesis import strategies as st
from numbered_footage import numbered, seen, with_hole, write_numbered

from maquette.detect.footage import open_footage
from maquette.errors import InputError, MaquetteError

FAST_START = {"movflags": "faststart"}
_SEEDS = tuple(range(6))


def opened_notes(path: Path) -> tuple[list[int], list[int], list[str]]:
    footage = open_footage(path)
    indices, _, numbers = seen(footage)
    return indices, numbers, footage.notes()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".webm", ".flv"])
def test_cut_off_midway(tmp_path: Path, suffix: str) -> None:
    """Every picture before the cut is there, and is what it should be."""
    codec = "libvpx-vp9" if suffix == ".webm" else "libx264"
    whole = write_numbered(tmp_path / f"a{suffix}", 150, codec=codec, container_options=FAST_START)
    cut = tmp_path / f"b{suffix}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    indices, numbers, notes = opened_notes(cut)
    assert indices == numbers
    assert 20 < len(numbers) < 120
    assert indices[:20] == list(range(20))
    assert any("breaks off at" in note for note in notes)


def test_cut_off_before_its_index(tmp_path: Path) -> None:
    """What a telephone leaves when its battery dies."""
    whole = write_numbered(tmp_path / "a.mp4", 60).read_bytes()
    (tmp_path / "b.mp4").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cut off before its index"):
        open_footage(tmp_path / "b.mp4")


@pytest.mark.parametrize("seed", _SEEDS)
@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_noise_over_some_pictures(tmp_path: Path, seed: int, codec: str) -> None:
    """The container is whole, so the times are: damaged pictures are left out, those before them and those after the
    next key frame but one are kept, and none is taken for another."""
    path = tmp_path / "a.mp4"
    write_numbered(path, 160, codec=codec, options={"g": "20", "bf": "2", "threads": "1", "sc_threshold": "0"})
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        places = sorted((packet.pos or 0, packet.size) for packet in packets)
    first = 41 + 9 * seed
    data = bytearray(path.read_bytes())
    start, end = places[first][0], sum(places[first + 3])
    data[start:end] = np.random.default_rng(seed).bytes(end - start)
    path.write_bytes(bytes(data))
    indices, numbers, notes = opened_notes(path)
    assert indices == numbers
    assert set(range(first - 2)) <= set(indices)
    assert set(range((first + 3) // 20 * 20 + 40, 160)) <= set(indices)
    (note,) = notes
    assert "damaged and left out, after " in note


@pytest.mark.parametrize("seed", _SEEDS)
def test_a_hole_in_the_container(tmp_path: Path, seed: int) -> None:
    """Matroska finds its way again; the pictures that were lost are missed, and nothing is before its time."""
    path = with_hole(write_numbered(tmp_path / "a.mkv", 200), 0.3 + 0.08 * seed, 0.02, seed)
    indices, numbers, notes = opened_notes(path)
    assert len(indices) > 100
    assert indices[:30] == numbers[:30] == list(range(30))
    assert all(number <= index for index, number in zip(indices, numbers, strict=True))
    assert notes
    assert all(text in note for note in notes for text in (" after ", " s")) or "breaks off" in notes[0]


def test_tags_that_are_no_text(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "a.mp4", 5)
    data = path.read_bytes()
    assert data.count(b"Lavf") == 1
    path.write_bytes(data.replace(b"Lavf", b"\xff\xfe\x80\xf6"))
    assert len(opened_notes(path)[0]) == 5


def test_what_is_no_footage(tmp_path: Path) -> None:
    made = {
        "none.mp4": (None, "no such file"),
        "empty.mp4": (b"", "is empty"),
        "noise.mp4": (np.random.default_rng(0).bytes(5000), "cannot be read as a video or a picture"),
        "text.txt": (b"walk\n" * 500, "cannot be read as a video or a picture"),
        "list.m3u8": (b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1/a.ts\n", "cannot be read"),
        "list.ffconcat": (b"ffconcat version 1.0\nfile /etc/passwd\n", "cannot be read"),
        "photo.heic": (b"\0\0\0\x18ftypheic" + bytes(200), "HEIC pictures cannot be read; save it as JPEG"),
        "photo.dng": (b"II*\0" + bytes(200), "raw files of cameras cannot be read"),
        "key.json": (b'{"people": []}', "cannot be read as a video or a picture"),
    }
    for name, (content, text) in made.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=text) as caught:
            open_footage(tmp_path / name)
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="fps"):
        open_footage(tmp_path / "text.txt", fps=0)


def write_sound(path: Path, codec: str, cover: bool = False) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=48000)
        picture = container.add_stream("mjpeg", rate=25) if cover else None
        if picture is not None:
            picture.width, picture.height, picture.pix_fmt = 96, 64, "yuvj420p"  # pyright: ignore
            picture.disposition = Disposition.attached_pic
            frame = av.VideoFrame.from_ndarray(numbered(0), format="rgb24")
            container.mux([*picture.encode(frame), *picture.encode(None)])  # pyright: ignore
        for start in range(0, 48000, 960):
            sound = av.AudioFrame.from_ndarray(np.zeros((1, 960), dtype=np.float32), format="fltp", layout="mono")
            sound.sample_rate, sound.pts, sound.time_base = 48000, start, Fraction(1, 48000)
            container.mux(stream.encode(sound))  # pyright: ignore
        container.mux(stream.encode(None))  # pyright: ignore
    return path


def test_sound_without_pictures(tmp_path: Path) -> None:
    for name in ("a.m4a", "a.mkv"):
        with pytest.raises(InputError, match="is sound without pictures"):
            open_footage(write_sound(tmp_path / name, "aac"))


def test_the_cover_of_music_is_no_video(tmp_path: Path) -> None:
    try:
        path = write_sound(tmp_path / "cover.mp4", "aac", cover=True)
    except TypeError:
        pytest.skip("this PyAV cannot write covers")
    with pytest.raises(InputError, match="is sound without pictures"):
        open_footage(path)


def test_a_video_of_no_pictures(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"  # pyright: ignore
        container.start_encoding()
    with pytest.raises(InputError, match="it ends before its first picture"):
        open_footage(path)


def test_a_video_whose_pictures_are_all_noise(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "a.mp4", 10, container_options=FAST_START)
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    data[start:] = np.random.default_rng(0).bytes(len(data) - start)
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match="not one picture of the video can be decoded"):
        open_footage(path)


_KINDS = (
    ("mp4", "libx264"),
    ("mkv", "libx264"),
    ("avi", "mpeg4"),
    ("ts", "mpeg2video"),
    ("webm", "libvpx-vp9"),
    ("gif", "gif"),
)


class Whole(dict[str, bytes]):
    """Small good files by their suffix; too long to be printed."""

    def __repr__(self) -> str:
        return f"Whole({', '.join(self)})"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder, files = tmp_path_factory.mktemp("whole"), Whole()
    for suffix, codec in _KINDS:
        pixels = "rgb8" if suffix == "gif" else "yuv420p"
        options = FAST_START if suffix == "mp4" else None
        path = write_numbered(folder / f"a.{suffix}", 12, codec=codec, pixels=pixels, container_options=options)
        files[suffix] = path.read_bytes()
    return files


@given(
    suffix=st.sampled_from([suffix for suffix, _ in _KINDS]),
    changes=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=12)), max_size=6),
    keep=st.floats(0.05, 1),
)
@settings(max_examples=150)
def test_any_bytes_give_footage_or_a_clear_error(
    whole: Whole, tmp_path_factory: pytest.TempPathFactory, suffix: str, changes: list[tuple[float, bytes]], keep: float
) -> None:
    data = bytearray(whole[suffix][: max(int(len(whole[suffix]) * keep), 1)])
    for place, patch in changes:
        start = int(place * (len(data) - 1))
        data[start : start + len(patch)] = patch
    path = tmp_path_factory.mktemp("fuzz") / f"a.{suffix}"
    path.write_bytes(bytes(data))
    run_through(path)


@given(data=st.binary(max_size=300), suffix=st.sampled_from(["mp4", "gif", "png", "jpg", "tif", "webp", "bmp", "avi"]))
@settings(max_examples=100)
def test_noise_gives_a_clear_error(tmp_path_factory: pytest.TempPathFactory, data: bytes, suffix: str) -> None:
    path = tmp_path_factory.mktemp("fuzz") / f"a.{suffix}"
    path.write_bytes(data)
    run_through(path)


def run_through(path: Path) -> None:
    """Any other exception than a clear error is a failure."""
    try:
        footage = open_footage(path)
    except MaquetteError as error:
        complaint = str(error)
        assert path.name in complaint
        return
    last = -1.0
    for number, frame in enumerate(footage):
        assert frame.picture.shape == (footage.size[1], footage.size[0], 3)
        assert frame.time_s > last
        last = frame.time_s
        assert number < 2000
    assert all(isinstance(note, str) for note in footage.notes())

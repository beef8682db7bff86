"""Photos of any kind, animations and folders of pictures."""

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from numbered_footage import numbered, seen
from PIL import Image

from maquette.detect.footage import open_footage
from maquette.detect.footage_shots import MAX_PIXELS
from maquette.errors import InputError
from maquette.render.footage import pictures_at

QUARTERS = np.zeros((40, 60, 3), dtype=np.uint8)
QUARTERS[:20, :30], QUARTERS[:20, 30:], QUARTERS[20:, :30], QUARTERS[20:, 30:] = (
    (250, 0, 0),
    (0, 250, 0),
    (0, 0, 250),
    (250, 250, 250),
)


def photo(path: Path) -> np.ndarray:
    footage = open_footage(path)
    assert (footage.is_still, footage.n_frames, footage.is_variable) == (True, 1, False)
    (frame,) = list(footage)
    (again,) = list(footage)
    assert frame.picture is again.picture or np.array_equal(frame.picture, again.picture)
    assert (frame.index, frame.time_s) == (0, 0.0)
    assert frame.picture.shape == (footage.size[1], footage.size[0], 3)
    assert frame.picture.flags.writeable
    return frame.picture.astype(int)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp", "tif", "ppm", "gif"])
def test_kinds_of_photos(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    fine = {"jpg": {"quality": 98, "subsampling": 0}, "webp": {"lossless": True}}
    Image.fromarray(QUARTERS).save(path, **fine.get(suffix, {}))
    inner = np.ones((40, 60), dtype=bool)
    inner[17:23], inner[:, 27:33] = False, False
    assert np.abs(photo(path) - QUARTERS)[inner].max() <= (4 if suffix == "jpg" else 0)
    assert open_footage(path).notes() == []


def test_the_name_does_not_matter(tmp_path: Path) -> None:
    Image.fromarray(QUARTERS).save(tmp_path / "a.png")
    (tmp_path / "a.mp4").write_bytes((tmp_path / "a.png").read_bytes())
    assert np.array_equal(photo(tmp_path / "a.mp4"), QUARTERS)


def test_modes(tmp_path: Path) -> None:
    """Grey, one bit, palettes, 16 bits, floats, four inks, and transparent parts over white."""
    grey = np.tile(np.arange(60, dtype=np.uint8) * 4, (40, 1))
    Image.fromarray(grey).save(tmp_path / "l.png")
    assert np.array_equal(photo(tmp_path / "l.png"), np.repeat(grey[..., None], 3, 2))
    for name in ("deep.png", "deep.tif"):
        Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / name)
        assert np.array_equal(photo(tmp_path / name), np.repeat(grey[..., None], 3, 2))
    Image.fromarray(grey.astype(np.float32) / 255).save(tmp_path / "f.tif")
    assert np.array_equal(photo(tmp_path / "f.tif"), np.repeat(grey[..., None], 3, 2))
    Image.fromarray(grey > 100).save(tmp_path / "bit.png")
    assert set(np.unique(photo(tmp_path / "bit.png"))) == {0, 255}
    Image.fromarray(QUARTERS).quantize(8).save(tmp_path / "p.png")
    assert np.array_equal(photo(tmp_path / "p.png"), QUARTERS)
    Image.fromarray(QUARTERS).convert("CMYK").save(tmp_path / "cmyk.tif")
    assert np.array_equal(photo(tmp_path / "cmyk.tif"), QUARTERS)
    Image.fromarray(QUARTERS).convert("CMYK").save(tmp_path / "cmyk.jpg", quality=98, subsampling=0)
    assert np.abs(photo(tmp_path / "cmyk.jpg") - QUARTERS)[:15, :25].max() <= 6


def test_transparent_parts_lie_over_white(tmp_path: Path) -> None:
    alpha = np.zeros((40, 60), dtype=np.uint8)
    alpha[:, :20], alpha[:, 20:40] = 255, 128
    rgba = np.dstack([QUARTERS, alpha])
    Image.fromarray(rgba).save(tmp_path / "a.png")
    shown = photo(tmp_path / "a.png")
    assert np.array_equal(shown[:, :20], QUARTERS[:, :20])
    assert (shown[:, 40:] == 255).all()
    expected = QUARTERS[:, 20:40] * (128 / 255) + 255 * (127 / 255)
    assert np.abs(shown[:, 20:40] - expected).max() <= 1
    palette = Image.fromarray(QUARTERS).quantize(8)
    index = palette.getpixel((0, 0))
    palette.save(tmp_path / "p.png", transparency=index)
    assert (photo(tmp_path / "p.png")[:20, :30] == 255).all()
    Image.fromarray(np.dstack([QUARTERS[..., 0], alpha])).save(tmp_path / "la.png")
    assert (photo(tmp_path / "la.png")[:, 40:] == 255).all()


@pytest.mark.parametrize(
    ("orientation", "shown"),
    list(enumerate(["rgbw", "grwb", "wbgr", "bwrg", "rbgw", "brwg", "wgbr", "gwrb"], start=1)),
)
def test_cameras_held_in_any_way(tmp_path: Path, orientation: int, shown: str) -> None:
    """The eight orientations of EXIF 2.3 (where row 0 and column 0 of the stored picture are seen)."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(QUARTERS).save(tmp_path / "a.jpg", exif=exif, quality=98, subsampling=0)
    picture = photo(tmp_path / "a.jpg")
    assert picture.shape == ((40, 60, 3) if orientation < 5 else (60, 40, 3))
    corners = (picture[5, 5], picture[5, -5], picture[-5, 5], picture[-5, -5])
    names = {(1, 0, 0): "r", (0, 1, 0): "g", (0, 0, 1): "b", (1, 1, 1): "w"}
    assert "".join(names[(int(r > 120), int(g > 120), int(b > 120))] for r, g, b in corners) == shown


def test_a_large_photo(tmp_path: Path) -> None:
    """20 megapixels, and 90, where Pillow begins to warn: nobody is warned."""
    Image.new("RGB", (5472, 3648), (10, 200, 30)).save(tmp_path / "a.jpg")
    assert open_footage(tmp_path / "a.jpg").size == (5472, 3648)
    Image.new("1", (9600, 9400)).save(tmp_path / "b.png", compress_level=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert open_footage(tmp_path / "b.png").size == (9600, 9400)


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [12000, 14000, 60000])
def test_bombs(tmp_path: Path, side: int) -> None:
    """One sentence, before any of it is decoded."""
    assert side * side > MAX_PIXELS
    (tmp_path / "a.png").write_bytes(png_header(side, side))
    with pytest.raises(InputError, match=r"too many; pictures of up to 134 megapixels can be read") as caught:
        open_footage(tmp_path / "a.png")
    assert "\n" not in str(caught.value)


def test_cut_off_photos(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    for suffix in ("jpg", "png", "bmp", "tif", "webp"):
        path = tmp_path / f"a.{suffix}"
        Image.fromarray(noise).save(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(InputError, match=r"damaged|cannot be read") as caught:
            open_footage(path)
        assert path.name in str(caught.value)


def test_pages_of_a_tiff(tmp_path: Path) -> None:
    first, second = Image.fromarray(QUARTERS), Image.new("RGB", (60, 40))
    first.save(tmp_path / "a.tif", save_all=True, append_images=[second])
    assert np.array_equal(photo(tmp_path / "a.tif"), QUARTERS)
    assert open_footage(tmp_path / "a.tif").notes() == ["it has 2 pages; the first is taken"]


def animation(path: Path, count: int, duration: int | list[int]) -> Path:
    pictures = [Image.fromarray(numbered(number)) for number in range(count)]
    pictures[0].save(
        path, save_all=True, append_images=pictures[1:], duration=duration, loop=0, lossless=path.suffix == ".webp"
    )
    return path


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_animations(tmp_path: Path, suffix: str) -> None:
    footage = open_footage(animation(tmp_path / f"a{suffix}", 20, 40))
    assert (footage.fps, footage.is_variable, footage.n_frames, footage.is_still) == (25, False, 20, False)
    assert seen(footage) == (list(range(20)), [k / 25 for k in range(20)], list(range(20)))
    assert footage.notes() == []
    assert seen(footage, 6)[2] == [0, 6, 12, 18]
    shown_ms = [40, 100, 30, 70, 500]
    footage = open_footage(animation(tmp_path / f"b{suffix}", 5, shown_ms))
    assert footage.is_variable
    indices, times_s, numbers = seen(footage)
    assert numbers == indices == list(range(5))
    np.testing.assert_allclose(times_s, [0, 0.04, 0.14, 0.17, 0.24], atol=1e-9)
    assert footage.notes() == ["its pictures are shown for 30 to 500 ms"]
    footage = open_footage(tmp_path / f"b{suffix}", fps=10)
    assert (footage.fps, footage.is_variable) == (10, False)
    assert seen(footage)[1] == [k / 10 for k in range(5)]


def test_an_animation_without_durations(tmp_path: Path) -> None:
    footage = open_footage(animation(tmp_path / "a.gif", 5, 0))
    np.testing.assert_allclose(seen(footage)[1], [0, 0.1, 0.2, 0.3, 0.4])
    assert "as browsers do" in footage.notes()[0]


def test_an_animation_cut_off(tmp_path: Path) -> None:
    path = animation(tmp_path / "a.gif", 30, 40)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    footage = open_footage(path)
    indices, _, numbers = seen(footage)
    assert numbers == indices
    assert 5 < len(numbers) < 25
    assert footage.n_frames == len(numbers)


def folder_of(path: Path, names: list[str], size: tuple[int, int] = (96, 64)) -> Path:
    path.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        Image.fromarray(numbered(number, *size)).save(path / name)
    return path


def test_a_folder_in_natural_order(tmp_path: Path) -> None:
    names = [f"walk_{number}.png" for number in range(1, 13)]
    footage = open_footage(folder_of(tmp_path / "clip", names))
    assert (footage.fps, footage.n_frames, footage.size, footage.is_still) == (30, 12, (96, 64), False)
    assert seen(footage) == (list(range(12)), [k / 30 for k in range(12)], list(range(12)))
    assert footage.notes() == ["30 pictures per second assumed"]
    footage = open_footage(tmp_path / "clip", fps=29.97)
    assert footage.fps.denominator == 1001
    assert seen(footage, 5) == ([0, 5, 10], [float(k / footage.fps) for k in (0, 5, 10)], [0, 5, 10])
    assert footage.notes() == []


def test_a_folder_with_other_things_in_it(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "clip", ["a_08.PNG", "a_09.png", "a_10.jpg", "a_17.png"])
    (folder / "notes.txt").write_text("x")
    (folder / "Thumbs.db").write_text("x")
    (folder / ".DS_Store").write_text("x")
    (folder / "inner").mkdir()
    footage = open_footage(folder, fps=25)
    assert seen(footage)[2] == [0, 1, 2, 3]
    assert footage.notes() == [
        "Thumbs.db, notes.txt: no pictures, left aside",
        "the numbers of the pictures jump (a_10.jpg, a_17.png); they are taken as evenly spaced",
    ]


def test_a_bad_picture_leaves_its_frame_empty(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "clip", [f"{number}.png" for number in range(6)])
    (folder / "2.png").write_bytes((folder / "2.png").read_bytes()[:150])
    (folder / "4.png").write_bytes(b"nonsense")
    footage = open_footage(folder, fps=25)
    assert footage.n_frames == 6
    assert seen(footage) == ([0, 1, 3, 5], [0, 0.04, 0.12, 0.2], [0, 1, 3, 5])
    (note,) = footage.notes()
    assert note.startswith("2.png, 4.png: cannot be read (")
    assert note.endswith("; no frame there")
    shown = [np.asarray(picture) for picture in pictures_at(folder, np.arange(6) / 30, (96, 64))]
    assert len(shown) == 6
    assert np.array_equal(shown[2], shown[1])


def test_folders_that_are_no_clip(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "clip", ["1.png", "2.png", "3.png"])
    Image.new("RGB", (50, 40)).save(folder / "2.png")
    with pytest.raises(InputError, match=r"different sizes: 2\.png has 50x40, 2 others have 96x64"):
        open_footage(folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no pictures in this folder \(no files\)"):
        open_footage(tmp_path / "empty")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.json").write_text("{}")
    with pytest.raises(InputError, match=r"no pictures in this folder \(1 files, the first a\.json\)"):
        open_footage(tmp_path / "texts")
    (tmp_path / "texts" / "a.png").write_text("{}")
    with pytest.raises(InputError, match="not one of its 1 pictures can be read"):
        open_footage(tmp_path / "texts")


def test_turned_pictures_of_a_folder(tmp_path: Path) -> None:
    """The size is that of the picture as seen."""
    exif = Image.Exif()
    exif[0x0112] = 6
    for number in range(3):
        Image.fromarray(numbered(number)).save(tmp_path / f"{number}.jpg", exif=exif, quality=98)
    footage = open_footage(tmp_path, fps=25)
    assert footage.size == (64, 96)
    assert [frame.picture.shape for frame in footage] == [(96, 64, 3)] * 3


def test_a_photo_under_a_drawing(tmp_path: Path, caplog) -> None:
    """It stays, and nobody is warned that it ends."""
    Image.fromarray(QUARTERS).save(tmp_path / "a.png")
    shown = list(pictures_at(tmp_path / "a.png", np.array([0.0, 1.0, 5.0]), (30, 20)))
    assert np.array_equal(np.asarray(shown[2]), QUARTERS[::2, ::2])
    assert not caplog.text

"""Squares of pictures: OpenCV's formula computed by SciPy, boxes, names, damage, any bytes."""

import io
import pickle
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import map_coordinates

from maquette.datasets.pose_machine_pictures import RowPictures, read_square
from maquette.datasets.pose_machine_rows import PictureNames, PoseMachineRows
from maquette.datasets.sequences import Label
from maquette.errors import InputError


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 255, (100, 140, 3), dtype=np.uint8)


def _resized(pixels: np.ndarray, left: float, top: float, across: float, down: float, side: int) -> np.ndarray:
    """Bilinear, the borders repeated, centres of pixels at halves: what ``cv2.resize`` does by default."""
    x = (np.arange(side) + 0.5) * across / side - 0.5 + left
    y = (np.arange(side) + 0.5) * down / side - 0.5 + top
    at = np.meshgrid(y, x, indexing="ij")
    return np.stack(
        [map_coordinates(pixels[..., c].astype(float), at, order=1, mode="nearest") for c in range(3)], axis=-1
    )


@pytest.mark.parametrize("side", [64, 368])
def test_a_picture_is_stretched_as_opencv_does(tmp_path: Path, pixels: np.ndarray, side: int) -> None:
    Image.fromarray(pixels).save(tmp_path / "a.png")
    found = read_square(tmp_path / "a.png", side_px=side)
    assert found.dtype == np.uint8
    assert np.abs(found - _resized(pixels, 0, 0, 140, 100, side)).max() < 0.501


def test_a_box_is_taken_to_a_part_of_a_pixel(tmp_path: Path, pixels: np.ndarray) -> None:
    Image.fromarray(pixels).save(tmp_path / "a.png")
    found = read_square(tmp_path / "a.png", np.array([10.3, 5.7, 60.2]), side_px=64)
    assert np.abs(found - _resized(pixels, 10.3, 5.7, 60.2, 60.2, 64)).max() < 0.501


def test_beyond_the_picture_is_grey(tmp_path: Path, pixels: np.ndarray) -> None:
    Image.fromarray(pixels).save(tmp_path / "a.png")
    found = read_square(tmp_path / "a.png", np.array([-30.0, -30.0, 60.0]), side_px=60)
    np.testing.assert_array_equal(found[30:, 30:], pixels[:30, :30])
    assert (found[:30] == 128).all()
    assert (found[:, :30] == 128).all()
    assert (read_square(tmp_path / "a.png", np.array([500.0, 500.0, 10.0])) == 128).all()


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "LA"])
def test_every_kind_of_picture_becomes_rgb(tmp_path: Path, pixels: np.ndarray, mode: str) -> None:
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    Image.fromarray(pixels).convert(mode).save(path)
    assert read_square(path).shape == (368, 368, 3)


def _rows(names: list[str] | None, boxes: np.ndarray | None = None) -> PoseMachineRows:
    count = 2
    return PoseMachineRows(
        "a list",
        np.full((count, 16, 2), 0.5, dtype=np.float32),
        np.ones((count, 16), dtype=bool),
        np.full((count, 16, 3), np.nan, dtype=np.float32),
        np.zeros(count, dtype=bool),
        np.zeros(count, dtype=np.int32),
        (Label("", "", ""),),
        pictures=None if names is None else PictureNames.of(names),
        boxes=boxes,
    )


def test_rows_find_their_pictures(tmp_path: Path, pixels: np.ndarray) -> None:
    (tmp_path / "S9").mkdir()
    Image.fromarray(pixels).save(tmp_path / "S9/a 1.png")
    names = ["/home/somebody/h36m/S9/a 1.png", "/home/somebody/h36m/S9/b.png"]
    squares = RowPictures(_rows(names), tmp_path, left_out="/home/somebody/h36m")
    again = pickle.loads(pickle.dumps(squares))
    np.testing.assert_array_equal(again[0], read_square(tmp_path / "S9/a 1.png"))
    assert squares.missing() == [tmp_path / "S9/b.png"]
    boxes = np.array([[5.0, 6.0, 20.0], [0.0, 0.0, 5.0]])
    boxed = RowPictures(_rows(["S9/a 1.png"] * 2, boxes), tmp_path)
    np.testing.assert_array_equal(boxed[0], read_square(tmp_path / "S9/a 1.png", boxes[0]))
    with pytest.raises(InputError, match="a list: names no pictures"):
        RowPictures(_rows(None), tmp_path)[0]


def test_pictures_that_cannot_be_read(tmp_path: Path, pixels: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"nowhere.jpg: no such picture"):
        read_square(tmp_path / "nowhere.jpg")
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(InputError, match=r"text.jpg: cannot be read as a picture: of no known format"):
        read_square(tmp_path / "text.jpg")
    Image.fromarray(pixels).save(tmp_path / "a.jpg")
    (tmp_path / "half.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:2000])
    with pytest.raises(InputError, match=r"half.jpg: cannot be read as a picture"):
        read_square(tmp_path / "half.jpg")
    with pytest.raises(InputError, match="cannot be read"):
        read_square(tmp_path)
    Image.new("1", (9000, 9000)).save(tmp_path / "huge.png")
    with pytest.raises(InputError, match="9000 by 9000 pixels, expected at most 64 million"):
        read_square(tmp_path / "huge.png")
    for box in ([0.0, 0.0, 0.0], [np.nan, 0.0, 5.0]):
        with pytest.raises(InputError, match=r"the box .* is none"):
            read_square(tmp_path / "a.jpg", np.array(box))


def _encoded(form: str) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.arange(300, dtype=np.uint8).reshape(10, 10, 3)).save(out, format=form)
    return out.getvalue()


@pytest.mark.filterwarnings("ignore")  # Pillow warns of odd tags in what it can read
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "BMP"]).map(_encoded), st.binary(max_size=4), st.integers(0, 400))
def test_any_damage_gives_a_picture_or_an_error(tmp_path: Path, data: bytes, put: bytes, at: int) -> None:
    at %= len(data)
    (tmp_path / "any").write_bytes(data[:at] + put + data[at + len(put) :])
    with suppress(InputError):
        read_square(tmp_path / "any", side_px=16)

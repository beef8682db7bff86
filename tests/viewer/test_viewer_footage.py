"""The picture of a time, asked for in any order, from videos whose pictures carry their number."""

import importlib.util
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from maquette.errors import InputError
from maquette.keypoints import Keypoints
from maquette.skeletons import COCO_17
from maquette.viewer.entries import Input2D
from maquette.viewer.footage_reader import FootageReader
from maquette.viewer.input_pictures import InputPictures
from maquette.viewer.picture_worker import PictureWorker

_SPEC = importlib.util.spec_from_file_location(
    "viewer_numbered_footage", Path(__file__).parents[1] / "detect" / "numbered_footage.py"
)
assert _SPEC is not None
assert _SPEC.loader is not None
numbered_footage = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(numbered_footage)
SIZE = (numbered_footage.WIDTH, numbered_footage.HEIGHT)


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Path:
    """Twelve seconds at 25 pictures per second, with a key picture every 100."""
    path = tmp_path_factory.mktemp("video") / "numbers.mp4"
    return numbered_footage.write_numbered(path, 300, options={"g": "100"})


def test_any_order(video: Path) -> None:
    reader = FootageReader(video)
    rng = np.random.default_rng(0)
    order = [0, 1, 2, 0, 299, 298, 10, 9, 170, 171, 171, *rng.integers(0, 300, 15).tolist()]
    shown = [numbered_footage.number_of(np.asarray(reader.picture(n / 25, SIZE))) for n in order]
    assert shown == order
    for beyond, number in ((-5.0, 0), (99.0, 299), (0.04 * 77 + 0.03, 77)):
        assert numbered_footage.number_of(np.asarray(reader.picture(beyond, SIZE))) == number
    reader.close()


def test_keypoints_and_video_are_in_step(video: Path) -> None:
    """Keypoints that begin two seconds into the video, and a motion that begins one second into the keypoints."""
    given = Input2D(
        Keypoints(np.full((250, 17, 2), np.nan), np.zeros((250, 17)), COCO_17, Fraction(25), SIZE), video, 2.0
    )
    pictures = InputPictures(given, start_s=1.0)
    for position_s, number in ((0.0, 75), (3.0, 150), (0.4, 85)):
        assert numbered_footage.number_of(pictures.picture(position_s)) == number
    pictures.close()


def test_of_many_pictures_asked_for_the_last_is_shown(video: Path) -> None:
    shown: list[int] = []

    def show(picture: np.ndarray) -> None:
        time.sleep(0.02)
        shown.append(numbered_footage.number_of(picture))

    pictures = InputPictures(Input2D(video=video))
    worker = PictureWorker(pictures, show)
    for number in range(100):
        worker.ask(number / 25)
        time.sleep(0.001)
    worker.settle()
    worker.stop()
    worker.stop()
    pictures.close()
    assert shown[-1] == 99
    assert len(shown) < 60
    assert shown == sorted(shown)


def test_a_video_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_text("hello")
    with pytest.raises(InputError, match=r"x\.mp4"):
        FootageReader(tmp_path / "x.mp4")

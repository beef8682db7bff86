"""MediaPipe itself, where it is installed with its models (0.10.21): against its stored results on the Sports2D clip.

The stored ones were made by ``mp.solutions.pose`` from pictures decoded by OpenCV, which takes the clip's BT.709
colours for BT.601; only from such pictures can they be had again to the last digit.
"""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from maquette.detect.detector import Detector
from maquette.detect.mediapipe import mediapipe_detector, mediapipe_legacy_detector
from maquette.detect.mediapipe_landmarker import Landmarker
from maquette.detect.mediapipe_package import bundle_inside, models_inside
from maquette.detect.mediapipe_people import MediaPipeDetector
from maquette.errors import InputError, ModelError

pytestmark = [
    pytest.mark.skipif(not models_inside(), reason="no mediapipe with models of poses (0.10.21)"),
]
SIZE = (1768, 994)


@pytest.fixture
def clip(shared_dir) -> Path:
    folder = shared_dir / "data" / "real" / "sports2d_demo"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    return folder


@cache
def pictures(clip: Path, begin: int, end: int, colours: str = "ITU709") -> list[np.ndarray]:
    import av

    with av.open(str(clip / "demo.mp4")) as container:
        frames = enumerate(container.decode(video=0))
        chosen = [frame for index, frame in frames if begin <= index < end]
    return [frame.to_ndarray(format="rgb24", src_colorspace=colours) for frame in chosen]


def full_frame(clip: Path) -> np.ndarray:
    """(230, 33, 3): x, y in pixels, visibility; NaN where nobody was seen."""
    marks = np.full((230, 33, 3), np.nan)
    for line in map(json.loads, (clip / "fullframe_mediapipe33.jsonl").read_text().splitlines()):
        if line["landmarks"]:
            marks[line["frame"]] = np.array(line["landmarks"])[:, [0, 1, 3]] * [*SIZE, 1]
    return marks


def walker(clip: Path) -> np.ndarray:
    """(230, 33, 2): the woman, by MediaPipe in a window that was moved along by hand."""
    return np.load(clip / "walker_reference.npz")["mediapipe33"][..., :2]


def seen_by(detector: Detector, shown: list[np.ndarray], begin: int, fps: float = 30.0):
    found = [detector(picture, (begin + k) / fps) for k, picture in enumerate(shown)]
    detector.close()
    return found


def apart(seen, truth: np.ndarray) -> float:
    """Median distance of the joints of the nearest person, in pixels."""
    each = np.median(np.linalg.norm(seen.points - truth[..., :2], axis=-1), axis=1)
    return float(each.min()) if len(each) else np.inf


def test_the_older_interface_gives_the_stored_results(clip):
    found = seen_by(mediapipe_legacy_detector(), pictures(clip, 0, 60, "ITU601"), 0)
    stored = full_frame(clip)
    for k, seen in enumerate(found):
        assert len(seen.points) == int(np.isfinite(stored[k, 0, 0])), f"frame {k}"
        if len(seen.points):
            np.testing.assert_allclose(seen.points[0], stored[k, :, :2], atol=0.001)  # the file's rounding
            np.testing.assert_allclose(seen.confidence[0], stored[k, :, 2], atol=1e-6)


def test_both_people_are_found_and_followed(clip):
    begin = 75
    found = seen_by(mediapipe_detector(people=2), pictures(clip, begin, begin + 30), begin)
    woman, man = walker(clip), full_frame(clip)
    to_woman = np.array([apart(seen, woman[begin + k]) for k, seen in enumerate(found)])
    to_man = np.array([apart(seen, man[begin + k]) for k, seen in enumerate(found)])
    assert [len(seen.points) for seen in found] == [2] * 30
    # They are 376 and 352 pixels tall; two runs of MediaPipe on other windows differ by about a hundredth of that.
    assert np.median(to_woman) < 4
    assert to_woman.max() < 10
    assert np.median(to_man) < 6
    assert to_man.max() < 20


def test_places_that_are_free_are_not_filled_with_phantoms(clip):
    found = seen_by(mediapipe_detector(people=5), pictures(clip, 75, 80), 75)
    assert [len(seen.points) for seen in found] == [2] * 5


def test_a_single_picture(clip):
    picture = pictures(clip, 75, 105)[15]
    found = mediapipe_detector(people=3, still=True)(picture, 0.0)
    assert len(found.points) == 2
    assert apart(found, walker(clip)[90]) < 8
    assert apart(found, full_frame(clip)[90]) < 8
    one = mediapipe_detector(still=True)(picture, 0.0)
    assert one.points.shape == (1, 33, 2)
    assert one.confidence.min() >= 0
    assert one.confidence.max() <= 1


def test_a_file_gives_what_the_package_gives(clip, tmp_path):
    path = tmp_path / "pose.task"
    path.write_bytes(bundle_inside())
    shown = pictures(clip, 75, 105)[:2]
    inside, given = (seen_by(mediapipe_detector(pose_model=file), shown, 0) for file in (None, path))
    for one, other in zip(inside, given, strict=True):
        np.testing.assert_array_equal(one.points, other.points)
    detector = mediapipe_detector(pose_model=path)
    assert detector.name.startswith("mediapipe 0.10.")
    assert detector.name.endswith(" (pose.task)")


def test_enlarged_with_the_noise_of_a_sensor(clip):
    """20 megapixels; without means over pixels first, noise hides people."""
    from PIL import Image

    picture = pictures(clip, 75, 105)[15]
    large = np.asarray(
        Image.fromarray(picture).resize((SIZE[0] * 3 + 400, SIZE[1] * 3 + 225), Image.Resampling.BICUBIC)
    )
    noise = np.random.default_rng(0).integers(-40, 41, large.shape, dtype=np.int16)
    large = np.clip(large.astype(np.int16) + noise, 0, 255).astype(np.uint8)
    found = mediapipe_detector(people=2, still=True)(large, 0.0)
    scale = large.shape[1] / SIZE[0]
    assert apart(found, scale * walker(clip)[90]) < 12 * scale


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (1, 500), (500, 1), (161, 119), (640, 480)])
@pytest.mark.parametrize("still", [True, False])
def test_nobody_in_pictures_of_any_size(size, still):
    rng = np.random.default_rng(0)
    for detector in (mediapipe_detector(people=2, still=still), mediapipe_legacy_detector(still=still)):
        with_noise = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        with_noise.setflags(write=False)
        for k, picture in enumerate((np.zeros_like(with_noise), with_noise, with_noise[::-1, ::-1])):
            assert detector(picture, k / 30).points.shape == (0, 33, 2)
        detector.close()
        detector.close()


def test_two_thousand_pictures_a_second_and_another_clip_after_it(clip):
    shown = pictures(clip, 75, 105)[:4]
    detector = mediapipe_detector()
    for _ in range(2):
        for k, picture in enumerate(shown):
            assert len(detector(picture, k / 2000).points) == 1
        detector.reset()
    detector.close()


def test_nothing_on_standard_error(clip, capfd):
    for detector in (mediapipe_detector(people=2), mediapipe_legacy_detector()):
        seen_by(detector, pictures(clip, 75, 105)[:3], 75)
    assert capfd.readouterr().err == ""


def test_models_that_mediapipe_refuses():
    broken = bundle_inside()
    at = broken.index(b"TFL3") - 4
    broken = broken[:at] + bytes(4096) + broken[at + 4096 :]
    with pytest.raises(ModelError, match=r"mine\.task: MediaPipe cannot load it \(.+\); expected a pose landmarker"):
        MediaPipeDetector(broken, "mine.task")
    with pytest.raises(ModelError, match="cannot load it"):
        Landmarker(b"", "empty.task")


def test_models_that_would_be_downloaded():
    from maquette.detect.mediapipe_legacy import MediaPipeLegacyDetector

    for complexity in (0, 2, 7):
        with pytest.raises(InputError, match=rf"complexity {complexity}: .* nothing is downloaded; take 1, or a file"):
            MediaPipeLegacyDetector(complexity=complexity)

"""Which detector is taken, and what is said when none can be."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_people import SpotDetector

from maquette.detect import choice, mediapipe, mediapipe_package
from maquette.detect.choice import DETECTORS, DetectorWish, open_detector
from maquette.errors import InputError, MissingExtraError


@pytest.fixture
def only(monkeypatch) -> Any:
    """``only("rtmlib")``: no other works as it is; building gives the wish."""

    def install(*names: str) -> dict[str, DetectorWish]:
        built: dict[str, DetectorWish] = {}
        for name, known in DETECTORS.items():

            def build(wish: DetectorWish, name: str = name) -> SpotDetector:
                built[name] = wish
                return SpotDetector()

            works = choice._Choice(lambda name=name: name in names, build, known.takes)
            monkeypatch.setitem(choice.DETECTORS, name, works)
        return built

    return install


def test_auto_is_the_first_that_works(only) -> None:
    built = only("mediapipe", "rtmlib")
    open_detector(DetectorWish(people=2))
    assert list(built) == ["mediapipe"]
    built = only("rtmlib")
    open_detector(DetectorWish())
    assert list(built) == ["rtmlib"]


def test_none_installed_says_what_to_type(only, monkeypatch) -> None:
    monkeypatch.setattr(mediapipe_package, "is_installed", lambda: False)
    only()
    with pytest.raises(MissingExtraError, match=r"pip install 'maquette\[detect\]'.*maquette\[detect-rtm\]"):
        open_detector(DetectorWish())
    monkeypatch.setattr(mediapipe_package, "is_installed", lambda: True)
    monkeypatch.setattr(mediapipe_package, "models_inside", lambda: False)
    with pytest.raises(MissingExtraError, match=r"comes without models of poses: give one with --pose-model FILE.task"):
        open_detector(DetectorWish())


def test_mediapipe_looks_for_several_where_nothing_is_said(monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(
        mediapipe, "mediapipe_detector", lambda **given: asked.append(given["people"]) or SpotDetector()
    )
    for wish in (DetectorWish(), DetectorWish(several=False), DetectorWish(people=3, several=False)):
        open_detector(replace(wish, name="mediapipe"))
    assert asked == [choice.MOST_PEOPLE, 1, 3]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (DetectorWish("openpose"), r"--detector openpose: expected one of auto, mediapipe"),
        (DetectorWish(pose_model=Path("a.onnx")), r"--pose-model: say for which detector: .*mediapipe\|rtmpose"),
        (DetectorWish(mode="balanced"), r"--mode: say for which detector: --detector rtmlib"),
        (DetectorWish("mediapipe", mode="balanced"), r"--mode cannot be used with --detector mediapipe"),
        (DetectorWish("mediapipe", det_model=Path("a")), r"--det-model cannot be used with --detector mediapipe"),
        (DetectorWish(colour_order="bgr"), r"--colour-order: say for which detector: --detector rtmlib\|rtmpose"),
        (DetectorWish("mediapipe", colour_order="bgr"), r"--colour-order cannot be used with --detector mediapipe"),
        (DetectorWish("rtmlib", det_model=Path("a"), pose_model=Path("b")), r"--det-model, --pose-model cannot"),
    ],
)
def test_options_that_do_not_fit(only, wish: DetectorWish, words: str) -> None:
    only("mediapipe", "rtmlib")
    with pytest.raises(InputError, match=words):
        open_detector(wish)


def test_files_that_are_needed() -> None:
    with pytest.raises(InputError, match="--pose-model FILE"):
        open_detector(DetectorWish("hourglass"))
    with pytest.raises(InputError, match="--pose-model FILE"):
        open_detector(DetectorWish("rtmpose"))
    with pytest.raises(InputError, match="--det-model"):
        open_detector(DetectorWish("hourglass", pose_model=Path("a.onnx"), people=2))

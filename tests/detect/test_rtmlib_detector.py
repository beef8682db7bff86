"""The detector of the package rtmlib: absent, without a network, and with networks that it need not download."""

import importlib
import importlib.util
import os
from pathlib import Path
from urllib.error import URLError

import made_rtm as made
import numpy as np
import pytest

from maquette.detect.detector import Detector
from maquette.detect.rtmpose import RtmposeDetector
from maquette.detect.rtmpose_rtmlib import is_rtmlib_installed, rtmlib_detector
from maquette.errors import MissingExtraError, ModelError
from maquette.skeletons import HALPE_26

SIDE = 160
PEOPLE = [made.joints_of((40.0, 30.0, 150.0, 220.0), 26, 1), made.joints_of((190.0, 70.0, 280.0, 220.0), 26, 2)]

needs_rtmlib = pytest.mark.skipif(not is_rtmlib_installed(), reason="rtmlib is not installed")


def test_without_the_package_there_is_its_pip_command(monkeypatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(
        MissingExtraError, match=r"'rtmlib', which is not installed: pip install 'maquette\[detect-rtm\]'"
    ):
        rtmlib_detector()


@needs_rtmlib
def test_without_a_network_there_is_one_sentence(monkeypatch, tmp_path) -> None:
    files = importlib.import_module("rtmlib.tools.file")

    def offline(*_args, **_kwargs) -> None:
        raise URLError("Name or service not known")

    monkeypatch.setattr(files, "urlopen", offline)
    monkeypatch.setenv("TORCH_HOME", os.fspath(tmp_path))
    with pytest.raises(ModelError, match=r"cannot be loaded \(.*not known.*\); the first use downloads them") as caught:
        rtmlib_detector(mode="lightweight")
    assert len(str(caught.value).splitlines()) == 1


@pytest.fixture
def small_networks(monkeypatch, tmp_path) -> dict:
    """rtmlib's table, with files that are there."""
    body = importlib.import_module("rtmlib").BodyWithFeet
    files = {
        "det": str(made.boxes_model(tmp_path / "yolox.onnx", 26, SIDE, kind="yolox")),
        "pose": str(made.simcc_model(tmp_path / "pose.onnx", 26)),
        "det_input_size": (SIDE, SIDE),
        "pose_input_size": (192, 256),
    }
    monkeypatch.setattr(body, "MODE", {"lightweight": files})
    return files


@needs_rtmlib
def test_people_are_where_ours_sees_them(small_networks, capsys) -> None:
    picture = made.picture_of((320, 240), PEOPLE, 6.0)
    detector = rtmlib_detector(mode="lightweight")
    assert isinstance(detector, Detector)
    assert detector.skeleton is HALPE_26
    assert detector.name.startswith("rtmlib 0.")
    seen = detector(picture, 0.0)
    ours = RtmposeDetector(small_networks["pose"], small_networks["det"])(picture, 0.0)
    # The left person's box comes twice from the file, once as something that is no person; rtmlib reads no classes.
    for person in ours.points:
        assert np.linalg.norm(seen.points - person, axis=-1).mean(1).min() < 0.3
    for person in PEOPLE:
        assert np.linalg.norm(seen.points - person, axis=-1).max(1).min() < 2.0
    assert ((seen.confidence > 0) & (seen.confidence <= 1)).all()
    assert capsys.readouterr().out == ""
    assert len(rtmlib_detector(mode="lightweight", people=1)(picture, 0.0).points) == 1
    detector.close()
    with pytest.raises(ModelError, match="was closed"):
        detector(picture, 0.1)


@needs_rtmlib
@pytest.mark.parametrize("order", ["rgb", "bgr"])
def test_the_network_of_joints_gets_the_colours_of_its_training(small_networks, order) -> None:
    made.simcc_model(Path(small_networks["pose"]), 26, bgr=order == "bgr")
    picture = made.picture_of((320, 240), PEOPLE, 6.0)
    away = {}
    for given in ("rgb", "bgr"):
        seen = rtmlib_detector(mode="lightweight", colour_order=given)(picture, 0.0)
        away[given] = max(np.linalg.norm(seen.points - person, axis=-1).max(1).min() for person in PEOPLE)
    assert away.pop(order) < 2.0
    assert not min(away.values()) < 10


@needs_rtmlib
def test_nobody_is_nobody_and_not_the_whole_picture(small_networks) -> None:
    seen = rtmlib_detector(mode="lightweight")(made.picture_of((320, 240), [], 6.0), 0.0)
    assert seen.points.shape == (0, 26, 2)

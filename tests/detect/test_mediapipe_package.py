"""Which MediaPipe there is, what is said where it lacks something, and files that are no models."""

import importlib.machinery
import importlib.util
import os
import sys
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maquette.detect import mediapipe_package as package
from maquette.detect.mediapipe import is_installed, mediapipe_detector, mediapipe_legacy_detector
from maquette.detect.mediapipe_log import without_chatter
from maquette.errors import MissingExtraError, ModelError


@pytest.fixture
def absent(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


@pytest.fixture
def without_models(monkeypatch, tmp_path):
    """A newer version, which leaves the models out."""
    spec = importlib.machinery.ModuleSpec("mediapipe", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    monkeypatch.setattr(package, "version", lambda: "0.10.35")


def test_absent(absent):
    assert not is_installed()
    assert not package.models_inside()
    for build in (mediapipe_detector, mediapipe_legacy_detector):
        with pytest.raises(MissingExtraError) as caught:
            build()
        assert str(caught.value) == (
            "this needs the package 'mediapipe', which is not installed: pip install 'maquette[detect]'"
        )


def test_version_without_models(without_models):
    assert is_installed()
    for build in (mediapipe_detector, mediapipe_legacy_detector):
        with pytest.raises(MissingExtraError) as caught:
            build()
        assert str(caught.value) == (
            "mediapipe 0.10.35 comes without models of poses: give one with --pose-model FILE.task (MediaPipe's 'pose "
            "landmarker' models), or take the version that holds one: pip install mediapipe==0.10.21"
        )


def test_installed_for_another_numpy(monkeypatch, tmp_path):
    (tmp_path / "mediapipe").mkdir()
    (tmp_path / "mediapipe" / "__init__.py").write_text("raise ImportError('numpy.core.multiarray failed to import')")
    for name in [name for name in sys.modules if name.split(".")[0] == "mediapipe"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(package, "version", lambda: "0.10.21")
    with pytest.raises(MissingExtraError, match=r"cannot be imported \(numpy\.core\.multiarray failed .* numpy < 2"):
        package.import_mediapipe()


def test_model_file_missing(tmp_path):
    with pytest.raises(ModelError, match=r"nowhere\.task: cannot be read \(No such file.*pose_landmarker_lite\.task"):
        package.read_bundle(tmp_path / "nowhere.task")
    with pytest.raises(ModelError, match=r"cannot be read \(Is a directory\)"):
        package.read_bundle(tmp_path)


@pytest.mark.parametrize("content", [b"", b"TFL3 alone", b"PK\x03\x04 cut off"])
def test_no_bundle(tmp_path, content):
    path = tmp_path / "model.task"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.task: no \.task file, which is a zip archive of models"):
        package.read_bundle(path)


def test_bundle_of_something_else(tmp_path):
    path = tmp_path / "hand_landmarker.task"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("hand_detector.tflite", b"")
        archive.writestr("hand_landmarks_detector.tflite", b"")
    with pytest.raises(ModelError) as caught:
        package.read_bundle(path)
    assert str(caught.value) == (
        f"{path}: holds hand_detector.tflite, hand_landmarks_detector.tflite, but no pose_detector.tflite and no "
        "pose_landmarks_detector.tflite; expected a pose landmarker of MediaPipe (pose_landmarker_lite.task, "
        "_full.task or _heavy.task)"
    )


@settings(max_examples=50)
@given(data=st.binary(max_size=200))
def test_any_bytes(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any.task"
    path.write_bytes(b"PK\x05\x06" + data)
    with pytest.raises(ModelError):
        package.read_bundle(path)


def test_only_chatter_is_kept_back(capfd):
    with without_chatter():
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n")
        os.write(2, b"W0000 00:00:1795288257.58 25000 inference_feedback_manager.cc:114] Feedback manager requires\n")
        os.write(2, b"E0000 00:00:1795288257.58 25000 graph.cc:1] cannot run\nTraceback of another thread")
    os.write(2, b"\nW0000 later")
    assert capfd.readouterr().err == (
        "E0000 00:00:1795288257.58 25000 graph.cc:1] cannot run\nTraceback of another thread\nW0000 later"
    )


def test_errors_pass_and_nothing_stays_held_back(capfd):
    def fail():
        with without_chatter(), without_chatter():
            os.write(2, b"said before\n")
            raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        fail()
    os.write(2, b"said after\n")
    assert capfd.readouterr().err == "said before\nsaid after\n"

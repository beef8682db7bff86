"""Boxes, points and scores equal rtmlib's, for the same files and pictures, and colours in its order.

What differs has two causes. OpenCV interpolates with five binary digits between pixels and rounds, Pillow with all of
them and drops the rest: grey levels differ by half a one in the mean, by up to three. That moves what a network locates
by some hundredths of its pixels, and SimCC's best bin to a neighbour where both are nearly equal; from OpenCV's pixels
come rtmlib's results to rounding (the last test). And rtmlib's RTMO takes points of the small picture for those of the
large one without the half pixel by which the middles of their pixels differ.
"""

import importlib
import importlib.util

import numpy as np
import pytest
from made_rtm_reference import CASES, SIDE, STORED, Case, by_rtmlib, models

from maquette.detect import person_boxes, rtmo, rtmpose_pose
from maquette.detect.onnx_files import OnnxFile
from maquette.detect.person_boxes import PersonBoxes
from maquette.detect.rtmo import OneStagePose
from maquette.detect.rtmpose import RtmposeDetector, open_pose
from maquette.detect.rtmpose_pose import TopDownPose

NEAR = 0.1
"""Pixels of a network's input."""


@pytest.fixture(scope="module", params=["stored", "live"])
def theirs(request, tmp_path_factory):
    """rtmlib's outputs: those that come with the tests, and those of the rtmlib that is installed."""
    if request.param == "stored":
        with np.load(STORED) as stored:
            return dict(stored)
    if importlib.util.find_spec("rtmlib") is None:
        pytest.skip("rtmlib is not installed")
    return by_rtmlib(tmp_path_factory.mktemp("rtmlib"))


@pytest.fixture(scope="module", params=list(CASES))
def case(request, tmp_path_factory) -> tuple[str, Case, dict, np.ndarray]:
    name, case = request.param, CASES[request.param]
    return name, case, models(tmp_path_factory.mktemp(name), case), case.picture


@pytest.mark.parametrize("kind", ["yolox", "rtmdet", "raw"])
def test_boxes(theirs, case, kind) -> None:
    name, _, files, picture = case
    found = PersonBoxes(files[kind])(picture)
    assert len(found.corners) == 2
    assert (found.score > 0.85).all()
    near_px = NEAR * picture.shape[1] / SIDE
    np.testing.assert_allclose(_by_column(found.corners), _by_column(theirs[f"{name}/{kind}"]), rtol=0, atol=near_px)


def test_points_of_simcc(theirs, case) -> None:
    name, case, files, picture = case
    pose = open_pose(files["simcc"], colour_order="bgr")
    assert isinstance(pose, TopDownPose)
    assert pose.decoding == "simcc"
    assert pose.n_points == case.n_joints
    points, scores = pose(picture, case.boxes)
    away = np.linalg.norm(points - 0.5 - theirs[f"{name}/simcc"], axis=-1)
    assert (away < 1e-6).mean() >= 0.95
    bin_px = (case.boxes[:, 3] - case.boxes[:, 1]).max() * 1.25 / case.size[1] / 2
    assert away.max() < 1.5 * bin_px
    np.testing.assert_allclose(scores, theirs[f"{name}/simcc_scores"], rtol=0, atol=2e-3)


def test_points_of_heatmaps(theirs, case) -> None:
    name, case, files, picture = case
    pose = open_pose(files["vitpose"], colour_order="bgr")
    assert isinstance(pose, TopDownPose)
    assert pose.decoding == "udp"
    points, scores = pose(picture, case.boxes)
    np.testing.assert_allclose(points - 0.5, theirs[f"{name}/vitpose"], rtol=0, atol=NEAR)
    np.testing.assert_allclose(scores, theirs[f"{name}/vitpose_scores"], rtol=0, atol=2e-3)


def test_points_of_rtmo(theirs, case) -> None:
    name, case, files, picture = case
    pose = open_pose(files["rtmo"])
    assert isinstance(pose, OneStagePose)
    assert pose.n_points == case.n_joints
    _, points, scores = pose(picture)
    assert len(points) == 2
    pixel = picture.shape[1] / SIDE
    expected, order = theirs[f"{name}/rtmo"], np.argsort(points[:, 0, 0])
    columns = np.argsort(expected[:, 0, 0])
    np.testing.assert_allclose(points[order] - pixel / 2, expected[columns], rtol=0, atol=NEAR * pixel)
    np.testing.assert_allclose(scores[order], theirs[f"{name}/rtmo_scores"][columns], rtol=0, atol=2e-3)
    # What is painted says who is right about the half pixel: ours is nearer in every case.
    truth = np.stack(case.people)
    theirs_away = np.abs(expected[columns] + 0.5 - truth).mean()
    assert np.abs(points[order] - truth).mean() < 0.75 * theirs_away


def test_boxes_then_points(theirs, case) -> None:
    name, case, files, picture = case
    seen = RtmposeDetector(files["simcc"], files["yolox"], colour_order="bgr")(picture, 0.0)
    order = np.argsort(seen.points[:, 0, 0])
    expected = theirs[f"{name}/chain"]
    away = np.linalg.norm(seen.points[order] - 0.5 - expected[np.argsort(expected[:, 0, 0])], axis=-1)
    bin_px = (case.boxes[:, 3] - case.boxes[:, 1]).max() * 1.25 / case.size[1] / 2
    assert np.median(away) < 0.1
    assert away.max() < 2 * bin_px
    assert np.linalg.norm(seen.points[order] - np.stack(case.people), axis=-1).max() < 2 * bin_px


@pytest.mark.skipif(importlib.util.find_spec("rtmlib") is None, reason="rtmlib is not installed")
def test_the_same_pixels_give_the_same_results(case, monkeypatch) -> None:
    _, case, files, picture = case
    rtmlib = importlib.import_module("rtmlib")
    blue_first = np.ascontiguousarray(picture[..., ::-1])
    whole = rtmlib.YOLOX(str(files["yolox"]), (SIDE, SIDE))
    small, ratio = whole.preprocess(blue_first)
    for module in (person_boxes, rtmo):
        monkeypatch.setattr(module, "letterbox", lambda *_: (np.ascontiguousarray(small[..., ::-1]), ratio))
    for kind, tool in (("yolox", whole), ("rtmdet", rtmlib.RTMDet(str(files["rtmdet"]), (SIDE, SIDE)))):
        found, expected = PersonBoxes(files[kind])(picture).corners, tool(blue_first)[:2]
        np.testing.assert_allclose(_by_column(found), _by_column(expected), rtol=0, atol=5e-3)
    _, points, _ = OneStagePose(OnnxFile(files["rtmo"], default_size=(SIDE, SIDE), expected=""))(picture)
    expected, _ = rtmlib.RTMO(str(files["rtmo"]), (SIDE, SIDE))(blue_first)
    np.testing.assert_allclose(np.sort(points - 0.5 / ratio, axis=0), np.sort(expected, axis=0), rtol=0, atol=1e-3)
    for kind, tool_class in (("simcc", rtmlib.RTMPose), ("vitpose", rtmlib.ViTPose)):
        tool = tool_class(str(files[kind]), case.size)
        expected, scores = tool(blue_first, bboxes=list(case.boxes))
        crops = [np.round(tool.preprocess(blue_first, box)[0] * tool.std + tool.mean) for box in case.boxes]
        given = iter([crop[..., ::-1].astype(np.uint8) for crop in crops])
        monkeypatch.setattr(rtmpose_pose, "cut", lambda *_, given=given: next(given))
        pose = open_pose(files[kind], colour_order="bgr")
        assert isinstance(pose, TopDownPose)
        points, score = pose(picture, case.boxes)
        np.testing.assert_allclose(points - 0.5, expected, rtol=0, atol=1e-3)
        np.testing.assert_allclose(score, scores, rtol=0, atol=1e-5)


def _by_column(boxes: np.ndarray) -> np.ndarray:
    return boxes[np.argsort(boxes[:, 0])]

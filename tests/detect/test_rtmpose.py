"""The detector of local ONNX files: who is found where, in which skeleton, whatever the kind of network."""

import made_rtm as made
import numpy as np
import pytest

from maquette.detect.detector import Detector
from maquette.detect.rtmpose import RtmposeDetector, open_pose, rtmpose_detector
from maquette.detect.rtmpose_decode import decode_quarter, decode_simcc, decode_udp
from maquette.detect.rtmpose_pose import TopDownPose
from maquette.errors import InputError, ModelError
from maquette.skeletons import COCO_17, HALPE_26

SIZE, SIDE = (192, 256), 160
PEOPLE = [made.joints_of((40.0, 30.0, 150.0, 220.0), 17, 1), made.joints_of((190.0, 70.0, 270.0, 210.0), 17, 2)]
"""The first one is the larger."""


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return made.picture_of((320, 240), PEOPLE, 7.0)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("networks")
    return {
        "boxes": made.boxes_model(folder / "yolox_made.onnx", 17, SIDE, kind="yolox"),
        "pose": made.simcc_model(folder / "rtmpose_made.onnx", 17, SIZE),
        "blurred": made.simcc_model(folder / "rtmpose_blurred.onnx", 17, SIZE, blur_px=4.0),
        "one_at_a_time": made.simcc_model(folder / "rtmpose_single.onnx", 17, SIZE, batch=1),
        "four_at_a_time": made.simcc_model(folder / "rtmpose_four.onnx", 17, SIZE, batch=4),
        "hrnet": made.heatmap_model(folder / "hrnet.onnx", 17, SIZE, udp=False),
        "vitpose": made.heatmap_model(folder / "vitpose.onnx", 17, SIZE, udp=True),
        "rtmo": made.rtmo_model(folder / "rtmo_made.onnx", 17, SIDE),
    }


@pytest.mark.parametrize("kind", ["pose", "one_at_a_time", "four_at_a_time", "hrnet", "vitpose", "rtmo"])
def test_joints_are_where_they_are_painted(files, picture, kind) -> None:
    detector = rtmpose_detector(det_model=None if kind == "rtmo" else files["boxes"], pose_model=files[kind])
    assert isinstance(detector, Detector)
    seen = detector(picture, 0.0)
    assert detector.skeleton is COCO_17
    assert seen.points.shape == (2, 17, 2)
    assert (seen.confidence > 0.3).all()
    for person in PEOPLE:
        away = np.linalg.norm(seen.points - person, axis=-1).max(1).min()
        # A pixel of the crops is about one of the picture, a pixel of the heatmaps 4 of the crops.
        assert away < (4.0 if kind == "hrnet" else 2.0)
    detector.close()
    detector.close()
    with pytest.raises(ModelError, match="was closed"):
        detector(picture, 0.1)


def test_several_boxes_in_one_run_are_as_one_after_the_other(files, picture) -> None:
    seen = [RtmposeDetector(files[kind], files["boxes"])(picture, 0.0) for kind in ("pose", "one_at_a_time")]
    np.testing.assert_allclose(seen[0].points, seen[1].points)
    np.testing.assert_allclose(seen[0].confidence, seen[1].confidence, atol=1e-6)
    many = np.tile([[40.0, 30.0, 150.0, 220.0], [190.0, 70.0, 270.0, 210.0]], (9, 1))
    for kind in ("pose", "four_at_a_time"):
        pose = open_pose(files[kind])
        assert isinstance(pose, TopDownPose)
        points, _ = pose(picture, many)
        np.testing.assert_allclose(points, np.tile(points[:2], (9, 1, 1)))
        assert pose(picture, many[:0])[0].shape == (0, 17, 2)


@pytest.mark.parametrize("kind", ["pose", "rtmo"])
def test_so_many_people_the_largest_first(files, picture, kind) -> None:
    boxes = None if kind == "rtmo" else files["boxes"]
    seen = rtmpose_detector(det_model=boxes, pose_model=files[kind], people=1)(picture, 0.0)
    assert len(seen.points) == 1
    assert np.linalg.norm(seen.points[0] - PEOPLE[0], axis=-1).max() < 3


def test_the_skeleton_follows_from_the_number_of_points(tmp_path, picture) -> None:
    people = [made.joints_of((40.0, 30.0, 280.0, 230.0), 26, 1)]
    picture = made.picture_of((320, 240), people, 10.0)
    body = RtmposeDetector(made.simcc_model(tmp_path / "body26.onnx", 26, SIZE))
    assert body.skeleton is HALPE_26
    assert np.linalg.norm(body(picture, 0.0).points[0] - people[0], axis=-1).max() < 4
    # Of the whole body, the body's 17 points and the 6 of the feet are used.
    whole = RtmposeDetector(made.simcc_model(tmp_path / "whole.onnx", 23, SIZE, n_outputs=133))
    assert whole.skeleton is HALPE_26
    seen = whole(picture, 0.0)
    for name, column in {"nose": 0, "r_ankle": 16, "l_big_toe": 17, "l_small_toe": 18, "r_heel": 22}.items():
        assert np.linalg.norm(seen.points[0, HALPE_26.index(name)] - people[0][column]) < 4
    for name in ("head", "neck", "mid_hip"):
        assert np.isnan(seen.points[0, HALPE_26.index(name)]).all()
        assert seen.confidence[0, HALPE_26.index(name)] == 0
    with pytest.raises(ModelError, match="21 points a person; expected 16, 17, 18, 26, 136, 133"):
        RtmposeDetector(made.simcc_model(tmp_path / "hand.onnx", 21, SIZE))


def test_one_person_is_followed_without_boxes(files) -> None:
    person = made.joints_of((60.0, 20.0, 180.0, 220.0), 17, 3)
    detector = rtmpose_detector(det_model=None, pose_model=files["blurred"])
    assert "one person: in the whole picture, then around the points just seen" in detector.name
    away = []
    for i in range(4):
        moved = person + (12.0 * i, 0.0)
        seen = detector(made.picture_of((320, 240), [moved], 10.0, seed=i), i / 30)
        away.append(np.linalg.norm(seen.points[0] - moved, axis=-1).mean())
    assert max(away) < 0.6
    # One look at the whole picture, which is 320 + 25 % wide in 192 pixels, finds less exactly.
    pose = open_pose(files["blurred"])
    assert isinstance(pose, TopDownPose)
    whole, _ = pose(made.picture_of((320, 240), [person], 10.0, seed=0), np.array([[0.0, 0.0, 320.0, 240.0]]))
    assert np.linalg.norm(whole[0] - person, axis=-1).mean() > 1.3 * away[0]
    # Gone, and back elsewhere: the whole picture is looked at again.
    assert len(detector(made.picture_of((320, 240), [], 7.0), 0.2).points) == 0
    back = person + (130.0, 5.0)
    assert len(detector(made.picture_of((320, 240), [back], 10.0), 0.3).points) == 1
    jump = detector(made.picture_of((320, 240), [person - (55.0, 0.0)], 10.0), 0.4)
    assert np.linalg.norm(jump.points[0] - person + (55.0, 0.0), axis=-1).mean() < 3


def test_a_new_clip_begins_with_the_whole_picture(files) -> None:
    person = made.joints_of((60.0, 20.0, 180.0, 220.0), 17, 3)
    picture = made.picture_of((320, 240), [person], 10.0)
    detector = rtmpose_detector(det_model=None, pose_model=files["blurred"])
    first, second = (detector(picture, t).points for t in (0.0, 0.1))
    detector.reset()
    assert (detector(picture, 0.0).points == first).all()
    assert not (second == first).all()


def test_the_order_of_colours_is_a_choice(tmp_path, picture) -> None:
    boxes = made.boxes_model(tmp_path / "yolox.onnx", 17, SIDE, kind="yolox")
    blue_first = made.simcc_model(tmp_path / "bgr.onnx", 17, SIZE, bgr=True)
    detector = RtmposeDetector(blue_first, boxes, colour_order="bgr")
    seen = detector(picture, 0.0)
    assert "colours as rtmlib" in detector.name
    assert min(np.linalg.norm(seen.points[0] - p, axis=-1).max() for p in PEOPLE) < 3
    wrong = RtmposeDetector(blue_first, boxes)(picture, 0.0)
    assert min(np.nanmedian(np.linalg.norm(wrong.points[0] - p, axis=-1)) for p in PEOPLE) > 10


def test_one_look_has_one_order_of_colours(tmp_path) -> None:
    path = made.rtmo_model(tmp_path / "rtmo.onnx", 17, 96)
    with pytest.raises(InputError, match=r"is an RTMO, which takes blue, green, red .*leave out --colour-order rgb"):
        RtmposeDetector(path, colour_order="rgb")


def test_wrong_use(files) -> None:
    with pytest.raises(InputError, match="needs --pose-model FILE"):
        rtmpose_detector(det_model=files["boxes"], pose_model=None)
    with pytest.raises(InputError, match=r"in one look \(RTMO\); leave out --det-model"):
        rtmpose_detector(det_model=files["boxes"], pose_model=files["rtmo"])
    names = [rtmpose_detector(det_model=None, pose_model=files["rtmo"]).name]
    names.append(rtmpose_detector(det_model=files["boxes"], pose_model=files["pose"]).name)
    assert names == ["rtmpose (rtmo_made, everybody in one look)", "rtmpose (rtmpose_made, boxes of yolox_made)"]


def test_simcc_takes_the_best_bins() -> None:
    x, y = np.zeros((1, 2, 20), np.float32), np.zeros((1, 2, 30), np.float32)
    x[0, 0, 7], y[0, 0, 29], x[0, 1, :] = 0.8, 0.4, -0.1
    points, score = decode_simcc(x, y)
    np.testing.assert_allclose(points[0, 0], [7 / 20, 29 / 30])
    np.testing.assert_allclose(score[0], [0.6, -0.05], atol=1e-6)


def test_udp_finds_the_top_of_a_gaussian() -> None:
    rng = np.random.default_rng(1)
    where = rng.uniform((8, 8), (39, 55), (1, 40, 2))
    y, x = np.mgrid[:64, :48]
    heatmaps = np.exp(-((x - where[..., 0, None, None]) ** 2 + (y - where[..., 1, None, None]) ** 2) / (2 * 2.0**2))
    points, score = decode_udp(heatmaps)
    np.testing.assert_allclose(points * (47, 63), where, atol=0.02)
    assert (score > 0.88).all()
    quarter, _ = decode_quarter(heatmaps)
    # The rule of the quarter leaves at most a quarter of a pixel.
    assert np.abs(quarter * (48, 64) - where).max() <= 0.25


def test_heatmaps_without_a_top_do_no_harm() -> None:
    for value in (0.0, 1.0, -3.0):
        for decode in (decode_udp, decode_quarter):
            points, score = decode(np.full((1, 2, 16, 12), value, np.float32))
            assert (points == 0).all()
            assert (score == value).all()
    corner = np.zeros((1, 1, 16, 12), np.float32)
    corner[0, 0, 15, 11] = 1.0
    assert np.abs(decode_quarter(corner)[0][0, 0] - (11 / 12, 15 / 16)).max() < 1e-9
    with pytest.raises(ModelError, match="no numbers"):
        decode_quarter(np.full((1, 1, 16, 12), np.nan, np.float32))

"""The detector ``hourglass`` with a network that sees coloured spots: where it looks, and where it puts joints."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_picture_network import DEPTHS, GREY, spotted, standing, write_picture_model

from maquette.detect.crop_joints import CropJoints, averaged, mirrored, read_crops
from maquette.detect.detector import Detector
from maquette.detect.hourglass import HourglassDetector, in_picture
from maquette.detect.person_boxes import Boxes
from maquette.detect.person_crop import Crop
from maquette.errors import InputError, ModelError
from maquette.runtime.picture_model import PictureModel, PictureResult
from maquette.skeletons import MPII_16

SIZE = (640, 480)
PELVIS = MPII_16.index("pelvis")
HALF_A_PIXEL = 0.5
"""Spots are drawn of whole pixels, so their middles are only about where they should be."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_picture_model(tmp_path_factory.mktemp("spots") / "spots.onnx")


def detector(model: Path, **options: Any) -> HourglassDetector:
    """Without flipping: in a mirror, spots keep their colours, so the network takes left for left."""
    return HourglassDetector(model, **{"flip": False, "threads": 1, **options})


def far(points: np.ndarray, truth: np.ndarray) -> float:
    """The worst joint, pixels."""
    return float(np.linalg.norm(points - truth, axis=-1).max())


def test_one_person_is_found_to_parts_of_a_pixel(model: Path) -> None:
    truth = standing((300, 260), 300)
    found = detector(model)
    assert isinstance(found, Detector)
    seen = found(spotted(truth, SIZE), 0.0)
    assert len(seen.points) == 1
    assert far(seen.points[0], truth) < HALF_A_PIXEL
    assert (seen.confidence > 0.8).all()
    assert (seen.confidence <= 1).all()


def test_one_look_sees_the_whole_picture_as_the_published_demo(model: Path) -> None:
    seen = detector(model, looks=1, refine="none")(spotted(standing((320, 240), 300), SIZE), 0.0)
    # A cell of the whole picture is 10 pixels: 640 / 64; its rows begin above the picture.
    np.testing.assert_allclose(seen.points[0][:, 0] % 10, 5)
    np.testing.assert_allclose((seen.points[0][:, 1] + 80) % 10, 5)


def test_depths_are_pixels_behind_the_pelvis(model: Path) -> None:
    seen = detector(model, looks=1)(spotted(standing((320, 240), 300), SIZE), 0.0)
    assert seen.depth_px is not None
    np.testing.assert_allclose(seen.depth_px[0], (DEPTHS - DEPTHS[PELVIS]) * 640 / 2, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(("unit", "sides"), [("crop", 1.0), ("half-crop", 0.5)])
def test_maps_of_depth_are_read_where_the_joint_is(tmp_path: Path, unit: str, sides: float) -> None:
    path = write_picture_model(tmp_path / "map.onnx", depth="map", depth_unit=unit, colour_order="bgr", divide_by=256)
    truth = standing((320, 240), 300)
    seen = detector(path, looks=1, refine="none")(spotted(truth, SIZE), 0.0)
    assert seen.depth_px is not None
    # The map holds the column of each cell, in shares of its width.
    behind = seen.points[0, :, 0] - seen.points[0, PELVIS, 0]
    np.testing.assert_allclose(seen.depth_px[0], sides * behind, atol=1e-3)
    assert far(seen.points[0], truth) < 8


def test_network_without_depth_gives_none(tmp_path: Path) -> None:
    path = write_picture_model(tmp_path / "flat.onnx", depth="none")
    assert detector(path)(spotted(standing((320, 240), 300), SIZE), 0.0).depth_px is None


def test_somebody_is_followed(model: Path) -> None:
    """Small in a large picture, somebody is seen well only by looking around where he was."""
    size = (960, 720)
    found = detector(model)
    for step in range(6):
        truth = standing((350 + 30 * step, 350), 420 - 12 * step)
        seen = found(spotted(truth, size, radius_px=17), step / 25)
        assert far(seen.points[0], truth) < HALF_A_PIXEL
    # Jumped to the other side of the picture: lost, and found again in the whole of it.
    for centre in ((760, 360), (210, 360)):
        truth = standing(centre, 400)
        assert far(found(spotted(truth, size, radius_px=17), 1.0).points[0], truth) < HALF_A_PIXEL
    found.reset()
    whole = detector(model)(spotted(standing((480, 360), 420), size, radius_px=17), 0.0)
    again = found(spotted(standing((480, 360), 420), size, radius_px=17), 0.0)
    np.testing.assert_array_equal(again.points, whole.points)


def test_nobody_is_an_answer(model: Path) -> None:
    found = detector(model)
    empty = np.full((480, 640, 3), GREY, dtype=np.uint8)
    seen = found(empty, 0.0)
    assert seen.points.shape == (0, 16, 2)
    assert seen.confidence.shape == (0, 16)
    truth = standing((300, 260), 300)
    assert far(found(spotted(truth, SIZE), 0.1).points[0], truth) < HALF_A_PIXEL
    assert len(found(empty, 0.2).points) == 0
    few = truth.copy()
    few[4:] = np.nan
    assert len(found(spotted(few, SIZE), 0.3).points) == 0


def test_hidden_joints_are_not_trusted(model: Path) -> None:
    truth = standing((300, 260), 300)
    truth[[0, 9]] = np.nan
    seen = detector(model)(spotted(truth, SIZE), 0.0)
    assert (seen.confidence[0, [0, 9]] < 0.1).all()
    assert (np.delete(seen.confidence[0], [0, 9]) > 0.8).all()


def test_joints_without_a_peak_are_missing() -> None:
    points, confidence, depth = np.full((1, 16, 2), 0.5), np.ones((1, 16)), np.arange(16.0)[None]
    points[0, 3], confidence[0, 3], depth[0, 3] = np.nan, 0, np.nan
    crop = Crop(np.array([100.0, 50.0]), 40.0)
    seen = in_picture(CropJoints(points, confidence, depth), [crop])
    assert seen.depth_px is not None
    assert np.isnan(seen.points[0, 3]).all()
    np.testing.assert_array_equal(seen.points[0, 4], [100, 50])
    np.testing.assert_array_equal(seen.depth_px[0, [3, 4]], [np.nan, -2 * 40])
    # Without the pelvis depths count from the middle of what is seen.
    depth[0, PELVIS] = np.nan
    without = in_picture(CropJoints(points, confidence, depth), [crop]).depth_px
    assert without is not None
    assert np.nanmean(without) == pytest.approx(0)


def test_several_people_in_boxes(model: Path) -> None:
    people = [standing((200, 250), 240), standing((520, 260), 200)]
    picture = np.minimum(*(spotted(points, SIZE, radius_px=8) for points in people))
    alone = [spotted(points, SIZE, radius_px=8) for points in people]
    picture = np.where((alone[0] != GREY).any(axis=-1, keepdims=True), alone[0], alone[1])
    corners = np.array([[points.min(0) - 10, points.max(0) + 10] for points in people]).reshape(2, 4) - 0.5

    def boxes(_: np.ndarray) -> Boxes:
        return Boxes(np.concatenate([corners[::-1], [[600.0, 10, 630, 60]]]), np.array([0.9, 0.9, 0.9]))

    seen = detector(model, boxes=boxes)(picture, 0.0)
    assert len(seen.points) == 2  # nobody is in the third box
    assert max(far(found, truth) for found, truth in zip(seen.points, people, strict=True)) < HALF_A_PIXEL
    assert seen.depth_px is not None
    np.testing.assert_allclose(
        np.ptp(seen.depth_px, axis=1) / (np.ptp(corners.reshape(2, 2, 2), axis=1).max(axis=1) * 1.25 / 2),
        np.ptp(DEPTHS),
        rtol=1e-5,
    )
    assert len(detector(model, boxes=boxes, people=1)(picture, 0.0).points) == 1
    assert len(detector(model, boxes=lambda _: Boxes(np.empty((0, 4)), np.empty(0)))(picture, 0.0).points) == 0


class Mirror(PictureModel):
    """What it says of mirrored crops is the mirror image of what it says of crops."""

    def __init__(self, model: Path) -> None:
        super().__init__(model, threads=1)
        rng = np.random.default_rng(0)
        self.result = PictureResult(rng.random((2, 16, 64, 64)), rng.normal(size=(2, 16)), None)
        self.crop = rng.integers(0, 255, (2, 256, 256, 3)).astype(np.uint8)

    def run(self, crops: np.ndarray, *, batch: int = 16) -> PictureResult:
        if (crops == self.crop).all():
            return self.result
        assert (crops == self.crop[:, :, ::-1]).all()
        pairs = MPII_16.mirror_permutation
        return PictureResult(self.result.heatmaps[:, pairs][..., ::-1], self.result.depth[:, pairs], None)  # pyright: ignore[reportOptionalSubscript]


def test_flipping_changes_nothing_of_a_network_that_knows_mirrors(model: Path) -> None:
    network = Mirror(model)
    plain, flipped = (read_crops(network, network.crop, flip=flip) for flip in (False, True))
    np.testing.assert_allclose(plain.points, flipped.points, atol=1e-12)
    np.testing.assert_allclose(plain.confidence, flipped.confidence, atol=1e-12)
    np.testing.assert_allclose(np.array(plain.depth), np.array(flipped.depth), atol=1e-12)


def test_mirror_of_a_mirror() -> None:
    rng = np.random.default_rng(1)
    result = PictureResult(rng.random((1, 16, 8, 8)), None, rng.random((1, 16, 8, 8)))
    order = MPII_16.mirror_permutation
    twice = mirrored(mirrored(result, order), order)
    np.testing.assert_array_equal(twice.heatmaps, result.heatmaps)
    np.testing.assert_array_equal(np.array(twice.depth_map), np.array(result.depth_map))
    mean = averaged(result, PictureResult(3 * result.heatmaps, None, result.depth_map))
    np.testing.assert_allclose(mean.heatmaps, 2 * result.heatmaps)
    assert mean.depth is None


def test_what_cannot_be_used_is_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="h36m-16"):
        HourglassDetector(write_picture_model(tmp_path / "h36m.onnx", skeleton="h36m-16"))
    with pytest.raises(InputError, match="0 looks"):
        HourglassDetector(model, looks=0)
    with pytest.raises(ModelError, match=r"nowhere\.onnx"):
        HourglassDetector(tmp_path / "nowhere.onnx")
    found = detector(model)
    found.close()
    found.close()
    with pytest.raises(ModelError, match="closed"):
        found(spotted(standing((300, 260), 300), SIZE), 0.0)

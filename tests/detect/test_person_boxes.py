"""Boxes of people: the formats of YOLOX and RTMDet, overlaps, and files that are something else."""

import made_rtm as made
import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper

from maquette.detect.person_boxes import PersonBoxes, letterbox, suppressed
from maquette.errors import ModelError

SIDE = 160
PEOPLE = [made.joints_of((40.0, 30.0, 150.0, 220.0), 17, 1), made.joints_of((180.0, 40.0, 290.0, 230.0), 17, 2)]


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return made.picture_of((320, 240), PEOPLE, 8.0)


def test_a_file_that_suppresses_gives_people_with_a_good_score_only(tmp_path, picture) -> None:
    for kind in ("yolox", "rtmdet"):
        boxes = PersonBoxes(made.boxes_model(tmp_path / f"{kind}.onnx", 17, SIDE, kind=kind))(picture)
        # Of the four rows one has a low score and one is another class.
        assert len(boxes.corners) == 2
        for left, top, right, bottom in boxes.corners:
            inside = [((p > (left, top)) & (p < (right, bottom))).all(1).mean() for p in PEOPLE]
            assert max(inside) > 0.9
            assert min(inside) == 0


@pytest.mark.parametrize("decoded", [False, True])
def test_cells_of_yolox(tmp_path, decoded) -> None:
    people = [np.array([(70.0, 90.0), (160.0, 200.0)]), np.array([(250.0, 150.0), (120.0, 30.0)])]
    picture = made.picture_of((320, 240), people, 16.0)
    path = made.raw_yolox_model(tmp_path / "raw.onnx", SIDE, (50.0, 80.0), decoded=decoded)
    boxes = PersonBoxes(path)(picture)
    # A box for each person's first joint, none for the second ones, which are another class.
    assert len(boxes.corners) == 2
    centres = (boxes.corners[:, :2] + boxes.corners[:, 2:]) / 2
    away = np.linalg.norm(centres[:, None] - np.stack(people)[:, 0], axis=-1)
    assert (away.min(0) < 24).all()
    extent = boxes.corners[:, 2:] - boxes.corners[:, :2]
    assert (extent > np.array([50.0, 80.0]) * 2).all()
    assert (extent < np.array([50.0, 80.0]) * 2 * np.exp(0.3)).all()


def test_nobody_is_an_answer(tmp_path) -> None:
    empty = made.picture_of((320, 240), [], 8.0)
    for path in (
        made.boxes_model(tmp_path / "yolox.onnx", 17, SIDE, kind="yolox"),
        made.raw_yolox_model(tmp_path / "raw.onnx", SIDE, (50.0, 80.0)),
    ):
        boxes = PersonBoxes(path)(empty)
        assert boxes.corners.shape == (0, 4)
        assert boxes.score.shape == (0,)


def test_yolox_and_rtmdet_are_told_by_name_then_by_the_first_layer(tmp_path, picture) -> None:
    expected = PersonBoxes(made.boxes_model(tmp_path / "yolox.onnx", 17, SIDE, kind="yolox"))(picture)
    for kind in ("yolox", "rtmdet"):
        nameless = made.boxes_model(tmp_path / kind / "inner" / "people.onnx", 17, SIDE, kind=kind)
        boxes = PersonBoxes(nameless)(picture)
        np.testing.assert_allclose(boxes.corners, expected.corners, atol=0.2)
    # Read as the other one, the range of values is wrong and nobody is found, or somewhere else.
    wrong = made.boxes_model(tmp_path / "yolox_really_rtmdet" / "end2end.onnx", 17, SIDE, kind="rtmdet")
    with pytest.raises(ModelError, match="put 'yolox' or 'rtmdet' into the name"):
        _other_first_layer(wrong)


def _other_first_layer(path) -> None:
    """A file of boxes whose name says both and whose first layer is neither's."""
    model = onnx.load(str(path))
    for node in model.graph.node:
        node.input[:] = ["normal" if name == "input" else name for name in node.input]
    model.graph.node.insert(0, helper.make_node("Neg", ["input"], ["less"]))
    model.graph.node.insert(1, helper.make_node("Neg", ["less"], ["normal"]))
    onnx.save(model, str(path))
    PersonBoxes(path)


def test_what_is_no_detector_of_people(tmp_path) -> None:
    with pytest.raises(ModelError, match=r"goes to --pose-model; expected a person detector"):
        PersonBoxes(made.simcc_model(tmp_path / "pose.onnx", 17))
    with pytest.raises(ModelError, match=r"goes to --pose-model"):
        PersonBoxes(made.rtmo_model(tmp_path / "rtmo.onnx", 17, SIDE))
    with pytest.raises(ModelError, match=r"gives output_0 \(1, 17, 64, 48\), which is no person detector"):
        PersonBoxes(made.heatmap_model(tmp_path / "heat.onnx", 17, udp=False))
    with pytest.raises(ModelError, match=r"no such model file; expected a person detector"):
        PersonBoxes(tmp_path / "absent.onnx")


@pytest.mark.parametrize(("width", "height"), [(320, 240), (240, 320), (160, 160), (97, 53), (1000, 3)])
def test_a_letterbox_keeps_the_shape(width, height) -> None:
    rng = np.random.default_rng(0)
    picture = np.repeat(np.repeat(rng.integers(0, 256, (height, width, 1), dtype=np.uint8), 1, 0), 3, 2)
    seen, ratio = letterbox(picture, (SIDE, SIDE))
    assert seen.shape == (SIDE, SIDE, 3)
    assert ratio == SIDE / max(width, height)
    assert (seen[max(int(height * ratio), 1) :] == 114).all()
    assert (seen[:, max(int(width * ratio), 1) :] == 114).all()
    if ratio == 1:
        assert (seen == picture).all()


@given(
    st.lists(
        st.tuples(*[st.integers(0, 60)] * 2, *[st.integers(1, 40)] * 2, st.integers(1, 10**6)),
        max_size=12,
        unique_by=lambda b: b[4],
    )
)
def test_no_two_boxes_left_overlap_and_each_other_has_a_better_one(rows) -> None:
    table = np.array([(x, y, x + w, y + h, s) for x, y, w, h, s in rows], dtype=np.float64).reshape(-1, 5)
    kept = suppressed(table[:, :4], table[:, 4]).tolist()
    overlap = [[_overlap(a, b) for b in table[:, :4]] for a in table[:, :4]]
    assert all(overlap[i][j] <= 0.45 for i in kept for j in kept if i != j)
    for i in set(range(len(table))) - set(kept):
        assert any(table[j, 4] > table[i, 4] and overlap[i][j] > 0.45 for j in kept)
    assert (np.diff(table[kept, 4]) < 0).all()


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """By counting the whole pixels, the last ones included."""
    pixels = [
        {(x, y) for x in range(int(c[0]), int(c[2]) + 1) for y in range(int(c[1]), int(c[3]) + 1)} for c in (a, b)
    ]
    return len(pixels[0] & pixels[1]) / len(pixels[0] | pixels[1])

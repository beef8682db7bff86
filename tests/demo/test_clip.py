"""The clip that the demo films: a valid OpenPose folder with the mistakes it promises."""

import json

import numpy as np
import pytest

from maquette.demo import Mistakes, camera, detect, film, perform, write_clip
from maquette.demo.filming import IMAGE_SIZE
from maquette.errors import OutputError
from maquette.readers import read_keypoints
from maquette.skeletons import BODY_25

PERFORMANCE = perform(30)
TRUTH_PX = film(PERFORMANCE.motion, camera())
FOUND = detect(PERFORMANCE.motion, camera())


def test_the_figure_stays_in_the_picture_and_upright():
    assert TRUTH_PX.min() > 40
    assert (TRUTH_PX < np.array(IMAGE_SIZE) - 40).all()
    ankles = TRUTH_PX[:, BODY_25.indices(["l_ankle", "r_ankle"]), 1].mean(axis=1)
    tall = ankles - TRUTH_PX[:, BODY_25.index("nose"), 1]
    assert tall.min() > 200
    assert tall.max() < 600


def test_noise_is_that_of_a_detector():
    error = np.linalg.norm(FOUND.points - TRUTH_PX, axis=-1)
    assert 2 < np.nanmedian(error) < 6
    assert np.nanpercentile(error, 95) < 25
    assert 0.01 < 1 - FOUND.observed.mean() < 0.1
    known = FOUND.observed
    assert FOUND.confidence[known].min() > 0.05
    assert FOUND.confidence[known].max() < 0.99


def test_the_mistakes_happen():
    mistakes = Mistakes()
    assert not FOUND.observed[list(mistakes.nobody)].any()
    for frames, joints in mistakes.hidden:
        assert not FOUND.observed[np.ix_(list(frames), BODY_25.indices(joints))].any()
    knees = BODY_25.indices(["l_knee", "r_knee"])
    ankles = BODY_25.indices(["l_ankle", "r_ankle"])
    for frame in mistakes.swapped_legs:
        for pair in (knees, ankles):
            straight = np.linalg.norm(FOUND.points[frame, pair] - TRUTH_PX[frame, pair], axis=-1)
            crossed = np.linalg.norm(FOUND.points[frame, pair] - TRUTH_PX[frame, pair[::-1]], axis=-1)
            assert np.nanmax(crossed) < np.nanmax(straight)
    for frame, joint, x, y in mistakes.outliers:
        off = FOUND.points[frame, BODY_25.index(joint)] - TRUTH_PX[frame, BODY_25.index(joint)]
        assert np.linalg.norm(off - (x, y)) < 25


def test_seed_decides():
    again = detect(PERFORMANCE.motion, camera())
    np.testing.assert_array_equal(again.points, FOUND.points)
    assert np.nanmax(np.abs(detect(PERFORMANCE.motion, camera(), seed=1).points - FOUND.points)) > 1


def test_folder_is_what_openpose_writes(tmp_path):
    folder = tmp_path / "clip"
    write_clip(PERFORMANCE, folder)
    files = sorted(folder.iterdir())
    assert len(files) == 300
    assert files[0].name == "clip_000000000000_keypoints.json"
    for i in (0, 143, 299):
        document = json.loads(files[i].read_text())
        assert document["version"] == 1.3
        assert len(document["people"]) == (0 if i == 143 else 1)
        for person in document["people"]:
            assert person["person_id"] == [-1]
            assert len(person["pose_keypoints_2d"]) == 75
    hidden = json.loads(files[90].read_text())["people"][0]["pose_keypoints_2d"]
    wrist = BODY_25.index("r_wrist")
    assert hidden[3 * wrist : 3 * wrist + 3] == [0, 0, 0]


def test_folder_reads_back_as_written_and_is_replaced(tmp_path):
    folder = tmp_path / "clip"
    write_clip(PERFORMANCE, folder, seed=5)
    write_clip(PERFORMANCE, folder)
    people = read_keypoints(folder, fps=30, image_size=IMAGE_SIZE)
    assert len(people) == 1
    assert people[0].skeleton == BODY_25
    np.testing.assert_array_equal(people[0].observed, FOUND.observed)
    np.testing.assert_allclose(people[0].points, FOUND.points, atol=6e-4)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="not an empty folder"):
        write_clip(PERFORMANCE, folder)
    assert (folder / "notes.txt").read_text() == "mine"

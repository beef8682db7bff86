"""Every format gives the points that were written into it."""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import made_clips as made
import numpy as np
import pytest

from maquette.keypoints import Keypoints
from maquette.readers import read_keypoints, sniff
from maquette.skeletons import (
    BLAZEPOSE_33,
    BODY_25,
    BODY_25B,
    COCO_17,
    COCO_18,
    H36M_17,
    HALPE_26,
    HALPE_136,
    OPENPOSE_135,
)

N = 20
SCORES_17, SCORES_26, SCORES_33 = (made.certainty(s) for s in (COCO_17, HALPE_26, BLAZEPOSE_33))
POINTS_17, POINTS_26, POINTS_33 = (made.figure(s) for s in (COCO_17, HALPE_26, BLAZEPOSE_33))

SAMPLES: dict[str, tuple[Callable[[Path], Path], str, np.ndarray, np.ndarray | None]] = {
    "COCO keypoint results": (
        lambda d: made.write_coco_results(d / "r.json", POINTS_17, SCORES_17),
        "coco-17",
        POINTS_17,
        SCORES_17,
    ),
    "AlphaPose JSON": (
        lambda d: made.write_alphapose(d / "a.json", POINTS_26, SCORES_26, idx=[1]),
        "halpe-26",
        POINTS_26,
        SCORES_26,
    ),
    "MMPose demo JSON": (
        lambda d: made.write_mmpose_demo(d / "m.json", POINTS_26, SCORES_26, HALPE_26),
        "halpe-26",
        POINTS_26,
        SCORES_26,
    ),
    "MMPose Inferencer JSON, a video": (
        lambda d: made.write_mmpose_video(d / "m.json", POINTS_17, SCORES_17),
        "coco-17",
        POINTS_17,
        SCORES_17,
    ),
    "MMPose Inferencer JSON folder": (
        lambda d: made.write_mmpose_images(d / "m", POINTS_17, SCORES_17),
        "coco-17",
        POINTS_17,
        SCORES_17,
    ),
    "MediaPipe landmarks (JSON lines)": (
        lambda d: made.write_mediapipe(d / "m.jsonl", POINTS_33, SCORES_33),
        "blazepose-33",
        POINTS_33,
        SCORES_33,
    ),
    "VideoPose3D .npz": (
        lambda d: made.write_videopose3d(d / "v.npz", {"demo.mp4": {"custom": [POINTS_17]}}),
        "coco-17",
        POINTS_17,
        None,
    ),
    "Sports2D pixel TRC": (lambda d: made.write_trc(d / "s_px.trc", POINTS_26, HALPE_26), "halpe-26", POINTS_26, None),
    "DeepLabCut CSV": (
        lambda d: made.write_deeplabcut(d / "d.csv", {"": (POINTS_17, SCORES_17)}, COCO_17),
        "coco-17",
        POINTS_17,
        SCORES_17,
    ),
    "YOLO-pose labels": (
        lambda d: made.write_yolo(d / "labels", POINTS_17, SCORES_17),
        "coco-17",
        POINTS_17,
        SCORES_17,
    ),
}


def one(people: list[Keypoints]) -> Keypoints:
    assert len(people) == 1
    return people[0]


@pytest.mark.parametrize("name", SAMPLES)
def test_points_come_back(name: str, tmp_path: Path) -> None:
    write, skeleton, points, scores = SAMPLES[name]
    path = write(tmp_path)
    person = one(read_keypoints(path, image_size=made.SIZE))
    assert person.skeleton.name == skeleton
    np.testing.assert_allclose(person.points, points, atol=0.001)
    np.testing.assert_allclose(person.confidence, 1.0 if scores is None else scores, atol=1e-6)
    assert sniff(path).format == name


@pytest.mark.parametrize("skeleton", [COCO_18, BODY_25, BODY_25B, OPENPOSE_135, COCO_17, HALPE_26, HALPE_136], ids=str)
def test_openpose_layouts(skeleton, tmp_path: Path) -> None:
    points, scores = made.figure(skeleton), made.certainty(skeleton)
    person = one(read_keypoints(made.write_openpose(tmp_path / "clip", [(points, scores)])))
    assert person.skeleton is skeleton
    np.testing.assert_array_equal(person.points, points)
    np.testing.assert_array_equal(person.confidence, scores)


def test_body_25_and_25b_are_told_apart_with_half_the_body_out_of_sight(tmp_path: Path) -> None:
    for skeleton in (BODY_25, BODY_25B):
        points, scores = made.figure(skeleton), made.certainty(skeleton)
        for name in ("knee", "ankle", "heel", "big_toe", "small_toe"):
            points[:, skeleton.indices([f"l_{name}", f"r_{name}"])] = np.nan
        path = made.write_openpose(tmp_path / skeleton.name, [(points, scores)])
        assert one(read_keypoints(path)).skeleton is skeleton
        assert "shorter" in sniff(path).skeleton_why


def test_skeleton_given_wins_over_geometry(tmp_path: Path) -> None:
    points, scores = made.figure(BODY_25), made.certainty(BODY_25)
    path = made.write_openpose(tmp_path / "clip", [(points, scores)])
    assert one(read_keypoints(path, skeleton="openpose-body-25b")).skeleton is BODY_25B


def test_old_openpose_key(tmp_path: Path) -> None:
    points, scores = made.figure(COCO_18), made.certainty(COCO_18)
    path = made.write_openpose(tmp_path / "clip", [(points, scores)], key="pose_keypoints")
    np.testing.assert_array_equal(one(read_keypoints(path)).points, points)


@pytest.mark.parametrize(("unit", "scale", "shift"), [("0..1", 1.0, 0.0), ("-1..1", 2.0, -1.0)])
def test_openpose_keypoint_scale(unit: str, scale: float, shift: float, tmp_path: Path) -> None:
    points, scores = made.figure(BODY_25), made.certainty(BODY_25)
    scores[3:5, 4] = 0
    path = made.write_openpose(tmp_path / "clip", [(points / made.SIZE * scale + shift, scores)])
    assert sniff(path).unit == unit
    person = one(read_keypoints(path, image_size=made.SIZE))
    assert np.isnan(person.points[3:5, 4]).all()
    points[3:5, 4] = np.nan
    np.testing.assert_allclose(person.points, points, atol=1e-6)


def test_bare_pairs_have_confidence_one_where_there_is_a_point(tmp_path: Path) -> None:
    points = made.figure(COCO_18)
    points[4] = np.nan
    points[2, 3] = np.nan
    person = one(read_keypoints(made.write_pairs(tmp_path / "clip", points)))
    np.testing.assert_array_equal(person.points, points)
    np.testing.assert_array_equal(person.confidence, np.isfinite(points[..., 0]))


def test_gaps_in_the_numbering_are_missing_frames(tmp_path: Path) -> None:
    points, scores = made.figure(BODY_25), made.certainty(BODY_25)
    path = made.write_openpose(tmp_path / "clip", [(points, scores)], first=100, absent=(3, 4, 11))
    person = one(read_keypoints(path))
    assert person.n_frames == N
    assert np.flatnonzero(~person.observed.any(1)).tolist() == [3, 4, 11]
    assert "frame 0 is number 100 in the files" in person.notes


def test_numbers_without_leading_zeros_keep_their_order(tmp_path: Path) -> None:
    points, scores = made.figure(BODY_25), made.certainty(BODY_25)
    for name in ("f{}.json", "take2_{}_kp2d.json"):
        path = made.write_openpose(tmp_path / name, [(points, scores)], name=name)
        np.testing.assert_array_equal(one(read_keypoints(path)).points, points)


def test_coco_annotations_flags_frames_and_size(tmp_path: Path) -> None:
    flags = np.full(SCORES_17.shape, 2)
    flags[:, 5], flags[:, 6] = 1, 0
    person = one(read_keypoints(made.write_coco_annotations(tmp_path / "a.json", POINTS_17, flags)))
    assert person.image_size == made.SIZE
    np.testing.assert_array_equal(np.unique(person.confidence[:, 5]), [0.5])
    assert np.isnan(person.points[:, 6]).all()
    np.testing.assert_array_equal(person.points[:, :6], POINTS_17[:, :6])


def test_alphapose_scores_above_one_are_set_to_one(tmp_path: Path) -> None:
    person = one(read_keypoints(made.write_alphapose(tmp_path / "a.json", POINTS_17, SCORES_17 * 1.5)))
    assert person.confidence.max() == 1.0
    assert any("above 1" in note for note in person.notes)


def test_wholebody_133_gives_body_and_feet(tmp_path: Path) -> None:
    points = np.concatenate([POINTS_17, POINTS_26[:, [20, 22, 24, 21, 23, 25]], np.ones((N, 110, 2)) * 300], axis=1)
    person = one(read_keypoints(made.write_alphapose(tmp_path / "a.json", points, np.ones((N, 133)))))
    assert person.skeleton is HALPE_26
    np.testing.assert_array_equal(person.points[:, :17], POINTS_26[:, :17])
    np.testing.assert_array_equal(person.points[:, 20:], POINTS_26[:, 20:])
    assert np.isnan(person.points[:, 17:20]).all()


def test_mmpose_17_points_of_human36m_are_told_by_geometry(tmp_path: Path) -> None:
    points = made.figure(H36M_17)
    person = one(read_keypoints(made.write_mmpose_video(tmp_path / "m.json", points, np.ones((N, 17)))))
    assert person.skeleton is H36M_17


def test_mediapipe_landmarks_as_objects_and_bare_lists(tmp_path: Path) -> None:
    fractions = POINTS_33 / made.SIZE
    objects = [[{"x": x, "y": y, "z": 0, "visibility": 0.9} for x, y in frame] for frame in fractions.tolist()]
    for content in ([{"landmarks": frame} for frame in objects], objects, [None, *objects][1:], fractions.tolist()):
        (tmp_path / "m.json").write_text(json.dumps(content))
        person = one(read_keypoints(tmp_path / "m.json", image_size=made.SIZE))
        np.testing.assert_allclose(person.points, POINTS_33, atol=0.001)


def test_videopose3d_has_a_clip_for_each_subject_action_and_camera(tmp_path: Path) -> None:
    clips = {"S1": {"Walking": [POINTS_17, POINTS_17[:7] + 5]}, "S9": {"Eating": [POINTS_17[:5]]}}
    people = read_keypoints(made.write_videopose3d(tmp_path / "v.npz", clips))
    assert [person.n_frames for person in people] == [N, 7, 5]
    assert [person.source.split(": ")[1] for person in people] == [
        "S1/Walking camera 0",
        "S1/Walking camera 1",
        "S9/Eating",
    ]
    assert people[2].image_size == made.SIZE


def test_deeplabcut_individuals_are_people(tmp_path: Path) -> None:
    other = made.figure(COCO_17, start=(900, 360), height_px=200.0)
    animals = {"anna": (POINTS_17, SCORES_17), "ben": (other, SCORES_17)}
    people = read_keypoints(made.write_deeplabcut(tmp_path / "d.csv", animals, COCO_17))
    assert [person.person_id for person in people] == [0, 1]
    np.testing.assert_array_equal(people[0].points, POINTS_17)
    np.testing.assert_array_equal(people[1].points, other)


def test_trc_rate_and_empty_cells(tmp_path: Path) -> None:
    points = POINTS_26.copy()
    points[6, 3] = np.nan
    person = one(read_keypoints(made.write_trc(tmp_path / "a.trc", points, HALPE_26, fps="29.97")))
    assert person.fps == Fraction(30000, 1001)
    np.testing.assert_array_equal(person.points, points)


def test_frame_rate_given_found_or_assumed(tmp_path: Path) -> None:
    path = made.write_mediapipe(tmp_path / "m.jsonl", POINTS_33, SCORES_33, fps=25)
    assert one(read_keypoints(path)).fps == 25
    assert one(read_keypoints(path, fps=59.94)).fps == Fraction(60000, 1001)
    path = made.write_coco_results(tmp_path / "c.json", POINTS_17, SCORES_17)
    person = one(read_keypoints(path))
    assert person.fps == 30
    assert "fps 30 assumed: the files do not say" in person.notes
    assert not any("fps" in note for note in one(read_keypoints(path, fps="24")).notes)


def test_a_frame_without_anybody_is_missing_in_every_format(tmp_path: Path) -> None:
    points, scores = made.figure(BODY_25), made.certainty(BODY_25)
    points[[0, 7, 19]] = np.nan
    scores[[0, 7, 19]] = 0
    person = one(read_keypoints(made.write_openpose(tmp_path / "clip", [(points, scores)])))
    assert person.n_frames == N
    np.testing.assert_array_equal(person.points, points)
    np.testing.assert_array_equal(person.confidence, scores)


def test_one_file_for_all_frames(tmp_path: Path) -> None:
    points, scores = made.figure(BODY_25), made.certainty(BODY_25)
    frames = [{"people": [{"pose_keypoints_2d": row}]} for row in made.triplets(points, scores)]
    (tmp_path / "list.json").write_text(json.dumps(frames))
    (tmp_path / "lines.jsonl").write_text("\n".join(json.dumps(frame) for frame in frames))
    (tmp_path / "names.json").write_text(json.dumps({f"{i}.jpg": frame for i, frame in enumerate(frames)}))
    for name in ("list.json", "lines.jsonl", "names.json"):
        np.testing.assert_array_equal(one(read_keypoints(tmp_path / name)).points, points)


def test_numbers_that_are_timestamps_are_not_counted_as_frames(tmp_path: Path) -> None:
    points, scores = made.figure(BODY_25), made.certainty(BODY_25)
    path = made.write_openpose(tmp_path / "clip", [(points, scores)])
    for i, file in enumerate(sorted(path.iterdir())):
        file.rename(path / f"{1690000000000 + 33 * i + i % 2}.json")
    person = one(read_keypoints(path))
    assert person.n_frames == N
    assert any("taken for names" in note for note in person.notes)


def test_times_in_the_file(tmp_path: Path) -> None:
    path = made.write_mediapipe(tmp_path / "m.jsonl", POINTS_33, SCORES_33, fps=30)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:5] + lines[9:]))
    person = one(read_keypoints(path))
    assert (person.fps, person.timestamps_s, person.n_frames) == (30, None, N)
    records = [json.loads(line) for line in lines]
    times = np.cumsum(np.tile([0.03, 0.05], N // 2))
    path.write_text("\n".join(json.dumps({**r, "time_s": t}) for r, t in zip(records, times.tolist(), strict=True)))
    person = one(read_keypoints(path))
    np.testing.assert_array_equal(person.timestamps_s, times)
    assert one(read_keypoints(path, fps=25)).timestamps_s is None

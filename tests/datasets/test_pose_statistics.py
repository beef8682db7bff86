"""Means and deviations: of data, of files, of the published table."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maquette.datasets.pose_statistics import (
    INPUT_COLUMNS,
    INPUT_JOINTS,
    PoseStatistics,
    columns,
    output_joints,
    published_statistics,
    statistics_from_data,
    statistics_from_file,
)
from maquette.errors import InputError
from maquette.skeletons import H36M_32


def made_up(seed: int = 0) -> PoseStatistics:
    rng = np.random.default_rng(seed)
    return PoseStatistics(rng.normal(size=64), 1 + rng.random(64), rng.normal(size=96), 1 + rng.random(96), "made up")


def test_moments_in_pieces_are_those_of_the_whole():
    rng = np.random.default_rng(0)
    points = rng.normal(1e5, 3, (700, 64))
    bodies = rng.normal(-1e4, 0.1, (300, 96))
    found = statistics_from_data(
        iter(np.split(points, [1, 90, 400])), iter(np.split(bodies, [299])), "normal numbers far from zero"
    )
    np.testing.assert_allclose(found.mean_2d_px, points.mean(0), rtol=1e-14)
    np.testing.assert_allclose(found.std_2d_px, points.std(0), rtol=1e-9)
    np.testing.assert_allclose(found.mean_3d_mm, bodies.mean(0), rtol=1e-14)
    np.testing.assert_allclose(found.std_3d_mm, bodies.std(0), rtol=1e-9)


def test_scores_and_back():
    statistics, rng = made_up(), np.random.default_rng(1)
    points, bodies = rng.normal(size=(7, 64)), rng.normal(size=(7, 96))
    back = statistics.points_px(statistics.normalised_2d(points))
    np.testing.assert_allclose(back[:, INPUT_COLUMNS], points[:, INPUT_COLUMNS], atol=1e-12)
    for predict_14, joints in ((False, 16), (True, 14)):
        scores = statistics.normalised_3d(bodies, predict_14=predict_14)
        assert scores.shape == (7, 3 * joints)
        used = columns(output_joints(predict_14), 3)
        back = statistics.positions_mm(scores, predict_14=predict_14)
        np.testing.assert_allclose(back[:, used], bodies[:, used], atol=1e-12)
        others = np.setdiff1d(np.arange(96), used)
        np.testing.assert_array_equal(back[:, others], np.tile(statistics.mean_3d_mm[others], (7, 1)))


def test_nothing_is_the_mean():
    statistics = published_statistics("sh")
    np.testing.assert_array_equal(statistics.points_px(np.zeros((1, 32)))[0], statistics.mean_2d_px)
    np.testing.assert_array_equal(statistics.positions_mm(np.zeros((1, 48)))[0], statistics.mean_3d_mm)


def test_published_tables_describe_people():
    sh, gt = published_statistics("sh"), published_statistics("gt")
    assert "Stacked Hourglass" in sh.source
    assert "exact 2D" in gt.source
    row = {name: 2 * H36M_32.index(name) + 1 for name in INPUT_JOINTS}
    # Stacked Hourglass' "spine" stands on the line of the shoulders, Human3.6M's half way down the back.
    for statistics, spine_px in ((sh, 331.2), (gt, 370.7)):
        y = {name: statistics.mean_2d_px[i] for name, i in row.items()}
        assert y["spine"] == pytest.approx(spine_px, abs=0.1)
        assert y["l_shoulder"] == pytest.approx(330.5, abs=1)
        assert y["head"] < y["thorax"] < y["hip"] < y["l_knee"] < y["l_ankle"]
    # The camera looks along z and down y, the hip is the origin; hips are opposite of each other.
    body = sh.mean_3d_mm.reshape(32, 3)
    np.testing.assert_array_equal(body[0], 0)
    np.testing.assert_allclose(body[H36M_32.index("l_hip")], -body[H36M_32.index("r_hip")], atol=1e-3)
    np.testing.assert_array_equal(gt.mean_3d_mm, sh.mean_3d_mm)
    spec = gt.for_spec(predict_14=True)
    assert (len(spec.input_mean), len(spec.output_std)) == (32, 42)
    assert spec.input_mean[1] == pytest.approx(419.741, abs=1e-3)


@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_files(tmp_path, suffix):
    statistics, path = made_up(), tmp_path / f"s{suffix}"
    names = ("mean_2d_px", "std_2d_px", "mean_3d_mm", "std_3d_mm")
    if suffix == ".json":
        path.write_bytes(statistics.to_json())
    else:
        np.savez(path, source="made up", **{name: getattr(statistics, name) for name in names})
    found = statistics_from_file(path)
    for name in names:
        np.testing.assert_array_equal(getattr(found, name), getattr(statistics, name))
    assert found.source == f"file s{suffix}: made up"


def test_unknown_joints_survive_a_file(tmp_path):
    (tmp_path / "gt.json").write_bytes(published_statistics("gt").to_json())
    found = statistics_from_file(tmp_path / "gt.json")
    np.testing.assert_array_equal(found.mean_2d_px, published_statistics("gt").mean_2d_px)
    assert np.isnan(found.mean_2d_px[8])


def test_short_vectors_by_the_published_names(tmp_path):
    statistics = made_up()
    used = columns(output_joints(False), 3)
    np.savez(
        tmp_path / "s.npz",
        data_mean_2d=statistics.mean_2d_px[INPUT_COLUMNS],
        data_std_2d=statistics.std_2d_px,
        data_mean_3d=statistics.mean_3d_mm[used],
        data_std_3d=statistics.std_3d_mm,
    )
    assert statistics_from_file(tmp_path / "s.npz").for_spec().output_mean == statistics.for_spec().output_mean


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ({}, ["no 'mean_2d_px'; there are: none", "no 'std_3d_mm'"]),
        (
            {"mean_2d": [1, 2], "std_2d": ["x"] * 64},
            ["'mean_2d' has 2 values, expected 64 or 32", "no list of numbers"],
        ),
        ({"mean_2d": [0] * 64, "std_2d": [0] * 64, "mean_3d": [0] * 96, "std_3d": [1] * 96}, ["positive numbers"]),
        ([1, 2], ["holds a JSON list"]),
    ],
)
def test_files_that_cannot_be_used(tmp_path, content, texts):
    path = tmp_path / "s.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError) as error:
        statistics_from_file(path)
    for text in texts:
        assert text in str(error.value)


@settings(max_examples=40)
@given(st.binary(max_size=200) | st.text(max_size=50).map(str.encode))
def test_any_bytes(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_bytes(data)
    with pytest.raises(InputError):
        statistics_from_file(path)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        statistics_from_file(tmp_path)


def test_a_coordinate_that_is_not_known():
    with pytest.raises(InputError, match=r"mean_3d_mm of r_hip.*expected finite numbers"):
        PoseStatistics(np.zeros(64), np.ones(64), np.full(96, np.nan), np.ones(96), "a test")


def test_no_frames():
    with pytest.raises(InputError, match="no frame to compute them from"):
        statistics_from_data(iter(()), iter(()), "nothing")


@pytest.mark.parametrize(("points", "camera_frame"), [("sh_ft", True), ("gt", False)])
def test_tables_that_nobody_published(points, camera_frame):
    with pytest.raises(InputError, match=f"no published statistics of 2D '{points}'"):
        published_statistics(points, camera_frame=camera_frame)

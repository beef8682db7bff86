"""``maquette evaluate`` for networks of pictures: figures of spots, whose errors are known beforehand."""

import csv
from pathlib import Path

import numpy as np
import pytest
from made_picture_network import write_picture_model
from made_picture_sets import NECK, PELVIS, in_space, length_mm, postures, write_mpii, write_table
from made_store import write_store
from PIL import Image

from maquette.evaluate import read_report
from maquette.evaluate.pckh_report import read_pckh_report
from maquette.evaluate.report import Report
from maquette.lifting.weak_perspective import skeleton_lengths
from maquette.skeletons import MPII_16

HIPS = MPII_16.indices(("r_hip", "l_hip"))
LABELS = [("S1", "Walking 1")] * 2 + [("S9", "Walking 1")] * 2 + [("S9", "Eating 2"), ("S11", "Eating 1")]
SPLIT = [0, 0, 2, 2, 2, 2]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_picture_model(tmp_path_factory.mktemp("model") / "spots.onnx", skeleton_length_mm=4000.0)


@pytest.fixture(scope="module")
def h36m(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("h36m") / "pictures"
    write_table(folder, "Human3.6M pictures", LABELS, SPLIT)
    return folder


def reported(run, tmp_path: Path, *line: object) -> tuple[Report, str]:
    status, out, err = run("evaluate", *line, "--threads", 1, "--json", tmp_path / "r.json")
    assert status == 0, err
    return read_report(tmp_path / "r.json"), out


def test_perfect_but_for_its_length(run, model: Path, h36m: Path, tmp_path: Path) -> None:
    truth = in_space(postures(6))[2:]
    relative = truth - truth[:, [PELVIS]]
    right = length_mm(truth)
    report, out = reported(run, tmp_path, model, "--data", h36m, "--skeleton-length", f"{1.1 * right:.6f}")
    assert report.protocol.name == "hourglass-h36m"
    assert report.average.frames == 4
    # Each skeleton of its own length, made 1.1 times the mean one.
    factor = 1.1 * right / skeleton_lengths(truth)
    expected = (np.linalg.norm(relative, axis=-1).mean(axis=1) * np.abs(factor - 1)).mean()
    # Reading quarters of cells costs up to 0.35 of 4 cm.
    assert report.average.metrics["mpjpe"] == pytest.approx(expected, abs=8)
    assert (report.average.metrics["n_mpjpe"] or 99) < 15
    assert (report.average.metrics["pa_mpjpe"] or 99) < 15
    assert report.average.metrics["pck150"] == 100
    assert "in the picture: 100.00 % of ten joints within 5 % of the crop's side" in out
    assert f"{1.1 * right:.1f} mm long in all (given); true: S9" in out
    assert "2 of the 15 actions" in out
    assert [row.title for row in report.of("action")] == ["Eating", "Walking"]
    assert [row.title for row in report.of("subject")] == ["S9", "S11"]


def test_report_is_read_again(run, model: Path, h36m: Path, tmp_path: Path) -> None:
    report, out = reported(run, tmp_path, model, "--data", h36m)
    status, again, err = run("evaluate", tmp_path / "r.json", "--against", tmp_path / "r.json")
    assert status == 0, err
    assert again.startswith(out[: out.index("wrote")][:400])
    assert "+0.00" in again
    status, _, err = run("evaluate", tmp_path / "r.json", "--skeleton-length", "fit")
    assert status == 2
    assert "is a report: --skeleton-length" in err
    assert report.model.flip is False
    flipped, _ = reported(run, tmp_path, model, "--data", h36m, "--flip")
    assert flipped.model.flip is True


def test_length_is_the_one_of_the_model_or_of_the_training_people(run, model: Path, h36m: Path, tmp_path: Path) -> None:
    by_model, out = reported(run, tmp_path, model, "--data", h36m)
    assert "4000.0 mm long in all (as the model file says)" in out
    right = length_mm(in_space(postures(6))[:2])
    by_fit, out = reported(run, tmp_path, model, "--data", h36m, "--skeleton-length", "fit")
    assert f"{right:.1f} mm long in all (mean of 2 people of the training)" in out
    assert by_fit.headline is not None
    assert by_model.headline is not None
    assert by_fit.headline < by_model.headline


def test_subjects_actions_and_frames(run, model: Path, h36m: Path, tmp_path: Path) -> None:
    line = (model, "--data", h36m)
    assert reported(run, tmp_path, *line, "--subjects", "S11")[0].average.frames == 1
    assert reported(run, tmp_path, *line, "--actions", "Eat")[0].average.frames == 2
    report, out = reported(run, tmp_path, *line, "--every", 10)
    assert report.average.frames == 2
    assert "frames of videos whose number divides by 10" in out
    status, _, err = run("evaluate", *line, "--subjects", "S5", "--actions", "Flying")
    assert status == 2
    assert "no subject S5" in err
    assert "no action begins with Flying" in err


@pytest.mark.parametrize("kind", ["torch7", "port", "opencv"])
def test_published_crops_differ_by_their_roundings(run, model: Path, h36m: Path, tmp_path: Path, kind: str) -> None:
    exact, _ = reported(run, tmp_path, model, "--data", h36m)
    published, out = reported(run, tmp_path, model, "--data", h36m, "--crops", kind)
    assert f"crops as the published program ({kind})" in out
    assert published.headline is not None
    assert exact.headline is not None
    assert abs(published.headline - exact.headline) < 12


def test_hips_of_3dhp_lie_higher(run, model: Path, tmp_path: Path) -> None:
    points = postures(3)
    truth = in_space(points, thorax_between=False)
    truth[:, [PELVIS, *HIPS]] += 0.2 * (truth[:, [NECK]] - truth[:, [PELVIS]])
    truth[:, MPII_16.index("thorax")] = (truth[:, PELVIS] + truth[:, NECK]) / 2
    # People of any size: the scale is the true one.
    truth = truth * np.array([0.8, 1.0, 1.3])[:, None, None]
    write_table(tmp_path / "d", "MPI-INF-3DHP pictures", [("TS1", "Sports"), ("TS6", "Sitting")] + [("TS6", "Sports")],
                [2, 2, 2], truth)  # fmt: skip
    report, out = reported(run, tmp_path, model, "--data", tmp_path / "d")
    assert report.protocol.name == "hourglass-3dhp"
    assert report.protocol.headline == "pck150"
    assert report.protocol.pck_joints == [n for n in MPII_16.joints if n not in ("pelvis", "thorax")]
    assert report.headline == 100
    assert (report.average.metrics["mpjpe"] or 99) < 16
    assert "the scale of each pose is the true one" in out
    status, _, err = run("evaluate", model, "--data", tmp_path / "d", "--skeleton-length", "fit")
    assert status == 2
    assert "true length" in err


def test_any_pictures_with_3d(run, model: Path, tmp_path: Path) -> None:
    """Where the thorax is does not matter: sources have it in different places."""
    points = postures(2)
    truth = in_space(points, thorax_between=False)
    right = length_mm(truth)
    truth[:, MPII_16.index("thorax")] += 300
    write_table(tmp_path / "d", "something", [("", "a"), ("", "b")], [1, 1], truth)
    report, out = reported(run, tmp_path, model, "--data", tmp_path / "d", "--skeleton-length", f"{right:.3f}")
    assert report.protocol.name == "hourglass-pictures"
    assert "split val" in out
    assert (report.average.metrics["mpjpe"] or 99) < 16
    assert [row.name for row in report.joints] == list(MPII_16.joints)


def test_pckh(run, model: Path, tmp_path: Path) -> None:
    offsets, heads = np.zeros((4, 16, 2)), [20.0, 20.0, 30.0, 40.0]
    wrist, knee = MPII_16.index("l_wrist"), MPII_16.index("r_knee")
    offsets[:, wrist, 0] = 0.6 * np.array(heads)  # wrong for everybody
    offsets[:, knee, 1] = 0.4 * np.array(heads)  # right
    offsets[0, knee, 1] = 12.0  # wrong once: 0.6 heads
    offsets[1, knee] = np.nan
    offsets[:, PELVIS] = 50  # counts for nothing
    write_mpii(tmp_path / "mpii", offsets, heads)
    names = ("r.json", "r.csv", "r.tex", "r.png")
    paths = dict(zip(("--json", "--csv", "--latex", "--figure"), (tmp_path / n for n in names), strict=True))
    line = [part for pair in paths.items() for part in pair]
    status, out, err = run("evaluate", model, "--data", tmp_path / "mpii", "--by-joint", *line)
    assert status == 0, err
    assert "4 people" in out
    assert all(f"wrote {path}" in out for path in paths.values())
    report = read_pckh_report(paths["--json"])
    found = {row.name: row.pckh for row in report.joints}
    assert found["l_wrist"] == 0
    assert found["r_knee"] == pytest.approx(200 / 3)
    assert found["pelvis"] == 0
    assert {row.name: row.counted for row in report.joints}["r_knee"] == 3
    assert report.mean == pytest.approx((12 * 100 + 200 / 3) / 14)
    assert {row.name: row.pckh for row in report.parts}["knee"] == pytest.approx((100 + 200 / 3) / 2)
    rows = list(csv.DictReader(paths["--csv"].read_text().splitlines()))
    assert float(rows[-1]["pckh_percent"]) == report.mean
    assert f"{report.mean:.1f}" in paths["--latex"].read_text()
    with Image.open(paths["--figure"]) as image:
        assert min(image.size) > 400
    status, again, _ = run("evaluate", paths["--json"], "--against", paths["--json"])
    assert status == 0
    assert "+0.00" in again


def test_reports_of_other_people_are_not_compared(run, model: Path, tmp_path: Path) -> None:
    for name, count in (("a", 2), ("b", 3)):
        write_mpii(tmp_path / name, np.zeros((count, 16, 2)), [20.0] * count)
        assert run("evaluate", model, "--data", tmp_path / name, "--json", tmp_path / f"{name}.json")[0] == 0
    status, _, err = run("evaluate", tmp_path / "a.json", "--against", tmp_path / "b.json")
    assert status == 2
    assert "people: 2 and 3" in err
    (tmp_path / "c.json").write_text("{}")
    status, _, err = run("evaluate", tmp_path / "a.json", "--against", tmp_path / "c.json")
    assert status == 2
    assert "no report of PCKh" in err


def test_heads_without_a_size(run, model: Path, tmp_path: Path) -> None:
    write_mpii(tmp_path / "some", np.zeros((3, 16, 2)), [20.0, np.nan, 20.0])
    status, out, err = run("evaluate", model, "--data", tmp_path / "some")
    assert status == 0, err
    assert "people whose head has no size, left out: 1 of 3" in out
    write_mpii(tmp_path / "none", np.zeros((2, 16, 2)), [np.nan, np.nan])
    status, _, err = run("evaluate", model, "--data", tmp_path / "none")
    assert status == 2
    assert "size of nobody's head is known" in err


def test_what_does_not_go_together(run, model: Path, h36m: Path, tmp_path: Path) -> None:
    flat = write_picture_model(tmp_path / "flat.onnx", depth="none")
    write_mpii(tmp_path / "mpii", np.zeros((1, 16, 2)), [20.0])
    store = write_store(tmp_path / "store")
    for line, said in (
        ((flat, "--data", h36m), "finds joints in the picture only"),
        ((model, "--data", tmp_path / "mpii", "--protocol", "hourglass-h36m"), "1 of 1 people have no 3D"),
        ((model, "--data", h36m, "--protocol", "mpii-pckh"), "size of nobody's head"),
        ((model, "--data", h36m, "--truth", "raw", "--source", "gt"), "--truth, --source: of lifters"),
        ((model, "--data", h36m, "--skeleton-length", "tall"), "--skeleton-length tall: expected millimetres"),
        ((model, "--data", h36m, "--skeleton-length", "4.3"), "expected millimetres"),
        ((model, "--data", h36m, "--every", 0), "--every 0: expected 1"),
        ((model, "--protocol", "hourglass-3dhp"), "no data"),
        ((model, "--data", store), "network of pictures"),
        (("maquette-residual", "--data", h36m), "is a lifter"),
        (("maquette-residual", "--data", store, "--crops", "port"), "--crops: of networks of pictures"),
        ((model, "--data", tmp_path), "network of pictures"),
    ):
        status, _, err = run("evaluate", *line)
        assert status == 2, (line, err)
        assert said in err, (line, err)


def test_pictures_may_have_moved(run, model: Path, h36m: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    for path in (h36m / "pictures").iterdir():
        (moved / path.name).write_bytes(path.read_bytes())
    report, _ = reported(run, tmp_path, model, "--data", h36m, "--pictures", moved)
    there, _ = reported(run, tmp_path, model, "--data", h36m)
    assert report.headline == there.headline
    status, _, err = run("evaluate", model, "--data", h36m, "--pictures", tmp_path)
    assert status == 2
    assert "no such picture" in err

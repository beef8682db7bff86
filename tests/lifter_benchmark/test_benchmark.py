"""Numbers of the benchmark against what they must be; the table, the page, the figure and the command."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from maquette.errors import InputError, ModelError
from maquette.geometry.camera import Camera
from maquette.keypoints import Keypoints
from maquette.lifter_benchmark import (
    CONDITIONS,
    benchmark,
    markdown,
    merged,
    open_lifters,
    read_report,
    table,
    test_sets,
)
from maquette.lifter_benchmark.grid import BASE
from maquette.lifter_benchmark.run import CMU, HDM05, SEED
from maquette.lifter_benchmark.tracks import IMAGE_SIZE, film
from maquette.lifting.lifter import Lifter
from maquette.skeletons import H36M_17, LANDMARKS_27

FEW = [c for c in CONDITIONS if c.label in {"exact 2D, 50 fps", "lower body", "15 fps", "told"}]


@pytest.fixture(scope="module")
def report(data, constant_model):
    lifters = open_lifters(["maquette-residual", constant_model])
    return benchmark(lifters, test_sets(data, 4), conditions=FEW)


def test_a_constant_pose_has_its_distance_from_the_truth(data, report, constant_pose) -> None:
    """Mean over the poses of each subject, then over subjects; the mirrored prediction is averaged in."""
    mirrored = constant_pose[H36M_17.mirror_permutation] * [-1, 1, 1]
    pose = (constant_pose + mirrored) / 2
    pose = pose - pose[0]
    cmu = test_sets(data, 4)[0]
    means = []
    for who, pieces in enumerate(cmu.people):
        targets = np.concatenate([film(p, BASE, (SEED, 0, who, i)).targets_m for i, p in enumerate(pieces)])
        means.append(np.linalg.norm(targets - pose, axis=-1).mean())
    cell = report.cell("base", "exact 2D, 50 fps", CMU, "constant")
    assert cell.mpjpe_mm == pytest.approx(1000 * np.mean(means), abs=0.01)
    assert cell.pa_mpjpe_mm < cell.mpjpe_mm


def test_batches_of_windows_give_what_the_lifter_gives(data, report) -> None:
    """The whole path of ``maquette lift``, track by track."""
    lifter = Lifter("maquette-residual")
    focal_px = 1.15 * IMAGE_SIZE[0]
    camera = Camera((focal_px, focal_px), (IMAGE_SIZE[0] / 2, IMAGE_SIZE[1] / 2), IMAGE_SIZE)
    errors = []
    for i, piece in enumerate(test_sets(data, 4)[1].people[0]):
        track = film(piece, replace(BASE, fps=15), (SEED, 1, 0, i))
        keypoints = Keypoints(
            np.where(track.observed[..., None], track.points_px, np.nan),
            track.observed.astype(float),
            LANDMARKS_27,
            Fraction(15),
            IMAGE_SIZE,
        )
        found = lifter(keypoints, camera=camera).positions[track.instants, :17]
        errors.append(np.linalg.norm(found - track.targets_m, axis=-1).mean(axis=-1))
    cell = report.cell("frame rate", "15 fps", HDM05, "maquette-residual")
    assert cell.mpjpe_mm == pytest.approx(1000 * np.concatenate(errors).mean(), abs=0.02)
    assert cell.poses == len(np.concatenate(errors))


def test_what_does_not_apply_is_said(report) -> None:
    assert report.cell("focal length", "told", CMU, "constant").why_not == "does not read a focal length"
    hidden = report.cell("occlusion", "lower body", CMU, "constant")
    assert hidden.mpjpe_mm is None
    assert "never seen" in hidden.why_not
    assert report.cell("occlusion", "lower body", CMU, "maquette-residual").mpjpe_mm > 0


def test_the_same_run_gives_the_same_report(data, report, constant_model) -> None:
    again = benchmark(open_lifters(["maquette-residual", constant_model]), test_sets(data, 4), conditions=FEW)
    assert again.to_json() == report.to_json()


def test_json_table_and_page(report) -> None:
    rows = json.loads(report.to_json())["rows"]
    assert len(rows) == len(FEW) * 2 * 2
    row = next(r for r in rows if r["model"] == "constant" and r["condition"] == "15 fps" and r["set"] == HDM05)
    number = f"{row['mpjpe_mm']:.1f} / {row['pa_mpjpe_mm']:.1f}"
    assert number in table(report)
    page = markdown(report, "lifters.png")
    assert "](lifters.png)" in page
    assert "| occlusion | lower body |" in page
    assert "| – |" in page
    best = report.cell("base", "exact 2D, 50 fps", CMU, "maquette-residual")
    assert f"**{best.mpjpe_mm:.1f}** / {best.pa_mpjpe_mm:.1f}" in page


def test_reports_are_read_and_put_together(data, report, constant_model, tmp_path) -> None:
    """Measured apart and merged is measured together."""
    sets = test_sets(data, 4)
    apart = [benchmark(open_lifters([m]), sets, conditions=FEW) for m in ("maquette-residual", constant_model)]
    for i, one in enumerate(apart):
        (tmp_path / f"{i}.json").write_bytes(one.to_json())
    read = [read_report(tmp_path / f"{i}.json") for i in range(2)]
    assert merged(read).to_json() == report.to_json()
    with pytest.raises(InputError, match="two models are called 'constant'"):
        merged([read[1], report])
    with pytest.raises(InputError, match="seed 20261 and 7"):
        merged([read[0], replace(read[1], seed=7)])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "maquette lifter benchmark 1"}', '{"schema": 3}'])
def test_other_files_are_no_reports(tmp_path, text) -> None:
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(InputError, match=r"r\.json: (is no report|its schema is)"):
        read_report(tmp_path / "r.json")


def test_models_that_cannot_be_compared_are_named_together(tmp_path, constant_model) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"nothing")
    with pytest.raises(ModelError) as error:
        open_lifters(["maquette-none", tmp_path / "broken.onnx", constant_model])
    assert "maquette-none" in str(error.value)
    assert "broken.onnx" in str(error.value)


def test_two_files_of_one_name_are_told_apart(constant_model) -> None:
    assert list(open_lifters([constant_model, constant_model])) == ["constant", "constant (2)"]
    assert list(open_lifters([f"mine={constant_model}", constant_model])) == ["mine", "constant"]


def test_the_command(data, constant_model, tmp_path, capsys) -> None:
    from maquette.cli import main

    files = {
        flag: tmp_path / f"out.{suffix}" for flag, suffix in (("json", "json"), ("figure", "png"), ("markdown", "md"))
    }
    flags = [text for flag, path in files.items() for text in (f"--{flag}", str(path))]
    assert main(["benchmark-lifters", str(constant_model), "--data", str(data), "--tracks", "2", *flags]) == 0
    assert all(path.stat().st_size > 500 for path in files.values())
    assert "](out.png)" in files["markdown"].read_text(encoding="utf-8")
    said = capsys.readouterr().out
    assert "frame rate" in said
    assert main(["benchmark-lifters", str(files["json"])]) == 0
    assert capsys.readouterr().out in said


def test_the_command_without_data(tmp_path, capsys) -> None:
    from maquette.cli import main

    assert main(["benchmark-lifters", "maquette-residual", "--data", str(tmp_path)]) == 2
    assert main(["benchmark-lifters", "maquette-residual", "--data", str(tmp_path), "--figure", "q.xyz"]) == 2
    assert "expected index.json" in capsys.readouterr().err

"""``maquette evaluate`` on what the published pose machine reads and writes, against its own numbers."""

import csv
import json
import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest
from made_store import H36M_32, positions_world_m
from pose_machine_samples import headlines, made_tree, mean_error, written

from maquette.evaluate.pose_machine_report import read_staged
from maquette.evaluate.protocols import H36M_ACTIONS as ACTIONS
from maquette.importers.pose_machine_correction import import_correction
from maquette.lifting.min_max import PUBLISHED_16
from maquette.refine.correction_weights import CorrectionSpec, CorrectionWeights, save_correction
from maquette.skeletons import H36M_16

GOLDENS = Path(__file__).parents[1] / "goldens" / "ssl3d"
DATA = GOLDENS / "data"


@pytest.fixture(scope="module")
def correction(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "published.npz"
    found = import_correction(GOLDENS / "model_ls64.pkl", name="published", batch_norm_scale=True)
    save_correction(found.weights, path)
    return path


@pytest.fixture(scope="module")
def script() -> dict[str, np.ndarray]:
    """What the original program wrote: errors of each frame before, after 0 and after 1 update, and poses."""
    with np.load(GOLDENS / "refine_ls64.npz", allow_pickle=False) as file:
        return {name: file[name] for name in ("script_mpjpe_before_it1_it2", "script_refine3d_mm")}


def test_refinement_through_the_whole_command_is_the_original(
    run, correction: Path, script: dict[str, np.ndarray], tmp_path: Path
) -> None:
    report = tmp_path / "r.json"
    status, out, err = run(
        "evaluate", DATA / "coarse", "--data", DATA, "--refine", "self-supervised", "--correction", correction,
        "--optimiser-state", "carry", "--json", report, "--csv", tmp_path / "r.csv", "--figure", tmp_path / "r.png",
    )  # fmt: skip
    assert status == 0, err
    errors = script["script_mpjpe_before_it1_it2"].mean(axis=0)
    assert list(headlines(report).values()) == pytest.approx(errors, abs=1e-2)
    assert "protocol pose-machine (16 joints, 6 frames)" in out
    assert "1 of the 15 actions" in out
    assert "1 update of published to the 2D 'ours', learning rate 0.00015, optimiser carry" in out
    assert (tmp_path / "r.png").stat().st_size > 10_000
    with (tmp_path / "r.csv").open() as file:
        rows = list(csv.DictReader(file))
    for stage, value in headlines(report).items():
        (average,) = (r for r in rows if r["group"] == "average" and r["model"] == f"coarse ({stage})")
        assert float(average["mpjpe_mm"]) == value
    # Frames by themselves: the first is the same, those after it are not.
    status, out, err = run(
        "evaluate", DATA / "coarse", "--data", DATA, "--refine", "self-supervised", "--correction", correction,
        "--json", tmp_path / "reset.json", "--against", report,
    )  # fmt: skip
    assert status == 0, err
    assert "optimiser reset" in out
    assert "refined differently: 1 update" in out
    reset = headlines(tmp_path / "reset.json")
    assert reset["coarse"] == headlines(report)["coarse"]
    assert reset["refined"] != pytest.approx(headlines(report)["refined"], abs=1e-3)


def recipe(width: int) -> CorrectionWeights:
    """Weights of the original's other run, which are too large to keep: random numbers by recipe."""
    recipe = json.loads((GOLDENS / f"weights_ls{width}.json").read_text())
    arrays = []
    for name, shape in zip(recipe["names"], recipe["shapes"], strict=True):
        fan_in = np.prod(shape[1:]) if len(shape) > 1 else shape[0]
        rng = np.random.default_rng(zlib.crc32(f"dev/{name}".encode()))
        arrays.append((rng.standard_normal(shape) / np.sqrt(fan_in)).astype(np.float32))
    spec = CorrectionSpec(
        name="wide", view="square-crop/v1", licence="none", training_data="none", batch_norm_scale=True
    )
    return CorrectionWeights.from_arrays(arrays, spec)


def test_refinement_with_layers_of_1024(run, tmp_path: Path) -> None:
    save_correction(recipe(1024), tmp_path / "wide.npz")
    status, _, err = run(
        "evaluate", DATA / "coarse", "--data", DATA, "--refine", "self-supervised", "--correction",
        tmp_path / "wide.npz", "--optimiser-state", "carry", "--json", tmp_path / "r.json",
    )  # fmt: skip
    assert status == 0, err
    with np.load(GOLDENS / "refine_ls1024.npz", allow_pickle=False) as file:
        errors = file["script_mpjpe_before_it1_it2"].mean(axis=0)
    assert list(headlines(tmp_path / "r.json").values()) == pytest.approx(errors, abs=1e-2)


def test_files_of_the_refining_program(run, script: dict[str, np.ndarray], tmp_path: Path) -> None:
    errors = script["script_mpjpe_before_it1_it2"]
    folder = tmp_path / "results"
    folder.mkdir()
    np.savetxt(folder / "0.00015mpjp_1.txt", errors, fmt="%.8f")
    status, out, err = run("evaluate", folder, "--data", DATA, "--json", tmp_path / "numbers.json")
    assert status == 0, err
    assert list(headlines(tmp_path / "numbers.json").values()) == pytest.approx(errors.mean(axis=0), abs=1e-7)
    np.savetxt(folder / "refine3d_1.txt", script["script_refine3d_mm"], fmt="%.6f")
    status, out, err = run("evaluate", folder, "--data", DATA, "--json", tmp_path / "poses.json", "--by-subject")
    assert status == 0, err
    assert "S9 Directions" in out
    assert "written beside the poses" not in out
    assert list(headlines(tmp_path / "poses.json").values()) == pytest.approx(errors.mean(axis=0), abs=1e-3)
    np.savetxt(folder / "0.00015mpjp_1.txt", errors + 3, fmt="%.8f")
    status, out, err = run("evaluate", folder, "--data", DATA)
    assert "Directions, refined: the errors that were written beside the poses differ by up to 3.00 mm" in out


def test_folders_of_the_caffe_programs(run, tmp_path: Path) -> None:
    lengths = {1: 11, 6: 23, 15: 40}
    truth = made_tree(tmp_path / "lists", lengths)
    rng = np.random.default_rng(1)
    wanted = {"coarse": [], "corrected": []}
    for number, frames in lengths.items():
        folder = tmp_path / "out" / f"test{number}"
        folder.mkdir(parents=True)
        kept = frames // 5 * 5
        for stage, file, normalised in (
            ("coarse", "RESULT_norm.csv", True), ("coarse", "RESULT_unnorm.csv", False),
            ("corrected", "RESULT_change_unnorm.csv", False),
        ):  # fmt: skip
            found = truth[number][:kept] + rng.normal(scale=30 if stage == "coarse" else 20, size=(kept, 16, 3))
            (folder / file).write_text(written(found, normalised=normalised))
            if not normalised:
                wanted[stage].append(mean_error(found, truth[number][:kept]))
    line = ("evaluate", tmp_path / "out", "--data", tmp_path / "lists", "--json", tmp_path / "r.json")
    status, _, err = run(*line)
    assert status == 2
    assert "2 problems" in err
    assert "Photo: 20 frames were found, the truth has 23" in err
    assert "--published-truncation" in err
    status, out, err = run(*line, "--published-truncation", "--latex", tmp_path / "r.tex")
    assert status == 0, err
    found = headlines(tmp_path / "r.json")
    assert found == {stage: pytest.approx(np.mean(errors), abs=1e-3) for stage, errors in wanted.items()}
    report = read_staged(tmp_path / "r.json").stages[0].report
    assert [(row.action, row.frames) for row in report.of("action")] == [
        ("Directions", 10), ("Photo", 20), ("WalkTogether", 40),
    ]  # fmt: skip
    assert report.data.subjects == ["S9", "S11"]
    assert "3 of the 15 actions" in out
    assert "frames as the published programs count them" in out
    *_, coarse, corrected = (tmp_path / "r.tex").read_text().splitlines()
    assert coarse.startswith("out (coarse) & ")
    assert corrected.endswith(f" & {found['corrected']:.1f} \\\\")
    status, out, err = run(*line, "--published-truncation", "--actions", "Walk", "Photo")
    assert status == 0, err
    assert headlines(tmp_path / "r.json")["coarse"] == pytest.approx(np.mean(wanted["coarse"][1:]), abs=1e-3)
    status, out, err = run("evaluate", tmp_path / "r.json", "--csv", tmp_path / "again.csv")
    assert status == 0, err
    assert "WalkTogether" in out


def test_protocol_iii_and_files_in_another_order(run, tmp_path: Path) -> None:
    """The data set counts Posing before Photo; pictures tell which is which."""
    names = list(ACTIONS)
    names[5:7] = "Posing", "Photo"
    truth = made_tree(tmp_path, {6: 10, 7: 10}, part="test_p3", names=names)
    (tmp_path / "mine").mkdir()
    for number, error in ((6, 10.0), (7, 20.0)):
        moved = truth[number] + np.array([error, 0, 0])
        (tmp_path / "mine" / f"result{number}_norm.csv").write_text(written(moved, normalised=True))
    status, out, err = run(
        "evaluate",
        tmp_path / "mine",
        "--data",
        tmp_path,
        "--protocol",
        "pose-machine-p3",
        "--json",
        tmp_path / "r.json",
    )
    assert status == 0, err
    assert "by their pictures: 6 is Posing, 7 is Photo" in out
    rows = read_staged(tmp_path / "r.json").stages[0].report.of("action")
    assert {row.action: row.metrics["mpjpe"] for row in rows} == {
        # The root has no range: 10 mm there are 10 mm, too.
        "Posing": pytest.approx(10, abs=1e-2), "Photo": pytest.approx(20, abs=1e-2),
    }  # fmt: skip
    status, _, err = run("evaluate", tmp_path / "mine", "--data", tmp_path)
    assert status == 2
    assert "no truth of Photo, Posing" in err


def test_what_is_refused(run, correction: Path, tmp_path: Path) -> None:
    def refused(*arguments: object) -> str:
        status, out, err = run("evaluate", *arguments)
        assert (status, out) == (2, "")
        assert "Traceback" not in err
        return err

    results = tmp_path / "results"
    shutil.copytree(DATA / "coarse", results)
    assert "no truth; give the folder of the published lists" in refused(results)
    assert "or a folder with results of the pose machine" in refused(
        tmp_path / "none", "--data", DATA, "--protocol", "pose-machine"
    )
    (tmp_path / "mask3d.caffemodel").write_bytes(b"\x0a\x04made")
    assert "become models by import-weights" in refused(
        tmp_path / "mask3d.caffemodel", "--data", DATA, "--protocol", "pose-machine"
    )
    assert "no such folder" in refused(results, "--data", tmp_path / "none")
    assert "none of the pose machine's lists" in refused(results, "--data", results)
    assert "expected resultN_norm.csv" in refused(DATA / "hg2dh36m", "--data", DATA)
    assert "pose-machine-p3, not 'martinez'" in refused(results, "--data", DATA, "--protocol", "martinez")
    assert "32 numbers a line, expected 48" in refused(DATA / "ours_2d" / "bilstm2d-p1-800000", "--data", DATA)
    text = refused(results, "--data", DATA, "--flip", "--updates", "3", "--optimiser-state", "carry")
    assert "2 problems" in text
    assert "--updates, --optimiser-state: of --refine" in text
    assert "of which weights?" in refused(results, "--data", DATA, "--refine", "self-supervised")
    line = (results, "--data", DATA, "--refine", "self-supervised", "--correction", correction)
    assert "there are: ours, hourglass, gt" in refused(*line, "--refine-source", "openpose")
    text = refused(*line, "--updates", "0", "--learning-rate", "-1")
    assert "2 problems" in text
    assert "--updates 0" in text
    assert "--learning-rate -1.0: expected a positive number" in text
    assert "no action begins with Sit; there are: Directions" in refused(
        results, "--data", DATA, "--actions", "Sit", "Dir"
    )
    (results / "result3_norm.csv").write_text("0,1,2\n")
    (results / "RESULT_unnorm.csv").write_text((results / "result1_norm.csv").read_text())
    assert "does not say which action it is of" in refused(results, "--data", DATA)
    (results / "RESULT_unnorm.csv").unlink()
    assert "no truth of Eating" in refused(results, "--data", DATA)
    (results / "result_Directions_norm.csv").write_text("")
    assert "are the same kind of result" in refused(results, "--data", DATA)


def test_wrong_lines_of_all_files_at_once(run, tmp_path: Path) -> None:
    truth = made_tree(tmp_path, {1: 5, 2: 5, 3: 5})
    (tmp_path / "mine").mkdir()
    good = written(truth[1], normalised=True).splitlines(keepends=True)
    for number, lines in {
        1: good[:2] + [good[2].replace(",0.", ",nan", 1)] + good[3:],
        2: [line.rsplit(",", 1)[0] + "\n" for line in good],
        3: good,
    }.items():
        (tmp_path / "mine" / f"result{number}_norm.csv").write_text("".join(lines))
    (tmp_path / "mine" / "refine3d_3.txt").write_text("1 2 3\n")
    status, out, err = run("evaluate", tmp_path / "mine", "--data", tmp_path)
    assert (status, out) == (2, "")
    assert "result1_norm.csv: line 3: number " in err
    assert "'nan" in err
    assert "result2_norm.csv" in err
    assert "refine3d_3.txt: line 1: 3 numbers, expected 48" in err
    assert "3 problems" in err


def test_lists_of_scaled_bodies_are_told_from_raw_ones(run, tmp_path: Path) -> None:
    """What the lists do not say, their bones do."""
    body = positions_world_m("S9", "Photo")[:10, H36M_32.indices(H36M_16.joints)] * 1000
    body = body - body[:, :1]
    (tmp_path / "mine").mkdir()
    for size, said in ((1.0, "it is scaled to mean limb lengths"), (1.01, "not limb-scaled")):
        folder = tmp_path / f"lists {size}"
        made_tree(folder, {1: 20})
        listed = folder / "gt" / "test" / "test1.txt"
        poses = np.concatenate([body, size * body])
        values = PUBLISHED_16.normalise(poses).reshape(20, 48)
        lines = []
        for line, value in zip(listed.read_text().splitlines(), values, strict=True):
            name, numbers = line.split(" ")
            parts = numbers.split(",")
            lines.append(f"{name} {','.join([*parts[:32], *(f'{v:.6g}' for v in value), parts[80]])}\n")
        listed.write_text("".join(lines))
        (tmp_path / "mine" / "result1_norm.csv").write_text(written(poses, normalised=True))
        status, out, err = run("evaluate", tmp_path / "mine", "--data", folder)
        assert status == 0, err
        assert said in out


def test_options_of_pose_machines_are_not_those_of_lifters(run, tmp_path: Path, monkeypatch) -> None:
    status, _, err = run(
        "evaluate", "maquette-residual", "--data", tmp_path, "--published-truncation", "--updates", "2"
    )
    assert status == 2
    assert "--published-truncation, --updates: of the protocols of the pose machine" in err

"""``maquette evaluate`` on what the published pose machine reads and writes, against its own numbers."""

import csv
import json
import shutil
import zlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import onnx
import pytest
import torch
from made_store import H36M_32, cameras, positions_world_m, write_store
from PIL import Image

from maquette.datasets.pose_machine_store import rows_from_store
from maquette.datasets.store import Source, StoreWriter, open_store
from maquette.evaluate.pose_machine_report import read_staged
from maquette.evaluate.protocols import H36M_ACTIONS as ACTIONS
from maquette.importers.pose_machine_correction import import_correction
from maquette.lifting.min_max import PUBLISHED_16
from maquette.models.pose_machine import PoseMachine
from maquette.models.pose_machine_fronts import preprocess
from maquette.models.pose_machine_spec import machine_model, machine_spec
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


def made_tree(
    root: Path, lengths: dict[int, int], *, part: str = "test", names: Sequence[str] = ACTIONS, seed: int = 0
) -> dict[int, np.ndarray]:
    """The truth of some actions as lists of 81 numbers (protocol III: 49), and in millimetres by number."""
    rng = np.random.default_rng(seed)
    (root / "gt" / part).mkdir(parents=True)
    found = {}
    for number, frames in lengths.items():
        values = rng.uniform(0.3, 0.7, size=(frames, 48)).round(8)
        values[:, :3] = 0
        points = rng.uniform(0.2, 0.8, size=(frames, 32 if part == "test" else 0))
        lines = []
        for i, (seen, pose) in enumerate(zip(points, values, strict=True)):
            name = f"/home/x/S{9 if i < frames // 2 else 11}/{names[number - 1]}_1/img_{i:05d}.jpg"
            numbers = ",".join(f"{v:.8f}" for v in [*seen, *pose])
            lines.append(f"{name} {numbers},{float(i > 0):.8f}\n")
        (root / "gt" / part / f"test{number}.txt").write_text("".join(lines))
        found[number] = PUBLISHED_16.unnormalise(values.reshape(frames, 16, 3))
    return found


def written(poses_mm: np.ndarray, *, normalised: bool = False) -> str:
    """As the Caffe programs write them: 6 digits, the first field empty or counting to 30."""
    values = PUBLISHED_16.normalise(poses_mm) if normalised else poses_mm
    rows = values.reshape(len(values), 48)
    heads = ["" if normalised else str(i % 30 + 1) for i in range(len(rows))]
    return "".join(f"{head}," + ",".join(f"{v:.6g}" for v in row) + "\n" for head, row in zip(heads, rows, strict=True))


def mean_error(found: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean([np.sqrt(((f - t) ** 2).sum(axis=1)).mean() for f, t in zip(found, truth, strict=True)]))


def headlines(path: Path) -> dict[str, float | None]:
    return {stage.name: stage.report.headline for stage in read_staged(path).stages}


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


def made_machine(
    path: Path, front: Literal["image", "keypoints"] = "keypoints", *, seed: int = 0, **options
) -> PoseMachine:
    """A narrow network and its model file, with the correction beside it."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        machine = PoseMachine(front, width=16, **options).eval()
        for parameter in machine.parameters():
            torch.nn.init.normal_(parameter, std=0.2)
    # That of a network of pictures would take seconds to count its operations.
    about = machine_spec(
        PoseMachine("keypoints", width=16),
        PUBLISHED_16,
        name="narrow",
        limits_source="published",
        licence="none",
        training_data="none",
    )
    if front == "image":
        about = msgspec.structs.replace(about, form="images", image_size=machine.image_size)
    onnx.save(machine_model(machine, about), str(path))
    spec = CorrectionSpec(name="narrow-correction", view="square-crop/v1", licence="none", training_data="none")
    weights = CorrectionWeights.from_arrays(machine.correction.published_arrays(), spec)
    save_correction(weights, path.with_name(f"{path.stem}-correction.npz"))
    return machine


def chunked(machine: PoseMachine, frames: torch.Tensor, videos: Sequence[int], *, carried: bool = False) -> np.ndarray:
    """``(2, rows, 16, 3)`` millimetres: coarse and corrected, five rows at a time."""
    starts = np.cumsum([0, *videos])
    bounds = range(0, len(frames), 5) if carried else [i for a, b in pairwise(starts) for i in range(a, b, 5)]
    found, state = [], None
    for a, b in pairwise([*bounds, len(frames)]):
        clip = torch.tensor([i not in starts for i in range(a, b)])
        clip[0] = clip[0] and carried
        with torch.no_grad():
            out = machine(frames[a:b], clip, state=state if carried else None)
        state = out.state
        found.append(torch.stack([out.coarse, out.corrected]))
    values = torch.cat(found, dim=1).double().numpy()
    return PUBLISHED_16.unnormalise(values.reshape(2, -1, 16, 3))


def test_a_network_of_2d_points_on_the_lists(run, tmp_path: Path) -> None:
    lengths = {1: 12, 2: 20}
    truth = made_tree(tmp_path / "lists", lengths)
    machine = made_machine(tmp_path / "narrow.onnx")
    line = ("evaluate", tmp_path / "narrow.onnx", "--data", tmp_path / "lists", "--protocol", "pose-machine")
    expected = {}
    for carried in (False, True):
        errors = []
        for number, frames in lengths.items():
            rows = (tmp_path / "lists" / "gt" / "test" / f"test{number}.txt").read_text().splitlines()
            points = np.array([row.split(" ")[1].split(",")[:32] for row in rows], dtype=np.float32)
            found = chunked(machine, torch.from_numpy(points), [frames], carried=carried)
            kept = frames // 5 * 5 if carried else frames
            errors.append([mean_error(f[:kept], truth[number][:kept]) for f in found])
        expected[carried] = np.mean(errors, axis=0)
    assert expected[False] != pytest.approx(expected[True], rel=1e-4)
    status, out, err = run(*line, "--source", "gt", "--json", tmp_path / "chunks.json")
    assert status == 0, err
    assert "2D from 'gt'" in out
    assert list(headlines(tmp_path / "chunks.json").values()) == pytest.approx(expected[False], abs=1e-2)
    published = ("--sequences", "carried", "--published-truncation", "--json", tmp_path / "carried.json")
    status, out, err = run(*line, "--source", "gt", *published)
    assert status == 0, err
    assert "2 dropped" in out
    assert list(headlines(tmp_path / "carried.json").values()) == pytest.approx(expected[True], abs=1e-2)
    # The weights of the refinement lie beside the model, as a training leaves them.
    status, out, err = run(*line, "--source", "gt", "--refine", "self-supervised", "--json", tmp_path / "refined.json")
    assert status == 0, err
    assert "1 update of narrow-correction to the 2D 'gt'" in out
    assert "not those that the corrected poses came from" not in out
    refined = headlines(tmp_path / "refined.json")
    assert list(refined) == ["coarse", "corrected", "refined"]
    assert refined["corrected"] == headlines(tmp_path / "chunks.json")["corrected"]
    assert refined["refined"] != refined["corrected"]
    refinement = read_staged(tmp_path / "refined.json").refinement
    assert refinement is not None
    assert (refinement.learning_rate, refinement.optimiser_state) == (1.5e-4, "reset")
    other = made_machine(tmp_path / "other.onnx", seed=5)
    assert other is not machine
    status, out, err = run(
        *line, "--source", "gt", "--refine", "self-supervised", "--correction", tmp_path / "other-correction.npz"
    )
    assert "not those that the corrected poses came from" in out
    status, out, err = run(*line)
    assert status == 2
    assert "2 problems" in err
    assert "result1_norm.csv" in err
    status, out, err = run(*line, "--source", "sh", "--truth", "raw", "--subjects", "S9")
    assert "3 problems" in err
    assert "there are: ours, hourglass, gt" in err


def test_a_network_of_2d_points_on_a_store(run, tmp_path: Path) -> None:
    store = write_store(tmp_path / "store")
    machine = made_machine(tmp_path / "narrow.onnx")
    line = ("evaluate", tmp_path / "narrow.onnx", "--data", store, "--protocol", "pose-machine")
    status, out, err = run(*line, "--json", tmp_path / "r.json", "--by-subject")
    assert status == 0, err
    assert "truth: raw" in out
    assert "2D from 'gt', subjects S9, S11" in out
    report = read_staged(tmp_path / "r.json").stages[0].report
    # Every fifth frame of two cameras: 12 and 8 of the two takes of Walking.
    assert {row.action: row.frames for row in report.of("action")} == {"Walking": 40, "Photo": 20, "Directions": 18}
    rows = rows_from_store(open_store(store), subjects=["S9"], actions=["Photo"])
    found = chunked(machine, torch.from_numpy(rows.points.reshape(20, 32).copy()), [10, 10])
    (photo,) = (row for row in report.of("action") if row.action == "Photo")
    assert photo.metrics["mpjpe"] == pytest.approx(mean_error(found[0], rows.targets_mm()), abs=1e-2)
    status, out, err = run(
        *line, "--source", "cpn_ft_h36m_dbb", "--refine-source", "gt", "--refine", "self-supervised", "--updates", "3",
        "--actions", "Walk", "--subjects", "S9", "--sequences", "whole", "--json", tmp_path / "cpn.json",
    )  # fmt: skip
    assert status == 0, err
    assert "3 updates of narrow-correction to the 2D 'gt'" in out
    status, out, err = run(*line, "--actions", "Walk", "--subjects", "S9", "--against", tmp_path / "cpn.json")
    assert status == 0, err
    assert "the 2D that went in differs: 'gt' against 'cpn_ft_h36m_dbb'" in out
    for arguments, said in (
        (("--truth", "mean-limb-scaled"), "no subject 'S1'"),
        (("--protocol", "pose-machine-p3"), "in its published lists only"),
        (("--subjects", "S7"), "no subject S7; there are: S9, S11"),
        (("--actions", "Sit"), "no action begins with Sit; there are: Walking, Photo, Directions"),
        (("--source", "sh"), "there are: gt, cpn_ft_h36m_dbb"),
    ):
        status, _, err = run(*line, *arguments)
        assert status == 2
        assert said in err
    status, _, err = run("evaluate", tmp_path / "narrow.onnx", "--data", store)
    assert status == 2
    assert "--protocol pose-machine" in err
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "result1_norm.csv").write_text(written(np.zeros((3, 16, 3))))
    status, _, err = run("evaluate", tmp_path / "mine", "--data", store)
    assert "not a store" in err


def test_limb_scaled_truth_of_a_store(run, tmp_path: Path) -> None:
    """With subjects to take mean lengths from."""
    source = Source("gt", H36M_32)
    with StoreWriter(tmp_path / "store", name="made up", skeleton=H36M_32, sources=[source]) as writer:
        for i, subject in enumerate(("S1", "S5", "S6", "S7", "S8", "S9", "S11")):
            positions = positions_world_m("S9", "Photo") * np.float32(1 + 0.03 * i)
            number = writer.add_recording(subject, "Photo", positions, fps=50, cameras=cameras())
            for name, camera in cameras().items():
                points = camera.project_world(positions.astype(float)).astype(np.float32)
                writer.add_keypoints(number, name, "gt", points)
    made_machine(tmp_path / "narrow.onnx")
    line = ("evaluate", tmp_path / "narrow.onnx", "--data", tmp_path / "store", "--protocol", "pose-machine")
    raw, scaled = tmp_path / "raw.json", tmp_path / "scaled.json"
    status, out, err = run(*line, "--json", raw)
    assert status == 0, err
    assert "bone lengths" not in out
    status, out, err = run(*line, "--truth", "mean-limb-scaled", "--json", scaled)
    assert status == 0, err
    assert "truth: scaled to mean limb lengths" in out
    assert headlines(raw) != headlines(scaled)
    status, _, err = run("evaluate", raw, "--against", scaled)
    assert status == 2
    assert "the truth: raw and scaled to mean limb lengths" in err


def test_a_network_of_pictures(run, tmp_path: Path) -> None:
    truth = made_tree(tmp_path / "lists", {1: 7})
    machine = made_machine(tmp_path / "seeing.onnx", "image", image_size=56)
    rng = np.random.default_rng(0)
    squares = rng.integers(0, 256, size=(7, 56, 56, 3), dtype=np.uint8)
    for i, square in enumerate(squares):
        path = tmp_path / "pictures" / f"S{9 if i < 3 else 11}/Directions_1/img_{i:05d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(square).save(path)
    listed = tmp_path / "lists" / "gt" / "test" / "test1.txt"
    listed.write_text(listed.read_text().replace(".jpg", ".png"))
    found = chunked(machine, preprocess(torch.from_numpy(squares), 56), [7])
    line = ("evaluate", tmp_path / "seeing.onnx", "--data", tmp_path / "lists", "--protocol", "pose-machine")
    status, _, err = run(*line)
    assert status == 2
    assert "no such picture" in err
    line = (*line, "--pictures", tmp_path / "pictures", "--pictures-prefix", "/home/x/")
    status, out, err = run(*line, "--json", tmp_path / "r.json")
    assert status == 0, err
    errors = [mean_error(f, truth[1]) for f in found]
    assert list(headlines(tmp_path / "r.json").values()) == pytest.approx(errors, abs=1e-2)
    assert "2D from" not in out
    status, _, err = run(*line, "--sequences", "whole")
    assert "do not fit into memory" in err


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

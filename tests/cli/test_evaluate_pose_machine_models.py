"""``maquette evaluate`` of pose machines in model files, on the published lists and on stores."""

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
from pose_machine_samples import headlines, made_tree, mean_error, written

from maquette.datasets.pose_machine_store import rows_from_store
from maquette.datasets.store import Source, StoreWriter, open_store
from maquette.evaluate.pose_machine_report import read_staged
from maquette.lifting.min_max import PUBLISHED_16
from maquette.models.pose_machine import PoseMachine
from maquette.models.pose_machine_fronts import preprocess
from maquette.models.pose_machine_spec import machine_model, machine_spec
from maquette.refine.correction_weights import CorrectionSpec, CorrectionWeights, save_correction


def made_machine(
    path: Path, front: Literal["image", "keypoints"] = "keypoints", *, seed: int = 0, corrects: bool = True, **options
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
        corrects=corrects,
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
    # What is written is what the published programs write, and what is read of theirs.
    mine = tmp_path / "mine"
    written_too = ("--refine", "self-supervised", "--write-results", mine)
    status, out, err = run(*line, "--source", "gt", *written_too)
    assert status == 0, err
    assert sorted(path.name for path in mine.iterdir()) == [
        *("refine3d_1.txt", "refine3d_2.txt", "result1_change_unnorm.csv", "result1_norm.csv"),
        *("result2_change_unnorm.csv", "result2_norm.csv"),
    ]
    assert all(row.startswith(",") for row in (mine / "result2_norm.csv").read_text().splitlines())
    status, _, err = run("evaluate", mine, "--data", tmp_path / "lists", "--json", tmp_path / "again.json")
    assert status == 0, err
    assert headlines(tmp_path / "again.json") == pytest.approx(refined, abs=1e-5)
    status, _, err = run("evaluate", mine, "--data", tmp_path / "lists", "--write-results", mine)
    assert status == 2
    assert "is what is evaluated; choose another folder" in err
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
    # The mean lengths are those of the training subjects; where there are none, of whom is not tested.
    status, out, err = run(*line, "--truth", "mean-limb-scaled", "--subjects", "S11")
    assert status == 0, err
    assert "truth: scaled to mean limb lengths of S9" in out
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
    assert "truth: scaled to mean limb lengths\n" in out
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
    assert "%" not in err, "said before anything is read"


def test_a_network_without_a_trained_correction_has_coarse_poses_only(run, tmp_path: Path) -> None:
    made_tree(tmp_path / "lists", {1: 5})
    made_machine(tmp_path / "early.onnx", corrects=False)
    line = ("evaluate", tmp_path / "early.onnx", "--data", tmp_path / "lists", "--protocol", "pose-machine")
    status, _, err = run(*line, "--source", "gt", "--json", tmp_path / "r.json")
    assert status == 0, err
    assert list(headlines(tmp_path / "r.json")) == ["coarse"]

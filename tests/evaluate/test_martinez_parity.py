"""Evaluation of Martinez' networks: files to store, store to model file, model file to errors, against the original."""

import json
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from maquette.cli.evaluated_store import chosen_views, fit_model, predictions
from maquette.datasets.h36m import prepare_h36m
from maquette.datasets.standard_scores import statistics_of_store
from maquette.datasets.store import PoseStore
from maquette.evaluate import PROTOCOLS, Report, evaluate
from maquette.importers.martinez import import_tensorflow
from maquette.lifting.lifter import Lifter
from maquette.models.martinez import ResidualNetwork
from maquette.models.martinez_graph import build_onnx, model_spec

TRAIN, TEST = ("S1", "S5", "S6", "S7", "S8"), ("S9", "S11")
SOURCES = {"gt2d": "gt", "sh": "sh"}
CONFIGURATIONS = {
    "res_bn_maxnorm_16": {},
    "res_bn_maxnorm_14": {"outputs": 42},
    "res_bn_nomaxnorm_16": {"max_norm": False},
}
CASES = [
    ("res_bn_maxnorm_16", "gt2d"),
    ("res_bn_maxnorm_16", "sh"),
    ("res_bn_nomaxnorm_16", "sh"),
    ("res_bn_maxnorm_14", "sh"),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, goldens_dir: Path) -> PoseStore:
    folder = tmp_path_factory.mktemp("h36m")
    with zipfile.ZipFile(goldens_dir / "martinez_data" / "h36m.zip") as archive:
        archive.extractall(folder)
    # The original projects what lies behind a camera as well; in the made-up data something does.
    return prepare_h36m(folder / "h36m", folder / "store", mirror_behind=True)


@pytest.fixture(scope="module")
def golden(goldens_dir: Path) -> dict:
    return json.loads((goldens_dir / "martinez_data" / "evaluation.json").read_text())


def network_of(goldens_dir: Path, name: str) -> ResidualNetwork:
    with np.load(goldens_dir / "martinez" / f"{name}.npz") as data:
        tensors = {key.removeprefix("linear_model/"): torch.from_numpy(data[key]) for key in data if "/" in key}
    network = ResidualNetwork(linear_size=64, **CONFIGURATIONS[name]).eval()

    def fill(stage, weight: str, bias: str, norm: str) -> None:
        stage.linear.weight.copy_(tensors[weight].T)
        stage.linear.bias.copy_(tensors[bias])
        for ours, theirs in (
            ("weight", "gamma"),
            ("bias", "beta"),
            ("running_mean", "moving_mean"),
            ("running_var", "moving_variance"),
        ):
            getattr(stage.norm, ours).copy_(tensors[f"{norm}/{theirs}"])

    with torch.no_grad():
        fill(network.first, "w1", "b1", "batch_normalization")
        for i, block in enumerate(network.blocks):
            fill(block.first, *(f"two_linear_{i}/{n}" for n in (f"w2_{i}", f"b2_{i}", f"batch_normalization1{i}")))
            fill(block.second, *(f"two_linear_{i}/{n}" for n in (f"w3_{i}", f"b3_{i}", f"batch_normalization2{i}")))
        network.last.weight.copy_(tensors["w4"].T)
        network.last.bias.copy_(tensors["b4"])
    return network


def in_golden_order(store: PoseStore, source: str, keys: list[str], layout: dict[tuple[str, str], str]) -> list:
    """Views as the original had them: what does not fill the last batch depends on it."""
    views = {
        f"{recording.subject[1:]}|{recording.kind}|{layout[recording.subject, recording.action]}.{view.camera_name}": (
            recording,
            view,
        )
        for recording, view in chosen_views(store, source, PROTOCOLS["martinez"], TEST, ())[0]
    }
    return [views[key.removesuffix("-sh").removesuffix(".h5")] for key in keys]


@pytest.fixture(scope="module")
def layout(store: PoseStore, golden: dict) -> dict[tuple[str, str], str]:
    """(subject, action of the store) -> name of the file: the store spells takes as VideoPose3D does."""
    names = {tuple(key.removesuffix(".h5").split("|")) for key in golden["test_order"]["world_frame"]}
    found = {}
    for subject in TEST:
        for kind in {recording.kind for recording in store.recordings}:
            files = sorted(name for s, k, name in names if f"S{s}" == subject and k == kind)
            takes = sorted(r.action for r in store.recordings if (r.subject, r.kind) == (subject, kind))
            found |= {(subject, take): file for take, file in zip(takes, files, strict=True)}
    return found


def model_of(store: PoseStore, goldens_dir: Path, name: str, source: str, *, camera_frame: bool = True):
    """From TensorFlow's own checkpoint where the tests have it, else from the numbers in it."""
    checkpoint = goldens_dir / "martinez_model" / name
    if (checkpoint / "checkpoint").exists():
        flags = {"max_norm": "_maxnorm_" in name, "residual": name.startswith("res_"), "camera_frame": camera_frame}
        return import_tensorflow(checkpoint, name=name, statistics=str(store.path), source=source, **flags).model
    assert camera_frame
    statistics = statistics_of_store(store, source=source, subjects=TRAIN)
    network = network_of(goldens_dir, name)
    points = store.sources[source].skeleton
    spec = model_spec(network, statistics, name=name, points=points, training_data="made up", licence="none")
    return build_onnx(network, spec)


@pytest.fixture(scope="module")
def reports(store, golden, layout, goldens_dir, tmp_path_factory):
    """Configuration, 2D -> reports of all protocols."""
    found: dict[tuple[str, str], dict[str, Report]] = {}
    for name, kind in CASES:
        source = SOURCES[kind]
        path = tmp_path_factory.mktemp("model") / f"{name}.onnx"
        onnx.save(model_of(store, goldens_dir, name, source), str(path))
        lifter = Lifter(path, flip=False, threads=1)
        fit = fit_model(lifter, store, source)
        views = in_golden_order(store, source, golden["test_order"][kind], layout)
        lifted = list(predictions(lifter, store, source, fit, views))
        found[name, kind] = {
            protocol: evaluate(lifted, PROTOCOLS[protocol], joints=fit.names, root=fit.root)
            for protocol in ("martinez", "martinez-procrustes", "martinez-global")
        }
    return found


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_all_frames(reports, golden, name: str, kind: str) -> None:
    report = reports[name, kind]["martinez-global"]
    plain, aligned = (golden["errors"][f"{name}|camera_frame|{kind}|{how}"] for how in ("plain", "procrustes"))
    assert report.average.frames == 64 * plain["n_batches"]
    assert report.headline == pytest.approx(plain["total_err_mm"], rel=1e-4)
    assert report.average.metrics["pa_mpjpe"] == pytest.approx(aligned["total_err_mm"], rel=1e-4)
    assert len(report.joints) == len(plain["joint_err_mm"])
    np.testing.assert_allclose([joint.mpjpe for joint in report.joints], plain["joint_err_mm"], rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose([joint.pa_mpjpe for joint in report.joints], aligned["joint_err_mm"], rtol=1e-4)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_action_by_action(reports, golden, name: str, kind: str) -> None:
    report = reports[name, kind]["martinez"]
    expected = {
        key.rsplit("|", 1)[1]: value
        for key, value in golden["errors"].items()
        if key.startswith(f"{name}|camera_frame|{kind}|action")
    }
    assert {row.action: row.frames for row in report.of("action")} == {
        action: 64 * value["n_batches"] for action, value in expected.items()
    }
    for row in report.of("action"):
        assert row.metrics["mpjpe"] == pytest.approx(expected[row.action]["total_err_mm"], rel=1e-4)
    mean = np.mean([value["total_err_mm"] for value in expected.values()])
    assert report.headline == pytest.approx(mean, rel=1e-4)
    assert reports[name, kind]["martinez-procrustes"].rows == report.rows


def test_poses_of_the_world_frame(store, golden, goldens_dir, layout, tmp_path) -> None:
    path = tmp_path / "m.onnx"
    onnx.save(model_of(store, goldens_dir, "res_bn_maxnorm_16", "gt", camera_frame=False), str(path))
    lifter = Lifter(path, flip=False, threads=1)
    fit = fit_model(lifter, store, "gt")
    assert any("world" in note for note in fit.notes)
    views = in_golden_order(store, "gt", golden["test_order"]["gt2d"], layout)
    lifted = list(predictions(lifter, store, "gt", fit, views))
    start = "res_bn_maxnorm_16|world_frame|gt2d|"
    errors = {key.removeprefix(start): value for key, value in golden["errors"].items() if key.startswith(start)}
    report = evaluate(lifted, PROTOCOLS["martinez-global"], joints=fit.names, root=fit.root)
    assert report.headline == pytest.approx(errors["plain"]["total_err_mm"], rel=1e-4)
    assert report.average.metrics["pa_mpjpe"] == pytest.approx(errors["procrustes"]["total_err_mm"], rel=1e-4)
    np.testing.assert_allclose(
        [joint.mpjpe for joint in report.joints], errors["plain"]["joint_err_mm"], rtol=1e-4, atol=1e-9
    )
    rows = evaluate(lifted, PROTOCOLS["martinez"], joints=fit.names, root=fit.root).of("action")
    assert len(rows) == 3
    for row in rows:
        assert row.metrics["mpjpe"] == pytest.approx(errors[f"action|{row.action}"]["total_err_mm"], rel=1e-4)

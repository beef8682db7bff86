"""``maquette evaluate`` on the made-up Human3.6M of the reference runs: VideoPose3D and RIE, from files to errors."""

import json
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
from published_weights import fill

from maquette.cli import main
from maquette.cli.evaluated_store import chosen_views, fit_model, predictions
from maquette.datasets.h36m import prepare_h36m
from maquette.datasets.store import PoseStore, open_store
from maquette.evaluate import PROTOCOLS, read_report
from maquette.lifting.lifter import Lifter
from maquette.models.rie import RelativeEncodingNetwork
from maquette.models.rie_graph import build_onnx as rie_onnx
from maquette.models.rie_groups import H36M_GROUPS
from maquette.models.videopose import TemporalModel
from maquette.models.videopose_graph import build_onnx as temporal_onnx
from maquette.models.videopose_graph import clip_spec
from maquette.runtime.spec import ModelSpec
from maquette.skeletons import H36M_17

CPN = "cpn_ft_h36m_dbb"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, goldens_dir: Path) -> PoseStore:
    folder = tmp_path_factory.mktemp("store") / "h36m"
    return prepare_h36m(goldens_dir / "rie_data", folder, subjects=["S1", "S9"])


def temporal_file(path: Path, *, causal: bool) -> Path:
    network = fill(TemporalModel(17, 2, 17, filter_widths=(3, 3, 3), channels=64, causal=causal))
    spec = clip_spec(
        network,
        name="tcn",
        input_skeleton=H36M_17,
        output_skeleton=H36M_17,
        window_step_s=0.02,
        licence="none",
        training_data=f"made up; 2D source {CPN}",
    )
    onnx.save(temporal_onnx(network, spec), str(path))
    return path


@pytest.fixture(scope="module")
def rie_files(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("rie")

    def file(widths: int, stage: int) -> Path:
        path = folder / f"{widths}-{stage}.onnx"
        return path if path.exists() else rie_file(path, widths, stage)

    return file


def rie_file(path: Path, widths: int, stage: int) -> Path:
    network = fill(RelativeEncodingNetwork(H36M_GROUPS, filter_widths=(3,) * widths, stage=stage))
    spec = msgspec.convert(
        {
            "schema": 1,
            "name": "rie",
            "kind": "relative",
            "form": "clip",
            "input_skeleton": "h36m-17",
            "output_skeleton": "h36m-17",
            "mapping": "h36m-17/v1",
            "normalisation": "screen/v1",
            "window_frames": network.receptive_field,
            "window_step_s": 0.02,
            "unit": "m",
            "licence": "none",
            "training_data": f"made up; 2D source {CPN}",
        },
        type=ModelSpec,
    )
    onnx.save(rie_onnx(network, spec), str(path))
    return path


def run(model: Path, store: PoseStore, report: Path, *options: str):
    line = [str(model), "--data", str(store.path), "--subjects", "S9", "--json", str(report), "--threads", "1"]
    assert main(["evaluate", *line, *options]) == 0
    return read_report(report)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("flip", [False, True])
def test_videopose3d(tmp_path, store, goldens_dir, flip: bool, causal: bool) -> None:
    model = temporal_file(tmp_path / "m.onnx", causal=causal)
    report = run(model, store, tmp_path / "r.json", "--flip" if flip else "--no-flip")
    assert (report.protocol.name, report.data.source) == ("videopose3d", CPN)
    runs = json.loads((goldens_dir / "videopose3d" / "run_errors.json").read_text())
    expected = runs[("tta" if flip else "notta") + ("_causal" if causal else "")]
    assert {row.action: row.frames for row in report.of("action")} == {"Directions": 240, "Walking": 252}
    for row in report.of("action"):
        wanted = expected[row.action]
        for ours, theirs in (
            ("mpjpe", "mpjpe_mm"),
            ("pa_mpjpe", "p_mpjpe_mm"),
            ("n_mpjpe", "n_mpjpe_mm"),
            ("mpjve", "mpjve_mm"),
        ):
            assert row.metrics[ours] == pytest.approx(wanted[theirs], rel=1e-4, abs=1e-2), (row.action, ours)
    mean = np.mean([wanted["mpjpe_mm"] for wanted in expected.values()])
    assert report.headline == pytest.approx(mean, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "widths", "stage", "flip"),
    [
        ("rf27_stage1_tta", 3, 1, True),
        ("rf27_stage3_tta", 3, 3, True),
        ("rf27_stage3_notta", 3, 3, False),
        pytest.param("rf243_stage3_tta", 5, 3, True, marks=pytest.mark.slow),
    ],
)
def test_rie(tmp_path, store, rie_files, goldens_dir, name: str, widths: int, stage: int, flip: bool) -> None:
    model = rie_files(widths, stage)
    report = run(model, store, tmp_path / "r.json", "--flip" if flip else "--no-flip")
    assert (report.protocol.name, report.data.source) == ("rie", CPN)
    golden = json.loads((goldens_dir / "rie_eval" / "errors.json").read_text())["results"][name]
    for row in report.of("action"):
        wanted = golden["actions"][row.action]
        assert row.metrics["mpjpe"] == pytest.approx(wanted["mpjpe_mm"], rel=1e-4, abs=1e-2)
        assert row.metrics["pa_mpjpe"] == pytest.approx(wanted["p_mpjpe_mm"], rel=1e-4, abs=1e-2)
    printed = [f"{report.average.metrics[metric]:.1f}" for metric in ("mpjpe", "pa_mpjpe")]
    assert printed == golden["average_line"]
    with np.load(goldens_dir / "rie_eval" / "predictions.npz") as data:
        subject, action, camera = str(data["clip"]).split("|")
        expected = data[name]
    lifter = Lifter(model, flip=flip, threads=1)
    fit = fit_model(lifter, store, CPN)
    views, _ = chosen_views(open_store(store.path), CPN, PROTOCOLS["rie"], (subject,), (action,))
    (found,) = predictions(lifter, store, CPN, fit, [views[int(camera.removeprefix("camera "))]])
    assert (found.subject, found.action) == (subject, action)
    # Without the mirrored input the original exports its first batch only.
    np.testing.assert_allclose(found.predicted_m[: len(expected)], expected, atol=1e-5)

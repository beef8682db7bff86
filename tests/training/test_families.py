"""A training of every family on a few frames, from the data to a model file that runs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maquette.datasets.store import open_store
from maquette.errors import InputError
from maquette.lifting.published import input_joints, lift_clip, output_joints
from maquette.runtime.onnx_model import OnnxModel
from maquette.skeletons import H36M_32
from maquette.training.records import read_log
from maquette.training.run import train

FEW: dict[str, Any] = {"subjects_train": ("S1", "S5"), "subjects_test": ("S9",), "batch_size": 64}
SMALL: dict[str, dict[str, Any]] = {
    "martinez-h36m-gt": {"linear_size": 16, "epochs": 2},
    "martinez-h36m-sh": {"linear_size": 16, "epochs": 1, "predict_14": True},
    "rie-h36m-gt": {"filter_widths": (3, 3), "channels": 8, "latent": 6, "hidden": 16, "epochs": (2, 1, 1)},
    "tcn-h36m-semi": {
        "subjects_train": ("S1",),
        "subjects_unlabeled": ("S5",),
        "subset": 0.5,
        "filter_widths": (3, 3),
        "channels": 8,
        "epochs": 3,
        "warmup": 1,
        "batch_size": 16,
    },
    "tcn-h36m-cpn": {"source": "gt", "filter_widths": (3, 3), "channels": 8, "epochs": 2},
}


def measured_mm(model: OnnxModel, store_path: Path, source: str) -> float:
    """MPJPE of a model file on the test subject, by the runtime that users have."""
    store, spec = open_store(store_path), model.spec
    body = H36M_32.indices(["hip", *(name for name in output_joints(spec) if name != "hip")])
    names = [name for name in input_joints(spec)]
    distances = []
    for recording in (r for r in store.recordings if r.subject == "S9"):
        for view in recording.views:
            points = np.array(store.keypoints_px(recording, view, source))[:, H36M_32.indices(names)]
            found = lift_clip(model, points, view.camera.image_size, flip=False)
            if "hip" not in output_joints(spec):
                found = np.concatenate([np.zeros_like(found[:, :1]), found], axis=1)
            target = store.positions_camera_m(recording, view)[:, body]
            distances.append(np.linalg.norm(found - (target - target[:, :1]), axis=-1))
    return 1000 * float(np.concatenate(distances).mean())


@pytest.mark.parametrize("preset", SMALL)
def test_from_a_store_to_a_model_that_lifts(lab, tmp_path, preset):
    path = train(preset, data_dir=lab, out_dir=tmp_path, **FEW | SMALL[preset])
    assert path is not None
    model = OnnxModel(path)
    spec = model.spec
    assert spec.name == preset
    assert f"maquette train {preset}" in spec.command
    assert "made up: subjects S1" in spec.training_data
    if preset == "martinez-h36m-sh":
        assert len(output_joints(spec)) == 14
        assert spec.mapping == "h36m-17/stacked-hourglass"
        return
    log = tmp_path / ("stage-3" if preset.startswith("rie") else ".") / "log.csv"
    said = read_log(log)[-1]["mpjpe_mm"]
    assert measured_mm(model, lab, "gt") == pytest.approx(said, abs=0.02)
    assert 20 < said < 2000


@pytest.mark.parametrize("preset", ["rie-humaneva", "tcn-humaneva"])
def test_humaneva(humaneva, tmp_path, preset):
    few: dict[str, Any] = {
        "subjects_train": ("Train/S1", "Train/S2"),
        "subjects_test": ("Validate/S1",),
        "filter_widths": (3, 3),
    }
    sizes: dict[str, Any] = {"channels": 8, "batch_size": 64, "actions": ("Walk",), "validate_epochs": 1}
    more: dict[str, Any] = (
        {"latent": 6, "hidden": 16, "epochs": (1, 1, 1)} if preset.startswith("rie") else {"epochs": 1}
    )
    path = train(preset, data_dir=humaneva, out_dir=tmp_path, **few, **sizes, **more)
    assert path is not None
    model = OnnxModel(path)
    assert model.spec.output_skeleton == "humaneva-15"
    assert model.spec.window_step_s == pytest.approx(1 / 60)
    points = np.random.default_rng(0).uniform(300, 700, (10, len(input_joints(model.spec)), 2))
    assert lift_clip(model, points, (640, 480)).shape == (10, 15, 3)


def test_joints_of_another_order_are_refused(humaneva, tmp_path):
    fields: dict[str, Any] = {"subjects_train": ("Train/S1",), "subjects_test": ("Validate/S1",), "actions": ("Walk",)}
    every: dict[str, Any] = fields | {"actions": ()}
    with pytest.raises(InputError, match=r"2D points of 'detectron_pt_coco' are of the skeleton coco-17.*humaneva-15"):
        train("rie-humaneva", data_dir=humaneva, out_dir=tmp_path, source="detectron_pt_coco", **fields)
    with pytest.raises(InputError, match=r"2D points of 'gt' are of the skeleton humaneva-15.*(?s:.)*3D positions are"):
        train("rie-h36m-gt", data_dir=humaneva, out_dir=tmp_path, **fields)
    with pytest.raises(InputError, match="its joints are humaneva-15"):
        train("martinez-h36m-gt", data_dir=humaneva, out_dir=tmp_path, **every)
    with pytest.raises(InputError, match="is no store"):
        train("tcn-humaneva", data_dir=tmp_path, out_dir=tmp_path / "run", **fields)
    with pytest.raises(InputError, match=r"index.json"):
        train("tcn-mocap", data_dir=humaneva, out_dir=tmp_path / "run")

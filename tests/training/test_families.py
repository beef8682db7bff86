"""A training of every family on a few frames, from the data to a model file that runs."""

from typing import Any

import numpy as np
import pytest

from maquette.lifting.published import input_joints, lift_clip, output_joints
from maquette.runtime.onnx_model import OnnxModel
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


@pytest.mark.parametrize("preset", SMALL)
def test_from_a_store_to_a_model_that_lifts(lab, tmp_path, preset):
    path = train(preset, data_dir=lab, out_dir=tmp_path, **FEW | SMALL[preset])
    assert path is not None
    model = OnnxModel(path)
    spec = model.spec
    assert spec.name == preset
    assert f"maquette train {preset}" in spec.command
    assert "made up: subjects S1" in spec.training_data
    points = np.random.default_rng(0).uniform(300, 700, (12, len(input_joints(spec)), 2))
    found = lift_clip(model, points, (1000, 1000))
    assert found.shape == (12, len(output_joints(spec)), 3)
    assert 0.001 < np.abs(found).max() < 30

"""A clip through the model file and ``lift_clip`` against the export of the published program (``--viz-export``)."""

import numpy as np
import onnx
import pytest
from published_weights import fill  # pyright: ignore[reportMissingImports]

from maquette.lifting.published import lift_clip
from maquette.models.rie import RelativeEncodingNetwork
from maquette.models.rie_graph import build_onnx, clip_spec
from maquette.runtime.onnx_model import OnnxModel
from maquette.skeletons import H36M_17

IMAGE_SIZE = (1000, 1000)
FRAMES = 60


def clip_px(goldens_dir) -> np.ndarray:
    """The clip of the reference: subject S9, "Directions 1", second camera; detections run on after the mocap."""
    with np.load(goldens_dir / "rie_data" / "data_2d_h36m_cpn_ft_h36m_dbb.npz", allow_pickle=True) as data:
        points = data["positions_2d"].item()["S9"]["Directions 1"][1]
    return points[:FRAMES].astype(np.float64)


@pytest.mark.parametrize(
    ("case", "widths", "stage"),
    [
        ("rf27_stage1_tta", (3, 3, 3), 1),
        ("rf27_stage3_tta", (3, 3, 3), 3),
        ("rf27_stage3_notta", (3, 3, 3), 3),
        ("rf243_stage3_tta", (3, 3, 3, 3, 3), 3),
    ],
)
def test_the_published_export(goldens_dir, tmp_path, case, widths, stage):
    with np.load(goldens_dir / "rie_eval" / "predictions.npz") as data:
        assert str(data["clip"]) == "S9|Directions 1|camera 1"
        expected = data[case]
    network = fill(RelativeEncodingNetwork(filter_widths=widths, stage=stage))
    spec = clip_spec(
        network,
        name=case,
        input_skeleton=H36M_17,
        output_skeleton=H36M_17,
        window_step_s=0.02,
        licence="none",
        training_data="none",
    )
    onnx.save(build_onnx(network, spec), str(tmp_path / "m.onnx"))
    found = lift_clip(OnnxModel(tmp_path / "m.onnx"), clip_px(goldens_dir), IMAGE_SIZE, flip=case.endswith("_tta"))
    assert found.shape == (FRAMES, 17, 3)
    # Without flip averaging the published program exports its first batch only.
    np.testing.assert_allclose(found[: len(expected)], expected, rtol=0, atol=1e-5)
    assert len(expected) == (FRAMES if case.endswith("_tta") else 16)

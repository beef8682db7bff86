"""``maquette render --export`` against what the whole original program exports with ``--render --viz-export``."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from published_weights import fill  # pyright: ignore[reportMissingImports]

from maquette.datasets.h36m import prepare_h36m
from maquette.models.videopose import TemporalModel
from maquette.models.videopose_graph import build_onnx, clip_spec
from maquette.skeletons import H36M_17


@pytest.fixture(scope="module")
def store(tmp_path_factory, goldens_dir) -> Path:
    """The made-up Human3.6M that the original program was run on, from its own archives."""
    folder = tmp_path_factory.mktemp("store") / "h36m"
    return prepare_h36m(goldens_dir / "rie_data", folder, subjects=["S1", "S9"]).path


@pytest.mark.parametrize(("flip", "causal"), [(True, False), (False, True)])
def test_export_is_that_of_videopose3d(run, store, tmp_path, goldens_dir, flip, causal) -> None:
    network = fill(TemporalModel(17, 2, 17, filter_widths=(3, 3, 3), channels=64, causal=causal))
    spec = clip_spec(
        network,
        name="made-up",
        input_skeleton=H36M_17,
        output_skeleton=H36M_17,
        window_step_s=0.02,
        licence="none",
        training_data="none",
    )
    onnx.save(build_onnx(network, spec), str(tmp_path / "m.onnx"))
    with np.load(goldens_dir / "videopose3d" / "run_predictions.npz") as golden:
        subject, action, camera = str(golden["clip"]).split("|")
        expected = golden[("tta" if flip else "notta") + ("_causal" if causal else "")]
    clip = ("--subject", subject, "--action", action, "--camera", camera.split()[-1], "--source", "cpn_ft_h36m_dbb")
    export, shown = tmp_path / "p.npy", ("--skip", 3, "--limit", 20, "--size", "480x270")
    flags = ("--model", tmp_path / "m.onnx", "--export", export, *shown, *(() if flip else ("--no-flip",)))
    status, _, err = run("render", store, *clip, *flags, "-o", tmp_path / "a.gif")
    assert status == 0, err
    # Theirs keeps the root where the network puts it, beside 0.
    np.testing.assert_allclose(np.load(export), expected - expected[:, :1], atol=2e-5)

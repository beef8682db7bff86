"""The ONNX graph of the relative-encoding network: what every window alone gives, for all frames of a clip."""

from typing import Any

import numpy as np
import onnx
import pytest
import torch
from published_weights import fill  # pyright: ignore[reportMissingImports]

from maquette.errors import ModelError
from maquette.models.rie import H36M_GROUPS, JointGroup, JointGroups, RelativeEncodingNetwork
from maquette.models.rie_graph import build_onnx, clip_spec, macs_per_frame
from maquette.runtime.onnx_model import OnnxModel
from maquette.skeletons import H36M_17

SMALL: dict[str, Any] = {"filter_widths": (3, 3), "channels": 32, "hidden": 48, "latent": 32}
OTHER = JointGroups(
    (JointGroup("Left", (0, 1, 4), (3, 0)), JointGroup("Right", (2, 3, 0), (1, 2))),
    input_joints=5,
    output_joints=4,
    root=(0, 2),
)
VARIANTS: dict[str, dict[str, Any]] = {
    "published": {"filter_widths": (3, 3, 3, 3, 3), "channels": 256, "hidden": 1024, "latent": 256},
    "wide latent": {"latent": 80},
    "narrow latent": {"latent": 16},
    "stage 1": {"stage": 1},
    "other widths": {"filter_widths": (3, 5, 3)},
    "one layer": {"filter_widths": (5,)},
    "causal": {"causal": True, "filter_widths": (3, 3, 3)},
    "local": {"temporal_code": "local", "filter_widths": (3, 3, 3)},
    "local, causal": {"temporal_code": "local", "causal": True, "filter_widths": (5, 3)},
    "flags beside the points": {"features": 3},
    "other joints": {"groups": OTHER, "features": 4},
}


def spec_of(network: RelativeEncodingNetwork):
    return clip_spec(
        network,
        name="made",
        input_skeleton=H36M_17,
        output_skeleton=H36M_17,
        window_step_s=0.02,
        licence="none",
        training_data="none",
    )


def exported(network: RelativeEncodingNetwork, path) -> OnnxModel:
    onnx.save(build_onnx(network, spec_of(network)), str(path))
    return OnnxModel(path, threads=1)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_frame_as_from_its_own_window(tmp_path, variant):
    network = fill(RelativeEncodingNetwork(**(SMALL | VARIANTS[variant])))
    groups, window = network.groups, network.receptive_field
    rng = np.random.default_rng(3)
    frames = window + 10
    clip = rng.normal(0, 0.02, (frames, groups.input_joints, network.features)).cumsum(0) + rng.uniform(
        -0.5, 0.5, (groups.input_joints, network.features)
    )
    clip = clip.astype(np.float32)
    windows = torch.from_numpy(clip).unfold(0, window, 1).permute(0, 3, 1, 2)
    with torch.no_grad():
        expected = torch.cat([network(one[None]) for one in windows])[:, 0].numpy()
    found = exported(network, tmp_path / "m.onnx").run_clip(clip.reshape(frames, -1), chunk=4)
    assert found.shape == (11, groups.output_joints, 3)
    assert np.ptp(expected, axis=0).max() > 0.01
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("latent", "temporal_code", "millions"),
    # Counted by hand: 88.48 and 92.67 for the published network with shared first layer and folded shrink, 41.6 and
    # 52.7 for the local code before folding (0.33 and 7.21). Here the first layer is not shared: 3.4 instead of 0.04.
    [(256, "centre", 88.44 + 3.4), (512, "centre", 92.63 + 3.4), (256, "local", 41.6 - 0.33), (512, "local", 45.5)],
)
def test_work_per_frame(latent, temporal_code, millions):
    network = RelativeEncodingNetwork(latent=latent, temporal_code=temporal_code)
    assert macs_per_frame(network) / 1e6 == pytest.approx(millions, rel=0.005)


def test_a_spec_that_does_not_fit_is_refused():
    spec = spec_of(RelativeEncodingNetwork(causal=True, **{**SMALL, "filter_widths": (3, 5)}))
    with pytest.raises(ModelError, match="window of 15 frames, the network sees 9; causal is True"):
        build_onnx(RelativeEncodingNetwork(H36M_GROUPS, **SMALL), spec)

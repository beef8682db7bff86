"""The relative-encoding network against the published program."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from published_weights import fill  # pyright: ignore[reportMissingImports]

from maquette.errors import InputError
from maquette.models.rie import H36M_GROUPS, HUMANEVA15_GROUPS, JointGroup, JointGroups, RelativeEncodingNetwork

WIDTHS = {27: (3, 3, 3), 243: (3, 3, 3, 3, 3)}
BOTH = [(27, 1), (27, 3), (243, 1), (243, 3)]
SMALL: dict[str, Any] = {"channels": 8, "latent": 6, "hidden": 16}


def read(goldens_dir, name: str) -> dict:
    with np.load(goldens_dir / "rie_model" / f"{name}.npz") as data:
        return dict(data)


@pytest.mark.parametrize(("frames", "stage"), BOTH)
def test_tensors_of_the_published_checkpoints(goldens_dir, frames, stage):
    expected = json.loads((goldens_dir / "rie_model" / f"state_dict_rf{frames}_stage{stage}.json").read_text())
    network = fill(RelativeEncodingNetwork(filter_widths=WIDTHS[frames], stage=stage))
    state = network.state_dict()
    assert [(name, list(tensor.shape)) for name, tensor in state.items()] == [
        (tensor["name"], tensor["shape"]) for tensor in expected["tensors"]
    ]
    assert network.receptive_field == expected["receptive_field"] == frames
    assert sum(p.numel() for p in network.parameters()) == expected["n_parameters"]
    sums = [tensor.double().sum().item() for tensor in state.values()]
    np.testing.assert_allclose(sums, [tensor["sum"] for tensor in expected["tensors"]], rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize(
    ("stage", "latent", "count"),
    [(1, 256, 23_385_651), (3, 256, 41_783_091), (1, 512, 26_598_451), (3, 512, 52_861_491)],
)
def test_parameter_counts(stage, latent, count):
    assert sum(p.numel() for p in RelativeEncodingNetwork(stage=stage, latent=latent).parameters()) == count


@pytest.mark.parametrize(("frames", "stage"), BOTH)
def test_outputs_of_the_original(goldens_dir, frames, stage):
    expected = read(goldens_dir, f"forward_rf{frames}_stage{stage}")
    network = fill(RelativeEncodingNetwork(filter_widths=WIDTHS[frames], stage=stage))
    features = {name.removeprefix("feat/") for name in expected if name.startswith("feat/")}
    found = {}
    for name in features:
        network.get_submodule(name).register_forward_hook(lambda _, __, y, name=name: found.update({name: y}))
    with torch.no_grad():
        output = network(torch.from_numpy(expected["x"]))
    np.testing.assert_allclose(output, expected["output"], atol=1e-5)
    assert found.keys() == features
    for name in features:
        np.testing.assert_allclose(found[name], expected[f"feat/{name}"], atol=1e-5, err_msg=name)


@pytest.mark.parametrize("stage", [1, 3])
def test_causal_taps_of_the_original(goldens_dir, stage):
    """Published: the taps of a causal network, but everything still relative to the middle frame."""
    expected = read(goldens_dir, f"forward_rf27_stage{stage}")
    network = fill(RelativeEncodingNetwork(filter_widths=WIDTHS[27], stage=stage, causal=True))
    assert network.current_frame == 26
    network.current_frame = 13
    with torch.no_grad():
        output = network(torch.from_numpy(expected["x"]))
    np.testing.assert_allclose(output, expected["output_causal_True_Optimize1f_False"], atol=1e-5)


def test_causal_network_is_relative_to_its_last_frame():
    """The temporal code reads how far each joint is from where it is in the last frame."""
    network = RelativeEncodingNetwork(filter_widths=(3, 3), stage=1, causal=True, **SMALL).eval()
    seen = []
    network.encoder(H36M_GROUPS.groups[1]).register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    x = torch.randn(2, 9, 17, 2)
    with torch.no_grad():
        network(x)
    change = seen[0][:, :, 12:].reshape(2, 9, 3, 2)
    torch.testing.assert_close(change, (x - x[:, 8:])[:, :, [14, 15, 16]])


@pytest.mark.parametrize("temporal_code", ["centre", "local"])
def test_longer_clips_are_windows_in_a_row(temporal_code):
    network = RelativeEncodingNetwork(filter_widths=(3, 3), temporal_code=temporal_code, **SMALL).eval()
    clip = torch.randn(2, 12, 17, 2)
    with torch.no_grad():
        found = network(clip)
        for i in range(4):
            torch.testing.assert_close(found[:, i : i + 1], network(clip[:, i : i + 9]))
    assert found.shape == (2, 4, 17, 3)


def test_other_joints_in_than_out():
    """Three features of each of 5 joints in, 4 joints out; the root is the middle of two joints."""
    groups = JointGroups(
        (JointGroup("Left", (0, 1, 4), (3, 0)), JointGroup("Right", (2, 3), (1, 2))),
        input_joints=5,
        output_joints=4,
        root=(0, 2),
    )
    network = RelativeEncodingNetwork(groups, features=3, filter_widths=(3,), **SMALL).eval()
    seen = []
    network.encoder(groups.groups[1]).register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    x = torch.randn(2, 3, 5, 3)
    with torch.no_grad():
        found = network(x)
        halves = [network.decoder(group).fc_2.bias.detach().clone() for group in groups.groups]
        for group in groups.groups:
            network.decoder(group).fc_2.weight.zero_()
        biases = network(x)
    assert found.shape == (2, 1, 4, 3)
    xy = x[..., :2]
    root = (xy[:, :, 0] + xy[:, :, 2]) / 2
    rows = [x[:, :, [2, 3]].flatten(2), (xy[:, :, [2, 3]] - root[:, :, None]).flatten(2)]
    rows.append((xy - xy[:, 1:2])[:, :, [2, 3]].flatten(2))
    torch.testing.assert_close(seen[0], torch.cat(rows, dim=2))
    # Joints 0 and 3 come from the first group's second and first triple, 1 and 2 from the second group.
    left, right = (half.reshape(2, 3) for half in halves)
    torch.testing.assert_close(biases[0, 0], torch.stack([left[1], right[0], right[1], left[0]]))


def test_humaneva_joints():
    network = RelativeEncodingNetwork(HUMANEVA15_GROUPS, filter_widths=(3, 3), **SMALL).eval()
    with torch.no_grad():
        assert network(torch.randn(2, 9, 15, 2)).shape == (2, 1, 15, 3)


def test_errors_name_every_problem():
    with pytest.raises(InputError, match=r"(?s)2 problems.*1 features.*\(3, 4\)"):
        RelativeEncodingNetwork(features=1, filter_widths=(3, 4))
    with pytest.raises(InputError, match=r"(?s)'A' stands twice.*reads joints \[9\].*exactly once"):
        JointGroups((JointGroup("A", (0, 9), (0,)), JointGroup("A", (1,), (0,))), input_joints=2, output_joints=2)
    with pytest.raises(InputError, match=r"shape \(2, 8, 17, 2\).*9 frames or more"):
        RelativeEncodingNetwork(filter_widths=(3, 3), **SMALL)(torch.zeros(2, 8, 17, 2))

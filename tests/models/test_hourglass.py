"""The hourglass: sizes as published, outputs equal to the original program's."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from made_hourglass import filled, names_of, published_tensors
from torch import nn

from maquette.errors import InputError
from maquette.models.hourglass import HourglassDepth
from maquette.models.hourglass_layers import Hourglass, Residual
from maquette.models.hourglass_names import published_name, sizes_of

GOLDEN_SIZES = {"s2m2f64": (2, 2, 64, 2), "s1m1f128": (1, 1, 128, 1)}


def count(network: nn.Module | None) -> int:
    return sum(p.numel() for p in network.parameters()) if network is not None else 0


def assert_equal_to_golden(found, golden, largest) -> None:
    np.testing.assert_allclose(found, golden, rtol=0, atol=1e-4 * largest)


def test_as_many_parameters_as_published() -> None:
    network = HourglassDepth()
    assert count(network) == 14_429_104
    assert count(HourglassDepth(depth=False)) == count(HourglassDepth(n_reg_modules=None)) == 12_577_184
    assert (count(network.stem), count(network.depth)) == (352_640, 1_781_776)
    for stack in network.stacks:
        remap = count(stack.get_submodule("from_features")) + count(stack.get_submodule("from_heatmap"))
        assert (count(stack) - remap, remap) == (6_077_200, 70_144)
    assert count(Hourglass(4, 256, 2)) == 5_577_728
    assert count(Residual(256, 256)) == 214_528


@pytest.mark.parametrize("sizes", GOLDEN_SIZES)
def test_tensors_have_the_published_names(goldens_dir: Path, sizes: str) -> None:
    """Names map one to one, shapes agree, and the recipe gives the values that the original ran with."""
    with gzip.open(goldens_dir / "zhou_hourglass" / "state_dicts.json.gz") as file:
        expected = {name: (tuple(shape), total) for name, shape, total in json.load(file)[sizes]}
    network = HourglassDepth(*GOLDEN_SIZES[sizes])
    names = names_of(network)
    assert len(set(names.values())) == len(names) == len(network.state_dict())
    tensors = published_tensors(network)
    assert tensors.keys() == expected.keys()
    for name, (shape, total) in expected.items():
        assert tuple(tensors[name].shape) == shape
        assert float(tensors[name].double().sum()) == pytest.approx(total, rel=1e-8, abs=1e-8)
    assert sizes_of(tensors, "file") == (*GOLDEN_SIZES[sizes], 16, 256)


def test_some_published_names() -> None:
    """As the spec of the published file lists them."""
    expected = {
        "stem.conv.weight": "conv1_.weight",
        "stem.residual1.shortcut.bias": "r1.conv4.bias",
        "stacks.1.hourglass.beside.0.norm1.running_mean": "hourglass.1.up1_.0.bn.running_mean",
        "stacks.0.hourglass.inner.inner.inner.inner.1.norm3.bias": "hourglass.0.low2.low2.low2.low2_.1.bn2.bias",
        "stacks.0.hourglass.inner.up.1.conv2.weight": "hourglass.0.low2.low3_.1.conv2.weight",
        "stacks.1.after.1.norm2.weight": "Residual.3.bn1.weight",
        "stacks.1.norm.running_var": "lin_.1.1.running_var",
        "depth.levels.3.1.conv3.weight": "reg_.7.conv3.weight",
        "depth.linear.bias": "reg.bias",
    }
    assert {name: published_name(name, n_modules=2, n_reg_modules=2) for name in expected} == expected


@pytest.mark.parametrize("sizes", GOLDEN_SIZES)
def test_outputs_are_those_of_the_original(goldens_dir: Path, sizes: str) -> None:
    golden = np.load(goldens_dir / "zhou_hourglass" / "forward.npz")
    network = filled(HourglassDepth(*GOLDEN_SIZES[sizes]))
    with torch.no_grad():
        found = network(torch.from_numpy(golden["image_uint8"])[None] / 256)
    assert len(found.heatmaps) == GOLDEN_SIZES[sizes][0]
    for i, heatmap in enumerate(found.heatmaps):
        key = f"{sizes}_hm_stack{i}"
        assert_equal_to_golden(heatmap[..., 1::4, 2::4], golden[key], golden[f"{key}_largest"])
    depth = golden[f"{sizes}_depth"]
    assert_equal_to_golden(found.depth, depth, np.abs(depth).max())
    assert found.depth_map is None


def test_every_cell_of_the_heatmaps_is_that_of_the_original(shared_dir: Path) -> None:
    folder = shared_dir / "goldens" / "zhou_hourglass"
    golden = np.load(folder / "forward_s2m2f64.npz")
    with torch.no_grad():
        found = filled(HourglassDepth(*GOLDEN_SIZES["s2m2f64"]))(torch.from_numpy(golden["image_uint8"])[None] / 256)
    for i, heatmap in enumerate(found.heatmaps):
        assert_equal_to_golden(heatmap, golden[f"hm_stack{i}"], np.abs(golden[f"hm_stack{i}"]).max())


def test_a_network_of_heatmaps_alone_sees_the_same(goldens_dir: Path) -> None:
    """Depths are a branch: without them nothing changes in the picture."""
    picture = torch.from_numpy(np.load(goldens_dir / "zhou_hourglass" / "forward.npz")["image_uint8"])[None] / 256
    whole, flat = HourglassDepth(2, 1, 16, 1).eval(), HourglassDepth(2, 1, 16, None).eval()
    flat.load_state_dict({name: whole.state_dict()[name] for name in flat.state_dict()})
    with torch.no_grad():
        expected, found = whole(picture), flat(picture)
    assert found.depth is None
    for a, b in zip(found.heatmaps, expected.heatmaps, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("side", [64, 128, 192, 320])
def test_other_sizes_of_pictures(side: int) -> None:
    network = HourglassDepth(1, 1, 8, 1, n_joints=3, input_size=side)
    found = network(torch.rand(2, 3, side, side))
    assert found.heatmaps[0].shape == (2, 3, side // 4, side // 4)
    assert found.depth is not None
    assert found.depth.shape == (2, 3)
    assert network.get_submodule("depth.linear").get_parameter("weight").shape == (3, 8 * (side // 64) ** 2)
    found.depth.sum().backward()
    assert all(p.grad is not None for name, p in network.named_parameters() if not name.startswith("stacks.0.heatmap"))


def test_sizes_that_no_network_can_have() -> None:
    with pytest.raises(InputError, match=r"pictures of 200 pixels, expected a multiple of 64 .*halved 6 times"):
        HourglassDepth(input_size=200)
    with pytest.raises(
        InputError, match=r"hourglass: 3 problems:\n.*0 stacks.*\n.*0 modules of the depth.*\n.*63 features"
    ):
        HourglassDepth(n_stack=0, n_feats=63, n_reg_modules=0)
    with pytest.raises(InputError, match="0 joints, expected one or more"):
        HourglassDepth(n_joints=0)

"""The residual network with deconvolutions: sizes as published, outputs equal to the original program's."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from published_weights import fill

from maquette.errors import InputError, ModelError
from maquette.models.deconv_pose import LAYERS, DeconvPose

MEAN, STD = (torch.tensor(values)[:, None, None] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))


def count(network) -> int:
    return sum(p.numel() for p in network.parameters())


def test_as_many_parameters_as_published() -> None:
    assert count(DeconvPose()) == 34_003_552
    assert count(DeconvPose(heads=("hm",))) == 33_999_440


@pytest.mark.parametrize("layers", [18, 50])
def test_outputs_are_those_of_the_original(goldens_dir: Path, layers: int) -> None:
    golden = np.load(goldens_dir / "zhou_v2_resnet" / "forward.npz")
    picture = torch.from_numpy(np.load(goldens_dir / "zhou_hourglass" / "forward.npz")["image_uint8"])
    network = fill(DeconvPose(layers))
    with torch.no_grad():
        found = network(((picture / 256 - MEAN) / STD)[None])
    assert found.depth is None
    for key, maps in (("hm", found.heatmaps[0]), ("depth", found.depth_map)):
        expected, largest = golden[f"resnet{layers}_{key}"], golden[f"resnet{layers}_{key}_largest"]
        np.testing.assert_allclose(maps[..., 1::4, 2::4], expected, rtol=0, atol=1e-4 * largest)


@pytest.mark.parametrize("layers", [18, 50])
def test_tensors_have_the_published_names(goldens_dir: Path, layers: int) -> None:
    with gzip.open(goldens_dir / "zhou_v2_resnet" / "state_dicts.json.gz") as file:
        expected = {name: (tuple(shape), total) for name, shape, total in json.load(file)[f"resnet{layers}"]}
    state = fill(DeconvPose(layers)).state_dict()
    assert state.keys() == expected.keys()
    for name, (shape, total) in expected.items():
        assert tuple(state[name].shape) == shape
        assert float(state[name].double().sum()) == pytest.approx(total, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("layers", LAYERS)
def test_every_depth_is_as_deep_as_its_name(layers: int) -> None:
    """All convolutions of the residual network but those of the shortcuts, and the classifier that is not there."""
    with torch.device("meta"):
        network = DeconvPose(layers)
    names = [name for name, value in network.named_parameters() if value.ndim == 4 and "downsample" not in name]
    assert len([name for name in names if name.startswith(("conv1", "layer"))]) + 1 == layers


def test_other_sizes_and_heads() -> None:
    found = DeconvPose(18, ("hm",), n_joints=5, input_size=96)(torch.rand(1, 3, 96, 96))
    assert found.heatmaps[0].shape == (1, 5, 24, 24)
    assert found.depth_map is None
    with pytest.raises(InputError, match=r"3 problems:\n.*20 layers, expected 18, 34.*\n.*heads depth.*\n.*100 pixels"):
        DeconvPose(20, ("depth",), input_size=100)


def test_a_trunk_of_imagenet() -> None:
    """Torchvision's names: the classifier is left out, another depth refused."""
    source, network = DeconvPose(18), DeconvPose(18)
    trunk = {n: v for n, v in source.state_dict().items() if n.startswith(("conv1.", "bn1.", "layer"))}
    network.load_trunk(trunk | {"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)})
    torch.testing.assert_close(network.state_dict()["layer4.1.conv2.weight"], trunk["layer4.1.conv2.weight"])
    with pytest.raises(ModelError, match="not of a residual network of 34 layers"):
        DeconvPose(34).load_trunk(trunk)

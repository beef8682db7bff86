"""The temporal network."""

import pytest
import torch
from torch.nn import functional as F

from maquette.models.temporal import TemporalNetwork, macs_per_window

CHANNELS, OUTPUTS, WIDTH = 7, 15, 16


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = TemporalNetwork(CHANNELS, OUTPUTS, width=WIDTH, head_blocks=1)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            statistics = dict(module.named_buffers())
            torch.nn.init.normal_(statistics["running_mean"])
            torch.nn.init.uniform_(statistics["running_var"], 0.5, 1.5)
    return network.eval()


def as_convolution(layer, x: torch.Tensor, dilation: int, width: int) -> torch.Tensor:
    """``layer`` as torch's own convolution over time, with this dilation; x is (batch, channels, frames)."""
    kernel = layer.linear.weight.reshape(width, 3, -1).permute(0, 2, 1)
    return F.relu(layer.norm(F.conv1d(x, kernel, dilation=dilation)))


def test_is_the_dilated_convolution_at_the_middle_frame(network):
    features = torch.randn(3, 27, CHANNELS)
    x = as_convolution(network.expand, features.transpose(1, 2), 1, WIDTH)
    for level, block in enumerate(b for b in network.blocks if b.reach == 3):
        dilation = 3 ** (level + 1)
        y = as_convolution(block.first, x, dilation, WIDTH)
        y = F.relu(block.second.norm(F.conv1d(y, block.second.linear.weight[..., None])))
        x = x[..., dilation:-dilation] + y
    assert x.shape[-1] == 1
    x = x[..., 0]
    x = network.last(network.blocks[-1](x))
    torch.testing.assert_close(network(features), x, atol=1e-5, rtol=1e-5)


def test_every_frame_of_the_window_counts(network):
    features = torch.randn(1, 27, CHANNELS, requires_grad=True)
    network(features).square().sum().backward()
    assert features.grad is not None
    assert (features.grad.abs().sum(-1) > 0).all()


def test_multiply_adds_counted_by_hand(network):
    expand = 9 * 3 * CHANNELS * WIDTH
    first, second = 3 * (3 * WIDTH * WIDTH + WIDTH * WIDTH), 3 * WIDTH * WIDTH + WIDTH * WIDTH
    assert macs_per_window(network, 27, CHANNELS) == expand + first + second + 2 * WIDTH * WIDTH + WIDTH * OUTPUTS

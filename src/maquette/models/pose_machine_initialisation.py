"""What the weights of the 3D pose machine are before training."""

from math import sqrt
from typing import Literal

from torch import nn

Initialisation = Literal["published", "scaled"]
"""``published``: convolutions and linear layers N(0, 0.01), LSTMs uniform within 0.01. Little comes through them:
training from nothing is slow.

``scaled``: by the number of inputs, as usual: variance 1 / inputs (uniform; "xavier" of Caffe), LSTMs uniform within
1 / sqrt(width).

In both, all biases are 0, those of the forget gates too."""


def initialise(network: nn.Module, how: Initialisation = "published") -> None:
    """Draws the weights of all convolutions, linear layers and LSTMs anew."""
    for layer in network.modules():
        if not isinstance(layer, nn.Linear | nn.Conv2d | nn.LSTM):
            continue
        for name, parameter in layer.named_parameters():
            if name.startswith("bias"):
                nn.init.zeros_(parameter)
            elif isinstance(layer, nn.LSTM):
                bound = 0.01 if how == "published" else 1 / sqrt(layer.hidden_size)
                nn.init.uniform_(parameter, -bound, bound)
            elif how == "published":
                nn.init.normal_(parameter, std=0.01)
            else:
                bound = sqrt(3 / parameter[0].numel())
                nn.init.uniform_(parameter, -bound, bound)

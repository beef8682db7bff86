"""Variables of the original TensorFlow program into our network, independent of the importer."""

from collections.abc import Mapping

import numpy as np
import torch

from maquette.models.martinez import ResidualBlock, ResidualNetwork, ResidualStage

NETWORKS: dict[str, dict] = {
    "res_bn_maxnorm_16": {},
    "res_bn_maxnorm_14": {"outputs": 42},
    "res_bn_nomaxnorm_16": {"max_norm": False},
    "nores_nobn_nomaxnorm_16": {"residual": False, "batch_norm": False, "max_norm": False},
}
"""Configuration of the reference -> arguments of the network (width 64)."""
_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}


def load_variables(network: ResidualNetwork, variables: Mapping[str, np.ndarray]) -> None:
    """Fill ``network`` with variables by their names in TensorFlow."""
    with torch.no_grad():
        _fill(network.first, variables, "w1", "b1", "batch_normalization")
        for i, block in enumerate(network.blocks):
            assert isinstance(block, ResidualBlock)
            scope = f"two_linear_{i}"
            _fill(block.first, variables, f"{scope}/w2_{i}", f"{scope}/b2_{i}", f"{scope}/batch_normalization1{i}")
            _fill(block.second, variables, f"{scope}/w3_{i}", f"{scope}/b3_{i}", f"{scope}/batch_normalization2{i}")
        network.last.weight.copy_(torch.from_numpy(variables["linear_model/w4"].T))
        network.last.bias.copy_(torch.from_numpy(variables["linear_model/b4"]))


def _fill(stage: ResidualStage, variables: Mapping[str, np.ndarray], weight: str, bias: str, norm: str) -> None:
    stage.linear.weight.copy_(torch.from_numpy(variables[f"linear_model/{weight}"].T))
    stage.linear.bias.copy_(torch.from_numpy(variables[f"linear_model/{bias}"]))
    if stage.norm is not None:
        for ours, theirs in _NORM.items():
            getattr(stage.norm, ours).copy_(torch.from_numpy(variables[f"linear_model/{norm}/{theirs}"]))

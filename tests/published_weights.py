"""The weights with which the original programs were run to make the reference outputs.

The recipe is in ``tests/goldens/rie_model/README.md``: each tensor comes from a random generator seeded by its name.
"""

import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


def recipe(name: str, shape: tuple[int, ...], is_norm: bool, variant: str = "dev") -> np.ndarray:
    """One tensor, float64; ``is_norm``: it is the weight of a batch norm."""
    rng = np.random.default_rng(zlib.crc32(f"{variant}/{name}".encode()))
    if name.endswith("num_batches_tracked"):
        return np.ones(shape, dtype=np.int64)
    if name.endswith("running_var") or is_norm:
        return 0.5 + rng.random(shape)
    if name.endswith("running_mean"):
        return 0.1 * rng.standard_normal(shape)
    fan_in = np.prod(shape[1:]) if len(shape) > 1 else np.prod(shape)
    return rng.standard_normal(shape) / np.sqrt(fan_in)


def published_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights for every tensor of ``state``, float32."""
    norms = norm_weights(state)
    filled = {}
    for name, tensor in state.items():
        value = torch.from_numpy(np.asarray(recipe(name, tuple(tensor.shape), name in norms)))
        filled[name] = value if value.dtype == torch.int64 else value.float()
    return filled


def norm_weights(names: Iterable[str]) -> set[str]:
    known = set(names)
    return {n for n in known if n.endswith(".weight") and n.removesuffix("weight") + "running_mean" in known}


def fill(network: nn.Module) -> Any:
    """``network`` with the weights of the recipe, in evaluation mode."""
    network.load_state_dict(published_state(network.state_dict()))
    return network.eval()

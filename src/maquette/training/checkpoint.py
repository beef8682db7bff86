"""Everything that a training needs to go on as if it had never stopped, in one file."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from maquette.atomic import atomic_path
from maquette.errors import InputError

SCHEMA = 1
CHECKPOINT = "last.pt"
"""Name of the file in the folder of a run."""


class RunningMean:
    """Exponential moving average of a network's weights and batch-norm statistics."""

    def __init__(self, network: nn.Module) -> None:
        self._live = [t for t in network.state_dict().values() if t.is_floating_point()]
        self.names = [name for name, t in network.state_dict().items() if t.is_floating_point()]
        self.mean = [t.detach().clone() for t in self._live]

    @torch.no_grad()
    def update(self, decay: float) -> None:
        """Move towards the network's present weights by ``1 - decay``."""
        for mean, live in zip(self.mean, self._live, strict=True):
            mean.lerp_(live, 1 - decay)

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Name -> averaged tensor; load it into the network with ``strict=False`` (step counters are not averaged)."""
        return dict(zip(self.names, self.mean, strict=True))

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Continue from a saved average."""
        for name, mean in zip(self.names, self.mean, strict=True):
            mean.copy_(state[name])


@dataclass
class Progress:
    """Where a training stands."""

    step: int = 0
    minutes: float = 0.0


def save_checkpoint(
    path: Path,
    network: nn.Module,
    mean: RunningMean,
    optimizer: torch.optim.Optimizer,
    progress: Progress,
    settings: dict[str, Any],
) -> None:
    """Write all state atomically: what was there before stays until the new file is complete."""
    state = {
        "schema": SCHEMA,
        "settings": settings,
        "step": progress.step,
        "minutes": progress.minutes,
        "network": network.state_dict(),
        "mean": mean.state_dict(),
        "optimizer": optimizer.state_dict(),
        "random": torch.get_rng_state(),
    }
    with atomic_path(path) as temporary:
        torch.save(state, temporary)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The content of a checkpoint.

    Raises:
        InputError: the file is missing or no checkpoint of this version.
    """
    if not path.is_file():
        raise InputError(f"{path}: no checkpoint there; start without --resume, or give the folder of the run")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{path}: cannot be read as a checkpoint ({type(error).__name__}: no torch archive)"
        ) from error
    if not isinstance(state, dict) or state.get("schema") != SCHEMA:
        raise InputError(f"{path}: is no training checkpoint of this version (schema {SCHEMA})")
    return state


def restore(state: dict[str, Any], network: nn.Module, mean: RunningMean, optimizer: torch.optim.Optimizer) -> Progress:
    """Put a checkpoint's state back, torch's random state included."""
    network.load_state_dict(state["network"])
    mean.load_state_dict(state["mean"])
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["random"])
    return Progress(state["step"], state["minutes"])

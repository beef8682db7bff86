"""Everything that a training needs to go on as if it had never stopped, in one file."""

import pickle
from pathlib import Path
from typing import Any

import torch
from torch import nn

from maquette.atomic import atomic_path
from maquette.errors import InputError, ModelError, OutputError

SCHEMA = 2
CHECKPOINT, BEST = "last.pt", "best.pt"
"""Names of the files in the folder of a run: the whole state; the weights with the smallest error so far."""


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


def random_state() -> dict[str, Any]:
    """The state of torch's random numbers on this process's devices."""
    state: dict[str, Any] = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["gpu"] = torch.cuda.get_rng_state()
    return state


def set_random_state(state: dict[str, Any]) -> None:
    """Go on with the random numbers of a saved state."""
    torch.set_rng_state(state["cpu"])
    if "gpu" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["gpu"])


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write ``state`` atomically: what was there before stays until the new file is complete.

    Raises:
        OutputError: it cannot be written; the file before is untouched.
    """
    try:
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            torch.save({"schema": SCHEMA, **state}, file)
    except RuntimeError as error:
        # torch's archive writer fails in its own words when the disk is full.
        kept = "the one before it is kept. Make room on the disk and go on with --resume"
        rest = kept if path.is_file() else "there is none before it. Make room on the disk and start again"
        raise OutputError(f"{path}: the checkpoint cannot be written ({_reason(error)}); {rest}") from error


def _reason(error: BaseException) -> str:
    cause = error.__cause__ or error.__context__
    return str(cause.strerror or cause) if isinstance(cause, OSError) else str(error).splitlines()[0]


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


def weights_of(state: dict[str, Any]) -> dict[str, torch.Tensor]:
    """The weights of a checkpoint that are meant to be used: the running mean where there is one."""
    return {**state["network"], **(state["mean"] or {})}


def load_weights(network: nn.Module, state: dict[str, Any]) -> None:
    """Put the weights of a checkpoint into ``network``: the running mean where there is one.

    Raises:
        ModelError: they are of another network; the text names the tensors.
    """
    found = weights_of(state)
    expected = network.state_dict()
    wrong = [f"{name} is missing" for name in expected if name not in found]
    wrong += [f"{name} is not of this network" for name in found if name not in expected]
    wrong += [
        f"{name} has shape {tuple(found[name].shape)}, expected {tuple(expected[name].shape)}"
        for name in expected
        if name in found and found[name].shape != expected[name].shape
    ]
    if wrong:
        rest = f" and {len(wrong) - 8} more" if len(wrong) > 8 else ""
        raise ModelError(f"the weights are of another network: {'; '.join(wrong[:8])}{rest}")
    network.load_state_dict(found)

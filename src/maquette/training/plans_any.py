"""What every training has: a frozen dataclass whose every field is a flag of the command."""

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

Hidden = tyro.conf.Suppress
"""A field that is no flag."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """What every training has."""

    name: Annotated[str, Hidden]
    """Name of the preset."""
    model_name: str
    """Name of the exported model."""
    seed: int = 1
    """Seed of initial weights, dropout and the order of samples."""
    batch_size: int
    """Samples in a step, of all processes together."""
    precision: Literal["bf16", "16", "32", "64"] = "32"
    """Of matrix products: bfloat16 (2.5 times faster on CPUs that have it), float16 (GPUs only), float32; ``64`` makes
    everything double, for comparisons."""
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to compute; ``auto`` takes a GPU if there is one."""
    threads: int = 1
    """Threads of torch on a CPU."""
    sync_batch_norm: bool = True
    """With several processes on GPUs, batch norms see the batch of all of them. On CPUs each sees its own part."""
    checkpoint_minutes: float = 3.0
    """Time between checkpoints."""
    log_steps: int = 200
    """Steps between rows of the log."""
    export_weights: Literal["last", "best"] = "last"
    """Which weights become the model file: the last ones, or those with the smallest error in a validation."""

"""The trainings that ``maquette train`` knows, as frozen dataclasses in one literal dict."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

from maquette.datasets.samples import SampleSettings
from maquette.errors import InputError


@dataclass(frozen=True)
class Preset:
    """Every hyper-parameter of a training."""

    name: str
    """Name of the preset."""
    model_name: str
    """Name of the exported model."""
    kind: Literal["residual", "temporal"]
    """``residual``: Martinez' network on single poses; ``temporal``: temporal convolution on windows."""
    samples: SampleSettings = field(default_factory=SampleSettings)
    """How samples are made."""
    seed: int = 1
    """Seed of samples, initial weights and dropout."""
    batch_size: int = 512
    """Windows in a step."""
    total_steps: int = 24_000
    """Optimiser steps. Every generated batch is used twice, the second time mirrored."""
    warmup_steps: int = 500
    """Steps over which the learning rate rises from zero."""
    cooldown_steps: int = 9_000
    """Last steps, over which the learning rate falls to zero (half a cosine); constant before. A run may therefore be
    shortened or lengthened (``total_steps``) at any point before the cool-down and stay what one command would give."""
    learning_rate: float = 1e-3
    """Peak learning rate of AdamW."""
    weight_decay: float = 0.01
    """Of matrices; biases and batch norms have none."""
    clip_norm: float = 1.0
    """Largest norm of the gradient."""
    ema_decay: float = 0.999
    """Of the running mean of the weights, which is what is evaluated and exported."""
    dropout: float = 0.05
    """Probability of dropping a hidden value."""
    width: int = 512
    """Width of the hidden layers."""
    levels: int = 3
    """Temporal: levels of the convolution; the window has 3^levels frames."""
    blocks: int = 2
    """Residual blocks: of the network (residual), after the last level (temporal)."""
    feet_weight: float = 0.5
    """Weight of heels and toes in the loss, relative to a joint."""
    scale_free_weight: float = 0.0
    """Weight of the MPJPE after the scale of each pose is fitted (N-MPJPE), beside the plain one."""
    bf16: bool = True
    """Matrix products in bfloat16 (2.5 times faster on CPUs that have it)."""
    threads: int = 1
    """Threads of torch."""
    workers: int = 1
    """Processes that make samples."""
    checkpoint_minutes: float = 3.0
    """Time between checkpoints."""
    validate_steps: int = 2_000
    """Steps between validations."""
    validate_windows: int = 1_500
    """Test views of the validation split, without and with detector errors."""


PRESETS: dict[str, Preset] = {
    "tcn-mocap": Preset(name="tcn-mocap", model_name="maquette-tcn27", kind="temporal"),
    "martinez-mocap": Preset(
        name="martinez-mocap",
        model_name="maquette-residual",
        kind="residual",
        samples=SampleSettings(window_frames=1, segment_extra_frames=12),
        width=1024,
        blocks=2,
        batch_size=1024,
        total_steps=6_500,
        cooldown_steps=2_500,
    ),
}


def get_preset(name: str, **overrides: Any) -> Preset:
    """A preset with some fields replaced; fields of its ``samples`` are given by their own names.

    Raises:
        InputError: the preset or a field does not exist; the text lists those that do.
    """
    if name not in PRESETS:
        raise InputError(f"no preset is called '{name}'; there are: {', '.join(PRESETS)}")
    preset = PRESETS[name]
    own = {f.name for f in dataclasses.fields(Preset)} - {"samples", "name", "kind"}
    of_samples = {f.name for f in dataclasses.fields(SampleSettings)}
    unknown = sorted(set(overrides) - own - of_samples)
    if unknown:
        raise InputError(
            f"preset '{name}' has no field {', '.join(unknown)}; it has: {', '.join(sorted(own | of_samples))}"
        )
    samples = dataclasses.replace(preset.samples, **{k: v for k, v in overrides.items() if k in of_samples})
    return dataclasses.replace(preset, samples=samples, **{k: v for k, v in overrides.items() if k in own})

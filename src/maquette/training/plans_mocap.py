"""Trainings on open motion capture."""

from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

from maquette.datasets.sample_settings import SampleSettings
from maquette.training.plans_any import Hidden, Preset


@dataclass(frozen=True, kw_only=True)
class MocapPreset(Preset):
    """One of our own lifters, on samples made from open motion capture."""

    kind: Annotated[Literal["residual", "temporal", "relative"], Hidden]
    """``residual``: Martinez' network on single poses; ``temporal``: temporal convolution on windows; ``relative``:
    relative information encoding on windows."""
    samples: SampleSettings = field(default_factory=SampleSettings)
    """How samples are made."""
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
    precision: Literal["bf16", "16", "32", "64"] = "bf16"
    """Of matrix products: bfloat16 (2.5 times faster on CPUs that have it), float16 (GPUs only), float32; ``64`` makes
    everything double, for comparisons."""
    workers: int = 1
    """Processes that make samples."""
    validate_steps: int = 2_000
    """Steps between validations."""
    validate_windows: int = 1_500
    """Test views of the validation split, without and with detector errors."""


@dataclass(frozen=True, kw_only=True)
class RelativeMocapPreset(MocapPreset):
    """Relative information encoding on the samples of our own lifters, in its three stages."""

    total_steps: Annotated[int, Hidden] = 1
    """Of one stage (:meth:`of_stage`)."""
    cooldown_steps: Annotated[int, Hidden] = 1
    """Of one stage."""
    learning_rate: Annotated[float, Hidden] = 1e-3
    """Of one stage."""
    blocks: Annotated[int, Hidden] = 1
    """Has no meaning here."""
    stage_steps: tuple[int, int, int] = (2_600, 1_300, 2_600)
    """Optimiser steps of each stage."""
    stage_cooldowns: tuple[int, int, int] = (800, 500, 1_600)
    """Last steps of each stage, over which the learning rate falls to zero."""
    stage_rates: tuple[float, float, float] = (1e-3, 1e-3, 5e-4)
    """Peak learning rate of each stage."""
    channels: int = 192
    """Channels of the convolutions."""
    latent: int = 128
    """Width of local, global and fused features."""
    head_dropout: float = 0.25
    """Of the fully connected parts, whose width is ``width``."""

    def of_stage(self, stage: int) -> "RelativeMocapPreset":
        """The schedule of one stage, on samples that no other stage sees."""
        place = stage - 1
        return replace(
            self,
            total_steps=self.stage_steps[place],
            cooldown_steps=self.stage_cooldowns[place],
            learning_rate=self.stage_rates[place],
            seed=self.seed + place,
        )


@dataclass(frozen=True, kw_only=True)
class CorrectionPreset(Preset):
    """The correction + projection pair of the 3D pose machine, on poses that lifters made of open motion capture."""

    samples: SampleSettings = field(default_factory=SampleSettings)
    """How samples are made."""
    lifters: tuple[str, ...] = ("maquette-tcn27", "maquette-residual", "maquette-rie27")
    """Lifters of ours, by name or file, that take turns."""
    poses: int = 409_600
    """Poses that are lifted before the training starts."""
    keep_poses: str = ""
    """File (.npz) that keeps the lifted poses and has them ready the next time; without it they are made at every
    start, which takes minutes."""
    batch_size: int = 1024
    """Poses in a step."""
    total_steps: int = 6_000
    """Optimiser steps."""
    warmup_steps: int = 200
    """Steps over which the learning rate rises from zero."""
    cooldown_steps: int = 4_000
    """Last steps, over which the learning rate falls to zero (half a cosine)."""
    learning_rate: float = 1e-3
    """Peak learning rate of AdamW."""
    weight_decay: float = 0.01
    """Of all weights."""
    clip_norm: float = 1.0
    """Largest norm of the gradient."""
    ema_decay: float = 0.999
    """Of the running mean of the weights, which is what is evaluated and exported."""
    width: int = 1024
    """Width of the hidden layers."""
    losses: Literal["metric", "published"] = "metric"
    """``metric``: distances in metres of joints and bones to the truth, and a projector that learns from poses of all
    kinds; ``published``: squares of normalised coordinates of joints, bones and the picture of the corrected pose."""
    bone_weight: float = 0.3
    """Weight of the bones' vectors beside the joints, metric losses."""
    picture_weight: float = 3.0
    """Weight of the projector's mean squared error beside the joints, metric losses."""
    projected_poses: int = 384
    """Poses of a step that the projector learns from, metric losses."""
    spoilt_share: float = 0.1
    """Share of the poses that are spoilt further, as lifters that are not known here might."""
    online_steps: int = 10
    """What the weights say about their use: the steps for each frame, at most ..."""
    online_rate: float = 3e-5
    """... their size ..."""
    good_fit: float = 0.06
    """... and how near a clip's pictures need to come to what was seen."""
    validate_steps: int = 1_000
    """Steps between validations."""
    precision: Literal["bf16", "16", "32", "64"] = "bf16"
    """Of matrix products: bfloat16 (2.5 times faster on CPUs that have it), float16 (GPUs only), float32; ``64`` makes
    everything double, for comparisons."""

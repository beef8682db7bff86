"""What a training is made of: frozen dataclasses, one for each family, whose every field is a flag of the command."""

from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

import tyro

from maquette.datasets.sample_settings import SampleSettings


@dataclass(frozen=True, kw_only=True)
class Preset:
    """What every training has."""

    name: Annotated[str, tyro.conf.Suppress]
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


@dataclass(frozen=True, kw_only=True)
class MocapPreset(Preset):
    """One of our own lifters, on samples made from open motion capture."""

    kind: Annotated[Literal["residual", "temporal", "relative"], tyro.conf.Suppress]
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


Hidden = tyro.conf.Suppress


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


@dataclass(frozen=True, kw_only=True)
class StorePreset(Preset):
    """A training on a store of recordings (``maquette prepare``), in epochs."""

    source: str
    """2D keypoints of the store: gt, sh, sh_ft, cpn_ft_h36m_dbb ..."""
    subjects_train: tuple[str, ...] = ("S1", "S5", "S6", "S7", "S8")
    """Subjects to train on."""
    subjects_test: tuple[str, ...] = ("S9", "S11")
    """Subjects to validate on."""
    actions: tuple[str, ...] = ()
    """Actions, by the beginning of their names; none given: all."""
    validate_epochs: int = 1
    """Epochs between validations; 0: none."""
    validate_frames: int = 0
    """Frames of the test subjects that a validation takes, evenly spread; 0: all."""


@dataclass(frozen=True, kw_only=True)
class PosePreset(StorePreset):
    """Martinez et al. 2017: single poses, standard scores."""

    actions: tuple[str, ...] = ()
    """Actions, by their whole names without the number of the take; none given: all."""
    epochs: int = 200
    """Times that every pose is seen."""
    batch_size: int = 64
    """Poses in a step; what an epoch leaves over is dropped."""
    learning_rate: float = 1e-3
    """Of Adam, at the start."""
    decay: float = 0.96
    """The learning rate is multiplied by this over ``decay_steps`` steps, continuously."""
    decay_steps: int = 100_000
    """See ``decay``."""
    dropout: float = 0.5
    """Probability of dropping a hidden value (the published flag is the probability of keeping)."""
    linear_size: int = 1024
    """Width of the hidden layers."""
    num_layers: int = 2
    """Residual blocks of two layers."""
    residual: bool = True
    """Skip connections around the blocks."""
    batch_norm: bool = True
    """Batch norm after every layer but the last."""
    max_norm: Literal["none", "frobenius", "per_row"] = "frobenius"
    """Clip to 1, in the forward pass, the Frobenius norm of every weight matrix (what the published program does), or
    the norm of what goes into each unit (what the paper says)."""
    camera_frame: bool = True
    """Targets in the camera's frame, not the world's."""
    predict_14: bool = False
    """14 joints (without hip, spine, neck) instead of 17."""
    statistics: str = "computed"
    """Means and deviations of the standard scores: ``computed`` from the training data, ``published``, or a file."""
    log_steps: int = 1000
    """Steps between rows of the log."""


@dataclass(frozen=True, kw_only=True)
class ChunkPreset(StorePreset):
    """Windows cut out of recordings, as VideoPose3D cuts them."""

    batch_size: int = 1024
    """Output frames in a step."""
    stride: int = 1
    """Output frames of a chunk."""
    lr_decay: float = 0.95
    """The learning rate is multiplied by this after every epoch."""
    filter_widths: tuple[int, ...] = (3, 3, 3, 3, 3)
    """Widths of the convolutions, odd; their product is the receptive field in frames."""
    causal: bool = False
    """Do not look into the future."""
    mirror: bool = True
    """See every window twice, the second time mirrored."""
    subset: float = 1.0
    """Contiguous share of every training recording that is used."""
    downsample: int = 1
    """Use every k-th frame, to train and to test."""
    order_seed: int = 1234
    """Seed of the order of the samples."""
    momentum_first: float = 0.1
    """Batch norm momentum of the first epoch ..."""
    momentum_last: float = 0.001
    """... which falls exponentially to this."""


@dataclass(frozen=True, kw_only=True)
class TemporalPreset(ChunkPreset):
    """VideoPose3D (Pavllo et al. 2019)."""

    epochs: int = 80
    """Times that every window is seen."""
    learning_rate: float = 1e-3
    """Of Adam (AMSGrad), in the first epoch."""
    channels: int = 1024
    """Channels of the convolutions."""
    dropout: float = 0.25
    """Probability of dropping a hidden value."""
    dense: bool = False
    """Dense convolutions instead of dilated ones."""
    subjects_unlabeled: tuple[str, ...] = ()
    """Subjects of whom only the 2D is used: switches on the semi-supervised training."""
    warmup: int = 1
    """Semi-supervised: epochs on labelled data alone."""
    projection: bool = True
    """Semi-supervised: loss of the projection back into the picture."""
    linear_projection: bool = False
    """Semi-supervised: project without lens distortion."""
    bone_length_term: bool = True
    """Semi-supervised: bones of the unlabelled are on average as long as those of the labelled."""


@dataclass(frozen=True, kw_only=True)
class RelativePreset(ChunkPreset):
    """Relative information encoding (Shan et al. 2021), in three stages; values in threes are one for each stage."""

    epochs: tuple[int, int, int] = (80, 80, 80)
    """Times that every window is seen in each stage."""
    learning_rate: tuple[float, float, float] = (1e-3, 1e-3, 5e-4)
    """Of AdamW (AMSGrad), in the first epoch of each stage."""
    weight_decay: float = 0.01
    """Of all parameters."""
    channels: int = 256
    """Channels of the convolutions."""
    latent: int = 256
    """Width of local, global and fused features."""
    hidden: int = 1024
    """Width of the fully connected blocks."""
    dropout: float = 0.2
    """Of the convolutions: probability of dropping a hidden value."""
    head_dropout: float = 0.25
    """Of the fully connected blocks."""
    groups: Literal["h36m", "humaneva15"] = "h36m"
    """Groups of joints."""
    temporal_code: Literal["centre", "local"] = "centre"
    """Differences to the middle frame (published), or to neighbours."""
    freeze_batch_norm: bool = False
    """Stage 2: frozen encoders also use and keep their batch norm statistics (published: these drift)."""
    seed: int = 4321
    """Seed of initial weights and dropout."""


@dataclass(frozen=True, kw_only=True)
class PoseMachinePreset(Preset):
    """The 3D pose machine (Wang et al. 2019), in five stages; values in fives are one for each stage."""

    front: Literal["image", "keypoints"] = "image"
    """What the network sees: square pictures of 368 pixels (published), or the 2D points alone; the latter needs no
    picture and has no stage 1."""
    mpii: str = ""
    """Folder of still pictures with 2D points (``maquette prepare mpii``): stage 1 trains on them (without this: on
    ``--data``), stages 3 to 5 add them to every step."""
    mpii_pictures: str = ""
    """Folder of the pictures of ``--mpii``; not given: where the preparation found them, or where the list is."""
    source: str = "gt"
    """2D points of a store; lists of the original program hold their own."""
    pictures: str = ""
    """Folder that the names of pictures are relative to; not given: that of the list, or of the store."""
    pictures_prefix: str = ""
    """Beginning of the names in the original program's lists that is not there, such as its authors' folder."""
    picture_names: str = "{subject}/{action}.{camera}/{frame:06d}.jpg"
    """How the pictures of a store are called: ``kind`` is the action without the number of the take, ``number`` the
    frame counted from 1."""
    protocol: Literal["1", "3"] = "1"
    """Which of the original program's lists."""
    subjects_train: tuple[str, ...] = ("S1", "S5", "S6", "S7", "S8")
    """Subjects of a store to train on."""
    subjects_test: tuple[str, ...] = ("S9", "S11")
    """Subjects of a store to validate on."""
    actions: tuple[str, ...] = ()
    """Actions of a store, by their whole names without the number of the take; none given: all."""
    every: int = 5
    """Of a store, every so many-th frame: ten of Human3.6M's 50 a second."""
    batch_size: int = 5
    """Frames of video in a step (stage 1: pictures): sequences of ``sequence_frames``."""
    sequence_frames: int = 5
    """Consecutive frames that the recurrent part sees at once."""
    stills: int = 3
    """Still pictures in a step of stages 3 to 5, where there is ``--mpii``; each is a sequence of its own."""
    stage_steps: tuple[int, int, int, int, int] = (800_000, 300_000, 300_000, 400_000, 400_000)
    """Optimiser steps of each stage (published for stage 2: 2,000,000, of which 300,000 were used; for 1: none)."""
    learning_rate: tuple[float, float, float, float, float] = (1e-4, 1e-4, 1e-4, 1e-5, 1e-5)
    """Of Adam, constant; every layer has its published factor on it."""
    clip_norm: float = 5.0
    """Largest norm of the gradient."""
    pretraining: Literal["heatmaps", "regression"] = "heatmaps"
    """Stage 1: heatmaps of 14 joints, as convolutional pose machines have them, or coordinates. Both were published."""
    mask_probability: float = 0.02
    """Stage 5: probability that the correction does not see a joint; twice that for spine and head."""
    initialisation: Literal["published", "scaled"] = "published"
    """Weights before training: within 0.01 of 0 (published), or by the number of inputs, which learn sooner."""
    half_bone_gradient: bool = False
    """The published gradient of the loss on bones: of both ends of a bone only the outer one is moved."""
    published_flags: bool = False
    """The published LSTM backward in time: it reads the marks of where sequences start in the wrong direction."""
    published_sampling: bool = False
    """The published order: sequences that start anywhere, even across two videos, and still pictures in an order that
    is shuffled once, so that the same ones come together again and again."""
    published_missing: bool = False
    """Points that are missing in still pictures count in the losses, as published: at the corner of the picture."""
    dropped_value: float = 0.5
    """Stage 5: where a dropped joint stands in all directions: 0 (published) is the edge of all that occurs."""
    mean_limb_scaled: bool = False
    """Bodies of a store at mean limb lengths, as the published lists seem to be; errors are not those on the data."""
    width: int = 1024
    """Width of the hidden layers."""
    image_size: int = 368
    """Pixels along each side of the pictures."""
    workers: int = 2
    """Threads that read pictures."""
    validate_steps: int = 10_000
    """Steps between validations."""
    validate_frames: int = 10_000
    """Frames of the test subjects that a validation takes, in whole sequences evenly spread; 0: all."""
    log_steps: int = 1000
    """Steps between rows of the log."""

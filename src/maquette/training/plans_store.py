"""Published trainings on a store of recordings: 2D points in, 3D out."""

from dataclasses import dataclass
from typing import Literal

from maquette.training.plans_any import Preset


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

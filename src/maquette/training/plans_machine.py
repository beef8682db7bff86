"""The training of the 3D pose machine."""

from dataclasses import dataclass
from typing import Literal

from maquette.training.plans_any import Preset


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

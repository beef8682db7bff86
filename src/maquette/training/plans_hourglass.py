"""The trainings of the weakly-supervised hourglass and of its authors' later network."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from maquette.training.plans_any import Hidden, Preset
from maquette.training.plans_pictures import PictureSampleFields


@dataclass(frozen=True, kw_only=True)
class HourglassPreset(Preset):
    """Networks of pictures (Zhou et al. 2017), a stage for each preset: 2D; depth where 3D is known; the geometry of
    bodies where it is not."""

    kind: Annotated[Literal["hourglass", "deconv"], Hidden]
    """Stacked hourglass, or the later residual network with deconvolutions."""
    stage: Annotated[Literal[1, 2, 3], Hidden]
    """Stages 2 and 3 start from a checkpoint of another training (``--from``)."""
    samples: PictureSampleFields = field(default_factory=PictureSampleFields)
    """How samples are made."""
    data_2d: str = ""
    """Further folder of people in pictures, of whom only the 2D is used, whatever else is known."""
    pictures: str = ""
    """Folder of the pictures of ``--data``; not given: where the preparation found them, or the folder itself."""
    pictures_2d: str = ""
    """Folder of the pictures of ``--data-2d``."""
    stacks: int = 2
    """Hourglasses in a row."""
    modules: int = 2
    """Residuals in a row within the hourglasses."""
    feats: int = 256
    """Channels of the hourglasses."""
    reg_modules: int = 2
    """Residuals in a row within the depth branch."""
    layers: Literal[18, 34, 50, 101, 152] = 50
    """Of the residual network, with deconvolutions."""
    trunk: str = ""
    """File with weights of the residual network trained on ImageNet, as torchvision has them (published); not given:
    weights from nothing."""
    depth: bool = True
    """With the part that gives depths; stage 1 does not train it, and its model file is without. Without, it is a
    network of 2D alone."""
    input_size: int = 256
    """Pixels along each side of the pictures; heatmaps have a quarter of that."""
    norm: Literal["batch", "group", "frozen"] = "batch"
    """Batch norms (published); group norms, which do not depend on the batch; or batch norms with the statistics of the
    checkpoint that the training starts from, used and kept."""
    norm_groups: int = 32
    """Groups of a group norm; fewer where a group would have fewer than four channels."""
    norm_momentum: float = 0.1
    """Of the running statistics of batch norms."""
    norm_weights: Literal["one", "random"] = "random"
    """Factors of batch norms before training: 1, or between 0 and 1 at random, as the first Torch drew them."""
    weight_3d: float = 0.1
    """Weight of the depths, in pictures with 3D; 0: they are not trained."""
    weight_var: float = 0.0
    """Weight of the geometry (the variance of the ratios of bone lengths), in pictures without 3D."""
    depth_loss: Literal["mse", "smooth-l1"] = "mse"
    """Of the depths: their mean squared error (published), or what the later program takes."""
    geometry: Literal["paper", "v2"] = "paper"
    """Of the geometry: coordinates from -1 to 1 and the variance, or from 0 to 1 and half of it, as the later program
    has it (8 times smaller)."""
    places_of: Literal["target", "torch7", "predicted"] = "torch7"
    """Where joints are to the geometry: where they were annotated; at the highest cell of the target, moved by a
    quarter of a cell as the network's own heatmap says (published); or where that heatmap has them."""
    skip_zero_bones: bool = False
    """In the geometry, a bone of length 0 counts in the mean but not in the sum (published)."""
    shrunk_gradient: bool = False
    """The gradient of the geometry sees places a 32nd of their size apart, as the first PyTorch version had it."""
    weight_2d: float = 1.0
    """Weight of the heatmaps of every stack."""
    published_missing: bool = True
    """Joints that nobody annotated count in the loss of the heatmaps, which are to be empty (published)."""
    mixing: Literal["independent", "joined", "halves"] = "independent"
    """Pictures with 3D and pictures without: tossed up for each sample; each one without once in an epoch and, in one
    random order with them, as many with as ``--ratio-3d`` says; or half of every batch."""
    ratio_3d: float = 1.0
    """Pictures with 3D for one without, where there are both, unless these are halves. (The published 5 of 10 is 1.)"""
    epoch_samples: int = 24_000
    """Samples of an epoch; 0: as many as it takes to see everybody."""
    epochs: int = 60
    """Length of the training."""
    batch_size: int = 6
    """Pictures in a step."""
    optimizer: Literal["rmsprop", "adam", "adamw"] = "rmsprop"
    """Which optimiser."""
    learning_rate: float = 2.5e-4
    """At the start, or at the peak."""
    schedule: Literal["drops", "cosine"] = "drops"
    """The rate falls at once after some epochs; or all the time by half a cosine, after a warm-up."""
    drop_epochs: tuple[int, ...] = ()
    """Drops: after these epochs the learning rate is multiplied by ``drop_factor``."""
    drop_factor: float = 0.1
    """Drops: see there."""
    warmup_steps: int = 0
    """Cosine: steps over which the learning rate rises from zero."""
    alpha: float = 0.99
    """RMSprop: decay of the mean of squares."""
    momentum: float = 0.0
    """Of RMSprop."""
    epsilon: float = 1e-8
    """Of the optimiser."""
    weight_decay: float = 0.0
    """Of the optimiser; AdamW's is on matrices only."""
    clip_norm: float = 0.0
    """Largest norm of the gradient; 0: any."""
    ema_decay: float = 0.0
    """Of the running mean of the weights, which is then what is evaluated and exported; 0: no such mean."""
    skeleton_length_mm: float = 4296.99233013
    """Length of the 14 bones of everybody, to validations and in the model (published); 0: the mean of the people with
    3D that it is trained on."""
    decode: Literal["quarter", "none", "taylor"] = "quarter"
    """How places are read from heatmaps: a quarter of a cell towards the higher neighbour, the highest cell, or the top
    of the bell."""
    workers: int = 2
    """Processes that read pictures; 0: none but the training itself. The samples do not depend on it."""
    validate_epochs: int = 5
    """Epochs between validations; 0: only at the end."""
    validate_samples: int = 2958
    """People of each test set that a validation takes, evenly spread; 0: all. (The published 2958 take minutes without
    a GPU.)"""

    @property
    def freezes_depth(self) -> bool:
        """Nothing trains the depths."""
        return self.weight_3d == 0 and self.weight_var == 0

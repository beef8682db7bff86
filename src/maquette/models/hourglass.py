"""The weakly-supervised hourglass (Zhou et al. 2017, "Towards 3D human pose estimation in the wild: a weakly-supervised
approach"): a picture of a person in, heatmaps of the joints and their depths out.

The stacked hourglass of Newell et al. finds the joints in the picture; a second branch sees its features, as all stacks
leave them, and gives each joint's depth. Only part of the pictures needs depths to train on.
"""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from maquette.errors import InputError
from maquette.models.hourglass_layers import LEVELS, STEM_STRIDE, DepthHead, Stack, Stem

N_JOINTS = 16
"""Those of :data:`maquette.skeletons.MPII_16`."""
INPUT_SIZE = 256
INPUT_STEP = STEM_STRIDE << LEVELS
"""Pixels: sides of pictures are multiples of this, so that everything can be halved as often as it is."""


class PictureOutput(NamedTuple):
    """What a network sees in pictures."""

    heatmaps: list[Float[Tensor, "batch joints height width"]]
    """Of every stack, the last one is the answer; about 1 where the joint is, 0 elsewhere."""
    depth: Float[Tensor, "batch joints"] | None = None
    """Of the joints, away from the camera, in half sides of the crop; None from a network that gives none or a map."""
    depth_map: Float[Tensor, "batch joints height width"] | None = None
    """Of the joints, wherever they may be: read where the heatmap is highest."""


class HourglassDepth(nn.Module):
    """Pictures to heatmaps of every stack and depths.

    Args:
        n_stack: hourglasses in a row.
        n_modules: residuals in a row within them.
        n_feats: channels, an even number.
        n_reg_modules: residuals in a row before each halving of the depth branch; None for a network without depths.
        n_joints: 16 published.
        input_size: pixels along each side of the pictures, a multiple of 64; heatmaps have a quarter of that.
        depth: False, too, leaves the depth branch out.

    At the defaults, which are the published ones, it has 14,429,104 parameters, without depths 12,577,184: then the
    last stack has nothing to add to features that nobody sees.

    Raises:
        InputError: sizes that no such network can have.
    """

    def __init__(
        self,
        n_stack: int = 2,
        n_modules: int = 2,
        n_feats: int = 256,
        n_reg_modules: int | None = 2,
        n_joints: int = N_JOINTS,
        input_size: int = INPUT_SIZE,
        *,
        depth: bool = True,
    ) -> None:
        super().__init__()
        n_reg_modules = n_reg_modules if depth else None
        _check_sizes(n_stack, n_modules, n_feats, n_reg_modules, n_joints, input_size)
        self.n_stack, self.n_modules, self.n_feats, self.n_reg_modules = n_stack, n_modules, n_feats, n_reg_modules
        self.n_joints, self.input_size, self.output_size = n_joints, input_size, input_size // STEM_STRIDE
        self.stem = Stem(n_feats)
        self.stacks = nn.ModuleList(
            Stack(n_feats, n_modules, n_joints, is_last=n_reg_modules is None and i == n_stack - 1)
            for i in range(n_stack)
        )
        self.depth = None if n_reg_modules is None else DepthHead(n_feats, n_reg_modules, n_joints, self.output_size)
        """None: a network of heatmaps alone."""

    def forward(self, pictures: Float[Tensor, "batch 3 size size"]) -> PictureOutput:
        """Heatmaps and depths.

        Args:
            pictures: crops around one person each, in the order and range of the colours that the network was trained
                with (:class:`maquette.runtime.picture_spec.PictureSpec`).
        """
        x = self.stem(pictures)
        heatmaps = []
        for stack in self.stacks:
            heatmap, x = stack(x)
            heatmaps.append(heatmap)
        return PictureOutput(heatmaps, None if self.depth is None else self.depth(x))


def _check_sizes(
    n_stack: int, n_modules: int, n_feats: int, n_reg_modules: int | None, n_joints: int, input_size: int
) -> None:
    counts = {"stacks": n_stack, "modules": n_modules, "joints": n_joints}
    if n_reg_modules is not None:
        counts["modules of the depth branch"] = n_reg_modules
    problems = [f"{count} {what}, expected one or more" for what, count in counts.items() if count < 1]
    if n_feats < 2 or n_feats % 2:
        problems.append(f"{n_feats} features, expected an even number: half of them go through each residual")
    if input_size < INPUT_STEP or input_size % INPUT_STEP:
        problems.append(
            f"pictures of {input_size} pixels, expected a multiple of {INPUT_STEP} (64, 128, 192, 256, ...): they are "
            f"halved {INPUT_STEP.bit_length() - 1} times"
        )
    if problems:
        raise InputError.from_problems("hourglass", problems)

"""Parts of the stacked hourglass (Newell et al. 2016, "Stacked hourglass networks for human pose estimation")."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

LEVELS = 4
"""How often an hourglass halves what it sees."""
STEM_STRIDE = 4
"""Pixels of the picture along each side of one of the stem's features."""

Features = Float[Tensor, "batch _ _ _"]
"""Channels and sides change from one to the next."""


class Residual(nn.Module):
    """Three convolutions (1, 3, 1 wide) through half as many channels, each after a norm and a ReLU, beside a shortcut.

    With 256 channels in and out it has 214,528 parameters.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half = outputs // 2
        self.norm1, self.conv1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, half, 1)
        self.norm2, self.conv2 = nn.BatchNorm2d(half), nn.Conv2d(half, half, 3, padding=1)
        self.norm3, self.conv3 = nn.BatchNorm2d(half), nn.Conv2d(half, outputs, 1)
        self.shortcut = None if inputs == outputs else nn.Conv2d(inputs, outputs, 1)
        """None: what goes in is added as it is."""

    def forward(self, x: Features) -> Features:
        y = self.conv1(F.relu(self.norm1(x)))
        y = self.conv2(F.relu(self.norm2(y)))
        y = self.conv3(F.relu(self.norm3(y)))
        return y + (x if self.shortcut is None else self.shortcut(x))


def residuals(count: int, channels: int) -> nn.Sequential:
    """``count`` residuals in a row."""
    return nn.Sequential(*(Residual(channels, channels) for _ in range(count)))


class Hourglass(nn.Module):
    """Looks at its input in this resolution and, through itself, in all lower ones; the sum comes out.

    Args:
        levels: how often what goes in is halved.
        channels: in and out, everywhere.
        n_modules: residuals in a row wherever there are any.
    """

    def __init__(self, levels: int, channels: int, n_modules: int) -> None:
        super().__init__()
        self.beside = residuals(n_modules, channels)
        """In this resolution."""
        self.down = residuals(n_modules, channels)
        self.inner: nn.Module = (
            Hourglass(levels - 1, channels, n_modules) if levels > 1 else residuals(n_modules, channels)
        )
        """All lower ones."""
        self.up = residuals(n_modules, channels)

    def forward(self, x: Features) -> Features:
        low = self.up(self.inner(self.down(F.max_pool2d(x, 2))))
        return self.beside(x) + F.interpolate(low, scale_factor=2.0, mode="nearest")


class Stem(nn.Module):
    """A picture to features at a quarter of its resolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 64, 7, stride=2, padding=3), nn.BatchNorm2d(64)
        self.residual1 = Residual(64, 128)
        self.residual2 = Residual(128, 128)
        self.residual3 = Residual(128, channels)

    def forward(self, pictures: Features) -> Features:
        x = self.residual1(F.relu(self.norm(self.conv(pictures))))
        return self.residual3(self.residual2(F.max_pool2d(x, 2)))


class Stack(nn.Module):
    """One hourglass, its heatmaps, and what it adds to the features that the next one sees.

    Args:
        is_last: nothing comes after it, so that it adds nothing.
    """

    def __init__(self, channels: int, n_modules: int, n_joints: int, *, is_last: bool) -> None:
        super().__init__()
        self.hourglass = Hourglass(LEVELS, channels, n_modules)
        self.after = residuals(n_modules, channels)
        self.conv, self.norm = nn.Conv2d(channels, channels, 1), nn.BatchNorm2d(channels)
        self.heatmap = nn.Conv2d(channels, n_joints, 1)
        self.from_features = None if is_last else nn.Conv2d(channels, channels, 1)
        self.from_heatmap = None if is_last else nn.Conv2d(n_joints, channels, 1)

    def forward(self, x: Features) -> tuple[Features, Features]:
        """Heatmaps, and the features with what this stack adds."""
        y = F.relu(self.norm(self.conv(self.after(self.hourglass(x)))))
        heatmap = self.heatmap(y)
        if self.from_features is None or self.from_heatmap is None:
            return heatmap, x
        return heatmap, x + self.from_features(y) + self.from_heatmap(heatmap)


class DepthHead(nn.Module):
    """Features to one number for each joint: residuals and halving by turns, then a full connection.

    Args:
        side: of the features, divisible by ``2 ** LEVELS``.
    """

    def __init__(self, channels: int, n_modules: int, n_joints: int, side: int) -> None:
        super().__init__()
        self.levels = nn.ModuleList(residuals(n_modules, channels) for _ in range(LEVELS))
        self.linear = nn.Linear(channels * (side >> LEVELS) ** 2, n_joints)

    def forward(self, x: Features) -> Float[Tensor, "batch joints"]:
        for level in self.levels:
            x = F.max_pool2d(level(x), 2)
        return self.linear(x.flatten(1))

"""Mamba: selective state spaces that scan a window pixel by pixel, and each pixel's channels, as in MambaHSI.

Gu, Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", arXiv 2312.00752, 2023, figure 3, with the
constants of the authors' program: 16 states, a convolution of 4 positions, expansion 2, one unit of rank for 16
channels, step sizes of 0.001 to 0.1 to start with. Li, Luo, Zhang, Wang, Du, "MambaHSI: Spatial-Spectral Mamba for
Hyperspectral Image Classification", IEEE TGRS 62, 2024, with the constants of the authors' program: 128 channels, three
blocks, each a scan over the pixels, row by row, beside a scan over the four quarters of a pixel's channels, weighed and
added; halved between blocks; a layer of 128 before the classes. A hand count of that program for the 103 bands and 9
classes of Pavia University gives 412,239 parameters.

Deviations: windows take the place of the whole scene, so each is normalised and scanned by itself, and the mean over
its class map is its answer. Halvings round up, and leave a field of 3 x 3 or less alone. A normalisation over the
window stands behind the first layer already, so there is nothing to share. The configuration's width is a quarter.
`hsi.engine.cost` counts the layers' multiply-adds, not those of the recurrences between them.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hsi.config.values import Count, Positive, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.blocks.layers import global_average, scale
from hsi.models.blocks.recurrence import selective_scan
from hsi.models.blocks.stages import Attention, Position, Stage, assemble, halvings, require_window, with_attention

KERNEL, EXPANSION, CHANNELS_OF_RANK = 4, 2, 16
SLOWEST, FASTEST = 0.001, 0.1
GROUPS = 4  # of channels: the tokens of a pixel, and the groups of normalisations
MIN_WINDOW = 1


def mamba(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 7,
    attention: Attention | None = None,
    attention_position: Position = "last",
    width: Positive = 1.0,
    states: Count = 16,
) -> WindowClassifier:
    """Build MambaHSI for windows (B, in_channels, patch_size, patch_size); `width` scales every layer."""
    require_window("Mamba", patch_size, MIN_WINDOW)
    channels = GROUPS * scale(128 // GROUPS, width)
    stages = [Stage(pointwise(in_channels, channels), channels)]
    for stride in halvings((1, 2, 2), patch_size):
        pooling = [nn.AvgPool2d(stride, ceil_mode=True)] if stride > 1 else []
        stages.append(Stage(nn.Sequential(*pooling, SpatialSpectral(channels, states)), channels))
    stages = with_attention(stages, attention, attention_position)
    classifier = nn.Sequential(pointwise(channels, channels), *global_average(channels, num_classes))
    return assemble(stages, classifier, in_channels, patch_size)


def pointwise(inputs: int, outputs: int) -> nn.Sequential:
    """1 x 1 convolution, normalised over the window."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1), normalised(outputs))


def normalised(channels: int) -> nn.Sequential:
    """What stands behind each layer of MambaHSI."""
    return nn.Sequential(nn.GroupNorm(GROUPS, channels), nn.SiLU())


class SpatialSpectral(nn.Module):
    """Two scans side by side, weighed and added, (B, C, H, W) -> the same shape: MambaHSI's block."""

    def __init__(self, channels: int, states: int) -> None:
        super().__init__()
        self.over_window, self.of_window = SelectiveScan(channels, states), normalised(channels)
        self.over_channels, self.of_channels = SelectiveScan(channels // GROUPS, states), normalised(channels)
        self.weights = nn.Parameter(torch.zeros(2))

    def forward(self, x: Tensor) -> Tensor:
        """Either scan adds to its input, and both together do."""
        pixels = x.permute(0, 2, 3, 1)
        window = self.over_window(pixels.flatten(1, 2)).view(pixels.shape)
        channels = self.over_channels(pixels.flatten(0, 2).unflatten(1, (GROUPS, -1))).view(pixels.shape)
        first, second = self.weights.softmax(0)
        spatial, spectral = self.of_window(window.permute(0, 3, 1, 2)), self.of_channels(channels.permute(0, 3, 1, 2))
        return x + first * (x + spatial) + second * (x + spectral)


class SelectiveScan(nn.Module):
    """Mamba's block without its normalisation and sum, (B, L, channels) -> the same shape: Gu and Dao 2023, figure 3.

    A short causal convolution and a selective state space, gated by a branch beside them. The rates of decay start at
    -1, ..., -`states` (S4D-Real).
    """

    def __init__(self, channels: int, states: int = 16) -> None:
        super().__init__()
        inner, rank = EXPANSION * channels, math.ceil(channels / CHANNELS_OF_RANK)
        self.sizes = [rank, states, states]
        self.opened = nn.Linear(channels, 2 * inner, bias=False)
        # along the tokens; in two dimensions, since its derivative is three times faster so for the four of a pixel
        self.convolution = nn.Conv2d(inner, inner, (KERNEL, 1), groups=inner)
        self.selected = nn.Linear(inner, sum(self.sizes), bias=False)
        self.step = nn.Linear(rank, inner)
        self.log_rate = nn.Parameter(torch.arange(1.0, states + 1).log().repeat(inner, 1))
        self.skip = nn.Parameter(torch.ones(inner))
        self.closed = nn.Linear(inner, channels, bias=False)
        nn.init.uniform_(self.step.weight, -(rank**-0.5), rank**-0.5)
        steps = torch.empty(inner).uniform_(math.log(SLOWEST), math.log(FASTEST)).exp()
        with torch.no_grad():
            self.step.bias.copy_(steps + torch.log(-torch.expm1(-steps)))  # the inverse of softplus

    def forward(self, tokens: Tensor) -> Tensor:
        """Each token sees itself and those before it."""
        x, gate = self.opened(tokens).chunk(2, dim=2)
        x = F.pad(x, (0, 0, KERNEL - 1, 0)).transpose(1, 2)  # (B, channels, L), as if zeros came before
        x = F.silu(self.convolution(x[..., None]).squeeze(3).transpose(1, 2))
        step, write, read = self.selected(x).split(self.sizes, dim=2)
        y = selective_scan(x, F.softplus(self.step(step)), -self.log_rate.exp(), write, read)
        return self.closed((y + self.skip * x) * F.silu(gate))

"""Attention over the channels and the window of a feature map.

Every module is built as `Module(channels, ..., dims=2)` and returns a tensor of its input's shape:
(B, C, H, W) for `dims=2`, (B, C, D, H, W) for `dims=3`, with B windows, C channels, D spectral positions,
H rows and W columns. All of them pool or pad over the window, so they belong to the head of a model, never
to its trunk (see `hsi.engine.forward`).

No module has biases or batch normalisation: the papers' equations have none, and without batch statistics
the result for a window does not depend on the other windows of its batch.
"""

import math

import torch
from torch import Tensor, nn

from hsi.config.values import Count, Positive, Real, Window

CONVOLUTIONS = {2: nn.Conv2d, 3: nn.Conv3d}


class SqueezeExcite(nn.Module):
    """Squeeze and excitation: one weight in 0..1 for each channel, from the channels' means.

    Hu, Shen, Sun, 'Squeeze-and-Excitation Networks', CVPR 2018, equations 2 (squeeze), 3 (excitation) and 4 (scale).
    The hidden width is `max(least_hidden, channels // reduction)`: of 8 or 16 channels a reduction of 16 leaves one
    unit, from which all their weights follow. `dims` is accepted so that all attention modules are
    built alike; the mean runs over whatever follows the channels.
    """

    def __init__(self, channels: int, reduction: Count = 16, least_hidden: Count = 1, dims: int = 2) -> None:
        super().__init__()
        self.mlp = _bottleneck(channels, reduction, least_hidden)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, ...) -> (B, C, ...)."""
        return features * _per_channel(torch.sigmoid(self.mlp(_mean(features))), features)


class EfficientChannelAttention(nn.Module):
    """One weight in 0..1 for each channel, from the means of itself and its neighbours among the channels.

    Wang, Wu, Zhu, Li, Zuo, Hu, 'ECA-Net: Efficient Channel Attention for Deep Convolutional Neural
    Networks', CVPR 2020: one 1-D convolution over the channel means, zero padded, without reduction. How
    many neighbours it sees follows from the number of channels, see `adaptive_kernel`.
    """

    def __init__(self, channels: int, gamma: Positive = 2, b: Real = 1, dims: int = 2) -> None:
        super().__init__()
        size = adaptive_kernel(channels, gamma, b)
        self.convolution = nn.Conv1d(1, 1, size, padding=size // 2, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, ...) -> (B, C, ...)."""
        weights = torch.sigmoid(self.convolution(_mean(features).unsqueeze(1)).squeeze(1))
        return features * _per_channel(weights, features)


class SpatialAttention(nn.Module):
    """One weight in 0..1 for each position, from the mean and the maximum over channels around it.

    The spatial half of Woo, Park, Lee, Kweon, 'CBAM: Convolutional Block Attention Module', ECCV 2018,
    equation 3. The convolution is zero padded to the window's size; for `dims=3` it is a cube of
    `kernel_size` in D, H and W. The authors' code adds batch normalisation that their equation lacks; it
    is left out here. `channels` is accepted so that all attention modules are built alike.
    """

    def __init__(self, channels: int, kernel_size: Window = 7, dims: int = 2) -> None:
        super().__init__()
        self.convolution = CONVOLUTIONS[dims](2, 1, kernel_size, padding=kernel_size // 2, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) or, for `dims=3`, (B, C, D, H, W) -> the same shape."""
        pooled = torch.cat([features.mean(1, keepdim=True), features.amax(1, keepdim=True)], dim=1)
        return features * torch.sigmoid(self.convolution(pooled))


class CBAM(nn.Module):
    """Channel attention from mean and maximum, then spatial attention on what it leaves.

    Woo et al. 2018 (see `SpatialAttention`), equations 1 to 3: the two descriptors of the channels pass
    the same two layers and are added before the sigmoid. The hidden width is
    `max(least_hidden, channels // reduction)`.
    """

    def __init__(
        self, channels: int, reduction: Count = 16, kernel_size: Window = 7, least_hidden: Count = 1, dims: int = 2
    ) -> None:
        super().__init__()
        self.mlp = _bottleneck(channels, reduction, least_hidden)
        self.spatial = SpatialAttention(channels, kernel_size, dims)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) or, for `dims=3`, (B, C, D, H, W) -> the same shape."""
        weights = torch.sigmoid(self.mlp(_mean(features)) + self.mlp(features.flatten(2).amax(2)))
        return self.spatial(features * _per_channel(weights, features))


def adaptive_kernel(channels: int, gamma: float = 2, b: float = 1) -> int:
    """Return the odd kernel size of efficient channel attention: |log2(channels) / gamma + b / gamma|_odd.

    Wang et al. 2020, section 'Coverage of Local Cross-Channel Interaction'. 'Odd' is read as in the
    authors' code: cut to a whole number, and one more if that is even.
    """
    size = int(abs((math.log2(channels) + b) / gamma))
    return size if size % 2 else size + 1


def _bottleneck(channels: int, reduction: int, least_hidden: int) -> nn.Sequential:
    hidden = max(least_hidden, channels // reduction)
    return nn.Sequential(nn.Linear(channels, hidden, bias=False), nn.ReLU(), nn.Linear(hidden, channels, bias=False))


def _mean(features: Tensor) -> Tensor:
    return features.flatten(2).mean(2)


def _per_channel(weights: Tensor, features: Tensor) -> Tensor:
    return weights.reshape(weights.shape + (1,) * (features.ndim - 2))

"""ShuffleNetV2 1.0x: half the channels pass a block untouched, then a shuffle mixes both halves.

Ma, Zhang, Zheng, Sun, "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design", ECCV 2018, table 5:
2,278,604 parameters (torchvision's count; the paper: 2.3 million). The shuffle is that of version 1 (Zhang, Zhou, Lin,
Sun, "ShuffleNet", CVPR 2018), whose grouped 1 x 1 convolutions version 2 gives up for the split.

Deviations for windows: the first convolution has stride 1 and no pooling after it (no early downsampling), is
unpadded if the window allows and then the trunk; a field of 3 x 3 or less is not halved any more. Weights start
as in `hsi.models.blocks.layers.initialise`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hsi.config.values import Positive, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.blocks.layers import Branches, conv, depthwise, global_average, scale
from hsi.models.blocks.stages import (
    Attention,
    Position,
    Stage,
    assemble,
    halvings,
    require_window,
    unpadded,
    with_attention,
)

LEVELS = ((116, 4), (232, 8), (464, 4))  # output channels and blocks, the first of each with stride 2
MIN_WINDOW = 3


def shufflenet(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 15,
    attention: Attention | None = None,
    attention_position: Position = "last",
    width: Positive = 1.0,
) -> WindowClassifier:
    """Build ShuffleNetV2 for windows (B, in_channels, patch_size, patch_size); `width` scales every layer."""
    require_window("ShuffleNet", patch_size, MIN_WINDOW)
    free, side = unpadded(patch_size, (2,))
    first = scale(24, width)
    stem = Stage(conv(in_channels, first, padded=free < 1, norm=True), first, shared=free > 0)
    stages = [stem, *_blocks(first, width, halvings([2] * len(LEVELS), side))]
    stages = with_attention(stages, attention, attention_position)
    return assemble(stages, global_average(stages[-1].channels, num_classes), in_channels, patch_size)


def original(num_classes: int = 1000) -> nn.Module:
    """ShuffleNetV2 1.0x for images (B, 3, 224, 224)."""
    stages = _blocks(24, 1.0, [2] * len(LEVELS))
    return nn.Sequential(
        *(conv(3, 24, stride=2, norm=True), nn.MaxPool2d(3, 2, padding=1)),
        *(stage.layers for stage in stages),
        *global_average(stages[-1].channels, num_classes),
    )


class ChannelShuffle(nn.Module):
    """Channels of `groups` groups in turn, one of each: read as a (groups, C / groups) matrix and transposed."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        return x.unflatten(1, (self.groups, -1)).transpose(1, 2).flatten(1, 2)


class Half(nn.Module):
    """One half of the channels, the first (0) or the second (1)."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C / 2, H, W)."""
        return torch.chunk(x, 2, dim=1)[self.index]


def unit(half: int) -> nn.Sequential:
    """Split, three convolutions for one half, concatenate, shuffle: figure 3c, of 2 * `half` channels."""
    branch = nn.Sequential(Half(1), *_filter(half, half, 1))
    return nn.Sequential(Branches(Half(0), branch), ChannelShuffle(2))


def wider_unit(inputs: int, half: int, stride: int) -> nn.Sequential:
    """Both branches see all `inputs`, and may stride: figure 3d; to 2 * `half` channels."""
    shortcut = nn.Sequential(depthwise(inputs, stride=stride, activation=None), conv(inputs, half, 1, norm=True))
    return nn.Sequential(Branches(shortcut, _filter(inputs, half, stride)), ChannelShuffle(2))


def _filter(inputs: int, half: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        conv(inputs, half, 1, norm=True),
        depthwise(half, stride=stride, activation=None),
        conv(half, half, 1, norm=True),
    )


def _blocks(channels: int, width: float, strides: Sequence[int]) -> list[Stage]:
    """The units of the three levels and the last 1 x 1 convolution."""
    stages = []
    for (published, repeats), stride in zip(LEVELS, strides, strict=True):
        half = scale(published // 2, width)
        for index in range(repeats):
            block = unit(half) if index else wider_unit(channels, half, stride)
            stages.append(Stage(block, 2 * half))
        channels = 2 * half
    last = scale(1024, width)
    return [*stages, Stage(conv(channels, last, 1, norm=True), last)]

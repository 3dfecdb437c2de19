"""ShuffleNet (version 1): 1 x 1 convolutions in groups, and a shuffle between them that carries channels across.

Zhang, Zhou, Lin, Sun, "ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile Devices", CVPR 2018,
table 1 and figure 2: bottlenecks of a quarter of the channels; the first unit of a level pools its input beside the
branch and concatenates; the first 1 x 1 convolution of all is not grouped. The paper prints 137 million multiply-adds
for 3 groups and no parameter counts; 1,531,936, 1,733,848, 1,865,728, 1,968,344 and 2,434,768 for 1, 2, 3, 4 and 8
groups are those of pytorchcv. Version 2 is `hsi.models.shufflenet`.

Deviations for windows: the first convolution has stride 1 and no pooling after it (no early downsampling), is unpadded
if the window allows and then the trunk; a field of 3 x 3 or less is not halved any more, and its unit passes its input
on as it is. `width` keeps channels multiples of what the groups of a bottleneck ask for. Weights start as in
`hsi.models.blocks.layers.initialise`.
"""

from collections.abc import Sequence
from typing import Literal

from torch import nn

from hsi.config.values import Positive, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.blocks.layers import Branches, Residual, conv, depthwise, global_average, scale
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
from hsi.models.shufflenet import ChannelShuffle

Groups = Literal[1, 2, 3, 4, 8]

CHANNELS = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}  # of the first level, by groups; doubled from level to level
REPEATS = (4, 8, 4)  # units of a level, the first with stride 2
STEM = 24
BOTTLENECK = 4  # output over inner channels
MIN_WINDOW = 3


def shufflenet_v1(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 15,
    attention: Attention | None = None,
    attention_position: Position = "last",
    groups: Groups = 3,
    width: Positive = 1.0,
) -> WindowClassifier:
    """Build ShuffleNet for windows (B, in_channels, patch_size, patch_size); `width` scales every layer."""
    require_window("ShuffleNet", patch_size, MIN_WINDOW)
    free, side = unpadded(patch_size, (2,))
    first = groups * scale(STEM // groups, width)
    stem = Stage(conv(in_channels, first, padded=free < 1, norm=True), first, shared=free > 0)
    stages = [stem, *_units(first, groups, width, halvings([2] * len(REPEATS), side))]
    stages = with_attention(stages, attention, attention_position)
    return assemble(stages, global_average(stages[-1].channels, num_classes), in_channels, patch_size)


def original(num_classes: int = 1000, groups: Groups = 3) -> nn.Module:
    """ShuffleNet 1x for images (B, 3, 224, 224)."""
    stages = _units(STEM, groups, 1.0, [2] * len(REPEATS))
    return nn.Sequential(
        *(conv(3, STEM, stride=2, norm=True), nn.MaxPool2d(3, 2, padding=1)),
        *(stage.layers for stage in stages),
        *global_average(stages[-1].channels, num_classes),
    )


def unit(channels: int, groups: int) -> nn.Module:
    """Figure 2b: grouped 1 x 1, shuffle, depthwise 3 x 3, grouped 1 x 1, added to the input."""
    branch = _branch(channels, channels, channels // BOTTLENECK, groups, groups, 1)
    return Residual(branch, nn.Identity(), nn.ReLU())


def wider_unit(inputs: int, outputs: int, groups: int, stride: int, first_groups: int) -> nn.Module:
    """Figure 2c: the branch beside the input, pooled where it strides; its first convolution has `first_groups`."""
    shortcut = nn.AvgPool2d(3, stride, padding=1) if stride > 1 else nn.Identity()
    branch = _branch(inputs, outputs - inputs, outputs // BOTTLENECK, groups, first_groups, stride)
    return nn.Sequential(Branches(shortcut, branch), nn.ReLU())


def _branch(inputs: int, outputs: int, inner: int, groups: int, first_groups: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        *(conv(inputs, inner, 1, groups=first_groups, norm=True), ChannelShuffle(groups)),
        depthwise(inner, stride=stride, activation=None),
        conv(inner, outputs, 1, groups=groups, norm=True, activation=None),
    )


def _units(inputs: int, groups: int, width: float, strides: Sequence[int]) -> list[Stage]:
    """The units of the three levels."""
    whole = BOTTLENECK * groups  # so that bottlenecks can be grouped
    outputs = whole * scale(CHANNELS[groups] // whole, width)
    stages = []
    for level, (repeats, stride) in enumerate(zip(REPEATS, strides, strict=True)):
        for index in range(repeats):
            first_groups = groups if level else 1
            block = unit(outputs, groups) if index else wider_unit(inputs, outputs, groups, stride, first_groups)
            stages.append(Stage(block, outputs))
        inputs, outputs = outputs, 2 * outputs
    return stages

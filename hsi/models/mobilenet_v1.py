"""MobileNet (version 1): thirteen pairs of a depthwise 3 x 3 and a pointwise 1 x 1 convolution.

Howard, Zhu, Chen, Kalenichenko, Wang, Weyand, Andreetto, Adam, "MobileNets: Efficient Convolutional Neural Networks
for Mobile Vision Applications", arXiv:1704.04861, 2017, table 1: 4,231,976 parameters (the paper: 4.2 million), and
2,585,560, 1,331,592 and 470,072 at 0.75, 0.5 and 0.25 (Keras' trainable ones; the paper: 2.6, 1.3 and 0.5). `width`
is the paper's multiplier alpha; its other one, for the resolution, is `patch_size`. The last pair has stride 1: with
the 2 of the table its output could not be 7 x 7.

Deviations for windows: the first two of five strides are 1 (no early downsampling), and a field of 3 x 3 or less
is not halved any more; the first convolution and the pairs before the first stride are unpadded as long as the
window allows and form the trunk. Weights start as in `hsi.models.blocks.layers.initialise`.
"""

from collections.abc import Sequence

from torch import nn

from hsi.config.values import Positive, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.blocks.layers import conv, depthwise, global_average, scale
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

CHANNELS = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)  # of each pair, table 1
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
EARLY = 3  # pairs before the first stride that is kept
MIN_WINDOW = 3


def mobilenet_v1(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 15,
    attention: Attention | None = None,
    attention_position: Position = "last",
    width: Positive = 1.0,
) -> WindowClassifier:
    """Build MobileNet for windows (B, in_channels, patch_size, patch_size); `width` scales every layer."""
    require_window("MobileNet", patch_size, MIN_WINDOW)
    free, side = unpadded(patch_size, [2] * (1 + EARLY))
    first = scale(32, width)
    stem = Stage(conv(in_channels, first, padded=free < 1, norm=True), first, shared=free > 0)
    stages = [stem, *_pairs(first, width, halvings(STRIDES, side, EARLY), free - 1)]
    stages = with_attention(stages, attention, attention_position)
    return assemble(stages, global_average(stages[-1].channels, num_classes), in_channels, patch_size)


def original(num_classes: int = 1000, width: float = 1.0) -> nn.Module:
    """MobileNet for images (B, 3, 224, 224)."""
    first = scale(32, width)
    stages = _pairs(first, width, STRIDES, 0)
    return nn.Sequential(
        conv(3, first, stride=2, norm=True),
        *(stage.layers for stage in stages),
        *global_average(stages[-1].channels, num_classes),
    )


def pair(inputs: int, outputs: int, stride: int = 1, padded: bool = True) -> nn.Sequential:
    """Depthwise 3 x 3, pointwise 1 x 1, each normalised, with ReLU: figure 3 right. Unpadded, it takes 2 of a side."""
    return nn.Sequential(depthwise(inputs, stride=stride, padded=padded), conv(inputs, outputs, 1, norm=True))


def _pairs(channels: int, width: float, strides: Sequence[int], free: int) -> list[Stage]:
    """The thirteen pairs, the first `free` unpadded."""
    stages = []
    for index, (published, stride) in enumerate(zip(CHANNELS, strides, strict=True)):
        outputs = scale(published, width)
        stages.append(Stage(pair(channels, outputs, stride, padded=index >= free), outputs, shared=index < free))
        channels = outputs
    return stages

"""Xception: separable convolutions, which filter each channel by itself and then mix channels, in residual blocks.

Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", CVPR 2017, figure 5: 22,855,952 parameters
(the paper: 22,855,952; with the running statistics of its normalisations 22,910,480, as Keras counts). No activation
stands between the two halves of a separable convolution (section 4.7).

Deviations for windows: the first convolution and the first block have stride 1 (no early downsampling), and a field of
3 x 3 or less is not halved any more; a block that does not halve does not pool. The two first convolutions, unpadded in
the paper already, and the first block are unpadded as long as the window allows, its shortcut cropped, and form the
trunk. Weights start as in `hsi.models.blocks.layers.initialise`.
"""

from collections.abc import Sequence

from torch import nn

from hsi.config.values import Count, Positive, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.blocks.layers import Residual, conv, depthwise, global_average, scale
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

STEM = (32, 64)
ENTRY, EXIT = (128, 256, 728), (728, 1024)  # outputs of the blocks of the entry flow; of the convolutions of the last
LAST = (1536, 2048)
MIDDLE = 8  # blocks of the middle flow
STRIDES = (2, 2, 2, 2)  # of the blocks of the entry flow and the one of the exit flow
EARLY = 1  # blocks before the first stride that is kept
LOSSES = (2, 2, 4)  # pixels that the stem's convolutions and the first block take of a side if unpadded
MIN_WINDOW = 3


def xception(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 15,
    attention: Attention | None = None,
    attention_position: Position = "last",
    width: Positive = 1.0,
    middle: Count = MIDDLE,
) -> WindowClassifier:
    """Build Xception for windows (B, in_channels, patch_size, patch_size); `width` scales every layer.

    `middle` is the number of blocks of the middle flow.
    """
    require_window("Xception", patch_size, MIN_WINDOW)
    free, side = unpadded(patch_size, LOSSES)
    first, second = (scale(channels, width) for channels in STEM)
    stages = [
        Stage(conv(in_channels, first, padded=free < 1, norm=True), first, shared=free > 0),
        Stage(conv(first, second, padded=free < 2, norm=True), second, shared=free > 1),
        *_blocks(second, width, middle, halvings(STRIDES, side, EARLY), free - 2),
    ]
    stages = with_attention(stages, attention, attention_position)
    return assemble(stages, global_average(stages[-1].channels, num_classes), in_channels, patch_size)


def original(num_classes: int = 1000) -> nn.Module:
    """Xception for images (B, 3, 299, 299)."""
    stages = _blocks(STEM[1], 1.0, MIDDLE, STRIDES, 0)
    return nn.Sequential(
        conv(3, STEM[0], stride=2, padded=False, norm=True),
        conv(*STEM, padded=False, norm=True),
        *(stage.layers for stage in stages),
        *global_average(stages[-1].channels, num_classes),
    )


def separable(inputs: int, outputs: int, padded: bool = True) -> nn.Sequential:
    """Depthwise 3 x 3, then 1 x 1, normalised once, without activation."""
    return nn.Sequential(
        depthwise(inputs, padded=padded, norm=False, bias=False, activation=None),
        conv(inputs, outputs, 1, norm=True, activation=None),
    )


def block(
    inputs: int, outputs: Sequence[int], stride: int = 1, padded: bool = True, activated: bool = True
) -> nn.Module:
    """Separable convolutions, each behind a ReLU, the first only if `activated`; added to the input: figure 5.

    Unpadded, each convolution takes 2 pixels of a side.
    """
    layers: list[nn.Module] = []
    channels = inputs
    for index, wider in enumerate(outputs):
        layers.extend([nn.ReLU()] if index or activated else [])
        layers.append(separable(channels, wider, padded))
        channels = wider
    layers.extend([nn.MaxPool2d(3, stride, padding=1)] if stride > 1 else [])
    same = stride == 1 and inputs == channels
    shortcut = nn.Identity() if same else conv(inputs, channels, 1, stride=stride, norm=True, activation=None)
    return Residual(nn.Sequential(*layers), shortcut, nn.Identity())


def _blocks(channels: int, width: float, middle: int, strides: Sequence[int], free: int) -> list[Stage]:
    """All that follows the stem, the first `free` blocks unpadded."""
    stages = []
    for index, published in enumerate(ENTRY):
        outputs = scale(published, width)
        layers = block(channels, (outputs, outputs), strides[index], index >= free, activated=index > 0)
        stages.append(Stage(layers, outputs, shared=index < free))
        channels = outputs
    stages.extend(Stage(block(channels, [channels] * 3), channels) for _ in range(middle))
    outputs = scale(EXIT[1], width)
    stages.append(Stage(block(channels, (scale(EXIT[0], width), outputs), strides[-1]), outputs))
    for published in LAST:
        channels, outputs = outputs, scale(published, width)
        stages.append(Stage(nn.Sequential(separable(channels, outputs), nn.ReLU()), outputs))
    return stages

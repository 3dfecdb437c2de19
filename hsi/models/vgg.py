"""VGG: stacks of 3 x 3 convolutions, five poolings, three fully connected layers.

Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015, table 1:
configurations A, B, D and E, called here by their depth 11, 13, 16 and 19. `original` has the 133, 133, 138 and 144
million parameters of table 2 (depth 11: 132,863,336).

Deviations for windows: no pooling after the first stage (no early downsampling); the first two stages are unpadded
as long as the window allows and form the trunk; pooling keeps borders that do not fill its 2 x 2, so that any window
passes. Weights start as in `hsi.models.blocks.layers.initialise`, with which the deep ones learn without being grown
from shallow ones.
"""

from typing import Literal

from torch import nn

from hsi.config.values import Count, Positive, ShareOrZero, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.blocks.layers import conv, fully_connected, max_pool, scale
from hsi.models.blocks.stages import (
    Attention,
    Position,
    Stage,
    assemble,
    output_shape,
    require_window,
    unpadded,
    with_attention,
)

WIDTHS = (64, 128, 256, 512, 512)
REPEATS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
MIN_WINDOW = 3


def vgg(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 15,
    attention: Attention | None = None,
    attention_position: Position = "last",
    depth: Literal[11, 13, 16, 19] = 11,
    width: Positive = 1.0,
    hidden: Count = 4096,
    dropout: ShareOrZero = 0.5,
) -> WindowClassifier:
    """Build VGG for windows (B, in_channels, patch_size, patch_size).

    `width` scales the convolutions, `hidden` is the width of the two hidden fully connected layers.
    """
    require_window("VGG", patch_size, MIN_WINDOW)
    repeats = REPEATS[depth]
    free, _ = unpadded(patch_size, [2 * count for count in repeats[:2]])
    stages = with_attention(_stages(in_channels, repeats, width, free, pool_from=2), attention, attention_position)
    stages.append(Stage(max_pool(2), stages[-1].channels))
    features = output_shape(stages, in_channels, patch_size)[1:].numel()
    return assemble(stages, _classifier(features, num_classes, hidden, dropout), in_channels, patch_size)


def original(num_classes: int = 1000, depth: int = 11) -> nn.Module:
    """VGG for images (B, 3, 224, 224)."""
    stages = [*_stages(3, REPEATS[depth], 1.0, 0, pool_from=1), Stage(max_pool(2), WIDTHS[-1])]
    features = output_shape(stages, 3, 224)[1:].numel()
    return nn.Sequential(*(stage.layers for stage in stages), *_classifier(features, num_classes, 4096, 0.5))


def _stages(channels: int, repeats: tuple[int, ...], width: float, free: int, pool_from: int) -> list[Stage]:
    """The five stages, the first `free` unpadded, those from `pool_from` on with a pooling in front."""
    stages = []
    for level, (count, planes) in enumerate(zip(repeats, WIDTHS, strict=True)):
        layers: list[nn.Module] = [max_pool(2)] if level >= pool_from else []
        for _ in range(count):
            layers.append(conv(channels, scale(planes, width), padded=level >= free))
            channels = scale(planes, width)
        stages.append(Stage(nn.Sequential(*layers), channels, shared=level < free))
    return stages


def _classifier(features: int, num_classes: int, hidden: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Flatten(),
        *fully_connected(features, hidden, dropout),
        *fully_connected(hidden, hidden, dropout),
        nn.Linear(hidden, num_classes),
    )

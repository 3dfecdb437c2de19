"""AlexNet: five convolutions, response normalisation, overlapping pooling, three fully connected layers.

Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", NIPS 2012, section
3.5 and figure 2: two columns, written as grouped convolutions, 60,965,224 parameters (the paper: 60 million).
``columns=1`` is the single column of Krizhevsky, "One weird trick for parallelizing convolutional neural networks",
arXiv:1404.5997, 61,100,840 parameters (torchvision).

Deviations for windows: a first kernel of 5 at stride 1 in place of 11 at stride 4, and no pooling after it (no early
downsampling); the first two convolutions are unpadded as long as the window allows and form the trunk, where the
response normalisation, which looks along channels only, stands as well. Dropout stands behind the two hidden layers, as
in section 4.2 (programs since, torchvision's too, put it in front of them). Weights start as in
`hsi.models.blocks.layers.initialise`, not with a fixed deviation of 0.01, which small windows do not learn from.
"""

from typing import Literal

from torch import nn

from hsi.config.values import Count, Positive, ShareOrZero, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.blocks.layers import LocalResponseNorm, conv, fully_connected, max_pool, scale
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

WIDTHS = {1: (64, 192, 384, 256, 256), 2: (96, 256, 384, 384, 256)}  # of the convolutions, by columns
MIN_WINDOW = 3


def alexnet(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 15,
    attention: Attention | None = None,
    attention_position: Position = "last",
    columns: Literal[1, 2] = 2,
    width: Positive = 1.0,
    hidden: Count = 4096,
    dropout: ShareOrZero = 0.5,
) -> WindowClassifier:
    """Build AlexNet for windows (B, in_channels, patch_size, patch_size).

    `width` scales the convolutions, `hidden` is the width of the two hidden fully connected layers.
    """
    require_window("AlexNet", patch_size, MIN_WINDOW)
    widths = [columns * scale(channels // columns, width) for channels in WIDTHS[columns]]
    free, _ = unpadded(patch_size, (4, 4))
    stages = [
        Stage(_normalised(conv(in_channels, widths[0], 5, padded=free < 1)), widths[0], shared=free > 0),
        Stage(_normalised(conv(widths[0], widths[1], 5, groups=columns, padded=free < 2)), widths[1], shared=free > 1),
        *_upper(widths, columns),
    ]
    stages = with_attention(stages, attention, attention_position)
    stages.append(Stage(max_pool(), widths[-1]))
    features = output_shape(stages, in_channels, patch_size)[1:].numel()
    return assemble(stages, _classifier(features, num_classes, hidden, dropout), in_channels, patch_size)


def original(num_classes: int = 1000, columns: int = 2) -> nn.Module:
    """AlexNet for images (B, 3, 227, 227): the paper says 224, its arithmetic asks for 227."""
    widths = WIDTHS[columns]
    stages = [
        Stage(_normalised(nn.Sequential(nn.Conv2d(3, widths[0], 11, 4), nn.ReLU())), widths[0]),
        Stage(nn.Sequential(max_pool(), _normalised(conv(widths[0], widths[1], 5, groups=columns))), widths[1]),
        *_upper(widths, columns),
        Stage(max_pool(), widths[-1]),
    ]
    features = output_shape(stages, 3, 227)[1:].numel()
    return nn.Sequential(*(stage.layers for stage in stages), *_classifier(features, num_classes, 4096, 0.5))


def _normalised(layers: nn.Sequential) -> nn.Sequential:
    return nn.Sequential(*layers, LocalResponseNorm())


def _upper(widths: list[int] | tuple[int, ...], columns: int) -> list[Stage]:
    """The third to fifth convolution; the third sees both columns."""
    return [
        Stage(nn.Sequential(max_pool(), conv(widths[1], widths[2])), widths[2]),
        Stage(conv(widths[2], widths[3], groups=columns), widths[3]),
        Stage(conv(widths[3], widths[4], groups=columns), widths[4]),
    ]


def _classifier(features: int, num_classes: int, hidden: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Flatten(),
        nn.Identity(),  # dropout stood here: weights keep the names that saved models know
        *fully_connected(features, hidden, dropout),
        *fully_connected(hidden, hidden, dropout),
        nn.Linear(hidden, num_classes),
    )

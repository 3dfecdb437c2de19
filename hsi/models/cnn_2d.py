"""2-D CNN: two convolutions over the window, as wide as the components ask for, one hidden layer.

Makantasis, Karantzalos, Doulamis, Doulamis, "Deep Supervised Learning for Hyperspectral Data Classification Through
Convolutional Neural Networks", IGARSS 2015: for C principal components and windows of 5 x 5, unpadded 3 x 3
convolutions with 3 C and 9 C filters, no pooling, and 6 C hidden units.

Deviation: in windows above 5 the hidden layer gets the mean over the positions that the convolutions leave (of 5 x 5
they leave one). ReLU, and weights start as in `hsi.models.blocks.layers.initialise`. Both convolutions are the trunk.
"""

from torch import nn

from hsi.config.values import Positive, ShareOrZero, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.blocks.layers import conv, fully_connected, scale
from hsi.models.blocks.stages import Attention, Position, Stage, assemble, require_window, with_attention

MIN_WINDOW = 5


def cnn_2d(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 9,
    attention: Attention | None = None,
    attention_position: Position = "last",
    width: Positive = 1.0,
    dropout: ShareOrZero = 0.0,
) -> WindowClassifier:
    """Build it for windows (B, in_channels, patch_size, patch_size); `width` scales every layer."""
    require_window("the 2-D CNN", patch_size, MIN_WINDOW)
    first, second, hidden = (scale(factor * in_channels, width) for factor in (3, 9, 6))
    stages = [
        Stage(conv(in_channels, first, padded=False), first, shared=True),
        Stage(conv(first, second, padded=False), second, shared=True),
    ]
    stages = with_attention(stages, attention, attention_position)
    classifier = nn.Sequential(
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        fully_connected(second, hidden, dropout),
        nn.Linear(hidden, num_classes),
    )
    return assemble(stages, classifier, in_channels, patch_size)

"""3-D CNN: two small 3-D convolutions without pooling, one hidden layer.

Li, Zhang, Shen, "Spectral-Spatial Classification of Hyperspectral Imagery with 3D Convolutional Neural Network",
Remote Sensing 9(1), 67, 2017, section 3: for windows of 5 x 5, 2 kernels of 3 x 3 x 7 and 4 of 3 x 3 x 3 (7 and 3 along
the spectrum), both unpadded, then 144 hidden units.

Deviation: in windows above 5 the convolutions leave more than one position, and the hidden layer sees them all. ReLU,
and weights start as in `hsi.models.blocks.layers.initialise`. Both convolutions are the trunk.
"""

from torch import nn

from hsi.config.values import Positive, ShareOrZero, Window
from hsi.engine.contract import FlattenPositions, WindowClassifier
from hsi.errors import HsiError
from hsi.models.blocks.layers import conv3d, fully_connected, scale
from hsi.models.blocks.stages import Attention, Position, Stage, assemble, require_window, with_attention

SPECTRAL_KERNELS = (7, 3)
MIN_COMPONENTS = sum(SPECTRAL_KERNELS) - 1  # one band is left
MIN_WINDOW = 5


def cnn_3d(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 9,
    attention: Attention | None = None,
    attention_position: Position = "last",
    width: Positive = 1.0,
    dropout: ShareOrZero = 0.0,
) -> WindowClassifier:
    """Build it for windows (B, in_channels, patch_size, patch_size); `width` scales every layer."""
    if in_channels < MIN_COMPONENTS:
        raise HsiError(
            f"the 3-D CNN needs at least {MIN_COMPONENTS} components, not {in_channels}: raise reduce.components"
        )
    require_window("the 3-D CNN", patch_size, MIN_WINDOW)
    first, second, hidden = scale(2, width), scale(4, width), scale(144, width)
    depth, side = in_channels - MIN_COMPONENTS + 1, patch_size - MIN_WINDOW + 1
    lift = nn.Sequential(nn.Unflatten(1, (1, in_channels)), conv3d(1, first, (SPECTRAL_KERNELS[0], 3, 3)))
    stages = [
        Stage(lift, first, shared=True, dims=3),
        Stage(conv3d(first, second, (SPECTRAL_KERNELS[1], 3, 3)), second, shared=True, dims=3),
    ]
    stages = with_attention(stages, attention, attention_position)
    fold = Stage(nn.Flatten(1, 2), second * depth, shared=True)  # where attention has been, the trunk is over already
    classifier = nn.Sequential(
        FlattenPositions(),
        fully_connected(second * depth * side * side, hidden, dropout),
        nn.Linear(hidden, num_classes),
    )
    return assemble([*stages, fold], classifier, in_channels, patch_size)

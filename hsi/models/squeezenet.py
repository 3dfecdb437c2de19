"""SqueezeNet 1.0: eight fire modules, which squeeze to few channels and expand by 1 x 1 and 3 x 3.

Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer, "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters",
arXiv:1602.07360, 2016, table 1: 1,248,424 parameters.

Deviations for windows: a first kernel of 3 at stride 1 in place of 7 at stride 2, and no pooling after it (no early
downsampling); it and the fire modules 2 to 4 are unpadded as long as the window allows and form the trunk, the
1 x 1 branch cropped; pooling keeps borders, so that any window passes. The class maps of conv10 are a linear layer on
the mean, which is the same function, without the paper's last ReLU, under which the logits of a class could die.
Weights start as in `hsi.models.blocks.layers.initialise`.
"""

from torch import nn

from hsi.config.values import Positive, ShareOrZero, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.blocks.layers import Branches, conv, global_average, max_pool, scale
from hsi.models.blocks.stages import Attention, Position, Stage, assemble, require_window, unpadded, with_attention

FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))  # squeeze, each expand
POOLED = (3, 7)  # fire5 and fire9 have a pooling in front
MIN_WINDOW = 3


def squeezenet(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 15,
    attention: Attention | None = None,
    attention_position: Position = "last",
    width: Positive = 1.0,
    dropout: ShareOrZero = 0.5,
) -> WindowClassifier:
    """Build SqueezeNet for windows (B, in_channels, patch_size, patch_size); `width` scales every layer."""
    require_window("SqueezeNet", patch_size, MIN_WINDOW)
    free, _ = unpadded(patch_size, (2, 2, 2, 2))
    first = scale(96, width)
    stages = [Stage(conv(in_channels, first, padded=free < 1), first, shared=free > 0), *_fires(first, width, free - 1)]
    stages = with_attention(stages, attention, attention_position)
    return assemble(stages, global_average(stages[-1].channels, num_classes, dropout), in_channels, patch_size)


def original(num_classes: int = 1000) -> nn.Module:
    """SqueezeNet 1.0 for images (B, 3, 224, 224)."""
    stem = (conv(3, 96, 7, stride=2, padded=False), max_pool())
    return nn.Sequential(*stem, *(stage.layers for stage in _fires(96, 1.0, 0)), *global_average(512, num_classes, 0.5))


def fire(inputs: int, squeeze: int, expand: int, padded: bool = True) -> nn.Sequential:
    """Squeeze by 1 x 1, expand by `expand` filters each of 1 x 1 and 3 x 3. Unpadded, it takes 2 pixels of a side."""
    return nn.Sequential(
        conv(inputs, squeeze, 1), Branches(conv(squeeze, expand, 1), conv(squeeze, expand, 3, padded=padded))
    )


def _fires(channels: int, width: float, free: int) -> list[Stage]:
    """The eight fire modules, the first `free` unpadded."""
    stages = []
    for index, (squeeze, expand) in enumerate(FIRES):
        module = fire(channels, scale(squeeze, width), scale(expand, width), padded=index >= free)
        channels = 2 * scale(expand, width)
        pooling = [max_pool()] if index in POOLED else []
        stages.append(Stage(nn.Sequential(*pooling, module), channels, shared=index < free))
    return stages

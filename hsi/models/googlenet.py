"""GoogLeNet: nine Inception modules of four branches (1 x 1, 3 x 3, 5 x 5, pooling), then a global mean.

Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke, Rabinovich, "Going Deeper with Convolutions", CVPR
2015, table 1. `original` has 6,998,552 parameters: the table's 6.8 million of weights, and those of the biases. The
two auxiliary classifiers are left out: they serve training only, and by the authors' later account (Szegedy et al.,
"Rethinking the Inception Architecture", CVPR 2016) as a regulariser, which normalisation replaces.

Deviations for windows: a stem of two 3 x 3 convolutions (in place of 7 x 7 and 3 x 3) without stride or pooling (no
early downsampling); the stem and the modules 3a and 3b are unpadded as long as the window allows and form the trunk,
their shorter branches cropped to the longest; pooling keeps borders, and a field of 3 x 3 or less is not pooled any
more. Weights start as in `hsi.models.blocks.layers.initialise`.
"""

from torch import nn

from hsi.config.values import Positive, ShareOrZero, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.blocks.layers import Branches, LocalResponseNorm, conv, global_average, max_pool, scale
from hsi.models.blocks.stages import (
    Attention,
    Position,
    Stage,
    assemble,
    poolings,
    require_window,
    unpadded,
    with_attention,
)

# Table 1: 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection; None: a pooling stands in front of the next.
MODULES = (
    *((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64), None),
    *((192, 96, 208, 16, 48, 64), (160, 112, 224, 24, 64, 64), (128, 128, 256, 24, 64, 64)),
    *((112, 144, 288, 32, 64, 64), (256, 160, 320, 32, 128, 128), None),
    *((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
)
MIN_WINDOW = 3


def googlenet(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 15,
    attention: Attention | None = None,
    attention_position: Position = "last",
    width: Positive = 1.0,
    dropout: ShareOrZero = 0.4,
) -> WindowClassifier:
    """Build GoogLeNet for windows (B, in_channels, patch_size, patch_size); `width` scales every layer.

    ``attention_position="every"`` stands after the stem and after each Inception module.
    """
    require_window("GoogLeNet", patch_size, MIN_WINDOW)
    free, side = unpadded(patch_size, (4, 4, 4))
    a, b = scale(64, width), scale(192, width)
    stem = nn.Sequential(
        conv(in_channels, a, padded=free < 1),
        LocalResponseNorm(),
        conv(a, a, 1),
        conv(a, b, padded=free < 1),
        LocalResponseNorm(),
    )
    stages = [Stage(stem, b, shared=free > 0), *_modules(b, width, free - 1, poolings(MODULES.count(None), side))]
    stages = with_attention(stages, attention, attention_position)
    return assemble(stages, global_average(stages[-1].channels, num_classes, dropout), in_channels, patch_size)


def original(num_classes: int = 1000) -> nn.Module:
    """GoogLeNet for images (B, 3, 224, 224), without auxiliary classifiers."""
    stem = nn.Sequential(
        *(conv(3, 64, 7, stride=2), max_pool(), LocalResponseNorm()),
        *(conv(64, 64, 1), conv(64, 192), LocalResponseNorm(), max_pool()),
    )
    return nn.Sequential(
        stem, *(stage.layers for stage in _modules(192, 1.0, 0, [True, True])), *global_average(1024, num_classes, 0.4)
    )


def inception(inputs: int, widths: tuple[int, ...], padded: bool = True) -> Branches:
    """Module of figure 2b; `widths` in the order of table 1. Unpadded, it takes 4 pixels of a side."""
    one, reduce_three, three, reduce_five, five, projection = widths
    return Branches(
        conv(inputs, one, 1),
        nn.Sequential(conv(inputs, reduce_three, 1), conv(reduce_three, three, 3, padded=padded)),
        nn.Sequential(nn.MaxPool2d(3, 1, padding=1 if padded else 0), conv(inputs, projection, 1)),
        nn.Sequential(conv(inputs, reduce_five, 1), conv(reduce_five, five, 5, padded=padded)),
    )


def _modules(channels: int, width: float, free: int, pooled: list[bool]) -> list[Stage]:
    """The nine modules, the first `free` unpadded; `pooled` says which of the poolings stand between them."""
    stages: list[Stage] = []
    pooling: list[nn.Module] = []
    kept = iter(pooled)
    for published in MODULES:
        if published is None:
            pooling = [max_pool()] if next(kept) else []
            continue
        widths = tuple(scale(planes, width) for planes in published)
        shared = len(stages) < free
        module = inception(channels, widths, padded=not shared)
        channels = widths[0] + widths[2] + widths[4] + widths[5]
        stages.append(Stage(nn.Sequential(*pooling, module), channels, shared))
        pooling = []
    return stages

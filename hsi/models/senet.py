"""SE-ResNet: ResNet with squeeze and excitation at the end of every residual branch.

Hu, Shen, Sun, "Squeeze-and-Excitation Networks", CVPR 2018, section 3.3 and figure 3. The paper's equations have no
biases: depth 50 adds 2,514,944 parameters to ResNet-50 (equation 5; the paper: 2.5 million), depth 18 adds 87,040 to
11,776,552 (programs with biases have 2,040 more, 11,778,592 as in timm). Deviations for windows as in
`hsi.models.resnet`; the excitation pools over the window, so that the first convolution alone is the trunk.
Weights start as in `hsi.models.blocks.layers.initialise`.
"""

from functools import partial
from typing import Literal

from torch import nn

from hsi.config.values import Count, Positive, Window
from hsi.engine.contract import WindowClassifier
from hsi.errors import HsiError
from hsi.models import resnet
from hsi.models.blocks.attention import SqueezeExcite
from hsi.models.blocks.stages import Attention, Position

REDUCTION, LEAST_HIDDEN = 16, 1


def senet(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 15,
    attention: Attention | Literal["own"] | None = "own",
    attention_position: Position = "every",
    depth: Literal[18, 34, 50] = 18,
    width: Positive = 1.0,
    reduction: Count = REDUCTION,
    least_hidden: Count = LEAST_HIDDEN,
) -> WindowClassifier:
    """Build SE-ResNet for windows (B, in_channels, patch_size, patch_size).

    Another `attention` takes the place of the ``own``, squeeze and excitation with `reduction` and `least_hidden`.

    Raises HsiError for none, which would be `hsi.models.resnet.resnet` under another name, and for another together
    with a setting of the own.
    """
    if attention is None:
        raise HsiError("SE-ResNet without attention is ResNet: leave +attention=none out, or choose model=resnet")
    if attention == "own":
        attention = partial(SqueezeExcite, reduction=reduction, least_hidden=least_hidden)
    elif (reduction, least_hidden) != (REDUCTION, LEAST_HIDDEN):
        raise HsiError(
            "model.reduction and model.least_hidden are keys of SE-ResNet's own attention, which +attention= replaces: "
            "leave them out, or give model.attention.reduction="
        )
    return resnet.resnet(in_channels, num_classes, patch_size, attention, attention_position, depth, width)


def original(num_classes: int = 1000, depth: int = 18) -> nn.Module:
    """SE-ResNet for images (B, 3, 224, 224)."""
    return resnet.original(num_classes, depth, SqueezeExcite)

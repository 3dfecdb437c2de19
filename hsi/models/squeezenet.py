"""SqueezeNet 1.0: eight fire modules, which squeeze to few channels and expand by 1 x 1 and 3 x 3.

Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer, "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters",
arXiv:1602.07360, 2016, table 1: 1,248,424 parameters. Section 6 and figure 2 add what goes past a fire module and is
added to what it puts out: ``bypass="simple"`` its input, where that has as many channels (fire3, 5, 7 and 9); that
costs no parameters. ``"complex"`` a 1 x 1 convolution of it beside the other four, 341,248 parameters more. (Table 3
prints 7.7 MB for that and 4.8 MB without; those four convolutions make 6.1 MB, eight would make 7.9.)

Deviations for windows: a first kernel of 3 at stride 1 in place of 7 at stride 2, and no pooling after it (no early
downsampling); it and the fire modules 2 to 4 are unpadded as long as the window allows and form the trunk, the
1 x 1 branch and the bypass cropped; pooling keeps borders, and a field of 3 x 3 or less is not pooled any more. The
class maps of conv10 are a linear layer on the mean, which is the same function, without the paper's last ReLU, under
which the logits of a class could die. ``norm`` puts batch normalisation, which the paper does not have, behind each
convolution of a fire module and the first. Weights start as in `hsi.models.blocks.layers.initialise`.
"""

from typing import Literal

from torch import nn

from hsi.config.values import Positive, ShareOrZero, Switch, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.blocks.layers import Branches, Residual, conv, global_average, max_pool, scale
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

Bypass = Literal["none", "simple", "complex"]

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
    bypass: Bypass = "none",
    norm: Switch = False,
) -> WindowClassifier:
    """Build SqueezeNet for windows (B, in_channels, patch_size, patch_size); `width` scales every layer."""
    require_window("SqueezeNet", patch_size, MIN_WINDOW)
    free, side = unpadded(patch_size, (2, 2, 2, 2))
    first = scale(96, width)
    stem = Stage(conv(in_channels, first, padded=free < 1, norm=norm), first, shared=free > 0)
    kept = [place for place, keep in zip(POOLED, poolings(len(POOLED), side), strict=True) if keep]
    stages = [stem, *_fires(first, width, free - 1, kept, bypass, norm)]
    stages = with_attention(stages, attention, attention_position)
    return assemble(stages, global_average(stages[-1].channels, num_classes, dropout), in_channels, patch_size)


def original(num_classes: int = 1000, bypass: Bypass = "none") -> nn.Module:
    """SqueezeNet 1.0 for images (B, 3, 224, 224)."""
    stem = (conv(3, 96, 7, stride=2, padded=False), max_pool())
    fires = _fires(96, 1.0, 0, POOLED, bypass, norm=False)
    return nn.Sequential(*stem, *(stage.layers for stage in fires), *global_average(512, num_classes, 0.5))


def fire(
    inputs: int, squeeze: int, expand: int, padded: bool = True, bypass: Bypass = "none", norm: bool = False
) -> nn.Module:
    """Squeeze by 1 x 1, expand by `expand` filters each of 1 x 1 and 3 x 3. Unpadded, it takes 2 pixels of a side.

    What goes past it is added behind the activations, as the paper's figure 2 has it.
    """
    module = nn.Sequential(
        conv(inputs, squeeze, 1, norm=norm),
        Branches(conv(squeeze, expand, 1, norm=norm), conv(squeeze, expand, 3, padded=padded, norm=norm)),
    )
    if bypass != "none" and inputs == 2 * expand:
        return Residual(module, nn.Identity(), nn.Identity())
    if bypass == "complex":
        return Residual(module, conv(inputs, 2 * expand, 1, norm=norm, activation=None), nn.Identity())
    return module


def _fires(
    channels: int, width: float, free: int, pooled: list[int] | tuple[int, ...], bypass: Bypass, norm: bool
) -> list[Stage]:
    """The eight fire modules, the first `free` unpadded, those at `pooled` behind a pooling."""
    stages = []
    for index, (squeeze, expand) in enumerate(FIRES):
        module = fire(channels, scale(squeeze, width), scale(expand, width), index >= free, bypass, norm)
        channels = 2 * scale(expand, width)
        pooling = [max_pool()] if index in pooled else []
        stages.append(Stage(nn.Sequential(*pooling, module), channels, shared=index < free))
    return stages

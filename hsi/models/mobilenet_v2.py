"""MobileNetV2: inverted residual blocks, wide inside and narrow between, with linear bottlenecks.

Sandler, Howard, Zhu, Zhmoginov, Chen, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, table 2:
3,504,872 parameters (torchvision's count; the paper: 3.4 million). `width` is the paper's multiplier; channels are
not rounded to multiples of 8, and below 1 the last layer shrinks as well. `least` keeps linear bottlenecks from
becoming too narrow: what ReLU loses in few channels is section 3.2.

Deviations for windows: the first two of five strides are 1 (no early downsampling), and a field of 3 x 3 or less
is not halved any more; the first convolution and the blocks before the first stride are unpadded as long as the
window allows, sums cropped, and form the trunk. Weights start as in `hsi.models.blocks.layers.initialise`.
"""

from collections.abc import Callable, Sequence

from torch import nn

from hsi.config.values import Count, Positive, ShareOrZero, Window
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

# Table 2: expansion and output channels of each block.
BLOCKS = (
    *((1, 16), (6, 24), (6, 24), (6, 32), (6, 32), (6, 32), (6, 64), (6, 64), (6, 64), (6, 64)),
    *((6, 96), (6, 96), (6, 96), (6, 160), (6, 160), (6, 160), (6, 320)),
)
STRIDES = (1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1)
EARLY = 3  # blocks before the first stride that is kept
MIN_WINDOW = 3


def mobilenet_v2(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 15,
    attention: Attention | None = None,
    attention_position: Position = "last",
    width: Positive = 1.0,
    dropout: ShareOrZero = 0.2,
    least: Count = 1,
) -> WindowClassifier:
    """Build MobileNetV2 for windows (B, in_channels, patch_size, patch_size); `width` scales every layer.

    None has fewer than `least` channels.
    """
    require_window("MobileNetV2", patch_size, MIN_WINDOW)
    free, side = unpadded(patch_size, [2] * (1 + EARLY))
    first = scale(32, width, least)
    stem = Stage(conv(in_channels, first, padded=free < 1, norm=True, activation=nn.ReLU6), first, shared=free > 0)
    stages = [stem, *_blocks(first, width, least, halvings(STRIDES, side, EARLY), free - 1)]
    stages = with_attention(stages, attention, attention_position)
    return assemble(stages, global_average(stages[-1].channels, num_classes, dropout), in_channels, patch_size)


def original(num_classes: int = 1000) -> nn.Module:
    """MobileNetV2 for images (B, 3, 224, 224)."""
    stages = _blocks(32, 1.0, 1, STRIDES, 0)
    return nn.Sequential(
        conv(3, 32, stride=2, norm=True, activation=nn.ReLU6),
        *(stage.layers for stage in stages),
        *global_average(stages[-1].channels, num_classes, 0.2),
    )


def inverted_residual(
    inputs: int,
    inner: int,
    outputs: int,
    kernel: int = 3,
    *,
    stride: int = 1,
    padded: bool = True,
    activation: Callable[[], nn.Module] = nn.ReLU6,
    excitation: nn.Module | None = None,
) -> nn.Module:
    """Expand by 1 x 1 to `inner`, filter depthwise, project by 1 x 1 without activation (section 3.2, table 1).

    Its input is added where the shapes agree. Unpadded, it takes `kernel` - 1 pixels of a side.
    """
    branch = nn.Sequential(
        *([conv(inputs, inner, 1, norm=True, activation=activation)] if inner != inputs else []),
        depthwise(inner, kernel, stride=stride, padded=padded, activation=activation),
        *([excitation] if excitation else []),
        conv(inner, outputs, 1, norm=True, activation=None),
    )
    return Residual(branch, nn.Identity(), nn.Identity()) if stride == 1 and inputs == outputs else branch


def _blocks(channels: int, width: float, least: int, strides: Sequence[int], free: int) -> list[Stage]:
    """The seventeen blocks, the first `free` unpadded, and the last 1 x 1 convolution."""
    stages = []
    for index, ((expansion, published), stride) in enumerate(zip(BLOCKS, strides, strict=True)):
        outputs = scale(published, width, least)
        block = inverted_residual(channels, expansion * channels, outputs, stride=stride, padded=index >= free)
        stages.append(Stage(block, outputs, shared=index < free))
        channels = outputs
    last = scale(1280, width)
    return [*stages, Stage(conv(channels, last, 1, norm=True, activation=nn.ReLU6), last)]

"""MobileNetV3-Large: inverted residual blocks with squeeze and excitation, hard swish and hard sigmoid.

Howard, Sandler, Chu, Chen, Chen, Tan, Wang, Zhu, Pang, Vasudevan, Le, Adam, "Searching for MobileNetV3", ICCV 2019,
table 1: 5,483,032 parameters (torchvision's count; the paper: 5.4 million). The widths of the squeeze are a quarter of
the block's, in multiples of 8 as in the authors' program; its layers have biases. `width` is the paper's multiplier;
channels are not rounded to multiples of 8.

Deviations for windows: the first two of five strides are 1 (no early downsampling), and a field of 3 x 3 or less
is not halved any more; the first convolution and the blocks before the first stride are unpadded as long as the
window allows, sums cropped, and form the trunk. Weights start as in `hsi.models.blocks.layers.initialise`.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Tensor, nn

from hsi.config.values import Positive, ShareOrZero, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.blocks.layers import conv, scale
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
from hsi.models.mobilenet_v2 import inverted_residual


class Row(NamedTuple):
    """A row of table 1; `squeeze` is the width inside the excitation, 0 where there is none."""

    kernel: int
    inner: int
    outputs: int
    squeeze: int
    activation: Callable[[], nn.Module]


ROWS = (
    *(Row(3, 16, 16, 0, nn.ReLU), Row(3, 64, 24, 0, nn.ReLU), Row(3, 72, 24, 0, nn.ReLU)),
    *(Row(5, 72, 40, 24, nn.ReLU), Row(5, 120, 40, 32, nn.ReLU), Row(5, 120, 40, 32, nn.ReLU)),
    *(Row(3, 240, 80, 0, nn.Hardswish), Row(3, 200, 80, 0, nn.Hardswish)),
    *(Row(3, 184, 80, 0, nn.Hardswish), Row(3, 184, 80, 0, nn.Hardswish)),
    *(Row(3, 480, 112, 120, nn.Hardswish), Row(3, 672, 112, 168, nn.Hardswish)),
    *(Row(5, 672, 160, 168, nn.Hardswish), Row(5, 960, 160, 240, nn.Hardswish), Row(5, 960, 160, 240, nn.Hardswish)),
)
STRIDES = (1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1)
EARLY = 3  # blocks before the first stride that is kept
MIN_WINDOW = 3


def mobilenet_v3(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 15,
    attention: Attention | None = None,
    attention_position: Position = "last",
    width: Positive = 1.0,
    dropout: ShareOrZero = 0.2,
) -> WindowClassifier:
    """Build MobileNetV3-Large for windows (B, in_channels, patch_size, patch_size); `width` scales every layer.

    `attention` comes on top of the excitations that stand inside the blocks.
    """
    require_window("MobileNetV3", patch_size, MIN_WINDOW)
    free, side = unpadded(patch_size, [row.kernel - 1 for row in (ROWS[0], *ROWS[:EARLY])])
    first = scale(16, width)
    stem = Stage(conv(in_channels, first, padded=free < 1, norm=True, activation=nn.Hardswish), first, shared=free > 0)
    stages = [stem, *_blocks(first, width, halvings(STRIDES, side, EARLY), free - 1)]
    stages = with_attention(stages, attention, attention_position)
    return assemble(stages, _classifier(stages[-1].channels, num_classes, width, dropout), in_channels, patch_size)


def original(num_classes: int = 1000) -> nn.Module:
    """MobileNetV3-Large for images (B, 3, 224, 224)."""
    stages = _blocks(16, 1.0, STRIDES, 0)
    return nn.Sequential(
        conv(3, 16, stride=2, norm=True, activation=nn.Hardswish),
        *(stage.layers for stage in stages),
        *_classifier(stages[-1].channels, num_classes, 1.0, 0.2),
    )


class HardExcite(nn.Module):
    """Squeeze and excitation with biases, and a hard sigmoid, relu6(x + 3) / 6, in place of the sigmoid: section 5."""

    def __init__(self, channels: int, squeeze: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            *(nn.Conv2d(channels, squeeze, 1), nn.ReLU()),
            *(nn.Conv2d(squeeze, channels, 1), nn.Hardsigmoid()),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape, a factor in 0..1 for each channel."""
        return x * self.gate(x)


def _blocks(channels: int, width: float, strides: Sequence[int], free: int) -> list[Stage]:
    """The fifteen blocks, the first `free` unpadded, and the last 1 x 1 convolution, six times as wide."""
    stages = []
    for index, (row, stride) in enumerate(zip(ROWS, strides, strict=True)):
        inner, outputs = scale(row.inner, width), scale(row.outputs, width)
        block = inverted_residual(
            *(channels, inner, outputs, row.kernel),
            stride=stride,
            padded=index >= free,
            activation=row.activation,
            excitation=HardExcite(inner, scale(row.squeeze, width)) if row.squeeze else None,
        )
        stages.append(Stage(block, outputs, shared=index < free))
        channels = outputs
    last = scale(960, width)
    return [*stages, Stage(conv(channels, last, 1, norm=True, activation=nn.Hardswish), last)]


def _classifier(channels: int, num_classes: int, width: float, dropout: float) -> nn.Sequential:
    """Mean first, then the widest layer, on one position: figure 5."""
    hidden = scale(1280, width)
    return nn.Sequential(
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        *(nn.Linear(channels, hidden), nn.Hardswish(), nn.Dropout(dropout)),
        nn.Linear(hidden, num_classes),
    )

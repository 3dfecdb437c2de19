"""MobileNetV3, Large and Small: inverted residual blocks with squeeze and excitation, hard swish and hard sigmoid.

Howard, Sandler, Chu, Chen, Chen, Tan, Wang, Zhu, Pang, Vasudevan, Le, Adam, "Searching for MobileNetV3", ICCV 2019,
tables 1 and 2: 5,483,032 and 2,542,856 parameters (torchvision's counts; the paper: 5.4 and 2.5 million). The widths of
the squeeze are a quarter of the block's, in multiples of 8 as in the authors' program; its layers have biases. The last
1 x 1 convolution of Small has no excitation, which table 2 marks and programs leave out. `width` is the paper's
multiplier; channels are not rounded to multiples of 8. `least` keeps linear bottlenecks from becoming too narrow.

Deviations for windows: the first two of five strides are 1 (no early downsampling), and a field of 3 x 3 or less is not
halved any more; the first convolution and the blocks before the first stride are unpadded as long as the window allows,
sums cropped, and form the trunk, which ends before the first excitation. Weights start as in
`hsi.models.blocks.layers.initialise`.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Tensor, nn

from hsi.config.values import Count, Positive, ShareOrZero, Window
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
    """A row of table 1 or 2; `squeeze` is the width inside the excitation, 0 where there is none."""

    kernel: int
    inner: int
    outputs: int
    squeeze: int
    activation: Callable[[], nn.Module]


class Design(NamedTuple):
    """A network: its blocks and their strides, and how many come before the first stride that is kept for windows.

    `last` and `hidden` are the channels of the last convolution and of the layer behind the mean.
    """

    rows: tuple[Row, ...]
    strides: tuple[int, ...]
    early: int
    last: int
    hidden: int


LARGE_ROWS = (
    *(Row(3, 16, 16, 0, nn.ReLU), Row(3, 64, 24, 0, nn.ReLU), Row(3, 72, 24, 0, nn.ReLU)),
    *(Row(5, 72, 40, 24, nn.ReLU), Row(5, 120, 40, 32, nn.ReLU), Row(5, 120, 40, 32, nn.ReLU)),
    *(Row(3, 240, 80, 0, nn.Hardswish), Row(3, 200, 80, 0, nn.Hardswish)),
    *(Row(3, 184, 80, 0, nn.Hardswish), Row(3, 184, 80, 0, nn.Hardswish)),
    *(Row(3, 480, 112, 120, nn.Hardswish), Row(3, 672, 112, 168, nn.Hardswish)),
    *(Row(5, 672, 160, 168, nn.Hardswish), Row(5, 960, 160, 240, nn.Hardswish), Row(5, 960, 160, 240, nn.Hardswish)),
)
SMALL_ROWS = (
    *(Row(3, 16, 16, 8, nn.ReLU), Row(3, 72, 24, 0, nn.ReLU), Row(3, 88, 24, 0, nn.ReLU)),
    *(Row(5, 96, 40, 24, nn.Hardswish), Row(5, 240, 40, 64, nn.Hardswish), Row(5, 240, 40, 64, nn.Hardswish)),
    *(Row(5, 120, 48, 32, nn.Hardswish), Row(5, 144, 48, 40, nn.Hardswish)),
    *(Row(5, 288, 96, 72, nn.Hardswish), Row(5, 576, 96, 144, nn.Hardswish), Row(5, 576, 96, 144, nn.Hardswish)),
)
LARGE = Design(LARGE_ROWS, (1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1), 3, 960, 1280)
SMALL = Design(SMALL_ROWS, (2, 2, 1, 2, 1, 1, 1, 1, 2, 1, 1), 1, 576, 1024)
STEM = 16
MIN_WINDOW = 3


def mobilenet_v3(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 15,
    attention: Attention | None = None,
    attention_position: Position = "last",
    width: Positive = 1.0,
    dropout: ShareOrZero = 0.2,
    least: Count = 1,
) -> WindowClassifier:
    """Build MobileNetV3-Large for windows (B, in_channels, patch_size, patch_size); `width` scales every layer.

    None has fewer than `least` channels. `attention` comes on top of the excitations that stand inside the blocks.
    """
    return _window_network(
        LARGE, in_channels, num_classes, patch_size, attention, attention_position, width, dropout, least
    )


def mobilenet_v3_small(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 15,
    attention: Attention | None = None,
    attention_position: Position = "last",
    width: Positive = 1.0,
    dropout: ShareOrZero = 0.2,
    least: Count = 1,
) -> WindowClassifier:
    """Build MobileNetV3-Small for windows (B, in_channels, patch_size, patch_size); parameters as of `mobilenet_v3`."""
    return _window_network(
        SMALL, in_channels, num_classes, patch_size, attention, attention_position, width, dropout, least
    )


def original(num_classes: int = 1000, small: bool = False) -> nn.Module:
    """MobileNetV3 for images (B, 3, 224, 224)."""
    design = SMALL if small else LARGE
    stages = _blocks(design, STEM, 1.0, 1, design.strides, 0)
    return nn.Sequential(
        conv(3, STEM, stride=2, norm=True, activation=nn.Hardswish),
        *(stage.layers for stage in stages),
        *_classifier(stages[-1].channels, num_classes, design.hidden, 0.2),
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


def _window_network(
    design: Design,
    in_channels: int,
    num_classes: int,
    patch_size: int,
    attention: Attention | None,
    attention_position: Position,
    width: float,
    dropout: float,
    least: int,
) -> WindowClassifier:
    require_window("MobileNetV3", patch_size, MIN_WINDOW)
    plain = next((index for index, row in enumerate(design.rows) if row.squeeze), len(design.rows))
    early = design.rows[: min(design.early, plain)]  # an excitation pools over the window
    free, side = unpadded(patch_size, [2, *(row.kernel - 1 for row in early)])
    first = scale(STEM, width, least)
    stem = Stage(conv(in_channels, first, padded=free < 1, norm=True, activation=nn.Hardswish), first, shared=free > 0)
    stages = [stem, *_blocks(design, first, width, least, halvings(design.strides, side, design.early), free - 1)]
    stages = with_attention(stages, attention, attention_position)
    classifier = _classifier(stages[-1].channels, num_classes, scale(design.hidden, width), dropout)
    return assemble(stages, classifier, in_channels, patch_size)


def _blocks(design: Design, channels: int, width: float, least: int, strides: Sequence[int], free: int) -> list[Stage]:
    """The blocks, the first `free` unpadded, and the last 1 x 1 convolution, six times as wide."""
    stages = []
    for index, (row, stride) in enumerate(zip(design.rows, strides, strict=True)):
        inner, outputs = scale(row.inner, width, least), scale(row.outputs, width, least)
        block = inverted_residual(
            *(channels, inner, outputs, row.kernel),
            stride=stride,
            padded=index >= free,
            activation=row.activation,
            excitation=HardExcite(inner, scale(row.squeeze, width)) if row.squeeze else None,
        )
        stages.append(Stage(block, outputs, shared=index < free))
        channels = outputs
    last = scale(design.last, width)
    return [*stages, Stage(conv(channels, last, 1, norm=True, activation=nn.Hardswish), last)]


def _classifier(channels: int, num_classes: int, hidden: int, dropout: float) -> nn.Sequential:
    """Mean first, then the widest layer, on one position: figure 5."""
    return nn.Sequential(
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        *(nn.Linear(channels, hidden), nn.Hardswish(), nn.Dropout(dropout)),
        nn.Linear(hidden, num_classes),
    )

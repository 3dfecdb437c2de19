"""Dilated residual networks: dilation 2 and 4 in place of the last two strides, then layers against the grid it leaves.

Yu, Koltun, Funkhouser, "Dilated Residual Networks", CVPR 2017, figures 1 and 5. `drn_a` is ResNet with its last two
strides removed (depths 18, 34 and 50: ResNet's own 11,689,512, 21,797,672 and 25,557,032 parameters). `drn_b` has
convolutions in place of the first pooling and ends in two levels of dilation 2 and 1, which smooth the grid; `drn_c`
takes the shortcuts out of those two, since they carry the grid past them (depths 26 and 42 of both: 21,126,584 and
31,234,744, the paper's 21.1 and 31.2 million). As section 2 says, and unlike the authors' program in its DRN-C, the
first convolution of a level has the dilation of the level before.

Deviations for windows as in `hsi.models.resnet`, and: of the strides before the dilated levels only the last is kept, a
dilated level again standing for two more. Fields keep half of what the trunk leaves, where the paper's keep an eighth
of the image. So that dilation 4 meets more than padding, unpadded layers leave 15 pixels: then a kernel of 3 x 3 meets
4 of its 9 taps on average, on a field of 5 x 5 1.96. Windows of 15 and less have no trunk for it. No layer has fewer
than `least` channels: the first levels are published with 16 and 32, of which a small `width` would leave less than the
components hold. Weights start as in `hsi.models.blocks.layers.initialise`.
"""

from typing import Literal

from torch import nn

from hsi.config.values import Count, Positive, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.blocks.layers import conv, global_average
from hsi.models.blocks.stages import Attention, Position
from hsi.models.resnet import BASIC, DEPTHS, Level, residual_stages, window_network

DEGRIDDED = {26: (1, 1, 2, 2, 2, 2, 1, 1), 42: (1, 1, 3, 4, 6, 3, 1, 1)}  # blocks of the levels 1 to 8
WIDTHS = (16, 32, 64, 128, 256, 512, 512, 512)
DILATIONS = (1, 1, 1, 1, 2, 4, 2, 1)
STRIDES = (1, 2, 2, 2, 1, 1, 1, 1)
FIELD = 15  # pixels that unpadded layers leave of a window: 8 behind the stride, twice the largest dilation


def drn_a(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 25,
    attention: Attention | None = None,
    attention_position: Position = "last",
    depth: Literal[18, 34, 50] = 18,
    width: Positive = 1.0,
    least: Count = 1,
) -> WindowClassifier:
    """Build DRN-A (depth 18, 34 or 50) for windows (B, in_channels, patch_size, patch_size)."""
    block, repeats = DEPTHS[depth]
    levels = _levels_a(repeats)
    return window_network(
        *("DRN-A", levels, block, 64, in_channels, num_classes, patch_size),
        *(attention, attention_position, width, least, FIELD),
    )


def drn_b(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 25,
    attention: Attention | None = None,
    attention_position: Position = "last",
    depth: Literal[26, 42] = 26,
    width: Positive = 1.0,
    least: Count = 1,
) -> WindowClassifier:
    """Build DRN-B (depth 26 or 42) for windows (B, in_channels, patch_size, patch_size)."""
    levels = _one_stride(_degridded(DEGRIDDED[depth], residual=True))
    return window_network(
        *("DRN-B", levels, BASIC, 16, in_channels, num_classes, patch_size),
        *(attention, attention_position, width, least, FIELD),
    )


def drn_c(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 25,
    attention: Attention | None = None,
    attention_position: Position = "last",
    depth: Literal[26, 42] = 26,
    width: Positive = 1.0,
    least: Count = 1,
) -> WindowClassifier:
    """Build DRN-C (depth 26 or 42) for windows (B, in_channels, patch_size, patch_size)."""
    levels = _one_stride(_degridded(DEGRIDDED[depth], residual=False))
    return window_network(
        *("DRN-C", levels, BASIC, 16, in_channels, num_classes, patch_size),
        *(attention, attention_position, width, least, FIELD),
    )


def original(num_classes: int = 1000, arch: str = "a", depth: int = 18) -> nn.Module:
    """DRN for images (B, 3, 224, 224)."""
    stem: tuple[nn.Module, ...]
    if arch == "a":
        block, repeats = DEPTHS[depth]
        stem, levels = (conv(3, 64, 7, stride=2, norm=True), nn.MaxPool2d(3, 2, padding=1)), _levels_a(repeats)
    else:
        block, stem = BASIC, (conv(3, 16, 7, norm=True),)
        levels = _degridded(DEGRIDDED[depth], residual=arch == "b")
    stages = residual_stages(levels[0].planes, levels, block)
    return nn.Sequential(*stem, *(stage.layers for stage in stages), *global_average(stages[-1].channels, num_classes))


def _levels_a(repeats: tuple[int, ...]) -> list[Level]:
    strides, dilations = (1, 2, 1, 1), (1, 1, 2, 4)
    return [Level(64 << i, *plan) for i, plan in enumerate(zip(repeats, strides, dilations, strict=True))]


def _degridded(repeats: tuple[int, ...], residual: bool) -> list[Level]:
    """Levels 1 to 8; `residual` says whether the last two have shortcuts."""
    plans = zip(WIDTHS, repeats, STRIDES, DILATIONS, strict=True)
    return [Level(*plan, residual=residual or index < 6) for index, plan in enumerate(plans)]


def _one_stride(levels: list[Level]) -> list[Level]:
    last = max(index for index, level in enumerate(levels) if level.stride > 1)
    return [level._replace(stride=level.stride if index == last else 1) for index, level in enumerate(levels)]

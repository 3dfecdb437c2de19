"""ResNet: residual blocks, whose layers learn what to add to their input.

He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, table 1: depths 18, 34 and 50 with
11,689,512, 21,797,672 and 25,557,032 parameters (torchvision's counts, the paper prints none; shortcut option B). The
stride of a bottleneck stands in its 3 x 3 convolution, as in the authors' later programs, not in its first 1 x 1.

Deviations for windows, which `window_network` makes for every network of residual blocks (DRN, SE-ResNet): a first
kernel of 3 at stride 1 in place of 7 at stride 2, and no pooling after it (no early downsampling); the first layer
and the blocks up to the first stride are unpadded as long as the window allows, shortcuts cropped, and form the
trunk; a field of 3 x 3 or less is not halved any more, so that batch statistics exist even for a single window.
Weights start as in `hsi.models.blocks.layers.initialise`.

`attention` after ``every`` stands inside the residual branch, before the sum, as in SE-ResNet; ``last`` after the last
block. Batch statistics in the trunk: ``engine=auto`` trains window by window, maps are shared.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from torch import nn

from hsi.config.values import Positive, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.blocks.layers import Residual, conv, global_average, scale
from hsi.models.blocks.stages import (
    LEAST_FIELD,
    SMALL_FIELD,
    Attention,
    Position,
    Stage,
    assemble,
    require_window,
    unpadded,
    with_attention,
)

MIN_WINDOW = 3


class Block(NamedTuple):
    """A kind of residual block: what builds it, output over inner channels, pixels it takes of a side if unpadded."""

    build: Callable[..., nn.Module]
    expansion: int
    loss: int


class Level(NamedTuple):
    """Blocks of one width: the first has the stride, or the dilation that stands in its place."""

    planes: int
    repeats: int
    stride: int = 1
    dilation: int = 1
    residual: bool = True


def resnet(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 15,
    attention: Attention | None = None,
    attention_position: Position = "last",
    depth: Literal[18, 34, 50] = 18,
    width: Positive = 1.0,
) -> WindowClassifier:
    """Build ResNet for windows (B, in_channels, patch_size, patch_size); `width` scales every layer."""
    block, repeats = DEPTHS[depth]
    return window_network(
        "ResNet", levels(repeats), block, 64, in_channels, num_classes, patch_size, attention, attention_position, width
    )


def original(num_classes: int = 1000, depth: int = 18, attention: Attention | None = None) -> nn.Module:
    """ResNet for images (B, 3, 224, 224); with `attention` in the residual branches."""
    block, repeats = DEPTHS[depth]
    stem = (conv(3, 64, 7, stride=2, norm=True), nn.MaxPool2d(3, 2, padding=1))
    stages = residual_stages(64, levels(repeats), block, attention=attention)
    return nn.Sequential(*stem, *(stage.layers for stage in stages), *global_average(stages[-1].channels, num_classes))


def levels(repeats: tuple[int, ...]) -> list[Level]:
    """The four levels of table 1."""
    return [Level(64 << index, count, stride=2 if index else 1) for index, count in enumerate(repeats)]


def window_network(
    name: str,
    levels: list[Level],
    block: Block,
    stem_width: int,
    in_channels: int,
    num_classes: int,
    patch_size: int,
    attention: Attention | None,
    attention_position: Position,
    width: float,
    least: int = 1,
    field: int = LEAST_FIELD,
) -> WindowClassifier:
    """One 3 x 3 convolution, levels of residual blocks, global mean; see the deviations above.

    No level has fewer than `least` channels; unpadded layers leave `field` pixels of a side.
    """
    require_window(name, patch_size, MIN_WINDOW)
    first_stride = next((index for index, level in enumerate(levels) if level.stride > 1), len(levels))
    early = sum(level.repeats for level in levels[:first_stride])
    free, side = unpadded(patch_size, [2] + [block.loss] * early, field)
    narrow = [level._replace(planes=scale(level.planes, width, least)) for level in levels]
    channels = scale(stem_width, width, least)

    inside = attention if attention_position == "every" else None
    stem = Stage(conv(in_channels, channels, padded=free < 1, norm=True), channels, shared=free > 0)
    stages = [stem, *residual_stages(channels, narrow, block, free - 1, side, inside)]
    stages = with_attention(stages, None if inside else attention, attention_position)
    return assemble(stages, global_average(stages[-1].channels, num_classes), in_channels, patch_size)


def residual_stages(
    channels: int,
    levels: list[Level],
    block: Block,
    free: int = 0,
    side: int | None = None,
    attention: Attention | None = None,
) -> list[Stage]:
    """Return a stage a block, the first `free` unpadded; a window's `side` is not halved once it is small."""
    stages: list[Stage] = []
    dilation = 1
    for level in levels:
        for index in range(level.repeats):
            stride = level.stride if index == 0 and (side is None or side > SMALL_FIELD) else 1
            side = None if side is None else -(-side // stride)
            padded = len(stages) >= free
            # the convolution that has lost its stride still sees the field before it: Yu et al. 2017, section 2
            dilations = (min(dilation, level.dilation) if index == 0 else level.dilation, level.dilation)
            layers = block.build(channels, level.planes, stride, dilations, padded, attention, level.residual)
            channels = level.planes * block.expansion
            stages.append(Stage(layers, channels, shared=not padded and attention is None))
        dilation = level.dilation
    return stages


def basic(
    inputs: int,
    planes: int,
    stride: int = 1,
    dilations: tuple[int, int] = (1, 1),
    padded: bool = True,
    attention: Attention | None = None,
    residual: bool = True,
) -> nn.Module:
    """Two 3 x 3 convolutions, figure 5 left."""
    branch = nn.Sequential(
        conv(inputs, planes, stride=stride, dilation=dilations[0], padded=padded, norm=True),
        conv(planes, planes, dilation=dilations[1], padded=padded, norm=True, activation=None),
        *([attention(planes, dims=2)] if attention else []),
    )
    return _sum(branch, inputs, planes, stride, residual)


def bottleneck(
    inputs: int,
    planes: int,
    stride: int = 1,
    dilations: tuple[int, int] = (1, 1),
    padded: bool = True,
    attention: Attention | None = None,
    residual: bool = True,
) -> nn.Module:
    """1 x 1 to `planes`, 3 x 3, 1 x 1 to four times as many, figure 5 right."""
    branch = nn.Sequential(
        conv(inputs, planes, 1, norm=True),
        conv(planes, planes, stride=stride, dilation=dilations[0], padded=padded, norm=True),
        conv(planes, 4 * planes, 1, norm=True, activation=None),
        *([attention(4 * planes, dims=2)] if attention else []),
    )
    return _sum(branch, inputs, 4 * planes, stride, residual)


def _sum(branch: nn.Module, inputs: int, outputs: int, stride: int, residual: bool) -> nn.Module:
    """With its input, projected where the shapes differ; or without (DRN-C)."""
    if not residual:
        return nn.Sequential(branch, nn.ReLU())
    same = stride == 1 and inputs == outputs
    shortcut = nn.Identity() if same else conv(inputs, outputs, 1, stride=stride, norm=True, activation=None)
    return Residual(branch, shortcut, nn.ReLU())


BASIC, BOTTLENECK = Block(basic, 1, 4), Block(bottleneck, 4, 2)
DEPTHS = {18: (BASIC, (2, 2, 2, 2)), 34: (BASIC, (3, 4, 6, 3)), 50: (BOTTLENECK, (3, 4, 6, 3))}

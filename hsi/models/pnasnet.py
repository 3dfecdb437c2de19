"""PNASNet-5: a cell of five sums that a progressive search found, stacked in three groups of growing width.

Liu, Zoph, Neumann, Shlens, Hua, Li, Fei-Fei, Yuille, Huang, Murphy, "Progressive Neural Architecture Search", ECCV
2018, figure 1. There is one kind of cell, with stride 1 or 2; it sees the outputs h[-1] and h[-2] of the two cells
before it. `original` is laid out as the authors' program: two strided cells of a quarter and half the width, then three
groups of N cells, the second and third beginning with a strided one. N = 3, F = 54: 5,064,487 parameters (a hand count
by the rules of that program; the paper: 5.1 million); N = 4, F = 216: 86,057,668 (the paper: 86.1 million).
The auxiliary classifier and the random dropping of paths are left out; strided layers are padded alike on all
sides, where the program pads more at the lower right.

Deviations for windows: in front of the groups stands one 3 x 3 convolution of 3 F filters at stride 1 (no early
downsampling; so does NASNet for CIFAR-10), unpadded if the window allows, then the trunk; a field of 3 x 3 or less is
not halved any more. Kernels start as in `hsi.models.blocks.layers.initialise`. The defaults are the paper's for
CIFAR-10; the file's N and F are scaled down.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from hsi.config.values import Count, ShareOrZero, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.blocks.layers import conv, global_average, initialise
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

CellCount = Annotated[Count, Field(le=100, description="a whole number from 1 to 100")]
Filters = Annotated[Count, Field(ge=2, description="a whole number from 2 on")]
Operation = Callable[[int, int, int], nn.Module]  # operation(inputs, filters, stride)

GROUPS = 3  # of cells; each is twice as wide as the one before
MIN_WINDOW = 3


def pnasnet(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 9,
    attention: Attention | None = None,
    attention_position: Position = "last",
    cells: CellCount = 3,
    filters: Filters = 48,
    dropout: ShareOrZero = 0.5,
) -> WindowClassifier:
    """Build PNASNet-5 for windows (B, in_channels, patch_size, patch_size).

    `cells` and `filters` are the paper's N, cells of a group, and F, filters of an operation in the first group; a
    cell puts out five times as many channels. ``attention_position="every"`` stands after each cell.
    """
    require_window("PNASNet", patch_size, MIN_WINDOW)
    free, side = unpadded(patch_size, (2,))
    stem = conv(in_channels, 3 * filters, padded=free < 1, norm=True, activation=None)
    inside = attention if attention_position == "every" else None
    widths, strides = groups(cells, filters)
    stack = Cells(3 * filters, widths, halvings(strides, side), inside)
    stages = [Stage(stem, 3 * filters, shared=free > 0), Stage(stack, stack.channels)]
    stages = with_attention(stages, None if inside else attention, attention_position)
    return assemble(stages, global_average(stack.channels, num_classes, dropout), in_channels, patch_size)


def original(num_classes: int = 1000, cells: int = 3, filters: int = 54, stem: int = 32) -> nn.Module:
    """PNASNet-5 for images: Mobile (B, 3, 224, 224); Large (B, 3, 331, 331) with 4 cells, 216 filters, a stem of 96."""
    widths, strides = groups(cells, filters)
    stack = Cells(stem, [filters // 4, filters // 2, *widths], [2, 2, *strides])
    first = conv(3, stem, stride=2, padded=False, norm=True, activation=None)
    return nn.Sequential(first, stack, *global_average(stack.channels, num_classes, 0.5))


def groups(cells: int, filters: int) -> tuple[list[int], list[int]]:
    """Filters and strides of the cells of the three groups."""
    count = GROUPS * cells
    return [filters << i // cells for i in range(count)], [2 if i and i % cells == 0 else 1 for i in range(count)]


def separable(kernel: int, inputs: int, filters: int, stride: int) -> nn.Sequential:
    """ReLU, depthwise and pointwise convolution, normalisation, all that twice; the stride stands in the first."""
    layers: list[nn.Module] = []
    for channels, step in ((inputs, stride), (filters, 1)):
        depthwise = nn.Conv2d(channels, channels, kernel, step, kernel // 2, groups=channels, bias=False)
        initialise(depthwise.weight)
        layers += [nn.ReLU(), depthwise, *conv(channels, filters, 1, norm=True, activation=None)]
    return nn.Sequential(*layers)


def max_pooling(inputs: int, filters: int, stride: int) -> nn.Sequential:
    """Maximum over 3 x 3, and a 1 x 1 convolution where the widths differ."""
    project = [] if inputs == filters else [conv(inputs, filters, 1, norm=True, activation=None)]
    return nn.Sequential(nn.MaxPool2d(3, stride, padding=1), *project)


def identity(inputs: int, filters: int, stride: int) -> nn.Module:
    """The input itself, or fitted where the shapes differ."""
    return nn.Identity() if stride == 1 and inputs == filters else fit(inputs, filters, stride)


def fit(inputs: int, filters: int, stride: int = 1) -> nn.Sequential:
    """ReLU, 1 x 1 convolution, normalisation."""
    return nn.Sequential(nn.ReLU(), *conv(inputs, filters, 1, stride=stride, norm=True, activation=None))


class FactorizedReduction(nn.Module):
    """Half of the filters see the even rows and columns, half the odd ones: a `fit` of stride 2 that skips fewer."""

    def __init__(self, inputs: int, filters: int) -> None:
        super().__init__()
        self.even = nn.Conv2d(inputs, filters // 2, 1, 2, bias=False)
        self.odd = nn.Conv2d(inputs, filters - filters // 2, 1, 2, bias=False)
        self.norm = nn.BatchNorm2d(filters)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, filters, ceil(H / 2), ceil(W / 2)); zeros stand beyond the last odd row."""
        x = F.relu(x)
        return self.norm(torch.cat([self.even(x), self.odd(F.pad(x, (0, 1, 0, 1))[:, :, 1:, 1:])], dim=1))


class Cell(nn.Module):
    """The five sums of figure 1 side by side; `stride` is that of all operations on h[-1] and h[-2].

    `last` and `before` are the channels of h[-1] and h[-2]. `fit_before` brings h[-2] to `filters` channels and to the
    size of h[-1]; None takes it as it is.
    """

    def __init__(self, last: int, before: int, filters: int, stride: int, fit_before: nn.Module | None) -> None:
        super().__init__()
        self.fit_last = fit(last, filters)
        self.fit_before = fit_before or nn.Identity()
        channels = [filters if fit_before else before] + [filters] * (1 + len(SUMS))
        self.left, self.right = (
            nn.ModuleList(build(channels[of], filters, stride if of < 2 else 1) for build, of in terms)
            for terms in zip(*SUMS, strict=True)
        )

    def forward(self, last: Tensor, before: Tensor) -> Tensor:
        """(B, last, H, W), (B, before, H or 2H, W or 2W) -> (B, 5 * filters, ceil(H / stride), ceil(W / stride))."""
        states = [self.fit_before(before), self.fit_last(last)]
        for left, right, ((_, a), (_, b)) in zip(self.left, self.right, SUMS, strict=True):
            states.append(left(states[a]) + right(states[b]))
        return torch.cat(states[2:], dim=1)


class Cells(nn.Module):
    """Cells in a row, each with `attention` behind it, if any; the first sees its input twice.

    h[-2] is fitted by a 1 x 1 convolution, or reduced where the cell between has halved the field.
    """

    def __init__(
        self, inputs: int, filters: Sequence[int], strides: Sequence[int], attention: Attention | None = None
    ) -> None:
        super().__init__()
        self.cells, self.attention = nn.ModuleList(), nn.ModuleList()
        before = last = inputs
        for index, (width, stride) in enumerate(zip(filters, strides, strict=True)):
            halved = index > 0 and strides[index - 1] == 2
            fitted = (FactorizedReduction if halved else fit)(before, width) if index else None
            self.cells.append(Cell(last, before, width, stride, fitted))
            before, last = last, 5 * width
            self.attention.append(attention(last, dims=2) if attention else nn.Identity())
        self.channels = last

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, channels, H', W')."""
        before = last = x
        for cell, attend in zip(self.cells, self.attention, strict=True):
            before, last = last, attend(cell(last, before))
        return F.relu(last)


# Figure 1: two operations a sum, each with the number of what it sees: 0 is h[-2], 1 is h[-1], 2 the first sum.
SUMS: tuple[tuple[tuple[Operation, int], tuple[Operation, int]], ...] = (
    ((partial(separable, 5), 0), (max_pooling, 0)),
    ((partial(separable, 7), 1), (max_pooling, 1)),
    ((partial(separable, 5), 1), (partial(separable, 3), 1)),
    ((partial(separable, 3), 4), (max_pooling, 1)),
    ((partial(separable, 3), 0), (identity, 1)),
)

"""Cells of a network (Liu et al. 2018): sums of two operations, described by words, stacked and strided.

Liu, Zoph, Neumann, Shlens, Hua, Li, Fei-Fei, Yuille, Huang, Murphy, "Progressive Neural Architecture Search", ECCV
2018, section 3.1. A cell is described by its sums, each [operation, input, operation, input]. Inputs are numbers: 0 is
h[-2] and 1 is h[-1], what the two cells before put out; 2 is the first sum of the cell itself, 3 the second. All sums
side by side are the cell's output.

`OPERATIONS` are the paper's eight. Separable convolutions are applied twice, as in the authors' program. Which kind of
dilated convolution is meant the paper does not say: here it is a full one with gaps of one pixel. Averages leave out
what lies beyond the border.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any, Literal

import torch
from pydantic import AfterValidator, Field
from torch import Tensor, nn
from torch.nn import functional as F

from hsi.config.build import as_given
from hsi.config.nearest import suggest
from hsi.errors import HsiError
from hsi.models.blocks.layers import conv, initialise
from hsi.models.blocks.stages import Attention

Sum = tuple[str, int, str, int]
Sums = tuple[Sum, ...]
Operation = Literal[
    "separable_3",
    "separable_5",
    "separable_7",
    "factorised_7",
    "dilated_3",
    "average_pooling",
    "max_pooling",
    "identity",
]

OUTSIDE = 2  # inputs of a cell that come from the cells before it
MOST_SUMS = 20


def separable(kernel: int, inputs: int, filters: int, stride: int) -> nn.Sequential:
    """ReLU, depthwise and pointwise convolution, normalisation, all that twice; the stride stands in the first."""
    layers: list[nn.Module] = []
    for channels, step in ((inputs, stride), (filters, 1)):
        depthwise = nn.Conv2d(channels, channels, kernel, step, kernel // 2, groups=channels, bias=False)
        initialise(depthwise.weight)
        layers += [nn.ReLU(), depthwise, *conv(channels, filters, 1, norm=True, activation=None)]
    return nn.Sequential(*layers)


def factorised(kernel: int, inputs: int, filters: int, stride: int) -> nn.Sequential:
    """ReLU, convolution along a row, normalisation; then the same along a column."""
    layers: list[nn.Module] = []
    for channels, size, step in ((inputs, (1, kernel), (1, stride)), (filters, (kernel, 1), (stride, 1))):
        line = nn.Conv2d(channels, filters, size, step, (size[0] // 2, size[1] // 2), bias=False)
        initialise(line.weight)
        layers += [nn.ReLU(), line, nn.BatchNorm2d(filters)]
    return nn.Sequential(*layers)


def dilated(inputs: int, filters: int, stride: int) -> nn.Sequential:
    """ReLU, 3 x 3 convolution whose taps stand two pixels apart, normalisation."""
    return nn.Sequential(nn.ReLU(), *conv(inputs, filters, stride=stride, dilation=2, norm=True, activation=None))


def max_pooling(inputs: int, filters: int, stride: int) -> nn.Sequential:
    """Maximum over 3 x 3, and a 1 x 1 convolution where the widths differ."""
    return nn.Sequential(nn.MaxPool2d(3, stride, padding=1), *_widened(inputs, filters))


def average_pooling(inputs: int, filters: int, stride: int) -> nn.Sequential:
    """Mean over 3 x 3, and a 1 x 1 convolution where the widths differ."""
    return nn.Sequential(nn.AvgPool2d(3, stride, padding=1, count_include_pad=False), *_widened(inputs, filters))


def _widened(inputs: int, filters: int) -> list[nn.Module]:
    return [] if inputs == filters else [conv(inputs, filters, 1, norm=True, activation=None)]


def identity(inputs: int, filters: int, stride: int) -> nn.Module:
    """The input itself, or fitted where the shapes differ."""
    return nn.Identity() if stride == 1 and inputs == filters else fit(inputs, filters, stride)


def fit(inputs: int, filters: int, stride: int = 1) -> nn.Sequential:
    """ReLU, 1 x 1 convolution, normalisation."""
    return nn.Sequential(nn.ReLU(), *conv(inputs, filters, 1, stride=stride, norm=True, activation=None))


OPERATIONS: dict[str, Callable[[int, int, int], nn.Module]] = {  # operation(inputs, filters, stride)
    "separable_3": partial(separable, 3),
    "separable_5": partial(separable, 5),
    "separable_7": partial(separable, 7),
    "factorised_7": partial(factorised, 7),
    "dilated_3": dilated,
    "average_pooling": average_pooling,
    "max_pooling": max_pooling,
    "identity": identity,
}


def require_sums(given: Any) -> Sums:
    """The sums of a cell, checked.

    Raises HsiError: none or too many, a sum that is not of two operations and their inputs, an operation that is not
    known, an input that does not come before the sum.
    """
    if not isinstance(given, list | tuple) or not 1 <= len(given) <= MOST_SUMS:
        raise HsiError(
            f"model.cell={as_given(given)}: give 1 to {MOST_SUMS} sums, such as [[separable_3,0,max_pooling,1]]"
        )
    return tuple(_require_sum(as_given(given), number, each) for number, each in enumerate(given, 1))


def _require_sum(cell: str, number: int, given: Any) -> Sum:
    where = f"model.cell={cell}: sum {number}, {as_given(given)},"
    if not isinstance(given, list | tuple) or len(given) != 4:
        raise HsiError(f"{where} is no sum: give [operation,input,operation,input]")
    for name in (given[0], given[2]):
        if name not in list(OPERATIONS):
            raise HsiError(f"{where} has an unknown operation {as_given(name)}: {suggest(str(name), OPERATIONS)}")
    for of in (given[1], given[3]):
        if isinstance(of, bool) or not isinstance(of, int) or not 0 <= of < OUTSIDE + number - 1:
            raise HsiError(
                f"{where} sees {as_given(of)}: give a whole number from 0 to {OUTSIDE + number - 2}; 0 and 1 are the "
                "cells before, 2 is the first sum, and no sum sees itself or a later one"
            )
    return given[0], given[1], given[2], given[3]


Described = Annotated[
    list[Any] | tuple[Any, ...],
    Field(description="a list of sums, such as [[separable_3,0,max_pooling,1]]"),
    AfterValidator(require_sums),
]


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
    """The sums of a cell side by side; `stride` is that of all operations on h[-1] and h[-2].

    `last` and `before` are the channels of h[-1] and h[-2]. `fit_before` brings h[-2] to `filters` channels and to the
    size of h[-1]; None takes it as it is. What no sum sees is not fitted.
    """

    def __init__(
        self, sums: Sums, last: int, before: int, filters: int, stride: int, fit_before: nn.Module | None
    ) -> None:
        super().__init__()
        self.inputs = [(left, right) for _, left, _, right in sums]
        self.fit_last = fit(last, filters) if sees(sums, 1) else nn.Identity()
        self.fit_before = fit_before or nn.Identity()
        channels = [filters if fit_before else before] + [filters] * (1 + len(sums))
        self.left, self.right = (
            nn.ModuleList(OPERATIONS[name](channels[of], filters, stride if of < OUTSIDE else 1) for name, of in terms)
            for terms in ([each[:2] for each in sums], [each[2:] for each in sums])
        )

    def forward(self, last: Tensor, before: Tensor) -> Tensor:
        """(B, last, H, W), (B, before, H or 2H, W or 2W) -> (B, sums * filters, ceil(H / stride), ceil(W / stride))."""
        states = [self.fit_before(before), self.fit_last(last)]
        for left, right, (a, b) in zip(self.left, self.right, self.inputs, strict=True):
            states.append(left(states[a]) + right(states[b]))
        return torch.cat(states[OUTSIDE:], dim=1)


def sees(sums: Sums, number: int) -> bool:
    """Whether any sum sees this input."""
    return any(number in (left, right) for _, left, _, right in sums)


class Cells(nn.Module):
    """Cells in a row, each with `attention` behind it, if any; the first sees its input twice.

    h[-2] is fitted by a 1 x 1 convolution, or reduced where the cell between has halved the field.
    """

    def __init__(
        self,
        sums: Sums,
        inputs: int,
        filters: Sequence[int],
        strides: Sequence[int],
        attention: Attention | None = None,
    ) -> None:
        super().__init__()
        self.cells, self.attention = nn.ModuleList(), nn.ModuleList()
        before = last = inputs
        for index, (width, stride) in enumerate(zip(filters, strides, strict=True)):
            halved = index > 0 and strides[index - 1] == 2
            fitted = (FactorizedReduction if halved else fit)(before, width) if index and sees(sums, 0) else None
            self.cells.append(Cell(sums, last, before, width, stride, fitted))
            before, last = last, len(sums) * width
            self.attention.append(attention(last, dims=2) if attention else nn.Identity())
        self.channels = last

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, channels, H', W')."""
        before = last = x
        for cell, attend in zip(self.cells, self.attention, strict=True):
            before, last = last, attend(cell(last, before))
        return F.relu(last)

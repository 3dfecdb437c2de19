"""PNASNet-5: a cell of five sums that a progressive search found, stacked in three groups of growing width.

Liu, Zoph, Neumann, Shlens, Hua, Li, Fei-Fei, Yuille, Huang, Murphy, "Progressive Neural Architecture Search", ECCV
2018, figure 1. There is one kind of cell, with stride 1 or 2; it sees the outputs h[-1] and h[-2] of the two cells
before it. `original` is laid out as the authors' program: two strided cells of a quarter and half the width, then three
groups of N cells, the second and third beginning with a strided one. N = 3, F = 54: 5,064,487 parameters (a hand count
by the rules of that program; the paper: 5.1 million); N = 4, F = 216: 86,057,668 (the paper: 86.1 million).
The auxiliary classifier and the random dropping of paths are left out; strided layers are padded alike on all
sides, where the program pads more at the lower right.

For windows it is `hsi.models.cell` with this cell; the deviations stand there. Kernels start as in
`hsi.models.blocks.layers.initialise`. The defaults are the paper's for CIFAR-10; the file's N and F are scaled down.
"""

from torch import nn

from hsi.config.values import ShareOrZero, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.blocks.cells import Cells, Sums
from hsi.models.blocks.layers import conv, global_average
from hsi.models.blocks.stages import Attention, Position
from hsi.models.cell import CellCount, Filters, cell, groups

# Figure 1: 0 is h[-2], 1 is h[-1], 2 the first sum.
PNASNET_5: Sums = (
    ("separable_5", 0, "max_pooling", 0),
    ("separable_7", 1, "max_pooling", 1),
    ("separable_5", 1, "separable_3", 1),
    ("separable_3", 4, "max_pooling", 1),
    ("separable_3", 0, "identity", 1),
)


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
    """Build PNASNet-5 for windows (B, in_channels, patch_size, patch_size): `hsi.models.cell.cell` of its cell."""
    return cell(in_channels, num_classes, PNASNET_5, patch_size, attention, attention_position, cells, filters, dropout)


def original(num_classes: int = 1000, cells: int = 3, filters: int = 54, stem: int = 32) -> nn.Module:
    """PNASNet-5 for images: Mobile (B, 3, 224, 224); Large (B, 3, 331, 331) with 4 cells, 216 filters, a stem of 96."""
    widths, strides = groups(cells, filters)
    stack = Cells(PNASNET_5, stem, [filters // 4, filters // 2, *widths], [2, 2, *strides])
    first = conv(3, stem, stride=2, padded=False, norm=True, activation=None)
    return nn.Sequential(first, stack, *global_average(stack.channels, num_classes, 0.5))

"""A network of cells, each a list of sums in words, as `hsi search` finds them and PNASNet stacks them.

Liu, Zoph, Neumann, Shlens, Hua, Li, Fei-Fei, Yuille, Huang, Murphy, "Progressive Neural Architecture Search", ECCV
2018, section 3.1; what cells are made of stands in `hsi.models.blocks.cells`. There is one kind of cell, with stride 1
or 2, in three groups of growing width; the second and third group begin with a strided one.

Deviations for windows: in front of the groups stands one 3 x 3 convolution of 3 F filters at stride 1 (no early
downsampling; so does NASNet for CIFAR-10), unpadded if the window allows, then the trunk; a field of 3 x 3 or less is
not halved any more. Kernels start as in `hsi.models.blocks.layers.initialise`. The auxiliary classifier and the random
dropping of paths are left out.
"""

from typing import Annotated

from pydantic import Field

from hsi.config.values import Count, ShareOrZero, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.blocks.cells import Cells, Described, require_sums
from hsi.models.blocks.layers import conv, global_average
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

GROUPS = 3  # of cells; each is twice as wide as the one before
MIN_WINDOW = 3


def cell(
    in_channels: int,
    num_classes: int,
    cell: Described,
    patch_size: Window = 9,
    attention: Attention | None = None,
    attention_position: Position = "last",
    cells: CellCount = 1,
    filters: Filters = 16,
    dropout: ShareOrZero = 0.5,
) -> WindowClassifier:
    """Build a network of cells for windows (B, in_channels, patch_size, patch_size).

    `cell` is the cell, see `hsi.models.blocks.cells`. `cells` and `filters` are the paper's N, cells of a group, and
    F, filters of an operation in the first group; a cell puts out as many times F channels as it has sums.
    ``attention_position="every"`` stands after each cell.
    """
    sums = require_sums(cell)
    require_window("A network of cells", patch_size, MIN_WINDOW)
    free, side = unpadded(patch_size, (2,))
    stem = conv(in_channels, 3 * filters, padded=free < 1, norm=True, activation=None)
    inside = attention if attention_position == "every" else None
    widths, strides = groups(cells, filters)
    stack = Cells(sums, 3 * filters, widths, halvings(strides, side), inside)
    stages = [Stage(stem, 3 * filters, shared=free > 0), Stage(stack, stack.channels)]
    stages = with_attention(stages, None if inside else attention, attention_position)
    return assemble(stages, global_average(stack.channels, num_classes, dropout), in_channels, patch_size)


def groups(cells: int, filters: int) -> tuple[list[int], list[int]]:
    """Filters and strides of the cells of the three groups."""
    count = GROUPS * cells
    return [filters << i // cells for i in range(count)], [2 if i and i % cells == 0 else 1 for i in range(count)]

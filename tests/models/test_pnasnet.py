"""PNASNet: the operations of its cells, its two states, its published size."""

import pytest
import torch
from test_networks import parameters
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from hsi.models import pnasnet
from hsi.models.blocks import cells
from hsi.models.blocks.attention import SqueezeExcite


def name(operation: nn.Module) -> str:
    """What an operation of a PNASNet cell is: the kernels of its depthwise convolutions, or what has their place."""
    layers = list(operation.modules())
    kernels = [str(m.kernel_size[0]) for m in layers if isinstance(m, nn.Conv2d) and m.groups == m.in_channels > 1]
    pooling = ["max" for m in layers if isinstance(m, nn.MaxPool2d) and m.kernel_size == 3]
    return " ".join(kernels + pooling) or "identity"


@pytest.mark.parametrize("index", range(6))
def test_the_cell_of_pnasnet_adds_what_the_search_found(index):
    """Liu et al. 2018, figure 1, in strided cells too; every separable convolution is applied twice."""
    cell = pnasnet.pnasnet(8, 3, 15, cells=2, filters=4).head[0].cells[index]
    assert [[name(left), name(right)] for left, right in zip(cell.left, cell.right, strict=True)] == [
        *(["5 5", "max"], ["7 7", "max"], ["5 5", "3 3"], ["3 3", "max"], ["3 3", "identity"])
    ]


def test_both_states_reach_the_output_of_a_pnasnet_cell():
    """The first sum sees h[-2] alone, the last both, the others h[-1]; the fourth sees the third."""
    torch.manual_seed(0)
    cell = cells.Cell(pnasnet.PNASNET_5, 6, 4, 8, 1, cells.fit(4, 8)).eval()
    last, before = torch.randn(2, 6, 5, 5, requires_grad=True), torch.randn(2, 4, 5, 5, requires_grad=True)
    sums = cell(last, before).split(8, dim=1)
    assert len(sums) == 5
    seen = [torch.autograd.grad(s.sum(), (last, before), retain_graph=True, allow_unused=True) for s in sums]
    assert [[g is not None and bool(g.any()) for g in pair] for pair in seen] == [
        *([False, True], [True, False], [True, False], [True, False], [True, True])
    ]
    with torch.no_grad():
        cell.left[2][-1].bias += 1
        changed = [bool((a != b).any()) for a, b in zip(sums, cell(last, before).split(8, dim=1), strict=True)]
    assert changed == [False, False, True, True, False]


@pytest.mark.parametrize("side", [6, 7])
def test_factorised_reduction_sees_even_and_odd_positions(side):
    reduction = cells.FactorizedReduction(1, 2).eval()
    nn.init.ones_(reduction.even.weight)
    nn.init.ones_(reduction.odd.weight)
    x = torch.rand(1, 1, side, side)
    even, odd = reduction(x)[0] * (1 + reduction.norm.eps) ** 0.5
    assert even.shape == odd.shape == ((side + 1) // 2,) * 2
    torch.testing.assert_close(even, x[0, 0, ::2, ::2])
    torch.testing.assert_close(odd[: side // 2, : side // 2], x[0, 0, 1::2, 1::2])
    assert not odd[side // 2 :].any()


@pytest.mark.parametrize(
    ("model", "side", "expected"),
    [  # the ends of the stem and of the three groups, as the authors' program tests them
        (lambda: pnasnet.original(), 224, [(135, 28), (270, 28), (540, 14), (1080, 7)]),
        (lambda: pnasnet.original(cells=4, filters=216, stem=96), 331, [(540, 42), (1080, 42), (2160, 21), (4320, 11)]),
        (lambda: pnasnet.pnasnet(3, 5, 15, filters=4), 15, [(20, 13), (40, 7), (80, 4)]),
        (lambda: pnasnet.pnasnet(3, 5, 9, filters=4), 9, [(20, 7), (40, 4), (80, 2)]),
        (lambda: pnasnet.pnasnet(3, 5, 3, filters=4), 3, [(20, 3), (40, 3), (80, 3)]),
    ],
)
def test_strided_cells_of_pnasnet_halve_the_field_and_double_the_width(model, side, expected):
    shapes = []
    with torch.device("meta"):
        network = model().eval()
        (stack,) = (module for module in network.modules() if isinstance(module, cells.Cells))
        for cell in stack.cells:
            cell.register_forward_hook(lambda _, __, output: shapes.append((output.shape[1], output.shape[2])))
        network(torch.empty(1, 3, side, side))
    ends = shapes[-1 :: -3 if len(shapes) < 14 else -4][::-1]
    assert ends == expected


@pytest.mark.parametrize(
    ("knobs", "side", "millions"), [({}, 224, 588), ({"cells": 4, "filters": 216, "stem": 96}, 331, 25_000)]
)
def test_multiply_adds_of_pnasnet_are_the_published_ones(knobs, side, millions):
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        pnasnet.original(**knobs).eval()(torch.empty(1, 3, side, side))
    assert counter.get_total_flops() / 2e6 == pytest.approx(millions, rel=0.003)


def test_pnasnet_for_cifar_has_the_published_size():
    """N = 3, F = 48, the builder's defaults: 3.2 million."""
    with torch.device("meta"):
        assert round(parameters(pnasnet.pnasnet(3, 10, 33)) / 1e6, 1) == 3.2


def test_attention_stands_after_every_cell_of_pnasnet():
    model = pnasnet.pnasnet(8, 3, 9, SqueezeExcite, "every", cells=1, filters=4)
    assert [type(m) for m in model.head[0].attention] == [SqueezeExcite] * 3

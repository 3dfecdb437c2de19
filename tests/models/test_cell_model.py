"""Cells in words: PNASNet-5 among them, every operation as the paper has it, and a sentence for what is no cell."""

from typing import get_args

import pytest
import torch
from conftest import configure
from test_networks import parameters
from torch import nn

from hsi.errors import HsiError
from hsi.models.blocks import cells
from hsi.models.building import build_model, require_settings

PNASNET_5 = [  # Liu et al. 2018, figure 1, by hand
    ["separable_5", 0, "max_pooling", 0],
    ["separable_7", 1, "max_pooling", 1],
    ["separable_5", 1, "separable_3", 1],
    ["separable_3", 4, "max_pooling", 1],
    ["separable_3", 0, "identity", 1],
]


def build(cell, **knobs):
    torch.manual_seed(0)
    return build_model({"_target_": "hsi.models.cell.cell", "cell": cell, **knobs}, 8, 3)


@pytest.mark.parametrize("window", [9, 15])
def test_the_cell_of_pnasnet_in_words_gives_the_network_of_pnasnet(window):
    written = configure("model=cell", f"patch_size={window}", f"model.cell={PNASNET_5}".replace("'", "")).model
    torch.manual_seed(0)
    mine = build_model(written, 8, 3).eval()
    torch.manual_seed(0)
    theirs = build_model(configure("model=pnasnet", f"patch_size={window}").model, 8, 3).eval()
    x = torch.randn(2, 8, window, window)
    assert parameters(mine) == parameters(theirs)
    assert torch.equal(mine(x), theirs(x))


@pytest.mark.parametrize(
    ("name", "weights"),
    [  # of 4 filters on 4 channels, without normalisation: k * k * 4 + 4 * 4, twice, for separable ones
        *[("separable_3", 2 * (36 + 16)), ("separable_5", 2 * (100 + 16)), ("separable_7", 2 * (196 + 16))],
        *[("factorised_7", 2 * 7 * 16), ("dilated_3", 9 * 16)],
        *[("average_pooling", 0), ("max_pooling", 0), ("identity", 0)],
    ],
)
def test_operations_keep_or_halve_the_field_and_have_the_weights_of_their_kernels(name, weights):
    operation = cells.OPERATIONS[name](4, 4, 1)
    kernels = [layer.weight for layer in operation.modules() if isinstance(layer, nn.Conv2d)]
    assert sum(map(torch.numel, kernels)) == weights
    for stride, side in [(1, 7), (2, 4)]:
        assert cells.OPERATIONS[name](4, 6, stride)(torch.rand(2, 4, 7, 7)).shape == (2, 6, side, side)


def test_every_operation_can_be_asked_for():
    assert get_args(cells.Operation) == tuple(cells.OPERATIONS)


def reach(operation: nn.Module) -> list[tuple[int, int]]:
    """Which pixels around the middle of 15 x 15 an operation sees, as rows and columns from the middle."""
    x = torch.rand(1, 2, 15, 15, requires_grad=True)
    operation.eval()(1 + x)[0, :, 7, 7].sum().backward()
    return [(int(row) - 7, int(col) - 7) for row, col in x.grad.abs().sum((0, 1)).nonzero()]


def test_dilated_and_pooling_operations_see_what_their_names_say():
    gaps = [(row, col) for row in (-2, 0, 2) for col in (-2, 0, 2)]
    assert reach(cells.OPERATIONS["dilated_3"](2, 2, 1)) == gaps
    assert len(reach(cells.OPERATIONS["average_pooling"](2, 2, 1))) == 9
    ones = torch.ones(1, 2, 5, 5)
    assert torch.equal(cells.OPERATIONS["average_pooling"](2, 2, 1)(ones), ones)  # the border is left out


@pytest.mark.parametrize(("seen", "other"), [(0, "fit_last"), (1, "fit_before")])
def test_what_no_sum_sees_has_no_weights(seen, other):
    one, both = (build([["separable_3", seen, "identity", of]], filters=4).state_dict() for of in (seen, 1 - seen))
    assert any(other in name for name in both)
    assert not any(other in name for name in one)


def test_a_mirrored_sum_is_the_same_network():
    left, right = build([["separable_3", 0, "dilated_3", 1]]), build([["dilated_3", 1, "separable_3", 0]])
    names = {"left": "right", "right": "left"}
    swapped = {
        ".".join(names.get(part, part) for part in name.split(".")): value for name, value in left.state_dict().items()
    }
    right.load_state_dict(swapped)
    x = torch.randn(2, 8, 9, 9)
    torch.testing.assert_close(left.eval()(x), right.eval()(x))


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ([], r"model\.cell=\[\]: give 1 to 20 sums"),
        ([["identity", 0, "identity", 1]] * 21, "give 1 to 20 sums"),
        ([["seperable_3", 0, "identity", 1]], r"unknown operation seperable_3: did you mean separable_3\?"),
        ([["identity", 0, ["identity"], 1]], "unknown operation"),
        ([["identity", 0, "identity", 1], ["identity", 3, "identity", 1]], "sum 2, .* sees 3: give .* from 0 to 2"),
        ([["identity", 0, "identity", -1]], "sees -1: give a whole number from 0 to 1"),
        ([["identity", 0, "identity", True]], "sees true"),
        ([["identity", 0, "identity"]], "sum 1, .* is no sum: give .operation,input,operation,input."),
        (["identity"], "sum 1, identity, is no"),
        ("identity", "model.cell=identity: give a list of sums"),
    ],
)
def test_what_is_no_cell_gets_one_sentence(cell, words):
    with pytest.raises(HsiError, match=words) as told:
        require_settings({"_target_": "hsi.models.cell.cell", "cell": cell})
    assert "\n" not in str(told.value)

"""What a network costs, by hand."""

import pytest
import torch
from torch import nn

from hsi.engine.contract import WindowClassifier
from hsi.engine.cost import Cost, activation_floats, cost, peak_floats
from hsi.engine.forward import Engine, head_floats, trunk_floats


def model(dtype=torch.float32):
    """Trunk (3, 5, 5) -> (4, 3, 3), head (4, 3, 3) -> (2,)."""
    head = nn.Sequential(nn.Flatten(), nn.Linear(36, 2))
    return WindowClassifier(nn.Conv2d(3, 4, 3, bias=False), head, 3, 5).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_multiply_adds_by_hand(dtype):
    """A position of the trunk takes 4 * 3 * 9; a window has 9 of them, a scene of 6 x 8 pixels 8 * 10."""
    found = cost(model(dtype), 6, 8)
    assert found == Cost(parameters=4 * 27 + 74, whole=9 * 108 + 72, shared=108 * 80 // 48 + 72, trunk=9 * 108)
    assert {type(count) for count in vars(found).values()} == {int}  # counts
    assert found.trunk_share == 9 * 108 / (9 * 108 + 72)


def test_counting_prints_nothing(capsys):
    cost(model(), 6, 8)
    assert capsys.readouterr() == ("", "")


def test_what_a_line_says_is_in_millions_and_per_cent():
    told = str(Cost(parameters=1234567, whole=8_000_000, shared=2_500_000, trunk=6_000_000))
    assert told.startswith("1,234,567 parameters; ")
    assert " 8.0 M window by window, 2.5 M shared; 75 % " in told


def test_a_share_of_nothing_is_nothing():
    assert Cost(5, 0, 0, 0).trunk_share == 0
    assert Cost(5, 1, 1, 1).trunk_share == 1


def test_a_model_without_weights_has_no_cost():
    assert cost(WindowClassifier(nn.Identity(), nn.Flatten(), 3, 5), 6, 8) is None


class Pair(nn.Module):
    """Puts out two tensors, and what is none."""

    def forward(self, x):
        return x, x[..., :2], None


class First(nn.Module):
    def __init__(self):
        super().__init__()
        self.pair = Pair()

    def forward(self, x):
        return self.pair(x)[0]


def test_activations_are_those_of_the_innermost_layers_and_the_input():
    assert activation_floats(model().trunk, (3, 5, 7)) == 3 * 5 * 7 + 4 * 3 * 5
    assert activation_floats(nn.Sequential(nn.Sequential(nn.Flatten())), (3, 5, 7)) == 2 * 3 * 5 * 7
    assert activation_floats(First(), (3, 5, 7)) == 3 * 5 * 7 + 3 * 5 * 7 + 3 * 5 * 2


def test_a_count_leaves_the_module_as_it_was():
    layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).double().train()
    activation_floats(layers, (3, 5, 5))
    peak_floats(layers, (3, 5, 5))
    assert layers.training
    assert layers[1].num_batches_tracked == 0
    assert not layers[0]._forward_hooks
    assert layers[0].weight.dtype == torch.float64


@pytest.mark.parametrize(("groups", "kernel"), [(1, (2, 3, 3)), (2, (1, 3, 1))])
def test_the_peak_is_the_widest_convolution_with_its_columns(groups, kernel):
    """Input, output, and a column of a value a weight for each position; the narrower one does not count."""
    layers = nn.Sequential(
        nn.Unflatten(1, (2, 5)), nn.Conv3d(2, 4, kernel, groups=groups), nn.Conv3d(4, 2, 1), nn.Flatten(1, 2)
    )
    out = [5 - kernel[0] + 1, 9 - kernel[1] + 1, 8 - kernel[2] + 1]
    places = out[0] * out[1] * out[2]
    columns = 2 // groups * kernel[0] * kernel[1] * kernel[2] * places
    first = 10 * 72 + 4 * places + columns
    second = 4 * places + 2 * places + 4 * places
    assert peak_floats(layers, (10, 9, 8)) == max(first, second, activation_floats(layers, (10, 9, 8)))
    assert peak_floats(layers[:1], (10, 9, 8)) == activation_floats(layers[:1], (10, 9, 8)) == 2 * 720


def test_what_is_held_for_a_position_and_for_a_window():
    each = model()
    assert trunk_floats(each) == (3 * 25 + 4 * 9) / 25
    assert head_floats(each, Engine()) == 36 + 36 + 2
    assert head_floats(each, Engine("patch")) == 75 + 36 + 36 + 2

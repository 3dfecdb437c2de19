"""What makes SegNet itself: unpooling to the places of the maxima, and a mirror image. Its count: test_networks.py."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hsi.models import segnet
from hsi.models.segnet import Unpooled


def levels(model: nn.Module) -> list[Unpooled]:
    """From the finest on."""
    return [module for module in model.modules() if isinstance(module, Unpooled)]


@pytest.mark.parametrize("side", [4, 6, 10])
def test_unpooling_is_torchs(side):
    torch.manual_seed(side)
    inner = nn.Conv2d(3, 3, 1).double()
    x = torch.randn(2, 3, side, side, dtype=torch.float64, requires_grad=True)
    pooled, indices = F.max_pool2d(x, 2, return_indices=True)
    expected, ours = F.max_unpool2d(inner(pooled), indices, 2), Unpooled(inner)(x)
    assert torch.equal(ours, expected)
    weights = torch.randn_like(expected)
    gradients = [torch.autograd.grad((out * weights).sum(), x)[0] for out in (ours, expected)]
    torch.testing.assert_close(*gradients)


def test_worked_unpooling_of_an_odd_field():
    """Maxima 5, 3; 7, 9 of the blocks, the last row and column alone, come back doubled."""
    field = torch.tensor([[1.0, 5, 3], [2, 0, 1], [7, 4, 9]])
    doubled = Unpooled(nn.Conv2d(1, 1, 1, bias=False))
    nn.init.constant_(doubled.inner.weight, 2)
    assert doubled(field[None, None]).tolist() == [[[[0, 10, 6], [0, 0, 0], [14, 0, 18]]]]


def test_rounding_does_not_choose_among_equal_pixels():
    """The first is taken, whichever is larger by a rounding error."""
    field = torch.ones(1, 1, 2, 2)
    for row, col in [(0, 0), (0, 1), (1, 1)]:
        rounded = field.clone()
        rounded[0, 0, row, col] += 1e-7
        assert Unpooled(nn.Identity())(rounded).bool().flatten().tolist() == [True, False, False, False]


def test_the_way_up_mirrors_that_of_vgg16():
    """Figure 2: 13 convolutions down, 13 up, five poolings, and class maps as large as the image."""
    with torch.device("meta"):
        model = segnet.original(7).eval()
        assert model(torch.empty(1, 3, 64, 96)).shape == (1, 7, 64, 96)
    widths = [layer.out_channels for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    down, up = widths[:13], widths[13:]
    assert down == [64, 64, 128, 128, 256, 256, 256, *[512] * 6]
    assert up == [*down[-2::-1], 7]
    assert len(levels(model)) == 5


@pytest.mark.parametrize(("window", "count", "deepest"), [(9, 2, 2), (15, 2, 3), (25, 3, 3)])
def test_windows_are_halved_down_to_2_or_3_pixels(window, count, deepest):
    model = segnet.segnet(4, 3, window, width=0.05).eval()
    found = levels(model)
    sides = []
    found[-1].inner.register_forward_pre_hook(lambda _, inputs: sides.append(inputs[0].shape[-1]))
    model(torch.randn(1, 4, window, window))
    assert (len(found), sides) == (count, [deepest])


def test_the_middle_pixel_is_classified_and_the_window_seen():
    torch.manual_seed(0)
    model = segnet.segnet(4, 3, 15, width=0.25).eval()
    field = model.head[:-3](model.trunk(torch.randn(2, 4, 15, 15)))
    linear, middle = model.head[-1], field.shape[-1] // 2
    class_map = F.conv2d(field, linear.weight[:, :, None, None], linear.bias)
    torch.testing.assert_close(model.head[-3:](field), class_map[:, :, middle, middle])
    x = torch.randn(1, 4, 15, 15, requires_grad=True)
    model(x).square().sum().backward()
    assert x.grad.abs().sum(1).bool().sum() > 9 * 9  # what four convolutions see without the way down

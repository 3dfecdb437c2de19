"""What makes U-Net itself: the figure's shapes, and a way up that meets the way down. Its count: test_networks.py."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hsi.models import unet
from hsi.models.unet import Level, double, halve

WINDOWS = range(9, 26, 2)


def levels(model: nn.Module) -> list[Level]:
    """From the finest on."""
    return [module for module in model.modules() if isinstance(module, Level)]


def mirrored(module: nn.Module) -> nn.Module:
    """With every kernel turned over, left to right."""
    module = copy.deepcopy(module)
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.weight.data = layer.weight.data.flip(3)
    return module


def test_the_original_has_the_shapes_of_figure_1():
    """Channels and sides of what is put beside each other, on the meta device."""
    met: list[tuple[int, ...]] = []
    with torch.device("meta"):
        model = unet.original().eval()
        for level in levels(model):
            level.expand.register_forward_pre_hook(lambda _, inputs: met.append(tuple(inputs[0].shape[1:3])))
        assert model(torch.empty(1, 1, 572, 572)).shape == (1, 2, 388, 388)
    assert met == [(1024, 56), (512, 104), (256, 200), (128, 392)]
    layers = [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)]
    assert len(layers) == 23
    assert max(layer.out_channels for layer in layers) == 1024


@pytest.mark.parametrize("side", range(2, 26))
def test_up_is_the_transpose_of_a_convolution_that_halves(side):
    """<conv(x), y> = <x, up(y)>, which no other crop or padding would give; its convolution halves as pooling does."""
    torch.manual_seed(side)
    up = double(4, 3, side).double()
    x = torch.randn(2, 3, side, side, dtype=torch.float64)
    down = F.conv2d(x, up.weight, stride=2, padding=side % 2)
    assert down.shape[-2:] == halve(side)(x).shape[-2:] == (-(-side // 2),) * 2
    y = torch.randn_like(down)
    torch.testing.assert_close((down * y).sum(), (x * up(y)).sum())


@pytest.mark.parametrize("window", WINDOWS)
def test_what_comes_up_has_the_side_and_the_middle_of_what_it_stands_beside(window):
    """A mirrored network makes the mirror image of a mirrored window: nothing is off by a pixel."""
    torch.manual_seed(window)
    model = unet.unet(4, 3, window, width=0.05).double().eval()
    body, sides = levels(model)[0], []
    for level in levels(model):
        level.below.register_forward_hook(lambda _, x, up: sides.append((x[0].shape[-1], up.shape[-1])))
    field = model.trunk(torch.randn(2, 4, window, window, dtype=torch.float64))
    field = model.head[:-4](field)  # convolutions that were padded; behind them level, crop, flattening, classifier
    assert isinstance(model.head[-4], Level)
    out = body(field)
    torch.testing.assert_close(mirrored(body)(field.flip(3)), out.flip(3))
    assert all(skip == up for skip, up in sides)
    assert sides


def test_windows_are_halved_down_to_2_or_3_pixels():
    deepest = []
    for window in WINDOWS:
        model = unet.unet(4, 3, window, width=0.05).eval()
        last = levels(model)[-1]
        last.below[0].register_forward_hook(lambda _, __, x: deepest.append(x.shape[-1]))
        model(torch.randn(1, 4, window, window))
    assert deepest == [2, 2, 3, 3, 2, 2, 3, 3, 3]
    assert [len(levels(unet.unet(4, 3, window, width=0.05))) for window in (9, 15, 25)] == [2, 2, 3]


def test_the_middle_pixel_is_classified():
    """As a 1 x 1 convolution over the field would do it, at the middle pixel."""
    model = unet.unet(4, 3, 15, width=0.05).eval()
    field = model.head[:-3](model.trunk(torch.randn(2, 4, 15, 15)))
    linear = model.head[-1]
    class_map = F.conv2d(field, linear.weight[:, :, None, None], linear.bias)
    middle = field.shape[-1] // 2
    torch.testing.assert_close(model.head[-3:](field), class_map[:, :, middle, middle])


def seen(model: nn.Module, x: Tensor) -> int:
    """How many pixels of a window change its logits."""
    x = x.clone().requires_grad_()
    model(x).square().sum().backward()
    return int(x.grad.abs().sum(1).bool().sum())


def test_context_comes_from_below_and_detail_from_beside():
    """Without what comes up, four convolutions of 3 x 3 see 9 x 9 pixels; with it the window is seen as a whole."""
    torch.manual_seed(0)
    model = unet.unet(4, 3, 15, width=0.5).eval()
    x = torch.randn(1, 4, 15, 15)
    assert seen(model, x) == 15 * 15
    nn.init.zeros_(levels(model)[0].below[-1].weight)
    assert seen(model, x) == 9 * 9

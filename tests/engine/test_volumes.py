"""The quick convolutions of volumes are torch's own: values, gradients, and where they go which way."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hsi.engine import volumes
from hsi.engine.cost import peak_floats
from hsi.engine.volumes import FlatteningConv, SpectralConv, VolumeConv, laid_out
from hsi.models.hybridsn import hybridsn

SHAPES = [(1, 2, 9, 12, 11), (3, 2, 9, 12, 11), (1, 1, 7, 5, 40)]


def with_gradients(layer, x):
    x = x.clone().requires_grad_()
    found = layer(x)
    layer.zero_grad()
    (found * torch.linspace(-1, 1, found.numel(), dtype=x.dtype).view(found.shape)).sum().backward()
    return [found.detach(), x.grad, layer.weight.grad.clone(), layer.bias.grad.clone()]


@pytest.mark.parametrize("most", [0, 20480], ids=["by volumes", "by planes"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("last", [True, False])
def test_they_are_the_layers_of_torch(monkeypatch, most, shape, last):
    monkeypatch.setattr(volumes, "LAID_OUT", most)
    torch.manual_seed(0)
    x = torch.randn(shape, dtype=torch.float64)
    volume = VolumeConv(shape[1], 4, (3, 2, 3)).double()
    flat = FlatteningConv(shape[1] * shape[2], 4, 3).double()
    if last:
        volume, flat = (
            layer.to(memory_format=kept)
            for layer, kept in ((volume, torch.channels_last_3d), (flat, torch.channels_last))
        )
    for layer, plain in (
        (volume, lambda x: F.conv3d(x, volume.weight, volume.bias)),
        (flat, lambda x: F.conv2d(x.flatten(1, 2), flat.weight, flat.bias)),
    ):
        torch.testing.assert_close(layer(x), plain(x), rtol=1e-12, atol=1e-12)
        ours = with_gradients(layer, x)
        layer.forward = plain
        for one, other in zip(ours, with_gradients(layer, x), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("how", [{"stride": (2, 1, 1)}, {"padding": (3, 0, 0)}], ids=str)
@pytest.mark.parametrize("batch", [1, 3])
def test_a_convolution_along_the_spectrum_is_that_of_torch(how, batch):
    torch.manual_seed(0)
    layer = SpectralConv(2, 4, (7, 1, 1), **how).double()
    x = torch.randn(batch, 2, 12, 3, 4, dtype=torch.float64)
    ours = with_gradients(layer, x)
    layer.forward = lambda x: F.conv3d(x, layer.weight, layer.bias, layer.stride, layer.padding)
    for one, other in zip(ours, with_gradients(layer, x), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("shape", "columns"), [((1, 8, 24, 106, 3), True), ((1, 8, 24, 107, 3), False)])
def test_the_border(shape, columns):
    """That torch has it there too is tested with the memory of a map (tests/mapping/test_peak.py)."""
    assert laid_out(torch.empty(shape)) is laid_out(torch.empty(shape, device="meta")) is columns
    assert not laid_out(torch.empty(2, *shape[1:]))


def test_no_column_is_laid_out_for_a_network_of_them():
    """Its largest need is what its layers put out, which for torch's own layers is a fraction of the columns."""
    ours = hybridsn(13, 3, 9)
    theirs = hybridsn(13, 3, 9)
    for layer in theirs.modules():
        if isinstance(layer, VolumeConv):
            layer.__class__ = nn.Conv3d
    shape = (13, 30, 30)
    assert peak_floats(ours.trunk, shape) < peak_floats(theirs.trunk, shape) / 2

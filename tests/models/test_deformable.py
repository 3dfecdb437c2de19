"""Deformable convolution: what it is where nothing moves, where samples move by whole pixels, and between them."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from hsi.engine.forward import forward
from hsi.models.deformable import DeformableConv, bilinear, deformable, deformable_conv2d


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def at(x: Tensor, row: float, col: float) -> float:
    """The value of an image between its pixels."""
    place = (torch.tensor([[value]], dtype=x.dtype) for value in (row, col))
    return bilinear(x, *place, torch.ones(1, 1, dtype=x.dtype)).item()


def unsettled(model: torch.nn.Module) -> torch.nn.Module:
    """The network with offsets that are not zero."""
    for module in model.modules():
        if isinstance(module, DeformableConv):
            torch.nn.init.normal_(module.moves.weight, std=0.1)
            torch.nn.init.normal_(module.moves.bias)
    return model


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 1, 1), (3, 2, 1), (2, 2, 0), (1, 1, 0), (3, 1, 0)])
def test_without_offsets_it_is_the_plain_convolution(kernel, stride, padding):
    torch.manual_seed(0)
    x, weight = drawn(2, 3, 8, 6), drawn(5, 3, kernel, kernel)
    plain = F.conv2d(x, weight, stride=stride, padding=padding)
    offset = torch.zeros(2, 2 * kernel**2, *plain.shape[2:], dtype=torch.float64)
    torch.testing.assert_close(deformable_conv2d(x, weight, offset, None, stride, padding), plain)


@pytest.mark.parametrize(("modulated", "share"), [(False, 1), (True, 0.5)])
def test_it_starts_as_the_plain_convolution_or_as_half_of_it(modulated, share):
    """Dai et al. 2017: offsets start at zero. Zhu et al. 2019: so do modulations, before the sigmoid."""
    torch.manual_seed(0)
    layer, x = DeformableConv(4, 6, 3, modulated=modulated), torch.randn(2, 4, 7, 7)
    torch.testing.assert_close(layer(x), share * F.conv2d(x, layer.weight, padding=1))


@pytest.mark.parametrize(("down", "right"), [(1, 0), (0, -2), (-1, 1), (9, 0)])
def test_whole_offsets_shift_samples_and_zeros_come_in(down, right):
    torch.manual_seed(0)
    x, weight = drawn(1, 2, 6, 6), drawn(3, 2, 3, 3)
    offset = torch.tensor([down, right], dtype=torch.float64).repeat(9).view(1, 18, 1, 1).expand(1, 18, 6, 6)
    wide = F.pad(x, (10, 10, 10, 10))
    shifted = F.conv2d(wide, weight)[:, :, 9 + down : 15 + down, 9 + right : 15 + right]
    torch.testing.assert_close(deformable_conv2d(x, weight, offset, padding=1), shifted)


def test_each_position_of_the_kernel_moves_by_itself():
    """A kernel that is 1 at the k-th position alone reads what that position's offset points at."""
    x = torch.arange(25.0).view(1, 1, 5, 5)
    offset = torch.zeros(1, 18, 5, 5)
    offset[0, 2 * 5 : 2 * 5 + 2, 2, 2] = torch.tensor([1.0, -3.0])  # the right neighbour of the middle, down and left
    read = [deformable_conv2d(x, one.view(1, 1, 3, 3), offset, padding=1)[0, 0, 2, 2] for one in torch.eye(9)]
    assert read == [6, 7, 8, 11, 12, 15, 16, 17, 18]


def test_values_between_pixels_are_worked_out_by_hand():
    x = torch.tensor([[1.0, 3.0], [5.0, 11.0]]).view(1, 1, 2, 2)
    assert at(x, 0.5, 0.5) == (1 + 3 + 5 + 11) / 4
    assert at(x, 0.25, 0.5) == 0.75 * (1 + 3) / 2 + 0.25 * (5 + 11) / 2 == 3.5
    assert at(x, 1, 0.25) == 0.75 * 5 + 0.25 * 11
    assert at(x, 1.5, 0) == 5 / 2  # half of it lies outside
    assert at(x, -0.25, -0.5) == 0.75 * 0.5 * 1
    assert at(x, -1, 0) == at(x, 0, 2) == at(x, 40, -40) == 0


def test_images_of_a_batch_keep_to_themselves():
    torch.manual_seed(0)
    x, weight, offset, mask = drawn(3, 2, 4, 5), drawn(4, 2, 3, 3), 3 * drawn(3, 18, 4, 5), drawn(3, 9, 4, 5)
    together = deformable_conv2d(x, weight, offset, mask, padding=1)
    apart = [
        deformable_conv2d(*(x[i : i + 1], weight, offset[i : i + 1], mask[i : i + 1]), padding=1) for i in range(3)
    ]
    torch.testing.assert_close(together, torch.cat(apart))


def test_gradients_of_input_weight_offset_and_mask():
    """Against differences, away from whole places, where a bilinear value has a kink."""
    torch.manual_seed(0)
    x, weight, mask = drawn(2, 2, 4, 3), drawn(3, 2, 3, 3), drawn(2, 9, 4, 3)
    offset = (3 * drawn(2, 18, 4, 3)).floor() + 0.1 + 0.8 * torch.rand(2, 18, 4, 3, dtype=torch.float64)
    tensors = [values.requires_grad_() for values in (x, weight, offset, mask)]
    assert torch.autograd.gradcheck(lambda *values: deformable_conv2d(*values, padding=1), tensors)


@pytest.mark.parametrize("spread", [0.0, 2.0])
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 1, 1), (2, 2, 0)])
def test_it_is_torchvisions_gradients_included(kernel, stride, padding, spread):
    try:
        from torchvision.ops import deform_conv2d
    except (ImportError, RuntimeError) as error:  # the latter where its compiled part was made for another torch
        pytest.skip(f"torchvision, which comes with the extra timm, is not to be had: {error}")
    torch.manual_seed(0)
    x, weight = drawn(2, 3, 6, 8), drawn(5, 3, kernel, kernel)
    rows, cols = F.conv2d(x, weight, stride=stride, padding=padding).shape[2:]
    offset, mask = spread * drawn(2, 2 * kernel**2, rows, cols), drawn(2, kernel**2, rows, cols)
    ours, theirs = ([t.clone().requires_grad_() for t in (x, weight, offset, mask)] for _ in range(2))
    first = deformable_conv2d(*ours, stride, padding)
    x, weight, offset, mask = theirs
    second = deform_conv2d(x, offset, weight, None, stride, padding, mask=mask)
    torch.testing.assert_close(first, second)
    for values in (first, second):
        values.square().sum().backward()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad)


@pytest.mark.parametrize("modulated", [False, True])
def test_moved_samples_are_the_same_dense_and_window_by_window(modulated):
    torch.manual_seed(0)
    model = unsettled(deformable(6, 3, 11, width=0.1, modulated=modulated)).double().train()
    model(drawn(8, 6, 11, 11))
    image, pixels = drawn(6, 12, 13), torch.tensor([0, 12, 77, 155])
    with torch.no_grad():
        dense, patch = (forward(model.eval(), image, pixels, shared=shared) for shared in (True, False))
    assert (dense - patch).abs().max() < 1e-9
    assert model.trunk_window == 7


def test_offsets_are_learned():
    """A few steps move samples that started unmoved."""
    torch.manual_seed(0)
    model = deformable(6, 3, 9, width=0.1, modulated=True)
    layers = [module for module in model.modules() if isinstance(module, DeformableConv)]
    assert [tuple(layer.weight.shape[2:]) for layer in layers] == [(2, 2), (3, 3)]
    assert not any(layer.moves.weight.any() for layer in layers)
    descent, x, targets = torch.optim.Adam(model.parameters(), 0.01), torch.randn(12, 6, 9, 9), torch.arange(12) % 3
    for _ in range(3):
        descent.zero_grad()
        F.cross_entropy(model(x), targets).backward()
        descent.step()
    assert all(layer.moves.weight.any() for layer in layers)


def test_a_loss_that_is_no_number_stays_one():
    """Training says so then; an index out of range would not."""
    x, weight = torch.randn(1, 1, 3, 3), torch.randn(1, 1, 3, 3)
    assert deformable_conv2d(x, weight, torch.full((1, 18, 3, 3), torch.nan), padding=1).isnan().all()


def test_halving_twice_leaves_batch_statistics():
    for window, side in [(3, 3), (9, 2), (15, 3), (25, 6)]:
        model = deformable(6, 3, window, width=0.1)
        model.head = model.head[:-4]
        assert model(torch.randn(2, 6, window, window)).shape[-2:] == (side, side)

"""A2S2K-ResNet: its two kernels, their selection, its recalibration."""

import torch
from torch import nn

from hsi.models import a2s2k_resnet
from hsi.models.blocks.attention import EfficientChannelAttention
from hsi.models.blocks.layers import Residual


def test_one_kernel_of_a2s2k_sees_a_pixel_and_one_its_neighbours():
    torch.manual_seed(0)
    pair = a2s2k_resnet.kernels(4).eval()
    x = torch.randn(1, 1, 9, 5, 5)
    changed = x.clone()
    changed[..., 2, 3] += 1
    moved = (pair(x) != pair(changed)).any(2)[0, :, 2, 2]
    assert not moved[:4].any()
    assert moved[4:].any()


def test_unpadded_kernels_of_a2s2k_are_the_padded_ones_without_the_border():
    padded, unpadded = (a2s2k_resnet.kernels(4, padded=flag).eval() for flag in (True, False))
    with torch.no_grad():
        for weight, other in zip(unpadded.parameters(), padded.parameters(), strict=True):
            weight.copy_(other)
    x = torch.randn(1, 1, 9, 5, 5)
    torch.testing.assert_close(unpadded(x), padded(x)[..., 1:-1, 1:-1])


def test_weights_of_selected_kernels_add_up_to_1():
    """Alike kernels give what each gives; without preference the mean; a strong one takes all."""
    select = a2s2k_resnet.KernelSelection(3, 5)
    one, other = torch.randn(2, 3, 4, 5, 5), torch.randn(2, 3, 4, 5, 5)
    torch.testing.assert_close(select(torch.cat([one, one], dim=1)), one)
    pair = torch.cat([one, other], dim=1)
    assert (select(pair) - (one + other) / 2).abs().max() > 1e-3
    last = select.scores[-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.zero_()
        torch.testing.assert_close(select(pair), (one + other) / 2)
        last.bias[:3] = 50
        torch.testing.assert_close(select(pair), one)


def test_every_branch_of_a2s2k_ends_in_recalibration_over_3_maps():
    """Roy et al. 2021: start, middle, middle and end of Duta et al. 2020, spectral before spatial."""
    blocks = [module for module in a2s2k_resnet.a2s2k_resnet(30, 3).modules() if isinstance(module, Residual)]
    assert [type(block.branch[-1]) for block in blocks] == [EfficientChannelAttention] * 4
    assert {block.branch[-1].convolution.kernel_size for block in blocks} == {(3,)}
    assert [isinstance(block.branch[0], nn.BatchNorm2d | nn.BatchNorm3d) for block in blocks] == [False, *[True] * 3]
    assert [isinstance(block.branch[-2], nn.BatchNorm3d) for block in blocks] == [True, *[False] * 3]
    assert [isinstance(block.activation, nn.Identity) for block in blocks] == [*[True] * 3, False]
    kernels = [m.kernel_size for m in nn.ModuleList(blocks).modules() if isinstance(m, nn.Conv2d | nn.Conv3d)]
    assert kernels == [(7, 1, 1)] * 4 + [(3, 3)] * 4

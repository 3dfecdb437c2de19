"""Attention modules: shapes, numbers worked out by hand, symmetries, and their configurations."""

from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf
from torch import Tensor, nn

from hsi.config.build import build
from hsi.errors import HsiError
from hsi.models.blocks.attention import (
    CBAM,
    EfficientChannelAttention,
    SpatialAttention,
    SqueezeExcite,
    adaptive_kernel,
)

CONF = Path(__file__).parents[2] / "conf" / "attention"
MODULES = [SqueezeExcite, EfficientChannelAttention, SpatialAttention, CBAM]
SHAPES = {2: (3, 32, 5, 7), 3: (3, 32, 4, 5, 7)}


def features(dims: int) -> Tensor:
    return torch.randn(SHAPES[dims], generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def set_weights(module: nn.Module, **weights: Tensor) -> None:
    """Put `weights` into the parameters of these names ('.' written '_'), zeros into all others."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(weights.get(name.replace(".", "_"), torch.zeros(())).expand_as(parameter))


def sigmoid(*values: float) -> Tensor:
    return torch.sigmoid(torch.tensor(values))


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("module", MODULES)
def test_shape_kept_and_weights_in_0_to_1(module, dims):
    image = features(dims)
    attended = module(image.shape[1], dims=dims).double()(image)
    assert attended.shape == image.shape
    ratio = attended / image
    assert ratio.min() >= 0
    assert ratio.max() <= 1


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("module", MODULES)
def test_a_window_does_not_depend_on_its_batch(module, dims):
    image = features(dims)
    attention = module(image.shape[1], dims=dims).double()
    torch.testing.assert_close(attention(image)[1:2], attention(image[1:2]))


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("module", MODULES)
def test_gradients_reach_every_parameter(module, dims):
    torch.manual_seed(0)
    image = features(dims)
    attention = module(image.shape[1], dims=dims).double()
    attention(image).square().sum().backward()
    for name, parameter in attention.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("module", [SqueezeExcite, EfficientChannelAttention])
def test_channel_attention_follows_a_permutation_of_positions(module, dims):
    image = features(dims)
    attention = module(image.shape[1], dims=dims).double()
    order = torch.randperm(image[0, 0].numel(), generator=torch.Generator().manual_seed(1))

    def permute(tensor: Tensor) -> Tensor:
        return tensor.flatten(2)[:, :, order].reshape(tensor.shape)

    torch.testing.assert_close(attention(permute(image)), permute(attention(image)))


@pytest.mark.parametrize("dims", [2, 3])
def test_spatial_attention_ignores_the_order_of_channels(dims):
    image = features(dims)
    attention = SpatialAttention(image.shape[1], dims=dims).double()
    torch.testing.assert_close(attention(image.flip(1)), attention(image).flip(1))


def test_squeeze_excite_by_hand():
    # Two channels, one hidden unit: z = mean of each channel, h = relu(z0 + z1), weights sigmoid(h/4, -h/2).
    # Window 0: means 1 and 3, h = 4, weights sigmoid(1), sigmoid(-2).
    # Window 1: means 1 and -3, h = relu(-2) = 0, weights sigmoid(0) = 1/2 for both.
    image = torch.tensor([[[[0.0, 2.0]], [[1.0, 5.0]]], [[[0.0, 2.0]], [[-1.0, -5.0]]]])
    attention = SqueezeExcite(2, reduction=2)
    set_weights(attention, mlp_0_weight=torch.ones(1, 2), mlp_2_weight=torch.tensor([[0.25], [-0.5]]))
    weights = torch.stack([sigmoid(1, -2), sigmoid(0, 0)])
    torch.testing.assert_close(attention(image), image * weights[:, :, None, None])
    torch.testing.assert_close(attention(image)[0, :, 0, 1], torch.tensor([2 * 0.7310586, 5 * 0.1192029]))


def test_spatial_attention_by_hand():
    # Channels [[1, 2], [3, 4]] and [[3, 0], [1, 0]]: mean [[2, 1], [2, 2]], maximum [[3, 2], [3, 4]].
    # The kernel takes the mean here less the maximum one column to the right (0 beyond the window):
    # [[2 - 2, 1 - 0], [2 - 4, 2 - 0]] = [[0, 1], [-2, 2]].
    image = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]], [[3.0, 0.0], [1.0, 0.0]]]])
    attention = SpatialAttention(2, kernel_size=3)
    kernel = torch.zeros(1, 2, 3, 3)
    kernel[0, 0, 1, 1] = 1
    kernel[0, 1, 1, 2] = -1
    set_weights(attention, convolution_weight=kernel)
    torch.testing.assert_close(attention(image), image * sigmoid(0, 1, -2, 2).reshape(2, 2))


def test_cbam_by_hand():
    # One hidden unit that reads channel 0 only. Its mean is 1 and its maximum 2, so the channels' logits are
    # (1 + 2, -(1 + 2)); the spatial kernel is all zero, which weighs every position with sigmoid(0) = 1/2.
    image = torch.tensor([[[[0.0, 2.0]], [[1.0, 5.0]]]])
    attention = CBAM(2, reduction=2, kernel_size=3)
    set_weights(attention, mlp_0_weight=torch.tensor([[1.0, 0.0]]), mlp_2_weight=torch.tensor([[1.0], [-1.0]]))
    torch.testing.assert_close(attention(image), image * sigmoid(3, -3).reshape(2, 1, 1) / 2)


def test_efficient_channel_attention_by_hand():
    # Eight channels of constant value 1..8 and a kernel of 3 that takes the next channel less the previous:
    # 2 - 0 at the start, 2 within, 0 - 7 at the end.
    values = torch.arange(1.0, 9.0)
    attention = EfficientChannelAttention(8)
    set_weights(attention, convolution_weight=torch.tensor([[[-1.0, 0.0, 1.0]]]))
    image = values.reshape(1, 8, 1, 1).expand(1, 8, 3, 3)
    expected = values * sigmoid(2, 2, 2, 2, 2, 2, 2, -7)
    torch.testing.assert_close(attention(image)[0, :, 1, 1], expected)


@pytest.mark.parametrize(
    ("channels", "size"), [(1, 1), (8, 3), (16, 3), (32, 3), (64, 3), (128, 5), (256, 5), (512, 5), (2048, 7)]
)
def test_adaptive_kernel_of_eca(channels, size):
    # |log2(channels) / 2 + 1 / 2|, odd: 3.5 -> 3 for 64 channels, 4.5 -> 5 for 256.
    assert adaptive_kernel(channels) == size
    assert EfficientChannelAttention(channels).convolution.kernel_size == (size,)


@pytest.mark.parametrize(("channels", "hidden"), [(64, 4), (16, 1), (8, 1)])
def test_a_hidden_unit_is_always_left(channels, hidden):
    assert SqueezeExcite(channels).mlp[0].out_features == hidden
    assert CBAM(channels).mlp[0].out_features == hidden


@pytest.mark.parametrize("module", [SqueezeExcite, CBAM])
def test_more_hidden_units_may_be_left(module):
    assert [module(channels, least_hidden=4).mlp[0].out_features for channels in (8, 64, 128)] == [4, 4, 8]


@pytest.mark.parametrize(
    ("name", "key", "value", "allowed"),
    [
        ("se", "reduction", 0, "a whole number from 1 on"),
        ("cbam", "reduction", 0, "a whole number from 1 on"),
        ("cbam", "kernel_size", 4, "an odd whole number"),
        ("spatial", "kernel_size", 4, "an odd whole number"),
        ("eca", "gamma", 0, "a positive number"),
        ("eca", "b", "nan", "a number"),
    ],
)
def test_impossible_settings_are_named(name, key, value, allowed):
    with pytest.raises(HsiError, match=f"^model.attention.{key}={value}: give {allowed}"):
        build({**OmegaConf.load(CONF / f"{name}.yaml"), key: value}, "model.attention")


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("se", SqueezeExcite),
        ("spatial", SpatialAttention),
        ("cbam", CBAM),
        ("eca", EfficientChannelAttention),
    ],
)
def test_configuration_builds_its_module(name, module):
    attention = build(OmegaConf.load(CONF / f"{name}.yaml"), "model.attention")
    assert isinstance(attention(8, dims=3), module)


@pytest.mark.parametrize("path", sorted(CONF.glob("*.yaml")), ids=lambda path: path.stem)
def test_configuration_goes_to_the_model(path):
    package = "model" if path.stem == "none" else "model.attention"
    assert path.read_text().splitlines()[0] == f"# @package {package}"

"""The operators that the networks are made of, against examples worked out by hand."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

IMAGE = [[1, 2, 0, 3, 1], [0, 1, 2, 3, 1], [1, 2, 1, 0, 0], [5, 2, 3, 1, 1], [2, 1, 0, 1, 1]]
KERNEL = [[1, 2, 1], [0, 1, 0], [2, 1, 0]]
POOLED = [[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]


def plane(values: list[list[int]]) -> Tensor:
    """Rows -> (1, 1, H, W) float64."""
    return torch.tensor(values, dtype=torch.float64)[None, None]


def rows(output: Tensor) -> list[list[float]]:
    assert output.shape[:2] == (1, 1)
    return output[0, 0].tolist()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [[10, 12, 12], [18, 16, 16], [13, 9, 3]]),
        ({"stride": 2}, [[10, 12], [13, 3]]),
        ({"dilation": 2}, [[7]]),
    ],
)
def test_worked_convolution(settings, expected):
    assert rows(F.conv2d(plane(IMAGE), plane(KERNEL), **settings)) == expected


def test_padding_keeps_the_side_and_the_middle():
    padded = rows(F.conv2d(plane(IMAGE), plane(KERNEL), padding=1))
    assert len(padded) == len(padded[0]) == 5
    assert padded[0] == [1, 3, 4, 10, 8]
    assert padded[-1] == [14, 13, 9, 7, 4]
    assert [row[1:-1] for row in padded[1:-1]] == rows(F.conv2d(plane(IMAGE), plane(KERNEL)))


def test_a_stride_skips_positions_of_the_same_convolution():
    strided, dense = (F.conv2d(plane(IMAGE), plane(KERNEL), stride=s) for s in (2, 1))
    assert torch.equal(strided, dense[..., ::2, ::2])


def test_worked_pooling():
    assert rows(F.max_pool2d(plane(POOLED), 2)) == [[6, 8], [3, 4]]
    assert rows(F.avg_pool2d(plane(POOLED), 2)) == [[3.25, 5.25], [2, 2]]


def test_worked_dilation():
    """A 3 x 3 kernel of ones over 1..25 in rows of five: dilated by 2 it sees the corners, edges and middle."""
    numbers, ones = torch.arange(1.0, 26, dtype=torch.float64).view(1, 1, 5, 5), torch.ones(1, 1, 3, 3).double()
    assert rows(F.conv2d(numbers, ones)) == [[63, 72, 81], [108, 117, 126], [153, 162, 171]]
    assert rows(F.conv2d(numbers, ones, dilation=2)) == [[117]]


def test_grouped_convolution_is_one_convolution_a_group():
    grouped = nn.Conv2d(12, 6, 3, groups=3, bias=False)
    assert grouped.weight.shape == (6, 4, 3, 3)
    x = torch.randn(2, 12, 5, 5)
    apart = [F.conv2d(part, weight) for part, weight in zip(x.chunk(3, dim=1), grouped.weight.chunk(3), strict=True)]
    torch.testing.assert_close(grouped(x), torch.cat(apart, dim=1))


def test_depthwise_convolution_with_multiplier_2():
    depthwise = nn.Conv2d(4, 4 * 2, 3, groups=4, bias=False)
    assert depthwise.weight.shape == (8, 1, 3, 3)
    x = torch.randn(1, 4, 5, 5)
    out = depthwise(x)
    assert out.shape == (1, 8, 3, 3)
    alone = x.clone()
    alone[:, 1:] = 0  # the first channel alone makes the first two outputs
    torch.testing.assert_close(depthwise(alone)[:, :2], out[:, :2])
    assert not depthwise(alone)[:, 2:].any()


def test_pointwise_convolution_is_a_linear_layer_at_every_position():
    pointwise, x = nn.Conv2d(6, 4, 1), torch.randn(2, 6, 3, 5)
    linear = F.linear(x.permute(0, 2, 3, 1), pointwise.weight[:, :, 0, 0], pointwise.bias).permute(0, 3, 1, 2)
    torch.testing.assert_close(pointwise(x), linear)


def test_transposed_convolution_is_the_transpose_of_the_convolution():
    """<conv(x), y> = <x, transposed(y)>, with stride."""
    weight = torch.randn(3, 2, 3, 3, dtype=torch.float64)
    x, y = torch.randn(1, 2, 7, 7, dtype=torch.float64), torch.randn(1, 3, 3, 3, dtype=torch.float64)
    forth = (F.conv2d(x, weight, stride=2) * y).sum()
    back = (x * F.conv_transpose2d(y, weight, stride=2)).sum()
    torch.testing.assert_close(forth, back)


def test_a_strided_prefix_equals_a_dilated_one_read_at_every_second_position():
    """The à trous identity: convolution, pooling of stride 2, convolution, against stride 1 and dilation 2."""
    x = torch.randn(1, 3, 16, 16, dtype=torch.float64)
    first, second = torch.randn(4, 3, 3, 3, dtype=torch.float64), torch.randn(5, 4, 3, 3, dtype=torch.float64)
    strided = F.conv2d(F.max_pool2d(F.conv2d(x, first), 2, stride=2), second)
    dilated = F.conv2d(F.max_pool2d(F.conv2d(x, first), 2, stride=1), second, dilation=2)
    torch.testing.assert_close(strided, dilated[..., ::2, ::2])


@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("dilation", [1, 2, 4])
@pytest.mark.parametrize("side", [9, 25, 28])
def test_padded_layers_divide_the_side_by_their_stride(kernel, stride, dilation, side):
    """n becomes ceil(n / s) under padding of d (k - 1) / 2, the rule that the networks' fields follow."""
    with torch.device("meta"):
        layer = nn.Conv2d(1, 1, kernel, stride, dilation * (kernel // 2), dilation)
        assert layer(torch.empty(1, 1, side, side)).shape[-1] == -(-side // stride)

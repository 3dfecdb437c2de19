"""Deformable CNN: convolutions that move their samples to where the window's content lies.

Zhu, Fang, Ghamisi, "Deformable Convolutional Neural Networks for Hyperspectral Image Classification", IEEE GRSL 15(8),
2018 (DHCNet), with the widths of the authors' program: four convolutions, of 96 and 108 maps, a deformed one of 2 x 2
that halves the field, one of 128, a deformed one of 128, global mean, 200 hidden units; windows of 25.

Deformed convolutions are those of Dai, Qi, Xiong, Li, Zhang, Hu, Wei, "Deformable Convolutional Networks", ICCV 2017,
equations 2 to 4: an offset for each position of the kernel, from a convolution that starts at zero; `modulated` gives
each sample a weight in 0..1 as well, which starts at 0.5 (Zhu, Hu, Lin, Dai, "Deformable ConvNets v2: More Deformable,
Better Results", CVPR 2019, equation 1).

Deviations: DHCNet moves each pixel of each channel once, up to the border, and convolves what comes of it; here samples
are moved as in Dai et al., for all channels alike, and what lies outside is zero. Convolutions that find offsets learn
at the rate of all others, from the first step on (DHCNet: after a plain network was trained; version 2: at a tenth).
The hidden layer is not normalised, so that there can be batches of one. Weights start as in
`hsi.models.blocks.layers.initialise`. The first two convolutions are unpadded as long as the window allows and form
the trunk; a field of 3 x 3 or less is not halved any more. Deformed convolutions read zeros outside the window, so they
belong to the head.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hsi.config.values import Positive, ShareOrZero, Switch, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.blocks.layers import conv, fully_connected, initialise, max_pool, scale
from hsi.models.blocks.stages import (
    Attention,
    Position,
    Stage,
    assemble,
    halvings,
    require_window,
    unpadded,
    with_attention,
)

MIN_WINDOW = 3


def deformable(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 15,
    attention: Attention | None = None,
    attention_position: Position = "last",
    width: Positive = 1.0,
    modulated: Switch = False,
    dropout: ShareOrZero = 0.5,
) -> WindowClassifier:
    """Build it for windows (B, in_channels, patch_size, patch_size); `width` scales every layer."""
    require_window("the deformable CNN", patch_size, MIN_WINDOW)
    free, side = unpadded(patch_size, (2, 2))
    pooling, stride = halvings((2, 2), side)
    first, second, third, hidden = (scale(channels, width) for channels in (96, 108, 128, 200))
    pool = max_pool(2) if pooling > 1 else nn.Identity()
    stages = [
        Stage(conv(in_channels, first, padded=free < 1, norm=True), first, shared=free > 0),
        Stage(conv(first, first, padded=free < 2, norm=True), first, shared=free > 1),
        Stage(nn.Sequential(pool, conv(first, second, norm=True)), second),
        Stage(conv(second, second, norm=True), second),
        Stage(_deformed(second, 2, stride, modulated), second),
        Stage(conv(second, third, norm=True), third),
        Stage(_deformed(third, 3, 1, modulated), third),
    ]
    stages = with_attention(stages, attention, attention_position)
    classifier = nn.Sequential(
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        fully_connected(third, hidden, dropout),
        nn.Linear(hidden, num_classes),
    )
    return assemble(stages, classifier, in_channels, patch_size)


def deformable_conv2d(
    x: Tensor, weight: Tensor, offset: Tensor, mask: Tensor | None = None, stride: int = 1, padding: int = 0
) -> Tensor:
    """Convolve samples that are moved by `offset` and weighed by `mask`.

    Parameters
    ----------
    x
        (B, C, H, W), zero outside.
    weight
        (O, C, k, k).
    offset
        (B, 2 k k, H', W'): for each position of the kernel, row by row, how far down and how far right, in pixels.
    mask
        (B, k k, H', W'), ones where there is none.
    stride, padding
        As of `torch.nn.functional.conv2d`, except that the output has the H' and W' of `offset`.

    Returns
    -------
    Tensor
        (B, O, H', W').
    """
    outputs, _, kernel, _ = weight.shape
    rows, cols = offset.shape[2:]
    down, right = offset.unflatten(1, (kernel**2, 2)).permute(2, 0, 3, 4, 1)  # each (B, H', W', k k)
    taps = torch.arange(kernel, device=x.device) - padding
    tops, lefts = (stride * torch.arange(count, device=x.device)[:, None] for count in (rows, cols))
    down = down.float() if x.dtype == torch.bfloat16 else down  # 8 bits cannot tell a place from its neighbour
    vertical = down + tops[:, None] + taps.repeat_interleave(kernel)
    horizontal = right + lefts + taps.repeat(kernel)
    amount = torch.ones_like(vertical) if mask is None else mask.permute(0, 2, 3, 1)
    samples = bilinear(x, *(values.flatten(1) for values in (vertical, horizontal, amount)))
    filters = weight.permute(2, 3, 1, 0).flatten(0, 2)  # in the order of samples: position, then channel
    return (samples.view(-1, len(filters)) @ filters).view(-1, rows, cols, outputs).permute(0, 3, 1, 2)


def bilinear(x: Tensor, rows: Tensor, cols: Tensor, amount: Tensor) -> Tensor:
    """Read `x` between its pixels, `amount` times: (B, C, H, W) and three of (B, N) -> (B, N, C); zero outside.

    Sums of four weighted rows of a table, which `embedding_bag` makes in one go. It takes less than half the time of
    `grid_sample` and has a deterministic backward on GPUs, which that has not.
    """
    batch, channels, height, width = x.shape
    table = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 2, 1, 2)).reshape(-1, channels)
    rows, cols = rows.clamp(-1, height), cols.clamp(-1, width)  # at most into the border of zeros
    top, left = rows.floor(), cols.floor()
    below, beyond = rows - top, cols - left
    parts = [(1 - below) * (1 - beyond), (1 - below) * beyond, below * (1 - beyond), below * beyond]
    # the second clamp is for what is no number: let the loss tell, not an index out of range
    places = [(corner.long() + 1).clamp(0, side + 1) for corner, side in ((top, height), (left, width))]
    images = torch.arange(batch, device=x.device)[:, None] * (height + 3)
    corner = (images + places[0]) * (width + 3) + places[1]
    corners = torch.stack([corner, corner + 1, corner + width + 3, corner + width + 4], dim=2)
    weights = torch.stack(parts, dim=2) * amount[:, :, None]
    corners, weights = corners.flatten(0, 1), weights.flatten(0, 1).to(table.dtype)
    return F.embedding_bag(corners, table, mode="sum", per_sample_weights=weights).view(batch, -1, channels)


class DeformableConv(nn.Module):
    """A convolution without bias that finds its own offsets, and weights of samples where `modulated`.

    It starts as the plain convolution, padded, or as half of it where `modulated`.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, modulated: bool = False) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        initialise(self.weight)
        self.moves = nn.Conv2d(inputs, (3 if modulated else 2) * kernel**2, 3, stride, padding=1)
        for values in self.moves.parameters():
            nn.init.zeros_(values)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, ceil(H / stride), ceil(W / stride))."""
        moves = self.moves(x)
        offset, raw = moves[:, : 2 * self.kernel**2], moves[:, 2 * self.kernel**2 :]
        mask = raw.sigmoid() if raw.shape[1] else None
        return deformable_conv2d(x, self.weight, offset, mask, self.stride, (self.kernel - 1) // 2)


def _deformed(channels: int, kernel: int, stride: int, modulated: bool) -> nn.Sequential:
    return nn.Sequential(
        DeformableConv(channels, channels, kernel, stride, modulated), nn.BatchNorm2d(channels), nn.ReLU()
    )

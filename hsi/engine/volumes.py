"""Convolutions of volumes (bands, rows, columns) the quick way; values and weights are those of torch's own layers.

Up to `LAID_OUT` values torch convolves a single volume on a CPU without oneDNN: it lays the input out as columns, one
for each position, and multiplies matrices. The first layers over a scene are of that kind, since they have one channel
or few. As two-dimensional convolutions of neighbouring bands they take oneDNN's way.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Channels x depth x rows of a single volume: up to so many torch goes the slow way (ConvParams::use_mkldnn in
# ATen/native/Convolution.cpp).
LAID_OUT = 20480


def laid_out(x: Tensor) -> bool:
    """Whether torch would lay out a volume (B, C, D, H, W) as columns; of the meta device, as if it were on a CPU."""
    return x.device.type in ("cpu", "meta") and x.shape[0] == 1 and x[0, :, :, :, 0].numel() <= LAID_OUT


class VolumeConv(nn.Conv3d):
    """An unpadded `torch.nn.Conv3d` of stride 1: (B, C, D, H, W) -> (B, C', D - d + 1, H - h + 1, W - w + 1).

    Where torch would lay out columns, each depth is a two-dimensional convolution of its d neighbours.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Convolve."""
        if not laid_out(x):
            return super().forward(x)
        deep, high, wide = self.kernel_size
        batch, channels, depth, rows, cols = x.shape
        left = depth - deep + 1
        bands = x.transpose(1, 2)
        near = torch.cat([bands[:, k : k + left] for k in range(deep)], 2)
        planes = near.reshape(batch * left, deep * channels, rows, cols)
        weight = self.weight.transpose(1, 2).reshape(self.out_channels, deep * channels, high, wide)
        if self.weight.is_contiguous(memory_format=torch.channels_last_3d):  # then the next layer wants them so
            planes = planes.contiguous(memory_format=torch.channels_last)
        found = F.conv2d(planes, weight, self.bias)
        return found.reshape(batch, left, *found.shape[1:]).transpose(1, 2)


class FlatteningConv(nn.Conv2d):
    """Flattened channels and bands, and an unpadded `torch.nn.Conv2d`, in one: (B, C, D, H, W) -> (B, C', H', W').

    As a convolution over the whole depth it reads volumes as they lie in memory; flattened, they would be copied.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Convolve."""
        if laid_out(x):
            return super().forward(x.flatten(1, 2))
        weight = self.weight.unflatten(1, x.shape[1:3])
        return F.conv3d(x, weight, self.bias).squeeze(2)


class SpectralConv(nn.Conv3d):
    """A `torch.nn.Conv3d` that sees one pixel, of kernel (d, 1, 1): (B, C, D, H, W) -> (B, C', D', H, W).

    Over bands and pixels, (D, H * W), it is a two-dimensional convolution, which oneDNN does several times faster.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Convolve."""
        stride, padding = (self.stride[0], 1), (int(self.padding[0]), 0)
        return F.conv2d(x.flatten(3), self.weight[..., 0], self.bias, stride, padding).unflatten(3, x.shape[3:])

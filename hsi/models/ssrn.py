"""SSRN: residual blocks along the spectrum, then residual blocks over the window.

Zhong, Li, Luo, Chapman, "Spectral-Spatial Residual Network for Hyperspectral Image Classification: A 3-D Deep
Learning Framework", IEEE TGRS 56(2), 2018, figure 6: 363,800 parameters for 200 bands and 16 classes, that is 364,168
as usually counted without the 368 biases in front of normalisations. What the paper writes as 3-D convolutions of
128 x 3 x 3 on one map are 2-D convolutions of 128 maps here, which is the same.

Deviation: the spatial blocks are unpadded, sums cropped, as long as the window allows, and with everything before them
form the trunk. In a window of 3 the spatial blocks meet a 1 x 1 field, where a batch of one cannot be trained.
Weights start as in `hsi.models.blocks.layers.initialise`.
"""

from torch import nn

from hsi.config.values import Positive, ShareOrZero, Window
from hsi.engine.contract import WindowClassifier
from hsi.errors import HsiError
from hsi.models.blocks.layers import Residual, conv, conv3d, global_average, scale
from hsi.models.blocks.stages import Attention, Position, Stage, assemble, require_window, unpadded, with_attention

KERNEL = 7  # bands that a spectral convolution sees
MIN_WINDOW = 3


def ssrn(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 9,
    attention: Attention | None = None,
    attention_position: Position = "last",
    width: Positive = 1.0,
    dropout: ShareOrZero = 0.5,
) -> WindowClassifier:
    """Build SSRN for windows (B, in_channels, patch_size, patch_size); `width` scales every layer."""
    if in_channels < KERNEL:
        raise HsiError(f"SSRN needs at least {KERNEL} components, not {in_channels}: raise reduce.components")
    require_window("SSRN", patch_size, MIN_WINDOW)
    maps, summary = scale(24, width), scale(128, width)
    depth = (in_channels - KERNEL) // 2 + 1
    first = nn.Sequential(
        nn.Unflatten(1, (1, in_channels)), conv3d(1, maps, (KERNEL, 1, 1), stride=(2, 1, 1), norm=True)
    )
    collapse = nn.Sequential(nn.Flatten(1, 2), conv(maps * depth, summary, 1, norm=True))
    free, _ = unpadded(patch_size - 2, (4, 4))
    stages = [
        Stage(first, maps, shared=True, dims=3),
        *(Stage(spectral_block(maps), maps, shared=True, dims=3) for _ in range(2)),
        Stage(collapse, summary, shared=True),
        Stage(conv(summary, maps, padded=False, norm=True), maps, shared=True),
        *(Stage(spatial_block(maps, padded=index >= free), maps, shared=index < free) for index in range(2)),
    ]
    stages = with_attention(stages, attention, attention_position)
    return assemble(stages, global_average(maps, num_classes, dropout), in_channels, patch_size)


def spectral_block(maps: int) -> Residual:
    """Two convolutions of 7 bands, (B, maps, D, H, W) -> the same shape: figure 4."""
    kernel, padding = (KERNEL, 1, 1), (KERNEL // 2, 0, 0)
    branch = nn.Sequential(
        conv3d(maps, maps, kernel, padding=padding, norm=True),
        conv3d(maps, maps, kernel, padding=padding, norm=True, activation=None),
    )
    return Residual(branch, nn.Identity(), nn.ReLU())


def spatial_block(maps: int, padded: bool = True) -> Residual:
    """Two convolutions of 3 x 3, (B, maps, H, W) -> the same shape, or 4 less of a side: figure 5."""
    branch = nn.Sequential(
        conv(maps, maps, padded=padded, norm=True), conv(maps, maps, padded=padded, norm=True, activation=None)
    )
    return Residual(branch, nn.Identity(), nn.ReLU())

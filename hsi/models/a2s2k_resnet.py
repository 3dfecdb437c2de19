"""A2S2K-ResNet: a spectral and a spatial kernel weighed against each other, then residual blocks that recalibrate.

Roy, Manna, Song, Bruzzone, "Attention-Based Adaptive Spectral-Spatial Kernel ResNet for Hyperspectral Image
Classification", IEEE TGRS 59(9), 2021, with the constants of the authors' program: 24 maps of 1 x 1 and 24 of 3 x 3
pixels by 7 bands at stride 2; selection through half as many hidden units as bands; two spectral blocks, 128 maps of
the whole spectrum, two spatial blocks. Convolutions in the blocks stand behind normalisation and ReLU, in the order of
Duta, Liu, Zhu, Shao, "Improved Residual Networks for Image and Video Recognition", ICPR 2020. Efficient feature
recalibration is efficient channel attention over 3 maps, the last layer of every branch. What the program writes as 3-D
convolutions on one spectral position are 2-D convolutions here, which is the same.

372,840 parameters for 200 bands and 16 classes, where a hand count of the program gives 370,856. Deviations: each
kernel has a matrix of its own for its weights, as in Li, Wang, Hu, Yang, "Selective Kernel Networks", CVPR 2019,
equation 5 (2,424 more; the program uses one for both, so that its softmax is always 1/2); no biases in front of
normalisations, nor weights that the program never uses (440 less); no second ReLU between a convolution and its
normalisation; the mean at the end is over all positions. The two kernels are unpadded if the window allows, and then
the trunk. Weights start as in `hsi.models.blocks.layers.initialise`.
"""

from torch import Tensor, nn

from hsi.config.values import Positive, Window
from hsi.engine.contract import WindowClassifier
from hsi.engine.volumes import SpectralConv
from hsi.errors import HsiError
from hsi.models.blocks.attention import EfficientChannelAttention
from hsi.models.blocks.layers import Branches, Crop, Residual, conv, conv3d, global_average, initialise, scale
from hsi.models.blocks.stages import Attention, Position, Stage, assemble, require_window, unpadded, with_attention

KERNEL = 7  # bands that a spectral convolution sees
MIN_WINDOW = 5


def a2s2k_resnet(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 9,
    attention: Attention | None = None,
    attention_position: Position = "last",
    width: Positive = 1.0,
) -> WindowClassifier:
    """Build A2S2K-ResNet for windows (B, in_channels, patch_size, patch_size); `width` scales every layer.

    ``attention_position="every"`` stands after the selection of kernels and after each layer that follows.
    """
    if in_channels < KERNEL:
        raise HsiError(f"A2S2K-ResNet needs at least {KERNEL} components, not {in_channels}: raise reduce.components")
    require_window("A2S2K-ResNet", patch_size, MIN_WINDOW)
    maps, summary = scale(24, width), scale(128, width)
    depth = (in_channels - KERNEL) // 2 + 1
    free, _ = unpadded(patch_size, (2,))
    lift = nn.Sequential(nn.Unflatten(1, (1, in_channels)), kernels(maps, padded=free < 1))
    collapse = nn.Sequential(nn.Flatten(1, 2), conv(maps * depth, summary, 1, norm=True))
    stages = [
        Stage(KernelSelection(maps, in_channels // 2), maps, dims=3),
        *(Stage(spectral_block(maps, first=first), maps, dims=3) for first in (True, False)),
        Stage(collapse, summary),
        Stage(conv(summary, maps, padded=False, norm=True), maps),
        *(Stage(spatial_block(maps, last=last), maps) for last in (False, True)),
    ]
    stages = [Stage(lift, 2 * maps, shared=free > 0, dims=3), *with_attention(stages, attention, attention_position)]
    return assemble(stages, global_average(maps, num_classes), in_channels, patch_size)


def kernels(maps: int, padded: bool = True) -> Branches:
    """(B, 1, D, H, W) -> (B, 2 * maps, D', H, W), or 2 pixels less: `maps` of one pixel, `maps` of 3 x 3."""
    one = nn.Sequential(spectral(1, maps, stride=2, bias=False), nn.BatchNorm3d(maps), nn.ReLU())
    three = conv3d(1, maps, (KERNEL, 3, 3), stride=(2, 1, 1), padding=(0, int(padded), int(padded)), norm=True)
    return Branches(one if padded else nn.Sequential(Crop(1), one), three)


def spectral_block(maps: int, first: bool) -> Residual:
    """Two convolutions of 7 bands and recalibration, (B, maps, D, H, W) -> the same shape.

    The `first` of all blocks needs no normalisation in front, and has one in front of the sum.
    """
    before = [] if first else [nn.BatchNorm3d(maps), nn.ReLU()]
    between = [spectral(maps, maps, padding=KERNEL // 2, bias=False), nn.BatchNorm3d(maps), nn.ReLU()]
    after = [
        spectral(maps, maps, padding=KERNEL // 2, bias=not first),
        *([nn.BatchNorm3d(maps)] if first else []),
    ]
    branch = nn.Sequential(*before, *between, *after, EfficientChannelAttention(maps, dims=3))
    return Residual(branch, nn.Identity(), nn.Identity())


def spatial_block(maps: int, last: bool) -> Residual:
    """Two convolutions of 3 x 3 and recalibration, (B, maps, H, W) -> the same shape; the `last` activates its sum."""
    branch = nn.Sequential(
        *(nn.BatchNorm2d(maps), nn.ReLU()),
        *(conv(maps, maps, norm=True), conv(maps, maps, activation=None)),
        EfficientChannelAttention(maps),
    )
    return Residual(branch, nn.Identity(), nn.Sequential(nn.BatchNorm2d(maps), nn.ReLU()) if last else nn.Identity())


def spectral(inputs: int, outputs: int, *, stride: int = 1, padding: int = 0, bias: bool) -> SpectralConv:
    """A convolution of 7 bands at one pixel, (B, inputs, D, H, W) -> (B, outputs, D', H, W)."""
    layer = SpectralConv(inputs, outputs, (KERNEL, 1, 1), (stride, 1, 1), (padding, 0, 0), bias=bias)
    initialise(layer.weight)
    return layer


class KernelSelection(nn.Module):
    """Sum of what two kernels see, each map under weights of the kernels that add up to 1.

    Li et al. 2019, equations 1 to 6: the mean of the plain sum over all positions passes a hidden layer, and softmax
    over the kernels.
    """

    def __init__(self, maps: int, hidden: int) -> None:
        super().__init__()
        self.scores = nn.Sequential(nn.Linear(maps, hidden), nn.ReLU(), nn.Linear(hidden, 2 * maps))

    def forward(self, x: Tensor) -> Tensor:
        """(B, 2 * maps, D, H, W) -> (B, maps, D, H, W)."""
        pair = x.unflatten(1, (2, -1))
        weights = self.scores(pair.sum(1).mean((2, 3, 4))).unflatten(1, (2, -1)).softmax(1)
        return (pair * weights[..., None, None, None]).sum(1)

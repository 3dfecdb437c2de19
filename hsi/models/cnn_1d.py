"""1-D CNN: one convolution along the spectrum of a pixel, one pooling, one hidden layer.

Hu, Huang, Wei, Zhang, Li, "Deep Convolutional Neural Networks for Hyperspectral Image Classification", Journal of
Sensors 2015, 258619, section 3.1: a kernel of a ninth of the bands, pooling over a fifth of the kernel. 81,408
parameters for 220 bands and 8 classes (20 maps, kernel 24, pooling 5, 100 hidden).

No deviation. Of a window the network sees the middle pixel alone, so that all of it but the last layer is the trunk,
whatever `patch_size`; the hidden layer stands there as a 1 x 1 convolution.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from hsi.config.values import Positive, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.blocks.layers import Crop, global_average, scale
from hsi.models.blocks.stages import Attention, Position, Stage, assemble, require_window, with_attention

MIN_WINDOW = 1


def cnn_1d(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 1,
    attention: Attention | None = None,
    attention_position: Position = "last",
    width: Positive = 1.0,
) -> WindowClassifier:
    """Build it for windows (B, in_channels, patch_size, patch_size); `width` scales both layers."""
    require_window("the 1-D CNN", patch_size, MIN_WINDOW)
    maps, hidden = scale(20, width), scale(100, width)
    kernel = max(1, in_channels // 9)
    pooling = -(-kernel // 5)
    depth = -(-(in_channels - kernel + 1) // pooling)
    spectral = nn.Sequential(
        *(Crop(patch_size // 2), nn.Unflatten(1, (1, in_channels))),
        *(nn.Conv3d(1, maps, (kernel, 1, 1)), SpectralMaxPool(pooling), nn.Tanh()),
    )
    stages = [
        Stage(spectral, maps, shared=True, dims=3),
        Stage(nn.Sequential(nn.Flatten(1, 2), nn.Conv2d(maps * depth, hidden, 1), nn.Tanh()), hidden, shared=True),
    ]
    stages = with_attention(stages, attention, attention_position)
    return assemble(stages, global_average(hidden, num_classes), in_channels, patch_size)


class SpectralMaxPool(nn.Module):
    """Maximum over `size` neighbours in the spectrum; the last ones may be fewer.

    As `torch.nn.MaxPool3d`, but in two dimensions, which has a deterministic backward on GPUs.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, D, H, W) -> (B, C, ceil(D / size), H, W)."""
        return F.max_pool2d(x.flatten(3), (self.size, 1), ceil_mode=True).unflatten(3, x.shape[3:])

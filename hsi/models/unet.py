"""U-Net: down to a coarse field by pooling, back up by transposed convolutions, beside what the way down left.

Ronneberger, Fischer, Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015, figure 1:
572 x 572 pixels in, 388 x 388 out, 23 convolutional layers. The paper prints no parameter count; by its figure there
are 18 convolutions of 3 x 3, 4 up-convolutions of 2 x 2 and one of 1 x 1, with their biases 31,030,658 parameters.

Encoder-decoders classify whole hyperspectral scenes in Zheng, Zhong, Ma, Zhang, "FPGA: Fast Patch-Free Global Learning
Framework for Fully End-to-End Hyperspectral Image Classification", IEEE TGRS 58(8), 2020. Here it is a window that goes
down and up, and the middle pixel of what comes out is classified, so that no other pixel's label is needed.

Deviations: the two first convolutions, unpadded as long as the window allows, form the trunk; all others are padded. A
field of 3 x 3 or less is not halved any more, so windows of up to 25 are halved three times and not four. A field of
odd side is pooled by 3 x 3 in place of 2 x 2, and comes back by a transposed convolution of 3 x 3: both are
symmetric around its middle pixel and 2n - 1 pixels become n, then 2n - 1 again. The configuration's width is a half.
Weights start as in `hsi.models.blocks.layers.initialise`.
"""

import torch
from torch import Tensor, nn

from hsi.config.values import Positive, ShareOrZero, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.blocks.layers import Crop, centre, conv, scale
from hsi.models.blocks.stages import (
    SMALL_FIELD,
    Attention,
    Position,
    Stage,
    assemble,
    require_window,
    unpadded,
    with_attention,
)

HALVINGS = 4
MIN_WINDOW = 5


def unet(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 15,
    attention: Attention | None = None,
    attention_position: Position = "last",
    width: Positive = 1.0,
    dropout: ShareOrZero = 0.5,
) -> WindowClassifier:
    """Build U-Net for windows (B, in_channels, patch_size, patch_size); `width` scales every layer."""
    require_window("U-Net", patch_size, MIN_WINDOW)
    channels = scale(64, width)
    free, side = unpadded(patch_size, (2, 2))
    inside = attention if attention_position == "every" else None
    stages = [
        Stage(conv(in_channels, channels, padded=free < 1), channels, shared=free > 0),
        Stage(conv(channels, channels, padded=free < 2), channels, shared=free > 1),
        Stage(level(channels, side, HALVINGS, True, dropout, inside), channels),
    ]
    stages = with_attention(stages, attention, attention_position)
    classifier = nn.Sequential(Crop(side // 2), nn.Flatten(), nn.Linear(channels, num_classes))
    return assemble(stages, classifier, in_channels, patch_size)


def original(num_classes: int = 2) -> nn.Module:
    """U-Net for images (B, 1, 572, 572) -> class maps (B, num_classes, 388, 388)."""
    return nn.Sequential(
        twice(1, 64, padded=False), level(64, 568, HALVINGS, False, 0.5), nn.Conv2d(64, num_classes, 1)
    )


def twice(inputs: int, outputs: int, padded: bool, attention: Attention | None = None) -> nn.Sequential:
    """Two 3 x 3 convolutions, and attention where asked for."""
    return nn.Sequential(
        conv(inputs, outputs, padded=padded),
        conv(outputs, outputs, padded=padded),
        *([attention(outputs, dims=2)] if attention else []),
    )


def level(
    channels: int, side: int, halvings: int, padded: bool, dropout: float, attention: Attention | None = None
) -> "Level":
    """All below a field of `channels` and `side` pixels, with as many `halvings` as the field allows."""
    below = -(-side // 2) if padded else -(-side // 2) - 4
    deepest = halvings == 1 or (padded and below <= SMALL_FIELD)
    return Level(
        halve(side),
        twice(channels, 2 * channels, padded, attention),
        nn.Dropout(dropout) if deepest else level(2 * channels, below, halvings - 1, padded, dropout, attention),
        double(2 * channels, channels, side),
        twice(2 * channels, channels, padded, attention),
    )


def halve(side: int) -> nn.MaxPool2d:
    """Maximum at stride 2, symmetric around the middle of a field of `side` pixels, which becomes ceil(side / 2)."""
    odd = side % 2
    return nn.MaxPool2d(2 + odd, 2, padding=odd)


def double(inputs: int, outputs: int, side: int) -> nn.ConvTranspose2d:
    """Transposed convolution at stride 2, back to `side` pixels: the transpose of one that halves as `halve` does.

    Weights start as in section 3: variance 2 over the incoming connections, of which there is one in four at stride 2.
    """
    odd = side % 2
    layer = nn.ConvTranspose2d(inputs, outputs, 2 + odd, 2, padding=odd)
    nn.init.normal_(layer.weight, std=(2 * 4 / (inputs * (2 + odd) ** 2)) ** 0.5)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


class Level(nn.Module):
    """Half a side down, what is done there, up again and on beside the field it came from.

    Parameters
    ----------
    down, contract, deeper, up
        One after the other from (B, C, H, W) to (B, C, H', W'), with H' up to H.
    expand
        (B, 2 C, H', W'), the field and what came up, to the level's output.
    """

    def __init__(self, down: nn.Module, contract: nn.Module, deeper: nn.Module, up: nn.Module, expand: nn.Module):
        super().__init__()
        self.below = nn.Sequential(down, contract, deeper, up)
        self.expand = expand

    def forward(self, x: Tensor) -> Tensor:
        """The field is cropped to what came up where convolutions are unpadded."""
        up = self.below(x)
        return self.expand(torch.cat([centre(x, up), up], dim=1))

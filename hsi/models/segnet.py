"""SegNet: down by pooling, up by putting each value back to where the maximum came from.

Badrinarayanan, Kendall, Cipolla, "SegNet: A Deep Convolutional Encoder-Decoder Architecture for Image Segmentation",
IEEE TPAMI 39(12), 2017, figures 2 and 3: the 13 convolutions of VGG16, normalised, and their mirror image. Between both
ways pass the places of the maxima alone, where U-Net passes on whole fields. With biases there are 29,444,162
parameters for 2 classes, the 29.44 million that comparisons print; 7,936 of them stand in front of normalisations and
are left out.

Here it is a window that goes down and up, and the middle pixel of what comes out is classified, as in
`hsi.models.unet`.

Deviations: the two first convolutions, unpadded as long as the window allows, form the trunk; all others are padded. A
field of 3 x 3 or less is not halved any more, so that there are fewer levels; one of odd side is filled up at its last
row and column, whose pooling sees what there is. The last convolution makes channels and not classes, and a linear
layer on its middle pixel follows. The configuration's width is a half. Weights start as in
`hsi.models.blocks.layers.initialise`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hsi.config.values import Positive, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.blocks.layers import Crop, conv, scale
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

EQUAL = 1e-5  # what pixels may differ by and count as equal
LEVELS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # channels and convolutions of the way down: VGG16's
MIN_WINDOW = 5

Levels = Sequence[tuple[int, int]]


def segnet(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 15,
    attention: Attention | None = None,
    attention_position: Position = "last",
    width: Positive = 1.0,
) -> WindowClassifier:
    """Build SegNet for windows (B, in_channels, patch_size, patch_size); `width` scales every layer."""
    require_window("SegNet", patch_size, MIN_WINDOW)
    levels = [(scale(channels, width), count) for channels, count in LEVELS]
    channels = levels[0][0]
    free, side = unpadded(patch_size, (2, 2))
    inside = attention if attention_position == "every" else None
    stages = [
        Stage(conv(in_channels, channels, padded=free < 1, norm=True), channels, shared=free > 0),
        Stage(conv(channels, channels, padded=free < 2, norm=True), channels, shared=free > 1),
        Stage(nn.Sequential(below(levels, side, inside), conv(channels, channels, norm=True)), channels),
        Stage(conv(channels, channels, norm=True), channels),
    ]
    stages = with_attention(stages, attention, attention_position)
    classifier = nn.Sequential(Crop(side // 2), nn.Flatten(), nn.Linear(channels, num_classes))
    return assemble(stages, classifier, in_channels, patch_size)


def original(num_classes: int = 2) -> nn.Module:
    """SegNet for images (B, 3, H, W) -> class maps (B, num_classes, H, W)."""
    channels = LEVELS[0][0]
    return nn.Sequential(
        *(conv(3, channels, norm=True), conv(channels, channels, norm=True)),
        *(below(LEVELS, None), conv(channels, channels, norm=True)),
        nn.Conv2d(channels, num_classes, 3, padding=1),
    )


def below(levels: Levels, side: int | None, attention: Attention | None = None) -> "Unpooled":
    """All below the first of `levels`, on a field of `side` pixels (None: large), (B, C, H, W) -> the same shape.

    The convolutions of the next level, what lies below that, and their mirror image.
    """
    (channels, _), *deeper = levels
    side = None if side is None else -(-side // 2)
    layers: list[nn.Module] = []
    if deeper:
        inner, count = deeper[0]
        layers.extend(conv(inner if index else channels, inner, norm=True) for index in range(count))
        layers.extend([attention(inner, dims=2)] if attention else [])
        layers.extend([below(deeper, side, attention)] if side is None or side > SMALL_FIELD else [])
        layers.extend(conv(inner, inner, norm=True) for _ in range(count - 1))
        layers.append(conv(inner, channels, norm=True))
        layers.extend([attention(channels, dims=2)] if attention else [])
    return Unpooled(nn.Sequential(*layers))


class Unpooled(nn.Module):
    """Maxima of 2 x 2 pixels, what `inner` makes of them, and that back at the maxima's places, zeros elsewhere.

    `torch.nn.MaxPool2d` and `torch.nn.MaxUnpool2d` by comparisons: torch's own has no deterministic forward. Of pixels
    that are equal to 1e-5 the first counts, so that rounding does not choose where a field is constant, as in padding.

    Parameters
    ----------
    inner
        (B, C, ceil(H / 2), ceil(W / 2)) -> the same shape.
    """

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        rows, cols = x.shape[2:]
        blocks = F.pixel_unshuffle(F.pad(x, (0, cols % 2, 0, rows % 2), value=-torch.inf), 2).unflatten(1, (-1, 4))
        maxima = blocks.amax(2, keepdim=True)
        places = (blocks >= maxima - EQUAL).float().argmax(2, keepdim=True)
        chosen = places == torch.arange(4, device=x.device)[:, None, None]
        up = self.inner(maxima.squeeze(2))[:, :, None] * chosen
        return F.pixel_shuffle(up.flatten(1, 2), 2)[:, :, :rows, :cols]

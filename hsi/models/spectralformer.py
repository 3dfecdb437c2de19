"""SpectralFormer: bands as tokens of a transformer, with their neighbours, and fusion across its layers.

Hong, Han, Yao, Gao, Zhang, Plaza, Chanussot, "SpectralFormer: Rethinking Hyperspectral Image Classification With
Transformers", IEEE TGRS 60, 2022, patch-wise with CAF (cross-layer adaptive fusion), constants of the authors' program:
groups of 3 bands, which wrap around at the ends of the spectrum; 5 blocks, 4 heads of 16, 8 hidden units, windows of 7.
A hand count of that program for 200 bands and 16 classes gives 355,577 parameters, 960 biases less than here.

Deviations: queries are scaled by the width of a head; principal components take the place of bands where the
configuration reduces them; bands of a group stand in the order of the spectrum. Queries, keys and values have biases. A
token is a whole window of a band, so there is nothing to share and no feature map for attention over the window.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from hsi.config.values import Positive, ShareOrZero, Window
from hsi.engine.contract import WindowClassifier
from hsi.errors import HsiError
from hsi.models.blocks.layers import ClassToken, First, TransformerBlock, scale
from hsi.models.blocks.stages import Attention, Position, assemble, require_window

Bands = Annotated[Window, Field(description="an odd whole number of bands from 1 on")]

BLOCKS, HEADS, HIDDEN = 5, 4, 8
MIN_WINDOW = 1


def spectralformer(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 7,
    attention: Attention | None = None,
    attention_position: Position = "last",
    width: Positive = 1.0,
    neighbours: Bands = 3,
    dropout: ShareOrZero = 0.1,
) -> WindowClassifier:
    """Build SpectralFormer for windows (B, in_channels, patch_size, patch_size); `width` scales the tokens."""
    require_window("SpectralFormer", patch_size, MIN_WINDOW)
    if attention is not None:
        raise HsiError("SpectralFormer has no feature map that attention could weigh: leave +attention= out")
    channels = HEADS * scale(16, width)
    classifier = nn.Sequential(
        *(BandGroups(neighbours), nn.Linear(neighbours * patch_size**2, channels)),
        *(ClassToken(channels, in_channels), nn.Dropout(dropout)),
        CrossLayerFusion(in_channels + 1, channels, dropout),
        *(First(), nn.LayerNorm(channels), nn.Linear(channels, num_classes)),
    )
    return assemble([], classifier, in_channels, patch_size)


class BandGroups(nn.Module):
    """Each band with its neighbours, (B, C, H, W) -> (B, C, size * H * W): groupwise embedding, section II-B."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """Neighbours in the order of the spectrum."""
        reach = self.size // 2
        return torch.stack([x.roll(-step, 1) for step in range(-reach, reach + 1)], dim=2).flatten(2)


class CrossLayerFusion(nn.Module):
    """Transformer blocks; from the third on, each sees what went into it and into the one two before: section II-C.

    The fusion is the authors' convolution over the pair, in which tokens are the channels.
    """

    def __init__(self, tokens: int, channels: int, dropout: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(TransformerBlock(channels, HEADS, HIDDEN, dropout) for _ in range(BLOCKS))
        self.fusions = nn.ModuleList(nn.Conv2d(tokens, tokens, (1, 2)) for _ in range(BLOCKS - 2))

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, tokens, channels) -> the same shape."""
        inputs: list[Tensor] = []
        for index, block in enumerate(self.blocks):
            inputs.append(tokens)
            if index > 1:
                pair = torch.stack([tokens, inputs[index - 2]], dim=3)
                tokens = self.fusions[index - 2](pair).squeeze(3)
            tokens = block(tokens)
        return tokens

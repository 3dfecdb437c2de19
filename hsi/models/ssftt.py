"""SSFTT: a 3-D and a 2-D convolution, four semantic tokens of the window, one transformer block.

Sun, Zhao, Zheng, Wu, "Spectral-Spatial Feature Tokenization Transformer for Hyperspectral Image Classification", IEEE
TGRS 60, 2022, figure 1: 8 kernels of 3 x 3 x 3, 64 of 3 x 3, 4 tokens and one for the class, 8 heads, windows of 13 and
30 principal components. A hand count of the authors' program for 16 classes gives 153,224 parameters; the 72 biases in
front of normalisations are left out.

Deviations: queries are scaled by the width of a head, as in Vaswani et al. 2017, not of all heads. Both convolutions,
unpadded in the paper already, are the trunk. In a window of 5 they leave one position, whose batch statistics cannot
be had for a batch of one. Weights start as in `hsi.models.blocks.layers.initialise`.
"""

from torch import Tensor, nn

from hsi.config.values import Positive, ShareOrZero, Window
from hsi.engine.contract import WindowClassifier
from hsi.errors import HsiError
from hsi.models.blocks.layers import ClassToken, First, TransformerBlock, conv, conv3d, scale
from hsi.models.blocks.stages import Attention, Position, Stage, assemble, require_window, with_attention

TOKENS, HEADS, HIDDEN = 4, 8, 8
MIN_COMPONENTS, MIN_WINDOW = 3, 5


def ssftt(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 13,
    attention: Attention | None = None,
    attention_position: Position = "last",
    width: Positive = 1.0,
    dropout: ShareOrZero = 0.1,
) -> WindowClassifier:
    """Build SSFTT for windows (B, in_channels, patch_size, patch_size); `width` scales convolutions and tokens."""
    if in_channels < MIN_COMPONENTS:
        raise HsiError(f"SSFTT needs at least {MIN_COMPONENTS} components, not {in_channels}: raise reduce.components")
    require_window("SSFTT", patch_size, MIN_WINDOW)
    maps, channels = scale(8, width), HEADS * scale(8, width)
    lift = nn.Sequential(nn.Unflatten(1, (1, in_channels)), conv3d(1, maps, (3, 3, 3), norm=True))
    fold = nn.Sequential(nn.Flatten(1, 2), conv(maps * (in_channels - 2), channels, padded=False, norm=True))
    stages = [Stage(lift, maps, shared=True, dims=3), Stage(fold, channels, shared=True)]
    stages = with_attention(stages, attention, attention_position)
    classifier = nn.Sequential(
        *(Tokenizer(channels, TOKENS), ClassToken(channels, TOKENS), nn.Dropout(dropout)),
        *(TransformerBlock(channels, HEADS, HIDDEN, dropout), First(), nn.Linear(channels, num_classes)),
    )
    return assemble(stages, classifier, in_channels, patch_size)


class Tokenizer(nn.Module):
    """Tokens as weighted means over the window, each with learned weights: section II-B."""

    def __init__(self, channels: int, tokens: int) -> None:
        super().__init__()
        self.weights, self.value = (nn.Linear(channels, outputs, bias=False) for outputs in (tokens, channels))
        for layer in (self.weights, self.value):
            nn.init.xavier_normal_(layer.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> (B, tokens, channels)."""
        positions = x.flatten(2).transpose(1, 2)
        return self.weights(positions).softmax(1).transpose(1, 2) @ self.value(positions)

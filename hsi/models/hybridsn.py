"""HybridSN: three 3-D convolutions along the spectrum, one 2-D convolution, three fully connected layers.

Roy, Krishna, Dubey, Chaudhuri, "HybridSN: Exploring 3-D-2-D CNN Feature Hierarchy for Hyperspectral Image
Classification", IEEE GRSL 17(2), 2020, table I. 5,122,176 parameters for 30 components, 16 classes and a
window of 25. Weights start as in the authors' Keras program (Glorot uniform, zero biases). No deviation.

With attention after every convolution it is the SE-HybridSN of the literature.
"""

from collections.abc import Callable

from torch import nn

from hsi.errors import HsiError
from hsi.models.contract import FlattenPositions, WindowClassifier

SPECTRAL_KERNELS = (7, 5, 3)
MIN_COMPONENTS = sum(SPECTRAL_KERNELS) - 2  # one band is left after the three valid convolutions
MIN_WINDOW = 9  # one position is left after four valid 3 x 3 convolutions


def hybridsn(
    in_channels: int,
    num_classes: int,
    patch_size: int = 25,
    attention: Callable[..., nn.Module] | None = None,
    attention_position: str = "last",
    dropout: float = 0.4,
) -> WindowClassifier:
    """Build HybridSN for windows (B, in_channels, patch_size, patch_size).

    `attention(channels, dims=2 | 3)` makes a block that keeps its input's shape. ``attention_position="last"``
    puts one after the last convolution, where the whole convolutional trunk stays shared; ``"every"`` puts one
    after each convolution, which leaves only the first convolution in the trunk, since attention pools
    over the window.
    """
    if in_channels < MIN_COMPONENTS:
        raise HsiError(
            f"HybridSN needs at least {MIN_COMPONENTS} components, not {in_channels}: raise reduce.components"
        )
    if patch_size < MIN_WINDOW:
        raise HsiError(f"HybridSN needs a window of at least {MIN_WINDOW}, not {patch_size}: raise patch_size")
    if attention_position not in ("last", "every"):
        raise HsiError(f"model.attention_position={attention_position}: choose last or every")

    depth = in_channels - MIN_COMPONENTS + 1
    convolutions: list[tuple[nn.Module, int, int]] = [  # layer, its channels, its spatial dimensions
        (nn.Sequential(nn.Unflatten(1, (1, in_channels)), nn.Conv3d(1, 8, (7, 3, 3)), nn.ReLU()), 8, 3),
        (nn.Sequential(nn.Conv3d(8, 16, (5, 3, 3)), nn.ReLU()), 16, 3),
        (nn.Sequential(nn.Conv3d(16, 32, (3, 3, 3)), nn.ReLU()), 32, 3),
        (nn.Sequential(nn.Flatten(1, 2), nn.Conv2d(32 * depth, 64, 3), nn.ReLU()), 64, 2),
    ]
    shared: list[nn.Module] = []
    rest: list[nn.Module] = []
    for index, (layer, channels, dims) in enumerate(convolutions):
        (rest if rest else shared).append(layer)
        if attention and (attention_position == "every" or index == len(convolutions) - 1):
            rest.append(attention(channels, dims=dims))

    if attention and attention_position == "every":  # trunks put out (B, channels, rows, cols): fold the spectrum in
        folded = (8, in_channels - SPECTRAL_KERNELS[0] + 1)
        shared.append(nn.Flatten(1, 2))
        rest.insert(0, nn.Unflatten(1, folded))

    side = patch_size - (MIN_WINDOW - 1)
    dense = nn.Sequential(
        FlattenPositions(),
        *(nn.Linear(side * side * 64, 256), nn.ReLU(), nn.Dropout(dropout)),
        *(nn.Linear(256, 128), nn.ReLU(), nn.Dropout(dropout)),
        nn.Linear(128, num_classes),
    )
    for module in [*(layer for layer, _, _ in convolutions), dense]:
        module.apply(_start_as_keras)
    return WindowClassifier(nn.Sequential(*shared), nn.Sequential(*rest, *dense), in_channels, patch_size)


def _start_as_keras(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d | nn.Conv3d | nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)

"""HybridSN: three 3-D convolutions along the spectrum, one 2-D convolution, three fully connected layers.

Roy, Krishna, Dubey, Chaudhuri, "HybridSN: Exploring 3-D-2-D CNN Feature Hierarchy for Hyperspectral Image
Classification", IEEE GRSL 17(2), 2020, table I. 5,122,176 parameters for 30 components, 16 classes and a
window of 25. Weights start as in the authors' Keras program (Glorot uniform, zero biases). No deviation.
``activation="leaky_relu"`` lets a hundredth of what is negative pass, as in Maas, Hannun, Ng, "Rectifier Nonlinearities
Improve Neural Network Acoustic Models", ICML 2013.

With attention after every convolution it is the SE-HybridSN of the literature.
"""

from collections.abc import Callable
from typing import Literal

from torch import nn

from hsi.config.values import ShareOrZero, Window
from hsi.engine.contract import FlattenPositions, WindowClassifier
from hsi.engine.volumes import FlatteningConv, VolumeConv
from hsi.errors import HsiError
from hsi.models.blocks.stages import Attention, Position, Stage, assemble, require_window, with_attention

Activation = Literal["relu", "leaky_relu"]

ACTIVATIONS: dict[Activation, Callable[[], nn.Module]] = {"relu": nn.ReLU, "leaky_relu": nn.LeakyReLU}
SPECTRAL_KERNELS = (7, 5, 3)
MIN_COMPONENTS = sum(SPECTRAL_KERNELS) - 2  # one band is left after the three valid convolutions
MIN_WINDOW = 9  # one position is left after four valid 3 x 3 convolutions


def hybridsn(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 25,
    attention: Attention | None = None,
    attention_position: Position = "last",
    dropout: ShareOrZero = 0.4,
    activation: Activation = "relu",
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
    require_window("HybridSN", patch_size, MIN_WINDOW)

    bend, depth = ACTIVATIONS[activation], in_channels - MIN_COMPONENTS + 1
    convolutions = [
        Stage(nn.Sequential(nn.Unflatten(1, (1, in_channels)), VolumeConv(1, 8, (7, 3, 3)), bend()), 8, True, dims=3),
        Stage(nn.Sequential(VolumeConv(8, 16, (5, 3, 3)), bend()), 16, True, dims=3),
        Stage(nn.Sequential(VolumeConv(16, 32, (3, 3, 3)), bend()), 32, True, dims=3),
        # nothing stands where the convolution flattens by itself: weights keep the names that saved models know
        Stage(nn.Sequential(nn.Identity(), FlatteningConv(32 * depth, 64, 3), bend()), 64, True),
    ]
    stages = with_attention(convolutions, attention, attention_position)

    side = patch_size - (MIN_WINDOW - 1)
    dense = nn.Sequential(
        FlattenPositions(),
        *(nn.Linear(side * side * 64, 256), bend(), nn.Dropout(dropout)),
        *(nn.Linear(256, 128), bend(), nn.Dropout(dropout)),
        nn.Linear(128, num_classes),
    )
    for module in [*(stage.layers for stage in convolutions), dense]:
        module.apply(_initialise_as_keras)
    return assemble(stages, dense, in_channels, patch_size)


def _initialise_as_keras(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d | nn.Conv3d | nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)

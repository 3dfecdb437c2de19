"""Any convolutional network of the library timm, by its name there.

Wightman, "PyTorch Image Models", 2019, doi:10.5281/zenodo.4414861: hundreds of networks, each after its own paper,
for images that they halve about five times. It is an extra, ``pip install "hsi[timm]"``; torchvision comes with it, and
has to be of the build that belongs to the installed torch.

How small windows are met: they are enlarged to `size` pixels, bilinearly, and the network stays as it is. ResNet-18
makes 1 x 1 of 32, so a batch of one cannot be trained at that size, and 2 x 2 of 48 and more. Windows of `size` pixels
and more are left alone. Strides and padding stand everywhere, so all is head and nothing is shared. There is no place
for attention in a network that comes whole; timm has many with attention of their own.

Weights start as timm draws them, but for the last normalisation of a residual branch: where timm starts it at zero, it
starts at one, as in the papers, so that all layers learn from the first step. `pretrained` fetches weights instead, for
photographs in three colours: timm folds the filters of the first layer to as many components as there are.
"""

import copy
import difflib
from types import ModuleType

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hsi.config.values import Count, Switch, Window
from hsi.engine.contract import WindowClassifier
from hsi.errors import HsiError, NotInstalled
from hsi.models.blocks.stages import Attention, Position, assemble, require_window

MIN_WINDOW = 1


def from_timm(
    in_channels: int,
    num_classes: int,
    patch_size: Window = 15,
    attention: Attention | None = None,
    attention_position: Position = "last",
    name: str = "resnet18",
    size: Count = 32,
    pretrained: Switch = False,
) -> WindowClassifier:
    """Build timm's network `name` for windows (B, in_channels, patch_size, patch_size), enlarged to `size`."""
    require_window("timm", patch_size, MIN_WINDOW)
    if attention is not None:
        raise HsiError(
            "timm's networks come whole, without a place for attention: leave +attention= out, or choose one that has "
            "its own, such as model.name=seresnet18"
        )
    network = create(library(), name, in_channels, num_classes, pretrained)
    side = max(size, patch_size)
    require_logits(network, name, (in_channels, side, side), num_classes)
    return assemble([], nn.Sequential(Enlarge(side), network), in_channels, patch_size)


def library() -> ModuleType:
    """Import timm; NotInstalled says what is missing."""
    try:
        import timm
    except ImportError as error:
        raise NotInstalled('model=timm needs the package timm: pip install "hsi[timm]"') from error
    except RuntimeError as error:  # the compiled part of torchvision was made for another torch
        raise NotInstalled(
            f"timm needs a torchvision that fits torch {torch.__version__}: install both builds from one source"
        ) from error
    return timm


def create(timm: ModuleType, name: str, in_channels: int, num_classes: int, pretrained: bool) -> nn.Module:
    """Build (B, in_channels, H, W) -> (B, num_classes) as timm does, without a download unless it is asked for."""
    known = timm.list_pretrained() if "." in name else timm.list_models()  # NETWORK.WEIGHTS or NETWORK
    if name not in known:  # such as the address of a network that timm would fetch
        close = difflib.get_close_matches(name, known, 3)
        advice = f"did you mean {' or '.join(close)}?" if close else "timm.list_models() lists what there is"
        raise HsiError(f"timm has no network model.name={name}: {advice}")
    try:
        network: nn.Module = timm.create_model(
            name, pretrained=pretrained, in_chans=in_channels, num_classes=num_classes
        )
    except Exception as error:  # of whatever kind the hub's client raises
        if not pretrained:
            raise
        raise HsiError(
            f"weights of model.name={name} could not be fetched ({type(error).__name__}): check the connection, or "
            "leave model.pretrained out"
        ) from error
    if not pretrained:
        start_branches(network)
    return network


def start_branches(network: nn.Module) -> None:
    """Set to one all scales of batch normalisation that are zero, behind which nothing would get a gradient."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and module.affine:
            scales = module.weight
            if not (scales.is_meta or scales.any()):
                nn.init.ones_(scales)


def require_logits(network: nn.Module, name: str, shape: tuple[int, int, int], num_classes: int) -> None:
    """Raise HsiError for a network that cannot take inputs of `shape` (C, H, W); nothing is computed."""
    shadow = copy.deepcopy(network).to("meta").eval()
    try:
        fits = shadow(torch.empty(1, *shape, device="meta")).shape == (1, num_classes)
    except (AssertionError, RuntimeError, ValueError):
        fits = False
    if not fits:
        raise HsiError(
            f"model.name={name} makes no class scores of {shape[1]} x {shape[2]} pixels: change model.size, or choose "
            "a convolutional network"
        )


class Enlarge(nn.Module):
    """Windows at `side` x `side` pixels, bilinear between the middles of pixels."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, side, side)."""
        if x.shape[-1] == self.side:
            return x
        return F.interpolate(x, (self.side, self.side), mode="bilinear", align_corners=False)

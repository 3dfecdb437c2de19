"""Blocks that several networks share, each once.

Shapes are (B, C, H, W): B windows (or one scene), C channels, H rows, W columns. A layer is padded when it keeps
H and W, unpadded ('valid') when it loses its kernel's reach at every border; only unpadded layers can stand in a
trunk (see `hsi.engine.forward`).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hsi.engine.volumes import SpectralConv

ALIKE = 0.8  # correlation between the taps of a kernel when training starts


def scale(channels: int, width: float, least: int = 1) -> int:
    """Return a published channel count under a width multiplier, exact at 1, and not below `least`, 1 or more."""
    return max(least, round(channels * width))


@torch.no_grad()
def initialise(weight: Tensor) -> None:
    """Draw the first weights of a convolution, (outputs, inputs, ..., rows, columns), in place.

    Normal, of mean 0, as in He, Zhang, Ren, Sun, "Delving Deep into Rectifiers", ICCV 2015. Deviation: the taps of a
    kernel over rows and columns are correlated, as Trockman, Willmott, Kolter, "Understanding the Covariance
    Structure of Convolutional Filters", ICLR 2023, found them in trained networks (there, less with distance; here
    alike between all). Spectra hardly change from one pixel to the next: taps of independent signs cancel what pixels
    have in common, and pass noise on, which batch normalisation enlarges layer by layer.

    Equation 10 of He et al. keeps the variance of independent pixels. Under correlated taps that of equal pixels
    grows, n of them by 1 + (n - 1) ALIKE; the deviation used is the geometric mean of those which keep the one and
    the other. Kernels of 1 x 1 start as in He et al.
    """
    taps = weight.shape[-2] * weight.shape[-1]
    gain = nn.init.calculate_gain("relu") / (1 + (taps - 1) * ALIKE) ** 0.25
    std = gain / weight[0].numel() ** 0.5
    common = torch.empty_like(weight[..., :1, :1]).normal_(std=std * ALIKE**0.5)
    weight.normal_(std=std * (1 - ALIKE) ** 0.5).add_(common)


def conv(
    inputs: int,
    outputs: int,
    kernel: int = 3,
    *,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
    padded: bool = True,
    norm: bool = False,
    bias: bool = True,
    activation: Callable[[], nn.Module] | None = nn.ReLU,
) -> nn.Sequential:
    """Convolution, batch normalisation where `norm`, activation where there is one.

    Padded and with stride s, a side n becomes ceil(n / s). Normalised convolutions have no bias. Weights begin as
    `initialise` says.
    """
    padding = dilation * (kernel // 2) if padded else 0
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups, bias=bias and not norm)
    initialise(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return nn.Sequential(layer, *([nn.BatchNorm2d(outputs)] if norm else []), *([activation()] if activation else []))


def depthwise(
    channels: int,
    kernel: int = 3,
    *,
    multiplier: int = 1,
    stride: int = 1,
    padded: bool = True,
    norm: bool = True,
    bias: bool = True,
    activation: Callable[[], nn.Module] | None = nn.ReLU,
) -> nn.Sequential:
    """`conv` with `multiplier` filters for each channel, which see that channel alone: outputs channels * multiplier.

    Sifre, "Rigid-Motion Scattering for Image Classification", PhD thesis, 2014, section 6.2. A 1 x 1 convolution,
    called pointwise, follows to mix channels.
    """
    return conv(
        channels,
        channels * multiplier,
        kernel,
        stride=stride,
        groups=channels,
        padded=padded,
        norm=norm,
        bias=bias,
        activation=activation,
    )


def conv3d(
    inputs: int,
    outputs: int,
    kernel: tuple[int, int, int],
    *,
    stride: tuple[int, int, int] = (1, 1, 1),
    padding: tuple[int, int, int] = (0, 0, 0),
    norm: bool = False,
    activation: Callable[[], nn.Module] | None = nn.ReLU,
) -> nn.Sequential:
    """`conv` with a spectral axis, (B, inputs, D, H, W) -> (B, outputs, D', H', W'); unpadded unless told."""
    kind = SpectralConv if kernel[1:] == (1, 1) else nn.Conv3d
    layer = kind(inputs, outputs, kernel, stride, padding, bias=not norm)
    initialise(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return nn.Sequential(layer, *([nn.BatchNorm3d(outputs)] if norm else []), *([activation()] if activation else []))


def fully_connected(inputs: int, outputs: int, dropout: float = 0.0) -> nn.Sequential:
    """(B, inputs) -> (B, outputs): a hidden layer with ReLU and dropout, weights as in He et al. 2015."""
    layer = nn.Linear(inputs, outputs)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)
    return nn.Sequential(layer, nn.ReLU(), nn.Dropout(dropout))


def global_average(channels: int, num_classes: int, dropout: float = 0.0) -> nn.Sequential:
    """(B, channels, H, W) -> (B, num_classes): mean over the window, then a linear layer.

    The same as the mean over class maps made by a 1 x 1 convolution (Lin, Chen, Yan, "Network In Network",
    ICLR 2014), since both are linear; that is why its weights are class activation maps.
    """
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout), nn.Linear(channels, num_classes))


def max_pool(kernel: int = 3) -> nn.MaxPool2d:
    """Maximum over `kernel` x `kernel` at stride 2; borders that do not fill a kernel count, so 1 x 1 stays 1 x 1."""
    return nn.MaxPool2d(kernel, 2, ceil_mode=True)


def centre(x: Tensor, like: Tensor) -> Tensor:
    """Crop (B, C, H, W) to the rows and columns of `like` around the same middle.

    What a branch without convolutions passes on next to one that lost its borders.
    """
    top, left = (x.shape[2] - like.shape[2]) // 2, (x.shape[3] - like.shape[3]) // 2
    return x[:, :, top : top + like.shape[2], left : left + like.shape[3]]


class Crop(nn.Module):
    """Rows and columns without the `border` outermost: what an unpadded layer would leave, so a trunk may hold it."""

    def __init__(self, border: int) -> None:
        super().__init__()
        self.border = border

    def forward(self, x: Tensor) -> Tensor:
        """(B, ..., H, W) -> (B, ..., H - 2 border, W - 2 border)."""
        b = self.border
        return x[..., b : x.shape[-2] - b, b : x.shape[-1] - b]


class Residual(nn.Module):
    """``activation(branch(x) + shortcut(x))``; the shortcut is cropped where the branch is unpadded.

    He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, equations 1 and 2.
    """

    def __init__(self, branch: nn.Module, shortcut: nn.Module, activation: nn.Module) -> None:
        super().__init__()
        self.branch, self.shortcut, self.activation = branch, shortcut, activation

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> what the branch makes of it."""
        change = self.branch(x)
        return self.activation(change + centre(self.shortcut(x), change))


class Branches(nn.Module):
    """Outputs of several branches side by side, (B, sum of their channels, H, W), cropped to the smallest.

    The branch that loses the most pixels comes last.
    """

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, sum of channels, rows and columns of the last branch)."""
        outputs = [branch(x) for branch in self.branches]
        return torch.cat([centre(output, outputs[-1]) for output in outputs], dim=1)


class TransformerBlock(nn.Module):
    """Self-attention between tokens, then two layers for each token, both on normalised input and added to it.

    Vaswani et al., "Attention Is All You Need", NIPS 2017, section 3.2, in the order of Dosovitskiy et al., "An Image
    Is Worth 16x16 Words", ICLR 2021, equations 2 and 3. `channels` is a multiple of `heads`.
    """

    def __init__(self, channels: int, heads: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.mixed = nn.Sequential(nn.LayerNorm(channels), nn.Linear(channels, 3 * channels))
        self.joined = nn.Sequential(nn.Linear(channels, channels), nn.Dropout(dropout))
        self.tokenwise = nn.Sequential(
            *(nn.LayerNorm(channels), nn.Linear(channels, hidden), nn.GELU(), nn.Dropout(dropout)),
            *(nn.Linear(hidden, channels), nn.Dropout(dropout)),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, channels) -> the same shape."""
        query, key, value = self.mixed(tokens).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        weights = (query @ key.transpose(2, 3) / query.shape[-1] ** 0.5).softmax(3)
        tokens = tokens + self.joined((weights @ value).transpose(1, 2).flatten(2))
        return tokens + self.tokenwise(tokens)


class ClassToken(nn.Module):
    """Put a learned token in front, and add to each what tells its place."""

    def __init__(self, channels: int, tokens: int) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, 1, channels))
        self.places = nn.Parameter(torch.empty(1, tokens + 1, channels))
        nn.init.normal_(self.places, std=0.02)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, channels) -> (B, N + 1, channels)."""
        return torch.cat([self.token.expand(tokens.shape[0], -1, -1), tokens], dim=1) + self.places


class First(nn.Module):
    """The token of the class, (B, N, channels) -> (B, channels)."""

    def forward(self, tokens: Tensor) -> Tensor:
        """Drop the others."""
        return tokens[:, 0]


class LocalResponseNorm(nn.Module):
    """Each value over a power of the squares around it among the channels, at the same position.

    Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", NIPS 2012,
    section 3.3, with its constants and, as in all programs since, alpha shared out over the `size` channels. Equal to
    `torch.nn.LocalResponseNorm`, but pooled in two dimensions, which has a deterministic backward on GPUs.
    """

    def __init__(self, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        squares = F.pad(x.square().flatten(2)[:, None], (0, 0, self.size // 2, (self.size - 1) // 2))
        mean = F.avg_pool2d(squares, (self.size, 1), stride=1)[:, 0].view_as(x)
        return x / (self.k + self.alpha * mean) ** self.beta

"""Scales: a scene smoothed by Gaussians of several widths, side by side, and one classifier on all of them.

The trunk is fixed: nothing in it is learned, so it trains in seconds. Smoothing by Gaussians of several widths and
classifying the stack is the linear scale space of Witkin, "Scale-space filtering", IJCAI 1983, in place of the
morphological profiles of Benediktsson, Palmason, Sveinsson, IEEE TGRS 43(3), 2005. Its widest filters tell where in the
scene a pixel lies: between labels that helps, in fields never seen it misleads.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from sklearn.base import BaseEstimator
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from torch import Tensor, nn
from torch.nn import functional as F

from hsi.config.values import NotNegative, Positive, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.baselines import EstimatorHead

Scale = Annotated[NotNegative, Field(le=1000, description="a number from 0 to 1000")]
Scales = Annotated[Sequence[Scale], Field(min_length=1, max_length=50, description="a list of numbers from 0 on")]

REACH = 3  # standard deviations at which a filter is cut off
SHRINKAGE = 0.01  # of the covariance towards a multiple of the identity: classes may have fewer pixels than features


class GaussianScales(nn.Module):
    """(B, C, H, W) -> (B, S * C, H - P + 1, W - P + 1): normalised Gaussian means of S widths, scale by scale.

    A pixel that is 0 in every channel lies beyond the scene's border or in another region (see `hsi.engine.forward`)
    and counts for nothing: the weights of the others are divided by their sum (Knutsson, Westin, "Normalized and
    differential convolution", CVPR 1993).

    Parameters
    ----------
    scales
        S standard deviations in pixels; 0 is the pixel itself.
    window
        P, odd: no filter reaches further than P // 2 pixels, nor than `REACH` standard deviations.
    """

    def __init__(self, scales: Sequence[float], window: int) -> None:
        super().__init__()
        self.margin = window // 2
        self.radii = [min(reach(scale), self.margin) for scale in scales]
        for number, (scale, radius) in enumerate(zip(scales, self.radii, strict=True)):
            steps = torch.arange(-radius, radius + 1, dtype=torch.float64)
            weights = torch.exp(-0.5 * (steps / scale) ** 2) if scale > 0 else torch.ones(1, dtype=torch.float64)
            self.register_buffer(f"weights_{number}", (weights / weights.sum()).float(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Smooth."""
        seen = (x != 0).any(1, keepdim=True).to(x.dtype)
        both = torch.cat([x, seen], 1)
        return torch.cat([self._mean(both, number) for number in range(len(self.radii))], 1)

    def _mean(self, both: Tensor, number: int) -> Tensor:
        """Weighted means of the channels of `both` but the last, which says which pixels count."""
        weights, spare = self.get_buffer(f"weights_{number}"), self.margin - self.radii[number]
        inner = both[:, :, spare : both.shape[2] - spare, spare : both.shape[3] - spare]
        batch, channels = inner.shape[:2]
        planes = inner.flatten(0, 1)[:, None]
        planes = F.conv2d(F.conv2d(planes, weights.view(1, 1, -1, 1)), weights.view(1, 1, 1, -1))
        total = planes.view(batch, channels, *planes.shape[2:])
        return total[:, :-1] / total[:, -1:].clamp_min(torch.finfo(total.dtype).tiny)


@dataclass(frozen=True)
class MeanKernel:
    """The mean of radial kernels, one for each of `parts` equal groups of features; a kernel for scikit-learn's SVC.

    Two pixels that differ at one scale alone stay alike at the others, where a joint kernel would part them.
    """

    parts: int
    gamma: float

    def __call__(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """(N, F) and (M, F) -> (N, M), from 0 to 1."""
        pairs = zip(np.split(one, self.parts, axis=1), np.split(other, self.parts, axis=1), strict=True)
        return np.asarray(np.mean([rbf_kernel(a, b, self.gamma) for a, b in pairs], axis=0))


def reach(scale: float) -> int:
    """How many pixels from its middle a Gaussian is cut off."""
    return math.ceil(REACH * scale)


def scales(
    in_channels: int,
    num_classes: int,
    scales: Scales = (1, 2, 4, 8, 16, 24),
    head: Literal["svm", "lda"] = "svm",
    kernel: Literal["joint", "mean"] = "joint",
    C: Positive = 100,
    gamma: Positive = 1,
    patch_size: Window | None = None,
) -> WindowClassifier:
    """A support vector machine with a radial kernel, or a linear discriminant, on the standardised scales.

    `kernel` is one of all features, or the mean of one for each scale (`MeanKernel`); `gamma` is in units of 1 / the
    features that a kernel sees. Without `patch_size` the window is as wide as the widest filter,
    2 * ceil(3 * max(scales)) + 1; with it, wider filters are cut off.
    """
    window = 2 * reach(max(scales)) + 1 if patch_size is None else patch_size
    features = len(scales) * in_channels
    seen: MeanKernel | str = "rbf" if kernel == "joint" else MeanKernel(len(scales), gamma / in_channels)
    machine: BaseEstimator = SVC(C=C, kernel=seen, gamma=gamma / features, break_ties=True)  # the map is their argmax
    if head == "lda":
        machine = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=SHRINKAGE)
    estimator = EstimatorHead(make_pipeline(StandardScaler(), machine), features, num_classes)
    return WindowClassifier(GaussianScales(scales, window), estimator, in_channels, window)

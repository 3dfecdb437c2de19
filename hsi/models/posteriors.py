"""Posteriors: every spectrum is classified by itself, then its posteriors are averaged over the window.

For fields never seen. What a window looks like says which field it is of, so a classifier of windows learns fields;
one of spectra does not, and the mean of its posteriors takes out the noise of single pixels only. Averaging the
posteriors of a support vector machine is the filter of Kang, Li, Benediktsson, "Spectral-spatial hyperspectral image
classification with edge-preserving filtering", IEEE TGRS 52(5), 2014, with a Gaussian in place of theirs.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
import scipy.linalg
import torch
from pydantic import Field
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from torch import Tensor, nn

from hsi.config.values import Count, NotNegative, Positive, Window
from hsi.engine.contract import WindowClassifier
from hsi.models.baselines import EstimatorHead
from hsi.models.scales import GaussianScales, Scale, reach
from hsi.splits.fields import weigh_fields

Machine = Literal["spectra", "components", "discriminant"]
Machines = Annotated[
    Sequence[Machine],
    Field(min_length=1, max_length=9, description="a list of spectra, components and discriminant"),
]

RIDGE = 1e-3  # share of the mean variance added to every variance within fields: some directions have next to none
SHARPNESS = 3  # of the votes of a support vector machine, whose softmax is taken for posteriors
TEMPERATURE = 4  # of the discriminant, which is too sure of itself: neighbouring bands say the same


def within_fields(spectra: np.ndarray, fields: np.ndarray) -> np.ndarray:
    """Covariance (C, C) of spectra (N, C) about the mean of their field, every field weighing alike.

    Fields of one pixel say nothing. `RIDGE` of the mean variance is added to the diagonal; the identity where no field
    varies.
    """
    covariances = [np.cov(spectra[fields == field].T, bias=True) for field in _several(fields)]
    channels = spectra.shape[1]
    found = np.mean(covariances, axis=0).reshape(channels, channels) if covariances else np.zeros((channels, channels))
    mean = np.trace(found) / channels
    return found + RIDGE * mean * np.eye(channels) if mean > 0 else np.eye(channels)


def _several(fields: np.ndarray) -> np.ndarray:
    """The numbers of the fields of several pixels."""
    numbers, sizes = np.unique(fields, return_counts=True)
    return np.asarray(numbers[sizes > 1])


class FieldComponents(TransformerMixin, BaseEstimator):
    """The axes along which pixels vary most in units of what they vary within a field, as many as asked for.

    Minimum noise fraction (Green et al., IEEE TGRS 26(1), 1988) where what differs within a field is the noise.
    """

    def __init__(self, components: int = 10) -> None:
        self.components = components

    def fit(self, spectra: np.ndarray, targets: Any = None, fields: np.ndarray | None = None) -> "FieldComponents":
        """Find the axes of spectra (N, C) whose fields (N,) are told apart by number."""
        assert fields is not None
        self.mean_ = spectra.mean(axis=0)
        about = spectra - self.mean_
        _, axes = scipy.linalg.eigh(about.T @ about / len(about), within_fields(spectra, fields))
        self.axes_ = axes[:, ::-1][:, : self.components]
        return self

    def transform(self, spectra: np.ndarray) -> np.ndarray:
        """(N, C) -> (N, components), fewer where there are not as many channels."""
        return np.asarray((spectra - self.mean_) @ self.axes_)


class FieldDiscriminant(ClassifierMixin, BaseEstimator):
    """Linear discriminant with the covariance within fields; a class's mean is that of its fields' means."""

    def fit(self, spectra: np.ndarray, targets: np.ndarray, fields: np.ndarray) -> "FieldDiscriminant":
        """Fit to spectra (N, C) of targets (N,) in fields (N,), each of one class."""
        self.classes_, weights = np.unique(targets), weigh_fields(targets, fields)[:, None]
        means = np.array([(weights * spectra)[targets == target].mean(axis=0) for target in self.classes_])
        self.weights_ = scipy.linalg.solve(within_fields(spectra, fields), means.T, assume_a="pos")
        self.offsets_ = -0.5 * (means.T * self.weights_).sum(axis=0)
        return self

    def decision_function(self, spectra: np.ndarray) -> np.ndarray:
        """(N, C) -> (N, classes) log-likelihoods, up to what is the same for all classes."""
        return np.asarray(spectra @ self.weights_ + self.offsets_)


class MeanOfMachines(ClassifierMixin, BaseEstimator):
    """The mean of the posteriors of several classifiers of standardised spectra.

    Parameters
    ----------
    machines
        ``spectra``: a support vector machine with a radial kernel on all bands; ``components``: one on their
        `FieldComponents`; ``discriminant``: `FieldDiscriminant`.
    components
        How many.
    C
        Of the support vector machines.
    """

    def __init__(self, machines: Sequence[str] = ("spectra",), components: int = 10, C: float = 100) -> None:
        self.machines = machines
        self.components = components
        self.C = C

    def fit(
        self, spectra: np.ndarray, targets: np.ndarray, fields: np.ndarray, sample_weight: np.ndarray | None = None
    ) -> "MeanOfMachines":
        """Fit each to spectra (N, C) of targets (N,) in fields (N,), each of one class.

        `sample_weight` (N,) is for the support vector machines: to the discriminant fields weigh alike anyway.
        """
        self.classes_ = np.unique(targets)
        self.scaler_ = StandardScaler().fit(spectra)
        seen = self.scaler_.transform(spectra)
        self.axes_ = (
            FieldComponents(self.components).fit(seen, fields=fields) if "components" in self.machines else None
        )
        self.fitted_ = []
        for machine in self.machines:
            if machine == "discriminant":
                self.fitted_.append(FieldDiscriminant().fit(seen, targets, fields))
            else:
                self.fitted_.append(SVC(C=self.C).fit(self._features(machine, seen), targets, sample_weight))
        return self

    def predict_proba(self, spectra: np.ndarray) -> np.ndarray:
        """(N, C) -> (N, classes), the rows summing to 1."""
        seen = self.scaler_.transform(spectra)
        found = []
        for machine, fitted in zip(self.machines, self.fitted_, strict=True):
            values = fitted.decision_function(self._features(machine, seen))
            if values.ndim == 1:  # of two classes scikit-learn scores the second alone
                values = np.stack([-values, values], axis=1) / 2
            sharpness = 1 / TEMPERATURE if machine == "discriminant" else SHARPNESS
            found.append(softmax(sharpness * values, axis=1))
        return np.asarray(np.mean(found, axis=0))

    def _features(self, machine: str, seen: np.ndarray) -> np.ndarray:
        return self.axes_.transform(seen) if machine == "components" and self.axes_ is not None else seen


class AveragedPosteriors(nn.Module):
    """(B, C, H, W) -> (B, classes, H - P + 1, W - P + 1): weighted posteriors of spectra, averaged by a Gaussian.

    A spectrum that is 0 in every channel lies beyond the scene's border or in another region (see `hsi.engine.forward`)
    and counts for nothing. Posteriors of a class are divided by its share of the training pixels to the power of
    `balance`; they do not sum to 1 then.
    """

    def __init__(self, classifier: EstimatorHead, scale: float, window: int, balance: float) -> None:
        super().__init__()
        self.classifier = classifier
        self.means = GaussianScales([scale], window)
        self.balance = balance

    def learn(
        self, samples: Tensor, targets: Tensor, fields: Tensor | None = None, weights: Tensor | None = None
    ) -> None:
        """As `hsi.models.baselines.EstimatorHead.learn`, from spectra (N, C)."""
        self.classifier.learn(samples, targets, fields, weights)

    def forward(self, x: Tensor) -> Tensor:
        """Classify each position, and average."""
        spectra = x.permute(0, 2, 3, 1).flatten(0, 2)
        posteriors = self.classifier(spectra) if x.is_meta else self._posteriors(spectra)
        batch, _, rows, cols = x.shape
        averaged: Tensor = self.means(posteriors.view(batch, rows, cols, -1).permute(0, 3, 1, 2))
        return averaged

    def _posteriors(self, spectra: Tensor) -> Tensor:
        """(N, C) -> (N, classes), 0 for what is not seen."""
        seen = (spectra != 0).any(1)
        found = spectra.new_zeros(len(spectra), self.classifier.num_classes)
        if seen.any():
            targets = self.classifier.targets.to(spectra.device)
            share = torch.bincount(targets, minlength=found.shape[1]).clamp_min(1) / len(targets)
            found[seen] = self.classifier(spectra[seen]).softmax(1) * share**-self.balance
        return found


class Logarithm(nn.Module):
    """(B, classes, 1, 1) of at least 0 -> (B, classes) logits."""

    def forward(self, x: Tensor) -> Tensor:
        """Take logarithms."""
        return x.flatten(1).clamp_min(torch.finfo(x.dtype).tiny).log()


def posteriors(
    in_channels: int,
    num_classes: int,
    machines: Machines = ("spectra", "components"),
    components: Count = 10,
    C: Positive = 100,
    scale: Scale = 2.5,
    balance: NotNegative = 0.2,
    patch_size: Window | None = None,
) -> WindowClassifier:
    """Classify single spectra by `MeanOfMachines`, and average what they say by a Gaussian of `scale` pixels.

    Without `patch_size` the window is as wide as the filter, 2 * ceil(3 * scale) + 1; with it, the filter is cut off.
    """
    window = 2 * reach(scale) + 1 if patch_size is None else patch_size
    classifier = EstimatorHead(MeanOfMachines(tuple(machines), components, C), in_channels, num_classes)
    return WindowClassifier(AveragedPosteriors(classifier, scale, window, balance), Logarithm(), in_channels, window)

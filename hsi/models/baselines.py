"""Baselines that see spectra, not shapes: scikit-learn estimators as the head of a window classifier.

An estimator is a head like any other: it turns what the trunk puts out at a position into logits. So baselines share
the chain, the files and the commands of the networks, masks of a split's regions included. The trunk is the identity
(one spectrum) or the mean spectrum of the window.
"""

from collections.abc import Sequence
from inspect import signature
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import Field
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.validation import has_fit_parameter
from torch import Tensor, nn
from torch.nn import functional as F

from hsi.config.values import Count, Positive, Seed, Window
from hsi.engine.contract import WindowClassifier
from hsi.errors import HsiError

Several = Annotated[Sequence[Positive], Field(min_length=1, max_length=50, description="a list of positive numbers")]
Trees = Annotated[Count, Field(le=10_000, description="a whole number from 1 to 10000")]

FOLDS = 3  # of the search for C and gamma
FLOOR = 1e-6  # the least probability: a forest says 0, and the logarithm of 0 is no logit


class WindowMean(nn.Module):
    """(B, C, H, W) -> (B, C, H - P + 1, W - P + 1): the mean spectrum of each P x P window.

    A pixel that is 0 in every channel lies beyond the scene's border or in another region (see `hsi.engine.forward`)
    and does not count; without that, windows at a border would seem to hold another material.
    """

    def __init__(self, window: int) -> None:
        super().__init__()
        self.window = window

    def forward(self, x: Tensor) -> Tensor:
        """Average."""
        seen = (x != 0).any(1, keepdim=True).to(x.dtype)
        total, count = (F.avg_pool2d(field, self.window, stride=1, divisor_override=1) for field in (x, seen))
        return total / count.clamp_min(1)


class EstimatorHead(nn.Module):
    """(B, C, 1, 1) -> (B, classes) logits of a scikit-learn classifier.

    Logits are the one-vs-rest decision values where the estimator has them (SVM: votes, so their softmax orders pixels
    by certainty but is no probability until a temperature is fitted), else the logarithm of its probabilities.
    A class without training pixel gets the logit of `FLOOR` or the least vote.

    The state is the training set, (N, C) float32 `samples` and (N,) int64 `targets` from 0, and what a search over
    parameters has `chosen`, (P,) float64 in the order of their names. Loading a state fits the estimator again, to the
    same result with the same version of scikit-learn, so nothing has to be pickled. A state without `chosen`, which
    earlier versions wrote, is searched again. Of an estimator whose `fit` takes ``fields``, (N,) numbers that tell the
    fields of the training pixels apart, the state has these too, int64; where pixels do not weigh alike, also their
    `weights`, (N,) float32.
    """

    samples: Tensor
    targets: Tensor
    chosen: Tensor
    fields: Tensor

    def __init__(self, estimator: BaseEstimator, channels: int, num_classes: int, neighbours: int = 0) -> None:
        super().__init__()
        self.estimator = estimator
        self.search = estimator if isinstance(estimator, GridSearchCV) else None
        self.channels = channels
        self.neighbours = neighbours  # that it asks for, if it does
        self.num_classes = num_classes
        self.register_buffer("samples", torch.empty(0, 0))
        self.register_buffer("targets", torch.empty(0, dtype=torch.int64))
        self.register_buffer("chosen", torch.empty(0, dtype=torch.float64))
        self.takes_fields = "fields" in signature(estimator.fit).parameters
        if self.takes_fields:
            self.register_buffer("fields", torch.empty(0, dtype=torch.int64))
        self.register_load_state_dict_pre_hook(_fit_to_state)

    def learn(
        self, samples: Tensor, targets: Tensor, fields: Tensor | None = None, weights: Tensor | None = None
    ) -> None:
        """Fit to samples (N, C) of targets (N,) from 0, and search where there is something to choose.

        `fields` (N,) are for estimators that take them; None: every pixel is a field of its own. `weights` (N,) of the
        pixels; None: all weigh alike. HsiError: an estimator that weighs none.
        """
        self.samples, self.targets = samples, targets
        fields = torch.arange(len(targets)) if fields is None else fields
        more = {}
        if weights is not None:
            self.register_buffer("weights", weights)
            more[_weight_of(self.estimator)] = weights.cpu().numpy()
        if self.takes_fields:
            self.fields = fields
            more["fields"] = fields.cpu().numpy()
        if self.estimator is self.search and isinstance(self.search.cv, GroupKFold):
            more["groups"] = fields.cpu().numpy()
            if (count := len(fields.unique())) < FOLDS:
                raise HsiError(
                    f"{count} fields with training pixels are too few for {FOLDS} folds (model.folds=fields): choose "
                    "model.folds=pixels, or raise split.train"
                )
        if len(samples) < self.neighbours:
            raise HsiError(
                f"{len(samples)} training pixels are too few for this model (model.neighbours={self.neighbours}): "
                "choose fewer neighbours, or raise split.train"
            )
        try:
            self.estimator.fit(samples.cpu().numpy(), targets.cpu().numpy(), **more)
            self(samples[:1])  # the nearest neighbours count themselves only now
        except ValueError as error:
            raise HsiError(
                f"{len(samples)} training pixels are too few for this model ({error}): raise split.train"
            ) from error
        if self.estimator is self.search:
            best = self.search.best_params_
            self.chosen = torch.tensor([best[name] for name in sorted(best)], dtype=torch.float64)

    def choose(self, chosen: Tensor) -> None:
        """Take the values that a search has chosen, in place of the search; HsiError: it could not have chosen them."""
        grid = self.search.param_grid if self.search else {}
        values = chosen.tolist()
        if chosen.ndim != 1 or len(values) != len(grid):
            raise HsiError(f"{len(grid)} values were to be chosen for this model and not {len(values)}: repeat the run")
        best = dict(zip(sorted(grid), values, strict=True))
        if not all(value in grid[name] for name, value in best.items()):
            raise HsiError(f"the values chosen for this model, {best}, are not among those given: repeat the run")
        self.chosen = chosen
        if self.search:
            self.estimator = clone(self.search.estimator).set_params(**best)

    def forward(self, x: Tensor) -> Tensor:
        """Classify."""
        if x.is_meta:  # someone counts activations
            return torch.empty(len(x), self.num_classes, device=x.device)
        features = x.flatten(1).cpu().numpy()
        if hasattr(self.estimator, "decision_function"):
            known = self.estimator.decision_function(features)
            if known.ndim == 1:  # of two classes scikit-learn scores the second alone
                known = np.stack([-known, known], 1) / 2
            fill = min(0.0, float(known.min()))
        else:
            known = np.log(np.maximum(self.estimator.predict_proba(features), FLOOR))
            fill = np.log(FLOOR)
        logits = np.full((len(x), self.num_classes), fill, dtype=np.float32)
        logits[:, self.estimator.classes_] = known
        return torch.from_numpy(logits).to(x.device)


def _weight_of(estimator: BaseEstimator) -> str:
    """The parameter of an estimator's `fit` that takes the weights of pixels; HsiError: it has none."""
    inner, prefix = estimator.estimator if isinstance(estimator, GridSearchCV) else estimator, ""
    if isinstance(inner, Pipeline):
        name, inner = inner.steps[-1]
        prefix = f"{name}__"
    if not has_fit_parameter(inner, "sample_weight"):
        raise HsiError("the training pixels of this model all weigh alike: leave train.class_weights none")
    return f"{prefix}sample_weight"


def _fit_to_state(head: nn.Module, state: dict[str, Tensor], prefix: str, *_: Any) -> None:
    assert isinstance(head, EstimatorHead)
    samples, targets = state[f"{prefix}samples"], state[f"{prefix}targets"]
    if samples.shape != (len(targets), head.channels) or targets.dtype != torch.int64 or targets.ndim != 1:
        raise HsiError(f"the {len(targets)} training pixels do not have {head.channels} components: repeat the run")
    if not ((targets >= 0) & (targets < head.num_classes)).all():
        raise HsiError(f"training pixels belong to other classes than the {head.num_classes} known: repeat the run")
    if (chosen := state.get(f"{prefix}chosen")) is not None:
        head.choose(chosen)
    fields = state.get(f"{prefix}fields")
    if fields is not None and (fields.shape != targets.shape or fields.dtype != torch.int64):
        raise HsiError(
            f"the fields of the {len(targets)} training pixels are not {len(targets)} numbers: repeat the run"
        )
    weights = state.get(f"{prefix}weights")
    if weights is not None and not (weights.shape == targets.shape and weights.dtype == torch.float32):
        raise HsiError(
            f"the weights of the {len(targets)} training pixels are not {len(targets)} numbers: repeat the run"
        )
    if weights is not None and not (weights > 0).all():
        raise HsiError("training pixels have weights that are not above 0: repeat the run")
    head.learn(samples, targets, fields, weights)
    state.setdefault(f"{prefix}chosen", head.chosen)


def svm(
    in_channels: int,
    num_classes: int,
    C: Positive | Several = (1, 10, 100, 1000),
    gamma: Positive | Several = (0.25, 1, 4),
    patch_size: Window = 1,
    folds: Literal["pixels", "fields"] = "pixels",
) -> WindowClassifier:
    """Support vector machine with a radial kernel on standardised spectra; above `patch_size` 1 on window means.

    Melgani, Bruzzone, "Classification of Hyperspectral Remote Sensing Images With Support Vector Machines", IEEE TGRS
    42(8), 2004. `C`, and `gamma` in units of 1 / in_channels, are chosen by 3-fold cross-validation on the training
    pixels where several are given. Folds of ``fields`` keep each connected piece of the training pixels of a class in
    one fold, as a split by regions does (Roberts et al., Ecography 40(8), 2017).
    """
    grid = {
        "svc__C": [float(value) for value in np.atleast_1d(C)],
        "svc__gamma": [float(value) / in_channels for value in np.atleast_1d(gamma)],
    }
    machine = make_pipeline(StandardScaler(), SVC(break_ties=True))  # ties broken: the map is the argmax of the logits
    parts = KFold(FOLDS, shuffle=True, random_state=0)  # not stratified: a class may have a single pixel
    if folds == "fields":
        parts = GroupKFold(FOLDS)
    return _classifier(GridSearchCV(machine, grid, cv=parts), in_channels, num_classes, patch_size)


def random_forest(
    in_channels: int, num_classes: int, trees: Trees = 300, seed: Seed = 0, patch_size: Window = 1
) -> WindowClassifier:
    """Random forest (Breiman, Machine Learning 45, 2001) on spectra; above `patch_size` 1 on window means."""
    forest = RandomForestClassifier(trees, random_state=seed, n_jobs=torch.get_num_threads())
    return _classifier(forest, in_channels, num_classes, patch_size)


def knn(in_channels: int, num_classes: int, neighbours: Count = 5, patch_size: Window = 1) -> WindowClassifier:
    """The k nearest training spectra, standardised, vote; above `patch_size` 1 those of window means.

    Cover, Hart, "Nearest Neighbor Pattern Classification", IEEE Trans. Information Theory 13(1), 1967.
    """
    nearest = make_pipeline(StandardScaler(), KNeighborsClassifier(neighbours))
    return _classifier(nearest, in_channels, num_classes, patch_size, neighbours)


def _classifier(
    estimator: BaseEstimator, in_channels: int, num_classes: int, window: int, neighbours: int = 0
) -> WindowClassifier:
    trunk = nn.Identity() if window == 1 else WindowMean(window)
    head = EstimatorHead(estimator, in_channels, num_classes, neighbours)
    return WindowClassifier(trunk, head, in_channels, window)

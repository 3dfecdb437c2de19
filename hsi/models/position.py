"""Position alone: the class of the nearest training pixel, without a look at the cube. What spectra have to beat."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from torch import nn

from hsi.engine.contract import WindowClassifier
from hsi.errors import HsiError
from hsi.models.baselines import EstimatorHead
from hsi.reduce import PLACE
from hsi.splits.nearest import places_of


def position(in_channels: int, num_classes: int) -> WindowClassifier:
    """Every pixel takes the class of the nearest training pixel (Euclidean), of equally near ones the lowest class.

    It takes row and column, which ``reduce=place`` gives, as its two channels; nothing is trained.
    """
    return WindowClassifier(nn.Identity(), EstimatorHead(NearestPlace(), in_channels, num_classes), in_channels, 1)


class NearestPlace(ClassifierMixin, BaseEstimator):
    """`hsi.splits.nearest` as an estimator of scikit-learn; its probabilities are 0 and 1."""

    def fit(self, places: np.ndarray, classes: np.ndarray) -> "NearestPlace":
        """Remember (N, 2) rows and columns, and the classes (N,); HsiError: other features than these."""
        if places.shape[1] != len(PLACE) or not (places == places.round()).all():
            raise HsiError(
                "model=position takes rows and columns, no spectra: leave out reduce=, or an experiment= with one"
            )
        self.classes_ = np.unique(classes)
        self.places_ = places_of(places, classes)
        return self

    def predict(self, places: np.ndarray) -> np.ndarray:
        """The class of the nearest of the places that were learnt, (M,) for (M, 2)."""
        return self.places_.nearest(places)

    def predict_proba(self, places: np.ndarray) -> np.ndarray:
        """(M, classes): 1 for the class that is predicted, 0 for the others."""
        return (self.predict(places)[:, None] == self.classes_).astype(np.float64)

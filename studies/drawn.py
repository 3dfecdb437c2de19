"""A scene and a draw of its fields, with what the ideas of `studies.fields` are made of."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from scipy.special import softmax
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.svm import SVC

from hsi import reduce
from hsi.api.scenes import Scene
from hsi.models.posteriors import SHARPNESS, TEMPERATURE, FieldComponents, FieldDiscriminant
from hsi.models.scales import GaussianScales, reach
from hsi.splits.fields import number_fields
from hsi.splits.roles import TEST, TRAIN

COMPONENTS, SCALE = 10, 2.5  # as in conf/model/posteriors.yaml

Posteriors = np.ndarray  # (rows, cols, classes), 0 where none are known


@dataclass(frozen=True, eq=False)
class Drawn:
    """A scene and a draw of its fields.

    Parameters
    ----------
    scene
        Its labels hold every class.
    seed
        Of the draw.
    """

    scene: Scene
    seed: int

    @cached_property
    def split(self) -> Any:
        """Half of the fields train."""
        return self.scene.split("regions", draw="random", train=0.5, seed=self.seed)

    @cached_property
    def train(self) -> np.ndarray:
        """(rows, cols) bool."""
        return np.asarray(self.split.role == TRAIN)

    @cached_property
    def side(self) -> np.ndarray:
        """The test side, labelled or not, (rows, cols) bool."""
        return np.asarray(self.split.region == TEST)

    @cached_property
    def test(self) -> np.ndarray:
        """Its labelled pixels."""
        return np.asarray(self.split.role == TEST)

    @cached_property
    def truth(self) -> np.ndarray:
        """Classes from 0 of the training pixels, (N,)."""
        return np.asarray(self.scene.labels[self.train]).astype(int) - 1

    @cached_property
    def fields(self) -> np.ndarray:
        """Numbers of the fields of the training pixels, (N,)."""
        return number_fields(np.where(self.train, self.scene.labels, 0))[self.train]

    @cached_property
    def cube(self) -> np.ndarray:
        """(rows, cols, bands) float64."""
        return np.asarray(self.scene.cube, dtype=float)

    @cached_property
    def spectra(self) -> np.ndarray:
        """Standardised by the training pixels."""
        return self.standardised(self.cube)

    @cached_property
    def by_spectra(self) -> Posteriors:
        """Those of the support vector machine on spectra."""
        return self.machine(self.spectra, whole=True)

    @cached_property
    def by_components(self) -> Posteriors:
        """Those of one on components within fields."""
        return self.machine(self.components(COMPONENTS), "scale", whole=True)

    @cached_property
    def by_discriminant(self) -> Posteriors:
        """Those of the discriminant with the covariance within fields."""
        found = FieldDiscriminant().fit(self.spectra[self.train], self.truth, self.fields)
        votes = found.decision_function(self.spectra[self.side])
        return self.laid_out(softmax(votes / TEMPERATURE, axis=1), found.classes_, self.side)

    def standardised(self, image: np.ndarray) -> np.ndarray:
        """Mean 0 and standard deviation 1 over the training pixels."""
        known = image[self.train]
        return np.asarray((image - known.mean(axis=0)) / known.std(axis=0))

    def components(self, count: int) -> np.ndarray:
        """(rows, cols, count) by `FieldComponents`."""
        found = FieldComponents(count).fit(self.spectra[self.train], fields=self.fields)
        return found.transform(self.spectra.reshape(-1, self.spectra.shape[2])).reshape(*self.train.shape, -1)

    def noise_fractions(self, count: int) -> np.ndarray:
        """(rows, cols, count) by `hsi.reduce.mnf`, fitted on the train side, each of unit noise."""
        found = reduce.mnf(self.cube, self.split, components=count).image.astype(float)
        inside = ~self.side[:, 1:] & ~self.side[:, :-1]
        return np.asarray(found / np.sqrt(((found[:, 1:] - found[:, :-1])[inside] ** 2).mean(axis=0) / 2))

    def laid_out(self, posteriors: np.ndarray, classes: np.ndarray, places: np.ndarray) -> Posteriors:
        """Posteriors (N, classes) of the N pixels of `places`, (rows, cols) bool, where they belong."""
        found = np.zeros((*places.shape, self.scene.num_classes))
        values = np.zeros((len(posteriors), self.scene.num_classes))
        values[:, classes] = posteriors
        found[places] = values
        return found

    def machine(
        self,
        image: np.ndarray,
        gamma: float | str = 1.0,
        C: float = 100,
        weights: np.ndarray | None = None,
        truth: np.ndarray | None = None,
        more: np.ndarray | None = None,
        whole: bool = False,
    ) -> Posteriors:
        """Of a support vector machine on an image (rows, cols, features); `gamma` in units of 1 / features, or "scale".

        `truth` (N,) in place of the classes of the training pixels, of which those below 0 do not train; `more`
        (N, features) train beside them, of the same classes. `whole`: of the whole test side, labelled or not.
        Distances are computed here, since scikit-learn takes longer.
        """
        truth = self.truth if truth is None else truth
        known, truth = image[self.train][truth >= 0], truth[truth >= 0]
        if more is not None:
            known, truth = np.concatenate([known, more]), np.concatenate([truth, truth])
        narrow = 1 / (known.shape[1] * known.var()) if gamma == "scale" else float(gamma) / known.shape[1]
        fitted = SVC(C=C, kernel="precomputed").fit(radial(known, known, narrow), truth, sample_weight=weights)
        places = self.side if whole else self.test
        votes = fitted.decision_function(radial(image[places], known, narrow))
        if votes.ndim == 1:  # of two classes scikit-learn scores the second alone
            votes = np.stack([-votes, votes], axis=1) / 2
        return self.laid_out(softmax(SHARPNESS * votes, axis=1), fitted.classes_, places)

    def averaged(self, posteriors: Posteriors, scale: float = SCALE, balance: float = 0) -> Posteriors:
        """By a Gaussian within the test side, classes divided by powers of their shares."""
        planes = torch.from_numpy(np.moveaxis(posteriors, 2, 0)[None].copy())
        filtering = GaussianScales([scale], 2 * reach(scale) + 1).double()
        framed = torch.nn.functional.pad(planes, (reach(scale),) * 4)
        found = np.moveaxis(filtering(framed)[0].numpy(), 0, 2)
        share = np.bincount(self.truth, minlength=found.shape[2]) / len(self.truth)
        return np.asarray(found * share**-balance)


def radial(one: np.ndarray, other: np.ndarray, gamma: float) -> np.ndarray:
    """(N, features) and (M, features) -> (N, M), in place, since it is large."""
    kernel: np.ndarray = euclidean_distances(one, other, squared=True)
    kernel *= -gamma
    return np.exp(kernel, out=kernel)

"""From bands to components: PCA, standardisation or nothing, always as one affine map that travels with the model.

A fitted `Reducer` is saved with every run, so the next scene meets the same transform, never one fitted
on itself.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from hsi.config.values import Count, Switch
from hsi.errors import HsiError
from hsi.splits.roles import TRAIN, Split

FitOn = Literal["auto", "all", "train"]


@dataclass(frozen=True)
class Reducer:
    """The affine map ``(spectrum - mean) @ weights``.

    Parameters
    ----------
    mean
        (bands,) float64, in the units of the cube.
    weights
        (bands, components) float64.
    explained_variance_ratio
        (components,) float64, or empty where the notion does not apply.
    """

    mean: np.ndarray
    weights: np.ndarray
    explained_variance_ratio: np.ndarray

    def transform(self, cube: np.ndarray) -> np.ndarray:
        """(rows, cols, bands) any dtype -> (rows, cols, components) float32, a row at a time."""
        image = np.empty((*cube.shape[:2], self.weights.shape[1]), dtype=np.float32)
        for row, spectra in enumerate(cube):
            image[row] = (spectra - self.mean) @ self.weights
        return image


@dataclass(frozen=True)
class Features:
    """What a network sees: `image` (rows, cols, components) float32, and the fitted `reducer` that made it."""

    image: np.ndarray
    reducer: Reducer


def pca(
    cube: np.ndarray, split: Split, *, components: Count = 30, whiten: Switch = True, fit_on: FitOn = "auto"
) -> Features:
    """Principal components of the spectra, by scikit-learn.

    `fit_on` ``"all"`` pixels of the scene, labelled or not, is the field's custom and uses no label, but it sees
    the test pixels' spectra; ``"train"`` fits on the training pixels only. ``"auto"`` fits on every pixel, labelled
    or not, of the regions that hold training pixels where the split has regions, so that nothing crosses their
    borders, and on all pixels where it has none.
    """
    bands = cube.shape[2]
    if components > bands:
        raise HsiError(
            f"reduce.components={components}: the scene has {bands} band{'s' if bands > 1 else ''}, choose 1 to {bands}"
        )
    spectra = _fitting_spectra(cube, split, fit_on)
    if components > len(spectra):
        raise HsiError(f"reduce.components={components}: only {len(spectra)} pixels to fit on, choose fewer")
    fitted = PCA(components, whiten=whiten, svd_solver="covariance_eigh").fit(spectra)
    weights = fitted.components_.T
    if whiten:
        weights = weights / np.sqrt(np.maximum(fitted.explained_variance_, np.finfo(float).tiny))
    return _features(cube, Reducer(fitted.mean_, weights, fitted.explained_variance_ratio_))


def standardize(cube: np.ndarray, split: Split, *, fit_on: FitOn = "auto") -> Features:
    """Every band to mean 0 and standard deviation 1; a constant band to 0. `fit_on` as in `pca`."""
    scaler = StandardScaler().fit(_fitting_spectra(cube, split, fit_on))
    return _features(cube, Reducer(scaler.mean_, np.diag(1 / scaler.scale_), np.empty(0)))


def none(cube: np.ndarray, split: Split) -> Features:
    """The bands as they are, as float32."""
    bands = cube.shape[2]
    return _features(cube, Reducer(np.zeros(bands), np.eye(bands), np.empty(0)))


def _fitting_spectra(cube: np.ndarray, split: Split, fit_on: str) -> np.ndarray:
    spectra = cube.reshape(-1, cube.shape[2])
    if fit_on == "train":
        spectra = spectra[split.pixels(TRAIN)]
    elif fit_on == "auto" and split.region is not None:
        training_side = np.isin(split.region, split.region[split.role == TRAIN])
        spectra = spectra[training_side.ravel()]
    return spectra.astype(np.float64)


def _features(cube: np.ndarray, reducer: Reducer) -> Features:
    return Features(reducer.transform(cube), reducer)

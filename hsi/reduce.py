"""From bands to components: PCA, MNF, standardisation, nothing or the place, as one affine map that the model keeps.

A fitted `Reducer` is saved with every run, so the next scene meets the same transform, never one fitted
on itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from sklearn.utils.extmath import svd_flip

from hsi.config.values import Count, Switch
from hsi.cube import Cube, LazyCube, blocks
from hsi.errors import HsiError
from hsi.splits.roles import TRAIN, Split

ROUNDING = 1e-10  # share of the largest eigenvalue below which another is none

FitOn = Literal["auto", "all", "train"]
PLACE = ("row", "column")  # what stands in place of the bands where no spectrum is read


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

    @property
    def by_place(self) -> bool:
        """Whether no spectrum is read, since all weights are 0: then the two components are row and column."""
        return self.weights.shape[1] == len(PLACE) and not self.weights.any()

    @property
    def by_band(self) -> bool:
        """Whether each component is a band of its own, shifted and scaled."""
        scale = np.diag(self.weights) if self.weights.shape[0] == self.weights.shape[1] else np.zeros(1)
        return bool(scale.all()) and np.count_nonzero(self.weights) == len(scale)

    def transform(self, cube: Cube, valid: np.ndarray | None = None) -> np.ndarray:
        """(rows, cols, bands) any dtype -> (rows, cols, components) float32, a row at a time.

        Pixels that are not `valid`, (rows, cols) bool, become 0: what a window sees beyond the border of the scene.
        """
        if self.by_place:
            place = np.moveaxis(np.indices(cube.shape[:2], dtype=np.float32), 0, -1)
            return place if valid is None else np.where(valid[..., None], place, np.float32(0))
        image = np.empty((*cube.shape[:2], self.weights.shape[1]), dtype=np.float32)
        for first, last, values in blocks(cube):
            for row, spectra in zip(range(first, last), values, strict=True):
                if valid is not None and not valid[row].all():
                    spectra = np.where(valid[row, :, None], spectra, self.mean)
                image[row] = (spectra - self.mean) @ self.weights
        return image


@dataclass(frozen=True, eq=False)
class Features:
    """A scene reduced.

    Parameters
    ----------
    cube, valid
        (rows, cols, bands) and (rows, cols) bool: the scene, and which pixels hold data.
    reducer
        The fitted map.
    """

    cube: Cube
    reducer: Reducer
    valid: np.ndarray | None = None

    @property
    def components(self) -> int:
        """What is left of the bands."""
        return int(self.reducer.weights.shape[1])

    @cached_property
    def image(self) -> np.ndarray:
        """What a network sees: (rows, cols, components) float32, all of it in memory."""
        return self.reducer.transform(self.cube, self.valid)


def pca(
    cube: Cube,
    split: Split,
    *,
    valid: np.ndarray | None = None,
    components: Count = 30,
    whiten: Switch = True,
    fit_on: FitOn = "auto",
) -> Features:
    """Principal components of the spectra, by scikit-learn; of a cube on disk, from its covariance.

    `fit_on` ``"all"`` pixels of the scene, labelled or not, is the field's custom and uses no label, but it sees
    the test pixels' spectra; ``"train"`` fits on the training pixels only. ``"auto"`` fits on every pixel, labelled
    or not, of the regions that hold training pixels where the split has regions, so that nothing crosses their
    borders, and on all pixels where it has none. Pixels that are not `valid`, (rows, cols) bool, are left out of all.
    """
    bands = cube.shape[2]
    if components > bands:
        raise HsiError(
            f"reduce.components={components}: the scene has {bands} band{'s' if bands > 1 else ''}, choose 1 to {bands}"
        )
    chosen = _fitting_pixels(split, valid, fit_on)
    if components > (count := int(chosen.sum())):
        raise HsiError(f"reduce.components={components}: only {count} pixels to fit on, choose fewer")
    if isinstance(cube, LazyCube):
        mean, axes, variance, ratio = _principal_axes(cube, chosen, components)
    else:
        fitted = PCA(components, whiten=whiten, svd_solver="covariance_eigh").fit(_all_spectra(cube, chosen))
        mean, axes = fitted.mean_, fitted.components_
        variance, ratio = fitted.explained_variance_, fitted.explained_variance_ratio_
    weights = axes.T
    if whiten:
        weights = weights / np.sqrt(np.maximum(variance, np.finfo(float).tiny))
    return Features(cube, Reducer(mean, weights, ratio), valid)


def mnf(
    cube: Cube, split: Split, *, valid: np.ndarray | None = None, components: Count = 15, fit_on: FitOn = "auto"
) -> Features:
    """Minimum noise fraction: the axes with the largest ratio of variance to that of noise, each of unit variance.

    Green, Berman, Switzer, Craig, "A transformation for ordering multispectral data in terms of image quality with
    implications for noise removal", IEEE TGRS 26(1), 1988. Noise is what differs between neighbours in a row, whose
    signal is taken as the same. Directions in which neighbours never differ have no noise to compare with: they count
    as the least noisy direction that has some. `valid` and `fit_on` as in `pca`.

    Raises HsiError: more components than bands, or too few neighbours to fit on.
    """
    bands = cube.shape[2]
    if components > bands:
        raise HsiError(
            f"reduce.components={components}: the scene has {bands} band{'s' if bands > 1 else ''}, choose 1 to {bands}"
        )
    chosen = _fitting_pixels(split, valid, fit_on)
    pairs = chosen[:, 1:] & chosen[:, :-1]
    if (count := int(pairs.sum())) <= components:
        raise HsiError(
            f"reduce=mnf: {count} pairs of neighbours in a row to fit {components} components on: choose fewer "
            "reduce.components, reduce.fit_on=all, or reduce=pca"
        )
    mean, variation, noise = _moments(cube, chosen, pairs)
    units = np.sqrt(np.where(np.diag(noise) > 0, np.diag(noise), np.diag(variation)))
    units[units == 0] = 1
    strength, directions = np.linalg.eigh(noise / np.outer(units, units))
    whitening = directions * _inverse_roots(strength) / units[:, None]
    ratio, axes = np.linalg.eigh(whitening.T @ variation @ whitening)
    weights = (whitening @ axes * _inverse_roots(ratio))[:, ::-1][:, :components]
    _, signed = svd_flip(None, weights.T, u_based_decision=False)
    return Features(cube, Reducer(mean, signed.T, np.empty(0)), valid)


def _inverse_roots(values: np.ndarray) -> np.ndarray:
    """1 / sqrt of ascending eigenvalues, those that are rounding noise beside the largest raised above it."""
    return 1 / np.sqrt(np.maximum(values, max(values[-1] * ROUNDING, np.finfo(float).tiny)))


def _moments(cube: Cube, chosen: np.ndarray, pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean (bands,) of the chosen pixels, their covariance, and half that of the differences of pairs (bands, bands).

    `pairs`, (rows, cols - 1) bool, are a pixel and the next in its row. Sums are taken about the first block's mean.
    """
    bands = cube.shape[2]
    total, products, noise = np.zeros(bands), np.zeros((bands, bands)), np.zeros((bands, bands))
    about: np.ndarray | None = None
    for first, last, values in blocks(cube):
        spectra = values[chosen[first:last]].astype(np.float64)
        if len(spectra) == 0:
            continue
        about = spectra.mean(axis=0) if about is None else about
        spectra -= about
        total += spectra.sum(axis=0)
        products += spectra.T @ spectra
        inside = pairs[first:last]
        steps = values[:, 1:][inside].astype(np.float64) - values[:, :-1][inside].astype(np.float64)
        noise += steps.T @ steps
    assert about is not None
    count = int(chosen.sum())
    variation = (products - np.outer(total, total) / count) / (count - 1)
    return about + total / count, variation, noise / (2 * int(pairs.sum()))


def standardize(cube: Cube, split: Split, *, valid: np.ndarray | None = None, fit_on: FitOn = "auto") -> Features:
    """Every band to mean 0 and standard deviation 1; a constant band to 0. `valid` and `fit_on` as in `pca`."""
    chosen = _fitting_pixels(split, valid, fit_on)
    scaler = StandardScaler()
    if isinstance(cube, LazyCube):
        for spectra in _spectra(cube, chosen):
            scaler.partial_fit(spectra)
    else:
        scaler.fit(_all_spectra(cube, chosen))
    return Features(cube, Reducer(scaler.mean_, np.diag(1 / scaler.scale_), np.empty(0)), valid)


def none(cube: Cube, split: Split, *, valid: np.ndarray | None = None) -> Features:
    """The bands as they are, as float32; 0 where a pixel is not `valid`."""
    bands = cube.shape[2]
    return Features(cube, Reducer(np.zeros(bands), np.eye(bands), np.empty(0)), valid)


def place(cube: Cube, split: Split, *, valid: np.ndarray | None = None) -> Features:
    """Row and column of each pixel, from 0, in place of its spectrum.

    Raises HsiError for a cube on disk, of which only parts are read, whose places in the scene are not known then.
    """
    if isinstance(cube, LazyCube):
        raise HsiError("reduce=place needs the whole scene in memory: raise scene.memory_gb")
    bands = cube.shape[2]
    return Features(cube, Reducer(np.zeros(bands), np.zeros((bands, len(PLACE))), np.empty(0)), valid)


def _fitting_pixels(split: Split, valid: np.ndarray | None, fit_on: str) -> np.ndarray:
    """Which pixels statistics are fitted on, (rows, cols) bool."""
    chosen = np.ones(split.role.shape, dtype=bool) if valid is None else valid
    if fit_on == "train":
        return chosen & (split.role == TRAIN)
    if fit_on == "auto" and split.region is not None:
        return chosen & np.isin(split.region, split.region[split.role == TRAIN])
    return chosen


def _spectra(cube: Cube, chosen: np.ndarray) -> Iterator[np.ndarray]:
    """The spectra of some pixels, block by block: (N, bands) float64."""
    for first, last, values in blocks(cube):
        if (inside := chosen[first:last]).any():
            yield values[inside].astype(np.float64)


def _all_spectra(cube: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    spectra = cube.reshape(-1, cube.shape[2])
    return (spectra if chosen.all() else spectra[chosen.ravel()]).astype(np.float64)


def _principal_axes(
    cube: LazyCube, chosen: np.ndarray, components: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Mean (bands,), axes (components, bands), variances and their shares (components,): as scikit-learn's PCA.

    Sums of products are taken about the mean of the first block, so that large values cost no digits.
    """
    bands = cube.shape[2]
    count, total, products = 0, np.zeros(bands), np.zeros((bands, bands))
    about: np.ndarray | None = None
    for spectra in _spectra(cube, chosen):
        about = spectra.mean(axis=0) if about is None else about
        centred = spectra - about
        count += len(spectra)
        total += centred.sum(axis=0)
        products += centred.T @ centred
    assert about is not None
    covariance = (products - np.outer(total, total) / count) / (count - 1)
    variance, vectors = np.linalg.eigh(covariance)
    variance, axes = variance[::-1].clip(min=0), vectors[:, ::-1].T
    _, axes = svd_flip(None, axes, u_based_decision=False)
    return (
        about + total / count,
        axes[:components],
        variance[:components],
        variance[:components] / variance.sum(),
    )

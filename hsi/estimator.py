"""scikit-learn's face of the pipeline: an estimator that is fitted to a cube with a label image, or to spectra."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import Tags, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from hsi.errors import HsiError, NotInstalled, WrongInput

if TYPE_CHECKING:  # torch is loaded by those who fit
    import pandas as pd
    from torch import Tensor

    from hsi.engine.device import Device, Precision
    from hsi.experiment import Recipe
    from hsi.runs.model import TrainedModel
    from hsi.scene import Scene
    from hsi.splits.roles import Split

NAME = "array"  # of a scene that comes from no file
GROUPS = ("reduce", "train")  # parameters that are groups of the configuration, and those that are its keys
KEYS = ("patch_size", "components", "steps", "batch_size", "learning_rate", "symmetries", "device", "precision")


@dataclass(eq=False, repr=False)
class PatchClassifier(ClassifierMixin, BaseEstimator):
    """Classify every pixel of a cube by the window around it.

    ``PatchClassifier("ssrn").fit(cube, labels).predict(cube)``. Every labelled pixel trains. To keep some for testing,
    mask the label image: ``labels * train`` to fit, ``labels * test`` to score; test windows that overlap training
    pixels flatter a model, see `hsi.evaluation.leakage`.

    In place of a cube, spectra (n_samples, n_bands) with labels (n_samples,) are taken by models whose windows are one
    pixel: svm, knn, random_forest, cnn_1d.

    Parameters
    ----------
    model, attention, reduce, train
        Names of files in conf/model/, conf/attention/, conf/reduce/ and conf/train/; None: none, the model's own.
    patch_size
        Side of the windows in pixels, odd; None: the model's own.
    components, steps, batch_size, learning_rate, symmetries
        reduce.components, train.steps, train.batch_size, optimizer.lr and map.symmetries; None: as in the files.
    validation
        Share of the labelled pixels of each class that chooses the best weights and does not train; 0 for none.
    unlabelled
        The label of pixels that have none; None where all have one.
    words
        Further overrides as on the command line, such as ``("model.C=10", "map=symmetric")``.
    check
        Whether `predict` rejects cubes whose values are unlike those of the training.
    random_state
        Seed of weights, batches and augmentation, the command line's ``seed``; a generator gives one.
    device, precision
        As on the command line.

    Attributes
    ----------
    classes_
        (K,) the labels that occur, ascending, without `unlabelled`.
    n_features_in_
        Number of bands.
    trained_
        The `hsi.runs.model.TrainedModel`.
    history_
        A row a step: step, loss, accuracy, learning_rate, validation_accuracy.
    """

    model: str = "hybridsn"
    attention: str | None = None
    patch_size: int | None = None
    reduce: str | None = None
    components: int | None = None
    train: str | None = None
    steps: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    symmetries: int | None = None
    validation: float = 0.0
    unlabelled: int | None = 0
    words: Sequence[str] = ()
    check: bool = True
    random_state: int | np.random.RandomState | None = 0
    device: "Device" = "auto"
    precision: "Precision" = "auto"

    def fit(self, X: ArrayLike, y: ArrayLike) -> "PatchClassifier":
        """Train on every labelled pixel.

        Parameters
        ----------
        X
            Cube (rows, cols, bands), or spectra (n_samples, n_bands); integer or floating, finite.
        y
            Labels (rows, cols), whole numbers; or (n_samples,), whole numbers or text.

        Raises
        ------
        WrongInput
            Arrays that do not fit together, fewer than two classes, or a parameter that is not allowed.
        """
        from hsi.engine.device import generators_kept
        from hsi.experiment import train

        cube, labels = self._training_arrays(X, y)
        codes, classes = _encode(labels, self.unlabelled)
        with _wrong_input(), generators_kept():
            recipe, seed, device = self._recipe(whole=_is_cube(X))
            scene = _scene_of(cube, codes, classes)
            made = train(scene, _split_of(scene, self.validation, seed), recipe, seed=seed, device=device)
        self.classes_: np.ndarray = classes
        self.trained_: TrainedModel = made.model
        self.history_: pd.DataFrame = made.history
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Labels of every pixel: (rows, cols) of a cube, (n_samples,) of spectra; of the values in `classes_`.

        Raises WrongInput: other bands than in training, or, unless `check` is false, a cube whose values are unlike.
        """
        image = self._image(X)
        with _wrong_input():
            found = self.classes_[self.trained_.map_image(image).class_map.astype(np.int64) - 1]
        return found if _is_cube(X) else found[:, 0]

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Probabilities (rows, cols, K) or (n_samples, K) float32 of the classes in the order of `classes_`.

        How far they can be taken at their word is another matter: see `hsi.evaluation.calibration`.
        """
        from hsi.mapping.scene_map import mean_probabilities

        image, trained = self._image(X), self.trained_
        with _wrong_input():
            network = trained.engine.lay_out(trained.network.to(image.device))
            how = trained.engine, trained.settings
            found = mean_probabilities(network, image, *how, temperature=trained.temperature).numpy()
        return found.reshape(*image.shape[1:], -1) if _is_cube(X) else found

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Overall accuracy on the labelled pixels of `y`, a fraction; `sample_weight` is of the shape of `y`."""
        labels, found = np.asarray(y), self.predict(X)
        if labels.shape != found.shape:
            raise WrongInput(f"y {labels.shape} and the map {found.shape} differ in shape: give the labels of X")
        kept = _labelled(labels, self.unlabelled)
        if not kept.any():
            raise WrongInput(f"no pixel is labelled (all labels are {self.unlabelled}): give labels to compare with")
        weights = None if sample_weight is None else np.asarray(sample_weight)[kept]
        return float(accuracy_score(labels[kept], found[kept], sample_weight=weights))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def _training_arrays(self, X: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """A cube (rows, cols, bands) and its labels (rows, cols); spectra become a column of pixels."""
        if not _is_cube(X):
            spectra, labels = validate_data(self, X, y)
            check_classification_targets(labels)
            return spectra[:, None], labels[:, None]
        cube, labels = np.asarray(X), np.asarray(y)
        if labels.dtype.kind not in "iubf" or not (np.isfinite(labels) & (labels == labels.round())).all():
            raise WrongInput(f"the labels of a cube must be whole numbers, these are {labels.dtype}: convert them")
        if labels.shape != cube.shape[:2]:
            raise WrongInput(
                f"X {cube.shape} and y {labels.shape} differ in rows or columns: give a cube (rows, cols, bands) and "
                "its labels (rows, cols)"
            )
        self.n_features_in_ = cube.shape[2]
        if hasattr(self, "feature_names_in_"):  # of a table, in an earlier fit
            del self.feature_names_in_
        return cube, labels

    def _recipe(self, whole: bool) -> "tuple[Recipe, int, Device]":
        """What the parameters ask for, built: recipe, seed and device; `whole` says whether there is a cube."""
        from hsi.config.build import check_value
        from hsi.config.values import Seed
        from hsi.engine.device import Device
        from hsi.recipes import SHORT, compose_settings, override, recipe_of

        words = [override("model", self.model)]
        words += [] if self.attention is None else [override("+attention", self.attention)]
        given = {name: value for name in (*GROUPS, *KEYS) if (value := getattr(self, name)) is not None}
        words += [override(SHORT.get(name, name), value) for name, value in given.items()]
        tree, _ = compose_settings([*words, override("seed", _seed_of(self.random_state)), *self.words])
        if not whole:
            _require_one_pixel(self.model, tree["model"].get("patch_size"))
        seed = check_value(Seed, tree["seed"], "random_state")
        return recipe_of(tree, self.model), seed, check_value(Device, tree["device"], "device")

    def _image(self, X: ArrayLike) -> "Tensor":
        """What the network sees of a cube or of spectra: (components, rows, cols) float32, on the device."""
        from hsi.engine.device import resolve_device
        from hsi.engine.forward import as_image

        check_is_fitted(self)
        trained = self.trained_
        with _wrong_input():
            if _is_cube(X):
                scene = trained.adapt(_scene_of(np.asarray(X)), accept_range=not self.check)
            else:  # too few, perhaps, to judge their values by
                scene = _scene_of(validate_data(self, X, reset=False)[:, None])
                _require_one_pixel(self.model, trained.network.window)
            return as_image(trained.reducer.transform(scene.cube), resolve_device(self.device))


def _is_cube(X: ArrayLike) -> bool:
    """Whether X has three dimensions; more are no input."""
    dimensions = X.ndim if hasattr(X, "ndim") else np.asarray(X).ndim
    if dimensions > 3:
        raise WrongInput(f"X has {dimensions} dimensions: give a cube (rows, cols, bands) or (n_samples, n_bands)")
    return dimensions == 3


def _require_one_pixel(model: str, window: int | None) -> None:
    """Raise HsiError where single spectra meet a model that looks around them."""
    if window is not None and window != 1:
        raise HsiError(
            f"model={model} looks at windows of {window} x {window} pixels, and spectra (n_samples, n_bands) have no "
            "neighbours: give a cube (rows, cols, bands), or choose svm, knn, random_forest or cnn_1d"
        )


def _seed_of(random_state: int | np.random.RandomState | None) -> int:
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _labelled(labels: np.ndarray, unlabelled: int | None) -> np.ndarray:
    return np.ones(labels.shape, dtype=bool) if unlabelled is None else np.asarray(labels != unlabelled)


def _encode(labels: np.ndarray, unlabelled: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Labels as 0 for none and 1..K for the classes, (rows, cols) int64, and the classes (K,)."""
    kept = _labelled(labels, unlabelled)
    classes, found = np.unique(labels[kept], return_inverse=True)
    if len(classes) == 0:
        raise WrongInput(f"no pixel is labelled (all labels are {unlabelled}): label pixels of at least two classes")
    if unlabelled == 0 and classes.dtype.kind in "if" and classes[0] < 0:
        low = int(classes[0])
        raise WrongInput(
            f"y has labels below 0, such as {low}: set unlabelled={low} if they mean that a pixel has none, or "
            "unlabelled=None if every value is a class"
        )
    codes = np.zeros(labels.shape, dtype=np.int64)
    codes[kept] = found + 1
    return codes, classes


def _scene_of(cube: np.ndarray, codes: np.ndarray | None = None, classes: np.ndarray | None = None) -> "Scene":
    """A checked scene; its classes are named as those of a file would be."""
    from hsi.scenes.assemble import from_arrays

    if cube.dtype.kind == "f" and (count := int((~np.isfinite(cube)).sum())):
        raise WrongInput(f"X has {count} values that are NaN or infinite: fill them in, or leave out their bands")
    if codes is None or classes is None:
        return from_arrays(cube, as_is=True, name=NAME)
    numbers = classes.dtype.kind in "iuf"
    names = [f"class {int(value)}" if numbers else str(value) for value in classes]
    scene = from_arrays(cube, codes, as_is=True, name=NAME, classes=names)
    return replace(scene, label_values=tuple(map(int, classes))) if numbers else scene


def _split_of(scene: "Scene", validation: float, seed: int) -> "Split":
    """Every labelled pixel trains, but for a share of each class that validates."""
    from hsi.config.build import check_value
    from hsi.config.values import ShareOrZero
    from hsi.splits.random import random_split
    from hsi.splits.roles import TEST, TRAIN, UNUSED, VALIDATION, Split

    share = check_value(ShareOrZero, validation, "validation")
    if share == 0:
        return Split(np.where(scene.labels > 0, TRAIN, UNUSED).astype(np.uint8))
    if scene.class_counts.min() < 2:
        single = scene.class_names[int(scene.class_counts.argmin())]
        raise HsiError(f"'{single}' has a single labelled pixel, which cannot train and validate: set validation=0")
    drawn = random_split(scene.labels, train=1 - share, seed=seed)
    return Split(np.where(drawn.role == TEST, VALIDATION, drawn.role).astype(np.uint8))


@contextmanager
def _wrong_input() -> Iterator[None]:
    """Faults of the user's input as scikit-learn wants them; what is not installed remains what it is."""
    try:
        yield
    except (NotInstalled, WrongInput):
        raise
    except HsiError as error:
        raise WrongInput(str(error)) from error

"""scikit-learn's face: its own checks, and the same maps as the chain gives."""

import pickle
import random
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import ROOT
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from hsi.config.shipped import CONF
from hsi.errors import HsiError, NotInstalled
from hsi.estimator import PatchClassifier
from hsi.experiment import classify
from hsi.recipes import compose_settings, override, recipe_of
from hsi.scenes.synthetic import make_synthetic
from hsi.splits.random import random_split
from hsi.splits.roles import TEST, TRAIN, Split

SMALL = {"steps": 3, "batch_size": 32, "patch_size": 9, "components": 15, "device": "cpu"}
WORDS = ["train.steps=3", "train.batch_size=32", "patch_size=9", "reduce.components=15", "device=cpu"]
TWO_CLASSES = "a label of 0 means unlabelled, so of this check's labels 0 and 1 one class is left"
ZERO_IS_NONE = {
    "check_pipeline_consistency": TWO_CLASSES,
    "check_estimators_nan_inf": TWO_CLASSES,
    "check_estimators_pickle": TWO_CLASSES,
    "check_fit_idempotent": TWO_CLASSES,
    "check_fit_check_is_fitted": TWO_CLASSES,
    "check_n_features_in": TWO_CLASSES,
    "check_n_features_in_after_fitting": TWO_CLASSES,  # up to scikit-learn 1.7; of three classes two are left
    "check_classifiers_train": TWO_CLASSES,
    "check_classifiers_classes": "labels below 0 are refused, since files use them for unlabelled",
}


@parametrize_with_checks(
    [PatchClassifier("knn", unlabelled=None), PatchClassifier("knn")],
    expected_failed_checks=lambda estimator: {} if estimator.unlabelled is None else ZERO_IS_NONE,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.long
@parametrize_with_checks([PatchClassifier("svm", unlabelled=None)])
def test_scikit_learn_checks_of_another_model(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def scene():
    return make_synthetic(rows=26, cols=22, bands=32, classes=3)


@pytest.fixture(scope="module")
def half(scene):
    """Where the labels train."""
    return random_split(scene.labels, train=0.5, seed=3).role == TRAIN


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"model": "svm"}, ["model=svm"]),
        ({"model": "svm_window", "reduce": "standardize"}, ["model=svm_window", "reduce=standardize"]),
        (
            {"model": "hybridsn", "attention": "se", "symmetries": 8, "random_state": 2, **SMALL},
            ["+attention=se", "map.symmetries=8", "seed=2", *WORDS],
        ),
        (
            {
                **{"model": "ssrn", "reduce": "pca", "train": "few_labels", "learning_rate": 1e-3},
                **{"words": ["schedule=cosine"], **SMALL},
            },
            ["model=ssrn", "reduce=pca", "train=few_labels", "optimizer.lr=1e-3", "schedule=cosine", *WORDS],
        ),
    ],
)
def test_maps_and_probabilities_are_those_of_the_chain(scene, half, settings, words):
    tree, choices = compose_settings(words)
    split = Split(np.select([half, scene.labels > 0], [TRAIN, TEST]).astype(np.uint8))
    result = classify(scene, split, recipe_of(tree, choices["model"]), seed=tree["seed"], device=tree["device"])
    fitted = PatchClassifier(**settings).fit(scene.cube, np.where(half, scene.labels, 0))
    assert (fitted.predict(scene.cube) == result.prediction.class_map).all()
    found = fitted.predict_proba(scene.cube)
    assert (found.max(axis=2) == result.prediction.confidence).all()
    assert (found.argmax(axis=2) + 1 == result.prediction.class_map).all()
    assert fitted.history_.equals(result.history)
    assert fitted.score(scene.cube, np.where(half, 0, scene.labels)) == pytest.approx(result.evaluation.scores.oa)
    assert fitted.trained_.class_names == scene.class_names


@pytest.mark.parametrize("unlabelled", [0, 255, -1, None])
def test_the_labels_of_the_file_come_back(scene, half, unlabelled):
    kept = half if unlabelled is not None else np.ones_like(half)
    values = np.array([unlabelled or 0, 3, 7, 200])
    labels = values[np.where(kept, scene.labels, 0)]
    fitted = PatchClassifier("knn", unlabelled=unlabelled).fit(scene.cube, labels)
    classes = [3, 7, 200] if unlabelled is not None else [0, 3, 7, 200]
    assert fitted.classes_.tolist() == classes
    assert fitted.trained_.label_values == tuple(classes)
    assert fitted.trained_.class_names == tuple(f"class {value}" for value in classes)
    found = fitted.predict(scene.cube)
    assert found.dtype == labels.dtype
    assert found.shape == scene.labels.shape
    assert set(np.unique(found)) == set(classes)
    right = (found == labels)[labels != unlabelled if unlabelled is not None else ...]
    assert fitted.score(scene.cube, labels) == right.mean() > 0.9


def test_spectra_with_names_are_a_cube_of_one_column(scene, half):
    names = np.array(["", "grass", "soil", "water"])
    spectra, labels = scene.cube[half], scene.labels[half]
    by_name = PatchClassifier("svm").fit(spectra, names[labels])
    by_cube = PatchClassifier("svm").fit(spectra[:, None], labels[:, None])
    assert by_name.classes_.tolist() == ["grass", "soil", "water"]
    assert (by_name.predict(spectra) == names[by_cube.predict(spectra)]).all()
    assert (by_name.predict(scene.cube) == names[by_cube.predict(scene.cube)]).all()
    assert by_name.predict_proba(spectra).shape == (len(spectra), 3)
    assert by_name.score(spectra, names[labels]) == by_cube.score(spectra, labels)


def test_clone_repeat_and_pickle_give_the_same_map(scene):
    first = PatchClassifier("cnn_1d", steps=5, batch_size=16, device="cpu").fit(scene.cube, scene.labels)
    found = first.predict_proba(scene.cube)
    again = clone(first)
    assert not hasattr(again, "trained_")
    assert again.get_params() == first.get_params()
    assert (again.fit(scene.cube, scene.labels).predict_proba(scene.cube) == found).all()
    assert (pickle.loads(pickle.dumps(first)).predict_proba(scene.cube) == found).all()
    other = again.set_params(random_state=1).fit(scene.cube, scene.labels)
    assert (other.predict_proba(scene.cube) != found).any()


def test_a_generator_gives_the_seed(scene):
    def history(random_state):
        estimator = PatchClassifier("cnn_1d", steps=2, batch_size=16, random_state=random_state, device="cpu")
        return estimator.fit(scene.cube, scene.labels).history_

    assert history(np.random.RandomState(4)).equals(history(np.random.RandomState(4)))
    assert not history(np.random.RandomState(4)).equals(history(np.random.RandomState(5)))


def test_validation_holds_a_share_of_each_class_out(scene):
    settings = {"steps": 4, "words": ["train.validate_every=2"], "device": "cpu", "batch_size": 100_000}
    history = PatchClassifier("cnn_1d", validation=0.25, **settings).fit(scene.cube, scene.labels).history_
    counts = scene.class_counts
    held = counts.sum() - int(0.75 * counts.sum())
    measured = history["validation_accuracy"].dropna()
    assert len(measured) == 2
    # accuracies are hits among the held, and among the rest
    assert np.allclose(measured * held, (measured * held).round(), atol=1e-6)
    hits = history["accuracy"] * (counts.sum() - held)
    assert np.allclose(hits, hits.round(), atol=1e-3)
    assert (
        PatchClassifier("cnn_1d", **settings).fit(scene.cube, scene.labels).history_["validation_accuracy"].isna().all()
    )


def test_parameters_are_searched_as_of_any_estimator(scene, half):
    grid = {"words": [("model.neighbours=1",), ("model.neighbours=15",)], "reduce": [None, "standardize"]}
    search = GridSearchCV(PatchClassifier("knn"), grid, cv=3).fit(scene.cube[half], scene.labels[half])
    assert len(set(search.cv_results_["mean_test_score"])) > 1
    assert search.best_estimator_.predict(scene.cube).shape == scene.labels.shape


def seed(value):
    random.seed(value)
    np.random.seed(value)  # noqa: NPY002
    torch.manual_seed(value)


def draw():
    return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002


def test_generators_and_a_running_hydra_are_left_alone(scene):
    deterministic = torch.are_deterministic_algorithms_enabled()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        running = GlobalHydra.instance().hydra
        seed(1)
        wanted = draw()
        seed(1)
        PatchClassifier("cnn_1d", steps=1, device="cpu").fit(scene.cube, scene.labels)
        with pytest.raises(HsiError):
            PatchClassifier("cnn_1d", patch_size=99).fit(scene.cube, scene.labels)
        assert draw() == wanted
        assert torch.are_deterministic_algorithms_enabled() == deterministic
        assert GlobalHydra.instance().hydra is running
        assert compose("audit").seed == 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model": "hybridsm"}, "did you mean hybridsn"),
        ({"attention": "sse"}, "attention=sse"),
        ({"model": "svm", "attention": "se"}, "takes no attention"),
        ({"model": "svm", "components": 5}, "reduce.components"),
        ({"model": "svm", "words": ["model.C=-1"]}, "model.C=-1"),
        ({"steps": 1.5}, "train.steps=1.5"),
        ({"patch_size": 8}, "patch_size=8"),
        ({"patch_size": 99}, "patch_size=99 is larger than the scene"),
        ({"components": 33, "patch_size": 9}, "the scene has 32 bands"),
        ({"learning_rate": -1}, "optimizer.lr=-1"),
        ({"symmetries": 3}, "map.symmetries=3"),
        ({"validation": 1.0}, "validation=1.0"),
        ({"random_state": -1}, "random_state=-1"),
        ({"device": "gpu"}, "device=gpu"),
        ({"precision": "half"}, "precision=half"),
        ({"words": ["colour=red"]}, "colour"),
    ],
)
def test_parameters_that_are_not_allowed_get_a_sentence(scene, settings, said):
    with pytest.raises(ValueError, match=said) as caught:
        PatchClassifier(**settings).fit(scene.cube, scene.labels)
    assert isinstance(caught.value, HsiError)


CUBE = np.random.default_rng(0).integers(0, 1000, (6, 5, 4))
LABELS = np.arange(30).reshape(6, 5) % 3


@pytest.mark.parametrize(
    ("cube", "labels", "said"),
    [
        (CUBE, LABELS.T, "differ in rows or columns"),
        (CUBE, LABELS.ravel(), "differ in rows or columns"),
        (CUBE[None], LABELS, "4 dimensions"),
        (CUBE, LABELS + 0.5, "whole numbers"),
        (CUBE, np.where(LABELS, LABELS, np.inf), "whole numbers"),
        (CUBE, LABELS.astype(str), "whole numbers"),
        (CUBE, None, "whole numbers"),
        (CUBE, LABELS - 1, "unlabelled=-1"),
        (CUBE, LABELS * 0, "no pixel is labelled"),
        (CUBE, LABELS.clip(0, 1), "only one class"),
        (np.where(CUBE > 990, np.nan, CUBE), LABELS, "NaN or infinite"),
        (CUBE.astype(complex), LABELS, "real numbers"),
        (CUBE[:0], LABELS[:0], "no pixel is labelled"),
    ],
)
def test_arrays_that_do_not_fit_get_a_sentence(cube, labels, said):
    with pytest.raises(HsiError, match=said):
        PatchClassifier("knn").fit(cube, labels)


def test_spectra_have_no_windows(scene, half):
    with pytest.raises(HsiError, match="windows of 25 x 25 pixels"):
        PatchClassifier().fit(scene.cube[half], scene.labels[half])
    mean = PatchClassifier("svm_window", patch_size=3).fit(scene.cube, scene.labels)
    with pytest.raises(HsiError, match="windows of 3 x 3 pixels"):
        mean.predict(scene.cube[half])


def test_what_is_mapped_has_to_be_like_the_training(scene):
    fitted = PatchClassifier("knn").fit(scene.cube, scene.labels)
    with pytest.raises(HsiError, match="has 31 bands, the model was trained on 32"):
        fitted.predict(scene.cube[:, :, :31])
    with pytest.raises(ValueError, match="X has 31 features"):
        fitted.predict(scene.cube[0, :, :31])
    with pytest.raises(HsiError, match="multiplied by 10000 they would fit"):
        fitted.predict_proba(scene.cube / 1e4)
    assert fitted.set_params(check=False).predict(scene.cube / 1e4).shape == scene.labels.shape
    with pytest.raises(HsiError, match="differ in shape"):
        fitted.score(scene.cube, scene.labels.T)
    with pytest.raises(HsiError, match="no pixel is labelled"):
        fitted.score(scene.cube, scene.labels * 0)


def test_score_weighs_pixels(scene):
    fitted = PatchClassifier("knn").fit(scene.cube, scene.labels)
    truth = np.where(scene.labels == 1, 2, scene.labels)
    right = (fitted.predict(scene.cube) == truth) & (truth > 0)
    assert fitted.score(scene.cube, truth) == right.sum() / (truth > 0).sum() < 1
    assert fitted.score(scene.cube, truth, sample_weight=right * 1.0) == 1
    assert fitted.score(scene.cube, truth, sample_weight=~right * 1.0) == 0


def test_a_class_of_one_pixel_cannot_validate():
    labels = np.where(LABELS, 1, 0)
    labels[0, 0] = 9
    with pytest.raises(HsiError, match="'class 9' has a single labelled pixel"):
        PatchClassifier("knn", validation=0.1).fit(CUBE, labels)


def test_nothing_is_mapped_before_the_fit():
    with pytest.raises(NotFittedError):
        PatchClassifier("knn").predict(CUBE)


def test_a_missing_extra_stays_what_it_is(scene, monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(NotInstalled):
        PatchClassifier("timm").fit(scene.cube, scene.labels)


def test_a_table_then_a_cube_forgets_the_names_of_columns(scene, half):
    table = pd.DataFrame(scene.cube[half], columns=[f"band {k}" for k in range(scene.bands)])
    fitted = PatchClassifier("knn").fit(table, scene.labels[half])
    assert list(fitted.feature_names_in_) == list(table.columns)
    fitted.fit(scene.cube, scene.labels)
    assert not hasattr(fitted, "feature_names_in_")
    assert fitted.n_features_in_ == scene.bands


def test_the_import_needs_no_torch():
    code = "import sys, hsi.estimator; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


PLAIN = [None, True, False, 3, 2.5, 1e-3, np.float32(0.5), np.int64(7), [1, 2], [], {"a": None, "b": "x y"}]
TEXTS = ['a"b', "C:\\a\\", 'a\\"b', "it's", "", "null", "1", "ü=,{}[]()#@", " a ", "a\nb", "/data/Größe/c.npy", "nan"]


@pytest.mark.parametrize("value", [*PLAIN, *TEXTS, "plain/path.npy", ["a b", "c=d"]])
def test_values_survive_as_words(value):
    tree, _ = compose_settings([override("+scene.extra", value)])
    assert tree["scene"]["extra"] == value


def test_words_that_are_not_understood_get_a_sentence():
    for word, said in [("modl=svm", "did you mean model"), ("model=svmm", "did you mean svm"), ("a={", "quotes")]:
        with pytest.raises(HsiError, match=said):
            compose_settings([word])

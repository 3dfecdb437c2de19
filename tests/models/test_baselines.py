"""Baselines: the chain gives what scikit-learn gives, window means respect masks, models come back without pickles."""

import json

import numpy as np
import pytest
import torch
from conftest import TRIAL
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from hsi.engine.forward import Engine, logits_of
from hsi.engine.samples import gather
from hsi.errors import HsiError
from hsi.mapping.scene_map import MapSettings, map_scene
from hsi.models import baselines
from hsi.models.baselines import EstimatorHead, WindowMean
from hsi.runs.model import load_model
from hsi.runs.opened import open_run
from hsi.splits.fields import number_fields
from hsi.splits.roles import TRAIN, Split
from hsi.training.once import Once

ROWS, COLS, BANDS, CLASSES = 12, 10, 5, 3


def make_data(seed: int = 0) -> tuple[torch.Tensor, np.ndarray, Split]:
    """An image (BANDS, ROWS, COLS) of three noisy materials, labels 1..3 and a split: every other pixel trains."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(1, 4), 4)[:, None] * np.ones(COLS, dtype=int)
    image = rng.normal(size=(CLASSES, BANDS))[labels - 1] + 0.5 * rng.normal(size=(ROWS, COLS, BANDS))
    role = np.where(np.indices((ROWS, COLS)).sum(0) % 2, 1, 3).astype(np.uint8)
    return torch.as_tensor(image.transpose(2, 0, 1).copy(), dtype=torch.float32), labels, Split(role)


def learn(model, image, labels, split):
    """As a run does."""
    samples = gather(image.permute(1, 2, 0).contiguous().numpy(), labels, split, CLASSES, torch.device("cpu"))
    return Once().fit(model, samples, Engine())


@pytest.mark.parametrize("make", [baselines.svm, baselines.random_forest, baselines.knn])
def test_map_is_what_the_estimator_predicts(make):
    image, labels, split = make_data()
    model = make(BANDS, CLASSES)
    learn(model, image, labels, split)
    prediction = map_scene(model, image, engine=Engine(), settings=MapSettings())
    spectra = image.permute(1, 2, 0).reshape(-1, BANDS).numpy()
    expected = 1 + model.head.estimator.predict(spectra).reshape(ROWS, COLS)
    np.testing.assert_array_equal(prediction.class_map, expected)


def test_confidence_of_neighbours_is_their_share_of_votes():
    image, labels, split = make_data()
    model = baselines.knn(BANDS, CLASSES, neighbours=4)
    learn(model, image, labels, split)
    prediction = map_scene(model, image, engine=Engine(), settings=MapSettings())
    spectra = image.permute(1, 2, 0).reshape(-1, BANDS).numpy()
    train = split.pixels(TRAIN)
    scaler = StandardScaler().fit(spectra[train])
    plain = KNeighborsClassifier(4).fit(scaler.transform(spectra[train]), labels.ravel()[train])
    expected = plain.predict_proba(scaler.transform(spectra)).max(1)
    np.testing.assert_allclose(prediction.confidence.ravel(), expected, atol=1e-5)


def test_window_mean_by_hand_at_border_and_mask():
    image = torch.tensor([[[1.0, 2.0, 9.0], [3.0, 4.0, 9.0], [5.0, 6.0, 9.0]]])
    region = torch.tensor([[0, 0, 1]] * 3)
    model = baselines.WindowClassifier(WindowMean(3), torch.nn.Flatten(), 1, 3)
    for mode in ("dense", "patch"):
        means = logits_of(model, image, Engine(mode), region)[:, 0]
        # the middle column sees the left two columns only; corners see the four or two pixels that exist
        assert means.view(3, 3).tolist() == [[2.5, 2.5, 9.0], [3.5, 3.5, 9.0], [4.5, 4.5, 9.0]]


def test_masked_window_means_do_not_see_the_other_region():
    image, labels, split = make_data()
    masked = Split(split.role, np.repeat([0, 1], ROWS // 2)[:, None].repeat(COLS, 1).astype(np.uint8))
    model = baselines.svm(BANDS, CLASSES, C=10, gamma=1, patch_size=5)
    learn(model, image, labels, masked)
    other = image.clone()
    other[:, : ROWS // 2] += 100
    maps = [
        map_scene(model, seen, engine=Engine(), settings=MapSettings(), region=masked.region) for seen in (image, other)
    ]
    lower, upper = slice(ROWS // 2, None), slice(None, ROWS // 2)
    np.testing.assert_array_equal(maps[0].confidence[lower], maps[1].confidence[lower])
    assert (maps[0].confidence[upper] != maps[1].confidence[upper]).any()


def test_class_without_training_pixel_is_never_mapped():
    image, labels, split = make_data()
    without = Split(np.where(labels == 2, 0, split.role).astype(np.uint8))
    for make in (baselines.svm, baselines.random_forest):
        model = make(BANDS, CLASSES)
        learn(model, image, labels, without)
        prediction = map_scene(model, image, engine=Engine(), settings=MapSettings())
        assert set(np.unique(prediction.class_map)) == {1, 3}


def test_search_takes_the_better_of_two_values():
    """A vanishing C leaves all pixels in the largest class."""
    image, labels, split = make_data()
    model = baselines.svm(BANDS, CLASSES, C=[1e-6, 10], gamma=1)
    learn(model, image, labels, split)
    assert model.head.estimator.best_params_["svc__C"] == 10


def by_field(seed=0):
    """Two classes that a band tells apart; another tells each of twelve fields apart. Nine pixels each."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((15, 19), dtype=int)
    for field in range(12):
        top, left = 4 * (field // 4), 5 * (field % 4)
        labels[top : top + 3, left : left + 3] = 1 + field % 2
    fields = number_fields(labels)
    image = np.stack([labels + 0.8 * rng.normal(size=labels.shape), 3.0 * rng.permutation(13)[fields]])
    role = np.where(labels > 0, 1, 0).astype(np.uint8)
    role[0, 0] = 3
    return torch.as_tensor(image, dtype=torch.float32), labels, Split(role)


def test_folds_of_fields_choose_what_does_not_know_the_fields():
    """A narrow kernel learns fields by heart: right in folds of pixels, a guess in folds of fields."""
    image, labels, split = by_field()
    chosen = {}
    for folds in ("pixels", "fields"):
        model = baselines.svm(2, 2, C=10, gamma=[0.01, 20], folds=folds)
        samples = gather(image.permute(1, 2, 0).contiguous().numpy(), labels, split, 2, torch.device("cpu"))
        Once().fit(model, samples, Engine())
        chosen[folds] = model.head.estimator.best_params_["svc__gamma"] * 2
        again = baselines.svm(2, 2, C=10, gamma=[0.01, 20], folds=folds)
        again.load_state_dict(model.state_dict())
        np.testing.assert_array_equal(*(logits_of(m, image, Engine()) for m in (model, again)))
        assert sorted(model.state_dict()) == ["head.chosen", "head.samples", "head.targets"]
    assert chosen == {"pixels": 20, "fields": 0.01}


def test_fields_that_are_too_few_for_folds_are_told():
    image, labels, _ = make_data()
    whole = Split(np.where(labels < 3, 1, 3).astype(np.uint8))
    with pytest.raises(
        HsiError, match=r"2 fields with training pixels are too few for 3 folds \(model\.folds=fields\)"
    ):
        learn(baselines.svm(BANDS, CLASSES, folds="fields"), image, labels, whole)


def test_what_was_chosen_is_not_searched_again(monkeypatch):
    image, labels, split = make_data()
    model, again, earlier = (baselines.svm(BANDS, CLASSES, C=[1e-6, 10], gamma=[0.5, 1]) for _ in range(3))
    learn(model, image, labels, split)
    state = model.state_dict()
    assert state["head.chosen"].tolist() == [10, model.head.estimator.best_params_["svc__gamma"]]
    earlier.load_state_dict({name: value for name, value in state.items() if name != "head.chosen"})
    monkeypatch.setattr(baselines.GridSearchCV, "fit", None)
    for _ in range(2):
        again.load_state_dict(state)
    samples = state["head.samples"]
    for head in (again.head, earlier.head):
        torch.testing.assert_close(head(samples), model.head(samples), rtol=0, atol=0)
        assert head.chosen.tolist() == state["head.chosen"].tolist()


@pytest.mark.parametrize("chosen", [[10.0], [10.0, 1.0, 1.0], [[10.0, 1.0]], [11.0, 1 / BANDS]])
def test_what_no_search_has_chosen_is_refused(chosen):
    image, labels, split = make_data()
    model = baselines.svm(BANDS, CLASSES, C=[1e-6, 10], gamma=1)
    learn(model, image, labels, split)
    state = model.state_dict() | {"head.chosen": torch.tensor(chosen, dtype=torch.float64)}
    with pytest.raises(HsiError, match="chosen for this model"):
        baselines.svm(BANDS, CLASSES, C=[1e-6, 10], gamma=1).load_state_dict(state)
    with pytest.raises(HsiError, match="0 values were to be chosen"):
        baselines.knn(BANDS, CLASSES).load_state_dict(state)


def test_too_few_training_pixels_are_refused_in_a_sentence():
    image, labels, split = make_data()
    few = np.zeros_like(split.role)
    few[0, 0], few[-1, 0] = TRAIN, TRAIN
    for model in (baselines.svm(BANDS, CLASSES), baselines.knn(BANDS, CLASSES, neighbours=5)):
        with pytest.raises(HsiError, match="2 training pixels are too few"):
            learn(model, image, labels, Split(few))


@pytest.mark.parametrize("name", ["svm", "svm_window", "random_forest", "knn"])
def test_same_command_same_files_and_back_from_them(hsi_run, tmp_path, name):
    words = ["model.C=10", "model.gamma=1"] if name.startswith("svm") else []
    outcome = hsi_run(*TRIAL, f"model={name}", *words, "hydra.run.dir=made")
    assert outcome.status == 0, outcome.err
    metrics = json.loads((tmp_path / "made/metrics.json").read_text())
    assert metrics["oa"] > 0.9  # the synthetic materials differ in their spectra
    assert metrics["parameters"] is None
    assert metrics["precision"] == "fp32"
    assert metrics["leakage"]["window"] == (9 if name == "svm_window" else 1)
    trained = load_model(tmp_path / "made")
    assert isinstance(trained.network.head, EstimatorHead)
    run = open_run(tmp_path / "made")
    again = trained.map(run.load_scene())
    np.testing.assert_array_equal(again.class_map, run.class_map)


def test_baselines_see_the_bands_unless_asked_otherwise(hsi_run, tmp_path):
    words = ["model=knn", "scene=synthetic", "scene.rows=32", "scene.cols=32", "scene.classes=3"]
    assert hsi_run(*words, "hydra.run.dir=bands").status == 0
    assert hsi_run(*words, "reduce=pca", "reduce.components=4", "hydra.run.dir=pca").status == 0
    components = [json.loads((tmp_path / name / "bundle.json").read_text())["components"] for name in ("bands", "pca")]
    assert components == [60, 4]

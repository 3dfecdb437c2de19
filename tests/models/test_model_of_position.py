"""model=position is the baseline of position itself, and has nothing to say about another scene."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hsi
from hsi import reduce
from hsi.cube import LazyCube
from hsi.errors import HsiError
from hsi.models.position import NearestPlace
from hsi.runs.model import load_model
from hsi.runs.opened import open_run
from hsi.splits.nearest import nearest_classes
from hsi.verification.checked import verify

SCENE = ["scene=synthetic", "scene.rows=40", "scene.cols=36"]
SPLITS = [("split=random", "split.train=0.05"), ("split=regions",), ("split=random", "split.per_class=3")]


@pytest.mark.parametrize("split", SPLITS)
def test_its_accuracy_is_that_of_position_and_its_skill_none(hsi_run, tmp_path, split):
    outcome = hsi_run(*SCENE, "model=position", *split, "hydra.run.dir=made")
    assert outcome.status == 0, outcome.err
    metrics, run = json.loads((tmp_path / "made/metrics.json").read_text()), open_run(tmp_path / "made")
    position = metrics["position"]
    assert [metrics[key] for key in ("oa", "aa", "kappa")] == [position[key] for key in ("oa", "aa", "kappa")]
    assert metrics["leakage"]["accuracy_by_distance"] == position["accuracy_by_distance"]
    assert position["skill"] == 0
    assert (position["skill_low"], position["skill_high"]) in ((0, 0), (None, None))
    assert position["oa"] < 0.999  # else nothing was tested
    np.testing.assert_array_equal(run.class_map, nearest_classes(run.split, run.load_scene().labels))
    sentence = " ".join(outcome.out.split())
    right = f"would be right on {100 * position['oa']:.1f} %; this one adds nothing to it."
    assert f"A map drawn from position alone, no spectrum read, {right}" in sentence
    assert verify(tmp_path / "made").differences == []


def test_rows_and_columns_without_data_at_the_edges_change_nothing(hsi_run):
    made = hsi.load("synthetic", rows=40, cols=36)
    cube = made.cube.astype(np.float32)
    cube[:5], cube[:, -3:] = np.nan, np.nan
    labels = np.where(np.isnan(cube[..., 0]), 0, made.labels)
    scene = hsi.from_arrays(cube, labels)
    run = hsi.fit(scene, scene.split("random", train=0.1), model="position")
    drawn = nearest_classes(run.split, scene.labels)
    np.testing.assert_array_equal(run.class_map, np.where(np.isnan(cube[..., 0]), 0, drawn))
    assert run.scores["oa"] == run.position["oa"]


def test_it_says_nothing_about_another_scene(hsi_run, tmp_path):
    made = hsi.load("synthetic", rows=40, cols=36)
    run = hsi.fit(made, made.split("random", train=0.1), model="position")
    again = hsi.open_run(run.save(tmp_path / "made"))
    for which in (run, again):
        with pytest.raises(HsiError, match=r"knows the pixels of synthetic by row and column, which say nothing"):
            which.predict(hsi.load("synthetic", rows=40, cols=36, seed=1))
        with pytest.raises(HsiError, match="by row and column"):
            which.export(tmp_path / "model.onnx")
    network = hsi.fit(made, made.split("random", train=0.1), model="cnn_1d", reduce="place", steps=2)
    with pytest.raises(HsiError, match="by row and column"):  # whatever the model
        network.predict(made)


def test_it_takes_nothing_but_places():
    made = hsi.load("synthetic", rows=40, cols=36)
    for words in (["reduce=none"], ["reduce=pca", "reduce.components=2"]):
        with pytest.raises(HsiError, match="model=position takes rows and columns"):
            hsi.fit(made, made.split("random", train=0.1), "position", *words)


def test_places_in_place_of_spectra():
    cube = np.random.default_rng(0).normal(size=(4, 3, 7))
    split = hsi.splits.roles.Split(np.ones((4, 3), np.uint8))
    valid = np.ones((4, 3), bool)
    valid[2, 1] = False
    features = reduce.place(cube, split, valid=valid)
    assert features.components == 2
    assert features.image.dtype == np.float32
    assert features.image[3, 2].tolist() == [3, 2]
    assert features.image[2, 1].tolist() == [0, 0]
    assert features.reducer.by_place
    for other in (reduce.none(cube, split), reduce.standardize(cube, split), reduce.pca(cube, split, components=2)):
        assert not other.reducer.by_place
    lazy = LazyCube(cube.shape, cube.dtype, lambda rows, cols, bands: cube[rows, cols])
    with pytest.raises(HsiError, match=r"reduce=place needs the whole scene in memory: raise scene\.memory_gb"):
        reduce.place(lazy, split)


def test_of_a_single_band_it_is_read_back(tmp_path):
    cube = np.random.default_rng(0).integers(1, 99, (8, 9, 1))
    labels = np.kron([[1, 2, 3]], np.ones((8, 3), int))
    scene = hsi.from_arrays(cube, labels)
    run = hsi.fit(scene, scene.split("random", train=0.3), model="position")
    trained = load_model(run.save(tmp_path / "made"))
    assert trained.reducer.by_place
    assert trained.network.head.samples.shape[1] == 2


@given(seed=st.integers(0, 200))
def test_the_estimator_is_the_rule_itself(seed):
    rng = np.random.default_rng(seed)
    places, classes = rng.integers(0, 12, (20, 2)), rng.integers(3, 9, 20)
    asked = rng.integers(0, 12, (50, 2))
    fitted = NearestPlace().fit(places.astype(np.float32), classes)
    chances = fitted.predict_proba(asked.astype(np.float32))
    assert set(np.unique(chances)) <= {0, 1}
    assert (chances.sum(1) == 1).all()
    np.testing.assert_array_equal(fitted.classes_[chances.argmax(1)], fitted.predict(asked))
    squared = ((asked[:, None] - places) ** 2).sum(2)
    lowest = np.where(squared == squared.min(1, keepdims=True), classes, 99).min(1)
    np.testing.assert_array_equal(fitted.predict(asked), lowest)

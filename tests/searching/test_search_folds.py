"""The folds of a search keep whole fields together, and keep the test side out."""

from dataclasses import replace

import numpy as np
import pytest

from hsi.config.build import build_as
from hsi.errors import HsiError
from hsi.recipes import compose_settings, split_of
from hsi.scene import Scene
from hsi.scenes.synthetic import make_synthetic
from hsi.searching.folds import fold_fields
from hsi.searching.scoring import scorer
from hsi.splits.fields import number_fields
from hsi.splits.random import random_split
from hsi.splits.regions import regions_split
from hsi.splits.roles import TEST, TRAIN, VALIDATION


def patchwork(rows, cols):
    """Fields of 6 x 6 pixels of three classes in turn, 2 pixels apart."""
    row, col = np.indices((rows, cols))
    inside = (row % 8 < 6) & (col % 8 < 6)
    return np.where(inside, 1 + (row // 8 + col // 8) % 3, 0)


SCENE = replace(make_synthetic(rows=48, cols=40, bands=8, classes=3), labels=patchwork(48, 40))
SPLIT = regions_split(SCENE.labels, train=0.6, seed=1)


@pytest.mark.parametrize("folds", [2, 3])
def test_every_known_pixel_validates_once_and_trains_otherwise(folds):
    known, made = fold_fields(SCENE, SPLIT, folds, seed=0)
    inside = SPLIT.role == TRAIN
    assert np.array_equal(known.labels > 0, inside)
    assert np.array_equal(sum((fold.role == VALIDATION).astype(int) for fold in made), inside.astype(int))
    for fold in made:
        assert np.array_equal(fold.role > 0, inside)
        assert not (fold.role == TEST).any()
        assert set(known.labels[fold.role == TRAIN]) == set(known.labels[fold.role == VALIDATION]) == {1, 2, 3}


def test_fields_stay_whole_and_test_pixels_have_a_region_of_their_own():
    known, made = fold_fields(SCENE, SPLIT, 2, seed=0)
    fields = number_fields(known.labels)
    assert fields.max() > 9
    for fold in made:
        assert all(len(np.unique(fold.role[fields == number])) == 1 for number in range(1, fields.max() + 1))
        assert np.array_equal(fold.region == TEST, SPLIT.region == TEST)
        assert (fold.region[fold.role > 0] == fold.role[fold.role > 0]).all()


def test_classes_too_small_for_the_folds_are_left_out():
    labels = SCENE.labels.copy()
    members = np.flatnonzero((labels == 3) & (SPLIT.role == TRAIN))
    labels.ravel()[members[1:]] = 0
    _, made = fold_fields(replace(SCENE, labels=labels), SPLIT, 2, seed=0)
    assert all(fold.role.ravel()[members[0]] == 0 for fold in made)


def test_a_split_whose_sides_are_not_apart_is_refused():
    with pytest.raises(HsiError, match=r"choose split=regions, blocks or polygons"):
        fold_fields(SCENE, random_split(SCENE.labels, train=0.3), 2, seed=0)


def test_nothing_of_the_test_side_reaches_a_score_and_validation_labels_do(monkeypatch):
    """Other spectra and other labels there, of unlabelled pixels too: the same score to the last digit."""
    monkeypatch.setattr("hsi.experiment.cost", lambda *_: None)  # counting takes longer than such trainings
    words = ["scene=synthetic", "scene.rows=24", "scene.cols=20", "scene.bands=12", "scene.classes=3"]
    words += ["reduce.components=4", "train.steps=2", "train.batch_size=16", "model.filters=2", "patch_size=5"]
    tree, _ = compose_settings(words, "search")
    scene = build_as(Scene, tree["scene"], "scene")
    split = split_of(scene, tree["split"])
    rng = np.random.default_rng(0)
    away = split.region == TEST
    cube, labels = scene.cube.copy(), scene.labels.copy()
    cube[away] = rng.permutation(cube[away]) // 2
    labels[split.role == TEST] = rng.permutation(labels[split.role == TEST])

    def score(changed, relabel=False):
        known, (fold, _) = fold_fields(changed, split, 2, 0)
        if relabel:
            known.labels[fold.role == VALIDATION] = rng.permutation(known.labels[fold.role == VALIDATION])
        return scorer(tree, known, [fold], 0, "cpu")((("separable_3", 0, "max_pooling", 1),))

    as_it_is = score(scene)
    assert (labels != scene.labels).any()
    assert score(replace(scene, cube=cube, labels=labels)) == as_it_is
    assert score(scene, relabel=True) != as_it_is

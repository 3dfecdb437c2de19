import json
from dataclasses import replace

import numpy as np
import pytest

from hsi.evaluation.matched import match
from hsi.scenes.assemble import from_arrays

NAMES, VALUES = ("corn", "wheat", "water"), (10, 20, 30)
CUBE = np.random.default_rng(0).integers(1, 99, (2, 4, 5))
MAP = np.array([[1, 1, 2, 3], [0, 2, 2, 4]], dtype=np.uint8)  # 4: unlike any class


def a_scene(labels, names=None):
    scene = from_arrays(CUBE, np.array(labels))
    return scene if names is None else replace(scene, class_names=names)


def test_classes_are_the_same_where_their_names_are():
    """The scene counts its classes in another order, and has one that the map does not know."""
    scene = a_scene([[1, 1, 1, 4], [1, 4, 0, 1]], ("wheat", "rye"))
    found = match(scene, MAP, (*NAMES, "unknown"), (*VALUES, 31))
    assert found.lookup.tolist() == [0, 2, 0]
    assert found.left_out == ("rye",)
    assert found.pixels == 4  # five of wheat, one without data
    assert found.scores.confusion.tolist() == [[0] * 4, [2, 1, 0, 1], [0] * 4, [0] * 4]
    assert found.as_json()["oa"] == pytest.approx(1 / 4)
    json.dumps(found.as_json(), allow_nan=False)


def test_where_no_name_is_the_same_label_values_are_compared():
    found = match(a_scene([[10, 10, 20, 30], [10, 30, 20, 40]]), MAP, NAMES, VALUES)
    assert found.lookup.tolist() == [0, 1, 2, 3, 0]
    assert found.scores.oa == pytest.approx(5 / 6)
    assert found.left_out == ("class 40",)


def test_labels_that_have_nothing_in_common_with_the_map_give_no_scores(caplog):
    found = match(a_scene([[1, 2, 2, 1], [1, 1, 1, 1]]), MAP, NAMES, VALUES)
    assert found.scores is None
    assert found.as_json() == {"labelled_pixels": 0, "classes_left_out": ["class 1", "class 2"], "matched_by": "value"}
    found.tell()
    assert "None of the labelled pixels" in caplog.text


def test_a_scene_without_labels_has_no_scores():
    assert match(a_scene(np.zeros((2, 4), int)), MAP, NAMES, VALUES) is None


def test_one_class_alone_has_no_kappa():
    found = match(a_scene([[10, 10, 0, 0], [0, 0, 0, 0]]), MAP, NAMES, VALUES)
    assert found.as_json()["kappa"] is None
    assert found.as_json()["per_class"] == {"corn": 1.0, "wheat": None, "water": None}

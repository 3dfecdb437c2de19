import json
from dataclasses import replace

import numpy as np
import pytest

from hsi.evaluation import matched
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


def test_every_block_of_labels_is_compared(monkeypatch):
    """Looked at row by row, which are 32 bytes of labels each, as at once."""
    labels = [[1, 2, 1, 3], [3, 2, 2, 0]]
    whole = match(a_scene(labels, NAMES), MAP, NAMES, VALUES)
    monkeypatch.setattr(matched, "LOOKED_AT", 32)
    by_row = match(a_scene(labels, NAMES), MAP, NAMES, VALUES)
    assert by_row.scores.confusion.tolist() == whole.scores.confusion.tolist() == [[1, 1, 0], [1, 2, 0], [0, 0, 1]]
    assert (by_row.pixels, by_row.by_value, by_row.left_out) == (6, False, ())


def test_prediction_json_has_fractions_by_class_name():
    found = match(a_scene([[1, 2, 1, 3], [3, 2, 2, 0]], NAMES), MAP, NAMES, VALUES).as_json()
    assert found.pop("sentence").endswith(".")
    assert found == {
        "oa": pytest.approx(4 / 6),
        "aa": pytest.approx((1 / 2 + 2 / 3 + 1) / 3),
        "kappa": pytest.approx((4 / 6 - 14 / 36) / (1 - 14 / 36)),  # chance: (2 * 2 + 3 * 3 + 1 * 1) / 36
        "per_class": {"corn": 1 / 2, "wheat": pytest.approx(2 / 3), "water": 1},
        "per_class_precision": {"corn": 1 / 2, "wheat": pytest.approx(2 / 3), "water": 1},
        "per_class_support": {"corn": 2, "wheat": 3, "water": 1},
        "confusion": [[1, 1, 0], [1, 2, 0], [0, 0, 1]],
        "labelled_pixels": 6,
        "classes_left_out": [],
        "matched_by": "name",
    }


def test_one_name_in_common_is_enough_to_go_by_names():
    """Though its other classes have the values of the map's."""
    found = match(a_scene([[10, 20, 30, 10], [30, 10, 20, 20]], ("water", "rye", "oats")), MAP, NAMES, VALUES)
    assert found.lookup.tolist() == [0, 3, 0, 0]
    assert (found.by_value, found.left_out) == (False, ("rye", "oats"))


@pytest.mark.parametrize(
    ("labels", "names", "said", "unsaid"),
    [
        ([[1, 1, 1, 1], [1, 2, 2, 2]], ("corn", "rye"), ["does not know: rye", "OA 50.00 %"], ["by their values"]),
        ([[10, 10, 20, 20], [10, 40, 10, 10]], None, ["by their values", "does not know: class 40"], []),
        ([[1, 1, 1, 1], [1, 2, 2, 2]], ("corn", "wheat"), ["Against 7 labelled", "all labelled"], ["does not know"]),
    ],
)
def test_what_is_told(caplog, labels, names, said, unsaid):
    with caplog.at_level("INFO"):
        match(a_scene(labels, names), MAP, NAMES, VALUES).tell()
    assert all(words in caplog.text for words in said)
    assert not any(words in caplog.text for words in unsaid)

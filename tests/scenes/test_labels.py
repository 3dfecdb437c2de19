import numpy as np
import pytest

from hsi.errors import HsiError
from hsi.scenes.assemble import from_arrays

LABELS = np.array([[0, 1, 10], [14, 10, 1], [0, 14, 14], [0, 0, 1]])
CUBE = np.arange(4 * 3 * 5, dtype=np.uint16).reshape(4, 3, 5)


def test_gaps_in_the_labels_are_closed_and_remembered():
    scene = from_arrays(CUBE, LABELS.astype(np.uint8))
    np.testing.assert_array_equal(scene.labels, [[0, 1, 2], [3, 2, 1], [0, 3, 3], [0, 0, 1]])
    assert scene.labels.dtype == np.int64
    assert scene.label_values == (1, 10, 14)
    assert scene.class_names == ("class 1", "class 10", "class 14")
    np.testing.assert_array_equal(scene.class_counts, [3, 2, 3])
    assert (scene.rows, scene.cols, scene.bands, scene.num_classes) == (4, 3, 5, 3)


@pytest.mark.parametrize("classes", [["water", "corn", "oats"], ["water", "oats"]])
def test_ignored_labels_take_their_names_along(classes):
    scene = from_arrays(CUBE, LABELS, classes=classes, ignored_labels=[10])
    np.testing.assert_array_equal(scene.labels, [[0, 1, 0], [2, 0, 1], [0, 2, 2], [0, 0, 1]])
    assert scene.label_values == (1, 14)
    assert scene.class_names == ("water", "oats")


def test_ignored_colours_and_unknown_ignored_labels(caplog):
    classes = {"water": "#0000ff", "corn": "#ffd700", "oats": "#7d6b1a"}
    scene = from_arrays(CUBE, LABELS, classes=classes, ignored_labels=[1, 99])
    assert scene.colours == ("#ffd700", "#7d6b1a")
    assert "[99] do not occur" in caplog.text


def test_whole_floats_and_negative_ignored_values_pass():
    labels = np.where(LABELS == 0, -1, LABELS).astype(np.float64)
    scene = from_arrays(CUBE, labels, ignored_labels=[-1])
    assert scene.label_values == (1, 10, 14)
    np.testing.assert_array_equal(scene.labels == 0, LABELS == 0)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (LABELS + 0.5, "whole numbers"),
        (np.where(LABELS == 0, np.nan, LABELS), "whole numbers"),
        (LABELS.astype(np.uint64) * 2**60, "whole numbers"),
        (LABELS * 1e300, "whole numbers"),
        (LABELS - 1, r"negative.*\[-1\].*ignored_labels"),
        (LABELS[:3], r"\(4, 3, 5\) and labels \(3, 3\)"),
        (LABELS.T, r"\(4, 3, 5\) and labels \(3, 4\)"),
        (LABELS.astype(complex), "whole numbers"),
    ],
)
def test_bad_labels(labels, words):
    with pytest.raises(HsiError, match=words):
        from_arrays(CUBE, labels)


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        (["a", "b"], r"2 class names \(a, b, \.\.\.\) for 3 label values \[1, 10, 14\]"),
        (["a", "b", "b"], "different name"),
        ({"a": "red", "b": "#00ff00", "c": "#0000ff"}, "'red' is no colour"),
        ({"a": "#12345g", "b": "#00ff00", "c": "#0000ff"}, "no colour"),
        ({"a": None, "b": "#00ff00", "c": "#0000ff"}, r"scene\.classes=.*: give a list, each text, a mapping"),
        ("corn", r"scene\.classes=corn: give a list"),
    ],
)
def test_bad_class_names(classes, words):
    with pytest.raises(HsiError, match=words):
        from_arrays(CUBE, LABELS, classes=classes)

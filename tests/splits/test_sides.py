"""What is left of classes on sides, and what is told of them."""

import numpy as np
import pytest

from hsi.errors import HsiError
from hsi.splits.roles import TEST, TRAIN, UNUSED, VALIDATION
from hsi.splits.sides import departures, split_by_side, spread

LABELS = np.repeat([[1], [2], [3], [0]], 6, axis=1)
SIDE = np.array([[1, 1, 1, 1, 3, 3], [1, 1, 2, 2, 2, 3], [1, 1, 1, 1, 0, 0], [1, 2, 3, 1, 2, 3]], np.uint8)


def test_departures_by_hand():
    """Class 1 trains with 1 of its 3 pixels on sides; 2 does not train, and 3 does nothing else."""
    labels = np.array([[1, 1, 1, 1, 0], [3, 3, 3, 0, 0], [2, 2, 2, 2, 0]])
    side = np.array([[1, 0, 3, 3, 1], [1, 1, 1, 3, 1], [3, 3, 3, 3, 1]])
    (note,) = departures(labels, side, 0.5, "fields")
    assert note.startswith("class 1: 1 of 3 pixels (33%)")
    assert departures(labels, side, 0.4, "fields") == ()
    assert departures(labels[[2, 0]], side[[2, 0]], 0.5, "fields") == (note,)


def test_a_class_that_misses_a_side_is_left_out_and_told_why():
    split = split_by_side(LABELS, SIDE, region=SIDE)
    assert split.role.tolist() == [[1, 1, 1, 1, 3, 3], [1, 1, 2, 2, 2, 3], [UNUSED] * 6, [UNUSED] * 6]
    assert split.region is SIDE
    (note,) = split.notes
    assert note.startswith("class 3 is left out, with 6 labelled pixels")
    assert note.endswith("no test pixel")
    absent = split_by_side(LABELS, np.where(LABELS == 3, VALIDATION, SIDE), region=None)
    assert absent.notes[0].endswith("no training and no test pixel")


@pytest.mark.parametrize(("side", "left"), [(np.where(LABELS == 2, TRAIN, SIDE), 1), (SIDE * 0 + TEST, "none")])
def test_fewer_than_two_classes_are_no_split(side, left):
    with pytest.raises(HsiError, match=f"leaves {left} of 3 classes"):
        split_by_side(LABELS, side, region=None)


def test_training_pixels_are_thinned_to_as_many_a_class():
    split = split_by_side(LABELS, SIDE, region=None, per_class=3, seed=4, notes=("first",))
    assert np.bincount(LABELS[split.role == TRAIN], minlength=4).tolist() == [0, 3, 2, 0]
    assert [(split.role == role).sum() for role in (VALIDATION, TEST)] == [3, 3]
    assert split.notes[0] == "first"
    assert [note[:12] for note in split.notes[1:]] == ["class 3 is l", "class 2 has "]
    assert "class 2 has 2 pixels on the train side: all train in place of 3" in split.notes
    assert split_by_side(LABELS, SIDE, region=None, per_class=2).notes[1:] == ()


def test_no_side_takes_that_of_the_nearest_pixel_by_euclid():
    side = np.zeros((2, 4), np.uint8)
    side[0, 0], side[1, 3] = TRAIN, TEST
    assert spread(side).tolist() == [[1, 1, 3, 3], [1, 1, 3, 3]]

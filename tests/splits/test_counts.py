"""How many pixels of each class train and validate: tables by hand."""

import re

import numpy as np
import pytest

from hsi.errors import HsiError
from hsi.splits.counts import class_counts, class_sizes, share_out


def numbers(note):
    return [int(number) for number in re.findall(r"\d+", note)]


def test_a_class_gives_at_most_half_of_its_pixels():
    notes = []
    train, validation = class_counts(np.array([40, 8, 7, 2, 3, 9]), 0.3, 4, 0, notes)
    assert train.tolist() == [4, 4, 3, 1, 1, 4]
    assert validation.tolist() == [0] * 6
    # class, its pixels, those that train, those that were asked for
    assert [numbers(note) for note in notes] == [[3, 7, 3, 4], [4, 2, 1, 4], [5, 3, 1, 4]]


def test_as_many_a_class_as_the_largest_has_are_too_many():
    class_counts(np.array([9, 5]), 0.3, 8, 0, [])
    with pytest.raises(HsiError, match="9 labelled pixels"):
        class_counts(np.array([9, 5]), 0.3, 9, 0, [])


def test_shares_by_largest_remainder_and_one_pixel_to_test():
    """Of 105 pixels 31 are 30 %: 29.52, 0.89 and 0.59 make 29, 1 and 1; validation finds no pixel left in class 3."""
    notes = []
    train, validation = class_counts(np.array([100, 3, 2]), 0.3, None, 0.3, notes)
    assert train.tolist() == [29, 1, 1]
    assert validation.tolist() == [29, 1, 0]
    assert [numbers(note) for note in notes] == [[3, 2, 0, 1]]


def test_a_class_that_its_share_gives_no_pixel_trains_with_one():
    notes = []
    train, _ = class_counts(np.array([1000, 2]), 10, None, 0, notes)
    assert train.tolist() == [10, 1]
    assert [numbers(note) for note in notes] == [[2, 2, 1, 0]]


def test_one_pixel_of_each_class_is_kept_for_testing():
    train, _ = class_counts(np.array([6, 4]), 8, None, 0, [])
    assert train.tolist() == [5, 3]
    train, _ = class_counts(np.array([10, 2]), 10, None, 0, [])  # in proportion 8 and 2
    assert train.tolist() == [8, 1]
    with pytest.raises(HsiError, match=r"split\.train=9: .* 10 labelled pixels and each of 2 classes"):
        class_counts(np.array([6, 4]), 9, None, 0, [])
    with pytest.raises(HsiError, match=r"split\.validation=9"):
        class_counts(np.array([6, 4]), 2, None, 9, [])


def test_from_one_on_an_amount_is_a_number():
    train, validation = class_counts(np.array([50, 50]), 2.0, None, 1, [])
    assert (train.sum(), validation.sum()) == (2, 2)  # each class gives one at least
    assert class_counts(np.array([50, 50]), 0.999, None, 0, [])[0].sum() == 98


def test_ties_of_remainders_go_to_the_first():
    assert share_out(2, np.array([1, 1, 1])).tolist() == [1, 1, 0]
    assert share_out(7, np.array([2, 1, 1])).tolist() == [3, 2, 2]
    sizes = np.random.default_rng(0).integers(1, 4, 300)
    exact = 100 * sizes / sizes.sum()
    order = sorted(range(300), key=lambda k: np.floor(exact[k]) - exact[k])  # Python's sort keeps the order of equals
    more = np.isin(np.arange(300), order[: 100 - int(np.floor(exact).sum())])
    assert (share_out(100, sizes) == np.floor(exact) + more).all()


def test_classes_are_counted_from_one():
    assert class_sizes(np.array([[0, 2, 1], [2, 1, 2]])).tolist() == [2, 3]
    assert class_sizes(np.array([[1, 1], [0, 1]])).tolist() == [3]
    with pytest.raises(HsiError, match="class 2 has 1 labelled pixel"):
        class_sizes(np.array([[1, 1, 2], [3, 3, 3]]))
    with pytest.raises(HsiError, match="no pixel is labelled"):
        class_sizes(np.zeros((2, 2), int))

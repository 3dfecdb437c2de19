"""Confidence by fields of the map: by hand, and that pixels of one field come and go together."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hsi.evaluation.abstention import field_confidence
from hsi.evaluation.calibration import calibration
from hsi.splits.fields import number_fields


def test_means_of_fields_by_hand():
    class_map = np.array([[1, 1, 2], [0, 2, 1]])
    confidence = np.array([[0.5, 0.7, 0.9], [0.2, 0.5, 0.3]])
    expected = [[0.5, 0.5, 0.7], [np.nan, 0.7, 0.5]]  # corners touch: all of class 1 is one field, so is class 2
    np.testing.assert_allclose(field_confidence(class_map, confidence), expected)


@given(seed=st.integers(0, 999))
def test_it_keeps_the_mean_and_is_the_same_within_a_field(seed):
    rng = np.random.default_rng(seed)
    class_map, confidence = rng.integers(0, 3, (6, 7)), rng.random((6, 7))
    found, fields = field_confidence(class_map, confidence), number_fields(class_map)
    inside = class_map > 0
    assert (np.isnan(found) == ~inside).all()
    np.testing.assert_allclose(found[inside].sum(), confidence[inside].sum())
    assert all(np.ptp(found[fields == number]) == 0 for number in range(1, fields.max() + 1))


def test_where_errors_are_whole_fields_they_are_left_out_first():
    """Single pixels are unsure at random, fields of the wrong class a little less sure in the mean."""
    rng = np.random.default_rng(0)
    class_map = np.kron(np.arange(16).reshape(4, 4) % 2 + np.arange(4)[:, None] % 2 * 2 + 1, np.ones((9, 9), int))
    wrong = np.kron(rng.random((4, 4)) < 0.4, np.ones((9, 9), bool))
    confidence = np.clip(0.6 - 0.1 * wrong + 0.2 * rng.normal(size=wrong.shape), 0, 1)
    by_pixel, by_field = (
        calibration(values[values >= 0], ~wrong[values >= 0]).aurc
        for values in (confidence, field_confidence(class_map, confidence))
    )
    assert by_field < by_pixel / 2

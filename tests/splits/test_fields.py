"""Fields are the 8-connected pieces of each class, wherever they lie."""

import numpy as np
from hypothesis import given
from label_images import label_images

from hsi.splits.fields import number_fields, pixels_of_fields, weigh_fields


def test_two_classes_by_hand():
    """Corners touch; the ones of the last column are apart, and so are classes that touch."""
    labels = np.array([[1, 0, 0, 1], [0, 1, 2, 0], [2, 0, 2, 1]])
    assert number_fields(labels).tolist() == [[1, 0, 0, 2], [0, 1, 4, 0], [5, 0, 4, 3]]
    assert [pixels.tolist() for pixels in pixels_of_fields(labels == 1)] == [[0, 5], [3], [11]]


@given(labels=label_images)
def test_a_field_is_what_neighbours_of_one_class_share(labels):
    fields = number_fields(labels)
    assert ((fields == 0) == (labels == 0)).all()
    assert set(np.unique(fields)) - {0} == set(range(1, fields.max() + 1))
    rows, cols = labels.shape
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here = np.s_[: rows - down, max(0, -right) : cols - max(0, right)]
        there = np.s_[down:, max(0, right) : cols + min(0, right)]
        alike = (labels[here] == labels[there]) & (labels[here] > 0)
        assert ((fields[here] == fields[there]) & (labels[here] > 0) == alike).all()


@given(labels=label_images)
def test_fields_of_a_class_weigh_alike_and_classes_as_many_pixels(labels):
    fields, inside = number_fields(labels), labels > 0
    weights = weigh_fields(labels[inside], fields[inside])
    for k in np.unique(labels[inside]):
        own = labels[inside] == k
        sums = np.bincount(fields[inside][own], weights[own])[np.unique(fields[inside][own])]
        np.testing.assert_allclose(sums, own.sum() / len(sums))

"""The map of the nearest training pixel, against every distance looked at one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsi.splits.nearest import nearest_classes, places_of
from hsi.splits.roles import TRAIN, Split


def brute_force(role, labels):
    """The lowest class among the training pixels at the least squared distance."""
    train = np.argwhere(role == TRAIN)
    found = np.zeros_like(labels)
    for place in np.ndindex(labels.shape):
        squared = ((train - place) ** 2).sum(1)
        found[place] = min(labels[tuple(there)] for there in train[squared == squared.min()])
    return found


def roles(*places, shape):
    role = np.zeros(shape, np.uint8)
    role[tuple(zip(*places, strict=True))] = TRAIN
    return role


def test_by_hand():
    labels = np.array([[3, 0, 0, 0, 1]])
    role = roles((0, 0), (0, 4), shape=(1, 5))
    np.testing.assert_array_equal(nearest_classes(Split(role), labels), [[3, 3, 1, 1, 1]])  # the middle is a tie


@pytest.mark.parametrize("classes", [(2, 5), (5, 2), (1, 255), (65535, 65534)])
def test_ties_go_to_the_lower_class_wherever_it_lies(classes):
    labels = np.zeros((26, 26), np.int64)
    labels[0, 25], labels[25, 0] = classes
    role = roles((0, 25), (25, 0), shape=labels.shape)
    drawn = nearest_classes(Split(role), labels)
    assert set(np.diag(drawn)) == {min(classes)}  # the diagonal is as far from both
    assert drawn[0, 1] == labels[25, 0] or drawn[0, 1] == labels[0, 25]
    assert drawn[1, 24] == labels[0, 25]
    assert drawn[24, 1] == labels[25, 0]


def test_distances_are_euclidean_and_ties_those_of_squared_whole_numbers():
    labels = np.zeros((6, 6), np.int64)
    labels[0, 5], labels[3, 4] = 2, 1  # (0, 0) is 25 from both, 5 and 7 steps away
    role = roles((0, 5), (3, 4), shape=labels.shape)
    assert nearest_classes(Split(role), labels)[0, 0] == 1
    labels[3, 4], labels[0, 5] = 2, 1
    assert nearest_classes(Split(role), labels)[0, 0] == 1
    labels = np.zeros((5, 5), np.int64)
    labels[3, 3], labels[0, 4] = 1, 2  # 18 and 16: neither the larger nor the sum of the differences decides
    assert nearest_classes(Split(roles((3, 3), (0, 4), shape=(5, 5))), labels)[0, 0] == 2


@given(seed=st.integers(0, 10_000), classes=st.integers(1, 40), many=st.sampled_from([0.03, 0.2, 0.7]))
def test_against_brute_force(seed, classes, many):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 14, 2))
    role = np.where(rng.random(shape) < many, TRAIN, rng.integers(0, 4, shape)).astype(np.uint8)
    role.ravel()[rng.integers(role.size)] = TRAIN
    labels = rng.integers(1, classes + 1, shape)
    drawn = nearest_classes(Split(role), labels)
    np.testing.assert_array_equal(drawn, brute_force(role, labels))
    assert drawn.dtype == labels.dtype
    asked = rng.random(shape) < 0.5
    np.testing.assert_array_equal(nearest_classes(Split(role), labels, asked), np.where(asked, drawn, 0))


@given(seed=st.integers(0, 1000), row=st.integers(0, 10**5), col=st.integers(0, 10**5))
def test_it_is_the_same_far_from_the_origin_of_a_large_scene(seed, row, col):
    rng = np.random.default_rng(seed)
    places, classes = rng.integers(0, 40, (25, 2)), rng.integers(1, 256, 25)
    asked = rng.integers(0, 40, (60, 2))
    near = places_of(places, classes).nearest(asked)
    there = np.array([row, col])
    np.testing.assert_array_equal(places_of(places + there, classes).nearest(asked + there), near)
    far = asked + np.array([2 * 10**5, 0])
    squared = ((far[:, None] - places) ** 2).sum(2)
    lowest = np.where(squared == squared.min(1, keepdims=True), classes, 999).min(1)
    np.testing.assert_array_equal(places_of(places, classes).nearest(far), lowest)

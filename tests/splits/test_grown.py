import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_images import label_images
from scipy.ndimage import label

from hsi.evaluation.leakage import audit
from hsi.splits.fields import TOUCHING
from hsi.splits.grown import grown_split
from hsi.splits.random import random_split
from hsi.splits.roles import TEST, TRAIN, UNUSED, VALIDATION


@given(labels=label_images, train=st.floats(0.1, 0.6), validation=st.sampled_from([0, 0.2]), seed=st.integers(0, 99))
def test_training_regions_are_connected_and_in_proportion_to_their_fields(labels, train, validation, seed):
    split = grown_split(labels, train=train, validation=validation, seed=seed)
    assert ((split.role == UNUSED) == (labels == 0)).all()
    for k in range(1, labels.max() + 1):
        members = labels == k
        assert (split.role[members] == TEST).any()
        share = (split.role[members] == TRAIN).mean()
        fields, count = label(members, TOUCHING)
        for f in range(1, count + 1):
            core = (fields == f) & (split.role == TRAIN)
            assert abs(core.sum() - share * (fields == f).sum()) < 1
            assert label(core, TOUCHING)[1] <= 1
            grown = core | ((fields == f) & (split.role == VALIDATION))
            assert label(grown, TOUCHING)[1] <= 1
    assert grown_split(labels, train=train, validation=validation, seed=seed).hash == split.hash


@given(labels=label_images, train=st.floats(0.1, 0.6), per_class=st.sampled_from([None, 5]), seed=st.integers(0, 99))
def test_it_trains_with_as_many_pixels_of_each_class_as_random(labels, train, per_class, seed):
    grown, random = (f(labels, train=train, per_class=per_class, seed=seed) for f in (grown_split, random_split))
    assert (np.bincount(labels[grown.role == TRAIN]) == np.bincount(labels[random.role == TRAIN])).all()


SPIRAL = """
1111111
......1
11111.1
1...1.1
1.111.1
1.....1
1111111
"""


@pytest.mark.parametrize("seed", range(6))
def test_regions_grow_within_their_field_and_over_corners(seed):
    """A spiral, and a diagonal whose pixels touch at their corners: the trained are always in one piece."""
    labels, spiral = np.zeros((16, 16), int), [[sign == "1" for sign in line] for line in SPIRAL.split()]
    labels[:7, :7], labels[8:, 8:] = spiral, 2 * np.eye(8, dtype=int)
    for share in (0.2, 0.5, 0.8):
        split = grown_split(labels, train=share, seed=seed)
        for k in (1, 2):
            assert label((labels == k) & (split.role == TRAIN), TOUCHING)[1] == 1


def test_pixels_that_touch_at_their_corners_are_one_field_which_grows_from_anywhere():
    labels = np.pad(np.eye(12, dtype=int), ((0, 0), (0, 4)))
    labels[:, 15] = 2
    firsts = {int(np.argmax(grown_split(labels, train=0.25, seed=seed).role.diagonal() == TRAIN)) for seed in range(6)}
    assert len(firsts) > 2


def test_fields_that_train_whole_have_nothing_left_to_validate():
    """Six fields of one pixel: three train, two of the others validate."""
    labels = np.zeros((3, 12), int)
    labels[0, ::2], labels[2, :6] = 1, 2
    split = grown_split(labels, train=0.5, validation=0.34)
    assert sorted(split.role[0, ::2]) == [TRAIN] * 3 + [VALIDATION] * 2 + [TEST]


def test_validation_grows_in_each_field_in_proportion_to_what_training_leaves():
    labels = np.zeros((4, 60), int)
    labels[0], labels[2, :30], labels[2, 40:50] = 1, 2, 2
    split = grown_split(labels, train=0.5, validation=0.2)
    counts = [np.bincount(split.role[2, part], minlength=4)[1:].tolist() for part in (slice(0, 30), slice(40, 50))]
    assert counts == [[15, 6, 9], [5, 2, 3]]


def test_seeds_differ_and_rings_are_whole():
    labels = np.zeros((15, 15), int)
    labels[1:14, 1:14] = 1
    labels[0, :2] = 2
    splits = [grown_split(labels, per_class=9, seed=seed) for seed in range(5)]
    assert len({split.hash for split in splits}) > 1
    for split in splits:
        rows, cols = np.nonzero((split.role == TRAIN) & (labels == 1))
        inside = rows.min() >= 2 and rows.max() <= 12 and cols.min() >= 2 and cols.max() <= 12
        if inside:  # a seed and its eight neighbours
            assert np.ptp(rows) == np.ptp(cols) == 2


def test_it_lessens_the_overlap_of_random(indian_pines):
    shares = [
        audit(f(indian_pines.labels, train=0.1), indian_pines.labels, 9)["test_windows_with_training_pixel"]
        for f in (grown_split, random_split)
    ]
    assert 0 < shares[0] < 0.6 * shares[1]

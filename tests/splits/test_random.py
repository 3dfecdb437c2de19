import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsi.config.build import build
from hsi.errors import HsiError
from hsi.splits.random import random_split
from hsi.splits.roles import TEST, TRAIN, UNUSED, VALIDATION

sizes_of_classes = st.lists(st.integers(3, 60), min_size=2, max_size=6)


def labels_of(sizes):
    flat = np.repeat(np.arange(len(sizes) + 1), [10, *sizes])
    return np.random.default_rng(0).permutation(flat).reshape(1, -1)


@given(
    sizes=sizes_of_classes,
    train=st.floats(0.05, 0.9),
    validation=st.sampled_from([0, 0.1]),
    seed=st.integers(0, 99),
)
def test_every_labelled_pixel_has_one_role_and_every_class_trains_and_tests(sizes, train, validation, seed):
    labels = labels_of(sizes)
    split = random_split(labels, train=train, validation=validation, seed=seed)
    assert ((split.role == UNUSED) == (labels == 0)).all()
    for k in range(1, len(sizes) + 1):
        assert (split.role[labels == k] == TRAIN).any()
        assert (split.role[labels == k] == TEST).any()
    again = random_split(labels, train=train, validation=validation, seed=seed)
    assert again.hash == split.hash


@given(sizes=st.lists(st.integers(20, 60), min_size=2, max_size=6), train=st.floats(0.2, 0.8))
def test_the_requested_size_is_met(sizes, train):
    labels = labels_of(sizes)
    split = random_split(labels, train=train)
    total = int(train * sum(sizes))
    assert len(split.pixels(TRAIN)) == total
    for k, size in enumerate(sizes):
        assert abs((split.role[labels == k + 1] == TRAIN).sum() - total * size / sum(sizes)) <= 1


def test_thirty_percent_of_indian_pines(indian_pines):
    split = random_split(indian_pines.labels, train=0.3)
    assert (len(split.pixels(TRAIN)), len(split.pixels(TEST))) == (3074, 7175)


def test_per_class_halves_the_small_ones_and_says_so(indian_pines):
    split = random_split(indian_pines.labels, per_class=30)
    trained = np.bincount(indian_pines.labels[split.role == TRAIN])[1:]
    assert trained.tolist() == [23, *[30] * 5, 14, 30, 10, *[30] * 7]
    assert [note.split(":")[0] for note in split.notes] == [
        "class 1 has 46 pixels",
        "class 7 has 28 pixels",
        "class 9 has 20 pixels",
    ]


def test_validation_comes_out_of_the_rest():
    split = random_split(labels_of([40, 60]), train=20, validation=10)
    assert [len(split.pixels(role)) for role in (TRAIN, VALIDATION, TEST)] == [20, 10, 70]


def test_seeds_differ():
    labels = labels_of([40, 60])
    assert random_split(labels, seed=0).hash != random_split(labels, seed=1).hash


@pytest.mark.parametrize(
    "asked",
    [{"train": 0}, {"train": 1.5}, {"train": -0.1}, {"train": 1000}, {"per_class": 0}, {"per_class": 60}],
)
def test_impossible_requests_are_refused(asked):
    with pytest.raises(HsiError, match=r"split\."):
        build({"_target_": "hsi.splits.random.random_split", "_partial_": True, **asked}, "split")(labels_of([40, 60]))


def test_a_class_of_one_pixel_is_refused():
    with pytest.raises(HsiError, match="class 2 has 1 labelled pixel"):
        random_split(labels_of([40, 1]))

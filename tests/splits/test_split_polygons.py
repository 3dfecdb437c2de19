"""No polygon on two sides, whatever the polygons."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from label_images import label_images
from scipy.ndimage import label

from hsi.errors import HsiError
from hsi.evaluation.leakage import audit, count_polygons, sees_training
from hsi.splits.fields import TOUCHING
from hsi.splits.polygons import polygons_split
from hsi.splits.roles import TEST, TRAIN, UNUSED, VALIDATION, Split


def fields_of(labels):
    """Each field of each class as a polygon: what `hsi.scenes.polygons` makes of a layer of fields."""
    polygons = np.zeros(labels.shape, np.int32)
    for k in range(1, labels.max() + 1):
        numbers, _ = label(labels == k, TOUCHING)
        polygons[numbers > 0] = numbers[numbers > 0] + polygons.max()
    return polygons


def counts(labels, polygons):
    return [len(np.unique(polygons[(labels == k) & (polygons > 0)])) for k in range(1, labels.max() + 1)]


@given(
    labels=label_images,
    train=st.floats(0.2, 0.7),
    validation=st.sampled_from([0, 0.2]),
    seed=st.integers(0, 99),
    stripes=st.integers(2, 5),
)
def test_no_polygon_is_on_two_sides_and_windows_see_one(labels, train, validation, seed, stripes):
    # stripes of each field: polygons that touch, as the two classes of one field may
    polygons = fields_of(labels) * stripes + np.arange(labels.shape[0])[:, None] % stripes
    polygons = np.where(labels > 0, polygons, 0)
    sides = 3 if validation else 2
    assume(sum(count >= sides for count in counts(labels, polygons)) >= 2)
    split = polygons_split(labels, polygons, train=train, validation=validation, seed=seed)
    for number in np.unique(polygons[polygons > 0]):
        assert len(np.unique(split.role[polygons == number])) == 1
        assert len(np.unique(split.region[polygons == number])) == 1
    assert ((split.role == split.region) | (split.role == UNUSED)).all()
    assert set(np.unique(split.region)) <= {TRAIN, VALIDATION, TEST}
    assert not sees_training(split, 9)[split.role == TEST].any()
    found = audit(split, labels, 9, polygons=polygons)
    assert found["polygons"]["on_both_sides"] == 0
    assert found["sentence"].endswith("polygons that test also trains.")
    assert polygons_split(labels, polygons, train=train, validation=validation, seed=seed).hash == split.hash


@given(labels=label_images, folds=st.integers(2, 4), validation=st.sampled_from([0, 1]), seed=st.integers(0, 9))
def test_every_polygon_tests_in_exactly_one_fold(labels, folds, validation, seed):
    folds = max(folds, 3) if validation else folds
    polygons = np.where(labels > 0, fields_of(labels) * 4 + np.arange(labels.shape[0])[:, None] % 4, 0)
    assume(min(counts(labels, polygons)) >= folds)
    splits = [
        polygons_split(labels, polygons, folds=folds, fold=fold, validation=validation, seed=seed)
        for fold in range(folds)
    ]
    assert (sum((split.role == TEST).astype(int) for split in splits) == (labels > 0)).all()
    if validation:
        for fold, split in enumerate(splits):
            assert ((split.role == VALIDATION) == (splits[(fold + 1) % folds].role == TEST)).all()


def test_by_hand():
    """Polygons of 4, 2 and 2 pixels in each of two classes, and a class of a single one."""
    labels = np.array([[1, 1, 1, 1, 0, 2, 2, 2, 2], [1, 1, 0, 1, 1, 2, 2, 0, 2], [0, 3, 3, 0, 0, 0, 0, 0, 2]])
    polygons = np.array([[1, 1, 1, 1, 0, 4, 4, 4, 4], [2, 2, 0, 3, 3, 5, 5, 0, 6], [0, 7, 7, 0, 0, 0, 0, 0, 6]])
    split = polygons_split(labels, polygons)
    for large, small in ((1, (2, 3)), (4, (5, 6))):  # halves: the largest on one side, the others on the other one
        (side,) = set(split.role[polygons == large])
        assert set(split.role[np.isin(polygons, small)]) == {TRAIN + TEST - side}
    assert (split.region[polygons == 7] == TRAIN).all()
    assert (split.region[polygons > 0] == split.role[polygons > 0]).all()
    assert (split.region[0, 4], split.region[2, 0]) == (split.role[0, 3], split.role[1, 0])  # the nearest
    assert (split.role[polygons == 7] == TRAIN).all()
    assert split.notes == ("class 3 has a single polygon: it trains, and nothing tests the class",)


def test_two_polygons_of_three_sides_train_and_test():
    labels = np.repeat([[1], [2], [3]], 12, axis=1)
    polygons = np.array([[1] * 4 + [2] * 4 + [3] * 4, [4] * 4 + [5] * 4 + [6] * 4, [7] * 8 + [8] * 4])
    split = polygons_split(labels, polygons, train=0.4, validation=0.3)
    assert (split.role[polygons == 7] == TRAIN).all()
    assert (split.role[polygons == 8] == TEST).all()
    assert "class 3 has 2 polygons for 3 sides: one trains, one tests, none validates" in split.notes


def test_a_share_that_polygons_do_not_allow_is_named():
    labels = np.repeat([[1], [2]], 10, axis=1)
    polygons = np.array([[1] * 9 + [2], [3] * 5 + [4] * 5])
    split = polygons_split(labels, polygons)
    (note,) = split.notes
    assert note.startswith("class 1: ")
    assert note.endswith("lie on the train side, its polygons allow no better balance")


def test_labels_outside_the_polygons_are_unused():
    labels = np.repeat([[1], [2]], 10, axis=1)
    polygons = np.array([[1] * 4 + [2] * 4 + [0] * 2, [3] * 5 + [4] * 5])
    split = polygons_split(labels, polygons)
    assert (split.role[0, 8:] == UNUSED).all()
    assert "2 labelled pixels lie in no polygon and are unused" in split.notes


def test_pixels_of_polygons_without_a_label_count_for_nothing():
    """Polygon 1 has two labelled pixels of eight, polygon 9 none, and neither balance nor sides change."""
    labels = np.repeat([[1], [2], [0]], 10, axis=1)
    polygons = np.array([[1] * 2 + [2] * 4 + [3] * 4, [4] * 5 + [5] * 5, [1] * 6 + [9] * 4])
    split, plain = (polygons_split(labels, np.where(labels > 0, polygons, no)) for no in (polygons, 0))
    assert (split.role == plain.role).all()
    assert (split.region == plain.region).all()
    assert split.notes == plain.notes


def test_faults_are_sentences():
    labels = np.repeat([[1], [2]], 10, axis=1)
    outside = np.where(np.arange(10) > 4, [[1], [2]], 0)
    with pytest.raises(HsiError, match="split=polygons needs labels that were drawn"):
        polygons_split(np.where(outside > 0, 0, labels), outside)
    with pytest.raises(HsiError, match="of 1 classes"):  # one polygon of one class, number 1
        polygons_split(np.ones((1, 4), int), np.ones((1, 4), int))
    with pytest.raises(HsiError, match="1 of 2 classes has a polygon for each of 3 sides"):
        polygons_split(labels, np.array([[1] * 5 + [2] * 5, [3] * 10]), validation=0.2)
    for polygons in (None, np.zeros_like(labels)):
        with pytest.raises(HsiError, match="split=polygons needs labels that were drawn"):
            polygons_split(labels, polygons)
    with pytest.raises(HsiError, match="none of 2 classes has a polygon for each of 2 sides"):
        polygons_split(labels, labels)
    with pytest.raises(HsiError, match=r"split\.fold=5: choose 0 to 1"):
        polygons_split(labels, labels, folds=2, fold=5)


def test_polygons_on_both_sides_are_counted():
    role = np.array([[TRAIN, TEST, TEST, VALIDATION, TRAIN, UNUSED, TEST]], np.uint8)
    polygons = np.array([[1, 1, 2, 2, 3, 4, 0]])
    split, labels = Split(role), np.ones((1, 7), int)
    assert count_polygons(split, polygons) == {"train": 2, "validation": 1, "test": 2, "on_both_sides": 1}
    plain, found = audit(split, labels, 3), audit(split, labels, 3, polygons=polygons)
    assert found["sentence"].startswith(f"{plain['sentence']} 1 of the 2 polygons that test also train")
    assert {key: found[key] for key in plain if key != "sentence"} == {
        k: v for k, v in plain.items() if k != "sentence"
    }


def test_polygons_depart_from_above_a_tenth_of_the_class_on_and_folds_as_they_should():
    labels = np.repeat([[1], [2]], 12, axis=1)
    polygons = np.array([[1] * 4 + [2] * 4 + [3] * 4, [4] * 3 + [5] * 3 + [6] * 3 + [7] * 3])
    for folds, validation in ((3, 0), (3, 1)):
        split = polygons_split(labels, polygons, folds=folds, validation=validation)
        trained = (folds - 1 - validation) * 4  # of class 1; class 2 has 6 or 9, 3 or 6 of 12
        assert (split.role[0] == TRAIN).sum() == trained
        counted = (split.role[1] == TRAIN).sum()
        named = [
            note for note in split.notes if note.startswith(f"class 2: {counted} of 12 pixels ({counted / 12:.0%})")
        ]
        assert len(split.notes) == len(named) == (abs(counted - trained) > 1.2)
    even = np.array([[1] * 6 + [2] * 6, [3] * 5 + [4] * 7])
    assert polygons_split(labels, even).notes == ()


def test_of_two_polygons_for_three_sides_the_larger_trains_whatever_their_numbers():
    labels = np.repeat([[1], [2], [3]], 12, axis=1)
    polygons = np.array([[1] * 4 + [2] * 4 + [3] * 4, [4] * 4 + [5] * 4 + [6] * 4, [7] * 4 + [8] * 8])
    split = polygons_split(labels, polygons, train=0.4, validation=0.3)
    assert [(split.role[polygons == number] == role).all() for number, role in ((7, TEST), (8, TRAIN))] == [True, True]


def test_two_classes_are_enough_and_a_class_may_have_no_polygon():
    labels = np.repeat([[1], [2], [3], [4]], 4, axis=1)
    polygons = np.array([[1, 1, 2, 2], [3, 3, 4, 4], [5] * 4, [0] * 4])
    split = polygons_split(labels, polygons)
    assert (split.role[3] == UNUSED).all()
    assert (split.role[2] == TRAIN).all()
    assert any(note.startswith("4 labelled pixels") for note in split.notes)
    with pytest.raises(HsiError, match="1 of 4 classes"):
        polygons_split(labels, np.where(labels == 2, 3, polygons))

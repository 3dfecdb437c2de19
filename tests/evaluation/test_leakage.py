import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsi.evaluation.leakage import (
    accuracy_by_distance,
    audit,
    count_fields,
    fields_in_words,
    in_words,
    ladder,
    sees_training,
)
from hsi.splits.distance import NONE, distance_to
from hsi.splits.random import random_split
from hsi.splits.regions import regions_split
from hsi.splits.roles import TEST, TRAIN, Split


def window_at(row, col, margin):
    return np.s_[max(0, row - margin) : row + margin + 1, max(0, col - margin) : col + margin + 1]


def a_split(seed, masked):
    """Random roles, with a training and a test pixel at least, and labels for them."""
    rng = np.random.default_rng(seed)
    role = rng.choice([0, 0, 0, 0, TRAIN, TEST], (9, 11)).astype(np.uint8)
    role[0, 0], role[8, 10] = TRAIN, TEST
    region = rng.integers(0, 3, (9, 11)).astype(np.uint8) if masked else None
    return Split(role, region), np.where(role > 0, rng.integers(1, 4, (9, 11)), 0)


def brute_force(split, labels, window, context):
    """Share with a training pixel, with one of the own class, and mean overlap, window by window."""
    margin, region = window // 2, np.zeros(labels.shape) if split.region is None else split.region
    seen = np.zeros(labels.shape, bool)
    for row, col in np.argwhere(split.role == TRAIN):
        around = window_at(row, col, margin)
        seen[around] |= region[around] == region[row, col]
    figures = []
    for row, col in np.argwhere(split.role == TEST):
        around = window_at(row, col, margin)
        visible = (region[around] == region[row, col]) | (context == "free")
        train = (split.role[around] == TRAIN) & visible
        own = train & (labels[around] == labels[row, col])
        figures.append([train.any(), own.any(), seen[around][visible].mean()])
    return np.mean(figures, axis=0)


@given(seed=st.integers(0, 200), window=st.sampled_from([1, 3, 5, 9]), masked=st.booleans())
def test_what_windows_see_against_brute_force(seed, window, masked):
    split, _ = a_split(seed, masked)
    region = np.zeros(split.role.shape) if split.region is None else split.region
    expected = np.zeros(split.role.shape, bool)
    for row, col in np.ndindex(split.role.shape):
        around = window_at(row, col, window // 2)
        expected[row, col] = ((split.role[around] == TRAIN) & (region[around] == region[row, col])).any()
    np.testing.assert_array_equal(sees_training(split, window), expected)


@given(seed=st.integers(0, 200), masked=st.booleans(), context=st.sampled_from(["own", "free"]))
def test_the_ladder_against_brute_force(seed, masked, context):
    split, labels = a_split(seed, masked)
    windows = [1, 3, 5, 9]
    table = ladder(split, labels, windows, context)
    assert table["window"].tolist() == windows
    for row, window in zip(table.iloc[:, 1:].to_numpy(), windows, strict=True):
        np.testing.assert_allclose(row, brute_force(split, labels, window, context), atol=1e-12)


@given(seed=st.integers(0, 200), masked=st.booleans())
def test_distances_against_brute_force(seed, masked):
    split, labels = a_split(seed, masked)
    train, test = (np.argwhere(split.role == role) for role in (TRAIN, TEST))
    nearest = np.abs(test[:, None] - train[None]).max(axis=2).min(axis=1)
    assert audit(split, labels, 3)["distance_counts"] == np.bincount(nearest).tolist()


def test_a_row_by_hand():
    """Train at 0, tests at 1, 2, 3 and 9: a window of 5 reaches two pixels, so 1 and 2 see it, 2 in another class."""
    role = np.zeros((1, 10), np.uint8)
    role[0, 0] = TRAIN
    role[0, [1, 2, 3, 9]] = TEST
    labels = np.array([[1, 1, 2, 1, 0, 0, 0, 0, 0, 1]])
    found = audit(Split(role), labels, 5, class_map=np.full((1, 10), 1))
    assert found["test_windows_with_training_pixel"] == pytest.approx(0.5)
    assert found["test_windows_with_training_pixel_of_own_class"] == pytest.approx(0.25)
    # the training window covers columns 0 to 2; of the tests' windows 0-3, 0-4, 1-5 and 7-9 that is 3, 3, 2, 0
    assert found["mean_overlap"] == pytest.approx((3 / 4 + 3 / 5 + 2 / 5 + 0) / 4)
    assert found["distance_counts"] == [0, 1, 1, 1, 0, 0, 0, 0, 0, 1]
    bins = found["accuracy_by_distance"]
    assert [(b["from"], b["to"], b["pixels"], b["accuracy"]) for b in bins] == [
        (1, 1, 1, 1.0),
        (2, 2, 1, 0.0),
        (3, 4, 1, 1.0),
        (9, 16, 1, 1.0),
    ]
    assert found["sentence"].startswith("50.0% of the test windows (5 x 5 pixels)")
    assert in_words(found) == found["sentence"]


def test_fields_by_hand():
    """Three fields: one trains and tests, one only trains, one only tests. Unused pixels join."""
    labels = np.array([[1, 1, 1, 2, 0, 1, 1], [0, 0, 0, 2, 0, 0, 0]])
    role = np.array([[TRAIN, 0, TEST, TRAIN, 0, TEST, TEST], [0, 0, 0, 0, 0, 0, 0]], np.uint8)
    found = count_fields(Split(role), labels)
    assert found == {
        "test_pixels_in_trained_fields": pytest.approx(1 / 3),
        "test_pixels": 3,
        "fields": 3,
        "trained": 2,
        "tested": 2,
        "both": 1,
        "training_clumps": 2,
    }
    assert audit(Split(role), labels, 3)["fields"] == found
    assert fields_in_words(found) == (
        "33.3% of the 3 test pixels lie in a field that holds training pixels: 1 of the 2 fields that are tested. The "
        "training pixels make 2 connected pieces."
    )


def test_no_test_pixel_lies_in_a_trained_field_where_whole_fields_train():
    labels = np.kron(np.array([[1, 2, 1, 2], [2, 1, 2, 1]]), np.ones((3, 3), int)) * (np.arange(12) % 3 < 2)
    labels[2] = 0
    assert count_fields(regions_split(labels), labels)["test_pixels_in_trained_fields"] == 0
    assert count_fields(random_split(labels), labels)["test_pixels_in_trained_fields"] == 1


def test_windows_of_one_pixel_see_nothing_and_are_near_all_the_same():
    role, labels = np.zeros((9, 40), np.uint8), np.ones((9, 40), int)
    role[4, 0], role[4, 10:13] = TRAIN, TEST
    assert in_words(audit(Split(role), labels, 1)).endswith(
        "The nearest training pixel is 11 pixels away in the median, and no test pixel lies beside one."
    )
    role[3, 1] = TEST  # over the corner is beside, too
    assert in_words(audit(Split(role), labels, 1)).endswith(
        "The nearest training pixel is 10 pixels away in the median, and 1 of the 4 test pixels (25.0%) lie beside one."
    )


def test_masked_regions_leak_nothing_unless_the_map_is_unmasked():
    role, labels = np.array([[TRAIN, TEST]], np.uint8), np.ones((1, 2), int)
    assert audit(Split(role), labels, 3)["test_windows_with_training_pixel"] == 1
    split = Split(role, np.array([[0, 1]], np.uint8))
    found = audit(split, labels, 3)
    assert (found["test_windows_with_training_pixel"], found["mean_overlap"]) == (0, 0)
    assert in_words(found) == (
        "No test window (3 x 3 pixels) contains a training pixel. The nearest training pixel is 1 pixel away in the "
        "median, and 1 of the 1 test pixels (100.0%) lie beside one."
    )
    free = audit(split, labels, 3, context="free")
    assert (free["test_windows_with_training_pixel"], free["mean_overlap"]) == (1, 0.5)


def test_intervals_are_those_of_wilson():
    right = np.arange(20) < 15
    (only,) = accuracy_by_distance(np.full(20, 3), right)
    z, n, p = 1.959963984540054, 20, 0.75  # his formula, by hand
    middle, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert (only["low"], only["high"]) == pytest.approx(
        ((middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n))
    )


def test_indian_pines_for_windows_3_to_25_takes_less_than_ten_seconds(indian_pines):
    split = random_split(indian_pines.labels, train=0.3)
    started = time.monotonic()
    table = ladder(split, indian_pines.labels, range(3, 26, 2))
    assert time.monotonic() - started < 10
    assert table["test_windows_with_training_pixel"].is_monotonic_increasing
    assert table["test_windows_with_training_pixel"].iloc[-1] == 1


@given(seed=st.integers(0, 200), window=st.sampled_from([1, 3, 5, 9]), masked=st.booleans())
def test_pixels_without_data_are_to_a_window_what_lies_beyond_the_border(seed, window, masked):
    """A scene within a margin that holds no data has the figures of the scene alone."""
    split, labels = a_split(seed, masked)
    rng = np.random.default_rng(seed)
    sizes = [(int(before), int(after)) for before, after in rng.integers(0, 6, (2, 2))]
    valid = np.pad(np.ones(labels.shape, bool), sizes)
    region = None if split.region is None else np.pad(split.region, sizes, mode="edge")
    wide = audit(Split(np.pad(split.role, sizes), region), np.pad(labels, sizes), window, valid=valid)
    alone = audit(split, labels, window)
    assert wide.pop("mean_overlap") == pytest.approx(alone.pop("mean_overlap"), abs=1e-9)
    assert wide == alone


def test_a_valid_mask_of_everything_changes_nothing():
    split, labels = a_split(3, True)
    assert audit(split, labels, 5, valid=np.ones(labels.shape, bool)) == audit(split, labels, 5)


def test_where_there_is_nothing_to_be_near_to_the_distance_is_none():
    """Region 2 holds no such pixel; region 1 one at its left end."""
    pixels, region = np.zeros((2, 5), bool), np.array([[1, 1, 1, 2, 2], [1, 1, 1, 2, 2]])
    pixels[0, 0] = True
    found = distance_to(pixels, region)
    assert found.tolist() == [[0, 1, 2, NONE, NONE], [1, 1, 2, NONE, NONE]]
    assert found.dtype == np.int32
    assert (distance_to(pixels & False) == NONE).all()


def test_bins_of_distances_end_at_powers_of_two():
    distance = np.array([1, 2, 3, 4, 5, 8, 9, 16, 17, 32])
    bins = accuracy_by_distance(distance, distance % 2 == 0)
    expected = [(1, 1, 1, 0), (2, 2, 1, 1), (3, 4, 2, 0.5), (5, 8, 2, 0.5), (9, 16, 2, 0.5), (17, 32, 2, 0.5)]
    assert [(b["from"], b["to"], b["pixels"], b["accuracy"]) for b in bins] == expected
    assert all(0 <= b["low"] <= b["accuracy"] <= b["high"] <= 1 for b in bins)


def test_free_windows_meet_training_windows_that_are_masked():
    """The test window reaches over the border, where the training window, of three pixels, ends."""
    role = np.array([[0, TRAIN, 0, 0, TEST]], np.uint8)
    split = Split(role, np.array([[1, 1, 1, 2, 2]], np.uint8))
    labels = np.array([[0, 1, 0, 0, 1]])
    own, free = (audit(split, labels, 5, context=context) for context in ("own", "free"))
    assert (own["mean_overlap"], free["mean_overlap"]) == (0, pytest.approx(1 / 3))
    assert ladder(split, labels, [5])["mean_overlap"][0] == 0  # masked unless it says otherwise
    assert not sees_training(split, 9)[0, 3:].any()
    assert sees_training(split, 9)[0, :3].all()
    assert own["distance_counts"] == free["distance_counts"] == [0, 0, 0, 1]
    assert (own["context"], free["context"]) == ("own", "free")
    assert "accuracy_by_distance" not in own
    assert "polygons" not in own


def test_pixels_without_data_are_no_part_of_a_window():
    """Of the test window's three pixels the one that the training window covers holds no data."""
    split = Split(np.array([[TRAIN, 0, TEST]], np.uint8))
    labels, valid = np.array([[1, 0, 1]]), np.array([[True, False, True]])
    whole, part = (audit(split, labels, 3, valid=mask)["mean_overlap"] for mask in (None, valid))
    assert (whole, part) == (pytest.approx(1 / 2), 0)

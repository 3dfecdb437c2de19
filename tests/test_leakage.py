import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsi.leakage import audit, sees_training
from hsi.split import TEST, TRAIN, Split


def brute_force(split, window):
    margin, (rows, cols) = window // 2, split.role.shape
    seen = np.zeros(split.role.shape, bool)
    for r in range(rows):
        for c in range(cols):
            around = np.s_[max(0, r - margin) : r + margin + 1, max(0, c - margin) : c + margin + 1]
            train = split.role[around] == TRAIN
            if split.region is not None:
                train = train & (split.region[around] == split.region[r, c])
            seen[r, c] = train.any()
    return seen


@given(seed=st.integers(0, 200), window=st.sampled_from([1, 3, 5, 9]), masked=st.booleans())
def test_against_brute_force(seed, window, masked):
    rng = np.random.default_rng(seed)
    role = rng.choice([0, 0, 0, 0, TRAIN, TEST], (9, 11)).astype(np.uint8)
    split = Split(role, rng.integers(0, 2, (9, 11)).astype(np.uint8) if masked else None)
    np.testing.assert_array_equal(sees_training(split, window), brute_force(split, window))


def test_a_row_by_hand():
    """Train at 0, tests at 1, 2, 3 and 9: a window of 5 reaches two pixels, so 1 and 2 see it."""
    role = np.zeros((1, 10), np.uint8)
    role[0, 0] = TRAIN
    role[0, [1, 2, 3, 9]] = TEST
    found = audit(Split(role), (role > 0) * 1, 5)
    assert found["test_windows_with_training_pixel"] == pytest.approx(0.5)
    assert found["sentence"].startswith("50.0% of the test windows (5 x 5 pixels)")


def test_masked_regions_leak_nothing():
    role = np.array([[TRAIN, TEST]], np.uint8)
    assert audit(Split(role), (role > 0) * 1, 3)["test_windows_with_training_pixel"] == 1
    found = audit(Split(role, np.array([[0, 1]], np.uint8)), (role > 0) * 1, 3)
    assert found["test_windows_with_training_pixel"] == 0
    assert found["sentence"].startswith("No test window")

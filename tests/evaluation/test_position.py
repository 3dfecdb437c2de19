"""What position alone gives, by hand; the skill beside it, by algebra; its sentence."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsi.evaluation.blocks import FEWEST_BLOCKS, LEAST_BLOCK, skill, skill_interval
from hsi.evaluation.leakage import audit
from hsi.evaluation.metrics import score
from hsi.evaluation.position import by_position, in_words, percent
from hsi.splits.nearest import nearest_classes
from hsi.splits.random import random_split
from hsi.splits.roles import TEST, TRAIN, Split

NAMES = ("a", "b", "c")
LABELS = np.array([[1, 1, 1, 2, 2, 0, 2, 1]])
ROLE = np.array([[1, 3, 3, 3, 1, 0, 3, 3]], np.uint8)  # position draws 1 1 1 2 2 2 2 2: the third lies between both


def test_by_hand():
    found = by_position(Split(ROLE), LABELS, NAMES)
    assert found["oa"] == 4 / 5
    assert found["aa"] == pytest.approx((2 / 3 + 1) / 2)
    assert found["kappa"] == pytest.approx((4 / 5 - 12 / 25) / (1 - 12 / 25))  # chance: (3 * 2 + 2 * 3) / 25
    bins = found["accuracy_by_distance"]
    assert [(b["from"], b["to"], b["pixels"], b["accuracy"]) for b in bins] == [
        (1, 1, 2, 1),
        (2, 2, 2, 1),
        (3, 4, 1, 0),
    ]
    assert set(found) == {"oa", "aa", "kappa", "accuracy_by_distance"}


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [([1, 1, 1, 2, 2, 2, 2, 1], 1), ([1, 1, 1, 2, 2, 2, 2, 2], 0), ([1, 2, 1, 2, 2, 2, 2, 2], -1), ([3] * 8, -4)],
)
def test_skill_of_a_map_by_hand(drawn, expected):
    found = by_position(Split(ROLE), LABELS, NAMES, np.array([drawn]))
    assert found["skill"] == pytest.approx(expected, abs=1e-12)
    assert found["skill_low"] is found["skill_high"] is None  # a single block


def test_where_position_is_right_throughout_there_is_no_skill():
    role = np.array([[1, 3, 0, 3, 1]], np.uint8)
    found = by_position(Split(role), np.array([[1, 1, 0, 2, 2]]), NAMES, np.ones((1, 5), int))
    assert found["oa"] == 1
    assert (found["skill"], found["skill_low"], found["skill_high"]) == (None, None, None)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert in_words(found, 0.5).endswith("would be right on 100.0 %; this one is 50.0 points below it.")
    assert in_words(found, 1.0).endswith("would be right on 100.0 %; this one adds nothing to it.")


@given(seed=st.integers(0, 500), train=st.floats(0.05, 0.9))
def test_its_bins_and_its_accuracy_are_those_of_the_map_it_draws(seed, train):
    """The leak audit of that very map has the same curve, and its skill is 0."""
    rng = np.random.default_rng(seed)
    labels = np.kron(rng.integers(1, 4, (4, 5)), np.ones((4, 4), int))
    split = Split(np.where(rng.random(labels.shape) < train, TRAIN, TEST).astype(np.uint8))
    split.role[0, 0], split.role[-1, -1] = TRAIN, TEST
    drawn = nearest_classes(split, labels)
    found = by_position(split, labels, NAMES, drawn)
    test = split.role == TEST
    scores = score(labels[test], drawn[test], NAMES)
    assert (found["oa"], found["aa"]) == (scores.oa, scores.aa)
    assert found["accuracy_by_distance"] == audit(split, labels, 3, drawn)["accuracy_by_distance"]
    assert found["skill"] == (None if found["oa"] == 1 else 0)


@given(right=st.integers(0, 50), reference=st.integers(0, 49))
def test_algebra_of_the_skill(right, reference):
    found = skill(right / 50, reference / 50)
    assert found == pytest.approx((right - reference) / (50 - reference))
    assert (found > 0, found < 0) == (right > reference, right < reference)
    assert skill(1, reference / 50) == 1
    assert skill(reference / 50, reference / 50) == 0
    assert reference / 50 + found * (1 - reference / 50) == pytest.approx(right / 50)  # what was left, so much of it
    assert skill(right / 50, 1) is None


def draws_of_blocks(right, reference, test, side, draws, seed):
    """The skill of resampled blocks, each draw put together pixel by pixel."""
    rows, cols = test.shape
    squares = [np.s_[r : r + side, c : c + side] for r in range(0, rows, side) for c in range(0, cols, side)]
    squares = [square for square in squares if test[square].any()]
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        chosen = [squares[i] for i in rng.integers(len(squares), size=len(squares))]
        ours, theirs = (np.concatenate([m[s][test[s]] for s in chosen]) for m in (right, reference))
        if not theirs.all():
            found.append((ours.mean() - theirs.mean()) / (1 - theirs.mean()))
    return np.quantile(found, [0.025, 0.975])


def three_maps(seed, size=40):
    rng = np.random.default_rng(seed)
    return rng.random((size, size)) < 0.8, rng.random((size, size)) < 0.7, rng.random((size, size)) < 0.5


@pytest.mark.parametrize("at_once", [1, 1000, 2**22])
def test_the_interval_is_that_of_blocks_put_together_one_by_one(monkeypatch, at_once):
    monkeypatch.setattr("hsi.evaluation.blocks.AT_ONCE", at_once)
    right, reference, test = three_maps(0)
    found = skill_interval(right, reference, test, 8, seed=3)
    np.testing.assert_allclose(found, draws_of_blocks(right, reference, test, 8, 2000, 3))
    assert found[0] < skill(right[test].mean(), reference[test].mean()) < found[1]


def test_both_parts_of_the_ratio_come_from_the_same_draws():
    """A map that mends a quarter of the reference's faults in each block has that skill in every draw."""
    reference = np.ones((64, 64), bool)
    reference[::4, ::4] = False
    reference[:16] |= np.arange(64) % 8 > 0  # blocks weigh differently
    right = reference.copy()
    right[::4, ::16] = True
    right[:16:8, ::16] = False
    low, high = skill_interval(right, reference, np.ones((64, 64), bool), 16)
    assert low == high == pytest.approx(0.25)


def test_too_few_blocks_with_anything_left_give_no_interval():
    right, test = np.ones((16, 400), bool), np.ones((16, 400), bool)
    reference = np.ones((16, 400), bool)
    reference[0, : 16 * (FEWEST_BLOCKS - 1) : 16] = False
    assert skill_interval(right, reference, test, LEAST_BLOCK) is None
    reference[0, -1] = False
    assert skill_interval(right, reference, test, LEAST_BLOCK) == (1, 1)


@pytest.mark.parametrize(
    ("oa", "reference", "interval", "rest"),
    [
        (0.975, 0.973, (None, None), "97.3 %; this one adds 0.2 points, 7 % of what was left."),
        (0.98, 0.97, (0.1, 0.5), "97.0 %; this one adds 1.0 point, 33 % of what was left (95 % interval 10 to 50 %)."),
        (0.25, 0.2, (-0.08, 0.2), "20.0 %; this one adds 5.0 points, 6 % of what was left (95 % interval -8 to 20 %)."),
        (0.961, 0.973, (-1, 0), "97.3 %; this one is 1.2 points below it."),
        (0.5, 0.5, (0, 0), "50.0 %; this one adds nothing to it."),
        (0.9998, 0.99965, (None, None), "99.97 %; this one adds 0.015 points, 43 % of what was left."),
        (0.5, 0.5001, (0, 0), "50.0 %; this one is 0.01 points below it."),
    ],
)
def test_in_words(oa, reference, interval, rest):
    found = {"oa": reference, "skill": skill(oa, reference), "skill_low": interval[0], "skill_high": interval[1]}
    assert in_words(found, oa) == f"A map drawn from position alone, no spectrum read, would be right on {rest}"


def test_without_a_map():
    assert in_words({"oa": 0.9728}) == (
        "A map drawn from position alone, no spectrum read, would be right on 97.3 % of the test pixels."
    )


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0.0"), (1, "100.0"), (0.9996, "99.96"), (1e-5, "0.001"), (0.5, "50.0")]
)
def test_all_and_none_are_said_of_nothing_else(share, text):
    assert percent(share) == text


@pytest.mark.parametrize(
    ("how", "oa", "aa"),
    [({"train": 0.3}, 99.54, 99.34), ({"train": 0.1}, 97.28, 94.88), ({"train": 0.05}, 95.00, 90.52)],
)
def test_indian_pines(indian_pines, how, oa, aa):
    """The mean of three seeds, measured once by other means; the draws differ, so it is met to half their spread."""
    splits = [random_split(indian_pines.labels, seed=seed, **how) for seed in range(3)]
    found = [by_position(split, indian_pines.labels, indian_pines.class_names) for split in splits]
    assert 100 * np.mean([each["oa"] for each in found]) == pytest.approx(oa, abs=0.3)
    assert 100 * np.mean([each["aa"] for each in found]) == pytest.approx(aa, abs=1)

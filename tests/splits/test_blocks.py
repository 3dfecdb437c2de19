import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from label_images import label_images

from hsi.config.build import build
from hsi.errors import HsiError
from hsi.splits.blocks import blocks_split
from hsi.splits.roles import TEST, TRAIN, UNUSED, VALIDATION
from hsi.splits.sides import split_by_side

FIELD = np.array([[1, 2] * 4] * 5)


def test_a_chequerboard_by_hand():
    split = blocks_split(FIELD, block=2, seed=None)
    assert split.region.tolist() == [
        [3, 3, 1, 1, 3, 3, 1, 1],
        [3, 3, 1, 1, 3, 3, 1, 1],
        [1, 1, 3, 3, 1, 1, 3, 3],
        [1, 1, 3, 3, 1, 1, 3, 3],
        [3, 3, 1, 1, 3, 3, 1, 1],
    ]
    assert (split.role == split.region).all()
    other = blocks_split(FIELD, block=2, fold=1, seed=None)
    assert (other.region == 4 - split.region).all()


def test_three_folds_by_hand():
    split = blocks_split(FIELD, block=2, folds=3, fold=1, validation=1, seed=None)
    assert split.region[::2, ::2].tolist() == [
        [TRAIN, TEST, VALIDATION, TRAIN],
        [TEST, VALIDATION, TRAIN, TEST],
        [VALIDATION, TRAIN, TEST, VALIDATION],
    ]


@given(labels=label_images, block=st.integers(2, 7), folds=st.integers(2, 4), seed=st.integers(0, 99))
def test_folds_share_out_the_scene_and_missing_classes_are_named(labels, block, folds, seed):
    tested = np.zeros(labels.shape, int)
    for fold in range(folds):
        try:
            split = blocks_split(labels, block=block, folds=folds, fold=fold, seed=seed)
        except HsiError:
            reject()
        tested += split.region == TEST
        for k in range(1, labels.max() + 1):
            sides = np.unique(split.region[labels == k])
            left_out = any(note.startswith(f"class {k} is left out") for note in split.notes)
            assert left_out == (TRAIN not in sides or TEST not in sides)
            assert (split.role[labels == k] == (UNUSED if left_out else split.region[labels == k])).all()
    assert (tested == 1).all()


def test_without_a_seed_the_grid_stays_and_pixels_are_drawn_as_with_seed_0():
    whole = blocks_split(FIELD, block=2, seed=None)
    drawn = split_by_side(FIELD, whole.region, region=whole.region, per_class=3, seed=0)
    assert blocks_split(FIELD, block=2, seed=None, per_class=3).hash == drawn.hash != whole.hash


def test_pixels_are_drawn_by_the_seed_that_shifts_the_grid():
    whole = blocks_split(FIELD, block=2, seed=5)
    drawn, other = (
        split_by_side(FIELD, whole.region, region=whole.region, per_class=3, seed=seed).hash for seed in (5, 0)
    )
    assert blocks_split(FIELD, block=2, seed=5, per_class=3).hash == drawn != other
    assert blocks_split(FIELD, block=2, seed=None).region.dtype == np.uint8


def test_the_seed_shifts_the_grid():
    assert len({blocks_split(FIELD, block=3, seed=seed).hash for seed in range(9)}) > 2


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"block": 0}, "split.block=0"),
        ({"folds": 2, "validation": 0.1}, "split.folds=2"),
        ({"fold": 2}, "split.fold=2"),
        ({"block": 99, "seed": None}, "leaves none of 2 classes"),
    ],
)
def test_impossible_requests_are_refused(asked, message):
    with pytest.raises(HsiError, match=message):
        build({"_target_": "hsi.splits.blocks.blocks_split", "_partial_": True, **asked}, "split")(FIELD)

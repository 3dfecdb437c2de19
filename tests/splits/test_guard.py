import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from label_images import label_images

from hsi.config.build import build
from hsi.errors import HsiError
from hsi.splits.guard import _straight_cuts, _worth, guard_split
from hsi.splits.regions import fields_to_sides
from hsi.splits.roles import TEST, TRAIN, UNUSED, VALIDATION


def chebyshev(one, other):
    """Distances (N, M) between pixels of two masks, pair by pair."""
    return np.abs(np.argwhere(one)[:, None] - np.argwhere(other)[None]).max(axis=2)


def try_guard(labels, **asked):
    """The split of a scene that has room for the guard; hypothesis fails when hardly any has."""
    try:
        return guard_split(labels, **asked)
    except HsiError:
        reject()


@given(labels=label_images, distance=st.integers(1, 9), validation=st.sampled_from([0, 0.2]), seed=st.integers(0, 99))
def test_every_pair_keeps_its_distance_and_every_class_is_there_or_named(labels, distance, validation, seed):
    split = try_guard(labels, patch_size=3, distance=distance, validation=validation, seed=seed)
    assert split.region is None
    assert (split.role[labels == 0] == UNUSED).all()
    test = split.role == TEST
    for role in (TRAIN, VALIDATION):
        pairs = chebyshev(split.role == role, test)
        assert pairs.size == 0 or pairs.min() >= distance
    for k in range(1, labels.max() + 1):
        named = any(note.startswith(f"class {k} is left out, with {(labels == k).sum()} ") for note in split.notes)
        present = all((split.role[labels == k] == role).any() for role in (TRAIN, TEST))
        assert named != present
        assert present or (split.role[labels == k] == UNUSED).all()
    assert try_guard(labels, patch_size=3, distance=distance, validation=validation, seed=seed).hash == split.hash


@given(labels=label_images, window=st.sampled_from([3, 5, 7]))
def test_by_default_no_two_windows_share_a_pixel(labels, window):
    split = try_guard(labels, patch_size=window)
    covered = np.zeros((2, *np.add(labels.shape, window - 1)), dtype=bool)
    for seen, role in zip(covered, (TRAIN, TEST), strict=True):
        for row, col in np.argwhere(split.role == role):
            seen[row : row + window, col : col + window] = True
    assert not covered.all(axis=0).any()


def test_the_pixels_it_costs_are_counted():
    labels = np.repeat([[1, 2]], 6, axis=1).repeat(20, axis=0)  # two upright stripes of 20 x 6 pixels
    split = guard_split(labels, patch_size=5)
    unused = int((split.role == UNUSED).sum())
    assert unused == 4 * 12  # a strip 4 pixels wide, so that the 5th is the next
    assert split.notes[0].endswith(
        "48 training and 0 validation pixels nearer than 5 pixels to a test pixel are unused"
    )


def test_narrow_guards_keep_all_of_indian_pines_wide_ones_name_what_they_cost(indian_pines):
    narrow, wide = (guard_split(indian_pines.labels, patch_size=25, distance=d) for d in (3, None))
    assert not any("left out" in note for note in narrow.notes)
    kept = [k for k in range(1, 17) if (wide.role[indian_pines.labels == k] == TRAIN).any()]
    dropped = [note for note in wide.notes if "left out" in note]
    assert 5 <= len(kept) == 16 - len(dropped) < 16


def test_a_guard_that_leaves_no_two_classes_is_refused():
    labels = np.repeat([[1, 2]], 6, axis=1).repeat(20, axis=0)
    with pytest.raises(HsiError, match="two are needed: choose a smaller distance"):
        guard_split(labels, patch_size=21)
    with pytest.raises(HsiError, match=r"split.distance=0"):
        build({"_target_": "hsi.splits.guard.guard_split", "_partial_": True, "distance": 0}, "split")


def test_per_class_comes_out_of_what_the_guard_leaves():
    labels = np.repeat([[1, 2]], 6, axis=1).repeat(20, axis=0)
    split = guard_split(labels, patch_size=5, per_class=7)
    assert np.bincount(labels[split.role == TRAIN]).tolist() == [0, 7, 7]
    assert chebyshev(split.role == TRAIN, split.role == TEST).min() >= 5


def test_the_way_that_keeps_most_classes_is_taken_then_the_one_with_most_training_pixels():
    """A guard of 9 leaves nothing of stripes of 3 columns that lie whole on a side; a cut across them keeps all."""
    labels = np.repeat([[1, 2, 1, 2]], 3, axis=1).repeat(40, axis=0)
    split = guard_split(labels, patch_size=9, train=0.4)
    tested = np.flatnonzero((split.role == TEST).any(axis=1))
    trained = np.flatnonzero((split.role == TRAIN).any(axis=1))
    assert (len(tested), len(trained)) == (24, 40 - 24 - 8)  # the 8 rows nearer than 9 come out of the training
    assert (split.role[trained] == TRAIN).all()
    assert "sides by a straight cut" in split.notes[0]
    assert f"{8 * 12} training and 0 validation pixels nearer than 9 pixels" in split.notes[0]


def test_strips_of_a_straight_cut_have_the_shares_asked_for():
    labels = np.ones((50, 20), int)
    labels[:, 10:] = 2
    for name, side in _straight_cuts(labels, np.array([0.2, 0.3, 0.5]), [TRAIN, VALIDATION, TEST]):
        counts = np.bincount(side.ravel(), minlength=4) / side.size
        np.testing.assert_allclose(counts, [0, 0.2, 0.3, 0.5], atol=0.03, err_msg=name)
        middles = [np.argwhere(side == role).mean(axis=0) for role in (TRAIN, VALIDATION, TEST)]
        angle = np.radians(float(name.split()[-2]))
        along = [row * np.sin(angle) + col * np.cos(angle) for row, col in middles]
        assert along == sorted(along), name


def quarters():
    """Two fields of each class, all in a quarter of the scene of its own, within a margin of unlabelled pixels."""
    labels = np.zeros((44, 44), int)
    for k, (top, left) in enumerate([(4, 4), (4, 24), (24, 4), (24, 24)], start=1):
        labels[top : top + 6, left : left + 6] = labels[top + 9 : top + 15, left + 9 : left + 15] = k
    return labels


@pytest.mark.parametrize("validation", [0, 0.2])
def test_whole_fields_are_taken_where_they_keep_more_classes(validation):
    """Any straight cut puts a whole quarter on one side."""
    labels = quarters()
    hashes = set()
    for seed in range(4):
        side = fields_to_sides(labels, train=0.4, validation=validation, seed=seed)
        split = guard_split(labels, patch_size=3, distance=1, train=0.4, validation=validation, seed=seed)
        assert (split.role == np.where(labels > 0, side, UNUSED)).all()
        assert "0 training and 0 validation pixels" in split.notes[0]
        hashes.add(split.hash)
    assert len(hashes) > 1


def test_labelled_pixels_alone_are_counted_as_lost():
    """Two stripes as above, with unlabelled ground around them and between them."""
    labels = np.pad(np.repeat([[1, 0, 2]], 6, axis=1).repeat(20, axis=0), 7)
    assert "48 training and 0 validation pixels" in guard_split(labels, patch_size=5).notes[0]


def test_the_seed_draws_what_is_left():
    labels = np.repeat([[1, 2]], 6, axis=1).repeat(20, axis=0)  # the sides are cut and hang on no seed
    splits = [guard_split(labels, patch_size=5, per_class=7, seed=seed) for seed in (0, 1, 1)]
    assert splits[0].hash != splits[1].hash == splits[2].hash


def test_a_way_is_worth_its_classes_then_its_training_pixels():
    labels = np.array([1, 1, 1, 2, 2, 3, 3, 0, 0])
    role = np.array([1, 1, 3, 1, 3, 1, 1, 0, 0])  # class 3 does not test
    assert _worth(labels, role) == (2, 3)


def test_straight_cuts_look_every_fifteen_degrees():
    cuts = _straight_cuts(np.ones((20, 20), int), np.array([0.5, 0.5]), [TRAIN, TEST])
    assert [float(name.split()[-2]) for name, _ in cuts] == list(range(0, 360, 15))
    assert all(side.dtype == np.uint8 for _, side in cuts)

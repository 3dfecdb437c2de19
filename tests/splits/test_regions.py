import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from label_images import label_images
from scipy.ndimage import label

from hsi.config.build import build
from hsi.engine.forward import Engine, forward, logits_of
from hsi.errors import HsiError
from hsi.evaluation.leakage import sees_training
from hsi.models.hybridsn import hybridsn
from hsi.splits.fields import TOUCHING
from hsi.splits.regions import assign, cut_across, fold_roles, regions_split, side_shares
from hsi.splits.roles import TEST, TRAIN, UNUSED, VALIDATION

SIDES = (TRAIN, VALIDATION, TEST)


@given(labels=label_images, train=st.floats(0.2, 0.6), validation=st.sampled_from([0, 0.2]), seed=st.integers(0, 99))
def test_every_pixel_has_a_side_and_every_class_is_on_every_side(labels, train, validation, seed):
    split = regions_split(labels, train=train, validation=validation, seed=seed)
    asked = set(SIDES if validation else (TRAIN, TEST))
    assert set(np.unique(split.region)) == asked
    assert (split.role == np.where(labels > 0, split.region, UNUSED)).all()
    for k in range(1, labels.max() + 1):
        assert set(np.unique(split.role[labels == k])) == asked
    assert regions_split(labels, train=train, validation=validation, seed=seed).hash == split.hash


@given(labels=label_images, seed=st.integers(0, 99))
def test_fields_stay_whole_where_a_class_has_several_and_single_ones_are_halved(labels, seed):
    split = regions_split(labels, train=0.5, seed=seed)
    for k in range(1, labels.max() + 1):
        fields, count = label(labels == k, TOUCHING)
        if count > 1:
            assert all(len(np.unique(split.role[fields == f])) == 1 for f in range(1, count + 1))
        else:
            trained, tested = ((split.role[labels == k] == role).sum() for role in (TRAIN, TEST))
            assert abs(trained - tested) <= 1


@given(labels=label_images, folds=st.integers(2, 5), validation=st.sampled_from([0, 1]), seed=st.integers(0, 9))
def test_every_labelled_pixel_tests_in_exactly_one_fold(labels, folds, validation, seed):
    folds = max(folds, 3) if validation else folds
    splits = [regions_split(labels, folds=folds, fold=fold, validation=validation, seed=seed) for fold in range(folds)]
    assert (sum((split.role == TEST).astype(int) for split in splits) == (labels > 0)).all()
    if validation:  # the next fold validates
        for fold, split in enumerate(splits):
            assert ((split.role == VALIDATION) == (splits[(fold + 1) % folds].role == TEST)).all()


@given(labels=label_images, per_class=st.integers(1, 30))
def test_per_class_draws_from_the_train_side_and_leaves_its_rest_unused(labels, per_class):
    whole, split = regions_split(labels), regions_split(labels, per_class=per_class)
    assert (split.region == whole.region).all()
    assert ((split.role == TEST) == (whole.role == TEST)).all()
    assert (whole.role[split.role == TRAIN] == TRAIN).all()
    for k in range(1, labels.max() + 1):
        available = (whole.role[labels == k] == TRAIN).sum()
        assert (split.role[labels == k] == TRAIN).sum() == min(per_class, available)
        said = any(note.startswith(f"class {k} has {available} pixels on the train side") for note in split.notes)
        assert said == (available < per_class)


@given(
    sizes=st.lists(st.integers(1, 400), min_size=3, max_size=12),
    shares=st.sampled_from([(0.5, 0.5), (0.9, 0.1), (0.3, 0.1, 0.6)]),
    seed=st.integers(0, 9),
)
def test_no_side_is_empty_and_equal_shares_differ_by_no_more_than_a_unit(sizes, shares, seed):
    sizes = np.array(sizes)
    sides = assign(sizes, np.array(shares), np.random.default_rng(seed))
    totals = np.bincount(sides, weights=sizes, minlength=len(shares))
    assert (totals > 0).all()
    if shares == (0.5, 0.5):
        assert abs(totals[0] - totals[1]) <= sizes.max()


@given(
    sizes=st.lists(st.integers(1, 400), min_size=3, max_size=12),
    shares=st.sampled_from([(0.5, 0.5), (0.9, 0.1), (0.3, 0.1, 0.6)]),
    seed=st.integers(0, 9),
)
def test_fields_in_random_order_keep_the_bound_of_any_order(sizes, shares, seed):
    """No side ends above its share by a whole field: the last field that a side took went to one that lacked most."""
    sizes, shares = np.array(sizes), np.array(shares)
    sides = assign(sizes, shares, np.random.default_rng(seed), "random")
    totals = np.bincount(sides, weights=sizes, minlength=len(shares))
    assert (totals > 0).all()
    several = np.bincount(sides, minlength=len(shares)) > 1  # a side may get its only field so as not to stay empty
    assert (totals - shares * sizes.sum() <= sizes.max())[several].all()
    if tuple(shares) == (0.5, 0.5):
        assert abs(totals[0] - totals[1]) <= sizes.max()


def test_a_random_order_by_hand():
    """Fields of 3, 1 and 1 pixels for two equal sides: only the order 1, 1, 3 parts the small ones."""
    sizes, found = np.array([3, 1, 1]), set()
    for seed in range(60):
        balanced, drawn = (
            assign(sizes, np.full(2, 0.5), np.random.default_rng(seed), d) for d in ("balanced", "random")
        )
        assert sorted(np.bincount(balanced, weights=sizes)) == [2, 3]
        found.add(tuple(sorted(np.bincount(drawn, weights=sizes))))
    assert found == {(2, 3), (1, 4)}


def test_random_draws_differ_in_more_than_ties(indian_pines):
    """Corn-notill has six large fields that differ in size: balanced, they can only be swapped as two sets."""
    fields = {"balanced": set(), "random": set()}
    for seed in range(12):
        for draw, found in fields.items():
            split = regions_split(indian_pines.labels, draw=draw, seed=seed)
            found.add((split.role[indian_pines.labels == 2] == TRAIN).tobytes())
    assert len(fields["balanced"]) == 2
    assert len(fields["random"]) >= 6


def test_the_draw_is_said_where_it_is_not_the_default():
    labels = np.repeat([[1, 2]], 12, axis=1)
    assert regions_split(labels).notes == ()
    assert regions_split(labels, draw="random").notes == (
        "fields go to their sides in random order (split.draw=random)",
    )
    with pytest.raises(HsiError, match=r"split\.draw=rando: choose balanced or random"):
        build({"_target_": "hsi.splits.regions.regions_split", "_partial_": True, "draw": "rando"}, "split")


def test_the_fields_of_corn_notill_are_balanced_to_ten_pixels():
    sizes = np.array([629, 296, 172, 151, 100, 80])  # by hand: 629 + 80 against 296 + 172 + 151 + 100
    sides = assign(sizes, np.array([0.5, 0.5]), np.random.default_rng(0))
    assert sorted(np.bincount(sides, weights=sizes)) == [709, 719]


@pytest.mark.parametrize("shape", [(10, 2), (2, 10)])
@pytest.mark.parametrize(("top", "left"), [(1, 1), (100, 3), (3, 100)])
def test_oats_are_cut_across_their_long_axis(shape, top, left):
    scene = np.arange(112 * 112).reshape(112, 112)
    field = scene[top : top + shape[0], left : left + shape[1]]
    pieces = cut_across(field.ravel(), np.array([0.5, 0.5]), 112)
    halves = np.split(field, 2, axis=int(np.argmax(shape)))
    assert {frozenset(piece.tolist()) for piece in pieces} == {frozenset(half.ravel().tolist()) for half in halves}


@given(shares=st.lists(st.floats(0.05, 1), min_size=2, max_size=4), count=st.integers(4, 60))
def test_a_cut_loses_no_pixel_and_leaves_no_piece_empty(shares, count):
    pieces = cut_across(np.arange(count) * 7, np.array(shares), 20)
    assert sorted(np.concatenate(pieces)) == list(range(0, 7 * count, 7))
    assert min(map(len, pieces)) >= 1
    wanted = count * np.array(shares) / sum(shares)
    assert (np.abs([len(p) for p in pieces] - wanted) < len(shares) + 1).all()


def test_pieces_come_in_order_along_the_long_axis_with_the_shares_asked_for():
    """Ten pixels of a row in shares 1 : 4; one pixel each is set apart first, then 1.6 and 6.4 of the other 8."""
    one, other = cut_across(np.arange(20, 30), np.array([0.2, 0.8]), 20)
    assert sorted(map(len, (one, other))) == [3, 7]
    assert {*one.tolist()} in ({20, 21, 22}, {27, 28, 29})


def test_what_is_as_far_along_is_cut_by_its_place_across():
    """A square of 2 x 2 pixels has no long axis: three pieces of it still hold each pixel once."""
    pieces = cut_across(np.array([0, 1, 10, 11]), np.array([1.0, 1, 2]), 10)
    assert [len(piece) for piece in pieces] == [1, 1, 2]


def test_a_class_of_one_field_is_cut_into_the_very_shares():
    labels = np.ones((1, 40), int)
    labels[0, 20:] = 2
    split = regions_split(labels, train=0.2, validation=0.3)
    for k in (1, 2):
        counts = np.bincount(split.role[labels == k], minlength=4)
        np.testing.assert_allclose(counts, [0, 4, 6, 10], atol=1)
        assert split.notes == ()


def test_of_two_fields_for_three_sides_the_largest_is_cut_in_halves():
    labels = np.zeros((3, 30), int)
    labels[0, :6], labels[0, 10:22] = 1, 1
    labels[2, :6], labels[2, 10:22] = 2, 2
    split = regions_split(labels, folds=3, seed=2)
    for row in (0, 2):
        assert len(set(split.role[row, :6])) == 1
        assert sorted(np.bincount(split.role[row, 10:22], minlength=4)[[TRAIN, TEST]]) in ([0, 12], [6, 6])
        assert [len(set(split.role[row, half])) for half in (slice(10, 16), slice(16, 22))] == [1, 1]
    assert all((split.role[row] == TEST).sum() == 6 for row in (0, 2))


def test_a_departure_is_named_from_above_a_tenth_of_the_class_on():
    """Fields of 9 and 6, and of 10 and 5 pixels: 60 % is a tenth more than half, 67 % is more than that."""
    labels = np.zeros((7, 12), int)
    labels[0, :9], labels[2, :6], labels[4, :10], labels[6, :5] = 1, 1, 2, 2
    split = regions_split(labels)
    (note,) = split.notes
    trained = int((split.role[labels == 2] == TRAIN).sum())
    assert note.startswith(f"class 2: {trained} of 15 pixels ({trained / 15:.0%}) lie on the train side, its fields")
    assert trained in (5, 10)


def test_of_folds_all_but_those_that_test_and_validate_are_to_train():
    """Twelve pixels of each class in one field, cut in as many equal pieces as there are folds: none departs."""
    labels = np.repeat([[1, 2]], 12, axis=1)
    for folds, validation in ((2, 0), (3, 0), (3, 1), (4, 0), (4, 0.5), (6, 0)):
        split = regions_split(labels, folds=folds, validation=validation)
        assert (split.role == TRAIN).sum() == 24 * (folds - 1 - bool(validation)) / folds
        assert split.notes == ()


def test_unlabelled_pixels_go_with_the_nearest_labelled_one():
    labels = np.array([[1, 0, 0, 0, 0, 1, 0], [2, 0, 0, 0, 0, 2, 0]])
    split = regions_split(labels, seed=0)
    left, right = split.role[:, 0], split.role[:, 5]
    assert (split.region[:, :3] == left[:, None]).all()
    assert (split.region[:, 3:] == right[:, None]).all()


def test_all_classes_of_indian_pines_survive_and_no_test_window_sees_a_training_pixel(indian_pines):
    for seed in range(3):
        split = regions_split(indian_pines.labels, train=0.5, seed=seed)
        for role in (TRAIN, TEST):
            counts = np.bincount(indian_pines.labels[split.role == role])[1:]
            assert len(counts) == 16
            assert counts.min() == 10  # half of Oats
        assert not sees_training(split, 25)[split.role == TEST].any()


@settings(max_examples=6, deadline=None)
@given(labels=label_images, shared=st.booleans(), seed=st.integers(0, 99))
def test_no_test_prediction_hangs_on_the_train_side(labels, shared, seed):
    """Replace everything on the train side: no test-side logit changes, in training's `forward` and in mapping."""
    split = regions_split(labels, seed=seed)
    torch.manual_seed(seed)
    model = hybridsn(13, 4, 9, dropout=0.0).double().eval()
    image = torch.randn(13, *labels.shape, dtype=torch.float64)
    region = torch.as_tensor(split.region)
    perturbed = torch.where(region == TRAIN, 1e3 * torch.randn_like(image), image)
    tested = torch.nonzero(region.flatten() == TEST).flatten()
    with torch.no_grad():
        before, after = (forward(model, i, tested, shared=shared, region=region) for i in (image, perturbed))
        unmasked = forward(model, perturbed, tested, shared=shared)
    assert torch.equal(before, after)
    assert not torch.allclose(before, unmasked)  # the perturbation is one that windows feel
    engine = Engine("dense" if shared else "patch")
    mapped = [logits_of(model, i, engine, region, tested) for i in (image, perturbed)]
    assert mapped[0].shape == (len(tested), 4)
    assert torch.equal(*mapped)


@pytest.mark.parametrize(
    ("train", "validation"),
    [(0, 0), (0, 0.5), (-0.1, 0.5), (0.5, -0.1), (0.8, 0.2), (1, 0), (np.nan, 0)],
)
def test_shares_that_leave_nothing_to_train_or_to_test_are_refused(train, validation):
    with pytest.raises(HsiError, match=r"split\.train="):
        side_shares(train, validation)


def test_shares_of_the_sides_add_up_to_one_in_the_order_of_their_roles():
    shares, roles = side_shares(0.5, 0.2)
    np.testing.assert_allclose(shares, [0.5, 0.2, 0.3])
    assert roles == [TRAIN, VALIDATION, TEST]
    shares, roles = side_shares(0.25, 0)
    np.testing.assert_allclose(shares, [0.25, 0.75])
    assert roles == [TRAIN, TEST]


def test_folds_are_two_at_least_and_three_where_one_validates():
    shares, roles = fold_roles(4, 3, 0.1)
    assert (shares.tolist(), roles) == ([0.25] * 4, [VALIDATION, TRAIN, TRAIN, TEST])
    with pytest.raises(HsiError, match=r"from 2 on$"):
        fold_roles(1, 0, 0)
    with pytest.raises(HsiError, match=r"from 3 on where split\.validation is above 0$"):
        fold_roles(2, 0, 0.1)


@pytest.mark.parametrize(
    ("asked", "key"),
    [
        ({"train": 0}, "split.train"),
        ({"train": 100}, "split.train"),
        ({"train": 0.8, "validation": 0.2}, "split.validation"),
        ({"per_class": 0}, "split.per_class"),
        ({"folds": 1}, "split.folds"),
        ({"folds": 2, "validation": 0.1}, "split.folds"),
        ({"folds": 3, "fold": 3}, "split.fold=3"),
        ({"folds": 50}, "class 2 has 8 labelled pixels"),
    ],
)
def test_impossible_requests_are_refused(asked, key):
    labels = np.repeat([[1], [2], [0]], [6, 2, 2], axis=0).repeat(4, axis=1)
    with pytest.raises(HsiError, match=key):
        build({"_target_": "hsi.splits.regions.regions_split", "_partial_": True, **asked}, "split")(labels)

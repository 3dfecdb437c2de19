"""Areas and their errors: the paper's example, arithmetic by hand, simulation, samples that say too little."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hsi.errors import WrongInput
from hsi.evaluation.areas import Z, estimate_areas, interval, sample_notes

pytestmark = pytest.mark.filterwarnings("error")

# Olofsson et al. 2014, table 8: rows are the map, columns the truth; deforestation, forest gain, stable forest, other
PAPER = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
MAPPED = np.array([200_000, 150_000, 3_200_000, 6_450_000])  # pixels of 30 m
NAMES = ("deforestation", "forest gain", "stable forest", "stable non-forest")
HECTARES = 0.09 * MAPPED.sum()


def paper():
    return estimate_areas(PAPER.T, MAPPED, NAMES)


def test_areas_of_the_paper():
    """Section 5.2.2, in hectares; the first is printed as 235,086 pixels too."""
    found = paper()
    assert round(found.share[0] * MAPPED.sum()) == 235_086
    np.testing.assert_array_equal(np.round(found.share * HECTARES), [21_158, 11_686, 285_770, 581_386])
    np.testing.assert_array_equal(np.round(Z * found.share_error * HECTARES), [6_158, 3_756, 15_510, 16_282])
    np.testing.assert_array_equal(np.round(found.share_error, 4), [0.0035, 0.0021, 0.0088, 0.0092])
    assert found.sampled == 1
    assert found.notes == ()


def test_accuracies_of_the_paper():
    """Section 5.2.1. Of the producer's accuracies it prints 0.23 and 0.01 where its equation 7 makes 0.25 and 0.02."""
    found = paper()
    np.testing.assert_array_equal(np.round(found.user, 2), [0.88, 0.73, 0.93, 0.96])
    np.testing.assert_array_equal(np.round(Z * found.user_error, 2), [0.07, 0.10, 0.04, 0.02])
    np.testing.assert_array_equal(np.round(found.producer, 2), [0.75, 0.85, 0.93, 0.96])
    np.testing.assert_array_equal(np.round(Z * found.producer_error, 2), [0.21, 0.25, 0.03, 0.02])
    assert round(found.overall, 2) == 0.95
    assert round(Z * found.overall_error, 2) == 0.02


def test_two_classes_by_hand():
    """Of 10 pixels mapped A 8 are A, of 5 mapped B 4 are B; A is mapped on 30 of 100."""
    found = estimate_areas(np.array([[8, 1], [2, 4]]), np.array([30, 70]), ("A", "B"))
    np.testing.assert_allclose(found.share, [0.3 * 0.8 + 0.7 * 0.2, 0.3 * 0.2 + 0.7 * 0.8])
    error = np.sqrt(0.09 * 0.8 * 0.2 / 9 + 0.49 * 0.8 * 0.2 / 4)
    np.testing.assert_allclose(found.share_error, [error, error])
    np.testing.assert_allclose(found.user_error, [np.sqrt(0.16 / 9), np.sqrt(0.16 / 4)])
    np.testing.assert_allclose(found.producer, [0.24 / 0.38, 0.56 / 0.62])
    own, other = 0.09 * 0.16 / 9, 0.49 * 0.16 / 4
    expected = np.sqrt((1 - 0.24 / 0.38) ** 2 * own + (0.24 / 0.38) ** 2 * other) / 0.38
    assert found.producer_error[0] == pytest.approx(expected)
    assert found.overall == pytest.approx(0.8)
    assert found.overall_error == pytest.approx(error)


def test_the_errors_are_those_that_samples_have():
    """Draw many samples from a known population: estimates are unbiased, and spread as far as the errors say."""
    random = np.random.default_rng(0)
    truth_of = np.array([[0.8, 0.15, 0.05], [0.1, 0.85, 0.05], [0.02, 0.08, 0.9]])  # rows are the map
    mapped, drawn = np.array([10.0, 30, 60]), (160, 240, 360)
    estimates = []
    for _ in range(3000):
        counts = np.stack([random.multinomial(n, shares) for n, shares in zip(drawn, truth_of, strict=True)])
        estimates.append(estimate_areas(counts.T, mapped, ("A", "B", "C")))
    share, producer = mapped @ truth_of / 100, np.diag(mapped[:, None] / 100 * truth_of) / (mapped @ truth_of / 100)
    np.testing.assert_allclose(np.mean([each.share for each in estimates], axis=0), share, atol=0.002)
    for value, error, truth in (("share", "share_error", share), ("producer", "producer_error", producer)):
        spread = np.std([getattr(each, value) for each in estimates], axis=0)
        told = np.mean([getattr(each, error) for each in estimates], axis=0)
        np.testing.assert_allclose(told, spread, rtol=0.06)
        inside = [abs(getattr(each, value) - truth) <= Z * getattr(each, error) for each in estimates]
        assert (np.mean(inside, axis=0) > 0.92).all()


@given(arrays(np.int64, (4, 4), elements=st.integers(0, 50)), arrays(np.int64, 4, elements=st.integers(0, 10**9)))
def test_any_sample_gives_shares_that_add_up_or_says_why_not(confusion, mapped):
    found = estimate_areas(confusion, mapped, NAMES)
    known = np.isfinite(found.share)
    assert ((found.share[known] >= 0) & (found.share[known] <= 1 + 1e-12)).all()
    assert not np.isfinite(found.share_error[~known]).any()
    if known.all():
        assert found.share.sum() == pytest.approx(1)
        assert found.sampled == 1
    else:
        assert found.notes or not mapped.sum()


@given(arrays(np.int64, (3, 3), elements=st.integers(2, 50)), st.floats(1e-3, 1e6))
def test_the_unit_of_area_does_not_matter(confusion, unit):
    mapped = np.array([3.0, 4, 5])
    first, second = (estimate_areas(confusion, mapped * factor, "ABC") for factor in (1, unit))
    np.testing.assert_allclose(first.share, second.share)
    np.testing.assert_allclose(first.producer_error, second.producer_error)


def test_a_map_without_mistakes_keeps_its_areas():
    found = estimate_areas(np.diag([5, 6]), np.array([1, 3]), ("A", "B"))
    np.testing.assert_array_equal(found.share, [0.25, 0.75])
    assert found.overall == 1
    assert "no width" in found.notes[0]
    assert "A, B" in found.notes[0]


def test_a_class_that_no_test_pixel_is_mapped_as():
    """Nothing is known of its part of the map; the rest is estimated as if it were the whole."""
    confusion = np.array([[8, 1, 0], [2, 4, 0], [1, 0, 0]])
    found = estimate_areas(confusion, np.array([30, 70, 25]), ("A", "B", "unknown"))
    alone = estimate_areas(confusion, np.array([30, 70, 0]), ("A", "B", "unknown"))
    assert found.sampled == pytest.approx(0.8)
    np.testing.assert_array_equal(found.share[:2], alone.share[:2])
    assert np.isnan([found.share[2], found.user[2], found.producer[2], found.share_error[2]]).all()
    assert "mapped as unknown" in found.notes[0]
    assert "20.00%" in found.notes[0]


def test_a_class_that_is_never_mapped_has_an_area_all_the_same():
    """A model that never gives the class: its area is what the others hide, its producer's accuracy is 0."""
    found = estimate_areas(np.array([[8, 0], [2, 0]]), np.array([100, 0]), ("A", "B"))
    np.testing.assert_allclose(found.share, [0.8, 0.2])
    np.testing.assert_allclose(found.producer, [1, 0])
    assert np.isnan(found.user[1])
    assert found.notes == ()


def test_one_test_pixel_has_no_variance_but_a_largest_one():
    found = estimate_areas(np.array([[8, 0], [2, 1]]), np.array([30, 70]), ("A", "B"))
    assert found.user[1] == 1
    assert np.isnan(found.user_error[1])
    assert found.share_error[0] == pytest.approx(np.sqrt(0.09 * 0.16 / 9 + 0.49 * 0.25))
    assert "One test pixel alone is mapped as B" in found.notes[0]


def test_a_class_without_test_pixels():
    found = estimate_areas(np.array([[8, 2], [0, 0]]), np.array([30, 70]), ("A", "B"))
    assert np.isnan([found.share[1], found.producer[1]]).all()
    assert found.user[1] == 0
    assert any("No test pixel is of B" in note for note in found.notes)


@pytest.mark.parametrize("mapped", [[0, 0], [5, 7]])
def test_no_sample_or_no_map(mapped):
    found = estimate_areas(np.zeros((2, 2)) if any(mapped) else np.eye(2) * 9, np.array(mapped), ("A", "B"))
    assert np.isnan([*found.share, *found.producer, found.overall]).all()


def test_intervals_stay_between_nothing_and_all():
    low, high = interval(np.array([0.1, 0.95, 0.5, np.nan]), np.array([0.1, 0.1, 0.1, 0.1]))
    np.testing.assert_allclose(low, [0, 0.95 - 0.196, 0.5 - 0.196, np.nan])
    np.testing.assert_allclose(high, [0.296, 1, 0.5 + 0.196, np.nan])


@pytest.mark.parametrize(
    ("confusion", "mapped"), [(np.eye(3), [1, 2]), (np.eye(2), [1, 2, 3]), (-np.eye(2), [1, 2]), (np.eye(2), [1, -2])]
)
def test_what_does_not_belong_together_is_refused(confusion, mapped):
    with pytest.raises(WrongInput, match="areas need"):
        estimate_areas(confusion, np.array(mapped), ("A", "B"))


def test_notes_say_what_the_sample_is_no_sample_of():
    here, there = sample_notes("random"), sample_notes("random", other_scene=True)
    assert "probability sample" in here[0]
    assert "labelled pixels" in here[1]
    assert not any("the model errs" in note for note in here)
    assert any("the model errs on this scene as it did there" in note for note in there)
    assert "beside training pixels" in here[-1]
    for split in ("regions", "blocks", "polygons", "tiles", "guard", "grown"):
        assert "too narrow" in sample_notes(split)[-1]
        assert f"split={split}" in sample_notes(split)[-1]
    assert "if they come in fields" in sample_notes("from_file")[-1]


def test_each_note_names_its_classes_and_no_other():
    """Alder is right and wrong, birch always right, cedar seen once, no pixel is of dogwood or mapped as elm."""
    names = ("alder", "birch", "cedar", "dogwood", "elm", "fir")
    confusion = np.zeros((6, 6), int)
    for truth, mapped, count in ((0, 0, 6), (0, 3, 2), (1, 1, 5), (2, 2, 1), (4, 0, 3)):
        confusion[truth, mapped] = count
    found = estimate_areas(confusion, np.array([10, 20, 5, 10, 5, 0]), names)
    assert [{name for name in names if name in note} for note in found.notes] == [
        {"elm"},
        {"dogwood", "fir"},
        {"cedar"},
        {"birch"},
    ]
    assert "10.00%" in found.notes[0]
    assert found.sampled == pytest.approx(0.9)
    np.testing.assert_array_equal(np.isnan(found.share), [False, False, False, True, True, True])
    np.testing.assert_array_equal(np.isnan(found.user), [False, False, False, False, True, True])
    np.testing.assert_array_equal(np.isnan(found.user_error), [False, False, True, False, True, True])
    np.testing.assert_array_equal(np.isnan(found.producer_error), np.isnan(found.share))


def test_a_part_that_nobody_sampled_changes_nothing_but_what_is_sampled():
    confusion = np.array([[8, 1, 1], [2, 4, 0], [0, 0, 0]]).T  # rows are the map
    known, more = (estimate_areas(confusion, np.array([30, 70, area]), "ABC") for area in (0, 100))
    assert (known.sampled, more.sampled) == (1, 0.5)
    for name in ("share", "share_error", "user", "user_error", "producer", "producer_error"):
        np.testing.assert_allclose(getattr(known, name)[:2], getattr(more, name)[:2])
    assert (known.overall, known.overall_error) == (more.overall, more.overall_error)


def test_without_a_sample_or_a_map_nothing_is_known():
    nothing = estimate_areas(np.zeros((2, 2)), np.array([5, 7]), "AB")
    nowhere = estimate_areas(np.eye(2) * 9, np.zeros(2), "AB")
    for found in (nothing, nowhere):
        for name in ("share", "share_error", "producer", "producer_error", "overall", "overall_error"):
            assert np.isnan(getattr(found, name)).all(), name
    assert nothing.sampled == 0
    assert np.isnan(nowhere.sampled)
    assert np.isnan(nothing.user).all()
    assert nowhere.user.tolist() == [1, 1]
    assert "100.00%" in nothing.notes[0]


def test_the_largest_variance_of_a_lone_pixel_is_a_quarter():
    """Classes of one sample pixel each: shares are known to half of their class at best."""
    found = estimate_areas(np.eye(2), np.array([40, 60]), "AB")
    np.testing.assert_allclose(found.share_error, np.sqrt((0.4**2 + 0.6**2) / 4))
    assert found.overall_error == pytest.approx(np.sqrt((0.4**2 + 0.6**2) / 4))
    np.testing.assert_allclose(found.producer_error, [0.6 / 2 / 0.4, 0.4 / 2 / 0.6])


def test_intervals_of_areas_end_at_the_whole_area():
    low, high = interval(np.array([2.0, 45]), np.array([3.0, 3]), 50)
    np.testing.assert_allclose(low, [0, 45 - 5.88])
    np.testing.assert_allclose(high, [2 + 5.88, 50])


@pytest.mark.parametrize("split", ["random", "regions", "blocks", "polygons", "tiles", "guard", "grown", "from_file"])
def test_every_split_has_its_own_word_of_warning(split):
    here, there = sample_notes(split), sample_notes(split, other_scene=True)
    assert (len(here), len(there)) == (3, 4)
    assert [note for note in there if note not in here] == [there[2]]
    others = {note for other in ("random", "regions", "from_file") if other != split for note in sample_notes(other)}
    assert here[-1] not in others
    assert f"split={split}" in here[-1]

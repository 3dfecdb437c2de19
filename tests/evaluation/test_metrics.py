import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsi.evaluation.metrics import score


def pairs_of(confusion):
    truth = np.repeat(np.arange(1, len(confusion) + 1), np.sum(confusion, axis=1))
    predicted = np.concatenate([np.repeat(np.arange(1, len(row) + 1), row) for row in confusion])
    return truth, predicted


def test_a_table_worked_out_by_hand():
    """Rows are truth. OA = (35 + 14 + 11) / 75; AA = mean(35/40, 14/20, 11/15).

    Chance agreement: (40 * 41 + 20 * 20 + 15 * 14) / 75^2 = 2250 / 5625 = 0.4; kappa = (0.8 - 0.4) / 0.6 = 2/3.
    """
    confusion = [[35, 4, 1], [4, 14, 2], [2, 2, 11]]
    result = score(*pairs_of(confusion), ("a", "b", "c"))
    assert result.confusion.tolist() == confusion
    assert result.oa == pytest.approx(0.8)
    assert result.aa == pytest.approx((35 / 40 + 14 / 20 + 11 / 15) / 3)
    assert result.kappa == pytest.approx(2 / 3)
    assert result.per_class.loc["a", "precision"] == pytest.approx(35 / 41)
    assert result.per_class.loc["b", "recall"] == pytest.approx(14 / 20)
    assert result.per_class.loc["c", "f1"] == pytest.approx(2 * 11 / (15 + 14))
    assert result.per_class["support"].tolist() == [40, 20, 15]


def test_a_class_without_test_pixels_counts_in_no_average():
    result = score(np.array([1, 1, 3]), np.array([1, 2, 3]), ("a", "b", "c"))
    assert result.aa == pytest.approx((0.5 + 1) / 2)


@given(confusion=st.lists(st.lists(st.integers(1, 30), min_size=3, max_size=3), min_size=3, max_size=3))
def test_kappa_by_its_formula(confusion):
    table = np.array(confusion)
    n = table.sum()
    chance = (table.sum(0) * table.sum(1)).sum() / n**2
    result = score(*pairs_of(confusion), ("a", "b", "c"))
    assert result.kappa == pytest.approx((np.trace(table) / n - chance) / (1 - chance))


def test_what_is_never_predicted_has_no_precision_and_what_is_predicted_alone_has_no_recall():
    result = score(np.array([1, 1, 3, 3]), np.array([1, 2, 1, 1]), ("a", "b", "c"))
    assert result.confusion.tolist() == [[1, 1, 0], [0, 0, 0], [2, 0, 0]]
    assert result.per_class.index.tolist() == ["a", "b", "c"]
    assert result.per_class.index.name == "class"
    assert result.per_class["precision"].tolist() == [pytest.approx(1 / 3), 0, 0]
    assert result.per_class["recall"].tolist() == [0.5, 0, 0]
    assert result.per_class["f1"].tolist() == [pytest.approx(2 / 5), 0, 0]
    assert result.per_class["support"].tolist() == [2, 0, 2]
    assert (result.oa, result.aa) == (0.25, 0.25)

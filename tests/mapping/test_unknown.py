import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hsi.errors import HsiError
from hsi.mapping.unknown import (
    KINDS,
    cut_off,
    evidence,
    evidence_table,
    tables_as_json,
    tables_from_json,
    threshold,
)

LOGITS = torch.tensor([[0.0, 0.0], [3.0, -1.0]])


def test_the_evidence_is_that_of_the_papers():
    assert evidence(LOGITS, "max_logit").tolist() == [0.0, 3.0]
    expected = [np.log(2), np.log(np.exp(3) + np.exp(-1))]
    assert evidence(LOGITS, "energy").numpy() == pytest.approx(expected, rel=1e-6)


def test_energy_of_large_logits_is_finite_and_near_their_maximum():
    assert evidence(torch.tensor([[1e4, 0.0], [-1e4, -2e4]]), "energy").tolist() == [1e4, -1e4]


@given(st.floats(-50, 50), st.sampled_from(KINDS))
def test_evidence_grows_with_the_logits_by_as_much_as_they_do(step, kind):
    torch.testing.assert_close(evidence(LOGITS + step, kind), evidence(LOGITS, kind) + step, rtol=0, atol=1e-4)


@given(
    arrays(np.float32, st.integers(1, 3000), elements=st.floats(-100, 100, width=32), unique=True),
    st.integers(0, 999),
)
def test_the_share_below_the_threshold_is_the_false_alarm_rate_to_one_pixel(values, per_mille):
    rate = per_mille / 1000
    below = (values < threshold(values, rate)).sum()
    assert rate * (len(values) - 1) - 1 <= below <= rate * len(values) + 1


@pytest.mark.parametrize("count", [1, 7, 1000, 1001, 1002, 20_000])
@pytest.mark.parametrize("kind", KINDS)
def test_a_table_gives_the_threshold_of_the_values_it_was_made_of(count, kind):
    logits = np.random.default_rng(count).normal(size=(8, count, 5)).astype(np.float32)
    made = evidence_table(logits)
    assert made[kind].dtype == np.float32
    tables = tables_from_json(json.loads(json.dumps(tables_as_json(made))))
    assert len(tables[kind]) == min(count, 1001)
    values = np.mean([evidence(torch.from_numpy(view), kind).numpy() for view in logits], axis=0)
    for rate in (0.0, 0.05, 0.5, 0.999):
        assert cut_off(tables, kind, rate) == pytest.approx(threshold(values, rate), abs=1e-5)


def test_numbers_come_back_from_json_as_they_were():
    table = np.sort(np.random.default_rng(0).normal(size=500)).astype(np.float32)
    tables = dict.fromkeys(KINDS, table)
    assert tables_from_json(json.loads(json.dumps(tables_as_json(tables))))["energy"].tolist() == table.tolist()


def test_pixels_of_equal_evidence_make_a_table_too():
    assert tables_from_json({kind: [0.0, 0.5, 0.5, 1.0] for kind in KINDS})["energy"].tolist() == [0.0, 0.5, 0.5, 1.0]


def test_without_validation_pixels_there_is_no_table_and_a_sentence_says_so():
    assert evidence_table(np.zeros((8, 0, 5), np.float32)) is None
    assert tables_from_json(tables_as_json(None)) is None
    with pytest.raises(HsiError, match=r"^unknown=0\.05: .*: repeat the run with split\.validation=0\.1$"):
        cut_off(None, "energy", 0.05)


@pytest.mark.parametrize(
    "table",
    [[], [1.0, 0.0], [[1.0]], [float("nan")], ["a"], None, [0.0] * 1002, 3.0],
)
def test_what_is_no_table_is_not_read(table):
    with pytest.raises((ValueError, TypeError)):
        tables_from_json({"max_logit": [0.0], "energy": table})

"""The surrogate learns what can be learnt from cells, and ranks larger ones by it."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from hsi.models.blocks.cells import OPERATIONS
from hsi.models.pnasnet import PNASNET_5
from hsi.searching.space import drawn
from hsi.searching.surrogate import NAMES, encode, predict

ALL = list(OPERATIONS)


def toy(cells, noise=0.0):
    """An accuracy that is linear in how often each operation stands in a cell."""
    worth = np.random.default_rng(5).normal(size=len(ALL))
    counts = np.array([[sum(name in each[i] for each in cell for i in (0, 2)) for name in ALL] for cell in cells])
    return 0.5 + 0.02 * counts @ worth + noise * np.random.default_rng(6).normal(size=len(cells))


@pytest.mark.parametrize(("noise", "least"), [(0.0, 0.95), (0.01, 0.8)])
def test_it_ranks_cells_of_one_sum_more(noise, least):
    rng = np.random.default_rng(0)
    known = list(dict.fromkeys(drawn(rng, blocks, ALL) for blocks in (1, 2) for _ in range(30)))
    larger = [drawn(rng, 3, ALL) for _ in range(200)]
    guesses = predict(dict(zip(known, toy(known, noise), strict=True)), larger, seed=0)
    assert spearmanr(guesses, toy(larger)).statistic > least


def test_a_cell_is_encoded_as_what_it_consists_of():
    (row,) = encode([PNASNET_5])
    counts = dict(zip(NAMES, row[: len(ALL)], strict=True))
    assert counts == dict.fromkeys(ALL, 0) | {
        "separable_5": 2, "separable_7": 1, "separable_3": 3, "max_pooling": 3, "identity": 1,
    }  # fmt: skip
    by_input = row[len(ALL) : -1].reshape(3, -1).sum(1)
    assert by_input.tolist() == [3, 6, 1]  # figure 1: on h[-2], on h[-1], on a sum
    assert row[-1] == 2  # the fourth sum sees the third


def test_equal_seeds_guess_alike_and_few_cells_suffice():
    rng = np.random.default_rng(1)
    cells = [drawn(rng, 2, ALL) for _ in range(12)]
    scored = dict(zip(cells, toy(cells), strict=True))
    assert np.array_equal(predict(scored, cells, 3), predict(scored, cells, 3))
    assert not np.array_equal(predict(scored, cells, 3), predict(scored, cells, 4))
    assert predict({cells[0]: 0.25}, cells, 0).tolist() == [0.25] * 12
    assert np.isfinite(predict({cells[0]: 0.25, cells[1]: 0.5}, cells, 0)).all()

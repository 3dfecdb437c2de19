"""Which cells are tried, within what time, and that an interrupted search goes on to the same table."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from hsi.errors import HsiError
from hsi.models.blocks.cells import OPERATIONS
from hsi.searching import trials as trials_module
from hsi.searching.scoring import Score
from hsi.searching.space import written
from hsi.searching.strategies import STRATEGIES
from hsi.searching.trials import Trials, read_trials

FEW = ["separable_3", "separable_5", "identity", "max_pooling"]
HOW = {"blocks": 3, "beam": 6, "operations": FEW, "seed": 0}
WIDE = {"beam": 100, "operations": FEW[1:]}  # so that time ends it


class Clock:
    """Time that passes as a test wants it."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(trials_module, "time", SimpleNamespace(monotonic=lambda: self.now))


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def searching(path, clock, strategy="progressive", seconds=1e9, ends=None, **how):
    """A search whose cells are worth their separable convolutions and take 10 seconds a sum."""
    asked = []

    def score(cell):
        if len(asked) == ends:
            raise KeyboardInterrupt
        asked.append(cell)
        clock.now += 10 * len(cell)
        worth = sum(name.startswith("separable") for each in cell for name in each[::2]) / 10
        return Score((worth, worth + 1 / 3), 7)

    found = Trials(path, score, seconds, kept=read_trials(path))
    STRATEGIES[strategy](found, **{**HOW, **how})
    return found, asked


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("ends", [1, 9, 16])
def test_an_interrupted_search_goes_on_to_the_same_table(tmp_path, clock, strategy, ends):
    whole, through = tmp_path / "whole.csv", tmp_path / "through.csv"
    _, all_asked = searching(whole, clock, strategy)
    with pytest.raises(KeyboardInterrupt):
        searching(through, clock, strategy, ends=ends)
    assert len(pd.read_csv(through)) == ends
    _, asked = searching(through, clock, strategy)
    assert asked == all_asked[ends:]
    assert through.read_bytes() == whole.read_bytes()
    assert searching(through, clock, strategy)[1] == []


def test_each_step_grows_what_the_step_before_has_scored(tmp_path, clock):
    found, _ = searching(tmp_path / "cells.csv", clock)
    levels = [[cell for cell in found.taken if len(cell) == blocks] for blocks in range(1, 4)]
    assert [len(level) for level in levels] == [6, 6, 6]
    assert all(trial.predicted is None for cell, trial in found.taken.items() if len(cell) == 1)
    assert all(trial.predicted is not None for cell, trial in found.taken.items() if len(cell) > 1)


def test_what_is_grown_by_a_surrogate_is_better_than_what_is_drawn(tmp_path, clock):
    """Of a toy that can be learnt: else the ranking would rank nothing."""
    every = list(OPERATIONS)
    best = [searching(tmp_path / name, clock, name, operations=every)[0].best.score.mean for name in STRATEGIES]
    assert best[0] > best[1]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("seconds", [5, 100, 333])
def test_the_time_is_kept_and_used(tmp_path, clock, strategy, seconds):
    found, _ = searching(tmp_path / "cells.csv", clock, strategy, seconds, **WIDE)
    first = next(iter(found.taken.values())).seconds
    assert found.spent <= max(seconds, first)  # one cell at least
    assert found.spent > seconds - 40  # the longest takes 30 seconds, and each of three steps ends where none fits
    grown = {1, 2, 3} if seconds > 5 else {1}
    assert {len(cell) for cell in found.taken} == (grown if strategy == "progressive" else {3})


def test_more_minutes_go_on(tmp_path, clock):
    short, _ = searching(tmp_path / "cells.csv", clock, seconds=200, **WIDE)
    longer, asked = searching(tmp_path / "cells.csv", clock, seconds=400, **WIDE)
    assert not set(asked) & set(short.taken)
    assert {written(cell) for cell in short.taken} <= set(pd.read_csv(tmp_path / "cells.csv")["cell"])
    assert 300 < longer.spent <= 400


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_seeds_decide(tmp_path, clock, strategy):
    one, again, other = (
        list(searching(tmp_path / f"{number}.csv", clock, strategy, seed=seed)[0].taken)
        for number, seed in enumerate((1, 1, 2))
    )
    assert one == again != other


def test_random_cells_are_of_full_size_and_none_comes_twice(tmp_path, clock):
    found, asked = searching(tmp_path / "a.csv", clock, "random")
    assert len(asked) == len(set(asked)) == len(found.taken) == 18
    assert {len(cell) for cell in asked} == {3}
    _, few = searching(tmp_path / "b.csv", clock, "random", blocks=1, beam=200, operations=["identity"])
    assert len(few) == 3  # h[-2] or h[-1], twice: there are no others


def test_the_table_keeps_every_digit(tmp_path, clock):
    found, _ = searching(tmp_path / "cells.csv", clock)
    assert read_trials(tmp_path / "cells.csv") == found.taken
    table = pd.read_csv(tmp_path / "cells.csv")
    assert np.allclose(table["accuracy"], table[["fold_0", "fold_1"]].mean(axis=1))


@pytest.mark.parametrize(
    "text", ["a,b\n1,2\n", "cell,accuracy,predicted,parameters,seconds,fold_0\n[[x]],1,1,1,1,1\n", "", "cell\n[\n"]
)
def test_another_table_is_refused(tmp_path, text):
    (tmp_path / "cells.csv").write_text(text)
    with pytest.raises(HsiError, match=r"cells\.csv"):
        read_trials(tmp_path / "cells.csv")

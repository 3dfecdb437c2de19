"""Which cells are tried: grown from the best guesses, or drawn at random to compare with."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from hsi.models.blocks.cells import Sums
from hsi.searching.space import drawn, grown
from hsi.searching.surrogate import predict
from hsi.searching.trials import Trials

Strategy = Literal["progressive", "random"]

MOST_MISSES = 1000  # draws in a row of cells that are known: there are no others, or hardly any


def progressive(trials: Trials, *, blocks: int, beam: int, operations: Sequence[str], seed: int) -> None:
    """Grow cells sum by sum (Liu et al. 2018, algorithm 1), each number of sums within an equal part of the time.

    Of all cells that are one sum longer than those just scored, the surrogate (see `hsi.searching.surrogate`) chooses
    the `beam` most promising, which are scored in that order until their time is over; what is left goes to the next.
    Deviation: of cells of one sum the paper scores all, here `beam` drawn at random.
    """
    candidates = grown((), operations)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(candidates))
    guesses: list[float | None] = [None] * len(candidates)
    for number in range(1, blocks + 1):
        parents: list[Sums] = []
        for index in order[:beam]:
            if not trials.has_time(number / blocks if parents else 1.0):
                break
            parents.append(trials.take(candidates[index], guesses[index]).cell)
        if number == blocks or not parents:
            return
        candidates = list(dict.fromkeys(child for parent in parents for child in grown(parent, operations)))
        scores = {cell: trial.score.mean for cell, trial in trials.taken.items()}
        expected = predict(scores, candidates, seed)
        order = np.lexsort((rng.random(len(candidates)), -expected.round(6)))  # chance decides between equals
        guesses = [*expected.tolist()]


def at_random(trials: Trials, *, blocks: int, beam: int, operations: Sequence[str], seed: int) -> None:
    """Draw as many cells of `blocks` sums, uniformly at random, none twice, as `progressive` would score at most."""
    rng = np.random.default_rng(seed)
    misses = 0
    while len(trials.taken) < blocks * beam and misses < MOST_MISSES and trials.has_time():
        cell = drawn(rng, blocks, operations)
        misses = misses + 1 if cell in trials.taken else 0
        if not misses:
            trials.take(cell)


STRATEGIES = {"progressive": progressive, "random": at_random}

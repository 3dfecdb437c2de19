"""The cells that a search may meet: how many there are, which are one and the same, how they grow and are drawn.

Liu et al., "Progressive Neural Architecture Search", ECCV 2018, section 3.1. A sum is a pair of terms, a term an
operation on an input: of the b-th sum there are (|I_b| |O|)^2, with |I_b| = b + 1 inputs and |O| operations. The two
terms may change places, and so may sums neither of which sees the other: then the network is the same, with its
channels in another order. `canonical` gives such cells one form.
"""

from collections.abc import Sequence
from itertools import combinations_with_replacement, product

import numpy as np
import yaml

from hsi.models.blocks.cells import OUTSIDE, Sum, Sums, require_sums


def terms(number: int, operations: Sequence[str]) -> list[tuple[str, int]]:
    """The terms (operation, input) of the sum of this number, from 1 on, of which any two make a sum."""
    return list(product(operations, range(OUTSIDE + number - 1)))


def grown(cell: Sums, operations: Sequence[str]) -> list[Sums]:
    """Every cell that has one sum more, in its canonical form, each once. Grown of ``()``: those of one sum."""
    more = combinations_with_replacement(terms(len(cell) + 1, operations), 2)
    return list(dict.fromkeys(canonical((*cell, (*left, *right))) for left, right in more))


def drawn(rng: np.random.Generator, blocks: int, operations: Sequence[str]) -> Sums:
    """A cell of `blocks` sums in its canonical form, its terms uniformly at random and independent of each other."""
    cell: Sums = ()
    for number in range(1, blocks + 1):
        known = terms(number, operations)
        left, right = (known[index] for index in rng.integers(len(known), size=2))
        cell = (*cell, (*left, *right))
    return canonical(cell)


def canonical(cell: Sums) -> Sums:
    """The smallest way to write a cell: terms in order, and of all orders of the sums the one that comes first.

    Two cells have the same form exactly if exchanged terms and exchanged sums lead from one to the other.
    """
    ways: list[dict[int, int]] = [{0: 0, 1: 1}]  # numbers, old to new, of the beginnings that are written alike
    found: list[Sum] = []
    for number in range(OUTSIDE, OUTSIDE + len(cell)):
        longer = [
            (_ordered(each, names), {**names, old: number})
            for names in ways
            for old, each in enumerate(cell, OUTSIDE)
            if old not in names and each[1] in names and each[3] in names
        ]
        first = min(each for each, _ in longer)
        ways = [names for each, names in longer if each == first]
        found.append(first)
    return tuple(found)


def _ordered(each: Sum, names: dict[int, int]) -> Sum:
    """A sum under new numbers, the term that comes first in front."""
    one, other = sorted([(each[0], names[each[1]]), (each[2], names[each[3]])])
    return (*one, *other)


def written(cell: Sums) -> str:
    """A cell in a word, as ``model.cell=`` takes it."""
    return f"[{','.join('[' + ','.join(map(str, each)) + ']' for each in cell)}]"


def read(word: str) -> Sums:
    """The cell that `written` wrote; HsiError or yaml.YAMLError for another word."""
    return require_sums(yaml.safe_load(word))

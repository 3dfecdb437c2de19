"""The space of cells: as large as the paper says, each network in it once."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsi.errors import HsiError
from hsi.models.blocks.cells import OPERATIONS, require_sums
from hsi.searching.space import canonical, drawn, grown, read, terms, written

ALL = list(OPERATIONS)
FEW = ["identity", "separable_3"]


@st.composite
def cells(draw, most=5):
    return tuple(
        tuple(part for _ in range(2) for part in draw(st.sampled_from(terms(number, FEW))))
        for number in range(1, 1 + draw(st.integers(1, most)))
    )


@pytest.mark.parametrize("number", range(1, 6))
def test_there_are_as_many_sums_as_the_paper_says(number):
    """Liu et al. 2018, section 3.1: |B_b| = |I_b|^2 |O|^2 with |I_b| = b + 1; of 256 for b = 1, 136 are unique."""
    ordered = len(terms(number, ALL)) ** 2
    assert ordered == (number + 1) ** 2 * 8**2
    assert number > 1 or (ordered, len(grown((), ALL))) == (256, 136)


def test_the_whole_space_of_five_sums_has_the_published_size():
    """Section 3.1: 10^14 cells and more, before those that are alike are taken out: 5.6 * 10^14."""
    assert np.prod([float(len(terms(number, ALL)) ** 2) for number in range(1, 6)]) == pytest.approx(5.6e14, rel=0.01)


def relabelled(cell, order, mirrored):
    """The cell with its sums in another order and some of them mirrored; None where a sum would see a later one."""
    names = {0: 0, 1: 1, **{old + 2: new + 2 for new, old in enumerate(order)}}
    sums = []
    for old, mirror in zip(order, mirrored, strict=True):
        left, of_left, right, of_right = cell[old]
        pair = [(left, names[of_left]), (right, names[of_right])]
        pair = pair[::-1] if mirror else pair
        sums.append((*pair[0], *pair[1]))
    fits = all(max(of_left, of_right) < 2 + at for at, (_, of_left, _, of_right) in enumerate(sums))
    return tuple(sums) if fits else None


@given(cells(), st.randoms(use_true_random=False))
def test_exchanged_terms_and_sums_have_one_form(cell, random):
    order = random.sample(range(len(cell)), len(cell))
    other = relabelled(cell, order, [random.random() < 0.5 for _ in cell])
    form = canonical(cell)
    assert form == require_sums(form) == canonical(form)
    if other is not None:
        assert canonical(other) == form


def test_two_cells_with_one_form_are_exchanged_into_each_other():
    """All 16 * 36 cells of two sums from two operations: as many forms as classes under every exchange."""
    pairs = (product(terms(1, FEW), repeat=2), product(terms(2, FEW), repeat=2))
    every = [((*a, *b), (*c, *d)) for (a, b), (c, d) in product(*map(list, pairs))]
    classes = {
        frozenset(
            found
            for order in permutations(range(2))
            for mirrored in product([False, True], repeat=2)
            if (found := relabelled(cell, order, mirrored))
        )
        for cell in every
    }
    assert len(every) == 576
    assert len({canonical(cell) for cell in every}) == len(classes)
    assert {form for cell in grown((), FEW) for form in grown(cell, FEW)} == {canonical(cell) for cell in every}


def test_twin_sums_do_not_hide_who_sees_which():
    """Two equal sums, and two more that see one of them both, or each its own: two networks, not one."""
    twins = (("identity", 0, "identity", 0),) * 2
    one = canonical((*twins, ("identity", 2, "identity", 0), ("identity", 2, "identity", 1)))
    each = canonical((*twins, ("identity", 2, "identity", 0), ("identity", 3, "identity", 1)))
    other = canonical((*twins, ("identity", 3, "identity", 1), ("identity", 2, "identity", 0)))
    assert each == other != one


def test_draws_are_of_the_size_and_reach_all_operations_and_inputs():
    rng = np.random.default_rng(0)
    found = [drawn(rng, 3, ALL) for _ in range(200)]
    assert {len(cell) for cell in found} == {3}
    assert {name for cell in found for each in cell for name in each[::2]} == set(ALL)
    assert {number for cell in found for number in cell[2][1::2]} == {0, 1, 2, 3}
    assert len(set(found)) > 190


@given(cells())
def test_a_cell_comes_back_from_its_word(cell):
    assert read(written(cell)) == cell


def test_a_word_that_is_no_cell_is_refused():
    with pytest.raises(HsiError, match="unknown operation"):
        read("[[convolution,0,identity,1]]")

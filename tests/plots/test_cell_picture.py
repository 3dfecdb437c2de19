"""The picture of a cell: a box for each operation, and arrows that run upwards from what it sees."""

import pytest
from matplotlib.text import Annotation

from hsi.models.blocks.cells import OPERATIONS
from hsi.models.pnasnet import PNASNET_5
from hsi.plots.cell import draw_cell


def test_a_cell_is_drawn_with_all_that_it_sees():
    (axes,) = draw_cell(PNASNET_5, "PNASNet-5").axes
    texts = [text for text in axes.texts if not isinstance(text, Annotation)]
    words = [text.get_text().replace("\n", "_") for text in texts]
    operations = [name for each in PNASNET_5 for name in each[::2]]
    assert sorted(words) == sorted(["h[-2]", "h[-1]", "concatenated", *operations, *(f"+ {n}" for n in range(1, 6))])
    arrows = [(text.xyann, text.xy) for text in axes.texts if isinstance(text, Annotation)]
    assert len(arrows) == 5 * (2 + 2 + 1)
    assert all(start[1] < end[1] for start, end in arrows)
    place = {text.get_text(): text.get_position() for text in texts}
    sources = [start for start, _ in arrows]
    assert [sources.count(place[name]) for name in ("h[-2]", "h[-1]")] == [3, 6]  # figure 1
    assert [sources.count(place[f"+ {number}"]) for number in range(1, 6)] == [1, 1, 2, 1, 1]
    assert place["+ 4"][1] > place["+ 3"][1] == place["+ 1"][1]


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_can_be_drawn(name):
    (axes,) = draw_cell(((name, 0, name, 1),), "").axes
    assert [text.get_text() for text in axes.texts].count(name.replace("_", "\n")) == 2

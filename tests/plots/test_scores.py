"""Confusion matrix and history: what stands in the cells, which curves are drawn."""

import numpy as np
import pandas as pd
import pytest
from made import make_history, texts

from hsi.plots.canvas import save
from hsi.plots.scores import draw_confusion, draw_history

pytestmark = pytest.mark.filterwarnings("error")


def test_confusion_percentages():
    # Row 0: 3 of 4 and 1 of 4; row 1: 1999 of 2000, which must not read 100, and 1 of 2000, which must not
    # read 0; row 2: all; row 3: a class without pixels.
    matrix = np.array([[3, 1, 0, 0], [0, 1999, 1, 0], [0, 0, 5, 0], [0, 0, 0, 0]])
    figure = draw_confusion(matrix, ("a", "b", "c", "d"), "Title")
    blank = ""
    assert texts(figure) == [
        *("75.0", "25.0", blank, blank),
        *(blank, ">99.9", "<0.1", blank),
        *(blank, blank, "100", blank),
        *(blank, blank, blank, blank),
    ]
    axes = figure.axes[0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["a", "b", "c", "d"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", "b", "c", "d"]
    support = axes.child_axes[0]
    assert [tick.get_text() for tick in support.get_yticklabels()] == ["4", "2000", "5", "0"]


def test_confusion_of_many_classes_keeps_its_cells_apart():
    matrix = np.full((16, 16), 625)
    figure = draw_confusion(matrix, [f"a rather long class name {number}" for number in range(16)])
    figure.draw_without_rendering()
    axes = figure.axes[0]
    boxes = [text.get_window_extent() for text in axes.texts]
    cell = axes.get_window_extent().width / 16
    assert all(box.width < cell for box in boxes)
    for tick in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        assert tick.get_window_extent().x0 >= 0
        assert tick.get_window_extent().y0 >= 0


def test_history_curves():
    left, right = draw_history(make_history(50)).axes
    np.testing.assert_allclose(left.lines[0].get_ydata(), 3 / np.arange(1, 51))
    np.testing.assert_allclose(right.lines[0].get_ydata(), 100 * (1 - 1 / np.arange(1, 51)))
    measured = right.lines[-1]
    np.testing.assert_array_equal(measured.get_xdata(), [10, 20, 30, 40, 50])
    np.testing.assert_allclose(measured.get_ydata(), [80, 90, 280 / 3, 95, 96])


@pytest.mark.parametrize(
    "table",
    [
        make_history(50).drop(columns="validation_accuracy"),
        make_history(9),  # a column of validation accuracies without any
        make_history(1),
        make_history(50).assign(loss=0.0),
    ],
    ids=["no column", "none measured", "one step", "no loss"],
)
def test_history_without_validation(table, tmp_path):
    figure = draw_history(table)
    entries = {1: ["training pixels"], 9: ["a training batch"], 50: ["a training batch", "mean of 2 batches"]}
    if len(table.get("validation_accuracy", pd.Series()).dropna()) == 0:
        assert [text.get_text() for text in figure.axes[1].get_legend().get_texts()] == entries[len(table)]
    save(figure, tmp_path / "history.png")


def test_history_of_a_fit_in_one_go_is_a_point_that_shows():
    for axes in draw_history(make_history(1)).axes:
        assert axes.lines[0].get_marker() == "o"
        assert all(tick % 1 == 0 for tick in axes.get_xticks())

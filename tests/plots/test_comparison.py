"""Pictures of settings: what stands where."""

import numpy as np
import pandas as pd
import pytest

from hsi.plots.comparison import draw_cost, draw_gap

pytestmark = pytest.mark.filterwarnings("error")

SCORES = pd.DataFrame(
    {("random", "mean"): [95.0, 90.0], ("random", "std"): [1.0, np.nan]}
    | {("regions", "mean"): [50.0, 60.0], ("regions", "std"): [5.0, 6.0]},
    index=["net", "svm"],
)


def test_the_gap_joins_both_protocols_of_each_model():
    (axes,) = draw_gap(SCORES, "OA (%)").axes
    joined = [sorted(segment[:, 0]) for segment in axes.collections[0].get_segments()]
    assert joined == [[50, 95], [60, 90]]
    marks = [container.lines[0].get_xdata().tolist() for container in axes.containers]
    assert marks == [[95, 90], [50, 60]]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["net", "svm"]


def test_cost_stands_against_accuracy_in_a_panel_a_protocol():
    figure = draw_cost(SCORES, pd.Series({"net": 5.0, "svm": 0.1}), "cost", "OA (%)")
    assert [axes.get_title() for axes in figure.axes] == ["random", "regions"]
    for axes, means in zip(figure.axes, ([95, 90], [50, 60]), strict=True):
        marks = [(line.get_label(), line.get_marker(), *line.get_xydata()[0]) for line in axes.lines]
        assert marks == [("net", "$1$", 5.0, means[0]), ("svm", "$2$", 0.1, means[1])]
        assert axes.get_xscale() == "log"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["net", "svm"]

"""Pictures of the leak audit: no bin of distance and no window is left out."""

import numpy as np

from hsi.evaluation.leakage import audit, ladder
from hsi.plots.leakage import draw_ladder, draw_leakage
from hsi.splits.roles import TEST, TRAIN, Split


def test_pictures_show_every_distance_bin_and_window():
    rng = np.random.default_rng(0)
    split = Split(rng.choice([0, 0, 0, 0, TRAIN, TEST], (9, 11)).astype(np.uint8))
    labels = np.where(split.role > 0, rng.integers(1, 4, (9, 11)), 0)
    leakage = audit(split, labels, 3, class_map=np.ones_like(labels))
    histogram, curve = draw_leakage(leakage).axes
    assert [bar.get_height() for bar in histogram.patches] == leakage["distance_counts"]
    assert len(curve.get_xticks()) == len(leakage["accuracy_by_distance"])
    assert len(draw_leakage(audit(split, labels, 3)).axes) == 1
    (axes,) = draw_ladder(ladder(split, labels, [1, 3, 5])).axes
    assert [len(line.get_xdata()) for line in axes.lines] == [3, 3, 3]

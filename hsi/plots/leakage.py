"""Pictures of the leak audit."""

from collections.abc import Mapping, Sequence
from math import floor
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hsi.plots.canvas import MEASURED, UNSEEN, VALIDATED, add_legend, finish_chart, make_figure

DISTANCE = "distance to the nearest training pixel (pixels)"


def draw_leakage(leakage: Mapping[str, Any], position: Mapping[str, Any] | None = None) -> Figure:
    """Draw how far test pixels lie from training pixels, and accuracy against that distance: the map's and position's.

    `leakage` is what `hsi.evaluation.leakage.audit` returns, `position` what `hsi.evaluation.position.by_position`
    does; metrics.json keeps both. Without a map and `position` there are no curves.
    """
    curves = [
        (bins, colour, style, text)
        for bins, colour, style, text in (
            (leakage.get("accuracy_by_distance"), MEASURED, "-o", "the map"),
            ((position or {}).get("accuracy_by_distance"), UNSEEN, "--s", "position alone, no spectrum read"),
        )
        if bins
    ]
    figure = make_figure(9 if curves else 5, 3.4)
    axes = figure.subplots(1, 2 if curves else 1, squeeze=False)[0]
    counts = np.array(leakage["distance_counts"])
    reach = leakage["window"] // 2
    distance = np.arange(len(counts))
    masked = ", masked" if leakage["test_windows_with_training_pixel"] == 0 else ""
    within = f"a window's reach ({reach})"
    for part, colour, text in (
        (distance <= reach, VALIDATED, f"within {within}{masked}"),
        (distance > reach, MEASURED, f"beyond {within}"),
    ):
        told = {"label": text} if counts[part].any() else {}
        axes[0].bar(distance[part], counts[part], width=0.9, color=colour, **told)
    axes[0].set_xlim(left=0.4)
    axes[0].set_yscale("log")
    axes[0].set_ylim(bottom=0.7)  # so that one pixel is seen
    axes[0].xaxis.set_major_locator(MaxNLocator(integer=True))
    finish_chart(axes[0], DISTANCE, "test pixels", grid="y")
    add_legend(axes[0])
    for bins, colour, style, text in curves:
        _draw_curve(axes[1], bins, colour, style, text)
    if curves:
        bins = curves[0][0]  # of the same test pixels: the distances are those of all curves
        spans = [f"{b['from']}" if b["from"] == b["to"] else f"{b['from']}-{b['to']}" for b in bins]
        axes[1].set_xscale("log", base=2)
        axes[1].set_xticks(_middles(bins), spans)
        axes[1].minorticks_off()
        lowest = 100 * min(b["low"] for drawn, *_ in curves for b in drawn)
        axes[1].set_ylim(max(-2, 5 * floor(lowest / 5) - 2), 101)
        finish_chart(axes[1], DISTANCE, "accuracy (%), 95 % interval", grid="y")
        add_legend(axes[1], loc="lower left")
    return figure


def _draw_curve(axes: Axes, bins: Sequence[Mapping[str, float]], colour: str, style: str, text: str) -> None:
    """Accuracy in percent at the distances of `bins`, with intervals."""
    accuracy, low, high = (np.array([b[key] for b in bins]) for key in ("accuracy", "low", "high"))
    spread = 100 * np.clip([accuracy - low, high - accuracy], 0, None)
    axes.errorbar(
        *(_middles(bins), 100 * accuracy, spread),
        fmt=style,
        color=colour,
        markersize=4,
        capsize=3,
        linewidth=1.2,
        label=text,
    )


def _middles(bins: Sequence[Mapping[str, float]]) -> list[float]:
    return [float(np.sqrt(b["from"] * b["to"])) for b in bins]


def draw_ladder(table: pd.DataFrame, title: str = "") -> Figure:
    """Draw the figures of `hsi.evaluation.leakage.ladder` over the side of the window."""
    figure = make_figure(6, 3.6)
    axes = figure.subplots()
    for column, text, colour, style in (
        ("test_windows_with_training_pixel", "test windows with a training pixel", VALIDATED, "-o"),
        ("test_windows_with_training_pixel_of_own_class", "... of their own class", MEASURED, "--s"),
        ("mean_overlap", "mean share of a test window in training windows", UNSEEN, ":^"),
    ):
        axes.plot(table["window"], 100 * table[column], style, color=colour, markersize=3.5, label=text)
    axes.set_ylim(-3, 103)
    axes.set_xticks(table["window"])
    finish_chart(axes, "side of the window (pixels)", "%", title)
    add_legend(axes)
    return figure

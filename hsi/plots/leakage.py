"""Pictures of the leak audit."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hsi.plots.canvas import MEASURED, VALIDATED, add_legend, finish_chart, make_figure

DISTANCE = "distance to the nearest training pixel (pixels)"


def draw_leakage(leakage: Mapping[str, Any]) -> Figure:
    """Draw how far test pixels lie from training pixels and, where there is a map, accuracy against that distance.

    `leakage` is what `hsi.evaluation.leakage.audit` returns and metrics.json keeps.
    """
    bins = leakage.get("accuracy_by_distance", [])
    figure = make_figure(9 if bins else 5, 3.4)
    axes = figure.subplots(1, 2 if bins else 1, squeeze=False)[0]
    counts = np.array(leakage["distance_counts"])
    reach = leakage["window"] // 2
    distance = np.arange(len(counts))
    masked = ", masked" if leakage["test_windows_with_training_pixel"] == 0 else ""
    for part, colour, text in (
        (distance <= reach, VALIDATED, f"within a window's reach ({reach}){masked}"),
        (distance > reach, MEASURED, "beyond it"),
    ):
        axes[0].bar(distance[part], counts[part], width=0.9, color=colour, label=text)
    axes[0].set_xlim(left=0.4)
    axes[0].xaxis.set_major_locator(MaxNLocator(integer=True))
    finish_chart(axes[0], DISTANCE, "test pixels", grid="y")
    add_legend(axes[0])
    if bins:
        middle = [np.sqrt(b["from"] * b["to"]) for b in bins]
        accuracy = np.array([b["accuracy"] for b in bins])
        low, high = (np.array([b[end] for b in bins]) for end in ("low", "high"))
        axes[1].errorbar(
            middle,
            100 * accuracy,
            yerr=100 * np.clip([accuracy - low, high - accuracy], 0, None),
            color=MEASURED,
            marker="o",
            markersize=4,
            capsize=3,
            linewidth=1.2,
        )
        axes[1].set_xscale("log", base=2)
        spans = [f"{b['from']}" if b["from"] == b["to"] else f"{b['from']}-{b['to']}" for b in bins]
        axes[1].set_xticks(middle, spans)
        axes[1].minorticks_off()
        axes[1].set_ylim(0, 105)
        finish_chart(axes[1], DISTANCE, "accuracy (%), 95 % interval", grid="y")
    return figure


def draw_ladder(table: pd.DataFrame, title: str = "") -> Figure:
    """Draw the figures of `hsi.evaluation.leakage.ladder` over the side of the window."""
    figure = make_figure(6, 3.6)
    axes = figure.subplots()
    for column, text, colour, style in (
        ("test_windows_with_training_pixel", "test windows with a training pixel", VALIDATED, "-o"),
        ("test_windows_with_training_pixel_of_own_class", "... of their own class", MEASURED, "--s"),
        ("mean_overlap", "mean share of a test window in training windows", "#555555", ":^"),
    ):
        axes.plot(table["window"], 100 * table[column], style, color=colour, markersize=3.5, label=text)
    axes.set_ylim(-3, 103)
    axes.set_xticks(table["window"])
    finish_chart(axes, "side of the window (pixels)", "%", title)
    add_legend(axes)
    return figure

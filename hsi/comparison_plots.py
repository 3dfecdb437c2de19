"""Figures of a comparison: spread over seeds, mean ranks, disagreement of the seeds."""

import textwrap
from collections.abc import Mapping
from math import ceil

import numpy as np
import pandas as pd
import scikit_posthocs
from matplotlib.figure import Figure

from hsi.calibration_plots import plain
from hsi.plots import DPI, MEASURED, NORMAL, SMALL
from hsi.statistics import Ranking


def draw_settings(table: pd.DataFrame, measure: str = "oa") -> Figure:
    """Draw mean and 95 % interval of a measure for each setting; `table` as `hsi.tables.tabulate_settings` makes it."""
    scale, label = (1, "kappa") if measure == "kappa" else (100, f"{measure.upper()} (%)")
    figure = Figure(figsize=(7, 1.1 + 0.32 * len(table)), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(table))
    mean, low = scale * table[f"{measure}_mean"], scale * table[f"{measure}_low"].astype(float)
    axes.errorbar(mean, places, xerr=(mean - low).fillna(0), fmt="o", color=MEASURED, capsize=3, markersize=4)
    names = [textwrap.shorten(name, 60, placeholder=" ...") for name in table["setting"]]
    axes.set_yticks(places, [f"{place + 1}: {name}" for place, name in zip(places, names, strict=True)])
    axes.set_ylim(len(table) - 0.5, -0.5)
    axes.set_xlabel(f"{label}, mean over the seeds and its 95 % interval", fontsize=NORMAL)
    plain(axes)
    return figure


def draw_critical_difference(ranking: Ranking) -> Figure:
    """Draw mean ranks on a line, the best at the left; a bar joins settings that Nemenyi's test cannot tell apart.

    Demšar, JMLR 7, 2006, figure 1. Settings are named by their numbers.
    """
    figure = Figure(figsize=(6.5, 1.6 + 0.22 * len(ranking.ranks)), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    named = {number: f"setting {number}" for number in ranking.ranks.index}
    scikit_posthocs.critical_difference_diagram(
        ranking.ranks.rename(index=named),
        ranking.nemenyi.rename(index=named, columns=named),
        label_fmt_left="{label} ({rank:.2f})",
        label_fmt_right="({rank:.2f}) {label}",
        label_props={"fontsize": SMALL},
        text_h_margin=0.15,
        ax=axes,
    )
    # the library's own bar of the critical difference runs through the numbers of the axis
    best, height = float(ranking.ranks.min()), 1.6
    axes.plot([best, best + ranking.critical_difference], [height, height], color="black", linewidth=2)
    text = f"critical difference {ranking.critical_difference:.2f}"
    axes.text(best + ranking.critical_difference / 2, height + 0.2, text, ha="center", va="bottom", fontsize=SMALL)
    axes.tick_params(labelsize=SMALL)
    axes.set_title(f"mean rank over {ranking.n} splits and seeds, 1 is best", fontsize=NORMAL, pad=18)
    return figure


def draw_disagreement(maps: Mapping[int, np.ndarray]) -> Figure:
    """Draw which share of the seeds is against the majority: light is agreed on.

    `maps` are (rows, cols) in 0..1, by the number of their setting.
    """
    rows, cols = next(iter(maps.values())).shape
    across = min(len(maps), 4)
    down = ceil(len(maps) / across)
    width = 3.0 * min(1.0, cols / rows)
    size = (across * width + 1.2, down * (width * rows / cols + 0.3) + 0.2)
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    every = figure.subplots(down, across, squeeze=False).ravel()
    for axes in every:
        axes.set_axis_off()
    top = max(0.5, *(float(each.max()) for each in maps.values()))
    for axes, (number, disagreement) in zip(every, maps.items(), strict=False):
        image = axes.imshow(disagreement, cmap="magma_r", vmin=0, vmax=top)
        axes.set_title(f"setting {number}", fontsize=NORMAL)
    bar = figure.colorbar(image, ax=list(every), aspect=30, pad=0.02)
    bar.set_label("share of the seeds against the majority", fontsize=NORMAL)
    bar.ax.tick_params(labelsize=SMALL)
    return figure

"""Pictures of a comparison: spread over seeds, mean ranks."""

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
import scikit_posthocs
from matplotlib.figure import Figure

from hsi.errors import shown
from hsi.evaluation.statistics import Ranking
from hsi.plots.canvas import MEASURED, NORMAL, SMALL, VALIDATED, add_legend, finish_chart, literal, make_figure

RANKED = 30  # signs of a name beside the ranks


def draw_settings(table: pd.DataFrame, measure: str = "oa") -> Figure:
    """Draw mean and 95 % interval of a measure for each setting.

    `table` as `hsi.comparison.tables.tabulate_settings` makes it.
    """
    scale, label = (1, "kappa") if measure == "kappa" else (100, f"{measure.upper()} (%)")
    figure = make_figure(7, 1.1 + 0.32 * len(table))
    axes = figure.subplots()
    places = np.arange(len(table))
    mean, low = scale * table[f"{measure}_mean"], scale * table[f"{measure}_low"].astype(float)
    axes.errorbar(mean, places, xerr=(mean - low).fillna(0), fmt="o", color=MEASURED, capsize=3, markersize=4)
    names = [literal(textwrap.shorten(name, 60, placeholder=" ...")) for name in table["setting"]]
    axes.set_yticks(places, [f"{place + 1}: {name}" for place, name in zip(places, names, strict=True)])
    axes.set_ylim(len(table) - 0.5, -0.5)
    finish_chart(axes, f"{label}, mean over the seeds and its 95 % interval")
    return figure


def draw_gap(scores: pd.DataFrame, label: str) -> Figure:
    """Draw the means of two protocols for each model, joined by a line: what the one protocol hides.

    `scores` has a row a model, in the order drawn, and two columns a protocol, ``(protocol, "mean")`` and
    ``(protocol, "std")``, in percent; a standard deviation may be missing.
    """
    figure = make_figure(7, 1.2 + 0.24 * len(scores))
    axes = figure.subplots()
    places = np.arange(len(scores))
    protocols = list(scores.columns.get_level_values(0).unique())
    ends = [scores[protocol, "mean"] for protocol in protocols]
    axes.hlines(places, ends[0], ends[-1], color="#bbbbbb", linewidth=1)
    for protocol, colour in zip(protocols, (VALIDATED, MEASURED), strict=True):
        mean, sd = scores[protocol, "mean"], scores[protocol, "std"].fillna(0)
        axes.errorbar(mean, places, xerr=sd, fmt="o", color=colour, capsize=2, markersize=4, label=protocol)
    axes.set_yticks(places, list(scores.index))
    axes.set_ylim(len(scores) - 0.5, -0.5)
    finish_chart(axes, label)
    add_legend(figure, loc="outside upper center", ncols=len(protocols))
    return figure


def draw_cost(scores: pd.DataFrame, cost: pd.Series, across: str, up: str) -> Figure:
    """Draw each model's mean against its cost on a logarithmic axis, a panel a protocol; columns as in `draw_gap`.

    A point is the number of its model in the order of `scores`, which the legend names.
    """
    protocols = list(scores.columns.get_level_values(0).unique())
    figure = make_figure(5 * len(protocols) + 1.5, max(4.5, 0.5 + 0.17 * len(scores)))
    panels = np.atleast_1d(figure.subplots(1, len(protocols)))
    for axes, protocol in zip(panels, protocols, strict=True):
        mean, sd = scores[protocol, "mean"], scores[protocol, "std"].fillna(0)
        axes.errorbar(cost, mean, yerr=sd, fmt="none", ecolor="#cccccc", elinewidth=1)
        for number, model in enumerate(scores.index, start=1):
            look = {
                "marker": f"${number}$",
                "markersize": 5 if number < 10 else 7,
                "markeredgewidth": 0,
                "color": MEASURED,
            }
            axes.plot(cost[model], mean[model], linestyle="none", label=model, **look)
        axes.set_xscale("log")
        finish_chart(axes, across, up, protocol)
    add_legend(figure, handles=panels[0].lines, loc="outside right upper")
    return figure


def draw_critical_difference(ranking: Ranking, names: Sequence[str]) -> Figure:
    """Draw mean ranks on a line, the best at the left; a bar joins settings that Nemenyi's test cannot tell apart.

    Demšar, JMLR 7, 2006, figure 1. Settings have their numbers, from 1, before their `names`, which may be alike.
    """
    figure = make_figure(9, 1.6 + 0.22 * len(ranking.ranks))
    axes = figure.subplots()
    named = {number: f"{number}: {literal(shown(names[number - 1], RANKED))}" for number in ranking.ranks.index}
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

"""Pictures of a comparison: spread over seeds, mean ranks."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import scikit_posthocs
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator, NullFormatter, StrMethodFormatter

from hsi.errors import shown
from hsi.evaluation.statistics import Ranking, spread
from hsi.plots.canvas import MEASURED, NORMAL, SMALL, UNSEEN, VALIDATED, add_legend, finish_chart, literal, make_figure
from hsi.plots.names import name_points

LEAST = {"oa": 0, "aa": 0, "kappa": -1}  # where the interval of a measure ends
BELOW = 0.22  # of a line, where the dots of its runs lie
DOTS: dict[str, Any] = {"marker": "o", "linestyle": "none", "color": UNSEEN, "markersize": 3.5, "alpha": 0.6}

ABOVE = 100.2  # where the logarithm of errors ends: a little above 100 %, which is drawn too
MARKED = (*range(0, 90, 10), 85, 90, 93, 95, 97, 98, 99, 99.5)  # scores in percent
RANKED = 30  # signs of a name beside the ranks


def draw_settings(settings: Sequence[tuple[str, Sequence[float]]], measure: str = "oa") -> Figure:
    """Draw a measure of every run as a dot, and the mean of each setting with its 95 % interval.

    `settings` are names and values, a fraction a run. An interval ends where the measure does, and there is none for a
    single run, nor where all runs are equal.
    """
    scale, label = (1, "kappa") if measure == "kappa" else (100, f"{measure.upper()} (%)")
    figure = make_figure(7, 1.3 + 0.32 * len(settings))
    axes = figure.subplots()
    for place, (_, values) in enumerate(settings):
        found = spread(values)
        if np.ptp(values) > 0 and found.low is not None and found.high is not None:
            ends = scale * np.clip([found.low, found.high], LEAST[measure], 1)
            axes.plot(ends, [place, place], "|-", color=MEASURED, linewidth=1.2, label="95 % interval of the mean")
        axes.plot(scale * found.mean, place, "D", color=MEASURED, markersize=5, label="mean")
        axes.plot(scale * np.asarray(values), np.full(len(values), place + BELOW), **DOTS, label="a run")
    names = [literal(textwrap.shorten(name, 60, placeholder=" ...")) for name, _ in settings]
    axes.set_yticks(range(len(settings)), [f"{number}: {name}" for number, name in enumerate(names, start=1)])
    axes.set_ylim(len(settings) - 0.5, -0.5)
    finish_chart(axes, label)
    said = {str(line.get_label()): line for line in axes.lines}
    add_legend(figure, handles=list(said.values()), loc="outside upper center", ncols=len(said))
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


def draw_cost(
    scores: pd.DataFrame, cost: pd.Series, across: str, up: str, position: Mapping[str, float] | None = None
) -> Figure:
    """Draw each model's mean against its cost on a logarithmic axis, a panel a protocol; columns as in `draw_gap`.

    Upwards the errors are logarithmic: 98 and 99 % lie nearly as far apart as 80 and 90 %. A line joins the models on
    Pareto's front: none that costs no more is better. `position` is what position alone gives, by protocol.
    """
    protocols = list(scores.columns.get_level_values(0).unique())
    figure = make_figure(6.2 * len(protocols), max(4.5, 1.5 + 0.17 * len(scores)))
    panels = np.atleast_1d(figure.subplots(1, len(protocols)))
    for axes, protocol in zip(panels, protocols, strict=True):
        mean, sd = scores[protocol, "mean"], scores[protocol, "std"].fillna(0)
        axes.errorbar(cost, mean, yerr=sd, fmt="none", ecolor="#dddddd", elinewidth=1, zorder=1)
        axes.plot(*_front_line(cost, mean).T, color=VALIDATED, linewidth=1, zorder=1.5, label="Pareto front")
        axes.plot(
            cost, mean, "o", color=MEASURED, markersize=4, label="mean, with its standard deviation over the seeds"
        )
        if position:
            axes.axhline(position[protocol], color=UNSEEN, linewidth=1, linestyle="--", label="position alone")
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_yscale("function", functions=(_by_errors, _from_errors))
        axes.yaxis.set_major_locator(FixedLocator(MARKED))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.margins(0.08)
        finish_chart(axes, across, up, protocol)
    add_legend(figure, handles=panels[0].lines, loc="outside upper center", ncols=len(panels[0].lines))
    figure.draw_without_rendering()  # lays the panels out, between whose edges the names have to find room
    for axes, protocol in zip(panels, protocols, strict=True):
        mean = scores[protocol, "mean"]
        chosen = {model: model in pareto_front(cost, mean) for model in scores.index}
        name_points(axes, np.column_stack([cost, mean]), chosen, _front_line(cost, mean))
    return figure


def _by_errors(score: np.ndarray) -> np.ndarray:
    """Scores in percent on a scale on which errors are logarithmic."""
    return -np.log(np.maximum(ABOVE - np.asarray(score), ABOVE - 100))


def _from_errors(place: np.ndarray) -> np.ndarray:
    return ABOVE - np.exp(-np.asarray(place))


def pareto_front(cost: pd.Series, score: pd.Series) -> list[str]:
    """The names whose score is higher than that of all that cost no more, by ascending cost."""
    ordered = pd.DataFrame({"cost": cost, "score": score}).sort_values(["cost", "score"], ascending=[True, False])
    best = ordered["score"].cummax().shift(fill_value=-np.inf)
    return list(ordered.index[ordered["score"] > best])


def _front_line(cost: pd.Series, score: pd.Series) -> np.ndarray:
    """The corners (N, 2) of the steps from one model on the front to the next, and on to the dearest of all."""
    front = pareto_front(cost, score)
    costs, scores = cost[front].to_numpy(), score[front].to_numpy()
    return np.column_stack([np.append(np.repeat(costs, 2)[1:], cost.max()), np.repeat(scores, 2)])


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

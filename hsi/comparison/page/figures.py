"""Seeds as dots, and mean ranks, as SVG; colours come from the page's style sheet."""

from collections.abc import Sequence
from html import escape
from math import ceil

import numpy as np

from hsi.comparison.page.shown import Shown, seeds_of
from hsi.comparison.pairs import MEASURES
from hsi.evaluation.blocks import ALPHA
from hsi.evaluation.statistics import Ranking, spread
from hsi.reports.page.svg import WIDTH, Axis, linear

SIDE, ROW, FOOT = 14, 42, 46  # of the dots: margin, height of a setting, height of the axis
MOST = 12  # settings above one axis: as many as a sheet of paper has room for
NAME = 40  # signs of a setting's name above its dots
RANKS_WIDTH, MARGIN, LINE = 760, 250, 21  # of the ranks: names stand in the margins, a line each
RANKED_NAME = 30  # signs of a setting's name beside the ranks
CLIQUE = 8  # height of a bar that joins settings


def dots(shown: Shown) -> str:
    """Every run as a dot that leads to its page; mean and 95 % interval; a mark at what position alone gives.

    The axis stands below each `MOST` settings or fewer, the same for all.
    """
    axis, numbers = _measure_axis(shown), np.arange(1, len(shown.settings) + 1)
    return "".join(_dots(shown, axis, part.tolist()) for part in np.array_split(numbers, ceil(len(numbers) / MOST)))


def _dots(shown: Shown, axis: Axis, numbers: Sequence[int]) -> str:
    """The settings of these numbers above their axis."""
    height = ROW * len(numbers) + FOOT
    foot = height - FOOT + 2
    parts = [f'<path class="grid" d="M{_x(axis, value):.1f} 4V{foot}"/>' for value, _ in axis.ticks]
    for place, number in enumerate(numbers):
        parts += _row(shown, axis, number, ROW * place)
    parts.append(f'<path class="axis" d="M{SIDE} {foot}H{WIDTH - SIDE}"/>')
    parts += [
        f'<text class="tick" x="{_x(axis, value):.1f}" y="{foot + 16}" text-anchor="middle">{escape(text)}</text>'
        for value, text in axis.ticks
    ]
    parts.append(
        f'<text class="label" x="{WIDTH / 2:g}" y="{height - 8}" text-anchor="middle">{escape(axis.label)}</text>'
    )
    told = f"{MEASURES[shown.measure]} of every run, with mean and 95 % interval of each setting"
    return f'<svg class="dots" viewBox="0 0 {WIDTH} {height}" role="group" aria-label="{told}">{"".join(parts)}</svg>'


def _x(axis: Axis, value: float) -> float:
    return SIDE + (WIDTH - 2 * SIDE) * axis.share(value)


def _scale(measure: str) -> int:
    return 1 if measure == "kappa" else 100


def _measure_axis(shown: Shown) -> Axis:
    """From the lowest to the highest of all that is drawn, within what the measure can be."""
    measure, scale = shown.measure, _scale(shown.measure)
    least, most = (-1.0, 1.0) if measure == "kappa" else (0.0, 1.0)
    found = []
    for setting in shown.settings:
        values = setting.values(measure)
        told = spread(values)
        ends = [max(least, told.low), min(most, told.high)] if told.low is not None and told.high is not None else []
        found += [*values, *setting.beside(measure), *ends]
    low, high = min(found), max(found)
    pad = max(0.03 * (high - low), 0.005)
    unit = "" if measure == "kappa" else " (%)"
    return linear(scale * max(least, low - pad), scale * min(most, high + pad), f"{MEASURES[measure]}{unit}")


def _row(shown: Shown, axis: Axis, number: int, top: int) -> list[str]:
    """One setting: its name and mean above, its runs below."""
    scale, setting = _scale(shown.measure), shown.settings[number - 1]
    y, values = top + 28, setting.values(shown.measure)
    told, alone = spread(values), setting.beside(shown.measure)
    mean = _x(axis, scale * told.mean)
    name = escape(shown.label(number, NAME))
    parts = [
        f'<text class="label" x="{SIDE}" y="{top + 14}">{name}<title>{escape(shown.label(number))}</title></text>',
        f'<text class="tick" x="{WIDTH - SIDE}" y="{top + 14}" text-anchor="end">{shown.in_units(told.mean)}</text>',
    ]
    if alone:
        x, title = _x(axis, scale * sum(alone) / len(alone)), shown.in_units(sum(alone) / len(alone))
        parts.append(
            f'<path class="line unseen position" d="M{x:.1f} {y - 9}v18"><title>position alone: {title}</title></path>'
        )
    if told.low is not None and told.high is not None:
        low, high = (_x(axis, min(max(scale * end, axis.low), axis.high)) for end in (told.low, told.high))
        title = f"95 % interval {shown.in_units(told.low)} to {shown.in_units(told.high)}"
        parts.append(
            f'<path class="interval" d="M{low:.1f} {y}H{high:.1f}M{low:.1f} {y - 5}v10M{high:.1f} {y - 5}v10">'
            f"<title>{title}</title></path>"
        )
    parts.append(f'<path class="mean-mark" d="M{mean:.1f} {y - 8}v16"><title>mean</title></path>')
    for run, value in zip(setting.runs, values, strict=True):
        title = escape(f"{seeds_of(run)}: {shown.in_units(value)}")
        parts.append(
            f'<a href="{escape(shown.link(run))}" aria-label="{name}, {title}"><circle class="seed" '
            f'cx="{_x(axis, scale * value):.1f}" cy="{y}" r="4"><title>{title}</title></circle></a>'
        )
    return parts


def cliques(ranking: Ranking) -> list[tuple[float, float]]:
    """Best and worst mean rank of each largest group of settings of which Nemenyi's test tells no two apart."""
    found: list[tuple[float, float]] = []
    for number, value in ranking.ranks.items():
        alike = ranking.nemenyi.loc[number] >= ALPHA
        worst = float(ranking.ranks[alike[alike].index.union([number])].max())
        if worst > value and all(worst > last for _, last in found):
            found.append((float(value), worst))
    return found


def ranks(shown: Shown, ranking: Ranking) -> str:
    """Mean ranks on a line, the best at the left, as by Demšar, JMLR 7, 2006, figure 1, with the names of settings.

    Bars join settings that Nemenyi's test cannot tell apart.
    """
    count, level = len(ranking.ranks), 52
    bars, ordered, half = cliques(ranking), list(ranking.ranks.items()), (count + 1) // 2
    below = level + 16 + CLIQUE * len(bars)

    def x(value: float) -> float:
        return MARGIN + (RANKS_WIDTH - 2 * MARGIN) * (value - 1) / (count - 1)

    parts = [_critical(x(1), x(1 + ranking.critical_difference), ranking)]
    parts.append(f'<path class="axis" d="M{MARGIN} {level}H{RANKS_WIDTH - MARGIN}"/>')
    for value in range(1, count + 1, -(-count // 12)):
        parts.append(
            f'<path class="axis" d="M{x(value):.1f} {level}v-5"/>'
            f'<text class="tick" x="{x(value):.1f}" y="{level - 9}" text-anchor="middle">{value}</text>'
        )
    for place, (first, last) in enumerate(bars):
        y = level + 12 + CLIQUE * place
        parts.append(f'<path class="clique" d="M{x(first) - 4:.1f} {y}H{x(last) + 4:.1f}"/>')
    for left, side in ((True, ordered[:half]), (False, ordered[half:][::-1])):
        for place, (number, value) in enumerate(side, start=1):
            name = shown.label(int(number), RANKED_NAME)
            parts.append(_elbow(name, value, x(value), level, below + LINE * place, left))
    told = escape("Mean ranks: " + ", ".join(f"{shown.label(int(number))} {value:.2f}" for number, value in ordered))
    box = f"0 0 {RANKS_WIDTH} {below + LINE * half + 14}"
    return f'<svg class="ranks" viewBox="{box}" role="img" aria-label="{told}">{"".join(parts)}</svg>'


def _critical(first: float, last: float, ranking: Ranking) -> str:
    """The critical difference, from the best rank there can be."""
    return (
        f'<path class="cd" d="M{first:.1f} 20H{last:.1f}M{first:.1f} 15v10M{last:.1f} 15v10"/>'
        f'<text class="label" x="{(first + last) / 2:.1f}" y="11" text-anchor="middle">'
        f"critical difference {ranking.critical_difference:.2f}</text>"
    )


def _elbow(name: str, value: float, x: float, level: float, y: float, left: bool) -> str:
    """A line from a mean rank down to its row, and out to a name beside the figure."""
    end, anchor, step = (MARGIN, "end", -6) if left else (RANKS_WIDTH - MARGIN, "start", 6)
    inner, beside = ("start", 4) if left else ("end", -4)
    return (
        f'<path class="elbow" d="M{x:.1f} {level}V{y}H{end}"/><circle class="ranked" cx="{x:.1f}" cy="{level}" r="3"/>'
        f'<text class="label" x="{end + step}" y="{y + 4}" text-anchor="{anchor}">{escape(name)}</text>'
        f'<text class="tick" x="{end + beside}" y="{y - 4}" text-anchor="{inner}">{value:.2f}</text>'
    )

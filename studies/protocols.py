"""Runs by protocol, which is how their split was made, and by model."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from hsi.comparison.groups import Finished, Setting, group_runs
from hsi.errors import HsiError
from hsi.evaluation.statistics import spread

LEAKING, HONEST = "random, 10 %", "regions, 50 %"  # at random, where windows leak, and by whole fields
ONE_BUDGET = f"{LEAKING}, one budget"

Study = dict[str, dict[str, Setting]]  # by protocol, by name

OTHERWISE = ("map", "train")  # a run with another choice of these than its model's own has a row of its own
EQUAL = "equal"  # the experiment whose runs are protocols of their own
UNITS = ("%", "pixels", "a class", "folds")  # of the amount of training pixels, in the order of the tables


def protocol(metrics: dict[str, Any]) -> str:
    """How the split of a run was made, in words, without its seed, and whether on one budget: 'random, 10 %'."""
    split = _splitting(metrics["choices"]["split"], metrics["config"]["split"])
    return f"{split}, one budget" if metrics["choices"].get("experiment") == EQUAL else split


def _splitting(kind: str, split: dict[str, Any]) -> str:
    if split.get("per_class"):
        return f"{kind}, {split['per_class']} a class"
    if split.get("folds"):
        return f"{kind}, {split['folds']} folds"
    train = split.get("train")
    if train is None:
        return kind
    return f"{kind}, {100 * train:g} %" if train < 1 else f"{kind}, {train:g} pixels"


def name(metrics: dict[str, Any]) -> str:
    """Model and attention of a run, in words, and what the command chose for `OTHERWISE`: 'hybridsn map=symmetric'."""
    choices = metrics["choices"]
    attention = choices.get("attention", "none")
    chosen = [word for word in metrics["command"] if word.partition("=")[0] in OTHERWISE]
    return " ".join([choices["model"] + ("" if attention == "none" else f" + {attention}"), *sorted(chosen)])


def otherwise(rows: Iterable[str], model: str) -> list[str]:
    """Of the names of `rows` those of `model` that tell of another recipe than its own."""
    return sorted(row for row in rows if row.startswith(f"{model} ") and "=" in row)


def group(runs: Iterable[Finished]) -> Study:
    """The runs, a setting for each name under each protocol; random before regions, shares before counts.

    Raises HsiError where two configurations of a protocol have the same name, since no table could tell them apart.
    """
    found: Study = {}
    ordered = sorted(runs, key=lambda run: protocol(run.metrics))
    for title, members in groupby(ordered, key=lambda run: protocol(run.metrics)):
        rows = found.setdefault(title, {})
        for setting in group_runs(list(members)):
            row = name(setting.runs[0].metrics)
            if row in rows:
                raise HsiError(
                    f"{row} under {title} has two configurations ({rows[row].name} and {setting.name}): keep the runs "
                    "of one of them"
                )
            rows[row] = setting
    return dict(sorted(found.items(), key=lambda item: _order(item[0])))


def _order(title: str) -> tuple[str, int, float, str]:
    """Shares before counts, the most training pixels first; one budget after the networks' own recipes."""
    kind, _, rest = title.partition(", ")
    amount, _, budget = rest.partition(", ")
    number, _, unit = amount.partition(" ")
    return (kind, UNITS.index(unit), -float(number), budget) if unit in UNITS else (kind, -1, 0, rest)


def mean(setting: Setting) -> float:
    """Mean OA in percent."""
    return 100 * spread(setting.values("oa")).mean


def both(found: Study) -> list[str]:
    """Names that were measured under both protocols, the best under regions first."""
    names = [row for row in found.get(HONEST, {}) if row in found.get(LEAKING, {})]
    return sorted(names, key=lambda row: -mean(found[HONEST][row]))

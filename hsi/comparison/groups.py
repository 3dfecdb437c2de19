"""Finished runs grouped by setting: the configuration apart from its seeds, so that repetitions stand together."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from hsi import files
from hsi.config.build import check_value
from hsi.config.values import MOST, Index, Seed, Window
from hsi.errors import HsiError, shown
from hsi.runs.folder import METRICS
from hsi.runs.identity import comparable

log = logging.getLogger(__name__)

OWN_SEEDS = ("start_seed", "order_seed")  # follow ``seed`` where they are null
SEED_KEYS = ("seed", *OWN_SEEDS, "split.seed", "split.fold", "model.seed")  # in these alone repetitions differ
LEARNING = ("train", "optimizer", "schedule", "precision", *OWN_SEEDS)  # without meaning for an estimator, but for:
WEIGHTS = "train.class_weights"

Fraction = Annotated[float, Field(ge=0, le=1, description="a number from 0 to 1")]
Skill = Annotated[float, Field(ge=-MOST, le=1, description="a number up to 1")]
Kappa = Annotated[float, Field(ge=-1, le=1, description="a number from -1 to 1")]
Seconds = Annotated[float, Field(ge=0, le=MOST, description="a number of seconds")]
Word = Annotated[str, Field(max_length=200, description="text of at most 200 signs")]
Counts = Annotated[dict[Word, Index], Field(description="pixels of each class")]

# What a comparison reads of metrics.json:
NEEDED: dict[str, Any] = {
    "oa": Fraction,
    "aa": Fraction,
    "kappa": Kappa,
    "per_class": Annotated[dict[Word, Fraction], Field(min_length=1, description="the recall of each class")],
    "seconds.train": Seconds,
    "seconds.map": Seconds,
    "leakage.window": Window,
    "leakage.test_windows_with_training_pixel": Fraction,
    "seed": Seed,
    "scene": Word,
    "model": Word,
    "split_hash": Word,
    "choices": dict[Word, Word | None],
    "config": dict[str, Any],
}
OPTIONAL: dict[str, Any] = {
    "scene_hash": Word,
    "position.oa": Fraction,
    "position.skill": Skill | None,
    "parameters": Index | None,
    "multiply_adds_per_pixel": dict[str, Index] | None,
    "precision": Word,
    "threads": Index,
    "per_class_support": Counts,
    "n_train": Index,
    "n_val": Index,
    "n_test": Index,
}
SPARE: dict[str, Any] = {  # may lack though their group is there
    **{f"config.{key}": Seed | None for key in OWN_SEEDS},
    "position.aa": Fraction,
    "position.kappa": Kappa,
}


@dataclass(frozen=True)
class Finished:
    """What metrics.json says of a run, and where it lies."""

    folder: Path
    metrics: dict[str, Any]

    @property
    def key(self) -> tuple[str, int, int, int]:
        """Split hash, and the seeds of all, of the first weights, of the order: runs are paired when all agree."""
        seed, config = self.metrics["seed"], self.metrics["config"]
        start, order = (seed if config.get(key) is None else config[key] for key in OWN_SEEDS)
        return self.metrics["split_hash"], seed, start, order


@dataclass(frozen=True)
class Setting:
    """Runs that differ in nothing but their seeds (and folds), by ascending seed."""

    name: str
    runs: tuple[Finished, ...]

    def values(self, measure: str) -> list[float]:
        """The measure, ``oa``, ``aa`` or ``kappa``, of every run."""
        return [run.metrics[measure] for run in self.runs]

    def beside(self, figure: str) -> list[float]:
        """What position alone gives, ``oa`` or ``skill``, of every run that says so: earlier versions did not."""
        found = [run.metrics.get("position", {}).get(figure) for run in self.runs]
        return [value for value in found if value is not None]

    def words(self, key: str) -> list[str]:
        """The different values of a key of metrics.json in its runs, as words; ``unknown`` where a run has none."""
        return sorted({str(run.metrics.get(key, "unknown")) for run in self.runs})


def find_runs(folders: Sequence[Path]) -> list[Path]:
    """Directories of all finished runs at or below `folders`, each once.

    Raises HsiError where a folder does not exist or no run is found.
    """
    for folder in folders:
        if not folder.is_dir():
            raise HsiError(f"{folder} is no directory: name run or sweep directories")
    found = sorted({path.parent for folder in folders for path in folder.rglob(METRICS)})
    if not found:
        raise HsiError(f"no finished run (no {METRICS}) at or below {', '.join(map(str, folders))}")
    return found


def read_run(folder: Path) -> Finished:
    """Read the metrics of a finished run.

    Raises HsiError where metrics.json is missing, damaged, or lacks what a comparison needs.
    """
    path = folder / METRICS
    metrics = files.read_json(path)
    for key, hint in (NEEDED | OPTIONAL | SPARE).items():
        group, _, name = key.rpartition(".")
        place = metrics.get(group) if group else metrics
        if isinstance(place, dict) and name in place:
            check_value(hint, place[name], f"{path}: {key}")
        elif key in NEEDED or (key in OPTIONAL and group in metrics):
            raise HsiError(f"{path} has no {key}: repeat the run with force=true")
    return Finished(folder, metrics)


def read_settings(folders: Sequence[Path]) -> list[Setting]:
    """Read the metrics of finished runs and group them by setting; see `read_run` and `group_runs`."""
    return group_runs([read_run(folder) for folder in folders])


def group_runs(found: Sequence[Finished]) -> list[Setting]:
    """Group runs by setting, in the order in which settings are first met.

    A run that is there twice (same configuration, split and seed) counts once. A setting's name lists what differs
    between the settings at hand.
    """
    runs: dict[tuple[str, tuple[str, int, int, int]], Finished] = {}
    for run in found:
        place = (_identity(run), run.key)
        if place in runs:
            log.info("Left out, the same run as %s: %s", runs[place].folder, run.folder)
        runs.setdefault(place, run)
    first_seen = {identity: number for number, (identity, _) in reversed(list(enumerate(runs)))}
    ordered = sorted(runs.items(), key=lambda item: (first_seen[item[0][0]], item[1].key[1:], item[1].key[0]))
    groups = [
        Setting("", tuple(run for _, run in members)) for _, members in groupby(ordered, key=lambda item: item[0][0])
    ]
    names = name_settings([group.runs[0].metrics for group in groups])
    return [replace(group, name=name) for group, name in zip(groups, names, strict=True)]


def _identity(run: Finished) -> str:
    keys = _keys(run.metrics)
    return json.dumps({key: value for key, value in keys.items() if key not in SEED_KEYS}, sort_keys=True)


def _keys(metrics: dict[str, Any]) -> dict[str, Any]:
    """What counts of a run's configuration, flat; `patch_size` says the window that the model has, given or its own."""
    keys = comparable(metrics["config"])
    if metrics.get("parameters", 0) is None:  # an estimator, which does not learn by steps
        keys = {key: v for key, v in keys.items() if key == WEIGHTS or key.partition(".")[0] not in LEARNING}
    return keys | {"patch_size": keys.get("model.patch_size", keys.get("patch_size"))}


def _choices(metrics: dict[str, Any]) -> dict[str, str]:
    """The choice in each group that means something for the run's model."""
    chosen = {"attention": "none", "map": "default"} | metrics["choices"]
    if metrics.get("parameters", 0) is None:
        return {group: name for group, name in chosen.items() if group not in LEARNING}
    return chosen


def name_settings(metrics: Sequence[dict[str, Any]]) -> list[str]:
    """A name each: the groups and keys in which they differ, seeds apart.

    Keys below a group whose choice differs follow from that choice and are left out, unless names would coincide.
    """
    choices = [_choices(run) for run in metrics]
    keys = [_keys(run) for run in metrics]
    groups = _varied(choices)
    implied = tuple("model.attention." if group == "attention" else f"{group}." for group in groups)
    names = _describe(choices, groups, keys, implied)
    for name in {name for name in names if names.count(name) > 1}:
        places = [place for place, other in enumerate(names) if other == name]
        added = _describe([{} for _ in places], [], [keys[place] for place in places], ())
        for place, more in zip(places, added, strict=True):
            names[place] = ", ".join(part for part in (name, more) if part)
    return [name or f"{run['scene']}, {run['model']}" for name, run in zip(names, metrics, strict=True)]


def _describe(
    choices: Sequence[dict[str, str]], groups: Sequence[str], keys: Sequence[dict[str, Any]], implied: tuple[str, ...]
) -> list[str]:
    others = [
        key
        for key in _varied(keys)
        if key not in SEED_KEYS and not f"{key}.".startswith(implied) and not _echoes(key, keys)
    ]
    return [
        ", ".join(
            [f"{g}={chosen[g]}" for g in groups if g in chosen]
            + [f"{shown(k)}={shown(values[k])}" for k in others if k in values]
        )
        for chosen, values in zip(choices, keys, strict=True)
    ]


def _varied(tables: Sequence[dict[str, Any]]) -> list[str]:
    """Keys whose values are not the same in all tables that have them."""
    every = sorted({key for table in tables for key in table})
    return [key for key in every if len({repr(table[key]) for table in tables if key in table}) > 1]


def _echoes(key: str, tables: Sequence[dict[str, Any]]) -> bool:
    """Whether a nested key repeats a key of the top, as model.patch_size does patch_size."""
    top = key.rpartition(".")[2]
    return top != key and all(top in table and table[top] == table.get(key) for table in tables)

"""The table of a paper: classes down, methods across, a block a scene; `hsi.comparison.typeset` writes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hsi.comparison.groups import Finished, Setting
from hsi.comparison.methods import POSITION, name_methods
from hsi.comparison.pairs import Pair
from hsi.config.shipped import published_scenes, title
from hsi.evaluation.metrics import score
from hsi.evaluation.statistics import Spread, spread
from hsi.scene import Scene
from hsi.splits.nearest import nearest_classes
from hsi.splits.roles import TEST, TRAIN, Split

MEASURES = {"oa": "OA", "aa": "AA", "kappa": "κ × 100"}  # the rows below the classes
NONE = "–"

Values = dict[str, dict[str, Spread]]  # by row and method


@dataclass(frozen=True, eq=False)
class Compared:
    """What a comparison has found of one scene.

    Parameters
    ----------
    scene, splits
        None and empty where its files are not at hand; splits by the folders of their runs.
    """

    settings: Sequence[Setting]
    pairs: Sequence[Pair]
    scene: Scene | None
    splits: Mapping[Path, Split]

    @property
    def title(self) -> str:
        """The scene as the literature calls it."""
        name: str = self.runs[0].metrics["scene"]
        return title("scene", name) if name in published_scenes() else name

    @property
    def runs(self) -> list[Finished]:
        """The runs of all settings."""
        return [run for setting in self.settings for run in setting.runs]


@dataclass(frozen=True)
class Row:
    """A class or a measure: training and test pixels, as text, and what each method reached, in percent."""

    name: str
    train: str
    test: str
    values: Mapping[str, Spread]

    @property
    def best(self) -> set[str]:
        """The methods whose mean is the highest as it is printed."""
        means = {method: float(printed(value.mean)) for method, value in self.values.items()}
        return {method for method, mean in means.items() if mean == max(means.values())}


@dataclass(frozen=True)
class Block:
    """The rows of a scene: its classes, then what is measured over all of them."""

    scene: str
    classes: tuple[Row, ...]
    measures: tuple[Row, ...]

    @property
    def methods(self) -> list[str]:
        """The methods that have a value, in the order in which they come."""
        return list(dict.fromkeys(method for row in (*self.measures, *self.classes) for method in row.values))


def printed(value: float) -> str:
    """A percentage as the tables have it."""
    return f"{value:.2f}"


def block_of(compared: Compared) -> Block:
    """The rows of a scene: what each method reached, and before them what position alone gives."""
    per_class = compared.runs[0].metrics["per_class"]
    classes: Values = {name: {} for name in per_class}
    measures: Values = {measure: {} for measure in MEASURES}
    names = name_methods(compared.settings)
    if POSITION not in names:
        _add_position(compared, classes, measures)
    for method, setting in zip(names, compared.settings, strict=True):
        for measure, values in measures.items():
            _add(values, method, setting.values(measure))
        for name, values in classes.items():
            _add(values, method, [run.metrics["per_class"][name] for run in setting.runs if _is_tested(run, name)])
    train, test = _pixels_of_classes(compared, list(per_class))
    train_in_all, test_in_all = (_range(_said(compared, key)) for key in ("n_train", "n_test"))
    overall = [
        Row(name, train_in_all, test_in_all, measures[measure])
        if measure == "oa"
        else Row(name, "", "", measures[measure])
        for measure, name in MEASURES.items()
    ]
    return Block(
        compared.title,
        tuple(Row(name, _range(train[name]), _range(test[name]), values) for name, values in classes.items()),
        tuple(overall),
    )


def _add(values: dict[str, Spread], method: str, fractions: Sequence[float]) -> None:
    if fractions:
        values[method] = spread([100 * value for value in fractions])


def _is_tested(run: Finished, name: str) -> bool:
    """Whether a class has test pixels; runs of the first versions do not say."""
    return bool(run.metrics.get("per_class_support", {}).get(name, 1))


def _add_position(compared: Compared, classes: Values, measures: Values) -> None:
    """What position alone gives, once a split: of each class where the scene is at hand, else as the runs say."""
    scene = compared.scene
    if scene is None:
        said = {run.metrics["split_hash"]: run.metrics.get("position", {}) for run in compared.runs}
        for measure, values in measures.items():
            _add(values, POSITION, [found[measure] for found in said.values() if measure in found])
        return
    scores = [
        score(scene.labels[test], nearest_classes(split, scene.labels, test)[test], scene.class_names)
        for split in _each_split(compared)
        if (test := split.role == TEST).any() and (split.role == TRAIN).any()
    ]
    for measure, values in measures.items():
        _add(values, POSITION, [getattr(found, measure) for found in scores])
    for name in classes.keys() & set(scene.class_names):
        tested = [found.per_class.loc[name] for found in scores]
        _add(classes[name], POSITION, [row["recall"] for row in tested if row["support"]])


def _each_split(compared: Compared) -> list[Split]:
    return list({split.hash: split for split in compared.splits.values()}.values())


def _pixels_of_classes(compared: Compared, names: Sequence[str]) -> tuple[dict[str, set[int]], dict[str, set[int]]]:
    """How many training and test pixels each class has, in one run or another; empty where nobody knows."""
    train: dict[str, set[int]] = {name: set() for name in names}
    test: dict[str, set[int]] = {name: set() for name in names}
    if (scene := compared.scene) is not None:
        for split in _each_split(compared):
            for role, counts in ((TRAIN, train), (TEST, test)):
                found = np.bincount(scene.labels[split.role == role], minlength=scene.num_classes + 1)[1:]
                for name, count in zip(scene.class_names, found.tolist(), strict=True):
                    counts.setdefault(name, set()).add(count)
        return train, test
    for run in compared.runs:
        for name, count in run.metrics.get("per_class_support", {}).items():
            test.setdefault(name, set()).add(count)
    return train, test


def _range(counts: set[int]) -> str:
    return NONE if not counts else str(min(counts)) if len(counts) == 1 else f"{min(counts)}–{max(counts)}"


def _said(compared: Compared, key: str) -> set[int]:
    """The different values of a count in metrics.json."""
    return {run.metrics[key] for run in compared.runs if key in run.metrics}

"""Finished runs side by side, as `hsi compare` has them."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import pandas as pd
from matplotlib.figure import Figure

from hsi.comparison import tables
from hsi.comparison.groups import Setting, find_runs, read_settings
from hsi.comparison.judgement import Judgement, judge, require_one_scene
from hsi.comparison.pairs import MEASURES
from hsi.config.build import check_value
from hsi.errors import HsiError
from hsi.plots import comparison, maps


@dataclass(frozen=True, eq=False)
class Sweep:
    """Finished runs, grouped by setting: those that differ in nothing but their seeds.

    Its tables name settings by a number, from 1, and are those of `hsi compare`. `measure`, ``oa``, ``aa`` or
    ``kappa``, is what settings are compared by; `trust` as in `hsi.api.open_run`.
    """

    settings: list[Setting]
    measure: str = "oa"
    trust: tuple[str, ...] = ()

    @property
    def runs(self) -> pd.DataFrame:
        """A row a run: setting, name, seed, oa, aa, kappa (fractions), folder."""
        rows = [
            {"setting": number, "name": setting.name, "seed": run.metrics["seed"]}
            | {measure: run.metrics[measure] for measure in MEASURES}
            | {"folder": str(run.folder)}
            for number, setting in enumerate(self.settings, start=1)
            for run in setting.runs
        ]
        return pd.DataFrame(rows)

    @property
    def accuracy(self) -> pd.DataFrame:
        """A row a setting: mean ± standard deviation over its runs, and what position alone gives."""
        return tables.show_accuracy(self._table).set_index("no.")

    @property
    def cost(self) -> pd.DataFrame:
        """A row a setting: seconds, parameters, share of test windows with a training pixel."""
        return tables.show_cost(self._table).set_index("no.")

    @property
    def per_class(self) -> pd.DataFrame:
        """A row a class, a column a setting: recall (producer's accuracy) in percent."""
        return tables.show_classes(tables.tabulate_classes(self.settings), self.settings).set_index("class")

    @property
    def pairs(self) -> pd.DataFrame:
        """A row for every two settings that share splits and seeds: their difference, and the tests."""
        return tables.show_pairs(self.judgement.pairs, self.measure)

    @property
    def votes(self) -> pd.DataFrame:
        """A row a setting whose runs share a split: the runs alone, and voting."""
        return tables.show_ensembles(self.judgement.ensembles)

    @property
    def conclusions(self) -> list[str]:
        """What may be concluded, and what not, in sentences."""
        return self.judgement.conclusions

    @cached_property
    def judgement(self) -> Judgement:
        """All that the tests say, see `hsi.comparison.judgement.judge`."""
        return judge(self.settings, self.measure, self.trust)

    @cached_property
    def plot(self) -> "SweepPlots":
        """Its figures: ``sweep.plot.settings()``, ``.ranks()``, ``.disagreement()``."""
        return SweepPlots(self)

    @cached_property
    def _table(self) -> pd.DataFrame:
        return tables.tabulate_settings(self.settings)


@dataclass(frozen=True)
class SweepPlots:
    """The figures of a sweep."""

    sweep: Sweep

    def settings(self) -> Figure:
        """Every run, and mean and 95 % interval of each setting."""
        measure = self.sweep.measure
        return comparison.draw_settings([(each.name, each.values(measure)) for each in self.sweep.settings], measure)

    def ranks(self) -> Figure:
        """Mean ranks, and which settings Nemenyi's test cannot tell apart; HsiError below three settings."""
        ranking = self.sweep.judgement.ranking
        if ranking is None:
            raise HsiError("there are no ranks: they take three settings or more that share two seeds")
        return comparison.draw_critical_difference(ranking)

    def disagreement(self) -> Figure:
        """Where the runs of each setting disagree; HsiError where no two share a split."""
        if not self.sweep.judgement.ensembles:
            raise HsiError("nothing can disagree: no two runs of a setting share a split, or none has its map")
        return maps.draw_disagreement(self.sweep.judgement.disagreements)


def open_sweep(*folders: str | Path, measure: str = "oa", trust: Collection[str] = ()) -> Sweep:
    """Open all finished runs in or below `folders`, of one scene, to compare them.

    `measure`, ``oa``, ``aa`` or ``kappa``, is what the tests look at. Raises HsiError where a folder does not exist, or
    no run is found.
    """
    check_value(Literal[*MEASURES], measure, "measure")
    settings = read_settings(find_runs([Path(folder) for folder in folders]))
    require_one_scene([run for setting in settings for run in setting.runs])
    return Sweep(settings, measure, tuple(trust))

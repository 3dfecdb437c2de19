"""What the page of a comparison is made of, and how it names and links it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from hsi.comparison.groups import Finished, Setting
from hsi.comparison.judgement import Judgement
from hsi.errors import shown as cut
from hsi.runs.folder import REPORT


@dataclass(frozen=True, eq=False)
class Shown:
    """Settings of one scene, and what is said of them.

    Parameters
    ----------
    table
        A row a setting, see `hsi.comparison.tables.tabulate_settings`.
    measure
        What the tests look at: ``oa``, ``aa`` or ``kappa``.
    out
        The folder that the page goes to: its links start there.
    """

    settings: Sequence[Setting]
    table: pd.DataFrame
    judgement: Judgement
    measure: str
    out: Path

    def label(self, number: int, longest: int = 200) -> str:
        """Number, from 1, and name of a setting."""
        return f"{number}: {cut(self.settings[number - 1].name, longest)}"

    def link(self, run: Finished) -> str:
        """The address of a run's page, or of its folder where it has none, seen from this page."""
        page = run.folder / REPORT
        place = page if page.is_file() else run.folder
        way = Path(os.path.relpath(place.resolve(), self.out.resolve())).as_posix()
        return quote(way) + ("" if page.is_file() else "/")

    def in_units(self, value: float) -> str:
        """A value of the measure as it is written: in percent, but for kappa."""
        return f"{value:.4f}" if self.measure == "kappa" else f"{100 * value:.2f} %"


def seeds_of(run: Finished) -> str:
    """What tells a run from the other runs of its setting: its seed, and those of start and order where they differ."""
    _, seed, start, order = run.key
    apart = {"start": start, "order": order}
    return ", ".join([f"seed {seed}", *(f"{name} {value}" for name, value in apart.items() if value != seed)])

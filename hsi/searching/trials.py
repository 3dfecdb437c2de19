"""The cells of a search that are scored: within a time, each once, and kept in a table from which a search goes on."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import yaml

from hsi import files
from hsi.errors import HsiError
from hsi.models.blocks.cells import Sums
from hsi.searching.scoring import Score
from hsi.searching.space import read, written

TABLE = "cells.csv"


class Trial(NamedTuple):
    """A row of the table.

    Attributes
    ----------
    predicted
        What the surrogate expected; None where it was not asked.
    seconds
        Wall time since the trial before: the training, and what led to the choice.
    """

    cell: Sums
    score: Score
    predicted: float | None
    seconds: float


@dataclass
class Trials:
    """Takes trials as long as there is time, and asks `score` for cells that are not in the table.

    The clock is the sum of what trials took, those of an interrupted search included: asked for the same cells in the
    same order, it stands where it stood. So a search that starts anew, with the table of one that was interrupted,
    decides as that one did.
    """

    path: Path
    score: Callable[[Sums], Score]
    seconds: float
    tell: Callable[["Trials"], object] = lambda trials: None
    taken: dict[Sums, Trial] = field(default_factory=dict)
    kept: dict[Sums, Trial] = field(default_factory=dict)  # of the search before
    mark: float = 0.0  # when the trial before ended

    def __post_init__(self) -> None:
        """The clock starts."""
        self.mark = time.monotonic()

    @property
    def spent(self) -> float:
        """Seconds that the trials have taken."""
        return sum(trial.seconds for trial in self.taken.values())

    @property
    def best(self) -> Trial:
        """The trial of the highest accuracy, of equals the earliest."""
        return max(self.taken.values(), key=lambda trial: trial.score.mean)

    def has_time(self, until: float = 1.0) -> bool:
        """Whether one more trial, as long as the longest, ends within a share of the time; the first always does."""
        longest = max((trial.seconds for trial in self.taken.values()), default=0.0)
        return not self.taken or self.spent + longest <= until * self.seconds

    def take(self, cell: Sums, predicted: float | None = None) -> Trial:
        """Score a cell and write the table."""
        trial = self.kept.pop(cell, None)
        if trial is None:
            score = self.score(cell)
            trial = Trial(cell, score, predicted, round(time.monotonic() - self.mark, 3))
            self.taken[cell] = trial
            files.write(self.path, self._table().to_csv(index=False))
            self.tell(self)
        self.taken[cell] = trial
        self.mark = time.monotonic()
        return trial

    def _table(self) -> pd.DataFrame:
        rows = [
            {
                **{"blocks": len(each.cell), "cell": written(each.cell), "accuracy": each.score.mean},
                **{"predicted": each.predicted, "parameters": each.score.parameters, "seconds": each.seconds},
                **{f"fold_{number}": share for number, share in enumerate(each.score.folds)},
            }
            for each in (*self.taken.values(), *self.kept.values())
        ]
        return pd.DataFrame(rows)


def read_trials(path: Path) -> dict[Sums, Trial]:
    """The trials of a table, none where there is no such file; HsiError for a table that no search wrote."""
    if not path.exists():
        return {}
    table = files.read_table(path, dtype=str)
    folds = [name for name in table.columns if name.startswith("fold_")]
    try:
        trials = [
            Trial(
                read(row["cell"]),
                Score(tuple(float(row[name]) for name in folds), int(row["parameters"])),
                None if pd.isna(row["predicted"]) else float(row["predicted"]),
                float(row["seconds"]),
            )
            for row in table.to_dict("records")
        ]
    except (HsiError, KeyError, ValueError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise HsiError(f"{path} is no table of a search: repeat it with force=true") from error
    return {trial.cell: trial for trial in trials}

"""What the tables keep of a run, read from its folder."""

import re
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from hsi import files
from hsi.comparison.groups import Finished, find_runs, read_run
from hsi.errors import HsiError
from hsi.runs.folder import CHECKPOINT, CONFIG, METRICS
from studies.cells import Row, read_rows
from studies.checks import require_metrics
from studies.protocols import protocol

HISTORY = "history.csv"
LOG = "run.log"


@dataclass(frozen=True)
class Record:
    """A run as the tables keep it.

    Parameters
    ----------
    run
        Its name: protocol, model, attention, seed, and eight digits of the configuration's hash.
    metrics
        The content of metrics.json, without the description of the scene (`config.scene`).
    history
        A row a training step, by column of history.csv, the numbers as they were written; empty for a run whose
        history was not kept.
    """

    run: str
    metrics: dict[str, Any]
    history: tuple[Row, ...] = ()

    def as_finished(self) -> Finished:
        """The run as comparisons take it; among its metrics, what it has learned of the training pixels."""
        return Finished(Path(self.run), self.metrics | {"training_accuracy": self.training_accuracy})

    @property
    def training_accuracy(self) -> float | None:
        """Mean accuracy on the batches of the last tenth of the steps, a fraction; None without a history."""
        last = self.history[-max(1, len(self.history) // 10) :]
        return fmean(float(row["accuracy"]) for row in last) if last else None


def make_record(metrics: dict[str, Any], history: tuple[Row, ...]) -> Record:
    """A record of what metrics.json and history.csv say."""
    choices = metrics["choices"]
    place = re.sub(r"\W+", "_", protocol(metrics)).strip("_")
    name = f"{choices['model']}_{choices.get('attention', 'none')}_seed-{metrics['seed']}_{metrics['config_hash'][:8]}"
    config = {key: value for key, value in metrics["config"].items() if key != "scene"}
    return Record(f"{place}/{name}", metrics | {"config": config}, history)


def find_records(folders: list[Path]) -> list[Record]:
    """Records of all runs at or below `folders`.

    Raises HsiError where a folder does not exist, holds no run, or holds a run that is unfinished or damaged.
    """
    found = find_runs(folders)
    for folder in folders:
        begun = {path.parent for name in (LOG, CHECKPOINT) for path in folder.rglob(name)}
        begun |= {path.parents[1] for path in folder.rglob(str(CONFIG))}
        unfinished = sorted(run for run in begun if not (run / METRICS).exists())
        if unfinished:
            raise HsiError(f"the run in {unfinished[0]} is not finished: repeat its command, or name the others alone")
    return [read_record(folder) for folder in found]


def read_record(folder: Path) -> Record:
    """The record of a finished run.

    Raises HsiError where metrics.json is damaged or not of a run, or history.csv is not as the run left it.
    """
    metrics = read_run(folder).metrics
    require_metrics(folder / METRICS, metrics)
    return make_record(metrics, _read_history(folder / HISTORY, metrics))


def _read_history(path: Path, metrics: dict[str, Any]) -> tuple[Row, ...]:
    if not path.exists() or files.file_checksum(path) != metrics["files"].get(HISTORY):
        raise HsiError(f"{path} is not as the run left it: repeat the run with force=true")
    try:
        rows = read_rows(path.read_bytes().decode())
        for row in rows:
            for cell in row.values():
                float(cell)
    except ValueError as error:
        raise HsiError(f"{path} is damaged ({error}): repeat the run with force=true") from error
    return tuple(rows)

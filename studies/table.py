"""The tables of finished runs: read, extended, written.

``runs.csv`` has a row a run, ``classes.csv`` a row a run and class, ``history.csv`` a row a run and training step.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hsi import files
from hsi.errors import HsiError, shown
from studies.cells import Row, decode, encode, flatten, nest, read_rows, write_rows
from studies.record import Record

RUNS, CLASSES, HISTORY = "runs.csv", "classes.csv", "history.csv"
FIRST = {  # the columns that stand first; the others follow in alphabetical order
    RUNS: ("run", "scene", "choices.model", "choices.attention", "choices.split", "seed", "oa", "aa", "kappa"),
    CLASSES: ("run", "class", "recall", "precision", "f1", "support"),
    HISTORY: ("run", "step", "loss", "accuracy", "learning_rate", "validation_accuracy"),
}
PER_CLASS = "per_class"  # metrics of classes: this one, the recall, and per_class_<column>

Table = dict[str, Record]  # by name of the run, in alphabetical order


def read(folder: Path) -> Table:
    """The records in the tables of a folder; none where there is no table yet.

    Rows of classes and histories whose run is not in runs.csv are passed over. Raises HsiError for a damaged table.
    """
    runs = _read(folder / RUNS)
    classes, histories = (_by_run(_read(folder / name)) for name in (CLASSES, HISTORY))
    table: Table = {}
    for row in runs:
        run = row.pop("run")
        if run in table or run not in classes:
            raise HsiError(f"{folder} holds run {shown(run)} twice or without its classes: restore the tables from git")
        try:
            metrics = nest({key: decode(cell) for key, cell in row.items()}) | _join_classes(classes[run])
        except (LookupError, TypeError, AttributeError) as error:  # a value where others are below it, a class unnamed
            raise HsiError(f"{folder} holds run {shown(run)} with cells that do not fit: restore the tables") from error
        table[run] = Record(run, metrics, tuple(histories[run]))
    return table


def extend(table: Table, records: Iterable[Record]) -> Table:
    """The table with `records` added; a record takes the place of one of the same run.

    Raises HsiError for a run of another scene.
    """
    extended = dict(table)
    for record in records:
        first = next(iter(extended.values()), record)
        for key in ("scene", "scene_hash"):
            if record.metrics[key] != first.metrics[key]:
                raise HsiError(
                    f"run {record.run} is of another scene ({key} {record.metrics[key]}) than the table "
                    f"({first.metrics[key]}): keep it in a table of its own, with --tables"
                )
        extended[record.run] = record
    return dict(sorted(extended.items()))


def write(folder: Path, table: Table) -> None:
    """Write the three tables, runs.csv last: a run whose row is there is there as a whole.

    Raises HsiError where the folder cannot be written.
    """
    runs: list[Row] = []
    classes: list[Row] = []
    histories: list[Row] = []
    for run, record in table.items():
        plain = {key: value for key, value in record.metrics.items() if not key.startswith(PER_CLASS)}
        runs.append({"run": run} | {key: encode(value) for key, value in flatten(plain).items()})
        classes.extend({"run": run} | row for row in _split_classes(record.metrics))
        histories.extend({"run": run} | row for row in record.history)
    for name, rows in ((HISTORY, histories), (CLASSES, classes), (RUNS, runs)):
        files.write(folder / name, write_rows(rows, FIRST[name]))


def _split_classes(metrics: dict[str, Any]) -> Iterator[Row]:
    """A row a class, a column a metric."""
    measures = {key: of for key, of in metrics.items() if key.startswith(PER_CLASS)}
    for name in dict.fromkeys(name for of in measures.values() for name in of):
        row = {"class": encode(name)}
        for key, of in measures.items():
            if name in of:
                row[key.removeprefix(PER_CLASS).removeprefix("_") or "recall"] = encode(of[name])
        yield row


def _join_classes(rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """The metrics that `_split_classes` was given."""
    metrics: dict[str, dict[str, Any]] = defaultdict(dict)
    for row in rows:
        for column, cell in row.items():
            if column != "class":
                key = PER_CLASS if column == "recall" else f"{PER_CLASS}_{column}"
                metrics[key][decode(row["class"])] = decode(cell)
    return dict(metrics)


def _read(path: Path) -> list[Row]:
    """The rows of a table; none where there is no file."""
    if not path.exists():
        return []
    try:
        rows = read_rows(path.read_bytes().decode())
    except ValueError as error:
        raise HsiError(f"{path} is damaged ({error}): restore it from git") from error
    if not all("run" in row for row in rows):
        raise HsiError(f"{path} is damaged (a row names no run): restore it from git")
    return rows


def _by_run(rows: Iterable[Row]) -> dict[str, list[Row]]:
    runs: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        runs[row.pop("run")].append(row)
    return runs

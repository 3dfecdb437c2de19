"""Runs for MLflow: in a database file beside the runs, or on a server."""

import getpass
import logging
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock

from hsi import files
from hsi.config.values import Switch, Text
from hsi.output.manifest import PICTURES
from hsi.output.tracking import Copy, Rows, measured, require
from hsi.runs.folder import METRICS, REPORT, manifest_hash

SQLITE = "sqlite:///"
FOLDER, MANIFEST, USER = "hsi.folder", "hsi.manifest", "mlflow.user"  # tags
MOST_VALUES, MOST_PARAMETERS, LONGEST = 1000, 100, 500  # of a request; characters of a parameter
SETTINGS = {  # of MLflow, where the environment says nothing else
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # by its own 7 a training would stand still for minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",  # seconds
}
QUIET = {"mlflow": logging.WARNING, "alembic": logging.WARNING, "urllib3": logging.ERROR}

T = TypeVar("T")


@dataclass(frozen=True)
class MLflow:
    """``tracking=mlflow``; the keys are explained in conf/tracking/mlflow.yaml.

    Raises NotInstalled: no mlflow, or for a database file no sqlalchemy or alembic.
    """

    store: Text = f"{SQLITE}outputs/mlflow.db"
    experiment: Text = "hsi"
    files: Switch = True

    def __post_init__(self) -> None:
        for package in ("mlflow", *(("sqlalchemy", "alembic") if self.store.startswith(SQLITE) else ())):
            require(package, "mlflow")

    def begin(self, folder: Path, parameters: Mapping[str, Any], manifest: str | None) -> Copy | None:
        """Begin the copy of the run in `folder`; an earlier one of this user is marked as deleted.

        A copy that is whole stays as it is, and None is returned.
        """
        tags = {FOLDER: str(folder.resolve()), USER: _user()}
        with self._opened() as (client, experiment):
            for earlier in client.search_runs([experiment], " and ".join(_equals(*tag) for tag in tags.items())):
                if manifest and earlier.data.tags.get(MANIFEST) == manifest:
                    return None
                client.delete_run(earlier.info.run_id)
            made = client.create_run(experiment, run_name=folder.name, tags=tags)
        copy = _Logged(client, made.info.run_id, self.files)
        copy.add_parameters(parameters)
        return copy

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, str]]:
        """A client, and the number of the experiment, which is made where it is missing.

        A database file is kept to this process meanwhile: two that make its tables at a time would fail.
        """
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient  # after the settings, and only where it is wanted

        for name, level in QUIET.items():
            logging.getLogger(name).setLevel(level)
        if not self.store.startswith(SQLITE):
            client = MlflowClient(self.store)
            yield client, self._experiment(client, None)
            return
        database = Path(self.store.removeprefix(SQLITE)).absolute()
        database.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{database}.lock"):
            if not database.exists():  # made beside it: a process that is killed would leave half of its tables
                unfinished = database.with_name(f"{database.name}.part")
                unfinished.unlink(missing_ok=True)
                MlflowClient(f"{SQLITE}{unfinished}")
                unfinished.rename(database)
            client = MlflowClient(f"{SQLITE}{database}")
            yield client, self._experiment(client, database.with_name("mlruns").as_uri())

    def _experiment(self, client: Any, artifacts: str | None) -> str:
        found = client.get_experiment_by_name(self.experiment)
        made: str = found.experiment_id if found else client.create_experiment(self.experiment, artifacts)
        return made


@dataclass(frozen=True)
class _Logged:
    client: Any
    run: str
    files: bool

    def add_parameters(self, parameters: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        named = {re.sub(r"[^\w. /-]", "_", name): str(value)[:LONGEST] for name, value in parameters.items()}
        for some in _shared_out([Param(*pair) for pair in named.items()], MOST_PARAMETERS):
            self.client.log_batch(self.run, params=some)

    def add_steps(self, rows: Rows) -> None:
        self._add([(name, value, int(row["step"])) for row in rows for name, value in measured(row).items()])

    def add_end(self, folder: Path, figures: Mapping[str, float], steps: int) -> None:
        self._add([(name, value, steps) for name, value in figures.items()])
        written = files.read_json(folder / METRICS)["files"] if self.files else PICTURES
        for name in (*written, METRICS, REPORT):
            if files.is_file(folder / name):
                above = Path(name).parent.as_posix()
                self.client.log_artifact(self.run, str(folder / name), None if above == "." else above)
        self.client.set_tag(self.run, MANIFEST, manifest_hash(folder))

    def close(self, whole: bool) -> None:
        self.client.set_terminated(self.run, "FINISHED" if whole else "FAILED")

    def _add(self, values: Sequence[tuple[str, float, int]]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, step) for name, value, step in values]
        for some in _shared_out(metrics, MOST_VALUES):
            self.client.log_batch(self.run, metrics=some)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as nobody it knows
        return "unknown"


def _shared_out(values: Sequence[T], most: int) -> list[Sequence[T]]:
    return [values[first : first + most] for first in range(0, len(values), most)]


def _equals(tag: str, value: str) -> str:
    """In the words of MLflow's search, which knows no escapes."""
    quote = '"' if "'" in value else "'"
    return f"tags.`{tag}` = {quote}{value}{quote}"

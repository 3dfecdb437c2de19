"""Copies of runs, as ``tracking=`` asks for them; the files of a run stay the truth.

What is copied has been written before: the steps of a training with each of its checkpoints, all else from the folder
of the finished run. Whoever resumes or repeats a run replaces its copy, so that no step is in it twice. Nothing here
changes a run: a tracker that fails costs a warning, and the copy.
"""

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from hsi import files
from hsi.errors import NotInstalled, shown
from hsi.runs.folder import METRICS, manifest_hash
from hsi.runs.opened import read_history

log = logging.getLogger(__name__)

Rows = Sequence[Mapping[str, float]]  # of a history: step, loss, accuracy, learning_rate, validation_accuracy


class Copy(Protocol):
    """The copy of one run, which is begun empty."""

    def add_steps(self, rows: Rows) -> None:
        """Add the next steps of its training; what was not measured is NaN."""

    def add_end(self, folder: Path, figures: Mapping[str, float], steps: int) -> None:
        """Add the figures of the run, and its files, which are in `folder`; it is finished, after so many steps."""

    def close(self, whole: bool) -> None:
        """Close it; `whole` is false where the run has ended before its end."""


@runtime_checkable
class Tracker(Protocol):
    """Where copies of runs go, chosen by ``tracking=``."""

    def begin(self, folder: Path, parameters: Mapping[str, Any], manifest: str | None) -> Copy | None:
        """Begin the copy of the run in `folder`, in place of an earlier one.

        `manifest` is that of a finished run (`hsi.runs.folder.manifest_hash`), None of one that is in training. Returns
        None where there is nothing to copy.
        """


@dataclass(frozen=True)
class Nowhere:
    """No copies: ``tracking=none``."""

    def begin(self, folder: Path, parameters: Mapping[str, Any], manifest: str | None) -> Copy | None:
        """Nothing is copied."""
        return None


@contextmanager
def tracked(folder: Path, tracker: Tracker, parameters: Mapping[str, Any]) -> Iterator[Callable[[Rows], None]]:
    """Copy the run that is made in `folder` meanwhile, or was finished there before.

    Yields what takes the history of the training as far as it has come. A tracker that fails is told of in a warning,
    once, and the run goes on without it.
    """
    follower = _Follower(tracker, folder, parameters)
    try:
        yield follower.follow
    except BaseException:
        follower.leave()
        raise
    follower.conclude()


def figures_of(metrics: Mapping[str, Any]) -> dict[str, float]:
    """What trackers show of metrics.json: fractions, and seconds; figures that were not to be had are left out."""
    found = {name: metrics.get(name) for name in ("oa", "aa", "kappa", "validation_oa")}
    found |= {f"position/{name}": metrics["position"].get(name) for name in ("oa", "skill")}
    found |= {f"seconds/{part}": value for part, value in metrics["seconds"].items()}
    return {name: value for name, value in found.items() if value is not None}


def measured(row: Mapping[str, float]) -> dict[str, float]:
    """What a row of a history says of its step."""
    return {name: value for name, value in row.items() if name != "step" and not math.isnan(value)}


def require(package: str, extra: str) -> None:
    """Raise NotInstalled where a package is missing that an extra brings."""
    if find_spec(package) is None:
        raise NotInstalled(
            f'tracking={extra} needs the package {package}: pip install -c constraints.txt -e ".[{extra}]"'
        )


@dataclass
class _Follower:
    """How far the copy of a run has come."""

    tracker: Tracker | None  # None once it has failed
    folder: Path
    parameters: Mapping[str, Any]
    copy: Copy | None = None
    steps: int = 0

    def follow(self, history: Rows) -> None:
        self._attempt(lambda: self._add_steps(history))

    def conclude(self) -> None:
        self._attempt(self._add_end)

    def leave(self) -> None:
        if self.copy:
            with suppress(Exception):  # there is a fault to tell of already
                self.copy.close(whole=False)
        self.tracker = self.copy = None

    def _attempt(self, work: Callable[[], None]) -> None:
        try:
            if self.tracker:
                work()
        except Exception as error:  # whatever a tracker, its disk and its network raise
            log.warning(
                "Tracking failed (%s). The run does without it; when it is finished, repeat the command to copy it.",
                shown(f"{type(error).__name__}: {error}", 200),
            )
            self.tracker = self.copy = None  # nor is the copy closed: a server that is away would be waited for again

    def _begin(self, manifest: str | None) -> None:
        if self.tracker and not self.copy:
            self.copy = self.tracker.begin(self.folder, self.parameters, manifest)

    def _add_steps(self, history: Rows) -> None:
        self._begin(None)
        if self.copy and len(history) > self.steps:
            self.copy.add_steps(history[self.steps :])
            self.steps = len(history)

    def _add_end(self) -> None:
        self._begin(manifest_hash(self.folder))
        if self.copy:
            history: Any = read_history(self.folder).to_dict("records")
            self._add_steps(history)
            self.copy.add_end(self.folder, figures_of(files.read_json(self.folder / METRICS)), self.steps)
            self.copy.close(whole=True)

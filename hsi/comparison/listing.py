"""The runs below a folder: figures of those that are finished, and how many are not."""

import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from hsi.comparison.groups import Finished, read_run
from hsi.errors import HsiError, shown
from hsi.reports.tables import TERMINAL_WIDTH
from hsi.reports.times import in_words
from hsi.runs.folder import CHECKPOINT, METRICS

HEADER = f"{'OA %':>7} {'AA %':>7} {'kappa':>8} {'position %':>10} {'seconds':>7} {'age':>7}  run"
COLUMN = HEADER.index("run")
LOG, LOG_END = "run.log", 65536  # bytes of it that are looked at


@dataclass(frozen=True)
class Listing:
    """What lies below a folder.

    Parameters
    ----------
    finished
        By scene; of one scene the most accurate first.
    broken
        A sentence for each metrics.json that cannot be used.
    unfinished, failed
        Runs without metrics.json: that wait to be resumed or are at work, and whose log ends in an error.
    """

    folder: Path
    finished: Sequence[Finished]
    broken: Sequence[str]
    unfinished: Sequence[Path]
    failed: Sequence[Path]


def list_runs(folder: Path) -> Listing:
    """Read what lies at or below `folder`. Raises HsiError where it does not exist."""
    if not folder.is_dir():
        raise HsiError(f"{folder} is no directory: name one that holds runs, such as outputs")
    finished, broken = [], []
    for path in sorted(folder.rglob(METRICS)):
        try:
            finished.append(read_run(path.parent))
        except HsiError as error:
            broken.append(str(error))
    finished.sort(key=lambda run: (run.metrics["scene"], -run.metrics["oa"]))
    others = [log.parent for log in sorted(folder.rglob(LOG)) if not (log.parent / METRICS).exists()]
    failed = [each for each in others if _has_failed(each)]
    return Listing(folder, finished, broken, [each for each in others if each not in failed], failed)


def to_lines(found: Listing) -> list[str]:
    """The listing as lines of a terminal: a table a scene, what is broken, and the counts."""
    lines = []
    for scene, runs in groupby(found.finished, key=lambda run: run.metrics["scene"]):
        lines += [f"{shown(scene)}", HEADER, *(line for run in runs for line in _row(run, found.folder)), ""]
    lines += [textwrap.fill(f"Not readable: {sentence}", TERMINAL_WIDTH) for sentence in found.broken]
    counts = [f"{len(found.finished)} finished"]
    if found.broken:
        counts.append(f"{len(found.broken)} not readable")
    if found.failed:
        counts.append(f"{len(found.failed)} failed, each {LOG} says why")
    if found.unfinished:
        resumed = sum((each / CHECKPOINT).exists() for each in found.unfinished)
        counts.append(f"{len(found.unfinished)} unfinished, {resumed} of them with a checkpoint")
    return [*lines, f"{found.folder}: {'; '.join(counts)}"]


def _row(run: Finished, folder: Path) -> list[str]:
    """The figures of a run, and its place below `folder`, in as many lines as that takes."""
    metrics, made = run.metrics, (run.folder / METRICS).stat().st_mtime
    position = metrics.get("position", {}).get("oa")
    figures = (
        f"{100 * metrics['oa']:>7.2f} {100 * metrics['aa']:>7.2f} {metrics['kappa']:>8.4f} "
        f"{'-' if position is None else f'{100 * position:.2f}':>10} "
        f"{metrics['seconds']['train'] + metrics['seconds']['map']:>7.0f} {in_words(max(0, time.time() - made)):>7}  "
    )
    place = str(run.folder.relative_to(folder))
    first, *rest = _broken_at_folders(place, TERMINAL_WIDTH - COLUMN)
    return [figures + first, *(" " * COLUMN + part for part in rest)]


def _broken_at_folders(place: str, width: int) -> list[str]:
    """A path in lines of so many signs, broken behind a slash where it can be."""
    lines = []
    while len(place) > width:
        end = place.rfind("/", 0, width) + 1 or width
        lines.append(place[:end])
        place = place[end:]
    return [*lines, place]


def _has_failed(folder: Path) -> bool:
    """Whether the log of a run ends in an error."""
    with (folder / LOG).open("rb") as log:
        log.seek(max(0, log.seek(0, 2) - LOG_END))
        _, error, after = log.read().rpartition(b"[ERROR] Error: ")
    return bool(error) and b"[INFO] " not in after

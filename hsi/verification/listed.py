"""The files of a run, by a version's own list and not by the run's."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from hsi.errors import shown
from hsi.files import file_checksum, is_file
from hsi.runs.folder import METRICS


def different_files(
    folder: Path, written: Mapping[str, Any], needed: Collection[str], possible: Collection[str]
) -> Iterator[str]:
    """Files that are missing, have changed, or have no checksum to be judged by.

    `written` are the checksums of metrics.json; `needed` names what every such run has, `possible` what some have.
    """
    names = dict.fromkeys((*needed, *possible))
    for name in names:
        there = is_file(folder / name)
        if name in written and not there:
            yield f"{name} is missing"
        elif name in written and file_checksum(folder / name) != written[name]:
            yield f"{name} was changed after the run"
        elif name not in written and (there or name in needed):
            yield f"{name} has no checksum in {METRICS}"
    for name in written:
        if name not in names:
            yield f"{shown(name)} is no file of a run"

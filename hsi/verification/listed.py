"""The files of a run, by a version's own list and not by the run's."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from hsi.errors import shown
from hsi.files import file_checksum, is_file, read_bytes
from hsi.runs.folder import METRICS, REPORT, manifest_hash
from hsi.verification.verdict import Verdict

LARGEST_REPORT = 2**28  # bytes: about ten times what the page of the largest scene takes


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


def judge_report(folder: Path, verdict: Verdict) -> None:
    """The page of a run, where there is one: it quotes the hash of metrics.json, and so has no checksum in it.

    That it quotes another says nothing new where something else differs already.
    """
    if not is_file(folder / REPORT):
        return
    if manifest_hash(folder).encode() in read_bytes(folder / REPORT, LARGEST_REPORT):
        verdict.trusted.append(f"{REPORT}: that it shows the run, whose manifest it quotes; no file has its checksum")
    elif not verdict.differences:
        verdict.differences.append(f"{REPORT} is of another run, or {METRICS} was changed since")

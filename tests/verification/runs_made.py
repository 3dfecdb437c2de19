"""Finished runs to tamper with, made once."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import ROOT, TRIAL

from hsi.runs.folder import manifest_hash


def make(folder: Path, *words: str) -> Path:
    """A run in a process of its own; its folder."""
    command = [sys.executable, "-m", "hsi.run", *TRIAL, "split.validation=0.1", f"hydra.run.dir={folder}", *words]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


def edited(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    """An attack on metrics.json, by somebody who has the page quote the hash of what it is now."""

    def attack(folder: Path) -> None:
        path, page, before = folder / "metrics.json", folder / "report.html", manifest_hash(folder)
        metrics = json.loads(path.read_text())
        change(metrics)
        path.write_text(json.dumps(metrics))
        if page.exists():
            page.write_text(page.read_text().replace(before, manifest_hash(folder)))

    return attack

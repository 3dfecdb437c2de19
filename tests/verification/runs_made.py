"""Finished runs to tamper with, made once."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import ROOT, TRIAL


def make(folder: Path, *words: str) -> Path:
    """A run in a process of its own; its folder."""
    command = [sys.executable, "-m", "hsi.run", *TRIAL, "split.validation=0.1", f"hydra.run.dir={folder}", *words]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


def edited(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    """An attack on metrics.json."""

    def attack(folder: Path) -> None:
        path = folder / "metrics.json"
        metrics = json.loads(path.read_text())
        change(metrics)
        path.write_text(json.dumps(metrics))

    return attack

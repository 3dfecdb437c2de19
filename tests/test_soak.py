"""The soak of an hour, for seconds: one round of each kind, so that it stays in order."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

FEW = ("--rounds", "1", "--steps", "2", "--every", "70", "--members", "1", "2", "2", "--workers", "1", "--seed", "1")


def soak(folder: Path, *words: str) -> tuple[int, dict[str, list[int]], str]:
    """Its status, the numbers of its table by kind, and its faults."""
    command = [sys.executable, "-m", "tests.soak", "--folder", str(folder), *FEW, *words]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ)
    rows = [line.strip("| ").split("|") for line in ended.stdout.splitlines() if line.startswith("| ")]
    return ended.returncode, {row[0].strip(): [int(cell) for cell in row[1:]] for row in rows[1:]}, ended.stderr


def test_one_round_of_each_kind(tmp_path):
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    status, table, faults = soak(tmp_path)
    assert status == 0, faults
    assert list(table) == ["training", "writing", "sweep", "prediction", "disk", "clock", "machines", "loop"]
    for courses, hits, compared, differing, _ in table.values():
        assert courses >= 1
        assert hits >= 1
        assert compared > 20
        assert differing == 0

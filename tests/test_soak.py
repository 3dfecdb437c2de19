"""The soak of an hour, for seconds: one kill each of its cheapest kinds, so that it stays in order."""

import subprocess
import sys

import pytest
from conftest import ROOT

KINDS = ("training", "writing", "prediction")


@pytest.mark.long
def test_one_kill_of_each_kind(tmp_path):
    words = ["--rounds", "1", "--steps", "2", "--seed", "1", "--folder", str(tmp_path)]
    words += [f"--only={kind}" for kind in KINDS]
    command = [sys.executable, "-m", "tests.soak", *words]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    rows = [line.strip("| ").split("|") for line in ended.stdout.splitlines() if line.startswith("| ")]
    table = {kind.strip(): [int(cell) for cell in cells] for kind, *cells in rows[1:]}
    assert tuple(table) == KINDS
    for courses, hits, compared, differing, _ in table.values():
        assert courses >= 1
        assert hits == 1
        assert compared > 10
        assert differing == 0

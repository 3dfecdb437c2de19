import re
import sys

import pandas as pd
from conftest import TRIAL

from hsi import bench
from hsi.cli import main as cli


def test_every_line_ends_in_ratio_and_agreement(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    words = [*TRIAL, "bench.warm_up=2", "bench.repeats=1", "bench.batches=[16,all]"]
    monkeypatch.setattr(sys, "argv", ["hsi.bench", *words])
    cli.main(bench.bench, "bench")
    printed = capfd.readouterr().out.splitlines()
    lines = [line for line in printed if "ratio=" in line]
    assert len(lines) == 3
    (share,) = (line for line in printed if "multiply-adds a pixel" in line)
    assert re.search(r"[\d.]+ M window by window, [\d.]+ M shared; \d+ % of the former lie in the trunk$", share)
    assert printed.index(share) < printed.index(lines[0])
    assert re.search(r"ratio=\d+\.\d max_abs_diff=\S+ agree=1\.000000$", lines[0])
    assert all(re.search(r"ratio=\d+\.\d max_abs_diff=\S+$", line) for line in lines[1:])
    table = pd.read_csv("outputs/bench/bench.csv")
    assert (table["max_abs_diff"] < 1e-4).all()
    assert (table["ratio"] - table["window_by_window_seconds"] / table["shared_seconds"]).abs().max() < 1e-9

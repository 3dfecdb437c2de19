"""The benchmark of the convolutions of volumes compares what is the same."""

import re

from studies import volumes


def test_both_ways_agree(capsys):
    volumes.main(["--rounds", "1", "--side", "25"])
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if re.match("training|map", line)]
    assert len(rows) == 2
    assert all(float(row[-1]) < 1e-4 for row in rows)
    assert all(float(row[-2]) > 0 for row in rows)

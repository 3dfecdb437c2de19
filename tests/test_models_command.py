"""``python -m hsi.models``: the table of all networks."""

from contextlib import redirect_stdout
from io import StringIO
from shutil import copytree

import pytest
from conftest import ROOT, configure

from hsi.models.__main__ import main, networks

NAMES = [path.stem for path in networks()]


def test_only_baselines_are_left_out():
    for path in set((ROOT / "conf" / "model").glob("*.yaml")) - set(networks()):
        assert configure(f"model={path.stem}").model["_target_"].startswith("hsi.models.baselines.")


@pytest.fixture(scope="module")
def table() -> list[str]:
    with redirect_stdout(StringIO()) as printed:
        main([])
    return printed.getvalue().splitlines()


def test_every_network_has_a_row_that_fits_a_terminal(table):
    assert [line.split()[0] for line in table[4 : 4 + len(NAMES)]] == NAMES
    assert max(len(line) for line in table) <= 120
    assert not any("Not to be had" in line for line in table)


def test_the_row_of_hybridsn_has_the_published_numbers(table):
    (row,) = (line.split("  ") for line in table if line.startswith("hybridsn "))
    cells = [cell.strip() for cell in row if cell]
    assert cells == ["hybridsn", "25", "9", "5,122,176", "247.7", "98", "5.7", "last, every", "Roy et al. 2020"]


def test_what_a_window_forbids_is_said_below(capsys, monkeypatch, tmp_path):
    """With HybridSN alone, so that it is quick."""
    copytree(ROOT / "conf", tmp_path / "conf")
    for path in (tmp_path / "conf" / "model").glob("*.yaml"):
        if path.stem != "hybridsn":
            path.unlink()
    monkeypatch.setattr("hsi.cli.CONF", tmp_path / "conf")
    main(["patch_size=7"])
    assert "hybridsn: HybridSN needs a window of at least 9, not 7: raise patch_size" in capsys.readouterr().out

"""``python -m hsi.models``: the table of all networks."""

import sys

import pytest
from conftest import ROOT, configure

from hsi.models.__main__ import main, networks

NAMES = [path.stem for path in networks()]
EXTRAS = {"timm"}  # networks of libraries that are not installed with hsi


def only(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Leave one network, so that it is quick."""
    monkeypatch.setattr("hsi.models.__main__.networks", lambda: [ROOT / "conf" / "model" / f"{name}.yaml"])


def test_only_baselines_are_left_out():
    for path in set((ROOT / "conf" / "model").glob("*.yaml")) - {ROOT / "conf" / "model" / "custom.yaml", *networks()}:
        target = configure(f"model={path.stem}").model["_target_"]
        assert target.startswith(
            tuple(f"hsi.models.{name}." for name in ("baselines", "position", "posteriors", "scales"))
        )


@pytest.mark.long
def test_every_network_has_a_row_that_fits_a_terminal_or_is_an_extra(capsys):
    main([])
    table = capsys.readouterr().out.splitlines()
    rows = [line.split()[0] for line in table[4 : table.index("", 2)]]
    said = table.index("Not to be had so:") + 1 if "Not to be had so:" in table else len(table)
    extras = [line.split(":")[0] for line in table[said:]]
    assert rows == [name for name in NAMES if name not in extras]
    assert set(extras) <= EXTRAS
    assert max(len(line) for line in table) <= 120


def test_an_extra_that_is_not_installed_is_said_below(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    only(monkeypatch, "timm")
    main([])
    assert 'timm: model=timm needs the package timm: pip install "hsi[timm]"' in capsys.readouterr().out


def test_the_row_of_hybridsn_has_the_published_numbers(capsys, monkeypatch):
    only(monkeypatch, "hybridsn")
    main([])
    (row,) = (line.split("  ") for line in capsys.readouterr().out.splitlines() if line.startswith("hybridsn "))
    cells = [cell.strip() for cell in row if cell]
    assert cells == ["hybridsn", "25", "9", "5,122,176", "247.7", "98", "5.7", "last, every", "Roy et al. 2020"]


def test_what_a_window_forbids_is_said_below(capsys, monkeypatch):
    only(monkeypatch, "hybridsn")
    main(["patch_size=7"])
    assert "hybridsn: HybridSN needs a window of at least 9, not 7: raise patch_size" in capsys.readouterr().out


def test_help_fits_a_screen(capsys):
    main(["--help"])
    lines = capsys.readouterr().out.splitlines()
    assert "python -m hsi.models patch_size=11" in "\n".join(lines)
    assert len(lines) <= 24
    assert max(len(line) for line in lines) <= 120


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("--foo", "hsi.models has no option --foo: give key=value words, or --help"),
        ("mdoel=x", "unknown key mdoel"),
        ("foo", "foo"),
        ("model=lenet", "leave model=lenet out"),
        ("+attention=cbam", "leave +attention=cbam out"),
        ("patch_size=abc", "patch_size=abc: give an odd whole number of pixels"),
        ("patch_size=10", "patch_size=10: give an odd whole number of pixels"),
    ],
)
def test_words_that_cannot_be_read_get_one_sentence(capsys, word, sentence):
    with pytest.raises(SystemExit, match="2"):
        main([word])
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("Error: ")
    assert sentence in printed.err
    assert printed.err.count("\n") == 1

"""The study of MobileNet's multipliers, on a small scene."""

import pandas as pd
import pytest
import torch

import hsi
from studies import multipliers

WORDS = ["--seeds", "0", "--steps", "2", "--alphas", "0.1", "0.2", "--windows", "9"]


@pytest.fixture
def small(monkeypatch):
    scene = hsi.load("synthetic", rows=24, cols=20, classes=3)
    monkeypatch.setattr("studies.multipliers.hsi.load", lambda _: scene)
    yield
    torch.use_deterministic_algorithms(False)


def test_a_row_for_each_combination_and_none_is_trained_twice(small, tmp_path, capsys, monkeypatch):
    words = [*WORDS, "--file", str(tmp_path / "multipliers.csv")]
    multipliers.main([*words, "--alphas", "0.1"])
    (row,) = pd.read_csv(tmp_path / "multipliers.csv").to_dict("records")
    assert (row["alpha"], row["window"], row["seed"], row["steps"]) == (0.1, 9, 0, 2)
    assert 0 <= row["oa"] <= 1
    assert 0 <= row["aa"] <= 1
    assert row["shared"] <= row["whole"]

    trained = []
    monkeypatch.setattr(multipliers, "measured", lambda _, **wanted: trained.append(wanted) or row | wanted)
    capsys.readouterr()
    multipliers.main([*words, "--windows", "9", "11"])
    assert [(wanted["alpha"], wanted["window"]) for wanted in trained] == [(0.1, 11), (0.2, 9), (0.2, 11)]
    assert len(pd.read_csv(tmp_path / "multipliers.csv")) == 4
    assert capsys.readouterr().out.count("\n") == 2 + 4


def test_what_cannot_be_trained_is_said(small, tmp_path):
    with pytest.raises(SystemExit, match=r"^Error: .*patch_size=10"):
        multipliers.main([*WORDS, "--windows", "10", "--file", str(tmp_path / "multipliers.csv")])

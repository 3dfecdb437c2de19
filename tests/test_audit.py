"""The real command, on the synthetic scene."""

import json

import pandas as pd
import pytest

from hsi import audit
from hsi.cli import main as cli
from hsi.splits.roles import load_split


@pytest.fixture
def hsi_audit(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)

    def call(*words):
        monkeypatch.setattr("sys.argv", ["hsi.audit", "scene=synthetic", "hydra.run.dir=found", *words])
        status = 0
        try:
            cli.main(audit.run, "audit")
        except SystemExit as leaving:
            status = leaving.code
        return status, *capfd.readouterr()

    return call


def test_it_writes_table_pictures_and_split(hsi_audit, tmp_path):
    status, out, _ = hsi_audit("split=grown", "split.train=0.1", "patch_size=5", "windows=[3,9,15]")
    assert status == 0
    table = pd.read_csv(tmp_path / "found" / "audit.csv")
    assert table["window"].tolist() == [3, 9, 15]
    assert table["test_windows_with_training_pixel"].is_monotonic_increasing
    leakage = json.loads((tmp_path / "found" / "leakage.json").read_text())
    assert leakage["window"] == 5
    assert {*leakage["position"]} == {"oa", "aa", "kappa", "accuracy_by_distance"}
    right = f"would be right on {100 * leakage['position']['oa']:.1f} % of the test pixels."
    assert f"A map drawn from position alone, no spectrum read, {right}\n" in out
    split = load_split(tmp_path / "found" / "split.npz")
    assert split.hash[:8] in out
    for name in ("audit.png", "leakage.png"):
        assert (tmp_path / "found" / name).read_bytes().startswith(b"\x89PNG")


def test_masked_sides_leak_only_where_windows_are_free(hsi_audit, tmp_path):
    shares = []
    for context in ("own", "free"):
        assert hsi_audit("split=regions", f"context={context}", "patch_size=11")[0] == 0
        shares.append(pd.read_csv(tmp_path / "found" / "audit.csv")["test_windows_with_training_pixel"].iloc[-1])
    assert shares[0] == 0 < shares[1]


@pytest.mark.parametrize("word", ["patch_size=4", "windows=[3,4]", "windows=[-1]", "context=both", "split.train=2.5"])
def test_faults_are_told_in_a_sentence(hsi_audit, word):
    status, out, err = hsi_audit(word)
    assert status == 2
    assert "Traceback" not in out + err
    assert "Error: " in out + err

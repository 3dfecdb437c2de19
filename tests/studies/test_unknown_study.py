"""The study of classes that are left out, on a small scene."""

import pandas as pd
import pytest
import torch

import hsi
from hsi.scenes.synthetic import make_synthetic
from studies import unknown

WORDS = ["--scene", "synthetic", "--seeds", "0", "--steps", "20", "--window", "9"]


@pytest.fixture
def small(monkeypatch):
    scene = make_synthetic(rows=40, cols=36, classes=4)
    monkeypatch.setattr(
        unknown.hsi, "load", lambda name, **more: hsi.from_arrays(scene.cube, scene.labels, name=name, **more)
    )
    yield
    torch.set_deterministic_debug_mode("default")


def test_a_class_left_out_gets_a_row_for_each_evidence_and_is_not_measured_twice(small, tmp_path, capsys, monkeypatch):
    table = tmp_path / "unknown.csv"
    unknown.main([*WORDS, "--classes", "2", "--table", str(table)])
    rows = pd.read_csv(table)
    assert rows.evidence.tolist() == ["max_logit", "energy"]
    assert set(rows.label) == {2}
    for share in ("false_alarm", "called_unknown", "auroc", "oa"):
        assert rows[share].between(0, 1).all()
    assert (rows.false_alarm < 0.5).all()  # 0.05 is wanted, of few validation pixels
    assert "| mean" in capsys.readouterr().out

    monkeypatch.setattr(unknown, "left_out", lambda *_, **__: pytest.fail("measured again"))
    unknown.main([*WORDS, "--classes", "2", "--table", str(table)])
    pd.testing.assert_frame_equal(pd.read_csv(table), rows)

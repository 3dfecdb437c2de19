"""The study of why runs differ: its analysis by hand and by simulation, and the whole of it on a small scene."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import ROOT

import hsi
from hsi.errors import HsiError
from hsi.plots import canvas
from hsi.scenes.synthetic import make_synthetic
from studies import variance

WORDS = ["--scene", "synthetic", "--seeds", "2", "--jobs", "1", "--steps", "4", "--window", "9", "--components", "13"]


def crossed(effects, levels=3):
    """A value for every combination of levels: the sum of `effects`, (levels,) each, and of a rest."""
    rows = [dict(zip(variance.FACTORS, at, strict=True)) for at in product(range(levels), repeat=3)]
    table = pd.DataFrame(rows)
    table["oa"] = sum(np.asarray(effects[f])[table[f]] for f in effects)
    return table


def test_by_hand():
    """Split effects -1, 0, 1: mean square 9 x 2 / 2 = 9, no rest, so the variance is 9 / 9 = 1, all of it."""
    found = variance.components(crossed({"split": [-1, 0, 1]}))
    np.testing.assert_allclose(found.sd, [1, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(found.share, [1, 0, 0, 0], atol=1e-12)
    assert found.df.tolist() == [2, 2, 2, 20]


def test_interplay_is_the_rest():
    """The product of two effects of mean 0 touches no mean of a level."""
    table = crossed({})
    table["oa"] = (table.split - 1) * (table.start - 1.0)
    found = variance.components(table)
    assert found.loc[["split", "start", "order"], "sd"].tolist() == [0, 0, 0]
    assert found.loc["rest", "sd"] == pytest.approx(np.sqrt(3 * 4 / 20))


def test_intervals_hold_the_truth_as_often_as_they_say():
    """Over 400 drawn studies, but for five standard deviations of a binomial; cut to 0 they may hold it oftener."""
    chance = np.random.default_rng(0)
    true, hits = {"split": 2.0, "start": 1.0, "order": 0.5, "rest": 0.7}, dict.fromkeys((*variance.FACTORS, "rest"), 0)
    for _ in range(400):
        table = crossed({f: chance.normal(0, true[f], 5) for f in variance.FACTORS}, 5)
        table["oa"] += chance.normal(0, true["rest"], len(table))
        found = variance.components(table)
        for of in hits:
            hits[of] += found.loc[of, "low"] <= true[of] <= found.loc[of, "high"]
    assert min(hits.values()) > 0.895 * 400, hits


def test_a_study_with_a_hole_is_refused():
    table = crossed({"split": [-1, 0, 1]})
    with pytest.raises(HsiError, match="26 runs are not one for each of 3 x 3 x 3 seeds"):
        variance.components(table[1:])
    with pytest.raises(HsiError, match="measure them all"):
        variance.components(pd.concat([table[1:], table[-1:]]))


def test_the_page_has_the_tables_and_the_figure_has_all_runs(in_full, tmp_path):
    rows, causes = (pd.read_csv(ROOT / "studies" / f"{name}.csv") for name in ("variance", "causes"))
    page = (ROOT / "docs" / "why_results_differ.md").read_text(encoding="utf-8")
    assert all(table in page for table in variance.write_tables(rows, causes))
    oa = 100 * rows.oa
    assert (
        f"OA {oa.mean():.2f} % in the mean, standard deviation {oa.std():.2f}, from {oa.min():.2f} to {oa.max():.2f} %"
        in page
    )
    canvas.save(variance.draw(rows), tmp_path / "variance.png")
    assert (tmp_path / "variance.png").stat().st_size > 10_000
    assert (ROOT / "docs" / "variance.png").is_file()
    drawn = variance.draw(rows).axes
    assert [len(line.get_xdata()) for axes in drawn for line in axes.lines if line.get_label() == "a run"] == [125] * 3


@pytest.mark.long
def test_it_measures_what_is_missing_and_says_what_changes_a_run(tmp_path, capsys, monkeypatch):
    scene = make_synthetic(rows=24, cols=20, bands=16, classes=3)
    monkeypatch.setattr(variance.hsi, "load", lambda name: hsi.from_arrays(scene.cube, scene.labels, name=name))
    threads = torch.get_num_threads()
    try:
        variance.main([*WORDS, "--tables", str(tmp_path)])
        rows, causes = pd.read_csv(tmp_path / "variance.csv"), pd.read_csv(tmp_path / "causes.csv")
        assert len(rows) == 8
        assert rows.oa.between(0, 1).all()
        assert "| their interplay" in capsys.readouterr().out
        by_cause = causes.groupby("cause").differing
        assert by_cause.max()["none"] == by_cause.max()["the same once more"] == 0
        assert by_cause.min()["dropout left on"] > 0
        assert by_cause.nunique()["dropout left on"] > 1

        (tmp_path / "variance.csv").write_text(rows[1:].to_csv(index=False))
        variance.main([*WORDS, "--tables", str(tmp_path)])
        again = pd.read_csv(tmp_path / "variance.csv")
        pd.testing.assert_frame_equal(again.drop(columns="seconds"), rows.drop(columns="seconds"))
    finally:
        torch.set_num_threads(threads)
        torch.set_deterministic_debug_mode("default")

"""RESULTS.md holds what the kept metrics say, and nothing that was typed."""

import re
import runpy

from conftest import ROOT


def test_results_are_those_of_the_kept_runs():
    script = runpy.run_path(str(ROOT / "docs" / "make_results.py"))
    assert (ROOT / "RESULTS.md").read_text() == script["write_up"]()


def test_the_numbers_of_the_readme_are_those_of_the_results():
    readme, results = ((ROOT / name).read_text() for name in ("README.md", "RESULTS.md"))
    paper = {"99.75 +- 0.11"}
    claimed = set(re.findall(r"\d+\.\d+ \+- \d+\.\d+", readme)) - paper
    assert len(claimed) > 5
    assert [number for number in sorted(claimed) if number not in results] == []


def test_a_run_is_kept_under_its_protocol_and_named_by_model_and_seed(tmp_path, monkeypatch):
    script = runpy.run_path(str(ROOT / "docs" / "make_results.py"))
    kept = next((ROOT / "docs" / "results").rglob("metrics.json"))
    monkeypatch.setitem(script["keep"].__globals__, "KEPT", tmp_path)
    script["keep"](kept.parent)
    (copied,) = tmp_path.rglob("metrics.json")
    assert copied.relative_to(tmp_path) == kept.relative_to(ROOT / "docs" / "results")
    assert copied.read_text() == kept.read_text()

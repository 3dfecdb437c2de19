"""Headers of recipes come from runs, and every recipe composes, names its model and runs."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import configure

import hsi
from hsi.config.shipped import CONF
from hsi.errors import HsiError
from studies.recipes import TABLE, header, main, peak_of, section, with_header

RECIPES = ["ip_30", "ip_10", "ip_5", "ip_10_per_class", "ip_695", "ip_dase", "ip_regions"]
FOR_OTHER_FIELDS = {"ip_regions"}


def a_run(seed, oa, **changed):
    seconds = {"load": 1.0, "train": 0.5, "map": 0.25 * (seed + 1)}
    return {
        **{"seed": seed, "oa": oa, "aa": oa / 2, "kappa": oa - 0.1, "seconds": seconds, "device": "cpu"},
        **{"processor": "A processor", "threads": 2, "position": {"skill": 0.2}, **changed},
    }


def test_a_header_by_hand():
    runs = [a_run(0, 0.97), a_run(1, 0.99)]
    assert header(runs, 812.4) == [
        "# Measured: OA 98.00 ± 1.41 %, AA 49.00 ± 0.71 %, kappa 0.8800 ± 0.0141;",
        "#   mean and standard deviation of 2 seeds, 0 to 1;",
        "#   skill over position alone 20.0 %;",
        "#   1.9 s a seed to load, train and map, at most 812 MB of memory,",
        "#   on A processor, 2 threads.",
    ]
    text = "# @package _global_\n# What it is.\nreduce:\n  components: 15 # few\n"
    written = with_header(text, runs, 812.4)
    assert written.splitlines()[2:7] == header(runs, 812.4)
    assert written.replace("\n".join(header(runs, 812.4)) + "\n", "") == text
    again = with_header(written, [a_run(0, 0.5)], 100)
    assert "98.00" not in again
    assert again.count("# Measured:") == 1
    assert "the same for every seed" in header([a_run(0, 0.9), a_run(1, 0.9)], 1)[1]


@pytest.mark.parametrize("change", [{"seed": 0}, {"threads": 1}, {"processor": "Another"}])
def test_runs_that_do_not_belong_together(change):
    with pytest.raises(HsiError, match=r"give each seed once|measure it on one machine"):
        header([a_run(0, 0.9), a_run(1, 0.9) | change], 1)


RECIPE = """# @package _global_
# Indian Pines, few pixels (conf/split/x.yaml).
# hsi run -m experiment={} seed=3,4
seed: 0
"""


def test_a_command_measures_and_keeps_every_recipe(tmp_path, capsys, monkeypatch):
    """The commands are those of the headers; scores go to headers, table and results, and a second time replace."""
    for name in ("ip_a", "ip_b"):
        (tmp_path / f"{name}.yaml").write_text(RECIPE.format(name))
    commands, written = [], []

    def run(command):
        commands.append(command)
        for seed in (3, 4):
            folder = Path(command[-1].removeprefix("hydra.sweep.dir=")) / str(seed)
            folder.mkdir()
            (folder / "metrics.json").write_text(json.dumps(a_run(seed, 0.9 + seed / 100)))
        return 0, 700.6

    monkeypatch.setattr("studies.recipes.peak_of", run)
    monkeypatch.setattr("studies.recipes.write_up.write", lambda *given: written.append(given[2]))
    kept = tmp_path / "recipes.csv"
    for _ in range(2):
        main([], tmp_path, kept)
    assert [command[3:-1] for command in commands[:2]] == [["-m", f"experiment=ip_{x}", "seed=3,4"] for x in "ab"]
    assert "OA 93.50" in (tmp_path / "ip_b.yaml").read_text()
    assert "OA 93.50" in capsys.readouterr().out
    assert list(pd.read_csv(kept)["recipe"]) == ["ip_a", "ip_b"]
    row = "| `ip_b`         | few pixels        | 2       | 93.50 ± 0.71 | 46.75 ± 0.35 | 0.8350 ± 0.0071 | 20.0      |"
    assert row.replace(" ", "") in written[-1].replace(" ", "")
    assert "| 2.6       | 701" in written[-1]
    monkeypatch.setattr("studies.recipes.peak_of", lambda command: (1, 0.0))
    with pytest.raises(SystemExit, match="Error: hsi run -m experiment=ip_a seed=3,4 ended with status 1"):
        main(["ip_a"], tmp_path, kept)
    with pytest.raises(SystemExit, match="Error: no recipe ip_c: choose ip_a, ip_b"):
        main(["ip_c"], tmp_path, kept)
    (tmp_path / "ip_a.yaml").write_text("seed: 0\n")
    with pytest.raises(SystemExit, match=r"ip_a\.yaml names no command"):
        main(["ip_a"], tmp_path, kept)


def test_the_peak_of_memory_is_that_of_the_command():
    """Two hundred megabytes more are two hundred megabytes more."""
    (one, small), (other, large) = (
        peak_of([sys.executable, "-c", f"x = b'x' * {size}; raise SystemExit({size % 7})"]) for size in (1, 200_000_001)
    )
    assert (one, other) == (1, 200_000_001 % 7)
    assert large - small == pytest.approx(200, abs=8)


def test_headers_and_table_say_the_same():
    rows = pd.read_csv(TABLE).set_index("recipe")
    assert sorted(rows.index) == sorted(RECIPES)
    for name, row in rows.iterrows():
        text = (CONF / f"experiment/{name}.yaml").read_text()
        assert f"OA {100 * row.oa:.2f} ± {100 * row.oa_sd:.2f} %, AA {100 * row.aa:.2f} ±" in text
        assert f"kappa {row.kappa:.4f} ± {row.kappa_sd:.4f};" in text
        assert f"{row.seconds:.1f} s a seed to load, train and map, at most {row.memory_mb:.0f} MB of memory" in text
        assert f"of {row.seeds} seeds" in text
    assert section(TABLE.with_name("none.csv")) == ""


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_says_what_it_reached_and_composes(name):
    text = (CONF / f"experiment/{name}.yaml").read_text()
    assert "# Measured: OA " in text
    assert re.search(rf"^# hsi run -m experiment={name} '?seed=", text, re.MULTILINE)
    config = configure(f"experiment={name}")
    assert config.train["_target_"] == "hsi.training.once.Once"
    elsewhere = name in FOR_OTHER_FIELDS
    assert config.model["_target_"] == ("hsi.models.posteriors.posteriors" if elsewhere else "hsi.models.scales.scales")
    assert config.reduce["_target_"] == ("hsi.reduce.none" if elsewhere else "hsi.reduce.mnf")
    assert config.split.get("draw") == ("random" if elsewhere else None)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_runs(hsi_run, tmp_path, name):
    """On a generated scene, with a generated mask in place of a published one."""
    words = [f"experiment={name}", "scene=synthetic", "scene.rows=40", "scene.cols=36", "scene.classes=4"]
    words += ["patch_size=9", "hydra.run.dir=made"]
    if name in ("ip_695", "ip_dase"):
        labels = hsi.load("synthetic", rows=40, cols=36, classes=4).labels
        mask = np.arange(40 * 36).reshape(40, 36) % 3
        for part, chosen in (("train", mask == 0), ("test", mask == 1)):
            np.save(tmp_path / f"{part}.npy", np.where(chosen, labels, 0))
        classes = "{1:1,2:2,3:3,4:4," + ",".join(f"{k}:1" for k in range(5, 17)) + "}"
        words += ["split.path=train.npy", "split.sha256=null", f"split.classes={classes}"]
        words += ["split.key=null"] if name == "ip_dase" else ["split.test_path=test.npy", "split.test_sha256=null"]
    outcome = hsi_run(*words)
    assert outcome.status == 0, outcome.out
    metrics = json.loads((tmp_path / "made/metrics.json").read_text())
    assert metrics["oa"] > 0.5
    assert metrics["leakage"]["window"] == 9

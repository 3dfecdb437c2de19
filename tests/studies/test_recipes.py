"""Headers of recipes come from runs, and every recipe composes, names its model and runs."""

import json
import re

import numpy as np
import pytest
from conftest import configure

import hsi
from hsi.config.shipped import CONF
from hsi.errors import HsiError
from studies.recipes import header, main, rewrite, with_header

RECIPES = ["ip_30", "ip_10", "ip_5", "ip_10_per_class", "ip_695", "ip_dase", "ip_regions"]
FOR_OTHER_FIELDS = {"ip_regions"}


def a_run(seed, oa, **changed):
    seconds = {"load": 1.0, "train": 0.5, "map": 0.25 * (seed + 1)}
    return {
        **{"seed": seed, "oa": oa, "aa": oa / 2, "kappa": oa - 0.1, "seconds": seconds, "device": "cpu"},
        **{"processor": "A processor", "threads": 2, "choices": {"experiment": "ip_10"}, **changed},
    }


def test_a_header_by_hand():
    runs = [a_run(0, 0.97), a_run(1, 0.99)]
    assert header(runs) == [
        "# Measured: OA 98.00 ± 1.41 %, AA 49.00 ± 0.71 %, kappa 0.8800 ± 0.0141;",
        "#   mean and standard deviation of 2 seeds, 0 to 1;",
        "#   1.9 s a seed to load, train and map on A processor, 2 threads.",
    ]
    text = "# @package _global_\n# What it is.\nreduce:\n  components: 15 # few\n"
    written = with_header(text, runs)
    assert written.splitlines()[2:5] == header(runs)
    assert written.replace("\n".join(header(runs)) + "\n", "") == text
    again = with_header(written, [a_run(0, 0.5)])
    assert "98.00" not in again
    assert again.count("# Measured:") == 1
    assert "the same for every seed" in header([a_run(0, 0.9), a_run(1, 0.9)])[1]
    skilled = [run | {"position": {"skill": 0.2}} for run in runs]
    assert header(skilled)[2] == "#   skill over position alone 20.0 %;"


@pytest.mark.parametrize("change", [{"seed": 0}, {"threads": 1}, {"processor": "Another"}])
def test_runs_that_do_not_belong_together(change):
    with pytest.raises(HsiError, match="give"):
        header([a_run(0, 0.9), a_run(1, 0.9) | change])


def test_runs_find_their_recipe(tmp_path, capsys):
    (tmp_path / "ip_10.yaml").write_text("# It.\nseed: 0\n")
    for seed in (3, 4):
        folder = tmp_path / "sweep" / str(seed)
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text(json.dumps(a_run(seed, 0.9 + seed / 100)))
    rewrite([tmp_path / "sweep"], tmp_path)
    assert "OA 93.50" in (tmp_path / "ip_10.yaml").read_text()
    assert "OA 93.50" in capsys.readouterr().out
    (folder / "metrics.json").write_text(json.dumps(a_run(3, 0.9, choices={"experiment": None})))
    with pytest.raises(HsiError, match=r"no finished run of experiment=ip_\.\.\. in "):
        rewrite([folder], tmp_path)
    with pytest.raises(SystemExit, match=r"Error: .* is no directory"):
        main([str(tmp_path / "nothing")])


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

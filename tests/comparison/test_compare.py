"""Comparison of synthetic finished runs: grouping, pairing, words, votes, and the files it leaves."""

import json
import sys
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from compared_runs import SCENE, write_maps, write_position
from omegaconf import OmegaConf
from written_runs import write_run

import hsi
from hsi import compare, files
from hsi.comparison import report, tables
from hsi.comparison import votes as ensemble
from hsi.comparison.groups import Finished, Setting, name_settings, read_settings
from hsi.comparison.pairs import Pair, compare_pairs, conclude
from hsi.errors import HsiError
from hsi.evaluation.statistics import compare_paired
from hsi.plots import canvas
from hsi.reports.tables import to_markdown
from hsi.scene import Scene
from hsi.scenes.synthetic import make_synthetic
from hsi.splits.roles import Split
from hsi.sweeps.callback import Sweep


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_synthetic(**SCENE)


@pytest.fixture
def call(monkeypatch, capsys, caplog) -> Callable[..., tuple[int, str, str]]:
    """``python -m hsi.compare WORDS``: status, what it tells, what it complains of."""

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["hsi.compare", *map(str, words)])
        caplog.set_level("INFO")
        status = 0
        try:
            compare.main()
        except SystemExit as leaving:
            status = int(leaving.code or 0)
        return status, "\n".join(caplog.messages), capsys.readouterr().err

    return call


def test_runs_are_grouped_by_what_is_no_seed(tmp_path):
    folders = [write_run(tmp_path / f"{m}{s}", model=m, seed=s, oa=0.9) for m in ("svm", "cnn") for s in (2, 0, 1)]
    settings = read_settings(folders)
    assert [setting.name for setting in settings] == ["model=svm", "model=cnn"]
    assert [[run.metrics["seed"] for run in setting.runs] for setting in settings] == [[0, 1, 2]] * 2


def test_the_seeds_of_start_and_order_make_repetitions_that_are_paired(tmp_path):
    """Two settings by 2 x 2 seeds of the two kinds: four runs each, none taken for another, each with its partner."""
    folders = []
    for model, start, order in product(("svm", "cnn"), (None, 3), (0, 4)):
        folders.append(write_run(tmp_path / f"{model}{start}{order}", model=model, seed=0, oa=0.9))
        metrics = files.read_json(folders[-1] / "metrics.json")
        metrics["config"] |= {"start_seed": start, "order_seed": order}
        files.write_json(folders[-1] / "metrics.json", metrics)
    ours, theirs = read_settings(folders)
    assert [run.key[1:] for run in ours.runs] == [(0, 0, 0), (0, 0, 4), (0, 3, 0), (0, 3, 4)]
    assert [run.key for run in ours.runs] == [run.key for run in theirs.runs]
    (pair,) = compare_pairs([ours, theirs], "oa", {})
    assert (pair.paired.difference.n, pair.left_out) == (4, 0)


@pytest.mark.parametrize("given", [-1, 0.5, "one", [1]])
def test_a_seed_that_is_none_is_named(tmp_path, given):
    folder = write_run(tmp_path, model="svm", seed=0, oa=0.9)
    metrics = files.read_json(folder / "metrics.json")
    files.write_json(folder / "metrics.json", metrics | {"config": metrics["config"] | {"start_seed": given}})
    with pytest.raises(HsiError, match=r"config\.start_seed"):
        read_settings([folder])


def test_settings_below_one_group_are_not_merged(tmp_path):
    """C differs below the varied group model: the name says so where it must."""
    values = [("svm", 1), ("svm", 10), ("cnn", 0)]
    folders = [
        write_run(tmp_path / f"{m}{c}", model=m, seed=0, oa=0.9, extra={"x": 0}, reduce={"C": c}) for m, c in values
    ]
    assert len(read_settings(folders)) == 3
    metrics = [{"choices": {"model": m}, "config": {"model": {"C": c}}, "scene": "made", "model": m} for m, c in values]
    assert name_settings(metrics) == ["model=svm, model.C=1", "model=svm, model.C=10", "model=cnn"]


def test_of_an_estimators_training_only_the_weights_count(tmp_path):
    """Steps mean nothing to it, weights of pixels do."""
    trains = [{"steps": steps, "class_weights": weights} for weights in ("none", "fields") for steps in (1, 2)]
    folders = [
        write_run(tmp_path / f"{seed}{place}", model="svm", seed=seed, oa=0.9, train=train)
        for place, train in enumerate(trains)
        for seed in (0, 1)
    ]
    assert [setting.name for setting in read_settings(folders)] == [
        "train.class_weights=none",
        "train.class_weights=fields",
    ]


def test_a_window_is_one_whether_given_or_the_models_own(tmp_path):
    model = {"_target_": "svm", "patch_size": 25}
    folders = [
        write_run(tmp_path / str(given), seed=seed, oa=0.9, model="svm") for seed, given in enumerate([None, 25])
    ]
    for folder, given in zip(folders, (None, 25), strict=True):
        metrics = files.read_json(folder / "metrics.json")
        metrics["config"] |= {"patch_size": given, "model": model}
        files.write_json(folder / "metrics.json", metrics)
    (setting,) = read_settings(folders)
    assert len(setting.runs) == 2


def test_same_run_twice_counts_once(tmp_path, caplog):
    folders = [write_run(tmp_path / name, seed=0, oa=0.9) for name in ("a", "b")]
    with caplog.at_level("INFO"):
        (setting,) = read_settings(folders)
    assert len(setting.runs) == 1
    assert "the same run as" in caplog.text


def test_summary_by_hand(tmp_path):
    folders = [write_run(tmp_path / str(s), seed=s, oa=oa) for s, oa in enumerate((0.8, 0.9, 1.0))]
    table = report.summarise(folders, tmp_path)
    row = table.iloc[0]
    assert (row.runs, row.oa_mean) == (3, pytest.approx(0.9))
    assert row.oa_std == pytest.approx(0.1)
    assert row.oa_high - row.oa_low == pytest.approx(2 * 4.302653 * 0.1 / 3**0.5, abs=1e-6)
    assert "90.00 ± 10.00" in (tmp_path / "summary.md").read_text()
    tex = (tmp_path / "summary.tex").read_text()
    assert r"90.00 $\pm$ 10.00" in tex
    assert r"\toprule" in tex


def test_classes_of_two_settings_of_one_name_stay_apart():
    settings = [
        Setting("same", (Finished(Path("a"), {"per_class": {"corn": 0.5, "soil": 1.0}}),)),
        Setting("same", (Finished(Path("b"), {"per_class": {"soil": 0.25, "corn": 0.75}}),)),
    ]
    shown = tables.show_classes(tables.tabulate_classes(settings), settings)
    assert shown.to_numpy().tolist() == [["corn", "50.0", "75.0"], ["soil", "100.0", "25.0"]]


def test_single_run_says_so_and_shows_no_nan(tmp_path, call):
    write_run(tmp_path / "only", seed=0, oa=0.9)
    status, out, err = call(tmp_path)
    assert (status, err) == (0, "")
    assert "A single run has no spread (1): repeat it" in out
    for name in ("summary.md", "summary.csv", "summary.tex", "per_class.csv", "comparison.md"):
        assert "nan" not in (tmp_path / name).read_text().lower()
    assert "nan" not in out.lower()


def test_what_differs_beside_the_configuration_is_said(tmp_path, call):
    """Precision and threads follow from the machine: the same words can make other runs elsewhere."""
    for seed in (0, 1):
        for model, precision, threads in (("svm", "fp32", 1), ("knn", ["fp32", "bf16"][seed], 1 + seed)):
            path = write_run(tmp_path / f"{model}{seed}", seed=seed, oa=0.9, model=model) / "metrics.json"
            files.write_json(path, json.loads(path.read_text()) | {"precision": precision, "threads": threads})
    status, out, _ = call(tmp_path)
    assert status == 0
    said = " ".join(out.split())
    assert "Not all runs have the same precision (bf16 in 1; fp32 in 1, 2): part of a difference" in said
    assert "Not all runs have the same threads (1 in 1, 2; 2 in 1): sums are rounded differently" in said
    assert pd.read_csv(tmp_path / "summary.csv")["precision"].tolist() == ["bf16, fp32", "fp32"]
    assert "precision" in (tmp_path / "summary.md").read_text()


def test_what_does_not_differ_is_not_said(tmp_path, call):
    write_run(tmp_path / "a", seed=0, oa=0.9)
    write_run(tmp_path / "b", seed=0, oa=0.9, model="knn")
    _, out, _ = call(tmp_path)
    assert "Not all runs" not in out
    assert "precision" not in (tmp_path / "summary.md").read_text()


def test_one_pair_concludes_nothing(tmp_path, call):
    for model, oa in (("svm", 0.8), ("cnn", 0.9)):
        write_run(tmp_path / model, model=model, seed=0, oa=oa)
    _, out, _ = call(tmp_path)
    assert "one pair has no spread, so nothing can be concluded" in " ".join(out.split())
    assert "nan" not in out.lower()


def test_scenes_of_one_name_that_differ_are_refused(tmp_path, call):
    write_run(tmp_path / "a", seed=0, oa=0.9)
    path = write_run(tmp_path / "b", seed=1, oa=0.9) / "metrics.json"
    files.write_json(path, files.read_json(path) | {"scene_hash": "another"})
    status, _, err = call(tmp_path)
    assert status == 2
    assert err == (
        "Error: the runs are of scenes that share the name synthetic but not their content: compare runs of the same "
        "files\n"
    )


@pytest.mark.parametrize(
    ("content", "sentence"), [("{", "is damaged"), ('{"oa": 1}', "has no aa"), (None, "no finished run")]
)
def test_bad_folders_are_told_in_a_sentence(tmp_path, call, content, sentence):
    if content is not None:
        (tmp_path / "metrics.json").write_text(content)
    status, _, err = call(tmp_path)
    assert status == 2
    assert sentence in err
    assert err.count("\n") == 1
    assert call(tmp_path / "missing")[0] == 2


def make_pair(tmp_path, ours: dict, theirs: dict) -> tuple[Pair, str]:
    """Two settings from {(split, seed): oa}, compared."""
    folders = [
        write_run(tmp_path / model / f"{split}{seed}", model=model, seed=seed, split=split, oa=oa)
        for model, runs in (("svm", ours), ("cnn", theirs))
        for (split, seed), oa in runs.items()
    ]
    (pair,) = compare_pairs(read_settings(folders), "oa", {})
    return pair, conclude(pair, "oa")


def test_pairing_goes_by_split_and_seed(tmp_path):
    pair, words = make_pair(
        tmp_path,
        {("a", 0): 0.90, ("b", 1): 0.80, ("c", 2): 0.70, ("d", 3): 0.5},
        {("a", 0): 0.80, ("b", 1): 0.60, ("x", 2): 0.10, ("d", 4): 0.5},
    )
    assert pair.paired == compare_paired([0.90 - 0.80, 0.80 - 0.60])
    assert pair.left_out == 4
    assert "4 runs without partner were left out" in words


def test_what_does_not_match_is_not_paired(tmp_path):
    pair, words = make_pair(tmp_path, {("a", 0): 0.9, ("b", 1): 0.8}, {("c", 0): 0.7, ("d", 1): 0.8})
    assert pair.paired is None
    assert "cannot be paired: they share no split and seed, so their test pixels differ" in words


def five(*values: float) -> dict:
    return {(f"split{seed}", seed): value for seed, value in enumerate(values)}


def test_words_on_a_clear_difference(tmp_path):
    _, words = make_pair(tmp_path, five(0.90, 0.91, 0.92, 0.90, 0.91), five(0.80, 0.82, 0.81, 0.80, 0.82))
    assert words.startswith("1 is better than 2 by 9.8 points of OA (1 - 2: ")
    assert "5 pairs" in words
    pair, _ = make_pair(tmp_path, five(0.80, 0.82, 0.81), five(0.90, 0.91, 0.92))
    assert conclude(pair, "oa", {1: "cnn", 2: "svm"}).startswith(
        "svm is better than cnn by 10 points of OA (cnn - svm: "
    )


def test_words_on_no_difference_say_how_many_seeds_would_do(tmp_path):
    pair, words = make_pair(tmp_path, five(0.90, 0.91, 0.92, 0.90, 0.91), five(0.89, 0.93, 0.90, 0.91, 0.90))
    assert words.startswith("No difference between 1 and 2 that 5 seeds could show")
    assert f"about {pair.paired.seeds_needed} seeds" in words
    assert pair.paired.seeds_needed > 5


def test_words_on_deterministic_models_claim_nothing(tmp_path):
    same_split = {("a", seed): 0.9 for seed in range(5)}
    _, words = make_pair(tmp_path, same_split, dict.fromkeys(same_split, 0.8))
    assert "seeds change nothing here, so they test nothing" in words


def test_holm_over_all_pairs(tmp_path):
    rng = np.random.default_rng(0)
    folders = [
        write_run(tmp_path / f"{model}{seed}", model=model, seed=seed, split=str(seed), oa=float(mean + noise))
        for model, mean in (("a", 0.7), ("b", 0.71), ("c", 0.8))
        for seed, noise in enumerate(rng.normal(scale=0.01, size=5))
    ]
    pairs = compare_pairs(read_settings(folders), "oa", {})
    order = np.argsort([pair.paired.p_t for pair in pairs])
    expected = np.maximum.accumulate([(3 - place) * pairs[i].paired.p_t for place, i in enumerate(order)])
    assert [pairs[i].p_holm for i in order] == pytest.approx(np.minimum(expected, 1))


def test_votes_by_hand():
    maps = [np.array([[1, 2, 3, 1]]), np.array([[1, 2, 1, 2]]), np.array([[1, 3, 2, 2]])]
    majority, disagreement = ensemble.vote(maps, 3)
    assert majority.tolist() == [[1, 2, 1, 2]]  # one vote each: the lowest class
    np.testing.assert_allclose(disagreement, [[0, 1 / 3, 2 / 3, 1 / 3]], atol=1e-6)


def test_pixels_votes_and_figures(tmp_path, call, scene):
    for model, wrong in (("svm", 0.3), ("cnn", 0.1), ("knn", 0.5)):
        for seed in range(5):
            folder = write_run(tmp_path / "runs" / f"{model}{seed}", model=model, seed=seed, oa=1 - wrong + seed / 1e3)
            write_maps(folder, scene, wrong, seed=hash((wrong, seed)) % 1000)
    out = tmp_path / "out"
    status, told, err = call(tmp_path / "runs", "--out", out)
    assert (status, err) == (0, "")
    assert max(map(len, told.replace(str(tmp_path), "").splitlines())) <= 100
    expected = {"summary.csv", "summary.md", "summary.tex", "per_class.csv", "pairs.csv", "comparison.md"}
    expected |= {"settings.png", "critical_difference.png", "paper.tex", "paper.md", "paper.csv"}
    expected |= {"methods.md", "methods.tex", "references.bib"}
    expected |= {"disagreement.png", "disagreement_1.npy", "disagreement_2.npy", "disagreement_3.npy"}
    assert {path.name for path in out.iterdir()} == expected
    pairs = pd.read_csv(out / "pairs.csv")
    assert pairs.loc[0, "block_side"] == 16
    # runs are found in the order of their names: cnn, knn, svm
    assert pairs.loc[0, "only_first_right"] > pairs.loc[0, "only_second_right"]
    assert pairs.loc[0, "block_low"] > 0
    written = (out / "comparison.md").read_text()
    assert "takes neighbours as independent" in written
    assert "All runs share one split" in written
    # independent errors of 30 % vote each other out: three of five must err, 16.3 % of the pixels
    votes = written.partition("## Votes")[2].splitlines()
    row = next(line for line in votes if line.startswith("| 3"))
    majority, mean_probability = (float(cell) for cell in row.split("|")[4:6])
    assert majority == mean_probability == pytest.approx(83.7, abs=3)
    assert np.load(out / "disagreement_1.npy").shape == scene.labels.shape

    sweep = hsi.open_sweep(tmp_path / "runs")  # says the same from Python
    assert sweep.runs.groupby("setting")["oa"].mean().tolist() == pytest.approx([0.902, 0.502, 0.702])
    for table in (sweep.accuracy.reset_index(), sweep.cost.reset_index(), sweep.per_class.reset_index()):
        assert to_markdown(table) in written
    assert to_markdown(sweep.pairs) in written
    assert to_markdown(sweep.votes) in written
    assert written.endswith("".join(f"- {sentence}\n" for sentence in sweep.conclusions))
    plots = {"settings": sweep.plot.settings, "critical_difference": sweep.plot.ranks}
    for name, draw in ({"disagreement": sweep.plot.disagreement} | plots).items():
        canvas.save(draw(), tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").read_bytes() == (out / f"{name}.png").read_bytes()


def test_a_sweep_without_ranks_or_votes_says_so(tmp_path):
    sweep = hsi.open_sweep(write_run(tmp_path / "a", seed=0, oa=0.9), write_run(tmp_path / "b", seed=1, oa=0.8))
    assert (len(sweep.pairs), len(sweep.votes)) == (0, 0)
    for draw, sentence in ((sweep.plot.ranks, "there are no ranks"), (sweep.plot.disagreement, "nothing can disagree")):
        with pytest.raises(HsiError, match=sentence):
            draw()


def test_votes_of_test_pixels_without_a_number_are_refused(tmp_path, call, scene):
    folders = [write_run(tmp_path / "runs" / str(seed), seed=seed, oa=0.9) for seed in range(2)]
    for seed, folder in enumerate(folders):
        write_maps(folder, scene, 0.1, seed)
    path = folders[0] / "probabilities.npy"
    chances = np.load(path)
    chances[tuple(np.argwhere(scene.labels > 0)[0])] = np.frombuffer(b"\x01\x7d", np.float16)  # a NaN that signals
    np.save(path, chances)
    status, _, told = call(tmp_path / "runs")
    assert status == 2
    assert "probabilities.npy has no number for some test pixels" in told


def test_runs_without_maps_or_partners_are_said(tmp_path, call, scene):
    for seed in range(3):
        folder = write_run(tmp_path / f"svm{seed}", seed=seed, oa=0.9)
        if seed < 2:
            role = np.where(scene.labels > 0, 3, 0).astype(np.uint8)
            role[tuple(np.argwhere(role == 3)[seed])] = 1
            write_maps(folder, scene, 0.1, seed, Split(role))
    _, out, _ = call(tmp_path)
    told = " ".join(out.split())
    assert "1 of 3 runs have no map" in told
    assert "No vote of seeds: no two runs of a setting share a split" in told


def test_metrics_alone_are_enough_for_the_tables(tmp_path, call):
    for seed in range(2):
        write_run(tmp_path / str(seed), seed=seed, oa=0.9 + seed / 100)
    status, out, _ = call(tmp_path)
    assert status == 0
    assert "tests on pixels and votes are left out" in " ".join(out.split())


def test_tampered_map_is_refused(tmp_path, scene):
    folder = write_run(tmp_path / "made", seed=0, oa=0.9)
    write_maps(folder, scene, 0.1, 0)
    np.save(folder / "map.npy", np.ones((3, 3), np.uint8))
    with pytest.raises(HsiError, match="was changed after the run"):
        report.compare([folder], tmp_path / "out")


def test_hundred_runs_in_ten_seconds(tmp_path, call, scene):
    rng = np.random.default_rng(0)
    for number in range(20):
        for seed in range(5):
            name = tmp_path / f"{number:02}-{seed}"
            noise = float(rng.normal(scale=0.01))
            folder = write_run(name, model=f"m{number}", seed=seed, split=str(seed), oa=0.8 + number / 200 + noise)
            write_maps(folder, scene, 0.2, seed)
    started = time.process_time()  # what else the machine does is not the comparison's fault
    status, out, _ = call(tmp_path)
    assert status == 0
    assert time.process_time() - started < 10
    assert "more sentences stand in comparison.md" in out
    assert len(pd.read_csv(tmp_path / "pairs.csv")) == 190


def test_a_sweep_whose_table_cannot_be_written_fails(tmp_path, monkeypatch, capsys):
    """Hydra by itself makes a warning of what a callback raises, and ends with status 0."""

    def refuse(*_):
        raise HsiError("summary.md could not be written (No space left on device)")

    (write_run(tmp_path / "member", seed=0, oa=0.9) / "run.log").touch()
    monkeypatch.setattr(report, "summarise", refuse)
    with pytest.raises(SystemExit, match="2"):
        Sweep().on_multirun_end(OmegaConf.create({"hydra": {"sweep": {"dir": str(tmp_path)}}}))
    assert capsys.readouterr().err == "Error: summary.md could not be written (No space left on device)\n"


def test_what_position_gives_stands_beside_the_accuracy_in_every_table(tmp_path, capfd, caplog):
    caplog.set_level("INFO")
    for seed, skill in ((0, 0.5), (1, 0.25), (2, None)):
        write_position(write_run(tmp_path / f"svm{seed}", seed=seed, oa=0.9), 0.8 + seed / 100, skill)
    write_position(write_run(tmp_path / "worse", seed=0, oa=0.7, model="hybridsn"), 0.8, -0.5)
    write_run(tmp_path / "earlier", seed=0, oa=0.9, model="knn")
    table = report.summarise([*tmp_path.iterdir()], tmp_path).set_index("setting")
    written = pd.read_csv(tmp_path / "summary.csv").set_index("setting")
    for found in (table, written):
        oa, skill = found["position_oa_mean"], found["skill_mean"]
        assert oa["model=svm"] == pytest.approx(0.81)  # of three seeds
        assert skill["model=svm"] == pytest.approx(0.375)  # of the two that have one
        assert (oa["model=hybridsn"], skill["model=hybridsn"]) == (0.8, -0.5)
        assert pd.isna(oa["model=knn"])
        assert pd.isna(skill["model=knn"])
    cells = {"summary.md": "| 81.00 {0}| 37.5 {0}|", "summary.tex": r"& 81.00 {0}& 37.5 {0}\\"}
    for name, cell in cells.items():
        text = (tmp_path / name).read_text()
        assert " ".join(cell.format("").split()) in " ".join(text.split())
        assert "-50.0" in text
        assert "position OA" in text
    lines = caplog.messages[-2].splitlines()
    assert max(map(len, lines)) <= 100
    assert [line.split()[-2:] for line in lines if "skill %" in line] == [["skill", "%"]]
    assert [line.split()[-2:] for line in lines if line.startswith("3 ")][-1] == ["80.00", "-50.0"]


def test_without_it_there_is_no_column(tmp_path):
    write_run(tmp_path / "a", seed=0, oa=0.9)
    report.summarise([tmp_path / "a"], tmp_path)
    assert "position OA" not in (tmp_path / "summary.md").read_text()


@pytest.mark.parametrize(("oa", "skill"), [("high", 0.1), (2, 0.1), (0.5, 1.5), (0.5, "none"), (None, 0)])
def test_a_position_that_no_run_writes_is_said_in_a_sentence(tmp_path, oa, skill):
    write_position(write_run(tmp_path / "a", seed=0, oa=0.9), oa, skill)
    with pytest.raises(HsiError, match=r"metrics\.json: position\.(oa|skill)"):
        read_settings([tmp_path / "a"])
    files.write_json(
        tmp_path / "a/metrics.json", json.loads((tmp_path / "a/metrics.json").read_text()) | {"position": oa or 3}
    )
    with pytest.raises(HsiError, match=r"metrics\.json has no position\.oa: repeat the run"):
        read_settings([tmp_path / "a"])

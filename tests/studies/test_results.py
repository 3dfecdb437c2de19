"""RESULTS.md holds what the tables say, and nothing that was typed."""

import re
from dataclasses import replace

import pytest
from conftest import ROOT

from hsi.errors import HsiError
from studies import table
from studies.protocols import HONEST, LEAKING, ONE_BUDGET, Study, both, group, name, protocol
from studies.recipes import TABLE, section
from studies.write_up import write, write_up
from studies.zoo import EARLIER


@pytest.fixture(scope="module")
def runs() -> table.Table:
    return table.read(ROOT / "studies")


@pytest.fixture(scope="module")
def study(runs: table.Table) -> Study:
    return group(record.as_finished() for record in runs.values())


def test_results_are_those_of_the_tables(study):
    assert (ROOT / "RESULTS.md").read_text(encoding="utf-8") == write_up(study, section(TABLE))


def test_the_numbers_of_the_readme_are_those_of_the_results():
    readme, results = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "RESULTS.md"))
    paper = {"99.75 ± 0.11"}
    claimed = set(re.findall(r"\d+\.\d+ ± \d+\.\d+", readme.replace("+-", "±"))) - paper
    assert len(claimed) > 5
    assert [number for number in sorted(claimed) if number not in results] == []


def test_results_and_their_figures_are_written(in_full, study, tmp_path):
    write(study, tmp_path, section(TABLE))
    assert (tmp_path / "RESULTS.md").read_bytes() == (ROOT / "RESULTS.md").read_bytes()
    for target in re.findall(r"!\[[^]]*\]\(([^)]+)\)", (tmp_path / "RESULTS.md").read_text(encoding="utf-8")):
        assert (tmp_path / target).stat().st_size > 10_000


def test_the_networks_on_one_budget_had_the_same_steps_and_batches(study):
    runs = [run.metrics for setting in study[ONE_BUDGET].values() for run in setting.runs]
    budgets = {tuple(run["config"]["train"][key] for key in ("steps", "batch_size", "augment")) for run in runs}
    assert budgets == {(480, 64, True)}
    assert all(run["parameters"] for run in runs)
    assert {len(setting.runs) for setting in study[ONE_BUDGET].values()} == {3}


def test_networks_of_several_budgets_are_not_written_up(study, tmp_path):
    lenet = study[ONE_BUDGET]["lenet"]
    train = lenet.runs[0].metrics["config"]["train"] | {"steps": 1440}
    longer = [
        replace(run, metrics=run.metrics | {"config": run.metrics["config"] | {"train": train}}) for run in lenet.runs
    ]
    mixed = study | {ONE_BUDGET: study[ONE_BUDGET] | {"lenet": replace(lenet, runs=tuple(longer))}}
    with pytest.raises(HsiError, match="differ in steps, batches or training pixels"):
        write(mixed, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_networks_that_changed_stand_only_where_no_run_of_today_is(study):
    assert set(study[HONEST]) >= EARLIER
    assert not EARLIER & set(study[ONE_BUDGET]) & set(study[LEAKING])


def test_a_study_without_the_runs_of_its_sentences_is_not_written_up(study, tmp_path):
    lacking = study | {HONEST: {row: setting for row, setting in study[HONEST].items() if row != "svm"}}
    with pytest.raises(HsiError, match="svm under regions, 50 %"):
        write(lacking, tmp_path)
    with pytest.raises(HsiError, match="networks under random, 10 %, one budget"):
        write({title: of for title, of in study.items() if title != ONE_BUDGET}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_every_run_is_in_one_setting(runs, study):
    grouped = [str(run.folder) for of in study.values() for setting in of.values() for run in setting.runs]
    assert sorted(grouped) == list(runs)


def test_shares_stand_before_counts_and_the_most_training_pixels_first(study):
    shares = ["random, 30 %", "random, 10 %", "random, 10 %, one budget", "random, 5 %"]
    counts = ["random, 30 a class", "random, 10 a class"]
    assert list(study) == [*shares, *counts, "regions, 50 %", "regions, 30 a class"]


def test_models_are_sorted_by_their_mean_under_regions(study):
    def mean(row: str) -> float:
        scores = study[HONEST][row].values("oa")
        return sum(scores) / len(scores)

    means = [mean(row) for row in both(study)]
    assert means == sorted(means, reverse=True)
    assert set(both(study)) == set(study[HONEST]) & set(study[LEAKING])


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ({"train": 0.3, "per_class": None}, "random, 30 %"),
        ({"train": 0.07}, "random, 7 %"),
        ({"train": 500}, "random, 500 pixels"),
        ({"train": 0.3, "per_class": 5}, "random, 5 a class"),
        ({"train": 0.5, "folds": 4, "fold": 1}, "random, 4 folds"),
        ({"path": "split.npz"}, "random"),
    ],
)
def test_a_protocol_says_how_much_trains(split, words):
    assert protocol({"choices": {"split": "random"}, "config": {"split": split}}) == words
    on_one_budget = {"choices": {"split": "random", "experiment": "equal"}, "config": {"split": split}}
    assert protocol(on_one_budget) == f"{words}, one budget"


@pytest.mark.parametrize(
    ("attention", "words", "said"),
    [
        ("none", ["model=ssrn", "split.train=0.1"], "ssrn"),
        ("se", ["train=few_labels", "split.train=0.1", "map=symmetric"], "ssrn + se map=symmetric train=few_labels"),
        ("none", ["train.steps=5", "map.symmetries=1"], "ssrn"),
    ],
)
def test_a_name_tells_what_the_command_chose_in_place_of_the_model(attention, words, said):
    command = ["python", "-m", "hsi.run", *words]
    assert name({"choices": {"model": "ssrn", "attention": attention}, "command": command}) == said


def test_protocols_without_an_amount_are_sorted_too(runs):
    changes = [{"path": "mask.npz"}, {"train": 500}, {"train": 0.5, "folds": 2}]
    record = next(iter(runs.values()))
    made = [
        table.Record(
            str(place),
            record.metrics
            | {"choices": record.metrics["choices"] | {"split": "kind"}}
            | {"config": record.metrics["config"] | {"split": change}},
        )
        for place, change in enumerate(changes)
    ]
    made.append(table.Record("3", {**made[0].metrics, "choices": made[0].metrics["choices"] | {"experiment": "equal"}}))
    titles = ["kind", "kind, one budget", "kind, 500 pixels", "kind, 2 folds"]
    assert sorted(group(one.as_finished() for one in made)) == sorted(titles)
    assert list(group(one.as_finished() for one in made))[-2:] == titles[-2:]


def test_two_configurations_of_one_name_are_refused(runs):
    first = next(record for name, record in runs.items() if name.startswith("random_10/cnn_1d_"))
    changed = table.Record("other", first.metrics | {"config": first.metrics["config"] | {"optimizer": {"lr": 99}}})
    with pytest.raises(HsiError, match=r"cnn_1d under random, 10 % has two configurations .*optimizer.lr=99"):
        group([first.as_finished(), changed.as_finished()])

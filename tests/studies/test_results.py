"""RESULTS.md holds what the tables say, and nothing that was typed."""

import re

import pytest
from conftest import ROOT

from hsi.errors import HsiError
from studies import table
from studies.protocols import HONEST, LEAKING, Study, both, group, name, protocol
from studies.recipes import TABLE, section
from studies.write_up import write, write_up


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


def test_a_study_without_the_runs_of_its_sentences_is_not_written_up(study, tmp_path):
    lacking = study | {HONEST: {row: setting for row, setting in study[HONEST].items() if row != "svm"}}
    with pytest.raises(HsiError, match="svm under regions, 50 %"):
        write(lacking, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_every_run_is_in_one_setting(runs, study):
    grouped = [str(run.folder) for of in study.values() for setting in of.values() for run in setting.runs]
    assert sorted(grouped) == list(runs)


def test_shares_stand_before_counts_and_the_most_training_pixels_first(study):
    random = ["random, 30 %", "random, 10 %", "random, 5 %", "random, 30 a class", "random, 10 a class"]
    assert list(study) == [*random, "regions, 50 %", "regions, 30 a class"]


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
    assert list(group(one.as_finished() for one in made)) == ["kind", "kind, 500 pixels", "kind, 2 folds"]


def test_two_configurations_of_one_name_are_refused(runs):
    first, *_ = runs.values()
    changed = table.Record("other", first.metrics | {"config": first.metrics["config"] | {"optimizer": {"lr": 99}}})
    with pytest.raises(HsiError, match=r"a2s2k_resnet under random, 10 % has two configurations .*optimizer.lr=99"):
        group([first.as_finished(), changed.as_finished()])

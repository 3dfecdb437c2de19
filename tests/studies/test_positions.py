"""What position alone gives, added to runs that did not keep it: the very splits, made again."""

from dataclasses import replace

import pytest
from conftest import ROOT

from hsi.errors import HsiError
from hsi.evaluation.position import by_position
from hsi.evaluation.statistics import skill
from hsi.splits.random import random_split
from studies import table
from studies.positions import complete
from studies.protocols import LEAKING, group
from studies.sentences import describe_position
from studies.write_up import overview


@pytest.fixture(scope="module")
def runs():
    return table.read(ROOT / "studies")


def without(record, **changes):
    metrics = {key: value for key, value in record.metrics.items() if key != "position"}
    return replace(record, metrics=metrics | changes)


def test_every_kept_run_says_it_and_its_skill_follows(runs):
    for record in runs.values():
        position = record.metrics["position"]
        assert position["skill"] == skill(record.metrics["oa"], position["oa"])
        pixels = sum(each["pixels"] for each in position["accuracy_by_distance"])
        assert pixels == record.metrics["n_test"]


def test_runs_of_one_split_have_one_position(runs):
    seen = {}
    for record in runs.values():
        found = record.metrics["position"]["oa"]
        assert seen.setdefault(record.metrics["split_hash"], found) == found
    assert len(seen) < len(runs)


def test_made_again_it_is_as_kept(indian_pines, runs):
    some = {name: record for name, record in runs.items() if "/hybridsn_none_seed-0" in name}
    assert len(some) == 7  # a protocol each
    assert complete({name: without(record) for name, record in some.items()}) == some
    split = random_split(indian_pines.labels, train=0.1, seed=0)
    (record,) = (record for name, record in some.items() if name.startswith("random_10/"))
    found = by_position(split, indian_pines.labels, indian_pines.class_names)
    assert found.items() <= record.metrics["position"].items()


def test_another_split_or_scene_is_refused(indian_pines, runs):
    record = next(iter(runs.values()))
    with pytest.raises(HsiError, match=f"the split of run {record.run} comes out otherwise"):
        complete({"a": without(record, split_hash="0")})
    with pytest.raises(HsiError, match=f"run {record.run} is of another scene"):
        complete({"a": without(record, scene_hash="0")})


def test_tables_and_sentences_without_it(runs):
    study = group(without(record).as_finished() for record in runs.values())
    assert "position" not in overview(study, ["hybridsn"])
    assert describe_position(study) == []
    whole = group(record.as_finished() for record in runs.values())
    assert "| *position alone, no spectrum read* " in overview(whole, ["hybridsn"])
    (sentence,) = describe_position(whole)
    above = [
        row
        for row, setting in whole[LEAKING].items()
        if setting.runs[0].metrics["parameters"] and sum(setting.values("oa")) > sum(setting.beside("oa"))
    ]
    assert all(row in sentence for row in above)
    networks = [row for row, setting in whole[LEAKING].items() if setting.runs[0].metrics["parameters"]]
    assert f"more than {len(networks) - len(above)} of {len(networks)} networks" in sentence

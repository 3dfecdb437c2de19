"""What position alone gives, added to runs that did not keep it: the very splits, made again."""

import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import ROOT

import hsi
from hsi.errors import HsiError
from hsi.evaluation.blocks import skill
from hsi.evaluation.position import by_position
from hsi.splits.random import random_split
from studies import table
from studies.draw_position import PANELS, draw_shares, measure, write_row
from studies.positions import complete
from studies.protocols import LEAKING, ONE_BUDGET, group
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
    assert len({name.split("/")[0] for name in some}) == 8  # protocols
    made = complete({name: without(record) for name, record in some.items()})
    for name, record in some.items():  # a run keeps the interval of its skill too, for which its map is needed
        assert made[name].metrics["position"].items() <= record.metrics["position"].items()
    split = random_split(indian_pines.labels, train=0.1, seed=0)
    found = by_position(split, indian_pines.labels, indian_pines.class_names)
    kept = [record.metrics["position"] for name, record in some.items() if name.startswith("random_10/")]
    assert kept
    assert all(found.items() <= position.items() for position in kept)


def test_another_split_or_scene_is_refused(indian_pines, runs):
    record = next(iter(runs.values()))
    with pytest.raises(HsiError, match=f"the split of run {record.run} comes out otherwise"):
        complete({"a": without(record, split_hash="0")})
    with pytest.raises(HsiError, match=f"run {record.run} is of another scene"):
        complete({"a": without(record, scene_hash="0")})


def test_tables_and_sentences_without_it(runs):
    study = group(without(record).as_finished() for record in runs.values())
    assert "position" not in overview(study, ["hybridsn"])
    assert describe_position(study[ONE_BUDGET], LEAKING) == []
    whole = group(record.as_finished() for record in runs.values())
    assert "| *position alone, no spectrum read* " in overview(whole, ["hybridsn"])
    of = whole[ONE_BUDGET]
    (sentence,) = describe_position(of, LEAKING)
    above = [row for row, setting in of.items() if sum(setting.values("oa")) > sum(setting.beside("oa"))]
    assert all(row in sentence for row in above)
    assert f"more than {len(of) - len(above)} of {len(of)} networks" in sentence


def test_pages_count_and_name_the_networks_below_position(runs):
    of = group(record.as_finished() for record in runs.values())[ONE_BUDGET]
    below = {row for row, setting in of.items() if sum(setting.values("oa")) < sum(setting.beside("oa"))}
    page, readme = ((ROOT / name).read_text(encoding="utf-8") for name in ("docs/position.md", "README.md"))
    _, _, table_of_them = page.partition("| network |")
    named = re.findall(r"`(\w+)`", table_of_them.partition("\n\n")[0])
    assert sorted(named) == sorted(below)
    assert f"Of the {len(of)} networks measured at 10 % on one budget" in page
    assert f"{len(below)} are below" in page
    assert f"Of all {len(of)} networks on one training budget, {len(of) - len(below)} are above" in readme


def test_the_page_on_position_has_the_numbers_of_the_study(indian_pines):
    page, scene = (ROOT / "docs/position.md").read_text(encoding="utf-8"), hsi.load("indian_pines")
    found = measure(scene, (0.1, 0.3))
    assert all(write_row(share, *figures) in page for share, figures in found.items())
    assert len(found[0.1][0]) == 10
    (axes,) = draw_shares(found).axes
    means = [line.get_ydata() for line in axes.lines if len(line.get_ydata()) == 2]
    np.testing.assert_allclose(means, [[100 * np.mean(found[share][i]) for share in found] for i in (0, 1)])
    for said, (kind, how) in zip(("97.5", "21.6"), PANELS.values(), strict=True):
        oa = by_position(scene.split(kind, **how), scene.labels, scene.class_names)["oa"]
        assert f"would be right on {said} %;" in page
        assert said == f"{100 * oa:.1f}"

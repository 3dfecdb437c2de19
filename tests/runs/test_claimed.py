"""A run's folder, its files laid by hand: when it counts as finished, for whom, and what taking it over leaves."""

import itertools
import re

import pytest
import yaml

from hsi import files
from hsi.errors import HsiError
from hsi.runs.folder import CHECKPOINT, CONFIG, METRICS, OVERRIDES, claim, finished, manifest_hash

OURS = {"seed": 3, "model": {"width": 8}, "device": "cpu"}
MADE_OF = {"scene_hash": "s", "split_hash": "p", "precision": "fp32"}
WHOLE = MADE_OF | {"oa": 0.5}


def lay(folder, config=OURS, metrics=None, checkpoint=False):
    folder.mkdir(exist_ok=True)
    if config is not None:
        claim(folder, config, ["seed=3"], force=False)
    if metrics is not None:
        files.write_json(folder / METRICS, metrics)
    if checkpoint:
        (folder / CHECKPOINT).touch()


def ask(folder, config=OURS, force=False, **other):
    return finished(folder, config, **(MADE_OF | other), force=force)


def test_a_run_is_finished_once_its_metrics_lie_there(tmp_path):
    """Of its three files each may be there or not."""
    for n, (config, metrics, checkpoint) in enumerate(itertools.product((None, OURS), (None, WHOLE), (False, True))):
        folder = tmp_path / str(n)
        lay(folder, config, metrics, checkpoint)
        expected = WHOLE if config and metrics else None
        assert ask(folder) == expected, (config, metrics, checkpoint)
        assert ask(folder, force=True) is None
    assert ask(tmp_path / "none such") is None


@pytest.mark.parametrize("begun", [{"metrics": WHOLE}, {"checkpoint": True}])
@pytest.mark.parametrize(
    ("config", "told"),
    [
        (OURS | {"seed": 4}, "seed: there 3, here 4"),
        ({"model": {"width": 8}}, "seed: there 3, here None"),
        (OURS | {"steps": 9}, "steps: there None, here 9"),
        (OURS | {"seed": 4, "model": {"width": 9}}, "for instance model.width: there 8, here 9"),
    ],
)
def test_a_folder_that_is_begun_belongs_to_its_configuration(tmp_path, begun, config, told):
    lay(tmp_path, **begun)
    with pytest.raises(HsiError, match=re.escape(told)):
        ask(tmp_path, config)
    assert ask(tmp_path, OURS | {"device": "cuda"}) == begun.get("metrics")  # the machine is no part of a run
    assert ask(tmp_path, config, force=True) is None


def test_of_a_start_that_failed_nothing_is_compared(tmp_path):
    lay(tmp_path)
    assert ask(tmp_path, OURS | {"seed": 4}) is None


@pytest.mark.parametrize("name", MADE_OF)
def test_a_finished_run_of_other_data_is_no_finished_run_of_these(tmp_path, name):
    lay(tmp_path, metrics=WHOLE)
    with pytest.raises(HsiError, match=f"{name}: there {MADE_OF[name]}, here another"):
        ask(tmp_path, **{name: "another"})
    assert ask(tmp_path, force=True, **{name: "another"}) is None


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(
    "begun", [{}, {"metrics": WHOLE}, {"checkpoint": True}, {"metrics": WHOLE, "checkpoint": True}]
)
def test_a_claim_names_the_new_owner_and_force_clears_what_was_there(tmp_path, force, begun):
    lay(tmp_path, **begun)
    mine = {"zone": "Wiesen am Fluß", "seed": 4, "model": {"width": 8, "depth": 2}}
    claim(tmp_path, mine, ["zone=b", "seed=4"], force)
    text = (tmp_path / CONFIG).read_text(encoding="utf-8")
    assert list(yaml.safe_load(text).items()) == list(mine.items())  # in the order of the configuration
    assert list(yaml.safe_load(text)["model"]) == ["width", "depth"]
    assert "Wiesen am Fluß" in text  # for people to read
    assert yaml.safe_load((tmp_path / OVERRIDES).read_text()) == ["zone=b", "seed=4"]
    assert (tmp_path / METRICS).exists() == ("metrics" in begun and not force)
    assert (tmp_path / CHECKPOINT).exists() == ("checkpoint" in begun and not force)


def test_a_run_is_quoted_by_the_checksum_of_its_metrics(tmp_path):
    (tmp_path / METRICS).write_bytes(b"abc")
    assert manifest_hash(tmp_path) == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

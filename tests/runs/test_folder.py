"""A run's folder: one process at a time, one configuration, one set of data."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import TRIAL
from omegaconf import OmegaConf
from omegaconf.errors import MissingMandatoryValue

from hsi.errors import HsiError
from hsi.runs.folder import claim, finished, held
from hsi.runs.identity import comparable, config_hash, identity, plain, settle


def test_a_second_process_is_told_that_another_is_at_work(tmp_path):
    waiting = "import sys, time; from pathlib import Path; from hsi.runs.folder import held\n"
    waiting += "with held(Path(sys.argv[1])): print('in', flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", waiting, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert other.stdout.readline() == "in\n"
    with pytest.raises(HsiError, match="another process is at work"), held(tmp_path):
        pass
    other.kill()  # the lock dies with its process
    other.wait()
    with held(tmp_path):
        pass


def test_a_start_that_failed_blocks_nothing(hsi_run):
    assert hsi_run(*TRIAL, "reduce.components=99", "hydra.run.dir=here").status == 2
    assert hsi_run(*TRIAL, "reduce.components=12", "hydra.run.dir=here").status == 2  # HybridSN needs 13
    assert hsi_run(*TRIAL, "model=nonsense", "hydra.run.dir=here").status == 2
    assert hsi_run(*TRIAL, "hydra.run.dir=here").status == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [({"seed": 1}, "(1 key differs, seed: there 0"), ({"seed": 1, "a": 2}, "(2 keys differ, for instance a:")],
)
def test_how_many_keys_differ_is_told(tmp_path, change, words):
    config = {"seed": 0, "a": 1}
    claim(tmp_path, config, [], force=False)
    (tmp_path / "metrics.json").write_text("{}")
    with pytest.raises(HsiError, match=re.escape(words)):
        finished(tmp_path, config | change, "", "", "", force=False)


def write_scene(value):
    rng = np.random.default_rng(0)
    labels = np.repeat([1, 2], 8)[:, None].repeat(14, axis=1)
    np.save("cube.npy", (rng.normal(size=(16, 14, 4)) + labels[:, :, None] + value).astype(np.float32))
    np.save("labels.npy", labels)


OWN = ["scene=custom", "scene.cube=cube.npy", "scene.labels=labels.npy", "model=knn", "hydra.run.dir=here"]


def test_exchanged_data_are_noticed(hsi_run):
    write_scene(0)
    assert hsi_run(*OWN).status == 0
    write_scene(1)
    outcome = hsi_run(*OWN)
    assert outcome.status == 2
    assert "of this configuration on other data" in outcome.out
    assert hsi_run(*OWN, "force=true").status == 0


def test_force_keeps_what_is_there_until_the_new_run_is_checked(hsi_run):
    assert hsi_run(*TRIAL, "hydra.run.dir=here").status == 0
    for fault in ("seed=abc", "reduce.components=12", "split.per_class=100000", "scene.classes=1"):
        assert hsi_run(*TRIAL, "hydra.run.dir=here", "force=true", fault).status == 2
        assert Path("here/metrics.json").exists(), fault


def test_the_objective_is_returned_also_by_a_run_that_is_skipped(hsi_run, monkeypatch):
    from hsi import run as command

    returned = []
    monkeypatch.setattr(command, "run", lambda config, real=command.run: returned.append(real(config)))
    words = [*TRIAL, "split.validation=0.1", "train.validate_every=2", "hydra.run.dir=here"]
    for _ in range(2):
        assert hsi_run(*words).status == 0
    assert returned[0] == returned[1]
    assert 0 < returned[0] <= 1


def test_paths_are_saved_absolute_and_count_by_their_names(hsi_run, tmp_path):
    write_scene(0)
    assert hsi_run(*OWN).status == 0
    text = Path("here/.hydra/config.yaml").read_text()
    assert f"cube: {tmp_path}/cube.npy" in text


BASE = {"seed": 0, "device": "cpu", "scene": {"_target_": "hsi.scene.load_custom", "cube": "/a/c.npy"}, "x": {"y": [1]}}


@pytest.mark.parametrize(
    "same",
    [
        {"device": "cuda", "force": True, "data_dir": "/else"},
        {"scene": {"_target_": "hsi.scenes.custom.load_custom", "cube": "/b/c.npy", "_convert_": "all"}},
        {"engine": {"memory_gb": 1.0}},
    ],
)
def test_moved_modules_moved_folders_and_machines_leave_the_hash(same):
    engine = {"engine": {"memory_gb": 2.0}}
    assert config_hash(BASE | engine) == config_hash(BASE | engine | same)


@pytest.mark.parametrize("other", [{"seed": 1}, {"x": {"y": [2]}}, {"scene": BASE["scene"] | {"cube": "/a/d.npy"}}])
def test_what_a_run_is_counts(other):
    assert config_hash(BASE) != config_hash(BASE | other)
    assert identity(BASE, "s", "p", "fp32") != identity(BASE | other, "s", "p", "fp32")


@pytest.mark.parametrize(
    ("tree", "counted"),
    [
        ({"scene": {"invalid": "mask"}}, {"scene.invalid": "error"}),
        ({"scene": {"invalid": "zero"}}, {"scene.invalid": "zero"}),
        ({"scene": {"nodata": None, "scaled": True}}, {}),
        ({"split": {"draw": "balanced"}}, {}),
        ({"split": {"draw": "random"}}, {"split.draw": "random"}),
        ({"model": {"folds": "pixels"}}, {}),
        ({"model": {"folds": "fields"}}, {"model.folds": "fields"}),
        ({"scene": {"nodata": 0, "scaled": False}}, {"scene.nodata": 0, "scene.scaled": False}),
        ({"model": {"attention": None, "attention_position": "last"}}, {}),
        (
            {"model": {"attention": "se", "attention_position": 2}},
            {"model.attention": "se", "model.attention_position": 2},
        ),
        ({"model": {"attention_position": "last"}}, {"model.attention_position": "last"}),
        ({"model": {"attention": None}}, {}),
        ({"model": {"attention": {"_target_": "hsi.a.b.se", "_x_": 1}}}, {"model.attention._target_": "se"}),
        ({"split": {"path": 3, "test_path": True}}, {"split.path": 3, "split.test_path": True}),
        (
            {"scene": {"labels": ["/a/b.shp", "/a/c.shp"], "cube": ""}},
            {"scene.labels": ["b.shp", "c.shp"], "scene.cube": ""},
        ),
        ({"scene": {"labels": None}, "model": {"path": "/a/b"}}, {"scene.labels": None, "model.path": "/a/b"}),
        ({"optimizer": {"_target_": "torch.optim.SGD", "_partial_": True}}, {"optimizer._target_": "sgd"}),
        ({"model": {"_target_": "my.Net"}, "x": {"_target_": 3}}, {"model._target_": "my.Net"}),
        ({"a": {"b": {"c": {}, "d": 1}}, "_machine_": ["a"]}, {"a.b.d": 1}),
    ],
)
def test_what_a_configuration_counts_as(tree, counted):
    assert comparable(tree) == counted


def test_a_hash_is_that_of_what_is_compared_in_whatever_order():
    assert config_hash({"a": 1, "b": {"c": 2}}) == config_hash({"b": {"c": 2}, "a": 1})
    text = json.dumps({"a": 1, "b.c": 2})
    assert config_hash({"b": {"c": 2}, "a": 1}) == hashlib.sha256(text.encode()).hexdigest()
    whole = hashlib.sha256("\n".join([config_hash(BASE), "s", "p", "fp32"]).encode()).hexdigest()
    assert identity(BASE, "s", "p", "fp32") == whole


def test_paths_are_settled_from_where_the_command_was_given(tmp_path, monkeypatch):
    """References are followed, whatever belongs to Hydra is left out, and no other word is taken for a path."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/of")
    config = OmegaConf.create(
        {
            "data_dir": "data",
            "scene": {
                "cube": "~/c.npy",
                "labels": ["a.shp", "/b.shp"],
                "cubes": ["x"],
                "name": "d",
                "data_dir": "${data_dir}",
            },
            "split": {"path": None, "test_path": "t.npy"},
            "hydra": {"a": 1},
        }
    )
    here = str(tmp_path)
    assert settle(config) == {
        "data_dir": f"{here}/data",
        "scene": {
            "cube": "/home/of/c.npy",
            "labels": [f"{here}/a.shp", "/b.shp"],
            "cubes": ["x"],
            "name": "d",
            "data_dir": f"{here}/data",
        },
        "split": {"path": None, "test_path": f"{here}/t.npy"},
    }
    assert settle(OmegaConf.create({"scene": "no mapping", "a": "data_dir"})) == {
        "scene": "no mapping",
        "a": "data_dir",
    }


def test_what_is_settled_is_whole_and_may_refer_to_what_is_left_out():
    assert settle(OmegaConf.create({"a": "${hydra.b}", "hydra": {"b": 1}})) == {"a": 1}
    with pytest.raises(MissingMandatoryValue):
        settle(OmegaConf.create({"a": {"b": "???"}}))


def test_identity_counts_content_split_and_precision():
    whole = identity(BASE, "s", "p", "fp32")
    others = {identity(BASE, *parts) for parts in (("t", "p", "fp32"), ("s", "q", "fp32"), ("s", "p", "bf16"))}
    assert len(others | {whole}) == 4


def test_where_a_run_is_computed_is_no_part_of_its_plain_configuration():
    """Keys count by their full names: what is a matter of the machine in one group is a choice in another."""
    tree = {
        "seed": 1,
        "device": "cpu",
        "scene": {"data_dir": "/a", "cube": "c"},
        "engine": {"memory_gb": 1, "mode": "a"},
    }
    tree |= {"x": {"device": "d", "memory_gb": 2, "y": {"data_dir": "e"}}, "_machine_": ["seed"]}
    kept = {"seed": 1, "scene": {"cube": "c"}, "engine": {"mode": "a"}, "x": tree["x"]}
    assert plain(tree) == kept


def test_the_plain_configuration_is_a_fixed_point():
    assert plain(plain(BASE)) == plain(BASE)
    assert comparable(plain(BASE)) == comparable(BASE)

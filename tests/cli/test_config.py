"""The configuration as an interface: every file composes, is explained, and refuses unknown keys."""

import pytest
from conftest import ROOT, configure
from hydra import compose, initialize_config_dir
from hydra.errors import ConfigCompositionException

from hsi.cli import main as cli
from hsi.cli.resolvers import folder_name

CONF = ROOT / "conf"
OPTIONS = sorted(
    (path.parent.name, path.stem) for path in CONF.glob("*/*.yaml") if path.parent.name not in ("attention", "hydra")
)
ATTENTIONS = sorted(path.stem for path in CONF.glob("attention/*.yaml"))


@pytest.mark.parametrize(("group", "name"), OPTIONS)
def test_every_option_composes(group, name):
    config = configure(f"{group}={name}")
    assert group == "experiment" or group in config


@pytest.mark.parametrize("name", ATTENTIONS)
def test_every_attention_composes(name):
    config = configure(f"+attention={name}")
    assert (config.model.attention is None) == (name == "none")


@pytest.mark.parametrize("name", ["audit", "bench", "predict"])
def test_every_command_composes(name):
    with initialize_config_dir(str(cli.CONF), version_base="1.3"):
        assert compose(name, overrides=["scene=indian_pines"]).scene.name == "indian_pines"


@pytest.mark.parametrize("path", sorted(CONF.rglob("*.yaml")), ids=lambda path: str(path.relative_to(CONF)))
def test_every_file_says_what_it_is(path):
    lines = [line for line in path.read_text().splitlines() if not line.startswith("# @package")]
    assert lines[0].startswith("# ")


@pytest.mark.parametrize(
    "key", ["model.patch_sise=9", "train.step=3", "split.fraction=0.3", "sede=1", "reduce.component=3"]
)
def test_unknown_keys_fail(key):
    with pytest.raises(ConfigCompositionException):
        configure(key)


def test_seed_and_window_reach_where_they_are_used():
    config = configure("seed=7", "patch_size=11")
    assert (config.split.seed, config.model.patch_size) == (7, 11)
    assert configure("seed=7", "split.seed=1").split.seed == 1
    own = configure("model=lenet", "split=guard")
    assert own.patch_size is None
    assert own.split.patch_size == own.model.patch_size == 15


def test_a_model_brings_its_recipe_unless_one_is_chosen():
    assert configure("model=lenet").train == configure("train=small_batches").train
    assert configure("model=lenet", "train=few_labels").train == configure("train=few_labels").train
    assert configure("model=lenet", "train.steps=3").train.steps == 3
    assert configure("model=lenet", "experiment=trial").train.steps == configure("experiment=trial").train.steps


def test_help_lists_the_groups(hsi_run):
    outcome = hsi_run("--help")
    assert outcome.status == 0
    for group in sorted({group for group, _ in OPTIONS}):
        assert f"\n  {group} " in outcome.out
    assert "+attention" in outcome.out


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ("", "default"),
        ("+attention=se,seed=3", "+attention-se_seed-3"),
        (["seed=0,1", "force=true", "data_dir=/x"], "seed-0_1"),
        ("scene.cube=/a b/c.mat", "scene.cube-_a_b_c.mat"),
    ],
)
def test_folder_names_follow_from_the_overrides(overrides, name):
    assert folder_name(overrides) == name


def test_long_folder_names_stay_apart_and_short():
    a, b = (folder_name([f"scene.cube={'x' * 300}{end}"]) for end in "ab")
    assert a != b
    assert len(a) < 255

"""The configuration as an interface: every file composes, is explained, and refuses unknown keys."""

import pytest
from conftest import ROOT, configure
from hydra import compose, initialize_config_dir
from hydra.errors import ConfigCompositionException
from omegaconf import OmegaConf

from hsi.cli import resolvers
from hsi.config import shipped
from hsi.runs.identity import config_hash, settle

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


@pytest.mark.parametrize("name", ["audit", "bench", "predict", "search"])
def test_every_command_composes(name):
    with initialize_config_dir(str(shipped.CONF), version_base="1.3"):
        assert compose(name, overrides=["scene=indian_pines"]).scene.name == "indian_pines"


def test_exporting_composes_without_a_scene():
    with initialize_config_dir(str(shipped.CONF), version_base="1.3"):
        assert compose("export", overrides=["run=x"]) == {"run": "x", "format": "onnx", "out": None, "trust": []}


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
    assert (configure("seed=7").start_seed, configure("seed=7", "order_seed=2").order_seed) == (None, 2)
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
        ([], "default"),
        (["split=regions", "+attention=se", "seed=3"], "regions_se_seed-3"),
        (["seed=0,1", "force=true", "data_dir=/x", "device=cpu", "engine.memory_gb=1"], "seed-0_1"),
        (["scene=custom", "scene.cube=/a b/c.mat", "split.train=0.1", "split.path=/x/y"], "train-0.1"),
        (["model=svm", "hydra.run.dir=x", "experiment=study", "model.C=[1,2]"], "study_C-_1_2"),
    ],
)
def test_folders_are_named_after_what_differs(overrides, name):
    assert resolvers.describe(overrides) == name


def folder_of(*words):
    """The folder that Hydra gives a run with this command line."""
    with initialize_config_dir(str(shipped.CONF), version_base="1.3"):
        config = compose("config", overrides=list(words), return_hydra_config=True)
    config.hydra.overrides.task = list(words)
    return resolvers.folder_name(_root_=config)


def test_a_folder_ends_in_the_start_of_the_configurations_hash():
    name, digits = folder_of("split=regions", "seed=3").rsplit("_", 1)
    assert name == "regions_seed-3"
    assert digits == config_hash(settle(configure("split=regions", "seed=3")))[:8]


@pytest.mark.parametrize("word", ["device=cpu", "engine.memory_gb=0.5", "data_dir=/elsewhere", "force=true"])
def test_where_a_run_is_computed_changes_neither_folder_nor_hash(word):
    assert folder_of("seed=1", word) == folder_of("seed=1")


@pytest.mark.parametrize("word", ["seed=2", "split=grown", "precision=bf16", "train.steps=3", "model.dropout=0.1"])
def test_what_a_run_is_changes_both(word):
    assert folder_of(word).rsplit("_", 1)[1] != folder_of().rsplit("_", 1)[1]


def test_a_default_that_is_given_changes_nothing_but_the_words():
    assert folder_of("seed=0").rsplit("_", 1)[1] == folder_of().rsplit("_", 1)[1]


def test_long_folder_names_stay_apart_and_short():
    many = ["train.label_smoothing=0.0123456789", "optimizer.weight_decay=0.0123456789", "split.train=0.123456789"]
    a, b = (folder_of(*many, f"model.dropout=0.{end}") for end in "12")
    assert a != b
    assert len(a) < 100


def test_machine_keys_are_keys_of_the_configuration():
    config = configure()
    config.tracking = {**configure("tracking=tensorboard").tracking, **configure("tracking=mlflow").tracking}
    elsewhere = {"memory_gb", "out", "shard", "scene.memory_gb", "scene.band_range"}  # of predict and other scenes
    elsewhere |= {"minutes"}  # of search
    for key in shipped.machine_keys() - elsewhere:
        assert OmegaConf.select(config, key, throw_on_missing=True) is not None, key


def folder_of_map(*words):
    """The folder that Hydra gives a map with this command line."""
    with initialize_config_dir(str(shipped.CONF), version_base="1.3"):
        config = compose("predict", overrides=["run=a", "scene.cube=b.npy", *words], return_hydra_config=True)
    config.hydra.overrides.task = list(words)
    return resolvers.output_folder("predict", _root_=config)


def test_shards_of_a_map_share_a_folder_and_other_maps_have_their_own():
    alone = folder_of_map("symmetries=8")
    assert alone.startswith("outputs/predict/custom/symmetries-8_")
    assert folder_of_map("symmetries=8", "shard=3", "memory_gb=1", "force=true") == alone
    assert folder_of_map("symmetries=8", "temperature=2") != alone
    assert folder_of_map("symmetries=8", "out=maps/mine") == "maps/mine"

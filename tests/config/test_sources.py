"""Configuration files of the user: what Hydra would stumble over, or never finish, is told in a sentence."""

import time

import pytest
from hydra._internal.core_plugins.file_config_source import FileConfigSource as HydraSource
from hydra._internal.sources_registry import SourcesRegistry

from hsi.config.faults import explain
from hsi.config.sources import DEEPEST, LARGEST, MOST_VALUES, FileConfigSource, guard_sources
from hsi.errors import HsiError
from hsi.recipes import compose_settings, recipe_of

GLOBAL = "# @package _global_\n"
FOLD = [*zip("abcdefgh", "bcdefghi", strict=True)]
LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 10)}]\n" for a, b in FOLD)
MERGES = "a: &a {x: 1}\n" + "".join(f"{b}: &{b}\n  <<: [{','.join([f'*{a}'] * 10)}]\n" for a, b in FOLD)

REFUSED = {
    "a billion laughs": (LAUGHS, f"stand for more than {MOST_VALUES:,} values"),
    "a billion merges": (MERGES, f"stand for more than {MOST_VALUES:,} values"),
    "a circle of anchors": ("a: &a [*a]", "within themselves"),
    "deep": (f"a: {'[' * (DEEPEST + 1)}{']' * (DEEPEST + 1)}", f"nested more than {DEEPEST} deep"),
    "deeper": ("- " * 49_000, "recursion"),
    "a list": ("[1, 2]", "no mapping"),
    "text": ("seed", "no mapping"),
    "bytes": (bytes(range(256)), "cannot be read as a configuration"),
    "zeros": (b"\0\0\0", "cannot be read as a configuration"),
    "half of UTF-16": (b"\xff\xfes\0", "cannot be read as a configuration"),
    "a large file": ("#" * (LARGEST + 1), f"more than the {LARGEST:,} that are read"),
    "a number without end": ("seed: 0x" + "f" * 5000, "5,002 digits"),
    "a key twice": ("seed: 1\nseed: 2", "duplicate key seed"),
    "a tag that calls": ("a: !!python/object/apply:os.system [x]", "could not determine a constructor"),
    "a key that is a list": ("? [a, b]\n: 1", "unhashable key"),
    "a key that is null": ("~: 1", "Incompatible key"),
    "half a reference": ("seed: '${'", "cannot be read as a configuration"),
    "two documents": ("a: 1\n---\nb: 2", "expected a single document"),
    "half a header": ("# @package\nseed: 1", "cannot be read as a configuration"),
    "defaults that are a number": ("defaults: 3", "must be a list"),
    "defaults in a list": ("defaults: [[1]]", "Unsupported type in defaults"),
    "defaults that are itself": ("defaults: [mine]", "in a circle"),
}


def compose(folder, content):
    (folder / "experiment").mkdir(exist_ok=True)
    (folder / "experiment" / "mine.yaml").write_bytes(content.encode() if isinstance(content, str) else content)
    return compose_settings([f"hydra.searchpath=[file://{folder}]", "experiment=mine"])[0]


def test_what_hydra_refuses_without_a_word_costs_a_sentence(tmp_path):
    with pytest.raises(HsiError, match=r"defaults refers to scene\.noise, which is not there"):
        compose(tmp_path, "defaults: ${scene.noise}\nseed: 3\n")


def test_a_circle_is_told_wherever_recursion_ends():
    """Which call is one too many is chance: any function that Hydra or OmegaConf calls may be it."""
    omegaconf = {"__name__": "omegaconf.base"}
    exec("def resolve(node): return node()", omegaconf)
    with pytest.raises(RecursionError) as told:
        omegaconf["resolve"](circle)
    assert "leads in a circle" in explain(told.value)


def circle():
    return circle()


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_configuration_costs_a_sentence(tmp_path, name):
    content, reason = REFUSED[name]
    before = time.process_time()
    with pytest.raises(HsiError) as told:
        compose(tmp_path, content)
    assert reason in str(told.value)
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 500
    assert time.process_time() - before < 10


def test_anchors_of_a_sane_size_and_all_else_are_read_as_before(tmp_path):
    tree = compose(tmp_path, GLOBAL + "train: &short {steps: 7}\nsplit: {seed: 5}\nmore: [*short, *short]\n")
    assert tree["train"]["steps"] == 7
    assert tree["split"]["seed"] == 5
    assert tree["more"] == [{"steps": 7}] * 2
    assert compose(tmp_path, "")["seed"] == compose(tmp_path, GLOBAL)["seed"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("model: 3", "model=3: choose one of the files under conf/model/"),
        ("model: null", "model=null: choose one of the files under conf/model/"),
        ("model: {3.5: 1}", "model has the key 3.5, which is no name"),
        ("train: word", "train does not say what to build"),
        ("train: {1: 2}", "train has the key 1, which is no name"),
        ("optimizer: null", "optimizer does not say what to build"),
        ("map: {true: 1}", "map has the key true, which is no name"),
        ("engine: []", "Cannot merge DictConfig with ListConfig"),
    ],
)
def test_stages_that_are_none_cost_a_sentence(tmp_path, content, reason):
    with pytest.raises(HsiError) as told:
        recipe_of(compose(tmp_path, GLOBAL + content), "mine")
    assert reason in str(told.value)


def test_it_stays_where_hydra_registers_its_own_again():
    """As it does in each process of a parallel launcher."""
    guard_sources()
    SourcesRegistry.instance().register(HydraSource)
    assert SourcesRegistry.instance().resolve("file") is FileConfigSource

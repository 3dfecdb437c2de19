"""The door for saved descriptions: what passes is the same in today's names, and all else is refused in a sentence."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hsi.config.moved import MOVED
from hsi.config.saved import read_config, vet
from hsi.config.shipped import CONF, targets
from hsi.errors import HsiError, shown

TINY = {"_target_": "my_models.tiny"}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["${seed}", "_target_"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.just("_target_"), inner, max_size=3),
    max_leaves=12,
)


def is_plain(value: object) -> bool:
    """Nothing in it means anything but itself."""
    if isinstance(value, dict):
        return all(is_plain(key) and not key.startswith("_target") and is_plain(inner) for key, inner in value.items())
    if isinstance(value, list):
        return all(map(is_plain, value))
    return "${" not in value if isinstance(value, str) else True


@given(st.dictionaries(st.text() | st.sampled_from(["_args_", "name", "attention"]), VALUES, max_size=4))
def test_what_passes_is_plain_and_the_same(values):
    description = {"_target_": "hsi.models.lenet.lenet", **values}
    try:
        vetted = vet(description, "model", "here")
    except HsiError:
        return
    assert json.dumps(vetted) == json.dumps(description)  # as text, for NaN is not equal to itself
    assert is_plain(values)


def test_every_description_under_conf_passes_in_its_group_alone():
    groups = ("scene", "model", "attention", "engine", "map")
    for group in groups:
        for path in (CONF / group).glob("*.yaml"):
            description = yaml.safe_load(path.read_text(encoding="utf-8"))
            if "_target_" not in description or description["_target_"] == "???":
                continue
            plain = {"_target_": description["_target_"]}
            if description["_target_"].endswith("load_published"):
                plain |= {key: description[key] for key in ("name", "cube", "labels")}
            assert vet(plain, group, path) == plain
            for other in groups:
                if description["_target_"] not in targets(other):
                    with pytest.raises(HsiError, match="asks to call"):
                        vet(plain, other, path)


def test_callables_that_have_moved_are_those_of_conf():
    every = set().union(*(targets(path.name) for path in CONF.iterdir() if path.is_dir()))
    assert set(MOVED.values()) <= every
    assert vet({"_target_": "hsi.scene.load_custom"}, "scene", "here") == {"_target_": "hsi.scenes.custom.load_custom"}


def test_a_saved_setting_is_called_as_today():
    """SE-ResNet's own attention was none; other models' none, and another's attention, stay."""
    senet, resnet = "hsi.models.senet.senet", "hsi.models.resnet.resnet"
    assert vet({"_target_": senet, "attention": None, "depth": 18}, "model", "f")["attention"] == "own"
    assert vet({"_target_": senet, "attention": "own"}, "model", "f")["attention"] == "own"
    assert vet({"_target_": resnet, "attention": None}, "model", "f")["attention"] is None
    ours = {"_target_": "hsi.models.blocks.attention.SqueezeExcite", "_partial_": True}
    assert vet({"_target_": senet, "attention": ours}, "model", "f")["attention"] == ours


def test_a_trusted_name_is_allowed_alone():
    """A name that is part of a trusted one is another name, and so is one in another module."""
    for trust in ("my_models.tiny", ["my_models.tiny"], ("a.b", "my_models.tiny")):
        assert vet(TINY, "model", "here", trust) == TINY
        for name in ("my_models", "my_models.tin", "models.tiny", "my_models.tiny.x", "os.system"):
            with pytest.raises(HsiError, match="asks to call"):
                vet({"_target_": name}, "model", "here", trust)


def test_what_is_trusted_still_gets_plain_values():
    with pytest.raises(HsiError, match="has the key _target_"):
        vet(TINY | {"width": {"_target_": "os.getcwd"}}, "model", "here", ["my_models.tiny"])
    with pytest.raises(HsiError, match=r"asks to call os\.system"):
        vet(TINY | {"attention": {"_target_": "os.system"}}, "model", "here", ["my_models.tiny"])


def test_references_are_followed_as_earlier_versions_wrote_them(tmp_path, monkeypatch):
    path = tmp_path / "config.yaml"
    path.write_text(
        "a: ${seed}\nb: ${hsi.window:25}\nc: ${model.knob}\nd: ['${data_dir}']\nseed: 3\npatch_size: null\n"
        "data_dir: ${oc.env:HSI_DATA_DIR,data}\nmodel: {knob: '${a}', patch_size: 7}\n"
        "e: ${oc.select:model.patch_size,${patch_size}}\n"
    )
    monkeypatch.setenv("HSI_DATA_DIR", "/there")
    found = read_config(path)
    assert [found[key] for key in "abcde"] == [3, 25, 3, ["/there"], 7]
    path.write_text("patch_size: 9\nb: ${hsi.window:25}\ne: ${oc.select:model.patch_size,${patch_size}}\n")
    assert read_config(path) == {"patch_size": 9, "b": 9, "e": 9}


@pytest.mark.parametrize("value", ["a\nb", "\x1b[31mred", "x" * 10**6, {"a": ["\r"]}, None, float("nan")])
def test_values_in_sentences_are_short_lines(value):
    line = shown(value)
    assert line.isprintable()
    assert len(line) <= 60


@pytest.mark.parametrize(
    "text", ["seed: 0x" + "f" * 5000, "seed: 9223372036854775808", "0x" + "f" * 5000 + ": 1", "~: 1", "2001-01-01: 1"]
)
def test_numbers_without_end_and_keys_that_are_no_names_are_told(tmp_path, text):
    """Python does not even write some of them."""
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(HsiError, match="it is damaged, repeat the run"):
        read_config(path)
    path.write_text("seed: 9223372036854775807\nclasses: {1: 2}\n")
    assert read_config(path) == {"seed": 2**63 - 1, "classes": {1: 2}}

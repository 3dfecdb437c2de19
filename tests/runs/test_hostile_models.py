"""Hostile runs, as in test_hostile_scenes: the model that bundle.json and model.safetensors describe."""

import json
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from commands import BUNDLE, LONG, WEIGHTS, Payload, answers, hostile, instead
from safetensors.torch import load_file, save_file

from hsi.errors import HsiError
from hsi.runs.model import load_model


@pytest.fixture
def commands(tmp_path, monkeypatch, capfd, caplog):
    return hostile(tmp_path, monkeypatch, capfd, caplog)


def bundle(**changes) -> Callable[[], None]:
    """Other values at dotted keys, written with two underscores for the dot."""

    def attack() -> None:
        content = json.loads(BUNDLE.read_text())
        for key, value in changes.items():
            group, _, name = key.partition("__")
            place = content[group] if name else content
            place[name or group] = value
        BUNDLE.write_text(json.dumps(content))

    return attack


def text(content: str | bytes) -> Callable[[], None]:
    return lambda: BUNDLE.write_bytes(content.encode() if isinstance(content, str) else content)


def weights(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[], None]:
    def attack() -> None:
        tensors = load_file(WEIGHTS)
        change(tensors)
        save_file({name: value.contiguous() for name, value in tensors.items()}, WEIGHTS)

    return attack


def estimator(name: str, samples: torch.Tensor, targets: torch.Tensor, **settings) -> Callable[[], None]:
    """An estimator, which learns its training pixels again when it is loaded."""

    def attack() -> None:
        bundle(model={"_target_": f"hsi.models.baselines.{name}", **settings})()
        tensors = {key: value for key, value in load_file(WEIGHTS).items() if key.startswith("reducer.")}
        save_file(tensors | {"model.head.samples": samples, "model.head.targets": targets}, WEIGHTS)

    return attack


def target(name: str, /, **values) -> Callable[[], None]:
    return bundle(model={"_target_": name, **values})


SAMPLES, TARGETS = torch.rand(30, 13), torch.arange(30) % 3
NAN, INFINITE = float("nan"), float("inf")

MODELS = {
    "a pickle by pandas": (target("hsi.bundle.pd.read_pickle", filepath_or_buffer="network/evil.pkl"), "asks to call"),
    "a pickle by torch": (target("hsi.bundle.torch.load", f="network/evil.pkl"), "asks to call"),
    "through a module of today": (target("hsi.runs.model.torch.load", f="network/evil.pkl"), "asks to call"),
    "a shell": (target("hsi.runs.model.files.os.system", command="touch x"), "asks to call"),
    "through a model's module": (target("hsi.models.hybridsn.nn.Module.load"), "asks to call"),
    "another way to build": (target("hsi.models.building.build_model", description={}), "asks to call"),
    "a scene for a model": (target("hsi.scenes.custom.load_custom", cube="cube.npy", labels=None), "asks to call"),
    "something of the user's": (target("my_models.tiny"), "allow it with trust=my_models.tiny"),
    "attention that is a shell": (bundle(model__attention={"_target_": "os.system"}), "asks to call os.system"),
    "attention in a list": (bundle(model__attention=[{"_target_": "os.system"}]), "does not describe the attention"),
    "attention that is a model": (bundle(model__attention={"_target_": "hsi.models.lenet.lenet"}), "asks to call"),
    "a name for a number": (bundle(model__dropout={"_target_": "os.getcwd"}), "has the key _target_"),
    "a name in lists": (bundle(model__dropout=[[{"_target_": "os.getcwd"}]]), "has the key _target_"),
    "a resolver": (bundle(model__dropout="${oc.env:HOME}"), "refers to something else"),
    "_args_": (bundle(model___args_=[1, 2]), "has the key _args_"),
    "_recursive_": (bundle(model___recursive_=True), "has the key _recursive_"),
    "_partial_": (bundle(model___partial_=True), "has the key _partial_"),
    "an engine that is a shell": (bundle(engine={"_target_": "os.system", "command": "touch x"}), "asks to call"),
    "an engine that is a part": (bundle(engine___partial_=True), "has the key _partial_"),
    "a wrong mode": (bundle(engine__mode="fast"), "engine.mode=fast: choose auto, dense or patch"),
    "padding by a name": (bundle(engine__padding={"_target_": "os.getcwd"}), "has the key _target_"),
    "no memory": (bundle(engine__memory_gb=NAN), "engine.memory_gb"),
    "no engine": (bundle(engine=None), "does not describe the engine"),
    "a map that writes": (bundle(map={"_target_": "hsi.files.write", "path": "x"}), "asks to call"),
    "symmetries": (bundle(map__symmetries=10**9), "map.symmetries"),
    "a large window": (bundle(model__patch_size=1_000_001), "do not fit together"),
    "an even window": (bundle(model__patch_size=4), "model.patch_size=4"),
    "a negative window": (bundle(model__patch_size=-9), "model.patch_size=-9"),
    "a wide network": (target("hsi.models.vgg.vgg", width=1e9, patch_size=9), "do not fit together"),
    "a wider one": (target("hsi.models.vgg.vgg", width=1e300, patch_size=9), "do not fit together"),
    "a deep one": (target("hsi.models.pnasnet.pnasnet", cells=10**9), "model.cells"),
    "many neighbours": (
        target("hsi.models.spectralformer.spectralformer", neighbours=10**9 + 1),
        "do not fit together",
    ),
    "weights from the net": (target("hsi.models.from_timm.from_timm", name="hf-hub:x/y", pretrained=True), "timm"),
    "a dropout that is a word": (bundle(model__dropout="often"), "model.dropout=often"),
    "a parameter that is none": (bundle(model__code="x"), "unknown key model.code"),
    "a forest without end": (estimator("random_forest", SAMPLES, TARGETS, trees=10**9), "model.trees"),
    "a search without end": (estimator("svm", SAMPLES, TARGETS, C=[1.0] * 10**5), "model.C"),
    "targets beyond the classes": (estimator("knn", SAMPLES, TARGETS + 10**9), "other classes than the 3"),
    "targets that are no numbers": (estimator("knn", SAMPLES, TARGETS / 2), "components"),
    "pixels of other bands": (estimator("knn", SAMPLES[:, 1:].clone(), TARGETS), "do not have 13 components"),
    "pixels that are infinite": (estimator("svm", SAMPLES / 0, TARGETS), "are no numbers"),
    "no pixels": (estimator("knn", SAMPLES[:0], TARGETS[:0]), "too few for this model"),
    "temperature NaN": (bundle(temperature=NAN), "temperature=nan: give a positive number"),
    "temperature zero": (bundle(temperature=0), "temperature=0: give a positive number"),
    "temperature infinite": (bundle(temperature=INFINITE), "temperature=inf: give a positive number"),
    "temperature in words": (bundle(temperature="warm"), "temperature=warm: give a positive number"),
    "no temperature": (bundle(temperature=None), "temperature=null"),
    "quantiles of another shape": (bundle(quantiles=[[1, 2], [3, 4], [5, 6]]), "quantiles"),
    "quantiles that are no list": (bundle(quantiles={"a": 1}), "do not fit together"),
    "quantiles that are none": (bundle(quantiles=[[NAN] * 20] * 3), "quantiles"),
    "wavelengths of another shape": (bundle(wavelengths_nm=[[1.0]]), "wavelengths_nm"),
    "widths that are none": (bundle(fwhm_nm=[NAN] * 60), "do not fit together"),
    "bands of a file without end": (bundle(file_bands=10**30), "do not fit together"),
    "bands of a file that are none": (bundle(kept_bands=[0.5] * 20, file_bands=30), "do not fit together"),
    "a table of the unknown that is none": (bundle(unknown={"energy": []}), "do not fit together"),
    "a table of the unknown that descends": (
        bundle(unknown={"energy": [1, 0], "max_logit": [0, 1]}),
        "no table of ascending numbers",
    ),
    "the unknown in words": (bundle(unknown="often"), "do not fit together"),
    "negative bands": (bundle(bands=-1), "do not fit together"),
    "bands without end": (bundle(bands=10**30), "do not fit together"),
    "infinite bands": (bundle(bands=INFINITE), "do not fit together"),
    "bands in words": (bundle(bands="all"), "do not fit together"),
    "no bands": (bundle(bands=None), "do not fit together"),
    "no classes": (bundle(class_names=[]), "do not fit together"),
    "classes in a mapping": (bundle(class_names={"a": 1}), "class_names"),
    "a class twice": (bundle(class_names=["a", "a", "b"]), "do not fit together"),
    "more classes than weights": (
        bundle(class_names=list("abcd"), colours=["#000000"] * 4, label_values=[1, 2, 3, 4]),
        "do not fit together",
    ),
    "a long name": (bundle(class_names=["a", "b", LONG]), "class_names"),
    "a colour that is none": (bundle(colours=["#000000", "url(x)", "#000000"]), "colours"),
    "a colour with a line": (bundle(colours=["#000000", "#00000\n", "#000000"]), "colours"),
    "values in words": (bundle(label_values=["a", "b", "c"]), "label_values"),
    "no scene": (bundle(scene={"a": "b"}), "scene"),
    "a later format": (bundle(format=99), "of format 99"),
    "a list": (text("[1]"), "no JSON object"),
    "half a file": (text('{"format": 1'), "is damaged"),
    "deep lists": (text('{"a": ' + "[" * 300 + "]" * 300 + "}"), "nests its values"),
    "deeper lists": (text("[" * 100_000), "is damaged"),
    "a number of many digits": (text('{"format": ' + "1" * 100_000 + "}"), "is damaged"),
    "a large file": (text("{" + " " * 17 * 2**20 + "}"), "more than the"),
    "no UTF": (text(b"\xff\xfe\xff"), "is damaged"),
    "a pipe": (instead(BUNDLE, os.mkfifo), "does not exist"),
    "a device": (instead(BUNDLE, lambda path: path.symlink_to("/dev/zero")), "does not exist"),
    "weights that are a pickle": (lambda: torch.save(Payload(), WEIGHTS), "do not fit together"),
    "weights of another length": (lambda: WEIGHTS.write_bytes(struct.pack("<Q", 2**60) + b"{}"), "do not fit"),
    "weights that are a device": (instead(WEIGHTS, lambda path: path.symlink_to("/dev/zero")), "does not exist"),
    "a tensor less": (
        weights(lambda tensors: tensors.pop("model.head.0.bias", None) or tensors.popitem()),
        "do not fit",
    ),
    "a tensor more": (weights(lambda t: t.update({"model.more": torch.ones(1)})), "do not fit together"),
    "a tensor of another shape": (
        weights(lambda t: t.update({n: v[:1] for n, v in t.items() if n.startswith("model.")})),
        "do not fit together",
    ),
    "a tensor of NaN": (weights(lambda t: t.update({"reducer.mean": t["reducer.mean"] * NAN})), "are no numbers"),
    "a reducer of other bands": (
        weights(lambda t: t.update({"reducer.weights": t["reducer.weights"][:3]})),
        "not one of 20 bands",
    ),
    "more components than bands": (
        weights(lambda t: t.update({"reducer.weights": torch.rand(20, 10_000, dtype=torch.float64)})),
        "not one of 20 bands",
    ),
    "a reducer of whole numbers": (
        weights(lambda t: t.update({"reducer.weights": t["reducer.weights"].long()})),
        "holds other numbers",
    ),
    "a reducer without bounds": (
        weights(lambda t: t.update({"reducer.weights": t["reducer.weights"] * 1e300})),
        "holds other numbers",
    ),
    "a reducer that is too much": (weights(lambda t: t.update({"reducer.code": torch.ones(1)})), "do not fit together"),
    "a reducer without weights": (weights(lambda t: t.pop("reducer.weights")), "do not fit together"),
    "a reducer of other numbers": (
        weights(lambda t: t.update({"reducer.mean": t["reducer.mean"].to(torch.bfloat16)})),
        "do not fit together",
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_asks_for_more_is_refused(commands, name):
    attack, reason = MODELS[name]
    attack()
    found = answers(commands, "predict", "verify")
    status, told = found["predict"]
    assert status == 2
    assert reason in " ".join(told.split())
    assert "network/bundle.json" in told or "network/model.safetensors" in told
    assert not Path("there/map.npy").exists()
    assert found["verify"][0] == 1  # by its checksum


@pytest.mark.parametrize("name", [r"$\frac{$", "${oc.env:HOME}", "\x1b[31mred", "a\nb", "<script>", "_target_"])
def test_names_are_drawn_as_they_stand(commands, name):
    bundle(class_names=["a", "b", name], scene=name)()
    status, told = answers(commands, "predict")["predict"]
    assert status == 0, told
    assert Path("there/map.png").exists()
    assert name in json.loads(Path("there/prediction.json").read_text())["pixels"]


def test_a_network_that_is_deeper_than_its_weights_is_not_built_to_its_end(commands):
    target("hsi.models.pnasnet.pnasnet", cells=100, patch_size=9)()
    before = time.process_time()
    with pytest.raises(HsiError, match="more than lie beside it"):
        load_model(BUNDLE.parent)
    assert time.process_time() - before < 5

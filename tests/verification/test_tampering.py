"""Every tampering with a finished run is named, or what was tampered with is on the list of what is taken on trust."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from runs_made import edited, make
from safetensors.numpy import load_file, save_file

from hsi import files
from hsi.errors import HsiError
from hsi.output.manifest import FILES, SOMETIMES, manifest
from hsi.runs.identity import config_hash, flatten, identity, plain
from hsi.runs.opened import load_scene
from hsi.splits.roles import Split, load_split, save_split
from hsi.verification.again import put_together
from hsi.verification.checked import MACHINE, different_metrics, verify
from hsi.verification.listed import different_files
from hsi.verification.older import without_later
from hsi.verification.verdict import Verdict


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return make(tmp_path_factory.mktemp("runs") / "whole")


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """A run of another seed on the same split."""
    return make(tmp_path_factory.mktemp("runs") / "other", "seed=1", "split.seed=0")


@pytest.fixture
def copy(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "copy"))


@pytest.fixture(scope="module")
def again(whole):
    return put_together(whole, load_scene(whole), Verdict(""))


def test_a_run_as_it_was_left(whole):
    verdict = verify(whole)
    assert verdict.differences == []
    assert verdict.manifest == files.file_checksum(whole / "metrics.json")


def test_all_files_of_a_run_are_in_its_manifest(whole):
    written = {str(path.relative_to(whole)) for path in whole.rglob("*") if path.is_file()}
    assert (
        written - {"run.log", ".lock", "metrics.json", "report.html"}
        == manifest(whole).keys()
        == {*FILES, "probabilities.npy"}
    )


def other_values(value):
    """Values of the same kind, of others, and none."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield from (value + 1, -1, 1e300)
    elif isinstance(value, list):
        yield from ([*value, 1], value[1:] or [0])
    elif isinstance(value, str):
        yield f"{value}x"
    yield from (None if value is not None else 0, "x", {}, [])


def test_every_key_of_metrics_is_named_or_on_trust(whole, again):
    metrics = json.loads((whole / "metrics.json").read_text())
    passed = set()
    for key in flatten(metrics):
        *path, last = _split(key, metrics)
        place = metrics
        for part in path:
            place = place[part]
        before = place[last]
        for value in other_values(before):
            if (value, type(value)) != (before, type(before)):
                place[last] = value
                passed |= set() if _named(whole, metrics, again) else {key}
        del place[last]
        assert _named(whole, metrics, again), key
        place[last] = before
    assert passed == {"seconds.load", "seconds.train", "seconds.map"}
    assert any(line.startswith("seconds: ") for line in verify(whole).trusted)
    assert any(line.startswith(", ".join(MACHINE)) for line in verify(whole).trusted)


def _split(key, tree):
    """The dotted words of a key, some of which hold dots of their own."""
    while key:
        name = max((name for name in tree if key == name or key.startswith(f"{name}.")), key=len)
        yield name
        key, tree = key[len(name) + 1 :], tree[name]


def _named(folder, metrics, again) -> bool:
    try:
        return any(
            (*different_metrics(folder, metrics, again), *different_files(folder, metrics["files"], FILES, SOMETIMES))
        )
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError):
        return True  # `verify` makes a sentence of it


def test_a_key_that_no_run_writes_is_named(copy):
    edited(lambda m: m.update(award="best paper"))(copy)
    assert "award is there, which no run writes" in verify(copy).differences


def sealed(attack):
    """The attacker is thorough: the checksums are those of the files as they are now."""

    def both(folder: Path) -> None:
        attack(folder)
        edited(lambda m: m.update(files=manifest(folder)))(folder)

    return both


def pixel(folder: Path) -> tuple[int, int]:
    """One that no score looks at."""
    split = load_split(folder / "split.npz")
    return tuple(np.argwhere(split.role == 0)[7])


def another_class(folder: Path) -> None:
    class_map = np.load(folder / "map.npy")
    class_map[pixel(folder)] = 1 + class_map[pixel(folder)] % 6
    np.save(folder / "map.npy", class_map)


def more_confidence(folder: Path) -> None:
    confidence = np.load(folder / "confidence.npy")
    confidence[pixel(folder)] = 1 - confidence[pixel(folder)]
    np.save(folder / "confidence.npy", confidence)


def other_chances(folder: Path) -> None:
    chances = np.load(folder / "probabilities.npy")
    chances[pixel(folder)] = chances[pixel(folder)][::-1]
    np.save(folder / "probabilities.npy", chances)


def moved_pixel(folder: Path) -> None:
    split = load_split(folder / "split.npz")
    role = split.role.copy()
    role[tuple(np.argwhere(role == 3)[0])] = 1
    save_split(folder / "split.npz", Split(role, split.region))


def text(name: str, old: str, new: str):
    def attack(folder: Path) -> None:
        path = folder / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))

    return attack


def bundle(**changes):
    def attack(folder: Path) -> None:
        path = folder / "bundle.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return attack


def table(name: str, column: str, change):
    def attack(folder: Path) -> None:
        rows = pd.read_csv(folder / name)
        rows[column] = change(rows[column])
        rows.to_csv(folder / name, index=False)

    return attack


def weights(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    last = max(name for name in tensors if name.endswith("bias"))
    tensors[last] = tensors[last] + 1
    tensors[last][0] -= 3
    save_file(tensors, folder / "model.safetensors")


def surroundings(**changes):
    def attack(folder: Path) -> None:
        path = folder / "environment.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return attack


def another_value_first(folder: Path) -> None:
    """Which a reader sees, and other programs take."""
    text("metrics.json", "{", '{"oa": 0.9999, ')(folder)


def foreign(name: str):
    return lambda folder: (folder / name).write_bytes(b"II*\0 a map of another run")


def without(name: str):
    return lambda folder: (folder / name).unlink()


def forgotten(*names: str):
    return edited(lambda m: [m["files"].pop(name) for name in names])


def both(*attacks):
    return lambda folder: [attack(folder) for attack in attacks]


def cut(name: str):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-9])


def reseeded(folder: Path) -> None:
    """The configuration says another seed, and all hashes follow."""
    path = folder / ".hydra/config.yaml"
    tree = yaml.safe_load(path.read_text()) | {"seed": 5}
    path.write_text(yaml.safe_dump(tree, sort_keys=False))

    def follow(metrics):
        made_of = metrics["scene_hash"], metrics["split_hash"], metrics["precision"]
        metrics.update(seed=5, config=plain(tree), config_hash=config_hash(tree), identity=identity(tree, *made_of))

    edited(follow)(folder)


# what is tampered with, and what is said of it
NAMED = {
    "a pixel of the map": (another_class, "map.npy was changed after the run"),
    "no checksums, and a pixel": (both(edited(lambda m: m.update(files={})), another_class), "map.npy has no checksum"),
    "a pixel, sealed": (sealed(another_class), "map.npy: 1 pixels have another class than the weights give, row "),
    "a confidence, sealed": (sealed(more_confidence), "confidence.npy: 1 pixels differ"),
    "probabilities, sealed": (sealed(other_chances), "probabilities.npy differs from what the weights give"),
    "no model, nor its checksum": (both(forgotten("model.safetensors"), without("model.safetensors")), "model.safe"),
    "no probabilities, sealed": (sealed(without("probabilities.npy")), "probabilities.npy has no checksum"),
    "weights, sealed": (sealed(weights), "map.npy: "),
    "a split, sealed": (sealed(moved_pixel), "split.npz is not the split that .hydra/config.yaml makes"),
    "a table of areas, sealed": (sealed(table("areas.csv", "pixels", lambda n: n + 1)), "areas.csv does not follow"),
    "notes on areas, sealed": (sealed(text("areas.txt", "is", "was")), "areas.txt does not follow"),
    "a confusion, sealed": (
        sealed(table("confusion.csv", "class 1", lambda n: n + 1)),
        "confusion.csv does not follow",
    ),
    "a history, sealed": (
        both(
            sealed(table("history.csv", "validation_accuracy", lambda a: a * 0.5)),
            edited(lambda m: m.update(validation_oa=m["validation_oa"] / 2)),
        ),
        "of the validation pixels are right, by map.npy",
    ),
    "a picture": (cut("map.png"), "map.png was changed after the run"),
    "a temperature, sealed": (sealed(bundle(temperature=2.0)), "bundle.json: temperature does not follow"),
    "a temperature in both": (
        both(sealed(bundle(temperature=2.0)), edited(lambda m: m["calibration"].update(temperature=2.0))),
        "bundle.json: temperature does not follow",
    ),
    "names of classes, sealed": (sealed(bundle(class_names=[*"abcdef"])), "bundle.json: class_names: "),
    "colours, sealed": (sealed(bundle(colours=["#000000"] * 6)), "bundle.json: colours: "),
    "labels, sealed": (sealed(bundle(label_values=[2, 1, 3, 4, 5, 6])), "bundle.json: label_values: "),
    "wavelengths, sealed": (sealed(bundle(wavelengths_nm=None)), "bundle.json: wavelengths_nm: "),
    "values of the sensor, sealed": (sealed(bundle(quantiles=None)), "bundle.json: quantiles: "),
    "evidence, sealed": (sealed(bundle(unknown=None)), "bundle.json: unknown does not follow"),
    "another scene in the model": (sealed(bundle(scene="salinas")), "bundle.json: scene: "),
    "symmetries, sealed": (sealed(text("bundle.json", '"symmetries": 1', '"symmetries": 8')), "bundle.json: map"),
    "a command": (edited(lambda m: m.update(command=["python", "-m", "hsi.run"])), "command: "),
    "words, sealed": (sealed(text(".hydra/overrides.yaml", "split.validation=0.1", "seed=0")), "command: "),
    "a seed in the configuration": (text(".hydra/config.yaml", "\nseed: 0", "\nseed: 1"), "config.seed: 0 written, 1"),
    "a version": (edited(lambda m: m["code"].update(commit="0" * 40)), "code.commit: "),
    "a machine": (edited(lambda m: m.update(processor="a faster one")), "processor: "),
    "a precision": (edited(lambda m: m.update(precision="bf16")), "precision: bf16 written, fp32 found"),
    "a precision in both": (
        both(sealed(text("environment.json", '"fp32"', '"bf16"')), edited(lambda m: m.update(precision="bf16"))),
        "precision: bf16 written, fp32 found",
    ),
    "an accuracy": (edited(lambda m: m.update(oa=0.9999)), "oa: 0.9999 written, "),
    "a class": (edited(lambda m: m["per_class"].update({"class 1": 0.0})), "per_class.class 1: 0.0 written"),
    "a share of fields": (
        edited(lambda m: m["leakage"]["fields"].update(test_pixels_in_trained_fields=0)),
        "leakage.fields.test_pixels_in_trained_fields: 0 written, ",
    ),
    "no fields": (edited(lambda m: m["leakage"].pop("fields")), "leakage.fields"),
    "a window": (edited(lambda m: m["leakage"].update(window=5)), "leakage.window: 5 written, 9 found"),
    "position, less": (edited(lambda m: m["position"].update(oa=0.5)), "position.oa: 0.5 written, "),
    "a skill": (edited(lambda m: m["position"].update(skill=0.999)), "position.skill: 0.999 written, "),
    "an interval": (edited(lambda m: m["position"].update(skill_low=0.998)), "position.skill_low: 0.998 written, "),
    "a curve": (
        edited(lambda m: m["position"]["accuracy_by_distance"][0].update(accuracy=0.1)),
        "position.accuracy_by_distance: ",
    ),
    "no position": (edited(lambda m: m.pop("position")), "position is missing"),
    "an earlier version that knew": (edited(lambda m: m.update(format=3)), "position is there, which no run writes"),
    "a note": (edited(lambda m: m.update(split_notes=["all is well"])), "split_notes: "),
    "an earlier version": (edited(lambda m: m.update(format=2)), "areas.txt is no file of a run"),
    "a later version": (edited(lambda m: m.update(format=99)), "metrics.json is of format 99"),
    "a time": (edited(lambda m: m["seconds"].update(train=-1)), "seconds.train: -1 written, which is no time"),
    "no time": (edited(lambda m: m["seconds"].update(map=np.nan)), "seconds.map: nan written, which is no time"),
    "two values of a key": (another_value_first, "metrics.json is damaged"),
    "a map that no run writes, sealed": (sealed(foreign("map.tif")), "map.tif is no file that this run writes"),
    "probabilities in a raster, sealed": (sealed(foreign("probabilities.tif")), "probabilities.tif is no file that"),
    "a command in the environment, sealed": (sealed(surroundings(command=[])), "environment.json: command: "),
    "a version in the environment, sealed": (sealed(surroundings(hsi="9")), "environment.json: hsi: 9 written, "),
    "a key in the environment, sealed": (sealed(surroundings(award=1)), "environment.json: award is there"),
}
TRUSTED = {  # consistent in all files: what is left is on the list
    "a clock": (edited(lambda m: m["seconds"].update(train=0.001)), "seconds: "),
    "a machine in both": (
        both(
            sealed(text("environment.json", '"threads": ', '"threads": 1')),
            edited(lambda m: m.update(threads=int(f"1{m['threads']}"))),
        ),
        "threads",
    ),
    "a seed in all": (sealed(reseeded), "model.safetensors: "),
    "a platform": (sealed(surroundings(platform="another")), "and its platform"),
    "a course": (sealed(table("history.csv", "loss", lambda loss: loss / 2)), "history.csv: "),
    "pictures": (sealed(lambda f: shutil.copy(f / "leakage.png", f / "map.png")), "map.png, "),
}


@pytest.mark.parametrize("name", NAMED)
def test_it_is_named(copy, name):
    attack, finding = NAMED[name]
    attack(copy)
    try:
        found = verify(copy).differences
    except HsiError as error:
        found = [str(error)]
    assert any(finding in line for line in found), found


def of_format_3(metrics):
    """What the version before wrote of the same run."""
    earlier = without_later(metrics) | {"format": 3}
    metrics.clear()
    metrics.update(earlier)


def test_a_run_of_format_3_is_put_together_like_one_of_today(copy):
    edited(of_format_3)(copy)
    assert "position" not in json.loads((copy / "metrics.json").read_text())
    verdict = verify(copy)
    assert verdict.differences == []
    assert not any("earlier version" in line for line in verdict.trusted)
    edited(lambda m: m["leakage"].update(mean_overlap=0.01))(copy)
    sealed(another_class)(copy)
    found = verify(copy).differences
    assert any(line.startswith("leakage.mean_overlap: 0.01 written") for line in found)
    assert any(line.startswith("map.npy: 1 pixels have another class") for line in found)


@pytest.mark.parametrize("name", TRUSTED)
def test_it_is_on_trust(whole, copy, name):
    attack, finding = TRUSTED[name]
    attack(copy)
    verdict = verify(copy)
    assert verdict.differences == []
    assert any(finding in line for line in verdict.trusted)
    assert verdict.manifest != verify(whole).manifest


@pytest.mark.parametrize("name", [*FILES, "probabilities.npy"])
def test_every_file_is_missed(copy, name):
    (copy / name).unlink()
    try:
        found = verify(copy).differences
    except HsiError as error:
        found = [str(error)]
    assert any(name in line for line in found)


def test_weights_of_another_training_are_not_those_of_the_map(copy, other):
    for name in ("model.safetensors", "bundle.json"):
        shutil.copy(other / name, copy / name)
    sealed(lambda _: None)(copy)
    assert any("than the weights give" in line for line in verify(copy).differences)

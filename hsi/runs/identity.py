"""What makes two runs the same run: choices and values, apart from the machine and from where files lie."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from hsi.config.build import TARGET
from hsi.config.moved import today
from hsi.config.shipped import MACHINE, TRACKING, machine_keys

PATHS = (
    *("data_dir", "scene.data_dir", "scene.cube", "scene.labels", "scene.cubes"),
    *("split.path", "split.test_path", "split.train_tiles", "split.validation_tiles", "split.test_tiles"),
)
LATER = {  # keys that came after the first runs, with the values under which these were computed
    "scene.label_field": None,
    "scene.all_touched": False,
    "scene.nodata": None,
    "scene.drop_bands": "auto",
    "scene.scaled": True,
    "split.draw": "balanced",
    "model.folds": "pixels",
    "train.gain": 0.0,
    "train.offset": 0.0,
    "train.slope": 0.0,
    "train.band_dropout": 0.0,
    "train.block": None,
    "start_seed": None,
    "order_seed": None,
}
LISTS = ("scene.labels",)  # keys of `PATHS` that may be lists
FORMAT = 4  # of metrics.json: 3 lacks keys, 2 has checksums of fewer files, runs without the key are older still


def settle(config: DictConfig) -> dict[str, Any]:
    """The configuration as it is saved: without the parts of Hydra and of tracking, resolved, its paths absolute."""
    own = OmegaConf.masked_copy(config, [str(key) for key in config if key not in ("hydra", TRACKING)])
    own._set_parent(config)  # so that references find their way
    tree = cast(dict[str, Any], OmegaConf.to_container(own, resolve=True, throw_on_missing=True))
    for key in PATHS:
        group, _, name = key.rpartition(".")
        place = tree.get(group) if group else tree
        if isinstance(place, dict) and isinstance(place.get(name), (str, list) if key in LISTS else str):
            place[name] = _each_path(place[name], lambda path: str(path.expanduser().absolute()))
    return tree


def plain(tree: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration as metrics.json has it: without the keys that say only where a run is computed."""
    return _without(tree, machine_keys() | {"scene.data_dir"})


def _without(tree: Mapping[str, Any], keys: frozenset[str], prefix: str = "") -> dict[str, Any]:
    return {
        key: _without(value, keys, f"{prefix}{key}.") if isinstance(value, dict) else value
        for key, value in tree.items()
        if key != MACHINE and f"{prefix}{key}" not in keys
    }


def comparable(tree: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration flat, by dotted keys, as it counts for identity.

    Callables of hsi by their bare names, so that a module may move; files by their names, so that a folder may; other
    words of Hydra left out.
    """
    flat = flatten(plain(tree))
    found = {}
    for key, value in flat.items():
        last = key.rpartition(".")[2]
        if last == TARGET and isinstance(value, str):
            name = today(value)
            found[key] = name.rpartition(".")[2] if name.startswith("hsi.") else name
        elif key in PATHS:
            found[key] = _each_path(value, lambda path: path.name)
        elif not last.startswith("_"):
            found[key] = value
    found = {key: value for key, value in found.items() if key not in LATER or value != LATER[key]}
    if found.get("scene.invalid") == "mask":
        found["scene.invalid"] = "error"  # a run that ended under ``error`` had nothing to mask
    if found.get("model.attention", False) is None:  # nothing to place
        del found["model.attention"]
        found.pop("model.attention_position", None)
    return found


def config_hash(tree: Mapping[str, Any]) -> str:
    """SHA-256 of what is `comparable`, in hexadecimal: what was asked for."""
    return hashlib.sha256(json.dumps(comparable(tree), sort_keys=True).encode()).hexdigest()


def identity(tree: Mapping[str, Any], scene_hash: str, split_hash: str, precision: str) -> str:
    """SHA-256 of what a run is in fact: the configuration, the content of the scene, the split, the precision used."""
    parts = [config_hash(tree), scene_hash, split_hash, precision]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _each_path(value: Any, change: Callable[[Path], str]) -> Any:
    """A path, or each of a list of paths, changed; whatever else stands there stays."""
    if isinstance(value, list):
        return [_each_path(entry, change) for entry in value]
    return change(Path(value)) if isinstance(value, str) and value else value


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested keys as dotted ones."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat

"""The one door for saved descriptions: nothing that a run's files name is called before it has passed here.

A file of a run may come from anybody. Its descriptions may name only the callables that the files under conf/ name
for their group in this version, or those that the user allows by name (``trust=``), with plain values for parameters.
Whatever else Hydra or YAML could do with such a file (other callables, nested ones, `_args_`, resolvers, anchors,
tags) is refused in a sentence. `hsi.config.build` then calls what has passed, and checks the values.
"""

import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

from hsi.config.build import PARTIAL, TARGET
from hsi.config.moved import today
from hsi.config.shipped import PUBLISHED, published_scenes, targets
from hsi.errors import HsiError

NESTED = {("model", "attention"): "attention"}  # descriptions within descriptions, and their groups
HARMLESS = {"_convert_": "all"}  # what earlier versions wrote; it meant plain lists
# The only expressions of files under conf/ that earlier versions saved as they stood:
DATA_DIR = "${oc.env:HSI_DATA_DIR,data}"
GUARDED = "${oc.select:model.patch_size,${patch_size}}"
LARGEST, DEEPEST, LONGEST_CHAIN = 1_000_000, 12, 10  # bytes of a file; nested values; references to references


def vet(description: Any, group: str, source: Path | str, trust: Collection[str] = ()) -> dict[str, Any]:
    """Check a saved description of a stage; returns it with today's names, ready for `hsi.config.build.build`.

    Parameters
    ----------
    description
        As read from JSON or by `read_config`; anything at all may come.
    group
        Of conf/, such as ``model`` or ``scene``.
    source
        The file, for messages.
    trust
        Dotted names that the user allows beside those under conf/.

    Raises HsiError: anything but a trusted name and plain values.
    """
    if not isinstance(description, Mapping) or not isinstance(description.get(TARGET), str):
        raise HsiError(f"{source} does not describe the {group} of a run: it is damaged, repeat the run")
    name = today(description[TARGET])
    if name not in targets(group) and name not in trust:
        raise HsiError(
            f"{source} asks to call {description[TARGET]} as its {group}, which is no {group} of this version: nothing "
            f"was called; if you know and trust that code, allow it with trust={description[TARGET]}"
        )
    vetted: dict[str, Any] = {TARGET: name}
    for key, value in description.items():
        if key == TARGET or HARMLESS.get(key) == value:
            continue
        if key == PARTIAL and value is True:
            vetted[key] = True
        elif (group, key) in NESTED and value is not None:
            vetted[key] = vet(value, NESTED[group, key], source, trust)
        else:
            _require_plain({key: value}, group, source)
            vetted[key] = value
    if name == PUBLISHED:
        _require_published(vetted, source)
    return vetted


def _require_published(scene: Mapping[str, Any], source: Path | str) -> None:
    """Fetch nothing that this version does not know: files, checksums and addresses must be those under conf/scene/."""
    known = published_scenes().get(str(scene.get("name")), {})
    if any(scene.get(part) != known.get(part) for part in ("cube", "labels")) or not known:
        raise HsiError(
            f"{source} names other files or addresses for its scene {scene.get('name')} than conf/scene/ does: nothing "
            "was fetched; give the files with scene=custom"
        )


def _require_plain(value: Any, group: str, source: Path | str, depth: int = 0) -> None:
    """Refuse whatever could be more than a value."""
    if depth > DEEPEST:
        raise HsiError(f"{source} nests the values of its {group} {depth} deep: it is damaged, repeat the run")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str | int) or (isinstance(key, str) and key.startswith("_")):
                raise HsiError(f"{source} has the key {key} in its {group}, which is no value: nothing was called")
            _require_plain(inner, group, source, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _require_plain(inner, group, source, depth + 1)
    elif isinstance(value, str):
        if "${" in value:
            raise HsiError(
                f"{source} has {value[:60]} in its {group}, which refers to something else: nothing was read"
            )
    elif not isinstance(value, bool | int | float | type(None)):
        raise HsiError(f"{source} has a {type(value).__name__} in its {group}: it is damaged, repeat the run")


def read_config(path: Path) -> dict[str, Any]:
    """Read a configuration that a run has saved, by plain YAML; references among its keys are followed.

    Raises HsiError: no such file, no mapping, too large, anchors or tags, references to anything but its own keys.
    """
    if not path.is_file():
        raise HsiError(f"{path} does not exist: without it the scene of the run is not known, repeat the run")
    try:
        content = path.read_bytes()
        if len(content) > LARGEST:
            raise HsiError(f"{path} has {len(content):,} bytes, no configuration is that large: it is not read")
        tree = yaml.load(content, Loader=_PlainLoader)
    except (yaml.YAMLError, RecursionError, ValueError, OSError) as error:
        reason = " ".join(str(error).split())[:120]
        raise HsiError(f"{path} cannot be read as a configuration ({reason}): it is damaged, repeat the run") from error
    if not isinstance(tree, dict):
        raise HsiError(f"{path} is no configuration of a run but a {type(tree).__name__}: repeat the run")
    resolved: dict[str, Any] = _follow(tree, tree, path)
    return resolved


class _PlainLoader(yaml.SafeLoader):
    """Values alone: no tags (a SafeLoader), and no anchors, of which ten can stand for a billion values."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it has anchors and aliases, which no run writes")
        return super().compose_node(parent, index)


def _follow(value: Any, tree: Mapping[str, Any], path: Path, depth: int = 0) -> Any:
    """`value` with its references among the keys of `tree` replaced."""
    if depth > DEEPEST + LONGEST_CHAIN:
        raise HsiError(f"{path} refers in a circle or nests too deep: it is damaged, repeat the run")
    if isinstance(value, dict):
        return {key: _follow(inner, tree, path, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_follow(inner, tree, path, depth + 1) for inner in value]
    if not isinstance(value, str) or "${" not in value:
        return value
    if value == DATA_DIR:
        return os.environ.get("HSI_DATA_DIR", "data")
    if value == GUARDED:
        model = tree.get("model")
        inner = model.get("patch_size") if isinstance(model, dict) else None
        return _follow(tree.get("patch_size") if inner is None else inner, tree, path, depth + 1)
    if window := re.fullmatch(r"\$\{hsi\.window:(\d{1,4})\}", value):
        given = _follow(tree.get("patch_size"), tree, path, depth + 1)
        return int(window[1]) if given is None else given
    if reference := re.fullmatch(r"\$\{([A-Za-z_][\w.]*)\}", value):
        found: Any = tree
        for part in reference[1].split("."):
            found = found.get(part) if isinstance(found, dict) else None
        if isinstance(found, str | int | float | bool | type(None)):
            return _follow(found, tree, path, depth + 1)
    raise HsiError(f"{path} has {value[:60]}, which no run writes: it is not followed")

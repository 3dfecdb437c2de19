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
from hsi.config.moved import settings_today, today
from hsi.config.shipped import CONF, MACHINE, PUBLISHED, published_scenes, targets
from hsi.errors import HsiError, shown
from hsi.files import is_file, read_bytes

KEY = re.compile(r"[A-Za-z]\w{,60}")  # a parameter that a description gives a value to
DIRECTIVE = re.compile(r"_\w*_")  # a word to the machinery of Hydra
NESTED = {("model", "attention"): "attention"}  # descriptions within descriptions, and their groups
OWN = "own"  # in place of a nested description: what a model has by itself
HALVES = ("attention", "split", "reduce", "optimizer", "schedule")  # groups of stages that are given the rest later
HARMLESS = {"_convert_": "all"}  # what earlier versions wrote; it meant plain lists
# The only expressions of files under conf/ that earlier versions saved as they stood:
DATA_DIR = "${oc.env:HSI_DATA_DIR,data}"
GUARDED = "${oc.select:model.patch_size,${patch_size}}"
WORD_KEY = r"[A-Za-z_]\w{,60}(\.\w{1,60}){,8}"
CHOICES = r"[\w-]*|\[[\w-]+(, ?[\w-]+)*\]"  # one, or several experiments
LONGEST_LINE = 10_000  # signs of a command line: Hydra takes seconds to read as many
LARGEST, DEEPEST, LONGEST_CHAIN = 100_000, 12, 10  # bytes of a file; nested values; references to references
MOST = 2**63  # whole numbers beyond have no use, and some are too long to be written


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
        Dotted names that the user allows beside those under conf/; one may come alone.

    Raises
    ------
    HsiError
        Anything but a trusted name and plain values.
    """
    if not isinstance(description, Mapping) or not isinstance(description.get(TARGET), str):
        raise HsiError(f"{source} does not describe the {group} of a run: it is damaged, repeat the run")
    name = today(description[TARGET])
    trusted = (trust,) if isinstance(trust, str) else trust
    if name not in targets(group) and name not in trusted:
        asked = shown(description[TARGET])
        raise HsiError(
            f"{source} asks to call {asked} as its {group}, which is no {group} of this version: nothing was called; "
            f"if you know and trust that code, allow it with trust={asked}"
        )
    vetted: dict[str, Any] = {TARGET: name}
    for key, value in settings_today(name, description).items():
        if key in (TARGET, MACHINE) or (key in HARMLESS and HARMLESS[key] == value):  # the latter say nothing to build
            continue
        if key == PARTIAL and value is True and group in HALVES:
            vetted[key] = True
        elif (group, key) in NESTED and value is not None and value != OWN:
            vetted[key] = vet(value, NESTED[group, key], source, trusted)
        elif isinstance(key, str) and KEY.fullmatch(key):
            _require_plain(value, group, source)
            vetted[key] = value
        else:
            raise HsiError(f"{source} has the key {shown(key)} in its {group}, which is no value: nothing was called")
    if name == PUBLISHED:
        _require_published(vetted, source)
    return vetted


def _require_published(scene: Mapping[str, Any], source: Path | str) -> None:
    """Fetch nothing that this version does not know: files, checksums and addresses must be those under conf/scene/."""
    known = published_scenes().get(str(scene.get("name")), {})
    if any(scene.get(part) != known.get(part) for part in ("cube", "labels")) or not known:
        raise HsiError(
            f"{source} names other files or addresses for its scene {shown(scene.get('name'))} than conf/scene/ does: "
            "nothing was fetched; give the files with scene=custom"
        )


def _require_plain(value: Any, group: str, source: Path | str, depth: int = 0) -> None:
    """Refuse whatever could be more than a value."""
    if depth > DEEPEST:
        raise HsiError(f"{source} nests the values of its {group} {depth} deep: it is damaged, repeat the run")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str | int) or DIRECTIVE.fullmatch(str(key)):
                raise HsiError(
                    f"{source} has the key {shown(key)} in its {group}, which is no value: nothing was called"
                )
            _require_plain(str(key), group, source, depth + 1)
            _require_plain(inner, group, source, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _require_plain(inner, group, source, depth + 1)
    elif isinstance(value, str):
        if "${" in value:
            raise HsiError(
                f"{source} has {shown(value)} in its {group}, which refers to something else: nothing was read"
            )
    elif not isinstance(value, bool | int | float | type(None)):
        raise HsiError(f"{source} has a {type(value).__name__} in its {group}: it is damaged, repeat the run")


def read_config(path: Path) -> dict[str, Any]:
    """Read a configuration that a run has saved, by plain YAML; references among its keys are followed.

    Raises HsiError: no such file, no mapping, too large, anchors or tags, references to anything but its own keys.
    """
    tree = _load(path)
    if not isinstance(tree, dict):
        raise HsiError(f"{path} is no configuration of a run but a {type(tree).__name__}: repeat the run")
    resolved: dict[str, Any] = _follow(tree, tree, path)
    return resolved


def read_words(path: Path) -> list[str]:
    """The words of a command line that a run has saved; before they are composed they have to pass `vet_words`.

    Raises HsiError: no such file, no list of words, too large, anchors or tags.
    """
    words = _load(path)
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise HsiError(f"{path} is no list of words of a command line: it is damaged, repeat the run")
    return words


def vet_words(words: Collection[str], source: Path | str) -> None:
    """Check the words of a saved command line, of which Hydra would else import packages and read other files.

    Raises HsiError: a word that speaks to Hydra, refers to something else, or chooses what is no file under conf/; more
    words than a command line has.
    """
    if (signs := sum(map(len, words))) > LONGEST_LINE:
        raise HsiError(f"{source} has words of {signs:,} signs, more than any command line: they are not followed")
    for word in words:
        key, _, value = word.lstrip("+~").partition("=")
        known = re.fullmatch(WORD_KEY, key) and key.split(".")[0] != "hydra"
        if not known or "${" in value:
            raise HsiError(f"{source} has the word {shown(word)}, which no run saves: it is not followed")
        if (CONF / key).is_dir() and not re.fullmatch(CHOICES, value):
            raise HsiError(f"{source} chooses {shown(value)} as its {key}, which is no file under conf/{key}/")


def _load(path: Path) -> Any:
    if not is_file(path):
        raise HsiError(f"{path} does not exist: without it what was asked for is not known, repeat the run")
    content = read_bytes(path, LARGEST)
    try:
        return yaml.load(content, Loader=_PlainLoader)
    except Exception as error:  # beside its own, whatever yaml lets through: KeyError, IndexError, RecursionError
        reason = shown(error, 120)
        raise HsiError(f"{path} cannot be read as a configuration ({reason}): it is damaged, repeat the run") from error


class _PlainLoader(yaml.SafeLoader):
    """Values alone: no tags, and no anchors, of which ten can stand for a billion values."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if any(getattr(event, part, None) is not None for part in ("anchor", "tag")):  # an alias has an anchor too
            raise yaml.YAMLError("it has tags, anchors or aliases, which no run writes")
        return super().compose_node(parent, index)


def _follow(value: Any, tree: Mapping[str, Any], path: Path, depth: int = 0) -> Any:
    """`value` with its references among the keys of `tree` replaced."""
    if depth > DEEPEST + LONGEST_CHAIN:
        raise HsiError(f"{path} refers in a circle or nests too deep: it is damaged, repeat the run")
    if isinstance(value, dict):
        return {_follow_key(key, path): _follow(inner, tree, path, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_follow(inner, tree, path, depth + 1) for inner in value]
    _require_short(value, path)
    if not isinstance(value, str) or "${" not in value:
        return value
    if value == DATA_DIR:
        return os.environ.get("HSI_DATA_DIR", "data")
    if value == GUARDED:
        inner = _refer("model.patch_size", tree, path, depth)
        return _refer("patch_size", tree, path, depth) if inner is None else inner
    if window := re.fullmatch(r"\$\{hsi\.window:(\d{1,4})\}", value):
        given = _refer("patch_size", tree, path, depth)
        return int(window[1]) if given is None else given
    if reference := re.fullmatch(r"\$\{([A-Za-z_][\w.]*)\}", value):
        return _refer(reference[1], tree, path, depth)
    raise HsiError(f"{path} has {shown(value)}, which no run writes: it is not followed")


def _follow_key(key: Any, path: Path) -> str | int:
    """A key, which is a name or a number; a null or a date would be read as another word elsewhere."""
    _require_short(key, path)
    if not isinstance(key, str | int):
        raise HsiError(f"{path} has the key {shown(key)}, which is no name: it is damaged, repeat the run")
    return key


def _require_short(value: Any, path: Path) -> None:
    if isinstance(value, int) and abs(value) >= MOST:
        raise HsiError(f"{path} has a whole number of more than 18 digits: it is damaged, repeat the run")


def _refer(key: str, tree: Mapping[str, Any], path: Path, depth: int) -> Any:
    """The single value at a dotted key of `tree`; lists would make a few references stand for billions of values."""
    found: Any = tree
    for part in key.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    if isinstance(found, dict | list):
        raise HsiError(f"{path} refers to {shown(key)}, which is no single value: it is not followed")
    return _follow(found, tree, path, depth + 1)

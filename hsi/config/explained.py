"""What the files of the configuration say about themselves: groups, options and keys, explained by their comments.

The comment that opens a file describes it. A key is explained by the comment behind it, else by the comment lines
right above it, else by the file that it inherits from, else by the group whose key it sets. In the defaults list of
config.yaml the comments describe the groups; a group that is added with a plus sign stands there as a comment.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from hsi.config.nearest import suggest
from hsi.errors import HsiError

MAIN = "config"  # the file that describes the groups
REQUIRED = "???"  # a value that the user has to give
INTERNAL = ("defaults", "hydra")  # nothing that a user sets by its name
_ADDED = re.compile(r"^\s*# \+(\w+): (.+)$", re.MULTILINE)
_INTERPOLATIONS = (
    (re.compile(r"^\?\?\?$"), "<required>"),
    (re.compile(r"^\$\{hsi\.window:(\d+|null)\}$"), r"\1"),
    (re.compile(r"^\$\{oc\.env:(\w+),(.*)\}$"), r"<\1 or \2>"),
    (re.compile(r"^\$\{oc\.select:([\w.]+),.*\}$"), r"<\1>"),
    (re.compile(r"^\$\{([\w.]+)\}(/.*)?$"), r"<\1>\2"),
)


@dataclass(frozen=True)
class Key:
    """A key, its value as the file has it, and its explanation, which is empty where there is none.

    A value in angle brackets is taken from there: ``<seed>`` follows the key seed.
    """

    name: str
    value: str
    explanation: str


@dataclass(frozen=True)
class Option:
    """A file of the configuration.

    Attributes
    ----------
    header
        The paragraphs of the comment that opens it.
    package
        Where its keys stand in the configuration: ``train``, or empty at the top.
    keys
        By their names within the file; those of the files that it inherits from come first.
    chosen
        What it chooses of other groups: (group, option) and an explanation.
    """

    header: tuple[str, ...]
    package: str
    keys: Mapping[str, Key]
    chosen: Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Group:
    """A folder of options; `default` is None where a run has none unless it is asked for."""

    name: str
    explanation: str
    default: str | None
    added: bool = False  # by +group=option


def read_groups(conf: Path, command: str = MAIN) -> dict[str, Group]:
    """The groups that a command takes, in the order of its defaults list, then those that are added.

    Parameters
    ----------
    conf
        The folder of the configuration.
    command
        The name of the command's file in `conf`, without suffix.
    """
    explanations = {group: text for (group, _), text in read_option(conf / f"{MAIN}.yaml").chosen.items()}
    added = dict(_ADDED.findall((conf / f"{MAIN}.yaml").read_text(encoding="utf-8")))
    own = read_option(conf / f"{command}.yaml").chosen
    groups = {
        group: Group(group, text or explanations.get(group, ""), None if default == "null" else default)
        for (group, default), text in own.items()
    }
    if "model" not in groups:  # what is added, is added to a network
        return groups
    return groups | {group: Group(group, text, None, added=True) for group, text in added.items()}


def read_options(conf: Path, group: str) -> dict[str, str]:
    """The options of a group and the first sentence about each, by name.

    Raises HsiError where there is no such group.
    """
    return {
        path.stem: _first_sentence(header[0] if (header := _header(path.read_text(encoding="utf-8"))) else "")
        for path in _files(conf, group)
    }


def read_keys(conf: Path, group: str, option: str) -> Option:
    """An option of a group, its keys named as on the command line: ``train.steps``.

    Raises HsiError where there is no such option.
    """
    names = [path.stem for path in _files(conf, group)]
    if option not in names:
        raise HsiError(f"there is no {group}={option}: {suggest(option, names)}")
    found = read_option(conf / group / f"{option}.yaml")
    prefix = f"{found.package}." if found.package else ""
    keys = {f"{prefix}{name}": replace(key, name=f"{prefix}{name}") for name, key in found.keys.items()}
    if found.package != group:
        keys = {name: _explained(conf, key) for name, key in keys.items()}
    return replace(found, keys=keys)


def read_command(conf: Path, command: str = MAIN, *, inherited: bool = True) -> dict[str, Key]:
    """The keys that a command's file holds itself, by name: ``seed``, ``bench.repeats``.

    Some may belong to a group and hold for all its options.

    Parameters
    ----------
    inherited
        Whether those of the file that the command's own builds on are among them.
    """
    return dict(read_option(conf / f"{command}.yaml", inherited=inherited).keys)


def read_option(path: Path, *, inherited: bool = True) -> Option:
    """One file, with the files of its defaults list that lie beside it."""
    text = path.read_text(encoding="utf-8")
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    package = re.search(r"^# @package (\S+)", text, re.MULTILINE)
    own = {key.name: key for key in _keys(root, text)} if isinstance(root, yaml.MappingNode) else {}
    keys: dict[str, Key] = {}
    chosen: dict[tuple[str, str], str] = {}
    entries = list(_defaults(root, text))
    if ("", "_self_", "") not in entries:
        entries.append(("", "_self_", ""))
    for group, name, comment in entries:
        if group:
            chosen[group, name] = comment
        elif name == "_self_":
            keys = _overridden(keys, own)
        elif inherited:
            parent = read_option(path.parent / f"{name}.yaml")
            keys, chosen = _overridden(keys, parent.keys), {**chosen, **parent.chosen}
    place = package[1] if package else path.parent.name
    return Option(_header(text), "" if place == "_global_" else place, keys, chosen)


def plain_value(value: str) -> str:
    """A value of a file in the words of the command line."""
    for pattern, words in _INTERPOLATIONS:
        value = pattern.sub(words, value)
    return value


def _files(conf: Path, group: str) -> list[Path]:
    """The files of a group that can be chosen; those with a leading underscore only serve others."""
    known = [folder.name for folder in sorted(conf.iterdir()) if folder.is_dir() and folder.name != "hydra"]
    if group not in known:
        raise HsiError(f"there is no group {group}: {suggest(group, known)}")
    return sorted(path for path in (conf / group).glob("*.yaml") if not path.name.startswith("_"))


def _overridden(keys: Mapping[str, Key], later: Mapping[str, Key]) -> dict[str, Key]:
    """Later values take the place of earlier ones; where they are not explained, the explanation stays."""
    merged = dict(keys)
    for name, key in later.items():
        before = merged.get(name)
        merged[name] = replace(key, explanation=key.explanation or (before.explanation if before else ""))
    return merged


def _explained(conf: Path, key: Key) -> Key:
    """Explain a key that a file sets for another group as that group does."""
    if key.explanation:
        return key
    group, _, name = key.name.partition(".")
    places = [read_option(conf / f"{MAIN}.yaml").keys.get(key.name)]
    if (conf / group).is_dir():
        places += [read_option(path).keys.get(name) for path in _files(conf, group)]
    return replace(key, explanation=next((place.explanation for place in places if place and place.explanation), ""))


def _defaults(root: yaml.Node | None, text: str) -> Iterator[tuple[str, str, str]]:
    """The entries of a defaults list: group, option and comment; for a file of the same folder the group is empty."""
    if not isinstance(root, yaml.MappingNode):
        return
    for key, value in root.value:
        if key.value != "defaults":
            continue
        for entry in value.value:
            if isinstance(entry, yaml.ScalarNode):
                yield "", entry.value, ""
                continue
            for words, option in entry.value:
                group = re.sub(r"@.*$", "", words.value).removeprefix("override ").removeprefix("optional ").strip("/")
                if not group.startswith("hydra/"):
                    yield group, option.value, _comment(words, option, text.splitlines())


def _keys(mapping: yaml.MappingNode, text: str, prefix: str = "") -> Iterator[Key]:
    """The keys of a block, and of blocks within it whose own keys are explained."""
    lines = text.splitlines()
    for key, value in mapping.value:
        is_given_by_user = isinstance(value, yaml.ScalarNode) and value.value == REQUIRED
        if (key.value.startswith("_") and not is_given_by_user) or (not prefix and key.value in INTERNAL):
            continue
        name = prefix + key.value
        inner = list(_keys(value, text, f"{name}.")) if isinstance(value, yaml.MappingNode) else []
        explanation = _comment(key, value, lines)
        if inner and (not explanation or _is_open(inner)):
            yield from inner
        else:
            yield Key(name, _shown(value, text), explanation)


def _is_open(inner: list[Key]) -> bool:
    """Whether the keys of a block are keys to be set, not data such as the names of classes."""
    return any(key.explanation and key.name.rpartition(".")[2].isidentifier() for key in inner)


def _shown(value: yaml.Node, text: str) -> str:
    """The text of a value in one line."""
    if isinstance(value, yaml.MappingNode) and not value.flow_style:
        return f"{{{', '.join(f'{key.value}: {_shown(inner, text)}' for key, inner in value.value)}}}"
    if isinstance(value, yaml.SequenceNode) and not value.flow_style:
        return f"[{', '.join(_shown(item, text) for item in value.value)}]"
    return " ".join(text[value.start_mark.index : value.end_mark.index].split()) or "null"


def _comment(key: yaml.Node, value: yaml.Node, lines: list[str]) -> str:
    """The comment behind a key and what continues it; where there is none, the comment lines right above."""
    ends_there = isinstance(value, yaml.ScalarNode) and value.style not in ("|", ">")
    ends_there |= isinstance(value, yaml.CollectionNode) and bool(value.flow_style)
    end = value.end_mark if ends_there else key.end_mark
    behind = re.search(r"(?:^|\s)#\s?(.*)$", lines[end.line][end.column :])
    if behind:
        column = len(lines[end.line]) - len(behind[0].lstrip())
        more = _run_of_comments(lines[end.line + 1 :], column)
        return " ".join([behind[1].strip(), *more])
    above = _run_of_comments(reversed(lines[: key.start_mark.line]), key.start_mark.column)
    is_header = len(above) == key.start_mark.line  # the comment that opens the file is about the file
    return "" if is_header else " ".join(reversed(above))


def _run_of_comments(lines: Iterator[str] | list[str], column: int) -> list[str]:
    """The texts of the first lines, as long as they are comments that begin in a column."""
    texts = []
    for line in lines:
        if not line.startswith(" " * column + "#"):
            break
        texts.append(line.strip().lstrip("#").strip())
    return texts


def _header(text: str) -> tuple[str, ...]:
    """The paragraphs of the comment that opens a file; a line that ends a sentence ends a paragraph."""
    paragraphs: list[str] = [""]
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        if line.startswith("# @package"):
            continue
        words = line.lstrip("#").strip()
        paragraphs[-1] = f"{paragraphs[-1]} {words}".strip()
        if words.endswith("."):
            paragraphs.append("")
    return tuple(filter(None, paragraphs))


def _first_sentence(paragraph: str) -> str:
    """Up to the first full stop before a capital; that of "et al." comes before a year."""
    return re.split(r"(?<=[a-z0-9)%])\. (?=[A-Z])", paragraph)[0].removesuffix(".")

"""What commands say about themselves: the list of commands, ``--help`` and ``--keys``. At most `WIDTH` columns."""

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hsi.cli.commands import COMMANDS
from hsi.config.explained import (
    MAIN,
    Group,
    Key,
    plain_value,
    read_command,
    read_groups,
    read_keys,
    read_options,
)
from hsi.config.nearest import suggest
from hsi.errors import HsiError

WIDTH = 100  # columns
COLUMN = 31  # width of names; longer ones stand in a line of their own

BESIDE_RUN = ("bench", "search")  # configurations that take groups of hsi run as they are
MORE = (
    ("--keys", "all groups and keys, explained in full"),
    ("--keys GROUP", "the options of a group; --keys GROUP=OPTION: the keys of an option"),
    ("--cfg job", "print the configuration that a command line makes, and stop"),
)


def list_commands() -> str:
    """The commands, a line each, and two examples."""
    examples = [COMMANDS["run"].examples[0], COMMANDS["run"].examples[2]]
    return _join(
        ["hsi: classify every pixel of a hyperspectral scene, and say how far to trust the map."],
        ["Usage: hsi COMMAND [...], or python -m hsi.COMMAND [...]"],
        ["Commands", *_table([(name, command.summary) for name, command in COMMANDS.items()])],
        ["Examples", *_examples(examples)],
        ["hsi COMMAND --help says more about a command; hsi --version prints the version."],
    )


def answer(argv: Sequence[str], config: str, conf: Path) -> str | None:
    """What a command prints in place of its work: the text for --help, -h or --keys, None without these.

    Parameters
    ----------
    argv
        The words behind the command.
    config
        The name of the command's file in `conf`: config, predict, export, audit, bench or search.
    conf
        The folder of the configuration.

    Raises
    ------
    HsiError
        Where --keys asks for something that is not there.
    """
    command = next((name for name, known in COMMANDS.items() if known.config == config), None)
    if command is None:  # somebody's own command, built on this package
        return None
    if "--help" in argv or "-h" in argv:
        return help_text(command, conf)
    return show_keys(argv, conf, command)


def help_text(command: str, conf: Path) -> str:
    """What a command does, examples, its groups and keys with a line each, and where to read on."""
    about = COMMANDS[command]
    parts = [[f"hsi {command}: {about.summary}."]]
    if about.config is None:
        words = "[KEY=VALUE ...]" if command == "models" else "[...]"
        return _join(*parts, [f"Usage: hsi {command} {words}"], ["Examples", *_examples(about.examples)])
    groups = read_groups(conf, about.config)
    parts += [
        [f"Usage: hsi {command} {'[GROUP=OPTION ...] ' if groups else ''}[KEY=VALUE ...]"],
        ["Examples", *_examples(about.examples)],
    ]
    keys = _outside(groups, read_command(conf, about.config, inherited=about.config == MAIN))
    if about.config in BESIDE_RUN:
        keys_title = "Keys, beside those of hsi run"
    else:
        if groups:
            parts.append(["Groups and their defaults", *_table(_describe(groups.values()), short=True)])
        keys_title = "Keys and their defaults"
    parts.append([keys_title, *_table(_entries(keys), short=True)])
    return _join(*parts, ["More", *_table(MORE)])


def show_keys(argv: Sequence[str], conf: Path, command: str = "run") -> str | None:
    """The text for ``--keys [WORD ...]``; None where `argv` does not ask for it.

    A word is a group (its options, and the keys of the default), an option (``model=ssrn``: its keys), or a key. Raises
    HsiError for a word that is none of them.
    """
    words = [word.removeprefix("--keys=") for word in argv if word != "--keys"]
    if not any(word == "--keys" or word.startswith("--keys=") for word in argv):
        return None
    config = COMMANDS[command].config or MAIN
    words = [word for word in words if word and not word.startswith("-")]
    return "\n".join(_explain_word(word, conf, config) for word in words) if words else _overview(conf, command, config)


def _overview(conf: Path, command: str, config: str) -> str:
    groups, keys = read_groups(conf, config), read_command(conf, config)
    if not groups:
        return _join(["Keys", *_table(_entries(keys.values()))])
    return _join(
        ["Groups and their defaults", *_table(_describe(groups.values()))],
        ["Keys outside the groups", *_table(_entries(_outside(groups, keys)))],
        [f"hsi {command} --keys GROUP lists the options of a group, --keys GROUP=OPTION the keys of an option."],
    )


def _explain_word(word: str, conf: Path, config: str) -> str:
    name, _, option = word.lstrip("+").partition("=")
    groups, keys = read_groups(conf, config), read_command(conf, config)
    inside = [key for key in keys.values() if key.name == name or key.name.startswith(f"{name}.")]
    if name in groups:
        return _option(conf, name, option, inside) if option else _group(conf, groups[name], inside)
    known = [*groups, *dict.fromkeys(key.partition(".")[0] for key in keys)]
    head, _, rest = name.partition(".")
    if not inside and head in groups and rest:
        of_group = _keys_of_group(conf, groups[head])
        inside, known = [key for key in of_group.values() if key.name == name], list(of_group)
    if not inside:
        raise HsiError(f"--keys {word}: there is no group or key {name}; {suggest(name, known)}")
    return _join(_table(_entries(inside)))


def _group(conf: Path, group: Group, shared: Iterable[Key]) -> str:
    """A group's options, and the keys of its default with those that all options share."""
    sign = "+" if group.added else ""
    title = f"Options (default: {group.default})" if group.default else "Options"
    options = list(read_options(conf, group.name).items())
    parts = [[f"{group.name}: {group.explanation}"], [title, *_table(options, short=True)]]
    if group.default:
        keys = _with(shared, read_keys(conf, group.name, group.default).keys)
        if keys:
            parts.append([f"Keys of the default, {group.name}={group.default}", *_table(_entries(keys))])
    parts.append([f"{sign}{group.name}=OPTION chooses one; --keys {group.name}=OPTION shows its keys."])
    return _join(*parts)


def _option(conf: Path, group: str, option: str, shared: Iterable[Key]) -> str:
    """What an option is, its keys with those that all options share, and what it chooses of other groups."""
    found = read_keys(conf, group, option)
    keys = _with(shared, found.keys)
    parts = [[line for paragraph in found.header for line in textwrap.wrap(paragraph, WIDTH)]]
    if keys:
        parts.append(["Keys", *_table(_entries(keys))])
    if found.chosen:
        chosen = [(f"{other}={name}", text) for (other, name), text in found.chosen.items()]
        parts.append(["It also chooses", *_table(chosen)])
    return _join(*parts)


def _with(shared: Iterable[Key], keys: Mapping[str, Key]) -> list[Key]:
    """The keys of an option, and behind them those that all options share."""
    explained = {key.name: key.explanation for key in shared}
    own = [replace(key, explanation=key.explanation or explained.get(key.name, "")) for key in keys.values()]
    return own + [key for key in shared if key.name not in keys]


def _outside(groups: Mapping[str, Group], keys: Mapping[str, Key]) -> list[Key]:
    """The keys that belong to no group."""
    return [key for key in keys.values() if key.name.partition(".")[0] not in groups]


def _keys_of_group(conf: Path, group: Group) -> dict[str, Key]:
    """Every key of a group: as its default has it, else as the first option has it that knows it."""
    options = sorted(read_options(conf, group.name), key=lambda option: option != group.default)
    tables = [read_keys(conf, group.name, option).keys for option in options]
    return {name: key for keys in reversed(tables) for name, key in keys.items()}


def _describe(groups: Iterable[Group]) -> list[tuple[str, str]]:
    """Name and default of each group side by side, and its explanation."""
    names = {f"+{group.name}" if group.added else group.name: group for group in groups}
    column = max(len(name) for name in names)
    return [(f"{name:<{column}}  {group.default or ''}", group.explanation) for name, group in names.items()]


def _entries(keys: Iterable[Key]) -> list[tuple[str, str]]:
    return [(f"{key.name}={plain_value(key.value)}", key.explanation) for key in keys]


def _examples(examples: Sequence[tuple[str, str]]) -> list[str]:
    column = max(len(words) for words, _ in examples) + 2
    return [f"  {words:<{column}}{remark}".rstrip() for words, remark in examples]


def _table(rows: Sequence[tuple[str, str]], *, short: bool = False) -> list[str]:
    """Names and texts side by side, wrapped; `short` cuts each text to what fits a line."""
    column = min(COLUMN, max((len(name) for name, _ in rows), default=0))
    indent, lines = " " * (column + 4), []
    for name, text in rows:
        wrapped = [_shorten(text, WIDTH - len(indent))] if short else textwrap.wrap(text, WIDTH - len(indent))
        if len(name) > column or not wrapped:
            lines.append(f"  {_cut(name, WIDTH - 2)}".rstrip())
        else:
            lines.append(f"  {name:<{column}}  {wrapped.pop(0)}".rstrip())
        lines += [(indent + line).rstrip() for line in wrapped]
    return [line for line in lines if line]


def _shorten(text: str, width: int) -> str:
    """As many clauses as fit; of a first one that does not fit its beginning."""
    ends = [found.start() for found in re.finditer(r"; |(?<!al)\. |$", text)]
    return text[: max((end for end in ends if end <= width), default=0)] or _cut(text, width)


def _cut(text: str, width: int) -> str:
    """The beginning, up to a space or a comma, and three dots."""
    if len(text) <= width:
        return text
    head, space, _ = text[: width - 3].rpartition(" ")
    return f"{head} ..." if space else f"{text[: width - 4]} ..."


def _join(*parts: Sequence[str]) -> str:
    """Parts with an empty line between, and a line's end at the end."""
    return "\n\n".join("\n".join(part) for part in parts) + "\n"

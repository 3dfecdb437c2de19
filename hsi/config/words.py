"""The words of a command line, checked before Hydra composes a configuration of them.

What only the composed configuration can tell, such as a misspelt key of the chosen option, is told by
`hsi.config.faults`; whether values are allowed, by `hsi.config.build`.
"""

import re
import shlex
from collections.abc import Sequence
from importlib.util import find_spec

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override, QuotedString, RangeSweep
from hydra.errors import HydraException

from hsi.config.explained import Group, read_command, read_groups
from hsi.config.nearest import suggest
from hsi.config.shipped import CONF
from hsi.errors import HsiError, NotInstalled

SEARCHPATH = "hydra.searchpath="
LAUNCHERS = {  # options of hydra/launcher that come with the extra cluster, and their packages
    "joblib": "hydra_joblib_launcher",
    "submitit_local": "hydra_submitit_launcher",
    "submitit_slurm": "hydra_submitit_launcher",
}
FOLDERS = ("hydra.run.dir", "hydra.sweep.dir")


def require_words(words: Sequence[str], command: str) -> None:
    """Check the ``key=value`` words of a command line.

    Parameters
    ----------
    command
        The name of the command's file under conf/: config, predict, export, audit, bench or search.

    Raises
    ------
    HsiError
        A word that Hydra's grammar cannot read, an unknown key, or what is no choice of a group.
    """
    groups = read_groups(CONF, command)
    tops = {name.partition(".")[0] for name in read_command(CONF, command)}
    known = sorted(tops | {f"+{name}" if group.added else name for name, group in groups.items()})
    for word in words:
        override = _parse(word)
        top = re.split(r"[./]", override.key_or_group, maxsplit=1)[0]
        if not top:
            raise HsiError(f"{word} has no key: write key=value, --help lists the keys")
        if top == "hydra":
            _require_folder(override, word)
            _require_launcher(override, word)
        elif top not in groups and top not in tops:
            if any(word.startswith(SEARCHPATH) for word in words):
                continue  # a user's own files may know it
            raise HsiError(f"unknown key {override.key_or_group}: {suggest(top, known)}")
        elif top == override.key_or_group:
            _require_kept(override, groups.get(top))
            if top in groups and not override.is_delete():
                _require_choice(override, word, groups[top])
        _require_members(override, word)


def quoted(word: str) -> str:
    """A ``key=value`` word whose value is in quotes, for a shell: within them no sign has another meaning."""
    key, _, value = word.partition("=")
    # only those backslashes count that stand before a quote
    inner = re.sub(r'(\\*)("|\Z)', lambda found: 2 * found[1] + found[2].replace('"', '\\"'), value)
    return shlex.quote(f'{key}="{inner}"')


def _parse(word: str) -> Override:
    """Parse a word by Hydra's grammar, or show how it has to be written."""
    try:
        return OverridesParser.create().parse_override(word)
    except (HydraException, ValueError, RecursionError) as error:  # the last: numbers too long, brackets too deep
        if "=" in word and _is_readable(better := quoted(word)):
            raise HsiError(f"{word} has signs that Hydra reads as its own: put quotes around it: {better}") from error
        raise HsiError(f"{word} is not understood: write key=value, --help lists the keys") from error


def _is_readable(word: str) -> bool:
    try:
        OverridesParser.create().parse_override(shlex.split(word)[0])
    except HydraException:
        return False
    return True


def _require_folder(override: Override, word: str) -> None:
    if override.key_or_group in FOLDERS and not override.is_sweep_override() and not override.value():
        raise HsiError(f"{word}: give a folder")


def _require_launcher(override: Override, word: str) -> None:
    plugin = LAUNCHERS.get(str(override.value())) if override.key_or_group == "hydra/launcher" else None
    if plugin and not (find_spec("hydra_plugins") and find_spec(f"hydra_plugins.{plugin}")):
        raise NotInstalled(f'{word} needs an extra: pip install -c constraints.txt -e ".[cluster]"')


def _require_kept(override: Override, group: Group | None) -> None:
    """Refuse to take away what every run needs."""
    key = override.key_or_group
    if override.is_delete() and (group is None or group.default):
        raise HsiError(f"~{key}: it cannot be left out; {'choose one with' if group else 'give'} {key}=...")


def _require_choice(override: Override, word: str, group: Group) -> None:
    """A group takes the name of one of its files; with -m several, one a run."""
    value = override.value()
    if override.is_sweep_override() and not isinstance(value, ChoiceSweep):
        return
    for choice in value.list if isinstance(value, ChoiceSweep) else [value]:
        name = choice.text if isinstance(choice, QuotedString) else choice
        left_out = name is None and not group.default and not group.added
        several = group.name == "experiment" and isinstance(name, list) and name
        if not (isinstance(name, str) and name) and not left_out and not several:
            raise HsiError(f"{word}: choose one of the files under conf/{group.name}/, --keys {group.name} lists them")


def _require_members(override: Override, word: str) -> None:
    """A range makes one run at least."""
    value = override.value()
    if isinstance(value, RangeSweep):
        try:
            first = next(iter(value.range()), None)
        except (ValueError, HydraException) as error:
            raise HsiError(f"{word}: {error}") from error
        if first is None:
            raise HsiError(f"{word}: no number lies in this range")

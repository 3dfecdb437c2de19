"""Faults of input, configuration or machine, each in one sentence."""

import re
import shlex
from collections.abc import Sequence

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, OverrideParseException
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from hsi.config.nearest import suggest
from hsi.config.shipped import CONF
from hsi.errors import HsiError


def explain(error: BaseException, argv: Sequence[str] = ()) -> str | None:
    """The sentence for a fault of input, configuration or machine; None for a fault of this program.

    `argv` is the command line: a word of it that Hydra cannot read is shown as it should be written.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, HsiError):
            return str(cause)
        if isinstance(cause, OSError) and cause.filename:
            return f"{cause.filename}: {cause.strerror}; free space, or name a place that you may write to"
        if isinstance(cause, MemoryError) or "can't allocate memory" in str(cause):
            return "the machine has too little memory for this: lower engine.memory_gb, train.batch_size or patch_size"
        cause = cause.__cause__ or cause.__context__
    missing = _missing_key(error)
    if missing:
        return f"{missing} has no value yet: give {missing}=..."
    if isinstance(error, OverrideParseException):
        return _explain_grammar(error, argv)
    if isinstance(error, HydraException | OmegaConfBaseException):
        return _explain_configuration(" ".join(str(error).split()))
    return None


def _explain_configuration(message: str) -> str:
    """Hydra's and OmegaConf's words for what is wrong in the configuration, in the words of this program."""
    if unknown := re.match(r"Could not (?:override|append|add|delete)\w* '([^']+)'", message):
        key = unknown[1].partition("@")[0].lstrip("+~")
        return f"unknown key {key}: {suggest(key.rpartition('.')[2], _known(key))}"
    if unknown := re.search(r"Key '([^']+)' (?:is not in struct|not in)", message):
        full = re.search(r"full_key: (\S+)", message)
        key = full[1] if full else unknown[1]
        return f"unknown key {key}: {suggest(key.rpartition('.')[2], _known(key))}"
    if missing := re.search(r"Could not find '([\w./-]+)/([^/']+)'", message):
        group, name = missing.groups()
        return f"{group}={name}: no such file under conf/{group}/; {suggest(name, _options(group))}"
    if several := re.search(r"Ambiguous value for argument '([^']+)'", message):
        key, _, value = several[1].partition("=")
        return (
            f"{several[1]} has several values: add -m for a run of each, write {key}=[{value}] for a list, or put "
            f"quotes around it if it is one value: {_quoted(several[1])}"
        )
    return message.partition(" Config search path:")[0].partition(" See https://hydra")[0]


def _missing_key(error: BaseException | None) -> str | None:
    """The full key that has no value, where that is the fault."""
    found = None
    while error is not None:
        if isinstance(error, MissingMandatoryValue):
            found = error.full_key or found  # the innermost says which; those around it say who asked
        error = error.__cause__ or error.__context__
    return found


def _explain_grammar(error: BaseException, argv: Sequence[str]) -> str:
    """For a word that Hydra's grammar cannot read: the word in quotes, where that helps."""
    for word in argv:
        if word.startswith("-") or _parses(word):
            continue
        if "=" in word and _parses(quoted := _quote(word)):
            return f"{word} has signs that mean something else here: put quotes around it: {shlex.quote(quoted)}"
        return f"{word} is not understood: write key=value, and --help lists the keys"
    return " ".join(str(error).split()).partition(" See https://hydra")[0]


def _parses(word: str) -> bool:
    try:
        OverridesParser.create().parse_override(word)
    except HydraException:
        return False
    return True


def _quote(word: str) -> str:
    key, _, value = word.partition("=")
    inner = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{key}="{inner}"'


def _quoted(word: str) -> str:
    return shlex.quote(_quote(word))


def _options(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def _known(key: str) -> list[str]:
    """Keys that stand beside an unknown one, in all files of its group."""
    group = key.partition(".")[0] if "." in key else ""
    paths = list((CONF / group).glob("*.yaml")) if group else [CONF / "config.yaml"]
    found = {name for path in paths for name in yaml.safe_load(path.read_text(encoding="utf-8")) or {}}
    if not group:
        found |= {path.name for path in CONF.iterdir() if path.is_dir()}
    return sorted(name for name in found if not str(name).startswith("_") and name not in ("defaults", "hydra"))

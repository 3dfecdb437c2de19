"""Faults of input, configuration or machine, each in one sentence."""

import errno
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml
from hydra.errors import HydraException
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from hsi.config.nearest import suggest
from hsi.config.shipped import CONF
from hsi.config.words import quoted
from hsi.errors import HsiError, shown

OUT_OF_MEMORY = re.compile(r"out of memory|can't allocate memory")  # as torch says it
ADVICE = {  # what to do about what the operating system says
    errno.ENOSPC: "free space, or choose another folder with hydra.run.dir=",
    errno.EDQUOT: "free space, or choose another folder with hydra.run.dir=",
    errno.EACCES: "give yourself permission, or choose another folder with hydra.run.dir=",
    errno.EPERM: "give yourself permission, or choose another folder with hydra.run.dir=",
    errno.EROFS: "choose another folder with hydra.run.dir=",
    errno.ENOENT: "it has gone or was never there, check the path",
    errno.EEXIST: "a folder is needed there, choose another with hydra.run.dir=",
    errno.ENOTDIR: "part of that path is a file and no folder, correct it",
    errno.EISDIR: "that is a folder and no file, correct the path",
    errno.ENAMETOOLONG: "choose a shorter name",
}


def explain(error: BaseException, argv: Sequence[str] = ()) -> str | None:
    """The sentence, in one line, for a fault of input, configuration or machine; None for a fault of this program.

    `argv` is the command line, whose words the sentence may repeat.
    """
    sentence = _explain(error, argv)
    return None if sentence is None else " ".join(sentence.split())


def _explain(error: BaseException, argv: Sequence[str]) -> str | None:
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, HsiError):
            return str(cause)
        if isinstance(cause, OSError) and cause.errno in ADVICE:
            place = "this machine" if cause.filename is None else cause.filename
            return f"{place}: {cause.strerror}; {ADVICE[cause.errno]}"
        if isinstance(cause, OSError) and cause.filename:
            return f"{cause.filename}: {cause.strerror}; choose another place"
        if isinstance(cause, MemoryError) or (isinstance(cause, RuntimeError) and OUT_OF_MEMORY.search(str(cause))):
            return (
                "the machine has too little memory for this: lower engine.memory_gb (hsi predict: memory_gb), "
                "train.batch_size or patch_size, or take a smaller scene"
            )
    missing = [cause.full_key for cause in causes if isinstance(cause, MissingMandatoryValue) and cause.full_key]
    if missing:  # the innermost says which; those around it say who asked
        return f"{missing[-1]} has no value yet: give {missing[-1]}=..."
    said = (" ".join(str(cause).split()) for cause in causes)
    message = next((words for words in said if words), type(error).__name__)  # Hydra has some that say nothing
    if isinstance(error, HydraException | OmegaConfBaseException):
        return _explain_reference(message, argv) or _explain_configuration(message, error)
    if _is_of_composing(error):
        told = "it leads in a circle" if isinstance(error, RecursionError) else message
        return f"the configuration cannot be composed ({shown(told, 300)}): correct its files and the command line"
    return None


def _is_of_composing(error: BaseException) -> bool:
    """Whether Hydra or OmegaConf raised it: the innermost module that is not one of Python's own is theirs.

    Where recursion went too deep, chance says which is the innermost: then that they took part is enough.
    """
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    packages = [str(frame.f_globals.get("__name__")).partition(".")[0] for frame in reversed(frames)]
    others = [each for each in packages if each not in sys.stdlib_module_names]
    return not {"hydra", "omegaconf"}.isdisjoint(others if isinstance(error, RecursionError) else others[:1])


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _explain_configuration(message: str, error: BaseException) -> str:
    """Hydra's and OmegaConf's words for what is wrong in the configuration, in the words of this program."""
    if added := re.search(r"use \+(\w+)=(\S+)", message):
        return f"{added[1]}={added[2]}: it is added, give +{added[1]}={added[2]}"
    if unknown := re.match(r"Could not (?:override|append|add) '([^']+)'", message):
        return _unknown(unknown[1].partition("@")[0].lstrip("+~"))
    if unknown := re.match(r"Could not delete from config. '([^']+)' does not exist", message):
        return _unknown(unknown[1])
    if unknown := re.search(r"Key '([^']+)' (?:is not in struct|not in)", message):
        full = re.search(r"full_key: (\S+)", message)
        return _unknown(full[1] if full else unknown[1])
    if there := re.search(r"An item is already at '([^']+)'", message):
        return f"+{there[1]}: it is there already, leave the plus sign out"
    if twice := re.match(r"Multiple values for ([\w/]+)\.", message):
        return f"{twice[1]} is chosen twice: choose it once, and without a plus sign where it has a default"
    if missing := re.search(r"Could not find '([\w./-]+)/([^/']+)'", message):
        group, name = missing.groups()
        options = sorted(path.stem for path in (CONF / group).glob("*.yaml"))
        return f"{group}={name}: no such file under conf/{group}/; {suggest(name, options)}"
    if several := re.search(r"Ambiguous value for argument '([^']+)'", message):
        key, _, value = several[1].partition("=")
        return (
            f"{several[1]} has several values: add -m for a run of each, write {key}=[{value}] for a list, or put "
            f"quotes around it if it is one value: {quoted(several[1])}"
        )
    if several := re.search(r"Sweep parameters '(.+)' requires --multirun", message):
        return f"{several[1]} has several values: add -m for a run of each"
    if merged := re.match(r"Error merging override (\S+)", message):
        reasons = [" ".join(str(cause).split()) for cause in _causes(error)][1:]
        return f"{merged[1]} is not allowed{': ' + reasons[0].partition(' full_key:')[0] if reasons else ''}"
    return re.split(r" Config search path:| See https://hydra| full_key:", message)[0]


def _explain_reference(message: str, argv: Sequence[str]) -> str | None:
    """What is wrong with a ``${...}``; None where that is not the fault."""
    key = re.search(r"full_key: (\S+)", message)
    if unknown := re.match(r"Interpolation key '([^']+)' not found", message):
        place = _word_with(f"${{{unknown[1]}}}", argv) or (key[1] if key else "the configuration")
        return f"{place} refers to {unknown[1]}, which is not there: for an environment variable write ${{oc.env:NAME}}"
    if unset := re.search(r"Environment variable '([^']+)' not found", message):
        place = _word_with(f"{unset[1]}}}", argv) or (key[1] if key else "the configuration")
        return f"{place}: the environment variable {unset[1]} is not set"
    if unknown := re.match(r"Unsupported interpolation type (\S+)", message):
        place = _word_with(f"${{{unknown[1]}:", argv) or (key[1] if key else "the configuration")
        return f"{place}: nothing is called {unknown[1]}; write ${{KEY}} or ${{oc.env:NAME}}"
    if message.startswith("Recursive interpolation"):
        return f"{_word_with('${', argv) or 'the configuration'} refers to itself: give a value"
    return None


def _word_with(part: str, argv: Sequence[str]) -> str | None:
    return next((word for word in argv if part in word), None)


def _unknown(key: str) -> str:
    """For a key that the chosen options do not have: what stands beside it in the files of its group."""
    group, dot, name = key.partition(".")
    if not dot:
        names = _names([CONF / "config.yaml"]) | {path.name for path in CONF.iterdir() if path.is_dir()}
        return f"unknown key {key}: {suggest(key, sorted(names - {'hydra'}))}"
    files = {path.stem: _names([path]) for path in sorted((CONF / group).glob("*.yaml"))}
    having = [f"{group}={option}" for option, names in files.items() if name in names]
    if having:
        return f"unknown key {key}: it belongs to {', '.join(having)}, and another {group} is chosen here"
    own = [yaml.safe_load(path.read_text(encoding="utf-8")).get(group) for path in CONF.glob("*.yaml")]
    names_below = set().union(*files.values(), *(keys for keys in own if isinstance(keys, dict)))
    below = sorted(f"{group}.{name}" for name in names_below)
    return f"unknown key {key}: {suggest(key, below)}" if below else f"unknown key {key}: --keys lists those known"


def _names(paths: Sequence[Path]) -> set[str]:
    found = {str(name) for path in paths for name in yaml.safe_load(path.read_text(encoding="utf-8")) or {}}
    return {name for name in found if not name.startswith("_") and name != "defaults"}

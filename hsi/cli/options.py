"""What begins with a dash on a command line; a fault there gets one sentence, as everywhere."""

import argparse
import re
from collections.abc import Sequence
from typing import NoReturn

from hydra._internal.utils import get_args_parser

from hsi.config.words import require_words
from hsi.errors import HsiError

ELSEWHERE = ("config_path", "config_name", "config_dir")  # with these, other keys may be known than ours


def strict(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The parser, which raises HsiError in place of printing its usage and leaving."""
    parser.error = _refuse  # type: ignore[method-assign]
    return parser


def require_line(argv: Sequence[str], command: str) -> None:
    """Check the command line of a Hydra application before it starts.

    `command` is the name of its file under conf/. Raises HsiError: an unknown option, or what
    `hsi.config.words.require_words` does not allow.
    """
    line = strict(get_args_parser()).parse_args(list(argv))
    if line.experimental_rerun:
        raise HsiError("--experimental-rerun would open a pickle, which can run code: give the words themselves")
    if not line.shell_completion and not any(getattr(line, name) for name in ELSEWHERE):
        require_words(line.overrides, command)


def _refuse(message: str) -> NoReturn:
    """Tell in this program's words what argparse found."""
    if unknown := re.match(r"unrecognized arguments: (\S+)", message):
        word = unknown[1]
        if not word.startswith("-"):
            raise HsiError(f"{word} is one word too many: --help shows how to write the command")
        better = f"write {word.lstrip('-')}" if "=" in word else "--help lists what there is"
        raise HsiError(f"unknown option {word}: {better}")
    if missing := re.match(r"the following arguments are required: (.+)", message):
        raise HsiError(f"{missing[1]} is missing: --help shows how to write the command")
    if empty := re.match(r"argument ([\w/-]+): expected (?:one|at least one) argument", message):
        raise HsiError(f"{empty[1]} needs a value behind it")
    raise HsiError(f"{message.removeprefix('argument ')}: --help shows how to write the command")

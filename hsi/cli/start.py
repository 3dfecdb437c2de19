"""The first second of a command: questions that need no library are answered, everything else is announced."""

import sys

from hsi.cli.help import answer
from hsi.config.shipped import CONF
from hsi.errors import HsiError
from hsi.version import __version__

HYDRA_ASKS = ("--hydra-help", "--cfg", "-c", "--info", "-i", "--shell-completion", "-sc")


def announce(config_name: str) -> None:
    """Answer --help and --keys and leave; else say that the command has started, before its libraries load."""
    answer_and_leave(config_name)
    if not any(word.partition("=")[0] in HYDRA_ASKS for word in sys.argv[1:]):
        print(f"hsi {__version__}: loading libraries ...", flush=True)


def answer_and_leave(config_name: str) -> None:
    """Print what --help or --keys ask for and exit with status 0, or 2 for a word that is not known."""
    try:
        text = answer(sys.argv[1:], config_name, CONF)
    except HsiError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)
    if text is not None:
        print(text, end="")
        sys.exit(0)

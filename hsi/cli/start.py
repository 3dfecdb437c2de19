"""The first second of a command: what needs no library is answered, and the rest is announced."""

import sys

from hsi import __version__

ASKING = ("--help", "-h", "--hydra-help", "--cfg", "-c", "--info", "-i", "--version", "--keys", "--shell-completion")


def announce() -> None:
    """Say that the command has started, before its libraries load; nothing where only a question is asked."""
    if not any(word.partition("=")[0] in ASKING for word in sys.argv[1:]):
        print(f"hsi {__version__}: loading libraries ...", flush=True)

"""The commands by one name: ``hsi COMMAND ...`` or ``python -m hsi COMMAND ...``; without a command, their list."""

import os
import runpy
import sys

from hsi.cli.help import COMMANDS, list_commands
from hsi.cli.start import prepare
from hsi.config.nearest import suggest
from hsi.version import __version__


def main() -> None:
    """Run the command that the first word names, as ``python -m hsi.COMMAND`` does; exit status 2 for another word."""
    prepare()
    first, *rest = sys.argv[1:] or ["--help"]
    if first in ("--help", "-h", "help"):
        print(list_commands(), end="")
    elif first == "--version":
        print(f"hsi {__version__}")
    elif first in COMMANDS:
        sys.argv[1:] = rest
        # for your own models, as python -m does; last, so that no file there stands in for a library
        sys.path.append(os.getcwd())
        runpy.run_module(f"hsi.{first}", run_name="__main__", alter_sys=True)
    else:
        print(f"Error: there is no command {first}: {suggest(first, COMMANDS)}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()

"""The runs below a folder with their figures: ``python -m hsi.list [DIR]``."""

if __name__ == "__main__":  # before the libraries load
    from hsi.cli.start import prepare, require_room

    prepare()
    require_room()

import argparse
from pathlib import Path

from hsi.cli.help import COMMANDS
from hsi.cli.options import strict
from hsi.cli.telling import telling
from hsi.comparison.listing import list_runs, to_lines


def main() -> None:
    """Entry point."""
    with telling():
        _list()


def _list() -> None:
    parser = argparse.ArgumentParser(prog="hsi list", description=COMMANDS["list"].summary)
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path("outputs"), metavar="DIR", help="searched recursively (outputs)"
    )
    for line in to_lines(list_runs(strict(parser).parse_args().folder)):
        print(line)


if __name__ == "__main__":
    main()

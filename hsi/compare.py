"""Many finished runs compared: ``python -m hsi.compare DIR...``.

Runs are grouped by setting and compared with tables, paired tests, ranks and votes, in words and figures. The tables
need nothing but metrics.json; tests on pixels and votes need the maps and the scene, and are left out without them.
"""

if __name__ == "__main__":  # before the libraries load
    from hsi.cli.start import prepare, require_room

    prepare()
    require_room()

import argparse
import logging
import sys
from pathlib import Path
from typing import Literal

from hsi.cli.help import COMMANDS
from hsi.cli.options import strict
from hsi.cli.telling import telling
from hsi.comparison.groups import find_runs
from hsi.comparison.pairs import MEASURES
from hsi.comparison.report import compare
from hsi.config.build import check_value

HELP = f"""{COMMANDS["compare"].summary}

Runs are grouped by setting, all that differ in nothing but their seeds. The tables need only metrics.json; tests on
pixels and votes also need the maps and the scene, and are left out without them."""


def main() -> None:
    """Entry point."""
    with telling():
        _compare()


def _compare() -> None:
    parser = argparse.ArgumentParser(
        prog="hsi compare", description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "folders", nargs="+", type=Path, metavar="DIR", help="run or sweep directories, searched recursively"
    )
    parser.add_argument("--out", type=Path, help="where tables and figures go (default: the first DIR)")
    measures = ", ".join(MEASURES)
    parser.add_argument("--measure", default="oa", help=f"figure that the tests compare: {measures} (default: oa)")
    parser.add_argument(
        "--trust", action="append", default=[], metavar="NAME", help="a function outside hsi that the runs may name"
    )
    argv = strict(parser).parse_args()
    check_value(Literal[*MEASURES], argv.measure, "--measure")
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    compare(find_runs(argv.folders), argv.out or argv.folders[0], argv.measure, argv.trust)


if __name__ == "__main__":
    main()

"""Many finished runs compared: ``python -m hsi.compare DIR...``.

Runs are grouped by setting and compared with tables, paired tests, ranks and votes, in words and figures. The tables
need nothing but metrics.json; tests on pixels and votes need the maps and the scene, and are left out without them.
"""

import argparse
import logging
import sys
from pathlib import Path

from hsi.cli.help import COMMANDS
from hsi.comparison.groups import find_runs
from hsi.comparison.pairs import MEASURES
from hsi.comparison.report import compare
from hsi.errors import HsiError

HELP = f"""{COMMANDS["compare"].summary}

Runs are grouped by setting, all that differ in nothing but their seeds. The tables need only metrics.json; tests on
pixels and votes also need the maps and the scene, and are left out without them."""


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="hsi compare", description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "folders", nargs="+", type=Path, metavar="DIR", help="run or sweep directories, searched recursively"
    )
    parser.add_argument("--out", type=Path, help="where tables and figures go (default: the first DIR)")
    parser.add_argument("--measure", choices=MEASURES, default="oa", help="figure that the tests compare (default: oa)")
    parser.add_argument(
        "--trust", action="append", default=[], metavar="NAME", help="a function outside hsi that the runs may name"
    )
    argv = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    try:
        compare(find_runs(argv.folders), argv.out or argv.folders[0], argv.measure, argv.trust)
    except HsiError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()

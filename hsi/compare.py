"""Many finished runs compared: ``python -m hsi.compare DIR...``.

Runs are grouped by setting and compared with tables, paired tests, ranks and votes, in words and figures. The tables
need nothing but metrics.json; tests on pixels and votes need the maps and the scene, and are left out without them.
"""

import argparse
import logging
import sys
from pathlib import Path

from hsi.comparison.groups import find_runs
from hsi.comparison.pairs import MEASURES
from hsi.comparison.report import compare
from hsi.errors import HsiError


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="python -m hsi.compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "folders", nargs="+", type=Path, metavar="DIR", help="run or sweep directories, searched recursively"
    )
    parser.add_argument("--out", type=Path, help="where tables and figures go (default: the first DIR)")
    parser.add_argument("--measure", choices=MEASURES, default="oa", help="what the tests look at (default: oa)")
    words = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    try:
        compare(find_runs(words.folders), words.out or words.folders[0], words.measure)
    except HsiError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()

"""Recompute a finished run from its files and say what differs: ``python -m hsi.verify RUN_DIR``."""

if __name__ == "__main__":  # before the libraries load
    from hsi.cli.start import prepare, require_room

    prepare()
    require_room()

import argparse
import sys
import textwrap
from pathlib import Path

from hsi.cli.help import COMMANDS
from hsi.cli.options import strict
from hsi.cli.telling import telling
from hsi.reports.terminal import TERMINAL_WIDTH
from hsi.verification.checked import verify


def main() -> None:
    """Entry point; exit status 0 verified, 1 something differs, 2 cannot be judged."""
    with telling():
        _verify()


def _verify() -> None:
    parser = argparse.ArgumentParser(prog="hsi verify", description=COMMANDS["verify"].summary)
    parser.add_argument("folder", type=Path, metavar="RUN_DIR", help="directory of a finished run")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="where the scene's files are, if they have moved")
    parser.add_argument(
        "--trust", action="append", default=[], metavar="NAME", help="a function outside hsi that the run may name"
    )
    parser.add_argument("--refit", action="store_true", help="repeat the training too, and compare what it gives")
    argv = strict(parser).parse_args()
    verdict = verify(argv.folder, argv.data_dir, argv.trust, argv.refit)
    for difference in verdict.differences:
        print(difference)
    count = len(verdict.differences)
    print(f"NOT verified: {count} differences in {argv.folder}" if count else f"verified: {argv.folder}")
    print("Taken on trust:")
    for line in verdict.trusted:
        print(textwrap.fill(line, TERMINAL_WIDTH, initial_indent="  ", subsequent_indent="    "))
    print(f"Manifest: {verdict.manifest}")
    sys.exit(1 if count else 0)


if __name__ == "__main__":
    main()

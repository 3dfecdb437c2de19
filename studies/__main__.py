"""Extend the tables by finished runs, and write RESULTS.md: ``python -m studies --help``."""

import argparse
import sys
from pathlib import Path

from hsi.errors import HsiError
from studies import positions, recipes, table, write_up
from studies.protocols import group
from studies.record import find_records

HERE = Path(__file__).parent

ABOUT = """The tables of finished runs, and RESULTS.md made from them.

  python -m studies extend outputs/indian_pines/ssrn    add the runs below a folder
  python -m studies position                            add what position alone gives to runs that did not keep it
  python -m studies write                               make RESULTS.md and its figures anew
"""


def main(words: list[str] | None = None) -> None:
    """Do what `words`, or the command line, ask for."""
    parser = argparse.ArgumentParser(
        prog="python -m studies", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="extend | position | write")
    extending = commands.add_parser("extend", help="add finished runs to runs.csv, classes.csv and history.csv")
    extending.add_argument("folders", metavar="DIR", nargs="+", type=Path, help="a run, or a folder with runs below it")
    placing = commands.add_parser("position", help="add what position alone gives, from the splits made again")
    writing = commands.add_parser("write", help="make RESULTS.md, docs/gap.png and docs/cost.png from the tables")
    writing.add_argument("--to", metavar="DIR", type=Path, default=HERE.parent, help="where to; default: this checkout")
    for command in (extending, placing, writing):
        command.add_argument(
            "--tables", metavar="DIR", type=Path, default=HERE, help="folder of the tables; default: studies"
        )
    chosen = parser.parse_args(words)
    try:
        if chosen.command == "extend":
            print(extend(chosen.tables, chosen.folders))
        elif chosen.command == "position":
            completed = positions.complete(table.read(chosen.tables))
            table.write(chosen.tables, completed)
            print(f"{chosen.tables / table.RUNS} says of all {len(completed)} runs what position alone gives")
        else:
            found = group(record.as_finished() for record in table.read(chosen.tables).values())
            write_up.write(found, chosen.to, recipes.section(chosen.tables / recipes.TABLE.name))
            print(f"Written: {chosen.to / 'RESULTS.md'}")
    except HsiError as error:
        sys.exit(f"Error: {error}")


def extend(tables: Path, folders: list[Path]) -> str:
    """Add the runs at or below `folders` to the tables, all or none; returns a sentence on what was done.

    Raises HsiError where a folder holds no run, or a run is unfinished, damaged, of another scene, or named like one
    of another configuration.
    """
    earlier = table.read(tables)
    records = find_records(folders)
    extended = table.extend(earlier, records)
    group(record.as_finished() for record in extended.values())  # refuses what could not be written up
    table.write(tables, extended)
    added = len(extended) - len(earlier)
    replaced = sum(record.run in earlier and record != earlier[record.run] for record in records)
    return (
        f"{added} runs added, {replaced} replaced, {len(records) - added - replaced} there already; "
        f"{tables / table.RUNS} holds {len(extended)}"
    )


if __name__ == "__main__":
    main()

"""Values of JSON in the cells of a CSV file, and back, exactly."""

import csv
import json
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

Row = dict[str, str]  # the cells that are not empty, by column


def encode(value: object) -> str:
    """A cell for a value of JSON.

    Printable text stands as it is, all else as JSON: empty text too, and text that would be read as JSON, such as "1".
    Numbers keep every digit: Python writes the shortest decimals that give the same float.
    """
    if isinstance(value, str) and value and value.isprintable() and decode(value) == value:
        return value
    return json.dumps(value)


def decode(cell: str) -> Any:
    """The value that `encode` wrote into a cell."""
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):  # the latter of what nests a thousand deep
        return cell


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested keys as dotted ones; a dictionary that is empty, or has a dot in a key of its own, stays a value."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict) and value and not any("." in inner for inner in value):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """The tree that `flatten` was given."""
    tree: dict[str, Any] = {}
    for key, value in flat.items():
        *parents, last = key.split(".")
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[last] = value
    return tree


def write_rows(rows: Sequence[Row], first: Sequence[str]) -> str:
    """The text of a CSV file: the columns of `first`, then all others in alphabetical order."""
    columns = {column for row in rows for column in row}
    text = StringIO()
    writer = csv.DictWriter(text, [*first, *sorted(columns - set(first))], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def read_rows(text: str) -> list[Row]:
    """The rows of a CSV file with a header.

    Raises ValueError where a row has too many cells or too few, or two columns have the same name.
    """
    try:
        header, *rows = csv.reader(StringIO(text, newline=""), strict=True)
    except csv.Error as error:
        raise ValueError(str(error)) from error
    if len(set(header)) < len(header) or any(len(row) != len(header) for row in rows):
        raise ValueError("columns and cells do not match")
    return [{column: cell for column, cell in zip(header, row, strict=True) if cell} for row in rows]

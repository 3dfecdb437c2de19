"""What is fuzzed."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Target:
    """A reader.

    Parameters
    ----------
    name
        in the table, and in the name of a case.
    seeds
        writes small valid files into an empty folder and returns them; a folder among them is damaged in one of its
        files at a time.
    read
        reads such a file, or folder, by the door that users take. It returns or raises HsiError, and asserts that what
        it read makes sense.
    """

    name: str
    seeds: Callable[[Path], list[Path]]
    read: Callable[[Path], object]

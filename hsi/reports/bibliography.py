"""The literature behind a run: entries of references.bib, found by what they are to be cited for."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).with_name("references.bib")
_ENTRY = re.compile(r"^@\w+\{([\w-]+),\n.*?^\}\n", re.MULTILINE | re.DOTALL)
_KEYWORDS = re.compile(r"^  keywords = \{(.*)\},\n", re.MULTILINE)


@dataclass(frozen=True)
class Reference:
    """An entry: its key, its text for BibTeX, and what it is cited for, such as ``model=svm``."""

    key: str
    text: str
    keywords: frozenset[str]


@cache
def references() -> tuple[Reference, ...]:
    """All entries, in the order of the file."""
    found = _ENTRY.finditer(SOURCE.read_text(encoding="utf-8"))
    return tuple(
        Reference(entry[1], _KEYWORDS.sub("", entry[0]), frozenset(_KEYWORDS.search(entry[0])[1].split(", ")))  # type: ignore[index]
        for entry in found
    )


def cited_for(*words: str) -> tuple[str, ...]:
    """The keys of all entries for any of the words, in the order of the file."""
    return tuple(entry.key for entry in references() if entry.keywords & set(words))


def bibliography(keys: Collection[str]) -> str:
    """The entries of these keys, for BibTeX."""
    return "\n".join(entry.text for entry in references() if entry.key in keys)

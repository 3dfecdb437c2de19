"""Misspelt words: what was probably meant."""

import difflib
from collections.abc import Collection


def suggest(word: str, known: Collection[str]) -> str:
    """The nearest of the known words, or all of them."""
    near = difflib.get_close_matches(word, known, 1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"

"""Spans of time in the words of people."""

UNITS = (("s", 1.0, 100), ("min", 60.0, 6000), ("h", 3600.0, 48 * 3600), ("days", 86400.0, float("inf")))


def in_words(seconds: float) -> str:
    """A span of time in the unit that leaves two digits or so: ``40 s``, ``12 min``, ``3 h``, ``5 days``."""
    unit, size = next((unit, size) for unit, size, end in UNITS if seconds < end)
    return f"{seconds / size:.0f} {unit}"

"""Commands disturbed for an hour in every way that a machine knows: ``python -m tests.soak``, or ``make soak``."""

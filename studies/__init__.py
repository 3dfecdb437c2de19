"""The project's own studies: a table of finished runs, and RESULTS.md and its figures made from it."""

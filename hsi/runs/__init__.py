"""A run on disk, written and opened again."""

"""The search for a cell: which cells there are, how they are scored, what ranks those that are not, and the log."""

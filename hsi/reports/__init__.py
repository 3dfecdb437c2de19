"""Results in words and tables, for terminal and page."""

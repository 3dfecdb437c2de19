"""Many finished runs side by side: groups, pairs, tables, votes."""

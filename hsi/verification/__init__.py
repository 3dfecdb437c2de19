"""Whether a run is what it says: all that follows from its other files, found again and compared."""

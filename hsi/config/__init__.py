"""The configuration: where it lies, what its values may be, how stages are built, how saved ones are trusted."""

"""All that is fuzzed."""

from . import readers, saved

TARGETS = (*readers.TARGETS, *saved.TARGETS)

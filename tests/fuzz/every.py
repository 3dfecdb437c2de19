"""All that is fuzzed."""

from . import arrays, containers, rasters, saved, unfinished, units

TARGETS = (
    *arrays.TARGETS,
    *rasters.TARGETS,
    *containers.TARGETS,
    *units.TARGETS,
    *saved.TARGETS,
    *unfinished.TARGETS,
)

"""The table of areas: by counting pixels, and as the mistakes on the test pixels correct it."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from hsi import files
from hsi.cube import blocks
from hsi.errors import HsiError
from hsi.evaluation.areas import AreaEstimate, estimate_areas, interval
from hsi.evaluation.ground import WORTH_SAYING, Ground, ground_of
from hsi.georeference import Georeference
from hsi.output.geotiff import checked

log = logging.getLogger(__name__)

HECTARE = 10_000  # square metres
BLOCK_BYTES = 2**21  # of the map; counting with areas takes 16 times as much
TABLE, NOTES = "areas.csv", "areas.txt"


def write_areas(
    folder: Path,
    class_map: np.ndarray,
    names: Sequence[str],
    georeference: Georeference | None = None,
    confusion: np.ndarray | None = None,
    notes: Sequence[str] = (),
) -> tuple[str, ...]:
    """Write areas.csv, a row a class, and areas.txt, what has to be known to read it.

    Parameters
    ----------
    class_map
        (rows, cols) integers 0..K, in memory or on disk; 0 is no class and counts nowhere.
    names
        of class 1..K, an `unknown` class included.
    georeference
        where the map lies; without it, or without a coordinate reference system, the columns of hectares are empty.
    confusion
        (L, L) counts of test pixels, L <= K: rows are truth, columns are prediction. None leaves the adjusted columns
        empty.
    notes
        what the test pixels are no good sample of, see `hsi.evaluation.areas.sample_notes`.

    Returns
    -------
    the sentences of areas.txt.

    Raises
    ------
    HsiError: values above K, or a file that cannot be written.
    """
    table, found = area_table(class_map, names, georeference, confusion)
    every = (*(notes if confusion is not None else ()), *found)
    files.write(folder / TABLE, table.to_csv(index=False, float_format="%.8g"))
    files.write(folder / NOTES, "".join(f"{note}\n" for note in every))
    return every


def area_table(
    class_map: np.ndarray,
    names: Sequence[str],
    georeference: Georeference | None = None,
    confusion: np.ndarray | None = None,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table of areas, and what it does not say, a sentence each; parameters as of `write_areas`.

    Columns: class, pixels; share of the mapped area, hectares; the same adjusted, with the ends of their 95 % intervals
    (`_low`, `_high`); user's and producer's accuracy with theirs. NaN is what is not known.
    """
    ground, notes = _ground(georeference)
    try:
        pixels, metres = count(class_map, names, ground)
    except HsiError as error:
        if ground is None:
            raise
        notes = [f"The areas in hectares are unknown: {error}."]
        pixels, metres = count(class_map, names, None)
        ground = None
    if ground is not None and abs(off := ground.distortion(*class_map.shape[:2])) > WORTH_SAYING:
        notes.append(
            f"The projection makes areas {off:+.1%} larger than they are at the middle of the scene: for hectares use "
            "one that keeps areas."
        )
    total = metres.sum()
    table = pd.DataFrame({"class": list(names), "pixels": pixels, "share": metres / total if total else np.nan})
    table["hectares"] = metres / HECTARE if ground is not None else np.nan
    padded = np.zeros((len(names), len(names)))
    if confusion is not None:
        padded[: len(confusion), : len(confusion)] = confusion
    estimate = estimate_areas(padded, metres, names)
    known = total * estimate.sampled / HECTARE if ground is not None else np.nan
    for name, value, spread, unit in (
        ("adjusted_share", estimate.share, estimate.share_error, 1.0),
        ("adjusted_hectares", estimate.share, estimate.share_error, known),
        ("users_accuracy", estimate.user, estimate.user_error, 1.0),
        ("producers_accuracy", estimate.producer, estimate.producer_error, 1.0),
    ):
        low, high = interval(value, spread)
        table[name], table[f"{name}_low"], table[f"{name}_high"] = value * unit, low * unit, high * unit
    if confusion is not None:
        notes += [*_overall(estimate), *estimate.notes]
    return table, tuple(notes)


def count(class_map: np.ndarray, names: Sequence[str], ground: Ground | None) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of class 1..K, (K,) int64, and their square metres, (K,) float64; without `ground` pixels again.

    HsiError where the map has a class without a name, or its coordinates are beyond the poles.
    """
    pixels, metres = np.zeros(len(names) + 1, np.int64), np.zeros(len(names) + 1)
    for first, last, values in blocks(class_map, BLOCK_BYTES):
        flat = checked(values, names).ravel()
        here = np.bincount(flat, minlength=len(names) + 1)
        pixels += here
        sizes = np.ones((1, 1)) if ground is None else ground.areas(first, last, values.shape[1])
        if sizes.size == 1:
            metres += here * sizes[0, 0]
        else:
            weights = np.broadcast_to(sizes, values.shape).ravel()
            metres += np.bincount(flat, weights=weights, minlength=len(names) + 1)
    return pixels[1:], metres[1:]


def _ground(georeference: Georeference | None) -> tuple[Ground | None, list[str]]:
    """The ground, or why there is none, for the reader of the table."""
    try:
        ground = ground_of(georeference)
    except HsiError as error:
        log.warning("areas.csv has no hectares: %s", error)
        return None, [f"The areas in hectares are unknown: {error}."]
    why = "The areas in hectares are unknown: the scene has no coordinate reference system."
    return ground, [] if ground else [why]


def _overall(estimate: AreaEstimate) -> list[str]:
    low, high = interval(np.array(estimate.overall), np.array(estimate.overall_error))
    if np.isnan(estimate.overall):
        return []
    return [f"Overall accuracy by area is {estimate.overall:.2%}, 95 % interval {low:.2%} to {high:.2%}."]

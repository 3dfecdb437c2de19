"""NaN and infinite values in a cube: refused unless the user chose what to do with them."""

import logging

import numpy as np

from hsi.errors import HsiError
from hsi.scenes.description import Treatment

log = logging.getLogger(__name__)


def treat_nodata(name: str, cube: np.ndarray, treatment: Treatment) -> tuple[np.ndarray, np.ndarray]:
    """Rid a cube of NaN and infinite values.

    Parameters
    ----------
    name
        of the scene, for messages.
    cube
        (rows, cols, bands); never changed in place.
    treatment
        'error' refuses such values; 'interpolate' replaces them linearly, by band number, from the
        pixel's valid bands (beyond the ends by the nearest); 'drop' leaves out the bands that have any.

    Returns
    -------
    The clean cube, and the numbers of the bands it kept.

    Raises HsiError: such values under 'error', nothing left to fill from, or no band left.
    """
    bands = np.arange(cube.shape[2])
    if cube.dtype.kind != "f" or (valid := np.isfinite(cube)).all():
        return cube, bands
    bad_bands = np.flatnonzero(~valid.all(axis=(0, 1)))
    listed = ", ".join(map(str, bad_bands[:10])) + (", ..." if bad_bands.size > 10 else "")
    count = int((~valid).sum())
    finding = f"{count} values are NaN or infinite, in {bad_bands.size} of {bands.size} bands ({listed})"
    if treatment == "error":
        raise HsiError(
            f"scene {name}: {finding}: set scene.invalid=interpolate to fill them from the pixel's other "
            "bands, or scene.invalid=drop to leave those bands out."
        )
    if treatment == "drop":
        kept = np.setdiff1d(bands, bad_bands)
        if kept.size == 0:
            raise HsiError(f"scene {name}: {finding}, so no band is left to use: try scene.invalid=interpolate.")
        log.warning("scene %s: %s; these bands are dropped", name, finding)
        return np.ascontiguousarray(cube[:, :, kept]), kept
    if (empty := np.argwhere(~valid.any(axis=2))).size:
        raise HsiError(
            f"scene {name}: {len(empty)} pixels have no valid band at all, the first at row {empty[0, 0]}, "
            f"column {empty[0, 1]}, so there is nothing to interpolate from: crop or fill them in the file."
        )
    log.warning("scene %s: %s; they are interpolated along the spectrum", name, finding)
    filled = cube.copy()
    for row, col in np.argwhere(~valid.all(axis=2)):
        good = valid[row, col]
        filled[row, col, ~good] = np.interp(bands[~good], bands[good], cube[row, col, good])
    return filled, bands

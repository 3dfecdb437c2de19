"""What a model knows of the sensor that it was trained on: its bands, and the values that they had.

Whether another scene is of its kind, and how it can be brought to it, is in `hsi.runs.adapt`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hsi.cube import LazyCube, blocks
from hsi.scene import Scene, holds_data

QUANTILES = (0.001, 0.5, 0.999)  # of the values of each band
LOOKED_AT = 20_000  # pixels, spread evenly over a scene
ROWS_READ = 64  # of a cube on disk, spread evenly
MOST_BANDS = 10**6  # of a file


@dataclass(frozen=True, eq=False)
class Sensor:
    """Bands and values of a scene.

    Parameters
    ----------
    bands
        How many the model takes.
    dtype
        Of the cube, as NumPy writes it.
    wavelengths
        (bands,) float64 in nm, or None, also where the scene's are nominal.
    quantiles
        (3, bands) float64: of the values of each band, see `QUANTILES`; None in bundles of earlier versions.
    fwhm
        (bands,) float64 in nm: the width of each band; None where it is not known.
    kept_bands, file_bands
        As in `hsi.scene.Scene`: which of the bands of its files the scene had; None for all of them.
    """

    bands: int
    dtype: str
    wavelengths: np.ndarray | None
    quantiles: np.ndarray | None
    fwhm: np.ndarray | None = None
    kept_bands: np.ndarray | None = None
    file_bands: int | None = None

    def as_json(self) -> dict[str, Any]:
        """For bundle.json."""
        return {
            "bands": self.bands,
            "dtype": self.dtype,
            "wavelengths_nm": _listed(self.wavelengths),
            "quantiles": _listed(self.quantiles),
            "fwhm_nm": _listed(self.fwhm),
            "kept_bands": _listed(self.kept_bands),
            "file_bands": self.file_bands,
        }

    @classmethod
    def from_json(cls, bundle: Mapping[str, Any]) -> "Sensor":
        """Read what `as_json` wrote; ValueError where shapes do not fit."""
        bands = int(bundle["bands"])

        def read(name: str, shape: tuple[int, ...]) -> np.ndarray | None:
            if bundle.get(name) is None:
                return None
            array = np.asarray(bundle[name], dtype=np.float64)
            if array.shape != shape or not np.isfinite(array).all():
                raise ValueError(f"{name} are not {shape} numbers")
            return array

        return cls(
            bands=bands,
            dtype=str(bundle["dtype"]),
            wavelengths=read("wavelengths_nm", (bands,)),
            quantiles=read("quantiles", (len(QUANTILES), bands)),
            fwhm=read("fwhm_nm", (bands,)),
            **_bands_of_file(read("kept_bands", (bands,)), bundle.get("file_bands")),
        )


def _listed(array: np.ndarray | None) -> list[Any] | None:
    return None if array is None else array.tolist()


def _bands_of_file(kept: np.ndarray | None, count: Any) -> dict[str, Any]:
    """`kept_bands` and `file_bands` out of bundle.json; ValueError where they are none."""
    if count is None and kept is None:
        return {}
    if not isinstance(count, int) or not 0 < count <= MOST_BANDS:
        raise ValueError("file_bands is no number of bands")
    if kept is None:
        return {"file_bands": count}
    numbers = kept.astype(np.int64)
    if (numbers != kept).any() or numbers[0] < 0 or numbers[-1] >= count or (np.diff(numbers) <= 0).any():
        raise ValueError("kept_bands are not bands of the file in ascending order")
    return {"kept_bands": numbers, "file_bands": count}


def sensor_of(scene: Scene) -> Sensor:
    """What a model that is trained on `scene` should know of it."""
    widths = scene.fwhm
    return Sensor(
        bands=scene.bands,
        dtype=str(scene.cube.dtype),
        wavelengths=None if scene.nominal else scene.wavelengths,
        quantiles=np.quantile(look(scene), QUANTILES, axis=0),
        fwhm=widths if widths is not None and np.isfinite(widths).all() else None,
        kept_bands=scene.kept_bands,
        file_bands=scene.file_bands,
    )


def data_mask(scene: Scene) -> np.ndarray:
    """Which pixels of a scene hold data, (rows, cols) bool; all of it is read where nobody has looked yet."""
    if scene.valid is not None:
        return scene.valid
    return np.concatenate([holds_data(values, scene.nodata) for _, _, values in blocks(scene.cube)])


def look(scene: Scene) -> np.ndarray:
    """Spectra (N, bands) float64 of pixels that hold data, spread evenly over a scene.

    About `LOOKED_AT` of a cube in memory. Of a cube on disk `ROWS_READ` rows are read; more only where these hold no
    data at all.
    """
    if not isinstance(scene.cube, LazyCube):
        spectra = scene.cube.reshape(-1, scene.bands)
        holding = np.flatnonzero(data_mask(scene))
        return spectra[holding[:: max(1, len(holding) // LOOKED_AT)]].astype(np.float64)
    found: list[np.ndarray] = []
    for done, row in enumerate(_order(scene)):
        if done >= ROWS_READ and found:
            break
        values, valid = scene.read(slice(row, row + 1))
        spectra = values[valid]
        if len(spectra):
            found.append(spectra[:: max(1, len(spectra) * ROWS_READ // LOOKED_AT)].astype(np.float64))
    return np.concatenate(found) if found else np.empty((0, scene.bands))


def _order(scene: Scene) -> Iterator[int]:
    """Rows of a scene that may hold data: first some that are spread evenly, then the others."""
    rows = np.arange(scene.rows) if scene.valid is None else np.flatnonzero(scene.valid.any(axis=1))
    if len(rows) == 0:
        return
    places = np.unique(np.linspace(0, len(rows) - 1, ROWS_READ).round().astype(int))
    yield from rows[places].tolist()
    yield from np.delete(rows, places).tolist()

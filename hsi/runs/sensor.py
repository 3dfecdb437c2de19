"""What a model knows of the sensor that it was trained on, and whether another scene is of its kind."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hsi.errors import HsiError
from hsi.scene import Scene

log = logging.getLogger(__name__)

WAVELENGTH_TOLERANCE = 5.0  # nm; bands of imaging spectrometers are about 10 nm wide
QUANTILES = (0.001, 0.5, 0.999)  # of the values of each band
LOOKED_AT = 20_000  # pixels, spread evenly over a scene
LEAST_SHARE, LOW_SHARE = 0.5, 0.9  # of the values within the range of the training scene: below, rejected; remarked on
SCALES = (1e2, 1e3, 1e4, 1e-2, 1e-3, 1e-4)  # by which products of one sensor differ


@dataclass(frozen=True, eq=False)
class Sensor:
    """Bands and values of a scene.

    Parameters
    ----------
    bands
        How many.
    dtype
        Of the cube, as NumPy writes it.
    wavelengths
        (bands,) float64 in nm, or None.
    quantiles
        (3, bands) float64: of the values of each band, see `QUANTILES`; None in bundles of earlier versions.
    """

    bands: int
    dtype: str
    wavelengths: np.ndarray | None
    quantiles: np.ndarray | None

    def as_json(self) -> dict[str, Any]:
        """For bundle.json."""
        return {
            "bands": self.bands,
            "dtype": self.dtype,
            "wavelengths_nm": None if self.wavelengths is None else self.wavelengths.tolist(),
            "quantiles": None if self.quantiles is None else self.quantiles.tolist(),
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

        quantiles = read("quantiles", (len(QUANTILES), bands))
        return cls(bands, str(bundle["dtype"]), read("wavelengths_nm", (bands,)), quantiles)


def sensor_of(scene: Scene) -> Sensor:
    """What a model that is trained on `scene` should know of it."""
    values = _look(scene.cube)
    return Sensor(scene.bands, str(scene.cube.dtype), scene.wavelengths, np.quantile(values, QUANTILES, axis=0))


def require_fit(scene: Scene, sensor: Sensor, trained_on: str) -> None:
    """Raise HsiError, which says how, where a scene is not of the sensor's kind; `trained_on` names its scene."""
    if scene.bands != sensor.bands:
        raise HsiError(
            f"scene {scene.name} has {scene.bands} bands, the model was trained on {sensor.bands} ({trained_on}): "
            "predict scenes of the same sensor and bands"
        )
    if sensor.wavelengths is not None and scene.wavelengths is not None:
        apart = np.abs(scene.wavelengths - sensor.wavelengths)
        if not apart.max() <= WAVELENGTH_TOLERANCE:
            band = int(np.nanargmax(apart)) if np.isfinite(apart).any() else 0
            raise HsiError(
                f"scene {scene.name}: band {band} lies at {scene.wavelengths[band]:.0f} nm, the model was trained with "
                f"{sensor.wavelengths[band]:.0f} nm there: resample the scene to the bands of {trained_on}"
            )
    if sensor.quantiles is None:
        log.info("The model does not say which values it was trained on, so those of %s are not checked.", scene.name)
        return
    _require_values(scene.name, _look(scene.cube), sensor.quantiles, trained_on)


def _require_values(name: str, values: np.ndarray, quantiles: np.ndarray, trained_on: str) -> None:
    """Compare values (N, bands) with the range of each band in training."""
    if len(values) == 0 or (values == values[0]).all():
        raise HsiError(
            f"scene {name}: all pixels are alike, or none has a value, so there is nothing to map: check file and key"
        )
    share = _share_within(values, quantiles)
    if share >= LOW_SHARE:
        return
    others = {
        f"multiplied by {factor:g} they would fit, so their unit seems to be another: convert the scene": values
        * factor
        for factor in SCALES
    }
    others["with its bands in reverse order it would fit: reverse them"] = values[:, ::-1]
    advice, best = max(
        ((words, _share_within(other, quantiles)) for words, other in others.items()), key=lambda o: o[1]
    )
    if share >= LEAST_SHARE and best < LOW_SHARE:
        log.warning(
            "Only %.0f %% of the values of scene %s lie in the range of the training scene %s: trust its map less.",
            *(100 * share, name, trained_on),
        )
        return
    if best < LEAST_SHARE:
        middle = quantiles[1]
        ratio = np.median(np.median(values, axis=0)[middle != 0] / middle[middle != 0]) if middle.any() else np.nan
        advice = f"they are about {ratio:.2g} times as large; unit, calibration and order of bands must be the same"
    raise HsiError(
        f"scene {name}: {share:.0%} of its values lie in the range of the scene that the model was trained on "
        f"({trained_on}): {advice}, or map it all the same with check=false"
    )


def _look(cube: np.ndarray) -> np.ndarray:
    """Spectra (N, bands) float64 of pixels spread evenly over a cube, those with NaN left out."""
    spectra = cube.reshape(-1, cube.shape[2])
    spectra = spectra[:: max(1, len(spectra) // LOOKED_AT)].astype(np.float64)
    return spectra[np.isfinite(spectra).all(axis=1)]


def _share_within(values: np.ndarray, quantiles: np.ndarray) -> float:
    return float(((values >= quantiles[0]) & (values <= quantiles[-1])).mean())

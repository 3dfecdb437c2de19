"""Bring a scene to the sensor that a model was trained on, or say why it does not fit and what can be done.

Bands are selected as in training, spectra are resampled and scaled where that is asked for, and values that the model
has never seen are refused. Cubes on disk stay there: what is changed is changed as it is read.
"""

import logging
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from hsi.cube import Cube, LazyCube, changed, select_bands
from hsi.errors import HsiError
from hsi.runs.sensor import Sensor, look
from hsi.scene import LEAST_BANDS, Scene, is_missing

log = logging.getLogger(__name__)

LONE_WIDTH = 10.0  # nm, of a single band of unknown width; bands of imaging spectrometers are about so wide
ROUNDING = 1e-6  # nm
MOST_BEYOND = 0.05  # of the pixels looked at
MOST_BANDS_BEYOND = 0.5  # of the bands of a pixel
LEAST_WITHIN = 0.9  # of all values; remarked on below that
SCALES = (1e2, 1e3, 1e4, 1e-2, 1e-3, 1e-4)  # by which products of one sensor differ


def adapt(
    scene: Scene,
    sensor: Sensor,
    trained_on: str,
    *,
    resample: bool = False,
    scale: float = 1.0,
    accept_range: bool = False,
) -> Scene:
    """The scene as a model takes it: its bands, wavelengths and values.

    Parameters
    ----------
    sensor, trained_on
        What the model knows of the scene that it was trained on, and that scene's name, for messages.
    resample
        Interpolate the spectra linearly to the wavelengths of the model; nothing happens where they are the same.
    scale
        Multiply the values by this, as float32.
    accept_range
        Take values that are unlike those of the training.

    Raises
    ------
    HsiError
        Other bands or wavelengths, values beyond what the model has seen, or a scene that is the same
        everywhere or holds no data.
    """
    if scene.nominal:
        scene = replace(scene, wavelengths=None)
    fitting = _with_bands_of(scene, sensor)
    if resample and (fitting is None or not _same_wavelengths(fitting, sensor)):
        fitting = _resampled(scene, sensor, trained_on)
    if fitting is None:
        raise HsiError(_other_bands(scene, sensor, trained_on))
    _require_wavelengths(fitting, sensor, trained_on)
    if scale != 1:
        factor = np.float32(scale)
        fitting = _with_spectra(fitting, lambda values: values.astype(np.float32) * factor, slice(None), fitting.bands)
    values = look(fitting)
    if len(values) == 0 or (values == values[0]).all():
        raise HsiError(
            f"scene {scene.name}: all pixels are alike, or none has a value, so there is nothing to map: check file "
            "and key"
        )
    if not accept_range and sensor.quantiles is not None:
        _require_range(values, sensor, scale, scene.name, trained_on)
    return fitting


def _with_bands_of(scene: Scene, sensor: Sensor) -> Scene | None:
    """The scene with those bands of its files that the model was trained with; None where it does not have them."""
    numbers = np.arange(scene.bands) if scene.kept_bands is None else scene.kept_bands
    wanted = np.arange(sensor.bands) if sensor.kept_bands is None else sensor.kept_bands
    if (scene.file_bands or scene.bands) != (sensor.file_bands or sensor.bands):  # files of another layout
        return scene if scene.bands == sensor.bands else None
    if not np.isin(wanted, numbers).all():
        return None
    if len(wanted) == len(numbers):
        return scene
    places = np.searchsorted(numbers, wanted)
    return replace(
        scene,
        cube=select_bands(scene.cube, places),
        wavelengths=None if scene.wavelengths is None else scene.wavelengths[places],
        fwhm=None if scene.fwhm is None else scene.fwhm[places],
        rgb_bands=_nearest(scene.rgb_bands, places),
        kept_bands=wanted,
        file_bands=sensor.file_bands or sensor.bands,
        notes=(*scene.notes, f"{len(wanted)} of its {len(numbers)} bands are used, those that the model takes."),
    )


def _nearest(rgb: tuple[int, int, int] | None, kept: np.ndarray) -> tuple[int, int, int] | None:
    """Where bands for red, green and blue, or those beside them, stand among the bands that are kept."""
    if rgb is None:
        return None
    red, green, blue = (int(np.abs(kept - band).argmin()) for band in rgb)
    return red, green, blue


def _other_bands(scene: Scene, sensor: Sensor, trained_on: str) -> str:
    both = scene.wavelengths is not None and sensor.wavelengths is not None
    advice = "interpolate its spectra with resample=true" if both else "predict scenes of the same sensor and bands"
    if scene.bands != sensor.bands:
        return (
            f"scene {scene.name} has {scene.bands} bands, the model was trained on {sensor.bands} ({trained_on}): "
            f"{advice}"
        )
    return (
        f"scene {scene.name} was read with other bands of its files than those that the model was trained on "
        f"({trained_on}): {advice if both else 'leave out the same bands'}"
    )


def _same_wavelengths(scene: Scene, sensor: Sensor) -> bool:
    found, wanted = scene.wavelengths, sensor.wavelengths
    return found is not None and wanted is not None and np.allclose(found, wanted, rtol=0, atol=ROUNDING)


def half_widths(sensor: Sensor) -> np.ndarray:
    """Half the width of each band, (bands,) float64 in nm; its width is its fwhm, else how far its neighbour is."""
    assert sensor.wavelengths is not None
    distances = np.abs(np.diff(sensor.wavelengths))
    if len(distances) == 0:
        spacing = np.full(1, LONE_WIDTH)
    else:
        spacing = np.minimum(np.append(distances, np.inf), np.append(np.inf, distances))
    if sensor.fwhm is not None:
        spacing = np.where(sensor.fwhm > 0, sensor.fwhm, spacing)
    return spacing / 2


def _require_wavelengths(scene: Scene, sensor: Sensor, trained_on: str) -> None:
    """Raise HsiError where a band lies more than half its width from that of the training."""
    if sensor.wavelengths is None or scene.wavelengths is None:
        return
    apart = np.abs(scene.wavelengths - sensor.wavelengths)
    beyond = ~(apart <= half_widths(sensor) + ROUNDING)  # so that NaN lies beyond
    if not beyond.any():
        return
    band = int(np.argmax(beyond))
    place = scene.wavelengths[band]
    advice = (
        "interpolate its spectra with resample=true"
        if np.isfinite(scene.wavelengths).all()
        else "give its wavelengths with scene.wavelengths="
    )
    raise HsiError(
        f"scene {scene.name}: band {band} lies at {place:.0f} nm, the model was trained with "
        f"{sensor.wavelengths[band]:.0f} nm there ({trained_on}), which is more than half a band away: {advice}"
    )


def interpolation(found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The matrix (bands in, bands out) float32 by which spectra at wavelengths `found` are taken to those `wanted`.

    Linear between the two nearest wavelengths, constant beyond the ends, as `numpy.interp` does; `found` may come in
    any order.
    """
    order = np.argsort(found, kind="stable")
    matrix = np.empty((len(found), len(wanted)))
    for place, unit in zip(order, np.eye(len(found)), strict=True):
        matrix[place] = np.interp(wanted, found[order], unit)
    return matrix.astype(np.float32)


def _resampled(scene: Scene, sensor: Sensor, trained_on: str) -> Scene:
    """The scene at the wavelengths of the model; HsiError where they are not known or lie outside its own."""
    if scene.wavelengths is None or sensor.wavelengths is None:
        lacking = (
            f"scene {scene.name} has none: give scene.wavelengths="
            if scene.wavelengths is None
            else (f"those of the model are not known ({trained_on}): leave it out")
        )
        raise HsiError(f"resample=true needs wavelengths on both sides, and {lacking}")
    low, high = scene.wavelengths.min(), scene.wavelengths.max()
    outside = np.maximum(low - sensor.wavelengths, sensor.wavelengths - high)
    beyond = ~(outside <= half_widths(sensor) + ROUNDING)
    if beyond.any():
        raise HsiError(
            f"scene {scene.name} reaches from {low:.0f} to {high:.0f} nm, the model was trained on "
            f"{sensor.wavelengths[int(np.argmax(beyond))]:.0f} nm too ({trained_on}): its spectra cannot be resampled, "
            "train a model on bands that both have"
        )
    matrix = interpolation(scene.wavelengths, sensor.wavelengths)
    used = np.flatnonzero(matrix.any(axis=1))
    weights = matrix[used]
    rgb = scene.rgb_bands and tuple(
        int(np.abs(sensor.wavelengths - scene.wavelengths[band]).argmin()) for band in scene.rgb_bands
    )
    return replace(
        _with_spectra(scene, lambda values: values[..., used].astype(np.float32) @ weights, used, sensor.bands),
        wavelengths=sensor.wavelengths,
        fwhm=sensor.fwhm,
        rgb_bands=rgb,  # type: ignore[arg-type]
        kept_bands=None,
        file_bands=None,
        notes=(*scene.notes, f"Its {scene.bands} bands are interpolated to the {sensor.bands} of the model."),
    )


def _with_spectra(
    scene: Scene, change: Callable[[np.ndarray], np.ndarray], used: np.ndarray | slice, bands: int
) -> Scene:
    """The scene with changed spectra, float32; pixels that hold no data in the bands `used` are NaN."""
    nodata = scene.nodata

    def change_data(values: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", over="ignore"):
            new = change(values)
        lost = is_missing(values[..., used], nodata).any(axis=2)
        if values.shape[2] >= LEAST_BANDS:  # a margin that was filled
            lost |= (values == values[..., :1]).all(axis=2)
        new[lost] = np.nan
        return new

    cube: Cube
    if isinstance(scene.cube, LazyCube):
        cube = changed(scene.cube, change_data, bands, np.float32)
    else:
        cube = np.empty((scene.rows, scene.cols, bands), dtype=np.float32)
        for row in range(scene.rows):
            cube[row] = change_data(scene.cube[row : row + 1])[0]
    return replace(scene, cube=cube, nodata=None)


def _require_range(values: np.ndarray, sensor: Sensor, scale: float, name: str, trained_on: str) -> None:
    """Raise HsiError where too many of the pixels (N, bands) are unlike those of the training; remark on fewer."""
    beyond = _beyond(values, sensor)
    pixels = _share_of_pixels(beyond)
    if pixels > MOST_BEYOND:
        raise HsiError(
            f"scene {name}: {100 * pixels:.0f} % of its pixels lie beyond the values that the model was trained on "
            f"({trained_on}) in most of their bands: {_advice(values, sensor, scale)}"
        )
    if (within := 1 - beyond.mean()) < LEAST_WITHIN:
        reverse = (1 - _beyond(values[:, ::-1], sensor).mean()) >= LEAST_WITHIN
        log.warning(
            "Only %.0f %% of the values of scene %s lie in the range of the training scene %s: %s.",
            *(100 * within, name, trained_on),
            "its bands seem to come in reverse order" if reverse else "trust its map less",
        )


def _advice(values: np.ndarray, sensor: Sensor, scale: float) -> str:
    """What would bring values (N, bands) into the range of the training."""
    shares = {factor: _share_of_pixels(_beyond(values * factor, sensor)) for factor in SCALES}
    factor = min(shares, key=lambda factor: shares[factor])
    if shares[factor] <= MOST_BEYOND:
        return f"multiplied by {factor:g} they would fit, so give scale={scale * factor:g}"
    if _share_of_pixels(_beyond(values[:, ::-1], sensor)) <= MOST_BEYOND:
        return "with its bands in reverse order it would fit, so reverse them in the file"
    assert sensor.quantiles is not None
    middle = sensor.quantiles[1]
    remark = ""
    if middle.any():
        ratio = np.median(np.median(values, axis=0)[middle != 0] / middle[middle != 0])
        remark = f"they are about {ratio:.2g} times as large; "
    return f"{remark}check unit and calibration, or map it all the same with accept_range=true"


def _beyond(values: np.ndarray, sensor: Sensor) -> np.ndarray:
    """Which values (N, bands) lie beyond the range of the training."""
    assert sensor.quantiles is not None
    return (values < sensor.quantiles[0]) | (values > sensor.quantiles[-1])


def _share_of_pixels(beyond: np.ndarray) -> float:
    """Share of pixels that lie beyond in most of their bands."""
    return float((beyond.mean(axis=1) > MOST_BANDS_BEYOND).mean())

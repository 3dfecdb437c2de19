"""A generated scene for tests and trials without data; used only when asked for (scene=synthetic)."""

import numpy as np
from scipy.ndimage import gaussian_filter

from hsi.config.values import Count, Name, NotNegative, Seed
from hsi.errors import HsiError
from hsi.scene import Scene
from hsi.scenes.assemble import from_arrays

LARGEST = 10**9  # values of any array on the way, 8 GB
FULL_SCALE = 8000.0  # digital number of reflectance 1, so that the values resemble a calibrated AVIRIS product


def make_synthetic(
    name: Name = "synthetic",
    rows: Count = 64,
    cols: Count = 64,
    bands: Count = 60,
    classes: Count = 6,
    seed: Seed = 0,
    noise: NotNegative = 0.02,
) -> Scene:
    """Generate irregular fields of several classes with unlabelled ground between them.

    A pixel mixes the materials around it (mixed borders); the light varies smoothly; the sensor adds noise.
    The same arguments give the same scene.

    Parameters
    ----------
    name
        of the scene.
    rows
        of the cube.
    cols
        of the cube.
    bands
        of the cube, evenly over 400-2500 nm.
    classes
        number of classes; each has at least two fields where the scene has room for that.
    seed
        of everything random here.
    noise
        standard deviation of the sensor noise, as a share of the scene's mean signal.

    Returns
    -------
    Scene with a (rows, cols, bands) uint16 cube and wavelengths.

    Raises HsiError: too little room for the classes, or a scene too large to be made in memory.
    """
    fields = max(rows * cols // 300, classes)
    if max(rows * cols * max(bands, 2 * fields), 6 * classes * bands) > LARGEST:
        raise HsiError(
            f"scene {name}: {rows} x {cols} pixels, {bands} bands and {classes} classes are more than is generated in "
            "memory: make it smaller."
        )
    rng = np.random.default_rng(seed)
    labels = _fields(rng, rows, cols, classes)
    if len(np.unique(labels[labels > 0])) < classes:
        raise HsiError(f"scene {name}: {rows} x {cols} pixels are too few for {classes} classes: enlarge the scene.")
    wavelengths = np.linspace(400.0, 2500.0, bands)
    spectra = _spectra(rng, wavelengths, classes + 1)  # material 0 is the ground between the fields
    # the sensor's blur mixes neighbouring materials: abundances (rows, cols, classes + 1) that sum to 1
    abundances = np.stack([gaussian_filter((labels == value) * 1.0, 0.7) for value in range(classes + 1)], axis=2)
    light = 1 + 0.1 * _smooth(rng, rows, cols, width=8)
    signal = FULL_SCALE * light[:, :, None] * (abundances @ spectra)
    signal += rng.normal(scale=noise * signal.mean(), size=signal.shape)
    rgb = [int(np.abs(wavelengths - centre).argmin()) for centre in (860, 660, 560)]  # vegetation shows red
    cube = np.clip(signal.round(), 0, 65535).astype(np.uint16)
    return from_arrays(cube, labels, name=name, rgb_bands=rgb, wavelengths=wavelengths)


def _smooth(rng: np.random.Generator, rows: int, cols: int, width: float) -> np.ndarray:
    """Return a smooth random field (rows, cols) of standard deviation 1."""
    field = gaussian_filter(rng.normal(size=(rows, cols)), width, mode="reflect")
    field -= field.mean()
    return field / (field.std() or 1.0)


def _fields(rng: np.random.Generator, rows: int, cols: int, classes: int) -> np.ndarray:
    """Return labels (rows, cols): cells around scattered centres, the strips between cells 0."""
    # about 300 pixels a field, but two fields a class as long as 25 pixels are left for each
    wanted = max(rows * cols // 300, min(2 * classes, rows * cols // 25), classes)
    down = max(1, round(np.sqrt(wanted * rows / cols)))
    across = -(-wanted // down)
    grid = np.stack(np.meshgrid(np.arange(down), np.arange(across), indexing="ij"), axis=-1).reshape(-1, 2)
    centres = (grid + 0.5 + rng.uniform(-0.3, 0.3, grid.shape)) * (rows / down, cols / across)
    # all classes twice, then the early ones more often: real scenes are never balanced
    favour = 1 / np.arange(1, classes + 1)
    extra = rng.choice(np.arange(1, classes + 1), max(0, len(grid) - 2 * classes), p=favour / favour.sum())
    values = rng.permutation(np.concatenate([np.tile(np.arange(1, classes + 1), 2), extra])[: len(grid)])
    # distances to the centres, from positions that are displaced smoothly: borders come out curved
    place = np.stack(np.meshgrid(np.arange(rows), np.arange(cols), indexing="ij"), axis=-1) + 0.5
    place = place + 1.5 * np.stack([_smooth(rng, rows, cols, 4), _smooth(rng, rows, cols, 4)], axis=-1)
    distances = np.linalg.norm(place[:, :, None, :] - centres, axis=3)
    nearest, second = np.moveaxis(np.partition(distances, 1, axis=2)[:, :, :2], 2, 0) if len(grid) > 1 else (0, np.inf)
    return np.where(second - nearest > 2, values[distances.argmin(axis=2)], 0)


def _spectra(rng: np.random.Generator, wavelengths: np.ndarray, materials: int) -> np.ndarray:
    """Return reflectances (materials, bands), 0.02..0.9: a sloping base with smooth absorptions and peaks."""
    position = (wavelengths - 400) / 2100
    base = rng.uniform(0.25, 0.5, (materials, 1)) + rng.uniform(-0.15, 0.15, (materials, 1)) * position
    centres = rng.uniform(400, 2500, (materials, 6, 1))
    widths = rng.uniform(60, 300, (materials, 6, 1))
    depths = rng.uniform(-0.18, 0.12, (materials, 6, 1))
    features = (depths * np.exp(-0.5 * ((wavelengths - centres) / widths) ** 2)).sum(axis=1)
    # water vapour takes its share of every material's light
    vapour = sum(np.exp(-0.5 * ((wavelengths - centre) / 45) ** 2) for centre in (1400, 1900))
    return np.clip((base + features) * (1 - 0.7 * vapour), 0.02, 0.9)

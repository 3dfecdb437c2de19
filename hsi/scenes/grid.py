"""Where the pixels of a variable lie, by the netCDF Climate and Forecast conventions, version 1.11, section 5.6.

Attributes `crs_wkt` or `spatial_ref`, and `GeoTransform` in GDAL's order, as GDAL and rioxarray write them.
"""

import numpy as np

from hsi.georeference import Georeference, Transform
from hsi.scenes.variables import Attributes, Store, numbers, text

REGULAR = 1e-3  # of a step, what coordinates may differ from a regular grid


def grid_of(store: Store, name: str, axes: tuple[int, int]) -> tuple[Georeference | None, tuple[str, ...]]:
    """The georeference of a variable whose rows and columns are `axes`, and what is to be said about it."""
    mapping = _mapping(store, name)
    transform = gdal_transform(_six(mapping))
    coordinates = [store.variables[name].coordinates[axis] for axis in axes]
    y, x = (_coordinates(store, coordinate) for coordinate in coordinates)
    if x is not None and y is not None:
        from_coordinates = _transform(x, y)
        if from_coordinates is None:
            return None, (f"{store.path.name}: the coordinates of rows and columns are no regular grid; not used",)
        # GDAL stores images from the bottom upwards beside a GeoTransform that says the opposite
        if transform is None or not _agree(transform, from_coordinates):
            transform = from_coordinates
    if transform is None:
        return None, ()
    crs = text(mapping, "crs_wkt") or text(mapping, "spatial_ref") or _from_parameters(mapping)
    notes = []
    if transform[4] > 0 and transform[1] == transform[3] == 0:
        notes.append(f"{store.path.name}: the rows run from south to north, as the file has them")
    units = [text(store.attributes(coordinate), "units").lower() for coordinate in coordinates if coordinate]
    if not crs and len(units) == 2 and all(unit.startswith("degree") for unit in units):
        crs = "EPSG:4326"
        notes.append(f"{store.path.name}: longitudes and latitudes are taken as WGS 84")
    return Georeference(transform, crs or None), tuple(notes)


def gdal_transform(values: np.ndarray) -> Transform | None:
    """From the six numbers of a transform in GDAL's order to those of `hsi.georeference.Georeference`."""
    if len(values) != 6 or not np.isfinite(values).all() or values[1] * values[5] == values[2] * values[4]:
        return None
    x, a, b, y, d, e = (float(value) for value in values)
    return a, b, x, d, e, y


def _six(mapping: Attributes) -> np.ndarray:
    for key in ("GeoTransform", "geotransform"):
        if words := text(mapping, key).replace(",", " ").split():
            return numbers({key: words}, key)
        if len(found := numbers(mapping, key)):
            return found
    return np.empty(0)


def _mapping(store: Store, name: str) -> Attributes:
    """Attributes of the grid mapping variable, looked for from the variable's own group upwards."""
    called = text(store.attributes(name), "grid_mapping").partition(":")[0].split()
    if len(called) != 1:
        return {}
    place = name.rpartition("/")[0]
    while True:
        candidate = f"{place}/{called[0]}".strip("/")
        if candidate in store.variables:
            return store.attributes(candidate)
        if not place:
            return {}
        place = place.rpartition("/")[0]


def _coordinates(store: Store, name: str) -> np.ndarray | None:
    values = store.vector(name)
    return values if values is not None and len(values) > 1 else None


def _transform(x: np.ndarray, y: np.ndarray) -> Transform | None:
    """From coordinates of the middles of pixels; None unless they are regular."""
    steps = [_step(values) for values in (x, y)]
    if steps[0] is None or steps[1] is None:
        return None
    return steps[0], 0.0, float(x[0]) - steps[0] / 2, 0.0, steps[1], float(y[0]) - steps[1] / 2


def _step(values: np.ndarray) -> float | None:
    step = (values[-1] - values[0]) / (len(values) - 1)
    regular = values[0] + step * np.arange(len(values))
    is_one = np.isfinite(step) and step != 0 and (np.abs(values - regular) <= REGULAR * abs(step)).all()
    return float(step) if is_one else None


def _agree(one: Transform, other: Transform) -> bool:
    """Whether two transforms put the first pixel at the same place, to half a pixel, and step in the same direction."""
    a, _, c, _, e, f = other
    near = abs(one[2] - c) <= abs(a) / 2 and abs(one[5] - f) <= abs(e) / 2
    return near and np.allclose([one[0], one[4]], [a, e], rtol=REGULAR) and one[1] == one[3] == 0


def _from_parameters(mapping: Attributes) -> str:
    """WKT of a grid mapping that is given by its parameters alone, '' where that is unknown here."""
    if not text(mapping, "grid_mapping_name"):
        return ""
    try:
        from pyproj import CRS
    except ImportError:
        return ""
    try:
        plain = {key: value.tolist() if isinstance(value, np.generic) else value for key, value in mapping.items()}
        return str(CRS.from_cf(plain | {"grid_mapping_name": text(mapping, "grid_mapping_name")}).to_wkt())
    except Exception:  # parameters that make no system, or a projection that pyproj does not know
        return ""

"""Layers of polygons and points with a class each, as GIS programs write them, read by geopandas."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from hsi.config.nearest import suggest
from hsi.errors import HsiError, NotInstalled, shown
from hsi.scenes.formats import translated_faults
from hsi.scenes.labels import LARGEST
from hsi.scenes.limits import require_held

# How the files begin: GDAL goes by the content, and would follow what a foreign file points to
STARTS = {".gpkg": b"SQLite format 3\0", ".shp": b"\0\0\x27\x0a", ".fgb": b"fgb", ".geojson": b"{", ".json": b"{"}
BESIDE_SHAPES = (".shx", ".dbf", ".prj", ".cpg")
LONGEST_NAME = 80  # characters of a class name
MOST_LISTED = 10  # features that a sentence names


@dataclass(frozen=True, eq=False)
class Layer:
    """The features of a layer.

    Parameters
    ----------
    geometries
        (N,) of shapely, None where there is none.
    features
        (N,) int64, the numbers that the file, and a GIS, knows them by.
    values
        (N,) int64, the label value of each; 0 for those without a class.
    classes
        label value -> (name, None), where the classes are texts; or None.
    crs
        a `pyproj.CRS`, or None where the file names none.
    files
        all files read.
    """

    geometries: np.ndarray
    features: np.ndarray
    values: np.ndarray
    classes: dict[int, tuple[str, str | None]] | None
    crs: Any
    files: tuple[Path, ...]


def read_layer(path: Path, key: str | None = None, field: str | None = None) -> Layer:
    """Read a GeoPackage, GeoJSON file, shapefile or FlatGeobuf.

    Parameters
    ----------
    key
        the layer's name in a GeoPackage; None takes the only one.
    field
        the column of the classes; None takes the only one. Whole numbers, also those that are written as text, are
        label values as they are; other texts are classes 1, 2, 3... in alphabetical order. 0, nothing, blanks and NaN
        mean no class.

    Raises
    ------
    HsiError
        Missing, damaged or foreign file; no such layer or column, or several to choose from; classes that are
        fractions or dates. NotInstalled: no geopandas.
    """
    geopandas = library()
    with translated_faults(path):
        _require_start(path)
        if STARTS[path.suffix.lower()] == b"{":
            _require_no_link(path)
        key = _layer_name(geopandas, path, key)
        _require_features(path, key)
        table = geopandas.read_file(path, layer=key, engine="pyogrio", fid_as_index=True, on_invalid="ignore")
    if not isinstance(table, geopandas.GeoDataFrame):
        raise HsiError(f"{path} is a table without geometry: give a layer of polygons or points")
    column = _column(path, [name for name in table.columns if name != table.geometry.name], field)
    values, classes = _classes(path, table[column])
    beside = [path.with_suffix(end) for end in BESIDE_SHAPES] if path.suffix.lower() == ".shp" else []
    return Layer(
        np.asarray(table.geometry.array, dtype=object),
        table.index.to_numpy().astype(np.int64),
        values,
        classes,
        table.crs,
        (path, *(file for file in beside if file.is_file())),
    )


def library() -> ModuleType:
    """Import geopandas; NotInstalled says what is missing."""
    try:
        import geopandas
    except ImportError as error:
        raise NotInstalled(
            'polygons and points as labels need the package geopandas: pip install "hsi[geo]"'
        ) from error
    return geopandas


def listed(features: Iterable[int]) -> str:
    """'feature 3', 'features 3, 5 and 8', or the first ten and how many more there are."""
    numbers = sorted({int(number) for number in features})
    first, more = [str(number) for number in numbers[:MOST_LISTED]], len(numbers) - MOST_LISTED
    if len(numbers) == 1:
        return f"feature {first[0]}"
    if more > 0:
        return f"features {', '.join(first)} and {more:,} more"
    return f"features {', '.join(first[:-1])} and {first[-1]}"


def _require_start(path: Path) -> None:
    start = STARTS[path.suffix.lower()]
    with path.open("rb") as stream:
        found = stream.read(64).removeprefix(b"\xef\xbb\xbf")
    if not (found.lstrip() if start == b"{" else found).startswith(start):
        raise HsiError(
            f"{path} does not begin as a {path.suffix} file does: it is damaged or of another format, save the layer "
            "again as GeoPackage"
        )


def _require_no_link(path: Path) -> None:
    """Raise HsiError for GeoJSON that names a coordinate reference system by an address: GDAL would fetch it."""

    def look(pairs: list[tuple[str, Any]]) -> tuple[tuple[str, Any], ...]:
        for name, value in pairs:
            if name.lower() == "crs" and isinstance(value, tuple) and "link" in {str(of).lower() for _, of in value}:
                raise HsiError(
                    f"{path} names its coordinate reference system by a link, which is not followed: save the layer "
                    "again as GeoPackage"
                )
        return tuple(pairs)

    json.loads(path.read_text("utf-8-sig", errors="replace"), object_pairs_hook=look)


def _require_features(path: Path, key: str | None) -> None:
    """Raise HsiError for a layer of more features than its file has bytes: memory is taken for as many as it says."""
    import pyogrio  # type: ignore[import-untyped]  # which geopandas reads by

    stated = pyogrio.read_info(path, layer=key)["features"]
    require_held(path, (max(0, stated),), np.dtype(np.uint8), packed=False, name="features")


def _layer_name(geopandas: ModuleType, path: Path, key: str | None) -> str | None:
    """The layer to read: of a GeoPackage by its name, of the others the only one they have."""
    if path.suffix.lower() != ".gpkg":
        if key is not None:
            raise HsiError(f"{path} holds a single layer, so scene.labels_key={shown(key)} means nothing: leave it out")
        return None
    layers = geopandas.list_layers(path)
    names = [str(name) for name, kind in zip(layers["name"], layers["geometry_type"], strict=True) if kind is not None]
    if not names:
        raise HsiError(f"{path} holds no layer with geometry: give a layer of polygons or points")
    there = ", ".join(shown(name) for name in names[:MOST_LISTED])
    if key is not None:
        if key not in names:
            raise HsiError(f"{path} has no layer scene.labels_key={shown(key)}: choose one of {there}")
        return key
    if len(names) > 1:
        raise HsiError(f"{path} holds {len(names)} layers ({there}): choose one, such as scene.labels_key={names[0]}")
    return names[0]


def _column(path: Path, columns: list[str], field: str | None) -> str:
    there = ", ".join(shown(name) for name in columns[: 2 * MOST_LISTED])
    if not columns:
        raise HsiError(f"{path} has no column beside the geometry: add one that holds the class of each feature")
    if field is None:
        if len(columns) > 1:
            raise HsiError(
                f"{path} has the columns {there}: say which one holds the classes, such as "
                f"scene.label_field={shown(columns[-1])}"
            )
        return columns[0]
    if field not in columns:
        raise HsiError(
            f"{path} has no column scene.label_field={shown(field)}, {suggest(field, columns)}: it has {there}"
        )
    return field


def _classes(path: Path, column: pd.Series) -> tuple[np.ndarray, dict[int, tuple[str, str | None]] | None]:
    """Label values (N,) int64, 0 for no class, and the names of the classes where they are texts."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        known = np.where(np.isnan(numbers), 0, numbers)
        if not (np.isfinite(known).all() and (known == np.round(known)).all() and (np.abs(known) < LARGEST).all()):
            odd = known[(known != np.round(known)) | (np.abs(known) >= LARGEST)][0]
            raise HsiError(
                f"{path}: column {shown(column.name)} holds {odd:g}, and classes are whole numbers or texts: choose "
                "another column with scene.label_field="
            )
        return known.astype(np.int64), None
    given = column.dropna()
    if not given.map(lambda value: isinstance(value, str)).all():
        raise HsiError(
            f"{path}: column {shown(column.name)} holds neither numbers nor texts: choose another column with "
            "scene.label_field="
        )
    texts = [shown(value, LONGEST_NAME) if isinstance(value, str) else "" for value in column]
    if all(re.fullmatch(r"[+-]?[0-9]{1,15}", text) for text in texts if text):
        return np.array([int(text or 0) for text in texts], dtype=np.int64), None
    names = sorted({*texts} - {"", "0"}, key=lambda name: (name.casefold(), name))
    numbered = {name: number for number, name in enumerate(names, 1)}
    values = np.array([numbered.get(text, 0) for text in texts], dtype=np.int64)
    return values, {number: (name, None) for name, number in numbered.items()}

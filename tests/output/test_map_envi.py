"""ENVI classification files, read back by GDAL, by spectral and by the project itself."""

import logging
import sys

import numpy as np
import pytest
import spectral.io.envi
from maps_made import COLOURS, NAMES, OWN, PLACE, TURNED, UPRIGHT, made_map, names_in

from hsi.errors import HsiError
from hsi.georeference import Georeference
from hsi.output.envi import write_envi
from hsi.scenes.envi import read_envi

rasterio = pytest.importorskip("rasterio")

SYSTEMS = ["EPSG:32616", "EPSG:32733", "EPSG:26910", "EPSG:4326", "EPSG:4269", "EPSG:3035", "EPSG:2277", OWN]


def header_of(path) -> dict:
    return spectral.io.envi.read_envi_header(path.with_suffix(".hdr"))


@pytest.mark.parametrize("transform", [UPRIGHT, TURNED, (3.0, 0, 7.0, 0, -2.5, 9.0)])
@pytest.mark.parametrize("crs", SYSTEMS)
def test_gdal_reads_the_place_colours_and_names(tmp_path, crs, transform):
    class_map = made_map(90, 70)
    path = tmp_path / "map_envi.dat"
    assert [each.name for each in write_envi(path, class_map, Georeference(transform, crs), NAMES, COLOURS)] == [
        "map_envi.dat",
        "map_envi.hdr",
    ]
    with rasterio.open(path) as file:
        assert file.driver == "ENVI"
        assert file.crs == rasterio.crs.CRS.from_user_input(crs)
        np.testing.assert_allclose(tuple(file.transform)[:6], transform, rtol=1e-12, atol=1e-9)
        assert file.nodata == 0
        np.testing.assert_array_equal(file.read(1), class_map)
        colours = file.colormap(1)
    assert [colours[value][:3] for value in range(1, 5)] == [tuple(bytes.fromhex(each[1:])) for each in COLOURS]
    assert names_in(path) == ["Unclassified", NAMES[0], NAMES[1], NAMES[2].replace(",", ";"), NAMES[3]]


@pytest.mark.parametrize(("classes", "dtype"), [(4, np.uint8), (300, np.uint16)])
def test_spectral_and_our_own_reader_agree(tmp_path, classes, dtype):
    names, colours = [f"class {n}" for n in range(classes)], [f"#{n:06x}" for n in range(classes)]
    class_map = made_map(90, 70, classes, dtype)
    path = tmp_path / "map_envi.dat"
    write_envi(path, class_map, PLACE, names, colours)
    image = spectral.io.envi.open(path.with_suffix(".hdr"), path)
    np.testing.assert_array_equal(image.read_band(0), class_map)
    assert np.dtype(image.dtype) == dtype
    header = header_of(path)
    assert header["file type"] == "ENVI Classification"
    assert header["class names"] == ["Unclassified", *names]
    assert header["classes"] == str(classes + 1)
    assert list(map(int, header["class lookup"])) == [0, 0, 0, *np.ravel([list(bytes.fromhex(c[1:])) for c in colours])]
    raster = read_envi(path.with_suffix(".hdr"))
    np.testing.assert_array_equal(np.squeeze(raster.load()), class_map)
    assert raster.nodata == 0


def test_utm_stands_there_as_envi_has_it(tmp_path):
    write_envi(tmp_path / "map.dat", made_map(5, 5), PLACE, NAMES, COLOURS)
    expected = ["UTM", "1", "1", "500000.0", "4500000.0", "20.0", "20.0", "16", "North", "WGS-84", "units=Meters"]
    assert header_of(tmp_path / "map.dat")["map info"] == expected


def test_the_rotation_is_the_angle_of_a_row(tmp_path):
    """Along a row of TURNED the map goes 12 m east and 16 m north: 53.13 degrees counterclockwise."""
    write_envi(tmp_path / "map.dat", made_map(5, 5), Georeference(TURNED, "EPSG:32616"), NAMES, COLOURS)
    rotation = header_of(tmp_path / "map.dat")["map info"][-1]
    assert float(rotation.removeprefix("rotation=")) == pytest.approx(np.degrees(np.arctan2(16, 12)))


@pytest.mark.parametrize(
    "transform", [(20, 5, 0, 0, -20, 0), (20, 0, 0, 0, 20, 0), (-20, 0, 0, 0, 20, 0), (np.nan, 0, 0, 0, -1, 0)]
)
def test_pixels_that_a_header_cannot_describe(tmp_path, transform, caplog):
    with caplog.at_level(logging.WARNING):
        write_envi(tmp_path / "map.dat", made_map(5, 5), Georeference(transform, "EPSG:32616"), NAMES, COLOURS)
    assert "map info" not in header_of(tmp_path / "map.dat")
    assert "gets no georeference" in caplog.text


@pytest.mark.parametrize("georeference", [None, Georeference(UPRIGHT), Georeference(UPRIGHT, "nonsense")])
def test_without_a_crs(tmp_path, georeference):
    write_envi(tmp_path / "map.dat", made_map(5, 5), georeference, NAMES, COLOURS)
    header = header_of(tmp_path / "map.dat")
    assert "coordinate system string" not in header
    assert ("map info" in header) == (georeference is not None)


@pytest.mark.parametrize(
    ("crs", "name", "wkt"),
    [("EPSG:32633", "UTM", False), ("EPSG:4326", "Geographic Lat/Lon", False), (OWN, "Lambert Azimuthal", True)],
)
def test_without_rasterio_what_is_known_is_written(tmp_path, crs, name, wkt, monkeypatch):
    monkeypatch.setitem(sys.modules, "rasterio", None)
    write_envi(tmp_path / "map.dat", made_map(5, 5), Georeference(UPRIGHT, crs), NAMES, COLOURS)
    monkeypatch.undo()
    assert header_of(tmp_path / "map.dat")["map info"][0].startswith(name)
    assert ("coordinate system string" in header_of(tmp_path / "map.dat")) == wkt
    with rasterio.open(tmp_path / "map.dat") as file:
        assert file.crs == rasterio.crs.CRS.from_user_input(crs)


def test_names_that_would_break_a_header(tmp_path):
    names = ["a, b", "{c}", "bands = 7\nlines = 3", "; d"]
    write_envi(tmp_path / "map.dat", made_map(5, 6), PLACE, names, COLOURS)
    header = header_of(tmp_path / "map.dat")
    assert header["class names"] == ["Unclassified", "a; b", "(c)", "bands = 7 lines = 3", "; d"]
    assert (header["lines"], header["samples"], header["bands"]) == ("5", "6", "1")


def test_a_class_without_a_name_is_refused_and_nothing_is_left(tmp_path):
    with pytest.raises(HsiError, match="its 3 classes are 1 to 3"):
        write_envi(tmp_path / "map.dat", made_map(), PLACE, NAMES[:3], COLOURS[:3])
    assert list(tmp_path.iterdir()) == []

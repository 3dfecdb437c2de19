"""All files of a georeferenced map by one call, whatever is missing."""

import errno
import logging
import sys
from pathlib import Path

import numpy as np
import pytest
from maps_made import COLOURS, NAMES, PLACE, UPRIGHT, made_map

from hsi.errors import HsiError
from hsi.evaluation.ground import read_crs
from hsi.georeference import Georeference
from hsi.output.gis import write_all
from hsi.scenes.formats import read_raster

rasterio = pytest.importorskip("rasterio")

WITHOUT_RASTERIO = ["map_envi.dat", "map_envi.hdr", "map.qml", "legend.txt"]
EVERYTHING = [*WITHOUT_RASTERIO, "map.tif", "map.tif.aux.xml", "confidence.tif"]


def confidence_of(class_map: np.ndarray) -> np.ndarray:
    return np.where(class_map, np.float32(0.75), np.float32(np.nan))


def content(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_georeferenced_map_gets_everything(tmp_path):
    class_map = made_map()
    found = write_all(tmp_path, class_map, confidence_of(class_map), NAMES, COLOURS, PLACE)
    assert found == EVERYTHING
    assert set(content(tmp_path)) == set(EVERYTHING)
    with rasterio.open(tmp_path / "map.tif") as first, rasterio.open(tmp_path / "map_envi.dat") as second:
        np.testing.assert_array_equal(first.read(1), second.read(1))
        assert (first.crs, first.transform, first.nodata) == (second.crs, second.transform, second.nodata)


def test_our_own_readers_take_them_for_labels(tmp_path):
    class_map = made_map()
    write_all(tmp_path, class_map, None, NAMES, COLOURS, PLACE)
    for name, separator in (("map.tif", ","), ("map_envi.hdr", ";"), ("map_envi.dat", ";")):
        raster = read_raster(tmp_path / name)
        np.testing.assert_array_equal(np.squeeze(raster.load()), class_map)
        assert raster.georeference.transform == PLACE.transform
        assert read_crs(raster.georeference.crs) == read_crs(PLACE.crs)
        assert raster.nodata == 0
        named = [each.replace(",", separator) for each in NAMES]
        assert raster.classes == dict(enumerate(zip(named, COLOURS, strict=True), 1))


def test_probabilities_on_request(tmp_path):
    probabilities = np.full((30, 20, 4), 0.25, np.float16)
    found = write_all(tmp_path, made_map(30, 20), None, NAMES, COLOURS, PLACE, probabilities)
    assert found == [*EVERYTHING[:-1], "probabilities.tif"]


def test_a_map_without_a_place_gets_nothing_and_keeps_nothing_old(tmp_path):
    class_map = made_map()
    write_all(tmp_path, class_map, confidence_of(class_map), NAMES, COLOURS, PLACE)
    (tmp_path / "map.npy").write_text("not ours")
    assert write_all(tmp_path, class_map, None, NAMES, COLOURS, None) == []
    assert set(content(tmp_path)) == {"map.npy"}


def test_twice_is_once(tmp_path):
    class_map = made_map()
    for name in ("a", "b", "b"):
        write_all(tmp_path / name, class_map, confidence_of(class_map), NAMES, COLOURS, PLACE)
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_without_rasterio_the_rest_is_written(tmp_path, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with caplog.at_level(logging.WARNING):
        found = write_all(tmp_path, made_map(), confidence_of(made_map()), NAMES, COLOURS, PLACE)
    assert found == WITHOUT_RASTERIO
    assert set(content(tmp_path)) == set(WITHOUT_RASTERIO)
    assert [record.getMessage() for record in caplog.records] == [
        'no GeoTIFF is written: GeoTIFF and areas in hectares need the package rasterio: pip install "hsi[geo]"'
    ]


def test_a_crs_that_is_none_costs_the_geotiff_alone(tmp_path, caplog):
    place = Georeference(UPRIGHT, "nonsense")
    with caplog.at_level(logging.WARNING):
        found = write_all(tmp_path, made_map(), None, NAMES, COLOURS, place)
    assert found == WITHOUT_RASTERIO
    assert "none that is known" in caplog.text


def test_a_full_disk_is_no_reason_to_go_on(tmp_path, monkeypatch):
    """A run that ended without these files would never be repeated."""

    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(HsiError, match=r"map_envi.hdr could not be written \(No space left on device\)"):
        write_all(tmp_path, made_map(), None, NAMES, COLOURS, PLACE)

"""GeoTIFFs are read back by GDAL as they were written: values, place, colours, names; and never half written."""

import resource
import shutil
import signal
import subprocess
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from maps_made import COLOURS, NAMES, OWN, PLACE, TURNED, UPRIGHT, made_map, names_in, rasterio

from hsi.errors import HsiError
from hsi.georeference import Georeference
from hsi.output.geotiff import SIDE, write_confidence, write_map, write_probabilities


@pytest.mark.parametrize("transform", [UPRIGHT, TURNED], ids=["upright", "turned"])
@pytest.mark.parametrize("crs", ["EPSG:32616", "EPSG:4326", "EPSG:3035", "EPSG:2277", OWN, None])
def test_a_map_is_read_back_as_it_was(tmp_path, crs, transform):
    class_map = made_map()
    written = write_map(tmp_path / "map.tif", class_map, Georeference(transform, crs), NAMES, COLOURS)
    assert [path.name for path in written] == ["map.tif", "map.tif.aux.xml"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["map.tif", "map.tif.aux.xml"]
    with rasterio.open(tmp_path / "map.tif") as file:
        assert file.crs == (rasterio.crs.CRS.from_user_input(crs) if crs else None)
        assert tuple(file.transform)[:6] == transform
        assert file.nodata == 0
        assert file.dtypes == ("uint8",)
        np.testing.assert_array_equal(file.read(1), class_map)
        colours = file.colormap(1)
    assert colours[0][3] == 0
    for value, colour in enumerate(COLOURS, 1):
        assert colours[value] == (*bytes.fromhex(colour[1:]), 255)
    assert names_in(tmp_path / "map.tif") == ["no data", *NAMES]


@pytest.mark.parametrize("code", [32616, 4326, 3035, 31467, 2277])
@pytest.mark.parametrize("version", ["WKT1_ESRI", "WKT1_GDAL", "WKT2_2019"])
def test_the_crs_of_any_kind_of_wkt_is_the_one_of_its_code(tmp_path, code, version):
    """Esri's, which ENVI headers have, names no codes and orders its axes in its own way."""
    crs = rasterio.crs.CRS.from_epsg(code)
    place = Georeference(UPRIGHT, crs.to_wkt(version=version))
    write_map(tmp_path / "map.tif", made_map(9, 9), place, NAMES, COLOURS)
    with rasterio.open(tmp_path / "map.tif") as file:
        assert file.crs == crs


def test_it_is_cloud_optimised_and_its_overviews_blend_no_classes(tmp_path):
    class_map = made_map(1500, 1700) // 4 * 4  # 0 and 4: whatever is blended lies between
    write_map(tmp_path / "map.tif", class_map, PLACE, NAMES, COLOURS)
    with rasterio.open(tmp_path / "map.tif") as file:
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert file.block_shapes == [(SIDE, SIDE)]
        levels = file.overviews(1)
        assert levels == [2, 4]
        for level in levels:
            assert set(np.unique(file.read(1, out_shape=(1500 // level, 1700 // level)))) <= {0, 4}


def test_more_than_255_classes(tmp_path):
    names, colours = [f"class {n}" for n in range(1, 301)], [f"#{n:06x}" for n in range(1, 301)]
    class_map = made_map(classes=300, dtype=np.uint16)
    write_map(tmp_path / "map.tif", class_map, PLACE, names, colours)
    with rasterio.open(tmp_path / "map.tif") as file:
        assert file.dtypes == ("uint16",)
        np.testing.assert_array_equal(file.read(1), class_map)
        assert file.colormap(1)[300] == (0, 1, 44, 255)
    assert names_in(tmp_path / "map.tif")[300] == "class 300"


def test_equal_maps_give_equal_bytes_whatever_holds_them(tmp_path):
    class_map = made_map()
    np.save(tmp_path / "map.npy", class_map)
    on_disk = np.load(tmp_path / "map.npy", mmap_mode="r")
    contents = []
    for number, values in enumerate((class_map, on_disk, class_map.astype(np.int64), np.asfortranarray(class_map))):
        path = tmp_path / str(number) / "map.tif"
        write_map(path, values, PLACE, NAMES, COLOURS)
        contents.append(path.read_bytes() + path.with_name("map.tif.aux.xml").read_bytes())
    assert len(set(contents)) == 1


def test_confidence_is_read_back_with_nan_as_nodata(tmp_path):
    confidence = np.random.default_rng(0).random((600, 650)).astype(np.float32)
    confidence[100:200, 50:90] = np.nan
    assert [path.name for path in write_confidence(tmp_path / "confidence.tif", confidence, PLACE)] == [
        "confidence.tif"
    ]
    with rasterio.open(tmp_path / "confidence.tif") as file:
        assert np.isnan(file.nodata)
        assert file.dtypes == ("float32",)
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        np.testing.assert_array_equal(file.read(1), confidence)
        assert file.descriptions == ("probability of the mapped class",)


def test_probabilities_are_a_band_a_class(tmp_path):
    probabilities = np.random.default_rng(0).dirichlet(np.ones(4), (150, 90)).astype(np.float16)
    probabilities[3, 4] = np.nan
    write_probabilities(tmp_path / "probabilities.tif", probabilities, PLACE, NAMES)
    with rasterio.open(tmp_path / "probabilities.tif") as file:
        assert file.descriptions == NAMES
        np.testing.assert_array_equal(np.moveaxis(file.read(), 0, 2), probabilities.astype(np.float32))


def test_names_that_would_break_a_file(tmp_path):
    names = ["</Category><Category>", "a\nb\x00\x1b[31m", "\ud800", "x" * 1000]
    write_map(tmp_path / "map.tif", made_map(20, 20), PLACE, names, COLOURS)
    assert names_in(tmp_path / "map.tif")[1:3] == ["</Category><Category>", "a b [31m"]


@pytest.mark.parametrize("value", [5, -1])
def test_a_class_without_a_name_is_refused_and_nothing_is_left(tmp_path, value):
    class_map = made_map(dtype=np.int16)
    class_map[-1, -1] = value
    with pytest.raises(HsiError, match="its 4 classes are 1 to 4"):
        write_map(tmp_path / "map.tif", class_map, PLACE, NAMES, COLOURS)
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_stays_where_writing_fails(tmp_path):
    write_map(tmp_path / "map.tif", made_map(), PLACE, NAMES, COLOURS)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(HsiError, match="is none that is known"):
        write_map(tmp_path / "map.tif", made_map(), Georeference(UPRIGHT, "nonsense"), NAMES, COLOURS)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def noise() -> np.ndarray:
    return np.random.default_rng(0).random((600, 900), dtype=np.float32)


def test_a_full_disk_is_told_in_a_sentence(tmp_path):
    with (
        pytest.raises(HsiError, match=r"confidence.tif could not be written \(.+\): free space") as caught,
        disk_of(300_000),
    ):
        write_confidence(tmp_path / "confidence.tif", noise(), PLACE)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("missing", [8, 100, 3_000, 100_000, 1_500_000, 10**9])
def test_a_disk_that_is_full_a_few_bytes_before_the_end(tmp_path, missing, monkeypatch):
    """GDAL raises no error for the last bytes of a file."""
    path = tmp_path / "confidence.tif"
    write_confidence(path, noise(), PLACE)
    size = path.stat().st_size
    path.unlink()
    copy = rasterio.shutil.copy

    def copy_to_full_disk(*args, **how):
        with disk_of(max(0, size - missing)):
            copy(*args, **how)

    monkeypatch.setattr(rasterio.shutil, "copy", copy_to_full_disk)
    with pytest.raises(HsiError, match=r"confidence.tif could not be written \(.+\): free space"):
        write_confidence(path, noise(), PLACE)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_none(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HsiError, match=r"map.tif could not be written"):
        write_map(tmp_path / "file" / "map.tif", made_map(), PLACE, NAMES, COLOURS)


def test_nothing_of_the_size_of_a_scene_is_held(tmp_path):
    shape = (6000, 2000)
    confidence = np.lib.format.open_memmap(tmp_path / "c.npy", "w+", np.float32, shape)
    class_map = np.lib.format.open_memmap(tmp_path / "m.npy", "w+", np.uint8, shape)
    tracemalloc.start()
    write_confidence(tmp_path / "confidence.tif", confidence, PLACE)
    write_map(tmp_path / "map.tif", class_map, PLACE, NAMES, COLOURS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < confidence.nbytes / 4


@pytest.mark.skipif(shutil.which("gdalinfo") is None, reason="gdal-bin is not installed")
def test_gdalinfo_shows_names_and_colours(tmp_path):
    write_map(tmp_path / "map.tif", made_map(), PLACE, NAMES, COLOURS)
    told = subprocess.run(["gdalinfo", tmp_path / "map.tif"], capture_output=True, text=True, check=True).stdout
    for value, name in enumerate(NAMES, 1):
        assert f"{value}: {name}" in told
    assert "1: 230,159,0,255" in told

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsi.errors import HsiError
from hsi.georeference import Georeference
from hsi.scenes.custom import load_custom
from hsi.scenes.formats import read_raster
from hsi.scenes.products import emit

DOWN, ACROSS, BANDS = 9, 7, 6
SCAN = np.random.default_rng(1).random((DOWN, ACROSS, BANDS), dtype=np.float32)
WAVELENGTHS = np.array([400.0, 600, 800, 1000, 1380, 2200], np.float32)
WKT = 'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0]]'
ROWS, COLS = 5, 8


def table(seed=0):
    """A lookup table, counted from 1, 0 for none: what of the scan each pixel of the map grid shows."""
    generator = np.random.default_rng(seed)
    x, y = generator.integers(1, ACROSS + 1, (ROWS, COLS)), generator.integers(1, DOWN + 1, (ROWS, COLS))
    none = generator.random((ROWS, COLS)) < 0.3
    return np.where(none, 0, x).astype(np.int32), np.where(none, 0, y).astype(np.int32)


def orthorectified(x, y):
    """As the user guide's own code does it."""
    image = np.full((ROWS, COLS, BANDS), -9999, np.float32)
    shown = (x != 0) & (y != 0)
    image[shown] = SCAN[y[shown] - 1, x[shown] - 1]
    return image


def write(path, tables=None, name="reflectance", **layout):
    x, y = table() if tables is None else tables
    with h5py.File(path, "w") as file:
        file.attrs["geotransform"] = [-116.0, 0.0005, 0.0, 33.5, 0.0, -0.0006]  # in GDAL's order
        file.attrs["spatial_ref"] = WKT
        file.create_dataset(name, data=SCAN, **layout).attrs["_FillValue"] = np.float32(-9999)
        parameters = file.create_group("sensor_band_parameters")
        parameters["wavelengths"], parameters["fwhm"] = WAVELENGTHS, np.full(BANDS, 8.5, np.float32)
        parameters["good_wavelengths"] = np.array([1, 1, 1, 1, 0, 1], np.uint8)
        for which, values in (("glt_x", x), ("glt_y", y), ("lon", np.zeros((DOWN, ACROSS)))):
            file[f"location/{which}"] = values
        for axis, dim in enumerate(("downtrack", "crosstrack", "bands")):
            file.require_dataset(dim, (SCAN.shape[axis],), "f4").make_scale(dim)
            file[name].dims[axis].attach_scale(file[dim])
    return path


@pytest.fixture(scope="module")
def raster(tmp_path_factory):
    return read_raster(write(tmp_path_factory.mktemp("emit") / "any name.nc"))


def test_what_stands_beside_it(raster):
    np.testing.assert_array_equal(raster.array[:], orthorectified(*table()))
    np.testing.assert_array_equal(raster.wavelengths, WAVELENGTHS)
    np.testing.assert_array_equal(raster.fwhm, np.full(BANDS, 8.5))
    np.testing.assert_array_equal(raster.bad_bands, WAVELENGTHS == 1380)
    assert raster.nodata == -9999
    assert raster.georeference == Georeference((0.0005, 0, -116, 0, -0.0006, 33.5), WKT)
    assert "map grid of 5 x 8 pixels" in raster.notes[0]


def parts(length):
    return st.tuples(st.integers(0, length), st.integers(0, length)).map(lambda ends: slice(min(ends), max(ends)))


@pytest.fixture(scope="module")
def products(tmp_path_factory):
    folder = tmp_path_factory.mktemp("emit")
    layouts = [{}, {"chunks": (2, 3, 4), "compression": "gzip"}, {"chunks": (DOWN, ACROSS, 1)}]
    cubes = [read_raster(write(folder / f"{n}.nc", table(n), **layout)).array for n, layout in enumerate(layouts)]
    return [(cube, orthorectified(*table(n))) for n, cube in enumerate(cubes)]


@given(
    which=st.integers(0, 2),
    rows=parts(ROWS),
    cols=parts(COLS),
    bands=st.one_of(parts(BANDS), st.permutations(range(BANDS)).map(lambda all: all[:3])),
    area=st.sampled_from([1, 3, 10, 1000]),
)
def test_every_part_whatever_of_the_scan_is_read_at_a_time(products, which, rows, cols, bands, area):
    cube, expected = products[which]
    expected = expected[rows, cols][:, :, bands]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(emit, "BLOCK_BYTES", area * 4 * max(1, expected.shape[2]))
        np.testing.assert_array_equal(cube[rows, cols, bands], expected)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1), st.integers(1, 500))
def test_boxes_hold_as_many_rows_of_the_scan_as_fit(pixels, area):
    down, across = np.array(sorted(pixels)).T
    count = emit._fitting(down, across, area)

    def size(first):
        return (down[:first].max() - down[0] + 1) * (np.ptp(across[:first]) + 1)

    ends = [end for end in range(1, len(down) + 1) if end == len(down) or down[end] > down[end - 1]]
    fitting = [end for end in ends if size(end) <= area]
    assert count == (max(fitting) if fitting else ends[0])


def test_only_what_is_shown_is_read(tmp_path, monkeypatch):
    x, y = np.zeros((2, ROWS, COLS), np.int32)
    x[0], y[0] = 3, 4
    cube = read_raster(write(tmp_path / "a.nc", (x, y))).array
    seen = []
    plain = emit.lazy_cube

    def watched(*arguments):
        scan = plain(*arguments)
        return type(scan)(scan.shape, scan.dtype, lambda *part: (seen.append(part[:2]), scan.read(*part))[1])

    monkeypatch.setattr(emit, "lazy_cube", watched)
    cube = read_raster(tmp_path / "a.nc").array
    assert (cube[1:] == -9999).all()
    assert seen == []
    np.testing.assert_array_equal(cube[:2, 2:4][0, 0], SCAN[3, 2])
    assert seen == [(slice(3, 4), slice(2, 3))]


def test_radiance_of_level_1b(tmp_path):
    np.testing.assert_array_equal(
        read_raster(write(tmp_path / "a.nc", name="radiance")).array[:], orthorectified(*table())
    )


def test_as_it_was_scanned_by_its_key(tmp_path):
    raster = read_raster(write(tmp_path / "a.nc"), "reflectance")
    np.testing.assert_array_equal(raster.array[:], SCAN)
    np.testing.assert_array_equal(raster.wavelengths, WAVELENGTHS)
    np.testing.assert_array_equal(raster.bad_bands, WAVELENGTHS == 1380)
    assert raster.georeference is None


def test_as_a_scene(tmp_path):
    scene = load_custom(write(tmp_path / "a.nc"))
    np.testing.assert_array_equal(scene.valid, table()[0] > 0)
    np.testing.assert_array_equal(scene.kept_bands, [0, 1, 2, 3, 5])


def test_a_table_that_leads_out_of_the_scan(tmp_path):
    x, y = table()
    y = np.where(y == y.max(), DOWN + 1, y)
    with pytest.raises(HsiError, match="a lookup table that leads out of its cube"):
        read_raster(write(tmp_path / "a.nc", (x, y))).array[:]


@pytest.mark.parametrize(
    "tables", [(np.ones((5, 8), "i4"), np.ones((5, 9), "i4")), (np.ones(5, "i4"), np.ones(5, "i4"))]
)
def test_tables_that_do_not_fit_each_other(tmp_path, tables):
    with pytest.raises(HsiError, match="do not fit each other"):
        read_raster(write(tmp_path / "a.nc", tables))


def test_a_transform_that_is_none(tmp_path):
    path = write(tmp_path / "a.nc")
    for wrong in ([0.0] * 6, [1.0, 2.0], "north"):
        with h5py.File(path, "a") as file:
            file.attrs["geotransform"] = wrong
        with pytest.raises(HsiError, match="looks like an EMIT product"):
            read_raster(path)

"""The same variables in classic netCDF, by scipy, and in netCDF-4, which is HDF5 with dimension scales."""

import tracemalloc

import h5py
import numpy as np
import pytest
import scipy.io
from hypothesis import given
from hypothesis import strategies as st

from hsi.cube import LazyCube
from hsi.errors import HsiError
from hsi.georeference import Georeference
from hsi.scenes.formats import read_raster

CUBE = (np.arange(4 * 3 * 5, dtype=np.int16) * 7 - 100).reshape(4, 3, 5)
NANOMETRES = np.array([450.0, 550.0, 650.0, 850.0, 1650.0])
UTM = 'PROJCS["WGS 84 / UTM zone 32N",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]]]]'
X, Y = 500015.0 + 30 * np.arange(3), 4399990.0 - 20 * np.arange(4)
TRANSFORM = (30.0, 0.0, 500000.0, 0.0, -20.0, 4400000.0)  # a, b, c, d, e, f for those middles of pixels
FORMATS = ["classic", "64-bit", "netCDF-4"]


def write(path, format, variables, **attributes):
    """Variables are name -> (dimensions, array or None for a scalar, attributes)."""
    sizes = {}
    for dims, array, _ in variables.values():
        sizes |= dict(zip(dims, np.shape(array), strict=True)) if dims else {}
    if format == "netCDF-4":
        write_netcdf4(path, variables, sizes, attributes)
        return path
    with scipy.io.netcdf_file(path, "w", version=2 if format == "64-bit" else 1) as file:
        for name, value in attributes.items():
            setattr(file, name, value)
        for dim, size in sizes.items():
            file.createDimension(dim, size)
        for name, (dims, array, about) in variables.items():
            kind = "c" if array is None else np.dtype(array.dtype).newbyteorder(">")
            variable = file.createVariable(name, kind, dims)
            if array is not None:
                variable[:] = array
            for key, value in about.items():
                setattr(variable, key, value)
    return path


def write_netcdf4(path, variables, sizes, attributes):
    """As the netCDF library does: a scale for each dimension, one without values where no variable is called so."""
    with h5py.File(path, "w") as file:
        file.attrs.update({key: np.bytes_(value) for key, value in attributes.items()})
        for name, (dims, array, about) in variables.items():
            dataset = file.create_dataset(name, data=np.bytes_(b"") if array is None else array)
            for key, value in about.items():
                dataset.attrs[key] = np.bytes_(value) if isinstance(value, str) else np.array([value])
            if dims == (name,):
                dataset.make_scale(name)
        for dim, size in sizes.items():
            if dim not in file:
                file.create_dataset(dim, (size,), ">f4").make_scale(
                    f"This is a netCDF dimension but not a netCDF variable.{size:10d}"
                )
        for name, (dims, _, _) in variables.items():
            for axis, dim in enumerate(dims if dims != (name,) else ()):
                file[name].dims[axis].attach_scale(file[dim])


def described(**changes):
    """A cube with all that the conventions have for it."""
    variables = {
        "x": (("x",), X, {"units": "m", "standard_name": "projection_x_coordinate"}),
        "y": (("y",), Y, {"units": "m", "standard_name": "projection_y_coordinate"}),
        "wavelength": (("wavelength",), NANOMETRES, {"units": "nanometers"}),
        "fwhm": (("wavelength",), np.full(5, 10.0), {"units": "nm"}),
        "crs": ((), None, {"grid_mapping_name": "transverse_mercator", "crs_wkt": UTM}),
        "cube": (
            ("wavelength", "y", "x"),
            CUBE.transpose(2, 0, 1),
            {
                "_FillValue": np.int16(-100),
                "scale_factor": np.float32(0.5),
                "add_offset": np.float32(2.0),
                "grid_mapping": "crs",
            },
        ),
    }
    return {name: value for name, value in (variables | changes).items() if value is not None}


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("netcdf")
    return {format: write(folder / f"{format}.nc", format, described()) for format in FORMATS}


@pytest.fixture(scope="module")
def cubes(stored):
    return {format: read_raster(path).array for format, path in stored.items()}


def parts(length):
    return st.tuples(st.integers(0, length), st.integers(0, length)).map(lambda ends: slice(min(ends), max(ends)))


@pytest.mark.parametrize("format", FORMATS)
@given(rows=parts(4), cols=parts(3), bands=st.one_of(parts(5), st.permutations(range(5)).map(lambda all: all[:3])))
def test_every_part_is_the_one_that_numpy_cuts(cubes, format, rows, cols, bands):
    cube = cubes[format]
    assert isinstance(cube, LazyCube)
    np.testing.assert_array_equal(cube[rows, cols, bands], CUBE[rows, cols][:, :, bands])
    assert cube.dtype == np.dtype("=i2")


@pytest.mark.parametrize("format", FORMATS)
def test_what_the_conventions_say(stored, format):
    raster = read_raster(stored[format])
    np.testing.assert_array_equal(raster.wavelengths, NANOMETRES)
    np.testing.assert_array_equal(raster.fwhm, np.full(5, 10))
    assert raster.nodata == -100
    np.testing.assert_array_equal(raster.gain, np.full(5, 0.5))
    np.testing.assert_array_equal(raster.offset, np.full(5, 2.0))
    assert raster.georeference == Georeference(TRANSFORM, UTM)
    assert raster.notes == (
        f"{format}.nc: the file calls its axes wavelength, y, x: rows axis 2, columns axis 3, bands axis 1",
    )


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    ("unit", "values", "expected"),
    [
        ("um", NANOMETRES / 1000, NANOMETRES),
        ("micrometers", NANOMETRES / 1000, NANOMETRES),
        ("", NANOMETRES / 1000, NANOMETRES),
        ("", NANOMETRES, NANOMETRES),
        ("m", NANOMETRES * 1e-9, NANOMETRES),
        ("cm-1", NANOMETRES, None),
        ("nm", NANOMETRES * np.nan, None),
        ("nm", np.arange(5.0), None),  # from 0 on: numbers, no wavelengths
    ],
)
def test_units_of_wavelengths(tmp_path, format, unit, values, expected):
    wavelength = (("wavelength",), values, {"units": unit} if unit else {})
    raster = read_raster(write(tmp_path / "a.nc", format, described(wavelength=wavelength, fwhm=None)))
    if expected is None:
        assert raster.wavelengths is None
    else:
        np.testing.assert_allclose(raster.wavelengths, expected)
    assert any("unit" in note or "cm-1" in note for note in raster.notes) == (unit in ("", "cm-1"))


def test_numbers_of_bands_are_no_wavelengths(tmp_path):
    variables = {"band": (("band",), np.arange(1.0, 6), {}), "cube": (("y", "x", "band"), CUBE, {})}
    for format in FORMATS:
        assert read_raster(write(tmp_path / "a.nc", format, variables)).wavelengths is None


@pytest.mark.parametrize("format", FORMATS)
def test_wavelengths_beside_the_cube(tmp_path, format):
    cube = (("y", "x", "band"), CUBE, {})
    beside = {"cube": cube, "wavelengths": (("band",), NANOMETRES, {"units": "nm"})}
    np.testing.assert_array_equal(read_raster(write(tmp_path / "a.nc", format, beside)).wavelengths, NANOMETRES)
    bbl = {"bbl": (("band",), np.array([1, 1, 0, 1, 0], np.int16), {})}
    raster = read_raster(write(tmp_path / "b.nc", format, beside | bbl))
    np.testing.assert_array_equal(raster.bad_bands, [False, False, True, False, True])


def test_the_nearest_wavelengths_count(tmp_path):
    path = tmp_path / "scene.h5"
    with h5py.File(path, "w") as file:
        for group, factor in (("one", 1), ("two", 2)):
            file[f"{group}/cube"] = CUBE
            file[f"{group}/wavelengths"] = NANOMETRES * factor
    np.testing.assert_array_equal(read_raster(path, "two/cube").wavelengths, NANOMETRES * 2)
    np.testing.assert_array_equal(read_raster(path, "one/cube").wavelengths, NANOMETRES)
    with h5py.File(path, "a") as file:
        file["cube"] = CUBE  # two groups below it, none nearer
    assert read_raster(path, "cube").wavelengths is None
    with h5py.File(path, "a") as file:
        file["cube"].attrs["wavelength"] = NANOMETRES / 1000
        file["cube"].attrs["wavelength_units"] = "micrometers"
    np.testing.assert_allclose(read_raster(path, "cube").wavelengths, NANOMETRES)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    ("about", "nodata"),
    [({}, None), ({"missing_value": np.int16(-1)}, -1), ({"_FillValue": np.float64("nan")}, None)],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")  # NaN for integers
def test_fill_values(tmp_path, format, about, nodata):
    raster = read_raster(write(tmp_path / "a.nc", format, {"cube": (("y", "x", "band"), CUBE, about)}))
    assert (raster.nodata, raster.gain, raster.offset, raster.georeference) == (nodata, None, None, None)


@pytest.mark.parametrize("format", FORMATS)
def test_only_one_half_of_the_packing(tmp_path, format):
    cube = (("y", "x", "band"), CUBE, {"scale_factor": np.float64(0.1)})
    raster = read_raster(write(tmp_path / "a.nc", format, {"cube": cube}))
    np.testing.assert_array_equal(raster.gain, np.full(5, 0.1))
    np.testing.assert_array_equal(raster.offset, np.zeros(5))


@pytest.mark.parametrize("format", FORMATS)
def test_labels_with_flags(tmp_path, format):
    labels = np.arange(12, dtype=np.int16).reshape(4, 3) % 3
    about = {"flag_values": np.array([1, 2], np.int16), "flag_meanings": "water bare_soil", "grid_mapping": "crs"}
    variables = described(cube=None, wavelength=None, fwhm=None, labels=(("x", "y"), labels.T, {}))
    if format != "netCDF-4":  # the writer above has attributes of one value there
        variables["labels"] = (("x", "y"), labels.T, about)
    raster = read_raster(write(tmp_path / "a.nc", format, variables), ndim=2)
    np.testing.assert_array_equal(raster.array, labels)
    if format != "netCDF-4":
        assert raster.classes == {1: ("water", None), 2: ("bare_soil", None)}
        assert raster.georeference == Georeference(TRANSFORM, UTM)


@pytest.mark.parametrize("format", FORMATS)
def test_georeferences(tmp_path, format):
    transform = {"spatial_ref": UTM, "GeoTransform": "500000 30 0 4400000 0 -20 "}

    def found(**changes):
        return read_raster(write(tmp_path / "a.nc", format, described(**changes)))

    assert found(x=None, y=None, crs=((), None, transform)).georeference == Georeference(TRANSFORM, UTM)
    assert found(crs=((), None, {"spatial_ref": UTM})).georeference == Georeference(TRANSFORM, UTM)
    assert found(crs=None).georeference == Georeference(TRANSFORM, None)
    irregular = found(y=(("y",), Y + np.array([0, 0, 5, 0]), {}), crs=None)
    assert irregular.georeference is None
    assert any("no regular grid" in note for note in irregular.notes)
    degrees = {"units": "degrees_north"}
    geographic = found(x=(("x",), X / 1e5, degrees), y=(("y",), Y / 1e5, degrees), crs=None)
    assert geographic.georeference.crs == "EPSG:4326"
    assert any("WGS 84" in note for note in geographic.notes)


def test_images_from_the_bottom_upwards_as_gdal_writes_them(tmp_path):
    """GDAL turns the rows around and leaves its GeoTransform as it was: the coordinates tell."""
    rasterio = pytest.importorskip("rasterio")
    from rasterio.shutil import copy

    image = np.arange(12, dtype=np.float32).reshape(4, 3)
    profile = {"driver": "GTiff", "height": 4, "width": 3, "count": 1, "dtype": "float32", "nodata": -9999}
    grid = {"crs": "EPSG:32632", "transform": rasterio.Affine(*TRANSFORM)}
    with rasterio.open(tmp_path / "a.tif", "w", **profile, **grid) as file:
        file.write(image, 1)
    for format in ("NC4", "NC"):
        path = tmp_path / f"{format}.nc"
        copy(tmp_path / "a.tif", path, driver="netCDF", FORMAT=format)
        raster = read_raster(path, ndim=2)
        np.testing.assert_array_equal(raster.array, image[::-1])
        assert raster.georeference.transform == (30, 0, 500000, 0, 20, 4399920)
        assert rasterio.CRS.from_string(raster.georeference.crs) == rasterio.CRS.from_epsg(32632)
        assert raster.nodata == -9999
        assert any("south to north" in note for note in raster.notes)


@pytest.mark.parametrize("format", ["classic", "64-bit"])
@pytest.mark.parametrize("kept", [5, 60, 0.5, 0.9])
def test_cut_short(tmp_path, format, kept):
    path = write(tmp_path / "a.nc", format, described())
    content = path.read_bytes()
    path.write_bytes(content[: kept if kept > 1 else int(kept * len(content))])
    with pytest.raises(HsiError, match="damaged or cut short") as caught:
        read_raster(path)
    assert "\n" not in str(caught.value)


def test_a_classic_file_that_declares_more_than_it_holds(tmp_path):
    path = write(tmp_path / "a.nc", "classic", {"cube": (("row", "col", "band"), np.zeros((64, 64, 64), "i2"), {})})
    content = path.read_bytes()
    path.write_bytes(content.replace((64).to_bytes(4, "big"), (10**6).to_bytes(4, "big")))
    with pytest.raises(HsiError, match=r"damaged or cut short|more than its"):
        read_raster(path)


@given(st.data())
def test_flipped_bytes_are_a_sentence_or_a_cube(stored, tmp_path_factory, data):
    content = bytearray(stored["classic"].read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(4, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "flipped.nc"
    path.write_bytes(content)
    try:
        np.asarray(read_raster(path).array)
    except HsiError:
        return


def test_a_variant_that_is_not_read(tmp_path):
    (tmp_path / "a.nc").write_bytes(b"CDF\x05" + bytes(100))
    with pytest.raises(HsiError, match=r"CDF-5.*nccopy"):
        read_raster(tmp_path / "a.nc")


def test_changed_under_way(tmp_path):
    cube = read_raster(write(tmp_path / "a.nc", "classic", described())).array
    write(tmp_path / "a.nc", "classic", {"cube": (("y", "x", "band"), CUBE[:2], {})})
    with pytest.raises(HsiError):
        cube[:4]


@pytest.mark.parametrize("name", [b"wavelength", b"nanometers"])
def test_a_text_that_says_it_is_long_takes_no_memory(tmp_path, name):
    """Of a name, and of a value: its length stands in the four bytes in front."""
    path = write(tmp_path / "a.nc", "classic", described())
    content = bytearray(path.read_bytes())
    place = content.index(len(name).to_bytes(4, "big") + name)
    content[place : place + 4] = (2**31 - 1).to_bytes(4, "big")
    path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(HsiError, match="damaged or cut short"):
        read_raster(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20

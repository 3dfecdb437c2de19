"""ENVI images: every layout of the format, and all that their headers say."""

import numpy as np
import pytest
import rasterio
from hypothesis import example, given
from hypothesis import strategies as st
from spectral.io import envi

from hsi.errors import HsiError
from hsi.georeference import Georeference
from hsi.scenes.envi_header import listed, read_header
from hsi.scenes.formats import read_raster
from hsi.scenes.map_info import read_georeference

CUBE = np.arange(4 * 3 * 5, dtype=np.uint16).reshape(4, 3, 5)
HEADER = {
    "samples": 3,
    "lines": 4,
    "bands": 5,
    "header offset": 0,
    "data type": 12,
    "interleave": "bip",
    "byte order": 0,
}
UTM = ["UTM", "1", "1", "500000", "4400000", "20", "20", "16", "North", "WGS-84", "units=Meters"]


def write(folder, data=None, name="a", **entries):
    """A header of `entries` (spaces for underscores) with CUBE as data file."""
    header = HEADER | {key.replace("_", " "): value for key, value in entries.items()}
    lines = [f"{key} = {value}" for key, value in header.items() if value is not None]
    (folder / f"{name}.hdr").write_text("\n".join(["ENVI", *lines, ""]), encoding="utf-8")
    (folder / f"{name}.img").write_bytes(CUBE.astype("<u2").tobytes() if data is None else data)
    return folder / f"{name}.hdr"


def braces(values):
    return "{" + ", ".join(map(str, values)) + "}"


@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip"])
@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 12, 13, 14, 15])
def test_every_layout_is_read_as_spectral_reads_it(tmp_path, interleave, order, code):
    dtype = np.dtype(envi.envi_to_dtype[str(code)])
    limits = (-1000, 1000) if dtype.kind == "f" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    array = np.random.default_rng(code).integers(*limits, (4, 3, 5), dtype="u8" if code == 15 else "i8").astype(dtype)
    path = tmp_path / "a.hdr"
    envi.save_image(str(path), array, dtype=dtype, interleave=interleave, byteorder=order)
    cube = read_raster(path).array
    np.testing.assert_array_equal(cube, array, strict=True)
    np.testing.assert_array_equal(cube, envi.open(str(path)).open_memmap(interleave="bip"))


def test_offset_and_a_longer_file(tmp_path):
    path = write(tmp_path, b"1234567" + CUBE.astype("<u2").tobytes() + b"more", header_offset=7)
    np.testing.assert_array_equal(read_raster(path).array, CUBE)


@pytest.mark.parametrize("header", ["cube.hdr", "cube.HDR", "cube.img.hdr"])
@pytest.mark.parametrize("data", ["cube", "cube.img", "cube.dat", "cube.BSQ", "cube.bil", "cube.bip", "cube.raw"])
def test_the_data_file_finds_its_header_and_the_header_its_data_file(tmp_path, header, data):
    if header == "cube.img.hdr" and data != "cube.img":
        header = f"{data}.hdr"
    write(tmp_path)
    header_path, data_path = (
        (tmp_path / "a.hdr").rename(tmp_path / header),
        (tmp_path / "a.img").rename(tmp_path / data),
    )
    for given_path in (header_path, data_path):
        raster = read_raster(given_path)
        np.testing.assert_array_equal(raster.array, CUBE)
        assert raster.files == (header_path, data_path)


def test_a_data_file_of_a_suffix_of_its_own(tmp_path):
    write(tmp_path)
    (tmp_path / "a.img").rename(tmp_path / "a.rfl")
    np.testing.assert_array_equal(read_raster(tmp_path / "a.rfl").array, CUBE)
    (tmp_path / "a.rfl").rename(tmp_path / "a.xyz")
    np.testing.assert_array_equal(read_raster(tmp_path / "a.xyz").array, CUBE)
    with pytest.raises(HsiError, match=r"a\.hdr has no data file beside it"):
        read_raster(tmp_path / "a.hdr")


@pytest.mark.parametrize("name", ["a", "a.img", "a.BSQ", "a.bil", "a.bip", "a.dat", "a.raw"])
def test_a_data_file_without_header_says_which_it_looked_for(tmp_path, name):
    (tmp_path / name).write_bytes(b"1234")
    with pytest.raises(HsiError, match=rf"{name} would be the data file of an ENVI image, but its header {name}\.hdr"):
        read_raster(tmp_path / name)


def test_polygons_are_no_image(tmp_path):
    (tmp_path / "fields.GPKG").write_bytes(b"SQLite format 3")
    with pytest.raises(HsiError, match=r"fields\.GPKG holds polygons.*scene\.labels="):
        read_raster(tmp_path / "fields.GPKG")


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ({"samples": -1}, r"samples=-1.*no image"),
        ({"bands": 0}, r"bands=0.*no image"),
        ({"lines": "many"}, r"'lines = many' is no whole number"),
        ({"lines": "9" * 5000}, r"'lines = 9+\.\.\.' is no whole number"),
        ({"lines": 10**12, "samples": 10**12, "bands": 10**12}, r"120 bytes where a\.hdr promises 20{36}"),
        ({"header_offset": -7}, r"header offset=-7 is no image"),
        ({"byte_order": 7}, r"byte order=7"),
        ({"byte_order": None}, r"has no 'byte order'"),
        ({"interleave": "abc"}, r"interleave=abc is not read here"),
        ({"interleave": None}, r"interleave=none is not read here"),
        ({"data_type": 6}, r"data type=6 means complex numbers"),
        ({"data_type": 9}, r"data type=9 means complex numbers"),
        ({"data_type": 99}, r"data type=99 means no type of ENVI"),
        ({"file_compression": 1}, r"compressed \(file compression=1\)"),
        ({"major_frame_offsets": "{0, 16}"}, r"frame offsets"),
        ({"file_type": "ENVI Spectral Library"}, r"a spectral library, not of an ENVI image"),
        ({"wavelength": "{400, 500, nan, 700, 800}"}, r"'nan' in 'wavelength' is no number"),
        ({"wavelength": "{400, 500, red, 700, 800}"}, r"'red' in 'wavelength' is no number"),
        ({"wavelength": "{400, 500"}, r"'wavelength' opens a brace that is never closed"),
        ({"fwhm": "{1, 1, inf, 1, 1}"}, r"'inf' in 'fwhm' is no number"),
        ({"data_gain_values": "{1, 1, nan, 1, 1}"}, r"'nan' in 'data gain values' is no number"),
        ({"reflectance_scale_factor": 0}, r"'reflectance scale factor = 0' must be above 0"),
        ({"default_bands": "{1, red, 3}"}, r"'red' in 'default bands' is no number"),
        ({"data_ignore_value": "none"}, r"'data ignore value = none' is no number"),
    ],
)
def test_a_header_that_cannot_be_used_is_one_sentence(tmp_path, entries, sentence):
    path = write(tmp_path, **entries)
    with pytest.raises(HsiError, match=sentence) as caught:
        read_raster(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("content", [b"\0" * 100, b"ENVI\n\0", b"", b"BIL\nENVI\n"])
def test_what_is_no_header(tmp_path, content):
    (tmp_path / "a.hdr").write_bytes(content)
    with pytest.raises(HsiError, match="no usable ENVI header"):
        read_raster(tmp_path / "a.hdr")


@pytest.mark.filterwarnings("ignore:Parameters with non-lowercase names")
def test_the_header_is_read_as_spectral_reads_it(tmp_path):
    text = (
        "ENVI\n; a comment = 1\ndescription = {\n  two\n  lines}\nSamples = 3\nband names = {\n a,\n; another\n b b,\n"
        " c }\nwavelength={1,2,\n3}\n\nno entry\n"
    )
    (tmp_path / "a.hdr").write_text(text)
    own, theirs = read_header(tmp_path / "a.hdr"), envi.read_envi_header(str(tmp_path / "a.hdr"))
    assert own.keys() == theirs.keys()
    for name, value in theirs.items():
        assert (listed(own, name) if isinstance(value, list) else own[name].split()) == (
            value if isinstance(value, list) else value.split()
        )


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "utf-8-sig"])
def test_a_micro_sign_in_any_encoding(tmp_path, encoding):
    path = write(tmp_path, wavelength="{0.4, 0.5, 0.6, 0.7, 0.8}", wavelength_units="µm", fwhm="{0.01, 1, 1, 1, 0.02}")
    path.write_bytes(path.read_text("utf-8").encode(encoding))
    raster = read_raster(path)
    np.testing.assert_allclose(raster.wavelengths, [400, 500, 600, 700, 800])
    np.testing.assert_allclose(raster.fwhm, [10, 1000, 1000, 1000, 20])
    assert raster.notes == ()


def test_wavelengths_out_of_band_names(tmp_path):
    names = braces(f"Band {band} ({400.5 + band} Nanometers)" for band in range(5))
    raster = read_raster(write(tmp_path, band_names=names))
    np.testing.assert_allclose(raster.wavelengths, 400.5 + np.arange(5))
    raster = read_raster(write(tmp_path, band_names=names, wavelength=braces([1, 2, 3, 4, 5]), wavelength_units="nm"))
    np.testing.assert_allclose(raster.wavelengths, [1, 2, 3, 4, 5])


@pytest.mark.parametrize("unit", ["Wavenumber", "GHz", "Index"])
def test_other_units_are_mentioned(tmp_path, unit):
    raster = read_raster(
        write(tmp_path, wavelength=braces([1, 2, 3, 4, 5]), wavelength_units=unit, fwhm=braces([1] * 5))
    )
    assert (raster.wavelengths, raster.fwhm) == (None, None)
    assert raster.notes == (f"a.hdr: wavelengths in '{unit}' are not used, only nm and µm are understood",)


@pytest.mark.parametrize("values", [[-400, 500, 600, 700, 800], [0, 500, 600, 700, 800], [1e308, 1, 2, 3, 4]])
def test_wavelengths_that_are_none_are_mentioned(tmp_path, values):
    path = write(tmp_path, wavelength=braces(values), fwhm=braces(values), wavelength_units="um")
    raster = read_raster(path)
    assert (raster.wavelengths, raster.fwhm) == (None, None)
    assert raster.notes == (
        "a.hdr: the wavelengths of its bands are not all above 0 nm, so they are passed over",
        "a.hdr: the widths of its bands are not all above 0 nm, so they are passed over",
    )


def test_lists_of_another_length_are_mentioned(tmp_path):
    short = braces([1, 2])
    path = write(
        tmp_path, wavelength=short, fwhm=short, bbl=short, data_gain_values=short, default_bands=braces([1, 2, 9])
    )
    raster = read_raster(path)
    assert (raster.wavelengths, raster.fwhm, raster.bad_bands, raster.gain, raster.rgb_bands) == (None,) * 5
    assert len(raster.notes) == 5


def test_gain_and_offset(tmp_path):
    raster = read_raster(write(tmp_path, reflectance_scale_factor=10000))
    np.testing.assert_array_equal(raster.gain, np.full(5, 1 / 10000))
    assert raster.offset is None
    path = write(tmp_path, data_gain_values="{1,2,3,4,5}", data_offset_values="{5,4,3,2,1}", reflectance_scale_factor=9)
    raster = read_raster(path)
    np.testing.assert_array_equal(raster.gain, [1, 2, 3, 4, 5])
    np.testing.assert_array_equal(raster.offset, [5, 4, 3, 2, 1])
    raster = read_raster(write(tmp_path, data_gain_values="{1,1,1,1,1}", data_offset_values="{0,0,0,0,0}"))
    assert (raster.gain, raster.offset) == (None, None)
    np.testing.assert_array_equal(raster.array, CUBE)


def test_classification(tmp_path):
    labels = np.array([[0, 1, 2], [3, 0, 1]], np.uint8)
    entries = {
        "samples": 3,
        "lines": 2,
        "bands": 1,
        "data_type": 1,
        "byte_order": None,
    }
    path = write(
        tmp_path,
        labels.tobytes(),
        **entries,
        file_type="ENVI Classification",
        classes=4,
        class_names="{Unclassified, water, dry land,\n reed}",
        class_lookup="{0, 0, 0, 0, 0, 255, 160, 82, 45, 300, 0, 0}",
    )
    raster = read_raster(path, ndim=2)
    np.testing.assert_array_equal(raster.array, labels, strict=True)
    assert type(raster.array) is np.ndarray
    assert raster.classes == {1: ("water", "#0000ff"), 2: ("dry land", "#a0522d"), 3: ("reed", None)}
    with pytest.raises(HsiError, match=r"shape \(4, 3, 5\), but a label image"):
        read_raster(write(tmp_path), ndim=2)


@given(
    scale=st.floats(0.001, 1000),
    place=st.tuples(*[st.floats(-1e6, 1e6)] * 2),
    pixel=st.tuples(*[st.floats(1, 500)] * 2),
    turned=st.floats(-180, 180),
)
@example(scale=20, place=(500000, 4400000), pixel=(1, 1), turned=30)
def test_map_info_is_that_of_gdal(tmp_path_factory, scale, place, pixel, turned):
    """GDAL moves the tie point to the corner as if nothing were turned, so the corner is compared where nothing is."""
    fields = ["UTM", *pixel, *place, scale, scale, 16, "North", "WGS-84", "units=Meters", f"rotation={turned}"]
    path = write(tmp_path_factory.mktemp("map"), map_info=braces(fields))
    found = read_raster(path).georeference
    with rasterio.open(path.with_suffix(".img"), driver="ENVI") as dataset:
        theirs, crs = dataset.transform, dataset.crs
    at_tie_point = found.at(pixel[1] - 1, pixel[0] - 1)
    np.testing.assert_allclose(at_tie_point, place, atol=1e-6 * scale + 1e-9 * max(map(abs, place)) + 1e-9)
    ours = np.array(found.transform)
    np.testing.assert_allclose(ours[[0, 1, 3, 4]], np.array(theirs)[[0, 1, 3, 4]], atol=1e-9 * scale)
    assert rasterio.crs.CRS.from_user_input(found.crs) == rasterio.crs.CRS.from_epsg(32616)
    assert crs.to_proj4() == rasterio.crs.CRS.from_epsg(32616).to_proj4()


def test_the_tie_point_may_be_any_pixel(tmp_path):
    fields = ["UTM", 3, 2, 500000, 4400000, 20, 10, *UTM[7:]]
    assert read_raster(write(tmp_path, map_info=braces(fields))).georeference == Georeference(
        (20, 0, 500000 - 2 * 20, 0, -10, 4400000 + 10), "EPSG:32616"
    )
    centre = [*fields[:1], 1.5, 1.5, *fields[3:]]  # the middle of the first pixel
    assert read_raster(write(tmp_path, map_info=braces(centre))).georeference.at(0.5, 0.5) == (500000, 4400000)


@pytest.mark.parametrize(
    ("fields", "crs"),
    [
        (UTM, "EPSG:32616"),
        ([*UTM[:8], "South", "WGS-84"], "EPSG:32716"),
        ([*UTM[:8], "North", "North America 1983"], "EPSG:26916"),
        ([*UTM[:7], "61", "North", "WGS-84"], None),
        ([*UTM[:7], "16", "North", "Tokyo"], None),
        ([*UTM[:10], "units=Feet"], None),
        (["Geographic Lat/Lon", "1", "1", "10", "50", "0.1", "0.1", "WGS-84", "units=Degrees"], "EPSG:4326"),
        (["Arbitrary", "1", "1", "0", "0", "1", "1", "0", "North"], None),
        (["Polyconic", "1", "1", "0", "0", "1", "1"], None),
    ],
)
def test_crs_of_map_info(fields, crs):
    georeference, notes = read_georeference({"map info": ", ".join(fields)})
    assert georeference.crs == crs
    assert bool(notes) == (crs is None and fields[0] != "Arbitrary")


@pytest.mark.parametrize(
    "fields",
    [UTM[:5], ["UTM", "a", *UTM[2:]], [*UTM[:5], "0", *UTM[6:]], [*UTM[:3], "nan", *UTM[4:]], [*UTM, "rotation=x"]],
)
def test_a_map_info_that_places_nothing_is_mentioned(fields):
    georeference, notes = read_georeference({"map info": ", ".join(fields)})
    assert georeference is None
    assert "'map info' is not understood" in notes[0]


def without_shift(crs):
    """ESRI's WKT has no place for the shift of a datum."""
    return {key: value for key, value in crs.to_dict(projjson=False).items() if key != "towgs84"}


@pytest.mark.parametrize("epsg", [32616, 3035, 25832, 4326, 2056])
@pytest.mark.parametrize("dialect", ["WKT1_ESRI", "WKT1_GDAL"])
def test_the_coordinate_system_string_wins(tmp_path, epsg, dialect):
    meant = rasterio.crs.CRS.from_epsg(epsg)
    path = write(tmp_path, map_info=braces(UTM), coordinate_system_string=f"{{{meant.to_wkt(version=dialect)}}}")
    raster = read_raster(path)
    assert raster.notes == ()
    read = rasterio.crs.CRS.from_user_input(raster.georeference.crs)
    assert without_shift(read) == without_shift(meant)


@pytest.mark.parametrize(("wkt", "told"), [("PROJCS[x]", True), ("any text", True), ('LOCAL_CS["Arbitrary"]', False)])
def test_a_coordinate_system_string_that_says_nothing_leaves_the_map_info(tmp_path, wkt, told):
    raster = read_raster(write(tmp_path, map_info=braces(UTM), coordinate_system_string=f"{{{wkt}}}"))
    assert raster.georeference.crs == "EPSG:32616"
    assert bool(raster.notes) == told


PROJECTED = {  # as "ENVI .hdr Labelled Raster" of GDAL reads them
    3: "Transverse Mercator, 3, 6378137, 6356752.3, 45, 9, 500000, 100, 0.9996",
    4: "Lambert Conformal Conic, 4, 6378137, 6356752.3, 45, 9, 500000, 100, 40, 50",
    9: "Albers Conical Equal Area, 9, 6378137, 6356752.3, 23, -96, 10, 20, 29.5, 45.5",
    11: "Lambert Azimuthal Equal Area, 11, 6378137, 6356752.3, 52, 10, 4321000, 3210000",
}


@pytest.mark.parametrize("case", PROJECTED)
@pytest.mark.parametrize("datum", ["WGS-84", "Tokyo"])
def test_projection_info_is_that_of_gdal(tmp_path, case, datum):
    name, info = PROJECTED[case].split(", ", 1)
    path = write(
        tmp_path,
        map_info=braces([name, 1, 1, 0, 0, 20, 20, datum, "units=Meters"]),
        projection_info=f"{{{info}, {datum}, {name}, units=Meters}}",
    )
    raster = read_raster(path)
    assert raster.notes == ()
    with rasterio.open(path.with_suffix(".img"), driver="ENVI") as dataset:
        theirs = dataset.crs.to_dict()
    ours = rasterio.crs.CRS.from_user_input(raster.georeference.crs).to_dict()
    parameters = {"proj", "lat_0", "lon_0", "lat_1", "lat_2", "x_0", "y_0", "k"}
    assert {key: ours.get(key) for key in parameters} == {key: theirs.get(key) for key in parameters}
    if datum == "WGS-84":
        assert ours["datum"] == "WGS84"
    else:
        assert (ours["a"], round(ours["rf"], 3)) == (6378137, 298.257)


def test_bands_that_the_data_file_cannot_hold_are_not_counted_off(tmp_path):
    """A gain for each of them would take gigabytes."""
    with pytest.raises(HsiError, match=r"120 bytes where a\.hdr promises"):
        read_raster(write(tmp_path, bands=2**40, reflectance_scale_factor=10_000))

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsi.errors import HsiError
from hsi.georeference import Georeference
from hsi.scenes.custom import load_custom
from hsi.scenes.formats import read_raster

ROWS, COLS = 6, 4
# from long to short, 0 for bands that were not recorded; the detectors overlap from 940 to 970 nm
VNIR = np.array([970.0, 950.0, 700.0, 410.0, 0.0])
SWIR = np.array([0.0, 2400.0, 1600.0, 960.0, 940.0, 0.0])
ORDERED = [410, 700, 940, 950, 960, 970, 1600, 2400]
TAKEN = [("V", 3), ("V", 2), ("S", 4), ("V", 1), ("S", 3), ("V", 0), ("S", 2), ("S", 1)]
GENERATOR = np.random.default_rng(3)
CUBES = {
    "V": GENERATOR.integers(1, 65536, (ROWS, len(VNIR), COLS), dtype=np.uint16),
    "S": GENERATOR.integers(1, 65536, (ROWS, len(SWIR), COLS), dtype=np.uint16),
}
for each in CUBES.values():
    each[0, :, 0] = 0  # margin
EXPECTED = np.stack([CUBES[detector][:, band, :] for detector, band in TAKEN], axis=2)
CORNERS = {
    "Product_ULcorner_easting": 500015.0,
    "Product_ULcorner_northing": 4399985.0,
    "Product_LRcorner_easting": 500015.0 + 30 * (COLS - 1),
    "Product_LRcorner_northing": 4399985.0 - 30 * (ROWS - 1),
}
SCALES = {"L2ScaleVnirMin": 0.0, "L2ScaleVnirMax": 0.5, "L2ScaleSwirMin": 0.0, "L2ScaleSwirMax": 1.5}
RADIANCE = {"ScaleFactor_Vnir": 100.0, "Offset_Vnir": 0.5, "ScaleFactor_Swir": 200.0, "Offset_Swir": 0.5}


def write(path, level="2D", **changes):
    attributes = {
        "List_Cw_Vnir": VNIR.astype("f4"),
        "List_Cw_Swir": SWIR.astype("f4"),
        "List_Fwhm_Vnir": np.where(VNIR > 0, VNIR / 80, 0).astype("f4"),
        "List_Fwhm_Swir": np.where(SWIR > 0, SWIR / 80, 0).astype("f4"),
        "Epsg_Code": np.uint32(32632),
        "Processing_Level": np.bytes_(level),
        **CORNERS,
        **(RADIANCE if level == "1" else SCALES),
    }
    with h5py.File(path, "w") as file:
        for name, value in (attributes | changes).items():
            if value is not None:
                file.attrs[name] = value
        place = f"HDFEOS/SWATHS/PRS_L{level}_HCO"
        file[f"{place}/Data Fields/VNIR_Cube"] = CUBES["V"]
        file.create_dataset(f"{place}/Data Fields/SWIR_Cube", data=CUBES["S"], chunks=(1, 3, COLS))
        file[f"{place}/Geolocation Fields/Latitude"] = np.zeros((ROWS, COLS))
        file[f"{place}/Data Fields/VNIR_PIXEL_L2_ERR_MATRIX"] = np.zeros_like(CUBES["V"], dtype=np.uint8)
        file["HDFEOS INFORMATION/StructMetadata.0"] = np.bytes_("GROUP=SwathStructure")
    return path


@pytest.fixture(scope="module")
def raster(tmp_path_factory):
    return read_raster(write(tmp_path_factory.mktemp("prisma") / "any name.he5"))


def parts(length):
    return st.tuples(st.integers(0, length), st.integers(0, length)).map(lambda ends: slice(min(ends), max(ends)))


@given(
    rows=parts(ROWS), cols=parts(COLS), bands=st.one_of(parts(8), st.permutations(range(8)).map(lambda all: all[:4]))
)
def test_both_detectors_are_one_cube_in_the_order_of_wavelengths(raster, rows, cols, bands):
    np.testing.assert_array_equal(raster.array[rows, cols, bands], EXPECTED[rows, cols][:, :, bands])
    assert raster.array.shape == (ROWS, COLS, 8)
    assert raster.array.dtype == np.uint16


def test_what_stands_beside_it(raster):
    np.testing.assert_array_equal(raster.wavelengths, ORDERED)
    np.testing.assert_allclose(raster.fwhm, np.array(ORDERED) / 80)
    assert raster.georeference == Georeference((30, 0, 500000, 0, -30, 4400000), "EPSG:32632")
    assert raster.nodata is None
    assert "3 that were not recorded are left out" in raster.notes[0]


def test_reflectance(raster):
    """min + DN (max - min) / 65535, detector by detector (product specification, level 2)."""
    highest = {"V": 0.5, "S": 1.5}
    expected = np.stack([CUBES[name][:, band, :] / 65535 * highest[name] for name, band in TAKEN], axis=2)
    np.testing.assert_allclose(raster.array[:] * raster.gain + raster.offset, expected)


def test_reflectance_where_the_detectors_begin_at_different_values(tmp_path):
    raster = read_raster(write(tmp_path / "a.he5", L2ScaleVnirMin=-0.1, L2ScaleSwirMin=0.25))
    lowest, highest = {"V": -0.1, "S": 0.25}, {"V": 0.5, "S": 1.5}
    expected = np.stack(
        [lowest[name] + CUBES[name][:, band, :] / 65535 * (highest[name] - lowest[name]) for name, band in TAKEN],
        axis=2,
    )
    expected[0, 0] = np.nan
    np.testing.assert_allclose(raster.array[:], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(raster.array[:, :, 2:3], raster.array[:][:, :, 2:3])
    assert (raster.gain, raster.offset) == (None, None)


@pytest.mark.parametrize("changes", [{}, {"L2ScaleVnirMin": -0.1}])
def test_the_margin_holds_no_data_and_dark_bands_do(tmp_path, changes):
    path = write(tmp_path / "a.he5", **changes)
    with h5py.File(path, "a") as file:
        file["HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields/SWIR_Cube"][2, 2, 1] = 0  # 1600 nm
    scene = load_custom(path)
    np.testing.assert_array_equal(scene.valid, np.arange(ROWS * COLS).reshape(ROWS, COLS) > 0)


def test_radiance_of_level_1(tmp_path):
    """DN / scale factor - offset (product specification, level 1), without a map grid."""
    raster = read_raster(write(tmp_path / "a.he5", "1"))
    factor = {"V": 100.0, "S": 200.0}
    expected = np.stack([CUBES[name][:, band, :] / factor[name] - 0.5 for name, band in TAKEN], axis=2)
    np.testing.assert_allclose(raster.array[:] * raster.gain + raster.offset, expected)
    assert raster.georeference is None
    assert any("no map grid" in note for note in raster.notes)


@pytest.mark.parametrize("level", ["2B", "2C"])
def test_levels_without_a_map_grid(tmp_path, level):
    raster = read_raster(write(tmp_path / "a.he5", level))
    np.testing.assert_array_equal(raster.array[:], EXPECTED)
    assert raster.georeference is None


def test_corners_that_are_corners(tmp_path):
    """The corners lie 30 m x columns apart, not 30 m x (columns - 1): so they are those of the image."""
    corners = {
        "Product_ULcorner_easting": 500000.0,
        "Product_ULcorner_northing": 4400000.0,
        "Product_LRcorner_easting": 500000.0 + 30 * COLS,
        "Product_LRcorner_northing": 4400000.0 - 30 * ROWS,
    }
    raster = read_raster(write(tmp_path / "a.he5", **corners))
    assert raster.georeference.transform == (30, 0, 500000, 0, -30, 4400000)


def test_one_detector_or_another_array_by_its_key(tmp_path):
    path = write(tmp_path / "a.he5")
    fields = "HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields"
    raster = read_raster(path, f"/{fields}/VNIR_Cube")
    np.testing.assert_array_equal(raster.wavelengths, [410, 700, 950, 970])
    np.testing.assert_array_equal(raster.array[:], CUBES["V"].transpose(0, 2, 1)[:, :, [3, 2, 1, 0]])
    errors = read_raster(path, f"{fields}/VNIR_PIXEL_L2_ERR_MATRIX")
    assert errors.array.shape == (ROWS, len(VNIR), COLS)
    assert errors.wavelengths is None


@pytest.mark.parametrize(
    ("changes", "lack"),
    [
        ({"List_Cw_Vnir": None}, "no list 'List_Cw_Vnir' of 5 wavelengths"),
        ({"List_Cw_Swir": SWIR[:3]}, "no list 'List_Cw_Swir' of 6 wavelengths"),
        ({"List_Cw_Swir": np.bytes_("none")}, "no list 'List_Cw_Swir'"),
        ({"L2ScaleSwirMax": None}, "no numbers 'L2ScaleSwirMin' and 'L2ScaleSwirMax'"),
        ({"List_Cw_Vnir": VNIR * 0, "List_Cw_Swir": SWIR * 0}, "no band with a wavelength"),
    ],
)
def test_what_is_lacking_is_named(tmp_path, changes, lack):
    with pytest.raises(HsiError, match="looks like a PRISMA product but has") as caught:
        read_raster(write(tmp_path / "a.he5", **changes))
    assert lack in str(caught.value)


def test_a_detector_is_missing_or_of_another_size(tmp_path):
    path = write(tmp_path / "a.he5")
    field = "HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields/SWIR_Cube"
    with h5py.File(path, "a") as file:
        del file[field]
    with pytest.raises(HsiError, match="no cube"):
        read_raster(path)
    with h5py.File(path, "a") as file:
        file[field] = CUBES["S"][:-1]
    with pytest.raises(HsiError, match="different numbers of rows"):
        read_raster(path)
    with h5py.File(path, "a") as file:
        del file[field]
        file.create_dataset(field, (10**5, 6, 10**9), "u2", chunks=(100, 6, 100))
    with pytest.raises(HsiError, match=r"can hold"):
        read_raster(path)

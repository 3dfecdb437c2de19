"""One raster for one image, whatever the format; blocks that cover it."""

import zipfile
from dataclasses import fields, replace
from itertools import product
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes
from PIL import Image
from spectral.io import envi

from hsi.cube import LazyCube
from hsi.errors import HsiError
from hsi.georeference import Georeference
from hsi.scenes.formats import read_raster
from hsi.scenes.raster import Raster


def save_tiff(path, array):
    bands = array if array.ndim == 2 else np.moveaxis(array, 2, 0)
    first, *rest = map(Image.fromarray, bands if array.ndim == 3 else [bands])
    first.save(path, save_all=True, append_images=rest)


def save_hdf5(path, array):
    with h5py.File(path, "w") as file:
        file["image"] = array.T


def save_envi(interleave):
    return lambda path, array: envi.save_image(
        str(path), np.atleast_3d(array), dtype=array.dtype, interleave=interleave, force=True
    )


WRITERS = {
    "v5.mat": lambda path, array: scipy.io.savemat(path, {"image": array}),
    "v73.mat": save_hdf5,
    "c.npy": np.save,
    "f.npy": lambda path, array: np.save(path, np.asfortranarray(array)),
    "image.npz": lambda path, array: np.savez_compressed(path, image=array),
    "bsq.hdr": save_envi("bsq"),
    "bil.hdr": save_envi("bil"),
    "bip.HDR": save_envi("bip"),
    "image.tif": save_tiff,
}
DTYPES = ["u1", "u2", "i2", "i4", "f4"]
CASES = [case for case in product(WRITERS, DTYPES) if case != ("image.tif", "i2")]  # which Pillow does not write
READ_BY_BLOCKS = {".npy", ".hdr"}  # of TIFF those that are not of pages


@pytest.mark.parametrize(("name", "dtype"), CASES)
@pytest.mark.parametrize("shape", [(4, 3, 5), (4, 3)])
def test_every_format_gives_the_same_raster(tmp_path, name, dtype, shape):
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    path = tmp_path / name
    WRITERS[name](path, array)
    raster = read_raster(path, ndim=len(shape))
    np.testing.assert_array_equal(raster.array, array, strict=True)
    np.testing.assert_array_equal(raster.load(), array, strict=True)
    assert raster.array.dtype.isnative
    assert raster.load().flags.c_contiguous
    assert raster.load().flags.writeable
    assert raster.files[0] == path
    assert isinstance(raster.array, LazyCube) == (path.suffix.lower() in READ_BY_BLOCKS and len(shape) == 3)
    said = {field.name: getattr(raster, field.name) for field in fields(Raster)[2:]}
    assert said == dict.fromkeys(said) | {"notes": ()}


@given(
    shape=array_shapes(min_dims=2, max_dims=3, max_side=9),
    max_bytes=st.integers(1, 3000),
    order=st.sampled_from("CF"),
)
def test_blocks_cover_every_row_once(shape, max_bytes, order):
    array = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape, order=order)
    blocks = list(Raster(array, ()).blocks(max_bytes))
    assert [row for first, last, _ in blocks for row in range(first, last)] == list(range(shape[0]))
    for first, last, values in blocks:
        np.testing.assert_array_equal(values, array[first:last], strict=True)
        assert values.flags.c_contiguous
        assert values.nbytes <= max_bytes or last - first == 1
    row = array[:1].nbytes
    assert all(values.nbytes + row > max_bytes for _, _, values in blocks[:-1])  # no more blocks than needed


@pytest.mark.parametrize("name", ["c.npy", "f.npy", "bsq.hdr", "bil.hdr", "bip.HDR"])
def test_a_file_larger_than_the_memory_is_opened_and_read_in_part(tmp_path, name):
    """A sparse file of 10^12 bytes: whoever reads it whole does not come back."""
    rows, cols, bands = 10**10, 10, 10
    if name.endswith(".npy"):
        path = tmp_path / name
        with path.open("wb") as stream:
            header = {"descr": "|u1", "fortran_order": name[0] == "f", "shape": (rows, cols, bands)}
            np.lib.format.write_array_header_1_0(stream, header)
            start = stream.tell()
        data = path
    else:
        path, data, start = tmp_path / name, tmp_path / "big.img", 0
        WRITERS[name](path, np.zeros((2, 3, 4), np.uint8))
        data = read_raster(path).files[1]
        text = path.read_text()
        for key, old, new in (("lines", 2, rows), ("samples", 3, cols), ("bands", 4, bands)):
            assert f"{key} = {old}\n" in text
            text = text.replace(f"{key} = {old}\n", f"{key} = {new}\n")
        path.write_text(text)
    try:
        with data.open("r+b") as stream:
            stream.truncate(start + rows * cols * bands)
    except OSError:
        pytest.skip("the file system holds no file of this size")
    raster = read_raster(path)
    assert raster.array.shape == (rows, cols, bands)
    first, last, values = next(raster.blocks(3 * cols * bands))
    assert (first, last, values.shape, values.any()) == (0, 3, (3, cols, bands), False)


def test_what_an_envi_header_says(tmp_path):
    cube = np.ones((4, 3, 5), np.float32)
    metadata = {"bbl": [1, 0, 1, 1, 0], "data ignore value": -1}
    envi.save_image(str(tmp_path / "a.hdr"), cube, metadata=metadata)
    raster = read_raster(tmp_path / "a.hdr")
    assert raster.bad_bands.tolist() == [False, True, False, False, True]
    assert raster.nodata == -1
    envi.save_image(str(tmp_path / "nan.hdr"), cube, metadata={"data ignore value": "nan"})
    assert np.isnan(read_raster(tmp_path / "nan.hdr").nodata)


@pytest.mark.parametrize("bbl", [[1, 0], ["a", "b", "c", "d", "e"]])
def test_a_bad_band_list_that_fits_no_band_is_mentioned(tmp_path, bbl):
    envi.save_image(str(tmp_path / "a.hdr"), np.ones((4, 3, 5), np.uint8), metadata={"bbl": bbl})
    raster = read_raster(tmp_path / "a.hdr")
    assert raster.bad_bands is None
    assert any("a.hdr: the bad band list (bbl)" in note for note in raster.notes)


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "f4"])
def test_tiff_keeps_its_type(tmp_path, dtype):
    """Pillow reads int8 as uint8, uint32 as int32, and widens int16."""
    array = np.array([[0, 1, 2], [3, 4, 5]], dtype)
    array[0] = -array[0] if dtype[0] != "u" else np.iinfo(dtype).max - array[0]
    kind = {"u": 1, "i": 2, "f": 3}[dtype[0]]
    tags = {256: 3, 257: 2, 258: array.itemsize * 8, 259: 1, 262: 1, 277: 1, 278: 2, 279: array.nbytes, 339: kind}
    start = 8 + 2 + 12 * (len(tags) + 1) + 4
    directory = np.array([(tag, 4, 1, value) for tag, value in sorted((tags | {273: start}).items())], np.uint32)
    entries = b"".join(
        tag.astype("<u2").tobytes() + b"\4\0" + rest.astype("<u4").tobytes()
        for tag, rest in zip(directory[:, 0], directory[:, 2:], strict=True)
    )
    content = b"II*\0\10\0\0\0" + np.uint16(len(directory)).tobytes() + entries + bytes(4) + array.tobytes()
    (tmp_path / "a.tif").write_bytes(content)
    np.testing.assert_array_equal(read_raster(tmp_path / "a.tif", ndim=2).array, array, strict=True)


def test_overviews_of_a_tiff_are_no_bands(tmp_path):
    image, overview = (Image.fromarray(np.ones(shape, np.uint8)) for shape in ((4, 6), (2, 3)))
    image.save(tmp_path / "mixed.tif", save_all=True, append_images=[overview])
    with pytest.raises(HsiError, match=r"pages of shapes \(4, 6\), \(2, 3\)"):
        read_raster(tmp_path / "mixed.tif", ndim=2)
    overview.encoderinfo = {"tiffinfo": {254: 1}}
    image.save(tmp_path / "overview.tif", save_all=True, append_images=[overview])
    assert read_raster(tmp_path / "overview.tif", ndim=2).array.shape == (4, 6)


@pytest.mark.parametrize("name", ["v73.mat", "image.npz"])
def test_an_image_that_its_file_cannot_hold_is_not_allocated(tmp_path, name):
    path, shape = tmp_path / name, (10**5, 10**5, 100)
    if name == "v73.mat":
        with h5py.File(path, "w") as file:
            file.create_dataset("image", shape[::-1], dtype="u1", chunks=(1, 1000, 1000))
    else:
        with zipfile.ZipFile(path, "w") as archive, archive.open("image.npy", "w") as stream:
            header = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(stream, header)
    with pytest.raises(HsiError, match=r"image' has shape \(100.*\), more than its \d+ bytes can hold"):
        read_raster(path)


def test_an_array_with_a_key_in_an_archive(tmp_path):
    np.savez(tmp_path / "two.npz", a=np.ones((4, 3, 5)), b=np.zeros((4, 3, 2)), code=np.array([{}], dtype=object))
    with pytest.raises(HsiError, match=r"2 arrays with 3 dim.*a \(4, 3, 5\), b \(4, 3, 2\); .*scene\.cube_key="):
        read_raster(tmp_path / "two.npz")
    assert read_raster(tmp_path / "two.npz", "b").array.shape == (4, 3, 2)
    with pytest.raises(HsiError, match="no array 'code'"):  # pickled, so not even listed
        read_raster(tmp_path / "two.npz", "code")


@given(data=st.data())
@pytest.mark.parametrize("name", WRITERS)
def test_any_damage_is_one_sentence(tmp_path_factory, name, data):
    path = tmp_path_factory.mktemp("damaged") / name
    WRITERS[name](path, np.arange(60, dtype=np.uint16).reshape(4, 3, 5))
    content = bytearray(path.read_bytes())
    place, value = data.draw(st.integers(0, len(content) - 1)), data.draw(st.integers(0, 255))
    content[place] = value
    path.write_bytes(content[: data.draw(st.integers(place, len(content)))])
    sentence = f"{path.stem}"
    try:
        read_raster(path).load()
    except HsiError as error:
        sentence = str(error)
    assert path.stem in sentence
    assert "\n" not in sentence


@given(
    dtype=st.sampled_from(["u1", "i2", "u2", "f4", "f8"]),
    scaled=st.sampled_from(["gain", "offset", "both"]),
    lazy=st.booleans(),
    bands=st.sets(st.integers(0, 4), min_size=1).map(sorted),
)
def test_what_was_measured_is_the_scaled_array(dtype, scaled, lazy, bands):
    array = np.random.default_rng(0).integers(0, 5, (4, 3, 5)).astype(dtype)
    gain = np.array([0.1, 2, 3, 4, 5]) if scaled != "offset" else None
    offset = np.array([0.0, -1, 2, 3, 4]) if scaled != "gain" else None
    expected = array.astype(np.float64) * (1 if gain is None else gain) + (0 if offset is None else offset)
    expected = np.where(array == 3, np.nan, expected).astype(np.float32)

    def read(rows, cols, numbers):
        return array[rows, cols] if numbers is None else array[rows, cols][:, :, numbers]

    cube = LazyCube(array.shape, array.dtype, read) if lazy else array
    measured = Raster(cube, (), nodata=3, gain=gain, offset=offset).measured()
    assert isinstance(measured, LazyCube) == lazy
    np.testing.assert_array_equal(measured[:], expected, strict=True)
    np.testing.assert_array_equal(measured[1:3, :2, bands], expected[1:3, :2][:, :, bands], strict=True)
    np.testing.assert_array_equal(array[array == 3], 3)  # the array itself stays what it is


def test_what_was_measured_without_scale_is_the_array_itself():
    array = np.ones((4, 3, 5), np.uint16)
    assert Raster(array, (), nodata=1).measured() is array


GOOD = {
    "wavelengths": np.array([400.0, 300.0]),
    "fwhm": np.array([10.0, 10.0]),
    "gain": np.array([0.0, -1.0]),
    "offset": np.array([1.0, 0.0]),
    "georeference": Georeference((30, 0, 0, 0, -30, 0)),
}


@given(
    field=st.sampled_from([*GOOD]),
    bad=st.sampled_from([np.nan, np.inf, -np.inf]),
    place=st.integers(0, 1),
)
def test_what_cannot_be_is_passed_over_and_mentioned(field, bad, place):
    raster = Raster(np.ones((3, 3, 2)), (Path("a.tif"),), **GOOD)
    assert raster.sound() is raster
    if field == "georeference":
        transform = [*GOOD[field].transform]
        transform[place] = bad
        wrong = Georeference(tuple(transform))
    else:
        wrong = GOOD[field].copy()
        wrong[place] = bad
    found = replace(raster, **{field: wrong}).sound()
    assert getattr(found, field) is None
    assert all(getattr(found, name) is value for name, value in GOOD.items() if name != field)
    (note,) = found.notes
    assert note.startswith("a.tif: ")
    assert note.endswith(", so they are passed over")


def test_pixels_without_area_have_no_place():
    raster = Raster(np.ones((3, 3)), (Path("a.tif"),), georeference=Georeference((1, 2, 0, 2, 4, 0)))
    assert raster.sound().georeference is None


@pytest.mark.parametrize(("gain", "offset"), [(1e308, 0.0), (1.0, 1e300), (np.finfo(np.float64).max, -1e300)])
def test_what_is_scaled_beyond_all_numbers_is_no_measurement(gain, offset):
    raster = Raster(np.full((1, 1, 2), 5e10), (), gain=np.full(2, gain), offset=np.full(2, offset))
    assert not np.isfinite(raster.measured()).any()

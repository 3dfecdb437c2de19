import struct
import zlib

import h5py
import numpy as np
import pytest
import scipy.io
from hypothesis import given
from hypothesis import strategies as st

from hsi.cube import LazyCube
from hsi.errors import HsiError
from hsi.scenes import mat
from hsi.scenes.formats import read_raster
from hsi.scenes.matlab import numeric_arrays, read_numbers

ROWS, COLS, BANDS = 4, 3, 5
CUBE = np.arange(ROWS * COLS * BANDS, dtype=np.uint16).reshape(ROWS, COLS, BANDS)
# pixel p of a matrix is row p % nRow, column p // nRow: MATLAB's reshape(Y', nRow, nCol, nBand), by hand
PIXELS = np.array([[CUBE[p % ROWS, p // ROWS, band] for p in range(ROWS * COLS)] for band in range(BANDS)])
LAYOUTS = [{}, {"chunks": (2, 2, 2)}, {"chunks": (5, 3, 4), "compression": "gzip"}]


def write_v73(path, **arrays):
    """As MATLAB does: 512 bytes in front, axes in reverse order."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file[name] = np.asarray(array).T
            file[name].attrs["MATLAB_class"] = np.bytes_("double")
        file["#refs#/a"] = np.zeros((2, 2, 2))  # contents of cells
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file".ljust(512, b" "))
    return path


def write(path, version, **arrays):
    arrays = {name: np.atleast_2d(array) for name, array in arrays.items()}
    return write_v73(path, **arrays) if version == "7.3" else (scipy.io.savemat(path, arrays), path)[1]


def parts(length):
    return st.tuples(st.integers(0, length), st.integers(0, length)).map(lambda ends: slice(min(ends), max(ends)))


@pytest.fixture(scope="module")
def cubes(tmp_path_factory):
    found = []
    for number, layout in enumerate(LAYOUTS):
        path = tmp_path_factory.mktemp("mat") / f"{number}.mat"
        with h5py.File(path, "w") as file:
            file.create_dataset("cube", data=CUBE.T, **layout)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(mat, "IN_MEMORY", CUBE.nbytes - 1)
            found.append(read_raster(path).array)
    return found


@pytest.mark.parametrize("layout", range(len(LAYOUTS)))
@given(rows=parts(ROWS), cols=parts(COLS), bands=st.one_of(parts(BANDS), st.just([0, 3]), st.just([4, 1])))
def test_a_large_cube_stays_on_disk_and_gives_the_parts_that_numpy_cuts(cubes, layout, rows, cols, bands):
    assert isinstance(cubes[layout], LazyCube)
    np.testing.assert_array_equal(cubes[layout][rows, cols, bands], CUBE[rows, cols][:, :, bands])


def test_a_small_one_is_read_at_once(tmp_path):
    array = read_raster(write(tmp_path / "a.mat", "7.3", cube=CUBE)).array
    assert isinstance(array, np.ndarray)
    np.testing.assert_array_equal(array, CUBE)


@pytest.mark.parametrize("version", ["5", "7.3"])
@pytest.mark.parametrize("names", [("nRow", "nCol"), ("nrow", "ncol"), ("rows", "cols"), ("Lines", "Samples")])
@pytest.mark.parametrize("transposed", [False, True])
def test_a_matrix_becomes_a_cube_in_matlabs_order(tmp_path, version, names, transposed):
    """As Jasper Ridge (Y) and Samson (V) circulate: bands x pixels, and numbers beside them."""
    beside = {names[0]: ROWS, names[1]: COLS, "nBand": BANDS, "SlectBands": np.arange(1, BANDS + 1), "maxValue": 59}
    path = write(tmp_path / "a.mat", version, Y=PIXELS.T if transposed else PIXELS, **beside)
    for key in (None, "Y"):
        raster = read_raster(path, key)
        np.testing.assert_array_equal(raster.array, CUBE)
        assert raster.array.dtype == np.uint16
        assert raster.array.flags.c_contiguous
        assert "one column of the image after the other" in raster.notes[0]


@pytest.mark.parametrize("version", ["5", "7.3"])
def test_a_matrix_of_another_number_of_pixels(tmp_path, version):
    path = write(tmp_path / "a.mat", version, Y=PIXELS, nRow=ROWS + 1, nCol=COLS)
    with pytest.raises(HsiError, match=r"'Y' of shape \(5, 12\) is no matrix of the 5 x 3 = 15 pixels"):
        read_raster(path, "Y")
    with pytest.raises(HsiError, match="has no arrays with 3 dimensions"):
        read_raster(path)


@pytest.mark.parametrize("version", ["5", "7.3"])
def test_several_matrices_are_not_guessed_between(tmp_path, version):
    path = write(tmp_path / "a.mat", version, Y=PIXELS, Z=PIXELS + 1, nRow=ROWS, nCol=COLS)
    with pytest.raises(HsiError, match="has no arrays with 3 dimensions"):
        read_raster(path)
    np.testing.assert_array_equal(read_raster(path, "Z").array, CUBE + 1)


@pytest.mark.parametrize("version", ["5", "7.3"])
def test_as_many_bands_as_pixels_are_not_told_apart(tmp_path, version):
    path = write(tmp_path / "a.mat", version, Y=np.eye(ROWS * COLS), nRow=ROWS, nCol=COLS)
    with pytest.raises(HsiError, match="as many bands as pixels, 12, so which are which cannot be told"):
        read_raster(path)


@pytest.mark.parametrize("version", ["5", "7.3"])
def test_numbers_of_rows_and_columns_leave_cubes_and_labels_alone(tmp_path, version):
    labels = np.arange(ROWS * COLS).reshape(ROWS, COLS)
    path = write(tmp_path / "a.mat", version, cube=CUBE, labels=labels, nRow=ROWS, nCol=COLS)
    np.testing.assert_array_equal(read_raster(path).array, CUBE)
    np.testing.assert_array_equal(read_raster(path, "cube").array, CUBE)
    np.testing.assert_array_equal(read_raster(path, ndim=2).array, labels)


@pytest.mark.parametrize("value", [0, -4, 2.5, np.nan, np.inf])
def test_numbers_that_are_none(tmp_path, value):
    path = write(tmp_path / "a.mat", "5", Y=PIXELS, nRow=value, nCol=COLS)
    with pytest.raises(HsiError, match="has no arrays with 3 dimensions"):
        read_raster(path)


# ---- the structure of versions 4 and 5

BESIDE = {
    "cells": np.array([np.ones((2, 2, 2)), "text"], dtype=object),
    "settings": {"cube": np.ones((2, 3, 4)), "name": "sensor"},
    "text": "some text",
    "sparse": scipy.sparse.eye_array(5, format="csc"),
    "complex": np.ones((2, 3), complex),
}
NUMBERS = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8", "?"]


@given(
    shape=st.lists(st.integers(1, 5), min_size=2, max_size=4).map(tuple),
    dtype=st.sampled_from(NUMBERS),
    version=st.sampled_from(["4", "5", "5 compressed"]),
    order=st.sampled_from("CF"),
)
def test_numbers_are_those_that_scipy_reads(tmp_path_factory, shape, dtype, version, order):
    path = tmp_path_factory.mktemp("mat") / "a.mat"
    shape = shape[:2] if version == "4" else shape
    array = np.random.default_rng(0).integers(0, 2**31, shape).astype(dtype, order=order)
    beside = {name: value for name, value in BESIDE.items() if version != "4" or name not in ("cells", "settings")}
    scipy.io.savemat(
        path, beside | {"a name": 1, "cube": array}, format=version[0], do_compression="compressed" in version
    )
    found = numeric_arrays(path)
    assert [*found][-1] == "cube"
    assert not {*found} & {*BESIDE}
    np.testing.assert_array_equal(read_numbers(path, found["cube"]), scipy.io.loadmat(path)["cube"], strict=True)


def element(kind, content, order="<"):
    return struct.pack(f"{order}II", kind, len(content)) + content.ljust(-len(content) % 8 + len(content), b"\0")


def version_5(*variables, order="<", packed=False):
    """A file of variables (name, class, shape, type of the numbers, their bytes)."""
    content = b"MATLAB 5.0 MAT-file".ljust(124) + (b"\0\1IM" if order == "<" else b"\1\0MI")
    for name, kind, shape, stored, numbers in variables:
        head = element(6, struct.pack(f"{order}II", kind, 0), order) + element(
            5, struct.pack(f"{order}{len(shape)}i", *shape), order
        )
        matrix = element(14, head + element(1, name.encode(), order) + element(stored, numbers, order), order)
        content += element(15, zlib.compress(matrix), order)[: 8 + len(zlib.compress(matrix))] if packed else matrix
    return content


DOUBLE, CELL, BYTES = 6, 1, 2
SIXTY = bytes(range(60))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("order", "<>")
def test_files_of_either_byte_order(tmp_path, order, packed):
    numbers = np.arange(60, dtype=f"{order}i2").tobytes()
    (tmp_path / "a.mat").write_bytes(version_5(("cube", 10, (4, 3, 5), 3, numbers), order=order, packed=packed))
    expected = np.arange(60, dtype=np.int16).reshape(4, 3, 5, order="F")
    np.testing.assert_array_equal(read_raster(tmp_path / "a.mat").array, expected, strict=True)


CRAFTED = {
    "a shape below 0": ([("cube", DOUBLE, (-4, -3, 5), BYTES, SIXTY)], r"an array of shape \(-4, -3, 5\)"),
    "fewer numbers": ([("cube", DOUBLE, (4, 3, 6), BYTES, SIXTY)], r"60 bytes for an array of shape \(4, 3, 6\)"),
    "numbers of no type": ([("cube", DOUBLE, (4, 3, 5), 14, SIXTY)], "numbers of type 14"),
    "a cell of the same name in front": (
        [("cube", CELL, (2**31 - 1, 1), BYTES, SIXTY), ("cube", DOUBLE, (4, 3, 5), BYTES, SIXTY)],
        None,
    ),
    "two of one name": ([("cube", DOUBLE, (4, 3, 5), BYTES, SIXTY)] * 2, "two arrays called 'cube'"),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("case", CRAFTED)
def test_crafted_structures_are_refused_or_stepped_over(tmp_path, case, packed):
    variables, told = CRAFTED[case]
    (tmp_path / "a.mat").write_bytes(version_5(*variables, packed=packed))
    if told is None:
        assert read_raster(tmp_path / "a.mat", "cube").array.shape == (4, 3, 5)
    else:
        with pytest.raises(HsiError, match=told):
            read_raster(tmp_path / "a.mat", "cube")


def test_a_checksum_that_does_not_hold(tmp_path):
    shape = (41, 31, 51)  # more than is unpacked to find out its shape, and no multiple of eight
    numbers = np.random.default_rng(0).bytes(41 * 31 * 51)
    content = bytearray(version_5(("cube", DOUBLE, shape, BYTES, numbers), packed=True))
    content[-1] ^= 1
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(HsiError, match="incorrect data check"):
        read_raster(tmp_path / "a.mat")


@pytest.mark.parametrize("version", ["4", "5", "5 compressed"])
def test_a_file_that_is_cut_in_another_array_is_not_taken_for_whole(tmp_path, version):
    path = tmp_path / "a.mat"
    arrays = {"first": np.ones((2, 3)), "second": np.random.default_rng(0).random((200, 100))}
    scipy.io.savemat(path, arrays, format=version[0], do_compression="compressed" in version)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(HsiError, match="damaged or cut short"):
        read_raster(path, "first", ndim=2)

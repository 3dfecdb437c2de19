"""What is read of a file by blocks is what NumPy's slices of the whole array are."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsi.errors import HsiError
from hsi.scenes import raw
from hsi.scenes.formats import read_raster
from hsi.scenes.raw import Plain, plain_cube

DTYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]
ORDERS = [(0, 1, 2), (0, 2, 1), (2, 0, 1), (2, 1, 0), (1, 0, 2), (1, 2, 0)]


def part(length):
    return st.one_of(
        st.just(slice(None)),
        st.tuples(st.integers(0, length), st.integers(0, length)).map(lambda ends: slice(*sorted(ends))),
    )


@given(data=st.data())
@pytest.mark.parametrize("order", ORDERS)
def test_any_slice_of_any_layout_is_that_of_numpy(tmp_path_factory, order, data):
    shape = data.draw(st.tuples(*[st.integers(1, 7)] * 3))
    dtype = np.dtype(data.draw(st.sampled_from("<>")) + data.draw(st.sampled_from(DTYPES)))
    offset = data.draw(st.integers(0, 20))
    array = np.random.default_rng(0).integers(0, 100, shape).astype(dtype)
    path = tmp_path_factory.mktemp("raw") / "cube"
    path.write_bytes(bytes(offset) + np.ascontiguousarray(array.transpose(order)).tobytes())
    rows, cols = data.draw(part(shape[0])), data.draw(part(shape[1]))
    bands = data.draw(
        st.one_of(part(shape[2]), st.sets(st.integers(0, shape[2] - 1), min_size=1).map(lambda some: np.array([*some])))
    )
    with pytest.MonkeyPatch.context() as patch:  # so that small arrays go every way
        patch.setattr(raw, "CHUNK", data.draw(st.integers(1, 100)))
        patch.setattr(raw, "SHORT_LINE", data.draw(st.sampled_from([0, 10, 10**6])))
        read = plain_cube(Plain(path, offset, shape, dtype, order), "the test")[rows, cols, bands]
    np.testing.assert_array_equal(read, array[rows, cols][:, :, bands].astype(dtype.newbyteorder("=")), strict=True)
    assert read.flags.c_contiguous
    assert read.dtype.isnative


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("dtype", ["<i2", ">i2", ">f8", "|u1", "?"])
def test_npy(tmp_path, order, dtype):
    array = (np.arange(60).reshape(4, 3, 5) % 7).astype(dtype)
    np.save(tmp_path / "cube.NPY.npy", np.asarray(array, order=order))
    (tmp_path / "cube.NPY.npy").rename(tmp_path / "cube.NPY")
    cube = read_raster(tmp_path / "cube.NPY").array
    np.testing.assert_array_equal(cube[1:3, 0:2, [4, 1]], array[1:3, 0:2, [4, 1]].astype(cube.dtype), strict=True)
    assert cube.dtype.isnative


@pytest.mark.parametrize("shape", [(0, 3, 5), (2, 3, 4, 5), (7,)])
def test_npy_of_another_shape(tmp_path, shape):
    np.save(tmp_path / "cube.npy", np.zeros(shape))
    with pytest.raises(HsiError, match=r"shape \(|cannot be read"):
        read_raster(tmp_path / "cube.npy")


def test_npy_of_complex_numbers(tmp_path):
    np.save(tmp_path / "cube.npy", np.zeros((2, 3, 4), np.complex64))
    with pytest.raises(HsiError, match=r"cube\.npy holds complex64, which are no real numbers"):
        read_raster(tmp_path / "cube.npy")


def test_a_file_that_is_cut_after_it_was_opened(tmp_path):
    path = tmp_path / "cube.npy"
    np.save(path, np.ones((4, 3, 5)))
    cube = read_raster(path).array
    path.write_bytes(path.read_bytes()[:-1])
    assert cube[:3].all()  # what is still there
    with pytest.raises(HsiError, match=r"cube\.npy has become shorter since it was opened"):
        cube[:]
    path.unlink()
    with pytest.raises(HsiError, match=r"cube\.npy cannot be read \(FileNotFoundError"):
        cube[:]


@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip"])
def test_little_memory_for_a_little_of_a_large_file(tmp_path, interleave):
    """4 GB that lie nowhere; pieces of 4 MB beside what is asked for."""
    rows, cols, bands = 10_000, 1_000, 100
    data = tmp_path / "big.img"
    with data.open("wb") as stream:
        stream.truncate(rows * cols * bands * 4)
    (tmp_path / "big.hdr").write_text(
        f"ENVI\nsamples = {cols}\nlines = {rows}\nbands = {bands}\ndata type = 4\nbyte order = 0\n"
        f"interleave = {interleave}\n"
    )
    cube = read_raster(data).array
    read_raster(data)  # what is imported and kept at the first time counts for nothing
    tracemalloc.start()
    try:
        for key in (np.s_[5000:5001], np.s_[7000:7040, 500:540], np.s_[1000:1100, :, 50:51]):
            tracemalloc.reset_peak()
            wanted = cube[key].nbytes
            assert tracemalloc.get_traced_memory()[1] < wanted + 2 * raw.CHUNK
    finally:
        tracemalloc.stop()

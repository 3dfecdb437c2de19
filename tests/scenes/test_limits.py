"""No file makes more of itself than the guard allows, whatever its format: files that unpack to much are refused."""

import io
import tracemalloc
import zipfile

import h5py
import numpy as np
import pytest
import rasterio
import scipy.io
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from placed_files import CRS, NORTH_UP, write_tiff

from hsi.errors import HsiError
from hsi.scenes import limits, npy
from hsi.scenes.custom import load_custom
from hsi.scenes.formats import archive_names, read_raster
from hsi.scenes.limits import CAP, DENSEST, PIXEL, require_held

SIDE, BANDS = 256, 64
ZEROS = np.zeros((SIDE, SIDE, BANDS), np.uint8)  # 4 MiB, of which every format makes some thousand bytes
PAGE = Image.new("I", (SIDE, SIDE))


def save_hdf5(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("cube", data=ZEROS.T, compression="gzip", chunks=ZEROS.T.shape)


def save_tiff(path):
    write_tiff(path.with_name("plain.tif"), ZEROS)
    with rasterio.open(path.with_name("plain.tif")) as plain:
        profile = plain.profile | {"compress": "deflate"}
        with rasterio.open(path, "w", **profile) as file:
            file.write(plain.read())


PACKED = {
    "bomb.npz": lambda path: np.savez_compressed(path, cube=ZEROS),
    "bomb.mat": lambda path: scipy.io.savemat(path, {"cube": ZEROS}, do_compression=True),
    "bomb 7.3.mat": save_hdf5,
    "bomb.h5": save_hdf5,
    "bomb.tif": save_tiff,
    "pages.tif": lambda path: PAGE.save(path, compression="tiff_lzw", save_all=True, append_images=[PAGE] * 15),
}


@pytest.mark.parametrize("name", PACKED)
def test_what_unpacks_to_more_than_the_cap_is_refused_before_it_is_unpacked(tmp_path, monkeypatch, name):
    path = tmp_path / name
    PACKED[name](path)
    assert path.stat().st_size < ZEROS.nbytes / DENSEST
    assert not np.asarray(read_raster(path).array).any()
    monkeypatch.setattr(limits, "CAP", ZEROS.nbytes // 4)
    tracemalloc.start()
    with pytest.raises(HsiError, match=r"shape \(.*\), more than its \d+ bytes can hold.*or save it without compress"):
        read_raster(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < ZEROS.nbytes


def test_a_scene_of_more_pixels_than_the_cap_is_refused(tmp_path):
    """Of one band, whose values alone would fit: it is the labels of its pixels that do not."""
    side = 16_000
    assert side**2 < CAP < PIXEL * side**2
    size = {"height": side, "width": side, "count": 1, "dtype": "uint8", "SPARSE_OK": "TRUE", "crs": CRS}
    rasterio.open(tmp_path / "a.tif", "w", driver="GTiff", **size, transform=rasterio.Affine(*NORTH_UP)).close()
    with pytest.raises(HsiError, match="16000 x 16000 pixels, more than its"):
        load_custom(tmp_path / "a.tif")


@given(
    shape=st.lists(st.integers(0, 10**6), min_size=1, max_size=4),
    dtype=st.sampled_from(["u1", "f4", "f8"]).map(np.dtype),
    stored=st.integers(0, 2**40),
    packed=st.booleans(),
)
def test_plain_numbers_take_what_they_take_and_packed_ones_a_hundredth(tmp_path_factory, shape, dtype, stored, packed):
    declared = int(np.prod(shape, dtype=object)) * dtype.itemsize
    fits = declared <= stored or (packed and stored > 0 and declared <= max(CAP, DENSEST * stored))
    path = tmp_path_factory.getbasetemp()
    try:
        require_held(path, shape, dtype, stored=stored, packed=packed)
    except HsiError:
        assert not fits
    else:
        assert fits


def test_an_archive_of_more_files_than_anybody_packs_is_refused(tmp_path, monkeypatch):
    """Its directory can name one file as often as it likes."""
    np.savez(tmp_path / "a.npz", **{f"a{number}": ZEROS for number in range(3)})
    assert len(archive_names(tmp_path / "a.npz")) == 3
    monkeypatch.setattr(npy, "MOST", 2)
    for read in (archive_names, read_raster):
        with pytest.raises(HsiError, match="holds more than 2 files"):
            read(tmp_path / "a.npz")


def test_a_header_that_says_it_is_long_is_not_waited_for(tmp_path):
    head = b"\x93NUMPY\x02\0" + (2 * 10**9).to_bytes(4, "little") + b" " * 10**7
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cube.npy", head)
    del head
    tracemalloc.start()
    with pytest.raises(HsiError, match="damaged or cut short"):
        read_raster(tmp_path / "a.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10**6


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_archives_that_numpy_does_not_write(tmp_path, method):
    buffer = io.BytesIO()
    np.save(buffer, np.ones((2, 3, 4)))
    with zipfile.ZipFile(tmp_path / "a.npz", "w", method) as archive:
        archive.writestr("cube.npy", buffer.getvalue())
    with pytest.raises(HsiError, match="packs 'cube' as NumPy never does"):
        read_raster(tmp_path / "a.npz")

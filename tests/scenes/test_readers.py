import struct

import h5py
import numpy as np
import pytest
import scipy.io
from spectral.io import envi

from hsi.errors import HsiError
from hsi.georeference import Georeference
from hsi.scenes.formats import read_raster

CUBE = np.arange(4 * 3 * 5, dtype=np.uint16).reshape(4, 3, 5)
LABELS = np.arange(12, dtype=np.uint8).reshape(4, 3)


def write_v73(path, **arrays):
    """As MATLAB does: 512 bytes in front, axes in reverse order, text as numbers with an attribute."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file[name] = np.asarray(array).T
            file[name].attrs["MATLAB_class"] = np.bytes_("double")
        file["note"] = np.array([[104], [105]], dtype=np.uint16)
        file["note"].attrs["MATLAB_class"] = np.bytes_("char")
        file.create_group("settings")
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file".ljust(512, b" "))


def write_envi(path, array, **metadata):
    envi.save_image(str(path), array, metadata=metadata, force=True, dtype=array.dtype, interleave="bil")


@pytest.mark.parametrize("version", ["4", "5", "5 compressed", "7.3"])
def test_every_mat_version_gives_the_same_cube(tmp_path, version):
    path = tmp_path / "scene.mat"
    arrays = {"labels": LABELS.astype(np.float64)} | ({"cube": CUBE} if version != "4" else {})
    if version == "7.3":
        write_v73(path, **arrays)
    else:
        scipy.io.savemat(path, arrays, format=version[0], do_compression="compressed" in version)
    np.testing.assert_array_equal(read_raster(path, None, ndim=2).array, LABELS)
    if version != "4":
        cube = read_raster(path, None, ndim=3).array
        np.testing.assert_array_equal(cube, CUBE)
        assert cube.dtype == np.uint16
        assert cube.flags.c_contiguous


@pytest.mark.parametrize("version", ["5", "7.3"])
def test_ambiguous_or_wrong_key_lists_what_there_is(tmp_path, version):
    path = tmp_path / "two.mat"
    arrays = {"first": CUBE, "second": CUBE[:2]}
    write_v73(path, **arrays) if version == "7.3" else scipy.io.savemat(path, arrays | {"text": "not an array"})
    with pytest.raises(HsiError, match=r"2 arrays with 3 dim.*first \(4, 3, 5\), second \(2, 3, 5\).*cube_key="):
        read_raster(path, None, ndim=3)
    with pytest.raises(HsiError, match=r"no array 'third'.*first \(4, 3, 5\)"):
        read_raster(path, "third", ndim=3)
    with pytest.raises(HsiError, match=r"no arrays with 2 dim.*labels_key="):
        read_raster(path, None, ndim=2)
    np.testing.assert_array_equal(read_raster(path, "second", ndim=3).array, CUBE[:2])
    with pytest.raises(HsiError, match=r"shape \(4, 3, 5\), but a label image"):
        read_raster(path, "first", ndim=2)


def test_vectors_do_not_make_the_labels_ambiguous(tmp_path):
    path = tmp_path / "scene.mat"
    scipy.io.savemat(path, {"labels": LABELS, "wavelengths": np.arange(5.0), "scale": 0.1})
    np.testing.assert_array_equal(read_raster(path, None, ndim=2).array, LABELS)


@pytest.mark.parametrize("version", ["5", "7.3"])
@pytest.mark.parametrize("kept", [40, 300, 0.5, 0.9])
def test_truncated_mat_is_one_sentence(tmp_path, version, kept):
    path = tmp_path / "scene.mat"
    noise = np.random.default_rng(0).integers(0, 60000, (40, 30, 20), dtype=np.uint16)
    write_v73(path, cube=noise) if version == "7.3" else scipy.io.savemat(path, {"cube": noise}, do_compression=True)
    content = path.read_bytes()
    path.write_bytes(content[: kept if kept > 1 else int(kept * len(content))])
    with pytest.raises(HsiError, match="damaged or cut short") as caught:
        read_raster(path, None, ndim=3)
    assert "\n" not in str(caught.value)


def test_web_page_instead_of_mat(tmp_path):
    path = tmp_path / "scene.mat"
    path.write_text("<html><body>404</body></html>" * 50)
    with pytest.raises(HsiError, match=r"scene\.mat cannot be read"):
        read_raster(path, None, ndim=3)


def test_npy_keeps_dtype_and_becomes_native(tmp_path):
    np.save(tmp_path / "cube.npy", CUBE.astype(">i2"))
    cube = read_raster(tmp_path / "cube.npy", None, ndim=3).array
    assert cube.dtype == np.int16
    assert cube.dtype.isnative
    np.testing.assert_array_equal(cube, CUBE)


def test_pickles_are_refused(tmp_path):
    path = tmp_path / "cube.npy"
    np.save(path, np.array([{"any": "object"}], dtype=object), allow_pickle=True)
    with pytest.raises(HsiError, match=r"cube\.npy holds pickled objects.*never opened"):
        read_raster(path, None, ndim=3)


def test_npy_faults(tmp_path):
    path = tmp_path / "cube.npy"
    np.save(path, CUBE)
    with pytest.raises(HsiError, match="key 'cube' means nothing"):
        read_raster(path, "cube", ndim=3)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(HsiError, match="damaged or cut short"):
        read_raster(path, None, ndim=3)
    with path.open("wb") as stream:
        np.savez(stream, cube=CUBE)
    with pytest.raises(HsiError, match="archive"):
        read_raster(path, None, ndim=3)


def test_missing_file_and_foreign_format(tmp_path):
    with pytest.raises(HsiError, match=r"nowhere\.mat does not exist"):
        read_raster(tmp_path / "nowhere.mat", None, ndim=3)
    (tmp_path / "scene.tif").write_bytes(struct.pack("<2sH", b"II", 42))
    with pytest.raises(HsiError, match=r"scene\.tif cannot be read"):
        read_raster(tmp_path / "scene.tif", None, ndim=3)
    (tmp_path / "scene.png").write_bytes(b"any")
    with pytest.raises(
        HsiError, match=r"format.*\.mat, \.npy, \.npz, ENVI \.hdr, \(Geo\)TIFF \.tif, HDF5 \.h5 or netCDF \.nc"
    ):
        read_raster(tmp_path / "scene.png", None, ndim=3)


@pytest.mark.parametrize("interleave", ["bil", "bip", "bsq"])
@pytest.mark.parametrize("order", [0, 1])
def test_envi_cube(tmp_path, interleave, order):
    path = tmp_path / "scene.hdr"
    envi.save_image(str(path), CUBE, dtype=np.uint16, interleave=interleave, byteorder=order)
    raster = read_raster(path, None, ndim=3)
    np.testing.assert_array_equal(raster.array, CUBE)
    assert raster.array.dtype == np.dtype("=u2")
    assert raster.files == (path, tmp_path / "scene.img")


def test_envi_labels_are_two_dimensional(tmp_path):
    write_envi(tmp_path / "labels.hdr", LABELS[:, :, None])
    np.testing.assert_array_equal(read_raster(tmp_path / "labels.hdr", None, ndim=2).array, LABELS)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("Nanometers", 1), ("Micrometers", 1000), ("um", 1000), ("Unknown", 1000), (None, 1000)],
)
def test_envi_header(tmp_path, unit, factor):
    map_info = ["UTM", "1", "1", "500000", "4400000", "20", "20", "16", "North", "WGS-84"]
    metadata = {"wavelength": [0.4, 0.5, 0.6, 0.7, 0.8], "map info": map_info, "default bands": [4, 3, 1]}
    write_envi(tmp_path / "scene.hdr", CUBE, **metadata, **({"wavelength units": unit} if unit else {}))
    header = read_raster(tmp_path / "scene.hdr")
    np.testing.assert_allclose(header.wavelengths, np.array([0.4, 0.5, 0.6, 0.7, 0.8]) * factor)
    assert header.georeference == Georeference((20, 0, 500000, 0, -20, 4400000), "EPSG:32616")
    assert header.rgb_bands == (3, 2, 0)  # ENVI counts from 1


def test_bare_envi_header_and_foreign_wavelength_unit(tmp_path):
    write_envi(tmp_path / "bare.hdr", CUBE)
    header = read_raster(tmp_path / "bare.hdr")
    assert (header.wavelengths, header.georeference, header.rgb_bands) == (None, None, None)
    write_envi(tmp_path / "odd.hdr", CUBE, **{"wavelength": [1, 2, 3, 4, 5], "wavelength units": "Wavenumber"})
    raster = read_raster(tmp_path / "odd.hdr")
    assert raster.wavelengths is None
    assert "'Wavenumber' are not used" in raster.notes[0]


def test_envi_faults(tmp_path):
    write_envi(tmp_path / "scene.hdr", CUBE)
    data = tmp_path / "scene.img"
    data.write_bytes(data.read_bytes()[:-1])
    with pytest.raises(HsiError, match=r"119 bytes where scene\.hdr promises 120"):
        read_raster(tmp_path / "scene.hdr", None, ndim=3)
    data.unlink()
    with pytest.raises(HsiError, match=r"scene\.hdr has no data file beside it \(scene, scene\.img"):
        read_raster(tmp_path / "scene.hdr", None, ndim=3)
    (tmp_path / "text.hdr").write_text("samples = 3")
    with pytest.raises(HsiError, match="no usable ENVI header"):
        read_raster(tmp_path / "text.hdr", None, ndim=3)


def npy_of(shape: str, end: str = ", }") -> bytes:
    header = f"{{'descr': '<u2', 'fortran_order': False, 'shape': {shape}{end}\n".encode()
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header + CUBE.tobytes()


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("shape", ["(1000000000000000, 3, 5)", "(1000000000000000, 3)", "(-4, -3, 5)", "(-4, -3)"])
def test_shapes_that_no_npy_file_holds(tmp_path, shape, ndim):
    (tmp_path / "cube.npy").write_bytes(npy_of(shape))
    with pytest.raises(HsiError, match=r"damaged"):
        read_raster(tmp_path / "cube.npy", ndim=ndim)


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("shape", ["(4, 3, 5", "(((((", "(4, 3, 5L) +", "'4'", "(4, 3, None)", "(" * 5000])
def test_headers_that_numpy_cannot_parse(tmp_path, shape, ndim):
    """NumPy answers with TokenError, SyntaxError, RecursionError and others."""
    (tmp_path / "cube.npy").write_bytes(npy_of(shape, end=""))
    with pytest.raises(HsiError, match=r"cube\.npy cannot be read.*damaged or cut short"):
        read_raster(tmp_path / "cube.npy", ndim=ndim)

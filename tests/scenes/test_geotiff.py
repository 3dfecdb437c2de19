"""GeoTIFF by rasterio, and by Pillow where rasterio is not installed."""

import logging
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine, from_origin
from spectral.io import envi

from hsi.cube import LazyCube
from hsi.errors import HsiError, NotInstalled
from hsi.georeference import Georeference
from hsi.scenes import geotiff
from hsi.scenes.formats import read_raster

CUBE = np.arange(4 * 3 * 5, dtype=np.uint16).reshape(4, 3, 5)
WHOLE = ["u1", "i1", "u2", "i2", "u4", "i4"]
WAVELENGTHS = [400.5, 500, 600, 700, 800.25]


def write(path, array=CUBE, change=None, **profile):
    """Write (rows, cols, bands) or (rows, cols); `change` may say more of the dataset."""
    array = array if array.ndim == 3 else array[:, :, None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        rows, cols, bands = array.shape
        settings = {"driver": "GTiff", "height": rows, "width": cols, "count": bands, "dtype": array.dtype, **profile}
        with rasterio.open(path, "w", **settings) as dataset:
            dataset.write(array.transpose(2, 0, 1))
            if change:
                change(dataset)
    return path


@given(data=st.data())
@pytest.mark.parametrize(
    "layout",
    [
        {"interleave": "pixel"},
        {"interleave": "band"},
        {"interleave": "pixel", "tiled": True, "blockxsize": 16, "blockysize": 16, "compress": "deflate"},
        {"interleave": "band", "compress": "lzw", "predictor": 2},
    ],
)
def test_any_slice_is_that_of_numpy(tmp_path_factory, layout, data):
    shape = data.draw(st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(1, 6)))
    dtype = data.draw(st.sampled_from(WHOLE if "predictor" in layout else [*WHOLE, "f4", "f8"]))
    array = np.random.default_rng(0).integers(0, 100, shape).astype(dtype)
    path = write(tmp_path_factory.mktemp("tif") / "a.tif", array, **layout)
    rows, cols = (slice(*sorted(data.draw(st.tuples(*[st.integers(0, size)] * 2)))) for size in shape[:2])
    bands = sorted(data.draw(st.sets(st.integers(0, shape[2] - 1), min_size=1)))
    cube = read_raster(path).array
    assert isinstance(cube, LazyCube)
    np.testing.assert_array_equal(cube, array, strict=True)
    np.testing.assert_array_equal(cube[rows, cols, bands], array[rows, cols][:, :, bands], strict=True)


@pytest.mark.parametrize("crs", ["EPSG:32616", "EPSG:3035", "EPSG:4326", None])
@pytest.mark.parametrize("transform", [from_origin(500000, 4400000, 20, 10), Affine(3, 1, 10, 1, -3, 20)])
def test_georeference_and_nodata_are_those_that_were_written(tmp_path, crs, transform):
    path = write(tmp_path / "a.TIF", crs=crs, transform=transform, nodata=7)
    raster = read_raster(path)
    assert raster.georeference.transform == tuple(transform)[:6]
    read = raster.georeference.crs
    assert (None if read is None else CRS.from_wkt(read)) == (None if crs is None else CRS.from_user_input(crs))
    assert raster.nodata == 7
    assert (raster.gain, raster.offset, raster.wavelengths, raster.fwhm, raster.notes) == (None, None, None, None, ())
    assert raster.files == (path,)


def test_a_file_without_georeference_is_read_without_a_word(tmp_path, capfd, caplog):
    path = write(tmp_path / "a.tif")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        raster = read_raster(path)
        np.testing.assert_array_equal(raster.array[1:2], CUBE[1:2])
    assert raster.georeference is None
    assert (*capfd.readouterr(), caplog.text) == ("", "", "")


def test_control_points_are_mentioned(tmp_path):
    points = [rasterio.control.GroundControlPoint(row, col, col, row) for row, col in ((0, 0), (0, 3), (4, 0), (4, 3))]
    raster = read_raster(write(tmp_path / "a.tif", gcps=points, crs="EPSG:4326"))
    assert raster.georeference is None
    assert "ground control points" in raster.notes[0]


def test_scale_and_offset(tmp_path):
    def scale(dataset):
        dataset.scales, dataset.offsets = [0.1, 1, 1, 1, 2], [0] * 5

    raster = read_raster(write(tmp_path / "a.tif", change=scale))
    np.testing.assert_array_equal(raster.gain, [0.1, 1, 1, 1, 2])
    assert raster.offset is None
    np.testing.assert_array_equal(raster.array, CUBE)


def on_bands(**tags):
    """Give each band its value of a list."""

    def change(dataset):
        for band in dataset.indexes:
            dataset.update_tags(band, **{key: value[band - 1] for key, value in tags.items()})

    return change


def on_domain(domain):
    def change(dataset):
        for band, value in enumerate(WAVELENGTHS, 1):
            dataset.update_tags(band, ns=domain, CENTRAL_WAVELENGTH_UM=str(value / 1000), FWHM_UM=str(band / 1000))

    return change


def described(form, factor=1.0):
    def change(dataset):
        dataset.descriptions = [form.format(band, value * factor) for band, value in enumerate(WAVELENGTHS, 1)]

    return change


def on_image(ns=None, **tags):
    return lambda dataset: dataset.update_tags(ns=ns, **tags)


LISTED = ", ".join(map(str, WAVELENGTHS))
MICRO = "{" + ",".join(str(value / 1000) for value in WAVELENGTHS) + "}"
SOURCES = {
    "imagery": (on_domain("IMAGERY"), True),
    "band tags": (on_bands(wavelength=WAVELENGTHS, wavelength_units=["nm"] * 5, fwhm=[1, 2, 3, 4, 5]), True),
    "band tags with a unit each": (on_bands(WAVELENGTH=[f"{value} nm" for value in WAVELENGTHS]), False),
    "band tags without unit": (on_bands(Wavelength=WAVELENGTHS), False),
    "list": (on_image(WAVELENGTHS=LISTED, wavelength_units="Nanometers", FWHM="1 2 3 4 5"), True),
    "list in µm": (on_image(wavelength=MICRO), False),
    "domain of ENVI": (on_image("ENVI", wavelength=f"{{ {LISTED} }}", wavelength_units="nm", fwhm="{1,2,3,4,5}"), True),
    "names": (described("Band {} ({:.4f} Nanometers)"), False),
    "names in µm": (described("{}: {:.6f} um", 0.001), False),
    "tags of bands on the image": (
        on_image(**{f"Band_{k}": f"{v} Nanometers" for k, v in enumerate(WAVELENGTHS, 1)}),
        False,
    ),
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("sidecar", [False, True])
def test_wavelengths_from_every_source(tmp_path, source, sidecar):
    change, with_widths = SOURCES[source]
    path = write(tmp_path / "a.tif", change=None if sidecar else change)
    if sidecar:
        elements = as_sidecar(change, len(WAVELENGTHS))
        path.with_name("a.tif.aux.xml").write_text(f"<PAMDataset>{elements}</PAMDataset>", "utf-8")
    raster = read_raster(path)
    np.testing.assert_allclose(raster.wavelengths, WAVELENGTHS, rtol=1e-9)
    assert (raster.fwhm is not None) == with_widths
    if with_widths:
        np.testing.assert_allclose(raster.fwhm, [1, 2, 3, 4, 5], rtol=1e-9)
    assert raster.files == ((path, path.with_name("a.tif.aux.xml")) if sidecar else (path,))


class Recorder:
    """Takes what would be said of a dataset, and gives it as the XML of a sidecar."""

    def __init__(self, count):
        self.indexes, self.tags, self.descriptions = range(1, count + 1), {}, [None] * count

    def update_tags(self, band=0, ns=None, **tags):
        self.tags.setdefault((band, ns), {}).update(tags)


def as_sidecar(change, count):
    recorder = Recorder(count)
    change(recorder)
    parts = dict.fromkeys(range(count + 1), "")
    for (band, ns), tags in recorder.tags.items():
        items = "".join(f'<MDI key="{key}">{value}</MDI>' for key, value in tags.items())
        parts[band] += f'<Metadata domain="{ns}">{items}</Metadata>' if ns else f"<Metadata>{items}</Metadata>"
    for band, text in enumerate(recorder.descriptions, 1):
        parts[band] += f"<Description>{text}</Description>" if text else ""
    bands = (f'<PAMRasterBand band="{band}">{parts[band]}</PAMRasterBand>' for band in range(1, count + 1))
    return parts[0] + "".join(bands)


def test_an_envi_image_that_gdal_translated(tmp_path):
    """Bands, bad bands and widths stay what they are in the ENVI image."""
    metadata = {
        "wavelength": WAVELENGTHS,
        "wavelength units": "Nanometers",
        "fwhm": [10, 20, 30, 40, 50],
        "map info": ["UTM", 1, 1, 500000, 4400000, 20, 20, 16, "North", "WGS-84"],
        "default bands": [3, 2, 1],
        "data ignore value": 7,
    }
    envi.save_image(str(tmp_path / "a.hdr"), CUBE, metadata=metadata)
    rasterio.shutil.copy(tmp_path / "a.img", tmp_path / "a.tif", driver="GTiff")
    ours, translated = read_raster(tmp_path / "a.hdr"), read_raster(tmp_path / "a.tif")
    np.testing.assert_array_equal(ours.array, translated.array)
    np.testing.assert_allclose(ours.wavelengths, translated.wavelengths)
    np.testing.assert_allclose(ours.fwhm, translated.fwhm)
    assert ours.georeference.transform == translated.georeference.transform
    assert ours.rgb_bands == (2, 1, 0)
    assert ours.nodata == translated.nodata == 7


def test_bad_bands_and_colours(tmp_path):
    raster = read_raster(write(tmp_path / "a.tif", change=on_image("ENVI", bbl="{1,0,1,1,0}", default_bands="{4,2,1}")))
    assert raster.bad_bands.tolist() == [False, True, False, False, True]
    assert raster.rgb_bands == (3, 1, 0)

    def colours(dataset):
        dataset.colorinterp = [ColorInterp[name] for name in ("blue", "green", "undefined", "red", "undefined")]

    assert read_raster(write(tmp_path / "b.tif", change=colours)).rgb_bands == (3, 1, 0)
    wrong = on_image("ENVI", bbl="{1,0}", default_bands="{9,2,1}")
    raster = read_raster(write(tmp_path / "c.tif", change=wrong))
    assert (raster.bad_bands, raster.rgb_bands) == (None, None)


LABELS = np.array([[0, 1, 2], [3, 1, 0]], np.uint8)


def with_colours(dataset):
    dataset.write_colormap(1, {0: (0, 0, 0, 255), 1: (0, 0, 255, 255), 2: (160, 82, 45, 255), 9: (90, 90, 90, 255)})


def test_classes(tmp_path):
    path = write(tmp_path / "a.tif", LABELS, with_colours)
    raster = read_raster(path, ndim=2)
    np.testing.assert_array_equal(raster.array, LABELS, strict=True)
    assert raster.classes == {1: ("class 1", "#0000ff"), 2: ("class 2", "#a0522d")}
    names = "".join(f"<Category>{name}</Category>" for name in ("", "water", "dry land", "reed &amp; sedge"))
    text = f'<PAMDataset><PAMRasterBand band="1"><CategoryNames>{names}</CategoryNames></PAMRasterBand></PAMDataset>'
    (tmp_path / "a.tif.aux.xml").write_text(text)
    raster = read_raster(path, ndim=2)
    assert raster.classes == {1: ("water", "#0000ff"), 2: ("dry land", "#a0522d"), 3: ("reed & sedge", "#000000")}
    assert raster.files == (path, tmp_path / "a.tif.aux.xml")
    assert read_raster(write(tmp_path / "b.tif", LABELS), ndim=2).classes is None


BOMB = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {chr(98 + k)} "{f"&{chr(97 + k)};" * 10}">' for k in range(20)
)


@pytest.mark.parametrize(
    "text",
    [
        f'{BOMB}]><PAMDataset><PAMRasterBand band="1"><CategoryNames><Category>&u;</Category></CategoryNames>'
        "</PAMRasterBand></PAMDataset>",
        "<PAMDataset><PAM",
        "",
        "<PAMDataset>" * 10_000,
    ],
    ids=["bomb", "cut", "empty", "deep"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_hostile_sidecar_says_nothing(tmp_path, text, encoding):
    path = write(tmp_path / "a.tif", LABELS)
    (tmp_path / "a.tif.aux.xml").write_bytes(text.encode(encoding))
    raster = read_raster(path, ndim=2)
    np.testing.assert_array_equal(raster.array, LABELS)
    assert raster.classes is None


def test_metadata_of_odd_signs_show_no_traceback(tmp_path):
    """GDAL's message quotes them, and rasterio cannot log it."""
    path = write(tmp_path / "a.tif", change=on_bands(wavelength=WAVELENGTHS))
    content = path.read_bytes()
    assert content.count(b"<GDALMetadata>") == 1
    path.write_bytes(content.replace(b"<GDALMetadata>", b"<GDA \xb8etadata>"))
    code = "import sys; from hsi.scenes.formats import read_raster; print(read_raster(sys.argv[1]).array[:].sum())"
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, cwd=ROOT)
    assert (done.stdout, done.stderr) == (f"{CUBE.sum()}\n", "")


def test_statistics_beside_an_image_are_none_of_its_files(tmp_path):
    path = write(tmp_path / "a.tif")
    item = '<MDI key="STATISTICS_MEAN">1</MDI>'
    text = f'<PAMDataset><PAMRasterBand band="1"><Metadata>{item}</Metadata></PAMRasterBand></PAMDataset>'
    (tmp_path / "a.tif.aux.xml").write_text(text)
    assert read_raster(path).files == (path,)


def test_complex_numbers_are_refused(tmp_path):
    path = write(tmp_path / "a.tif", CUBE.astype(np.complex64))
    with pytest.raises(HsiError, match=r"a\.tif holds complex64 numbers"):
        read_raster(path)


def test_a_file_that_is_damaged_or_changed_after_it_was_opened(tmp_path):
    path = write(tmp_path / "a.tif", np.ones((200, 100, 3), np.float32))
    cube = read_raster(path).array
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(HsiError, match=r"a\.tif cannot be read.*damaged or cut short"):
        cube[:]
    write(path, np.ones((100, 100, 3), np.float32))
    with pytest.raises(HsiError, match=r"a\.tif has been changed since it was opened"):
        cube[:2]


def test_a_list_of_addresses_is_no_tiff(tmp_path):
    """GDAL would take it for a virtual dataset, whatever its suffix, and open what it names."""
    write(tmp_path / "other.tif")
    rasterio.shutil.copy(tmp_path / "other.tif", tmp_path / "a.tif", driver="VRT")
    with pytest.raises(HsiError, match=r"a\.tif cannot be read"):
        read_raster(tmp_path / "a.tif")


def write_sparse(path, rows, cols, bands, **profile):
    """A file of a few kB whose pixels are all 0."""
    settings = {"driver": "GTiff", "height": rows, "width": cols, "count": bands, "SPARSE_OK": "TRUE", "BIGTIFF": "YES"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        rasterio.open(path, "w", **settings, **profile).close()


PEAK = """
import resource, sys
from hsi.scenes.formats import read_raster

cube = read_raster(sys.argv[1]).array
peaks = []
for first in (0, *range(0, 1000, 100)):
    assert not cube[first : first + 100].any()
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print((peaks[-1] - peaks[0]) / 1024)
"""


@pytest.mark.parametrize("interleave", ["pixel", "band"])
def test_what_was_read_does_not_stay_in_memory(tmp_path, interleave):
    """400 MB in blocks of 40 MB, the first of which sets the peak."""
    write_sparse(tmp_path / "a.tif", 1000, 1000, 100, dtype="float32", interleave=interleave)
    os.truncate(tmp_path / "a.tif", 5 * 10**6)  # as long as one that holds so many pixels, packed
    done = subprocess.run(
        [sys.executable, "-c", PEAK, tmp_path / "a.tif"], check=True, capture_output=True, text=True, cwd=ROOT
    )
    assert float(done.stdout) < 30  # MB


def test_labels_that_a_file_cannot_hold_are_not_allocated(tmp_path):
    size = {"tiled": True, "blockxsize": 16384, "blockysize": 16384}
    write_sparse(tmp_path / "a.tif", 200_000, 200_000, 1, dtype="uint8", **size)
    with pytest.raises(HsiError, match=r"shape \(200000, 200000, 1\), more than its \d+ bytes can hold"):
        read_raster(tmp_path / "a.tif", ndim=2)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "i4", "f4"])
def test_both_libraries_give_the_same_pixels(tmp_path, monkeypatch, dtype):
    array = (np.arange(12).reshape(4, 3) * 9).astype(dtype)
    path = write(tmp_path / "a.tif", array)
    by_rasterio = read_raster(path, ndim=2)
    monkeypatch.setattr(geotiff, "_library", lambda: None)
    by_pillow = read_raster(path, ndim=2)
    np.testing.assert_array_equal(by_rasterio.array, array, strict=True)
    np.testing.assert_array_equal(by_pillow.array, array, strict=True)
    assert by_pillow.notes == ()


def test_three_samples_by_both_libraries(tmp_path, monkeypatch):
    array = CUBE[:, :, :3].astype(np.uint8)
    path = write(tmp_path / "a.tif", array, interleave="pixel")
    np.testing.assert_array_equal(read_raster(path).array, array, strict=True)
    monkeypatch.setattr(geotiff, "_library", lambda: None)
    np.testing.assert_array_equal(read_raster(path).array, array, strict=True)


def test_pages_keep_the_georeference_of_the_first(tmp_path):
    pages = [Image.fromarray(CUBE[:, :, band]) for band in range(5)]
    tags = {33550: (20.0, 20.0, 0.0), 33922: (0.0, 0.0, 0.0, 500000.0, 4400000.0, 0.0), 42113: "7"}
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:], tiffinfo=tags)
    raster = read_raster(tmp_path / "a.tif")
    np.testing.assert_array_equal(raster.array, CUBE, strict=True)
    assert raster.georeference == Georeference((20, 0, 500000, 0, -20, 4400000))
    assert raster.nodata == 7


def test_without_rasterio(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(geotiff, "_library", lambda: None)
    geotiff._say_once.cache_clear()
    placed = write(tmp_path / "a.tif", LABELS, transform=from_origin(0, 0, 1, 1), crs="EPSG:32616")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            raster = read_raster(placed, ndim=2)
    np.testing.assert_array_equal(raster.array, LABELS, strict=True)
    assert raster.georeference is None
    assert "georeference, nodata and wavelengths are not read" in raster.notes[0]
    assert [record.getMessage().count('pip install "hsi[geo]"') for record in caplog.records] == [1]
    many = write(tmp_path / "b.tif", CUBE, interleave="pixel")
    with pytest.raises(NotInstalled, match=r'b\.tif cannot be read by Pillow.*pip install "hsi\[geo\]"'):
        read_raster(many)


def test_rasterio_is_loaded_for_a_tiff_alone():
    code = "import sys, hsi.scenes.formats, hsi.scenes.map_info; assert 'rasterio' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)

import shutil
from pathlib import Path

import numpy as np
import pytest

from hsi.errors import HsiError
from hsi.scenes.custom import load_custom
from hsi.scenes.formats import read_raster

rasterio = pytest.importorskip("rasterio")

START = "ENMAP01-____L2A-DT0000001234_20240128T063655Z_018_V010506_20260305T173243Z"
BANDS = [
    (1, 418.4, 6.9, 0.0001, 0.0),
    (2, 640.2, 7.3, 0.0001, 0.25),
    (3, 1380.0, 10.4, 0.0002, 0.0),
    (4, 2440.0, 8, 1, 0),
]
CUBE = np.random.default_rng(5).integers(0, 10000, (6, 4, 4), dtype=np.int16)
CUBE[0, 0] = -32768
TRANSFORM = (30.0, 0.0, 500000.0, 0.0, -30.0, 4400000.0)


def metadata(bands=BANDS, background="-32768", expected=("1,2", "3,4"), level="L2A"):
    described = "".join(
        f'<bandID number="{number}"><wavelengthCenterOfBand>{middle}</wavelengthCenterOfBand>'
        f"<FWHMOfBand>{width}</FWHMOfBand><GainOfBand>{gain}</GainOfBand><OffsetOfBand>{offset}</OffsetOfBand></bandID>"
        for number, middle, width, gain, offset in bands
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><level_X><base><level>{level}</level></base><specific>'
        f"<bandCharacterisation>{described}</bandCharacterisation><backgroundValue>{background}</backgroundValue>"
        f"<vnirProductQuality><expectedChannelsList>{expected[0]}</expectedChannelsList></vnirProductQuality>"
        f"<swirProductQuality><expectedChannelsList>{expected[1]}</expectedChannelsList></swirProductQuality>"
        "</specific></level_X>"
    )


def write(folder, xml=None, ending="-SPECTRAL_IMAGE.TIF", cube=CUBE, start=START):
    path, image = folder / f"{start}-METADATA.XML", folder / f"{start}{ending}"
    path.write_text(metadata() if xml is None else xml)
    profile = {"height": cube.shape[0], "width": cube.shape[1], "count": cube.shape[2], "dtype": "int16"}
    grid = {"crs": "EPSG:32632", "transform": rasterio.Affine(*TRANSFORM)}
    with rasterio.open(image, "w", driver="GTiff", **profile, **grid) as file:
        file.write(cube.transpose(2, 0, 1))
    return path, image


@pytest.mark.parametrize("given", [0, 1])
@pytest.mark.parametrize("ending", ["-SPECTRAL_IMAGE.TIF", "-SPECTRAL_IMAGE.tif", "-SPECTRAL_IMAGE_COG.TIFF"])
def test_either_file_finds_the_other(tmp_path, given, ending):
    files = write(tmp_path, ending=ending)
    raster = read_raster(files[given])
    np.testing.assert_array_equal(np.asarray(raster.array), CUBE)
    np.testing.assert_array_equal(raster.wavelengths, [418.4, 640.2, 1380, 2440])
    np.testing.assert_array_equal(raster.fwhm, [6.9, 7.3, 10.4, 8])
    np.testing.assert_array_equal(raster.gain, [0.0001, 0.0001, 0.0002, 1])
    np.testing.assert_array_equal(raster.offset, [0, 0.25, 0, 0])
    assert raster.nodata == -32768
    assert raster.georeference.transform == TRANSFORM
    assert rasterio.CRS.from_string(raster.georeference.crs) == rasterio.CRS.from_epsg(32632)
    assert raster.files[:2] == files
    assert "EnMAP level L2A" in raster.notes[-1]


def test_as_a_scene(tmp_path):
    scene = load_custom(write(tmp_path)[0])
    np.testing.assert_array_equal(scene.valid, np.arange(24).reshape(6, 4) > 0)
    np.testing.assert_array_equal(scene.wavelengths, [418.4, 640.2, 1380, 2440])


def test_bands_come_by_their_number(tmp_path):
    path, _ = write(tmp_path, metadata(bands=BANDS[::-1]))
    np.testing.assert_array_equal(read_raster(path).wavelengths, [418.4, 640.2, 1380, 2440])


def test_an_image_of_the_expected_bands_alone(tmp_path):
    path, _ = write(tmp_path, metadata(expected=("1", "3,4")), cube=CUBE[:, :, [0, 2, 3]])
    np.testing.assert_array_equal(read_raster(path).wavelengths, [418.4, 1380, 2440])


def test_an_image_of_another_product(tmp_path):
    path, _ = write(tmp_path, cube=CUBE[:, :, :2])
    with pytest.raises(HsiError, match=r"describes 4 bands but .*SPECTRAL_IMAGE\.TIF has 2"):
        read_raster(path)


def test_a_lonely_image_is_a_geotiff_and_lonely_metadata_say_so(tmp_path):
    path, image = write(tmp_path)
    (tmp_path / "alone").mkdir()
    shutil.copy(image, tmp_path / "alone")
    assert read_raster(tmp_path / "alone" / image.name).wavelengths is None
    image.unlink()
    with pytest.raises(HsiError, match=r"has no image .*SPECTRAL_IMAGE\.TIF' beside it"):
        read_raster(path)
    image.with_name(f"{START}-SPECTRAL_IMAGE_VNIR.TIF").write_bytes(b"")
    with pytest.raises(HsiError, match="is of level 1B"):
        read_raster(path)


def test_other_products_in_the_folder_are_left_alone(tmp_path):
    write(tmp_path, metadata(level="L1C"), start="ENMAP01-other", cube=CUBE[:, :, :2])
    assert "level L2A" in read_raster(write(tmp_path)[0]).notes[-1]


BOMB = '<!DOCTYPE a [<!ENTITY b "aaaaaaaaaa"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
FILE = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    "declared", [BOMB, FILE, "<!doctype level_X>", '<!DOCTYPE a SYSTEM "http://example.org/a.dtd">']
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
def test_document_types_and_entities_are_refused(tmp_path, declared, encoding):
    path, image = write(tmp_path)
    text = metadata().replace('encoding="UTF-8"?>', f'encoding="{encoding}"?>{declared}')
    path.write_bytes(text.encode(encoding))
    for file in (path, image):
        with pytest.raises(HsiError, match="declares a document type or entities"):
            read_raster(file)


@pytest.mark.parametrize(
    ("xml", "says"),
    [
        ("", "is no XML"),
        ("<level_X><specific>", "is no XML"),
        (metadata()[:400], "is no XML"),
        ('<?xml version="1.0" encoding="no such"?><a/>', "is no XML"),
        ("<html><body/></html>", "has no specific/bandCharacterisation"),
        (metadata(bands=[(1, "wide", 1, 1, 1)]), "by what is no number"),
        (metadata(bands=[(1, "", 1, 1, 1)]), "no wavelength or no width"),
        (metadata(bands=[(1, 0, 1, 1, 1)]), "no wavelength or no width"),
        (metadata(bands=[(1, 400, "inf", 1, 1)]), "no wavelength or no width"),
        (metadata(background="none"), "by what is no number"),
        (metadata(expected=("1,x", "")), "by what is no number"),
    ],
)
def test_damaged_metadata(tmp_path, xml, says):
    path, _ = write(tmp_path, xml)
    with pytest.raises(HsiError, match="METADATA") as caught:
        read_raster(path)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_any_other_xml(tmp_path):
    path = Path(tmp_path / "settings.xml")
    path.write_text("<a/>")
    with pytest.raises(HsiError, match="is no metadata of EnMAP"):
        read_raster(path)

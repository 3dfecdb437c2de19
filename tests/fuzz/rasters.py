"""Readers of ENVI images and TIFF, and of folders of masks."""

from pathlib import Path

import numpy as np
import rasterio
import scipy.io
from PIL import Image
from scenes.placed_files import turned, write_tiff
from spectral.io import envi

from .doors import BANDS, CUBE, LABELS, WAVELENGTHS, each, inside, read_cube, read_image
from .targets import Target


def envi_cubes(folder: Path) -> list[Path]:
    place = ["UTM", "1", "1", "500000", "5400000", "30", "30", "32", "North", "WGS-84", "units=Meters", "rotation=20"]
    about = {
        "map info": place,
        "coordinate system string": [rasterio.crs.CRS.from_epsg(32632).to_wkt()],
        "wavelength": [f"{value:.1f}" for value in WAVELENGTHS],
        "fwhm": ["10.0"] * BANDS,
        "wavelength units": "Nanometers",
        "bbl": [1, 1, 0, *[1] * (BANDS - 3)],
        "default bands": [4, 3, 1],
        "data ignore value": -9999,
        "reflectance scale factor": 10000,
    }
    gains = {"data gain values": ["0.5"] * BANDS, "data offset values": ["1.0"] * BANDS, "file compression": 0}
    names = {"band names": [f"Band {n} ({value:.1f} Nanometers)" for n, value in enumerate(WAVELENGTHS)]}
    projected = {
        "map info": ["Transverse Mercator", 1, 1, 0, 0, 20, 20, "WGS-84", "units=Meters"],
        "projection info": [3, 6378137, 6356752.3, 45, 9, 500000, 100, 0.9996, "WGS-84", "Transverse Mercator"],
    }
    found = []
    for interleave, more in (("bsq", about), ("bil", about | gains), ("bip", names | projected)):
        own = folder / interleave / "scene"
        own.mkdir(parents=True)
        array = CUBE.astype(">i2" if interleave == "bil" else np.uint16)
        envi.save_image(str(own / "a.hdr"), array, dtype=array.dtype, interleave=interleave, metadata=more)
        found.append(own)
    return found


def envi_classes(folder: Path) -> list[Path]:
    about = {"class names": ["none", "corn", "soil", "tree"], "class lookup": [0, 0, 0, 255, 0, 0, 0, 9, 9, 1, 2, 3]}
    (folder / "scene").mkdir(parents=True)
    envi.save_classification(str(folder / "scene" / "a.hdr"), LABELS, metadata=about)
    return [folder / "scene"]


def tiff_cubes(folder: Path) -> list[Path]:
    def write(path: Path, dtype: str = "uint16", **how: object) -> None:
        write_tiff(path, CUBE.astype(dtype), nodata=7)
        with rasterio.open(path) as plain:
            profile, values = plain.profile | how, plain.read()
        with rasterio.open(path, "w", **profile) as file:
            file.write(values)
            file.scales, file.offsets = [1e-4] * BANDS, [0.5] * BANDS
            file.update_tags(bbl="{1,1,0,1,1,1,1}", default_bands="{4,3,1}")
            for number, wavelength in enumerate(WAVELENGTHS, 1):
                file.update_tags(number, wavelength=f"{wavelength:.1f}", wavelength_units="Nanometers", fwhm="10")

    tiled = {"tiled": True, "blockxsize": 16, "blockysize": 16}
    return each(
        folder,
        plain_tif=write,
        tiled_tif=lambda path: write(path, compress="deflate", predictor=2, **tiled),
        lzw_tif=lambda path: write(path, "int16", compress="lzw", interleave="pixel"),
        float_tif=lambda path: write(path, "float32", compress="zstd", bigtiff="YES"),
    )


def tiff_pages(folder: Path) -> list[Path]:
    def write(path: Path, **how: object) -> None:
        first, *rest = (Image.fromarray(CUBE[:, :, band].astype(np.int32)) for band in range(BANDS))
        first.save(path, save_all=True, append_images=rest, **how)

    return each(folder, plain_tif=write, packed_tif=lambda path: write(path, compression="tiff_adobe_deflate"))


def tiff_with_sidecar(folder: Path) -> list[Path]:
    text = (
        "<PAMDataset><SRS>EPSG:32632</SRS><Metadata><MDI key='wavelength_units'>nm</MDI></Metadata>"
        "<PAMRasterBand band='1'><NoDataValue>9</NoDataValue><Offset>0.5</Offset><Scale>2</Scale><CategoryNames>"
        "<Category>none</Category><Category>corn</Category></CategoryNames></PAMRasterBand></PAMDataset>"
    )
    own = folder / "scene"
    own.mkdir(parents=True)
    write_tiff(own / "a.tif", CUBE)
    (own / "a.tif.aux.xml").write_text(text)
    return [own]


def tiff_labels(folder: Path) -> list[Path]:
    def coloured(path: Path) -> None:
        write_tiff(path, LABELS, nodata=3)
        with rasterio.open(path, "r+") as file:
            file.write_colormap(1, {1: (255, 0, 0, 255), 2: (0, 9, 0, 255)})

    return each(
        folder,
        coloured_tif=coloured,
        turned_tif=lambda path: write_tiff(path, np.kron(LABELS, np.ones((3, 3), np.uint8)), turned(10, 14)),
        float_tif=lambda path: write_tiff(path, LABELS.astype(np.float32), nodata=np.nan),
        pillow_tif=lambda path: Image.fromarray(LABELS).save(path, compression="packbits"),
    )


def mask_folders(folder: Path) -> list[Path]:
    own = folder / "masks"
    own.mkdir(parents=True)
    write_tiff(own / "corn.tif", (LABELS == 1).astype("u1"))
    np.save(own / "soil.npy", LABELS == 2)
    scipy.io.savemat(own / "tree.mat", {"mask": (LABELS == 3).astype(np.uint8)})
    return [own]


TARGETS = (
    Target("ENVI cube", envi_cubes, inside("a.hdr", read_cube)),
    Target("ENVI classes", envi_classes, inside("a.hdr", read_image)),
    Target("GeoTIFF cube", tiff_cubes, read_cube),
    Target("TIFF pages", tiff_pages, read_cube),
    Target("TIFF with .aux.xml", tiff_with_sidecar, inside("a.tif", read_cube)),
    Target("GeoTIFF labels", tiff_labels, read_image),
    Target("masks", mask_folders, read_image),
)

"""Arrays out of the files in which scenes circulate: MATLAB .mat (all versions), NumPy .npy, ENVI .hdr.

Nothing here runs code out of a file: pickled objects are refused.
"""

import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io
from spectral.io import envi

from hsi.errors import HsiError

log = logging.getLogger(__name__)

# What scipy.io.whosmat calls the numeric arrays; cells, structs, text and objects are nothing we could use.
MATLAB_NUMERIC = {"double", "single", "logical"} | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}


@dataclass(frozen=True, eq=False)
class EnviHeader:
    """What an ENVI header says beside the shape.

    wavelengths: (bands,) float64, nm, or None; georeference: the header's map entries as they stand, or None;
    rgb_bands: the header's 'default bands', counted from 0, or None.
    """

    wavelengths: np.ndarray | None
    georeference: Mapping[str, object] | None
    rgb_bands: tuple[int, int, int] | None


def read_array(path: Path, key: str | None, ndim: int, option: str | None = None) -> np.ndarray:
    """Read one numeric array from a .mat, .npy or ENVI .hdr file.

    Parameters
    ----------
    path
        the file; for ENVI its header.
    key
        the array's name in a .mat file; None takes the only array of the right rank.
    ndim
        3 for a cube (rows, cols, bands), 2 for a label image (rows, cols).
    option
        what messages call the key; None calls it by its name in a scene.

    Returns
    -------
    The array, C-contiguous, in the file's own dtype and native byte order. ENVI scale factors are not
    applied.

    Raises HsiError: missing, damaged or foreign file, missing or ambiguous key, wrong rank.
    """
    if not path.is_file():
        raise HsiError(f"{path} does not exist or is no file: check the path (now in {Path.cwd()}).")
    suffix = path.suffix.lower()
    option = option or ("scene.cube_key" if ndim == 3 else "scene.labels_key")
    if key is not None and suffix != ".mat":
        raise HsiError(f"{path} holds a single array, so the key '{key}' means nothing there: leave the key out.")
    match suffix:
        case ".mat":
            array = (_read_hdf5_mat if h5py.is_hdf5(path) else _read_mat)(path, key, ndim, option)
        case ".npy":
            array = _read_npy(path)
        case ".hdr":
            array = _read_envi(path)
            if ndim == 2 and array.shape[2] == 1:
                array = array[:, :, 0]
        case _:
            raise HsiError(f"{path} has a format that is not read here: give a .mat, .npy or ENVI .hdr file.")
    if array.ndim != ndim:
        layout = "a cube (rows, columns, bands)" if ndim == 3 else "a label image (rows, columns)"
        raise HsiError(f"{path} holds an array of shape {array.shape}, but {layout} is needed: give another array.")
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))


def _choose_key(path: Path, shapes: Mapping[str, tuple[int, ...]], key: str | None, ndim: int, option: str) -> str:
    """Return `key`, checked, or the only key whose array has the right rank."""
    listing = ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "no numeric array"
    if key is not None:
        if key not in shapes:
            raise HsiError(f"{path} has no array '{key}', it holds: {listing}; set the key to one of these.")
        return key
    # MATLAB stores scalars and vectors as 1 x n: they are no candidates for an image.
    fitting = [name for name, shape in shapes.items() if len(shape) == ndim and min(shape) > 1]
    if len(fitting) != 1:
        raise HsiError(
            f"{path} has {len(fitting) or 'no'} arrays with {ndim} dimensions, it holds: {listing}; "
            f"name the right one with {option}=."
        )
    return fitting[0]


def _damaged(path: Path, error: Exception) -> HsiError:
    reason = f"{type(error).__name__}: {error}".split("\n")[0]
    return HsiError(f"{path} cannot be read ({reason}): it is damaged or cut short, fetch or copy it again.")


def _read_mat(path: Path, key: str | None, ndim: int, option: str) -> np.ndarray:
    """MATLAB up to v7, by scipy."""
    try:
        shapes = {name: shape for name, shape, kind in scipy.io.whosmat(path) if kind in MATLAB_NUMERIC}
    except Exception as error:  # scipy answers damage with a dozen unrelated exceptions
        raise _damaged(path, error) from error
    chosen = _choose_key(path, shapes, key, ndim, option)
    try:
        return scipy.io.loadmat(path, variable_names=[chosen])[chosen]
    except Exception as error:
        raise _damaged(path, error) from error


def _read_hdf5_mat(path: Path, key: str | None, ndim: int, option: str) -> np.ndarray:
    """MATLAB v7.3, which is HDF5 with the axes in reverse order (MATLAB counts columns first)."""
    try:
        with h5py.File(path, "r") as file:
            shapes = {
                name: item.shape[::-1]
                for name, item in file.items()
                # text is stored as uint16, told apart by the attribute alone
                if isinstance(item, h5py.Dataset)
                and item.dtype.kind in "iufb"
                and item.attrs.get("MATLAB_class", b"") != b"char"
            }
            chosen = _choose_key(path, shapes, key, ndim, option)
            return file[chosen][()].T
    except (OSError, RuntimeError, KeyError) as error:
        raise _damaged(path, error) from error


def _read_npy(path: Path) -> np.ndarray:
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise _damaged(path, error) from error
    if not isinstance(array, np.ndarray):
        raise HsiError(f"{path} is an archive of several arrays, not a .npy file: save the one array with numpy.save.")
    return array


def _open_envi(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # spectral warns about capital letters in headers
            return envi.open(str(path))
    except Exception as error:  # spectral lets ValueError, KeyError, TypeError of a bad header through
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise HsiError(f"{path} is no usable ENVI header ({reason}): check it and the data file beside it.") from error


def _read_envi(path: Path) -> np.ndarray:
    """Return (rows, cols, bands) whatever the interleave."""
    image = _open_envi(path)
    if not hasattr(image, "nbands"):
        raise HsiError(f"{path} is a spectral library, not an image: give the header of an image.")
    needed = image.offset + image.nrows * image.ncols * image.nbands * np.dtype(image.dtype).itemsize
    found = Path(image.filename).stat().st_size
    if found < needed:
        raise HsiError(f"{image.filename} has {found} bytes where {path.name} promises {needed}: copy it again.")
    array = np.array(image.open_memmap(interleave="bip"))
    ignore = image.metadata.get("data ignore value")
    if ignore is not None and (count := int((array == float(ignore)).all(axis=2).sum())):
        log.warning(
            "%s: %d pixels hold only the 'data ignore value' %s; they are used like others",
            path,
            count,
            ignore,
        )
    return array


def envi_data_file(path: Path) -> Path:
    """Return the data file that belongs to an ENVI header."""
    return Path(_open_envi(path).filename)


def read_envi_header(path: Path) -> EnviHeader:
    """Read wavelengths, georeference and default bands of an ENVI header.

    Raises HsiError: no ENVI header, or wavelengths that are no numbers.
    """
    header = _open_envi(path).metadata
    georeference = {
        key: header[key] for key in ("map info", "projection info", "coordinate system string") if key in header
    }
    default = header.get("default bands", [])
    try:
        rgb = tuple(int(float(band)) - 1 for band in default) if len(default) == 3 else None
        wavelengths = _to_nanometres(path, header)
    except (TypeError, ValueError) as error:
        raise HsiError(f"{path}: wavelength or default bands are no numbers ({error}): correct the header.") from error
    return EnviHeader(wavelengths, georeference or None, rgb)  # type: ignore[arg-type]


def _to_nanometres(path: Path, header: Mapping[str, object]) -> np.ndarray | None:
    if "wavelength" not in header:
        return None
    values = np.array(header["wavelength"], dtype=np.float64)
    unit = str(header.get("wavelength units", "unknown")).strip().lower()
    if unit in ("nanometers", "nanometres", "nm"):
        return values
    if unit in ("micrometers", "micrometres", "microns", "um", "µm"):
        return values * 1000
    if unit == "unknown":
        # No optical sensor measures at 100 µm, nor below 100 nm: the size tells the unit.
        factor = 1000 if values.max() < 100 else 1
        log.warning("%s gives no wavelength unit; taken as %s", path, "µm" if factor == 1000 else "nm")
        return values * factor
    log.warning("%s: wavelengths in '%s' are not used, only nm and µm are understood", path, unit)
    return None

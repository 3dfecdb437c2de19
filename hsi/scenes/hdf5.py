"""HDF5 files, and netCDF files of version 4, which are HDF5.

A crafted file may point elsewhere: to other files by external links, external storage and virtual datasets, in circles
by hard links, or to arrays that no disk holds. Nothing outside of the file is ever opened. HDF5 File Format
Specification, version 3.0.
"""

import math
from pathlib import Path
from typing import Any

import h5py
import h5py.h5t
import h5py.h5z
import numpy as np

from hsi.errors import HsiError, shown
from hsi.scenes.hdf5_heaps import require_sound_heaps
from hsi.scenes.limits import require_held
from hsi.scenes.variables import Attributes, Store, Variable, require_numbers

LONGEST = 100_000  # objects in a file that are looked at
WIDTHS = (8, 8)  # bytes of addresses and lengths, in all files of today
CHECKSUM = 4  # bytes of a chunk that fletcher32 takes off, whether they are there or not
# Those that are common; the decoders of the others trust what the file says, or come from elsewhere
FILTERS = {
    h5py.h5z.FILTER_DEFLATE,
    h5py.h5z.FILTER_SHUFFLE,
    h5py.h5z.FILTER_FLETCHER32,
    h5py.h5z.FILTER_SZIP,
    h5py.h5z.FILTER_LZF,
}
SEQUENCE, TEXT = 0, 1  # kinds of values of variable length
COPY = "copy the values into the file itself, such as by h5repack, or give a file that holds them"


def hdf5_store(path: Path, nested: bool = True) -> Store:
    """List the variables of a file, those in groups only if `nested`; none is read.

    Raises HsiError: a damaged file, or one with more than 100,000 objects.
    """
    require_sound_heaps(path)
    with h5py.File(path, "r") as file:
        if file.id.get_create_plist().get_sizes() != WIDTHS:
            raise HsiError(f"{path} is HDF5 with addresses of an odd width: copy it by h5repack, which widens them.")
        variables, refused = _walk(path, file, nested)

    def attributes(name: str) -> Attributes:
        with h5py.File(path, "r") as file:
            return _attributes(file[name or "/"])

    def check(name: str) -> None:
        with h5py.File(path, "r") as file:
            require_stored(path, file[name])

    def read(name: str, part: tuple[slice, ...]) -> np.ndarray:
        shape = variables[name].shape
        dtype = require_numbers(store, name)
        with h5py.File(path, "r") as file:
            if file[name].shape != shape:
                raise HsiError(f"{path} has changed while it was read: start again.")
            return read_part(file[name], part, dtype)

    store = Store(path, variables, refused, attributes, check, read)
    return store


def read_part(dataset: h5py.Dataset, part: tuple[slice, ...], dtype: np.dtype) -> np.ndarray:
    """Read a slice of step 1 for each axis, in native byte order."""
    sizes = [len(range(*piece.indices(length))) for piece, length in zip(part, dataset.shape, strict=True)]
    values = np.empty(sizes, dtype)
    if values.size:
        dataset.read_direct(values, source_sel=part)
    return values


def native(dataset: h5py.Dataset) -> np.dtype | None:
    """The dtype of an array of real numbers in native byte order, None for anything else."""
    try:
        dtype = dataset.dtype
    except (TypeError, ValueError):  # a type that NumPy does not have
        return None
    return np.dtype(dtype.str).newbyteorder("=") if dtype.kind in "iufb" and dtype.subdtype is None else None


def points_elsewhere(dataset: h5py.Dataset) -> str | None:
    """Why a dataset is not read: its values lie in another file."""
    plan = dataset.id.get_create_plist()
    if plan.get_layout() == h5py.h5d.VIRTUAL:
        return f"is a virtual dataset, whose values lie in other files, which are never opened: {COPY}"
    if plan.get_external_count() > 0:
        return f"has external storage, its values lie in other files, which are never opened: {COPY}"
    return None


def require_stored(path: Path, dataset: h5py.Dataset) -> None:
    """Raise HsiError unless the file is large enough for what a dataset of numbers declares.

    A dataset in chunks may lack some, and the others may be compressed; a contiguous one is stored as it is. A single
    number makes HDF5 expand the whole of its chunk.
    """
    if (reason := points_elsewhere(dataset)) is not None:
        raise HsiError(f"{path}: '{shown(dataset.name)}' {reason}.")
    plan = dataset.id.get_create_plist()
    chunked = plan.get_layout() == h5py.h5d.CHUNKED
    found = min(dataset.id.get_storage_size(), path.stat().st_size)
    for shape in (dataset.shape or (), plan.get_chunk() if chunked else ()):
        require_held(path, shape, dataset.dtype, stored=found, packed=chunked, name=dataset.name)
    if chunked:
        _require_sound_chunks(path, dataset, math.prod(plan.get_chunk()) * dataset.dtype.itemsize)


def _require_sound_chunks(path: Path, dataset: h5py.Dataset, nbytes: int) -> None:
    """Raise HsiError for chunks of `nbytes` that the library cannot unpack, or by which it goes astray."""
    plan = dataset.id.get_create_plist()
    filters = [plan.get_filter(number)[0] for number in range(plan.get_nfilters())]
    if len(filters) != len(set(filters)) or not set(filters) <= FILTERS:
        raise HsiError(
            f"{path} packs '{shown(dataset.name)}' by filters that are not read here (numbers {filters}): repack it by "
            "'h5repack -f GZIP=4 IN OUT'."
        )
    least = CHECKSUM if h5py.h5z.FILTER_FLETCHER32 in filters else 0

    def is_odd(chunk: Any) -> bool | None:
        # what was packed is not much larger than before; the library unpacks all that there is
        return None if least < chunk.size <= 2 * nbytes + 1024 else True

    if filters and dataset.id.chunk_iter(is_odd):
        raise HsiError(
            f"{path} has a piece of '{shown(dataset.name)}' of a size that cannot be: it is damaged, fetch or copy it "
            "again."
        )


def _walk(path: Path, file: h5py.File, nested: bool) -> tuple[dict[str, Variable], dict[str, str]]:
    """All datasets that hard links lead to, each once, and the names that are not followed."""
    variables: dict[str, Variable] = {}
    refused: dict[str, str] = {}
    seen = {_address(file)}
    groups = [("", file)]
    looked = 0
    while groups:
        place, group = groups.pop(0)
        for own_name in group:
            looked += 1
            if looked > LONGEST:
                raise HsiError(f"{path} holds more than {LONGEST} objects: copy the ones that matter into a new file.")
            name = f"{place}/{own_name}".lstrip("/")
            if (reason := _leads_astray(group, own_name)) is not None:
                refused[name] = reason
                continue
            item = group[own_name]
            if isinstance(item, h5py.Datatype) or _address(item) in seen:
                continue
            seen.add(_address(item))
            if isinstance(item, h5py.Group):
                groups += [(name, item)] if nested else []
            elif (reason := points_elsewhere(item)) is not None:
                refused[name] = reason
            else:
                variables[name] = _variable(item)
    return variables, refused


def _address(item: h5py.HLObject) -> tuple[int, int]:
    info = h5py.h5o.get_info(item.id)
    return info.fileno, info.addr


def _leads_astray(group: h5py.Group, name: str) -> str | None:
    """Why a link is not followed; those to other files not at all, those within the file by their target alone."""
    link = group.get(name, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        return f"is a link to the file '{shown(link.filename)}', and links to other files are not followed: {COPY}"
    if isinstance(link, h5py.SoftLink):
        return f"is a soft link, which is not followed: name what it leads to, '{shown(link.path, 120)}'"
    return None


def _variable(dataset: h5py.Dataset) -> Variable:
    shape = tuple(dataset.shape or ())
    labels, scales = _labels(dataset, len(shape)), _scales(dataset, len(shape))
    dims = tuple(label or scale for label, scale in zip(labels, scales, strict=True))
    return Variable(shape, None if dataset.shape is None else native(dataset), dims, scales, dataset.chunks)


# The attributes of dimension scales are read as attributes: the library's own functions for them, H5DSget_label and its
# like, take the type of the attribute for granted and crash where a file has another.
def _labels(dataset: h5py.Dataset, axes: int) -> tuple[str, ...]:
    values = _attribute(dataset, "DIMENSION_LABELS")
    if not isinstance(values, np.ndarray) or values.shape != (axes,):
        return ("",) * axes
    return tuple(
        value.decode("utf-8", "replace") if isinstance(value, bytes) else value if isinstance(value, str) else ""
        for value in values
    )


def _scales(dataset: h5py.Dataset, axes: int) -> tuple[str, ...]:
    """For each axis the name of its coordinate variable, the first that is attached to it."""
    values = _attribute(dataset, "DIMENSION_LIST")
    if not isinstance(values, np.ndarray) or values.shape != (axes,):
        return ("",) * axes
    names = []
    for references in values:
        first = references[0] if isinstance(references, np.ndarray) and len(references) else None
        scale = dataset.file[first] if isinstance(first, h5py.Reference) and first else None
        names.append((scale.name or "").strip("/") if isinstance(scale, h5py.Dataset) else "")
    return tuple(names)


def _attributes(item: h5py.HLObject) -> Attributes:
    return {name: value for name in item.attrs if (value := _attribute(item, name)) is not None}


def _attribute(item: h5py.HLObject, name: str) -> Any:
    """An attribute, None where there is none or it is of a type that NumPy or the library does not have."""
    try:
        found = item.attrs.get_id(name)
        if found.dtype.hasobject and not _has_known_lengths(found.get_type()):
            return None
        return item.attrs[name]
    except (OSError, TypeError, ValueError, RuntimeError, KeyError):
        return None


def _has_known_lengths(kind: h5py.h5t.TypeID) -> bool:
    """Whether values of variable length are sequences or texts; the library crashes where a file has another kind.

    The kind is in the low half of the second byte of the datatype message (specification, IV.A.2.d), which follows two
    bytes of `TypeID.encode`.
    """
    return kind.get_class() != h5py.h5t.VLEN or kind.encode()[3] & 15 in (SEQUENCE, TEXT)

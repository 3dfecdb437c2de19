"""Classic netCDF files, versions 1 and 2 of the format; version 4 is HDF5, see `hsi.scenes.hdf5`.

NetCDF Classic Format Specification, Unidata. scipy maps the file into memory, so that only what is asked for is read.
"""

import io
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from scipy.io import netcdf_file

from hsi.errors import HsiError
from hsi.scenes.variables import Attributes, Store, Variable, require_numbers

MAGIC = b"CDF"


class _Bounded(io.FileIO):
    """A file of which no more is asked for than it has: memory is taken for all that is asked for."""

    def read(self, size: int | None = -1) -> bytes:
        left = os.fstat(self.fileno()).st_size - self.tell()
        return super().read(left if size is None or size < 0 else min(size, left))


@contextmanager
def opened(path: Path) -> Iterator[netcdf_file]:
    """Open a file, and let go of it whatever comes."""
    try:
        with _Bounded(path) as stream, netcdf_file(stream, "r", mmap=True) as file:
            yield file
    except Exception as error:
        # arrays in its frames keep the file mapped, and scipy complains of that later
        traceback.clear_frames(error.__traceback__)
        raise


def classic_store(path: Path) -> Store:
    """List the variables of a file; none is read.

    Raises HsiError: a damaged file, or the variant CDF-5.
    """
    with path.open("rb") as stream:
        version = stream.read(4)[3:]
    if version not in (b"\x01", b"\x02"):
        raise HsiError(
            f"{path} is netCDF of a variant that is not read here (CDF-5): rewrite it by 'nccopy -k nc4 IN OUT'."
        )
    with opened(path) as file:
        variables = {name: _variable(file, name) for name in file.variables}

    def attributes(name: str) -> Attributes:
        with opened(path) as file:
            # scipy has no public way to all attributes of a variable
            return dict((file.variables[name] if name else file)._attributes)

    def read(name: str, part: tuple[slice, ...]) -> np.ndarray:
        dtype = require_numbers(store, name)
        with opened(path) as file:
            values = np.array(file.variables[name].data[part], dtype=dtype, order="C")
            if values.shape != tuple(piece.stop - piece.start for piece in part):
                raise HsiError(f"{path} has changed while it was read: start again.")
            return values

    store = Store(path, variables, {}, attributes, lambda name: None, read)
    return store


def _variable(file: netcdf_file, name: str) -> Variable:
    variable = file.variables[name]
    dtype = variable.data.dtype
    dims = tuple(variable.dimensions)
    return Variable(
        tuple(variable.data.shape),  # mapped into memory: the file is as long as that
        dtype.newbyteorder("=") if dtype.kind in "iufb" else None,
        dims,
        tuple(dim if dim in file.variables else "" for dim in dims),
    )

"""Files appear whole or not at all."""

import csv
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hsi.errors import HsiError

# More than any run writes, and little enough to be read in a moment:
LARGEST_JSON, LARGEST_TABLE, LARGEST_ARRAY, LARGEST_ARCHIVE = 16 * 2**20, 32 * 2**20, 2**33, 2**29  # bytes
DEEPEST_JSON, MOST_COLUMNS = 32, 10_000
PACKED_BY = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what NumPy writes; LZMA can ask for gigabytes


def write(path: Path, content: bytes | str) -> None:
    """Write beside `path` under a temporary name, then rename.

    Raises HsiError when the disk is full or the folder may not be written.
    """
    partial = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)  # it may be a link that somebody has laid there
        partial.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(partial, path)
    except BaseException as error:  # a signal too, which leaves no half of a file
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        raise HsiError(
            f"{path} could not be written ({error.strerror}): free space or choose another folder"
        ) from error


def write_array(path: Path, array: np.ndarray) -> None:
    """Write a .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write(path, buffer.getvalue())


def write_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Write a compressed .npz file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    write(path, buffer.getvalue())


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write JSON for people: indented."""
    write(path, to_json(value))


def to_json(value: dict[str, Any]) -> bytes:
    """What `write_json` writes."""
    return f"{json.dumps(value, indent=2, allow_nan=False)}\n".encode()


def is_file(path: Path) -> bool:
    """Whether a path, from whatever source, leads to a regular file: no folder, no pipe or device that never ends."""
    try:
        return path.is_file()
    except (OSError, ValueError, RuntimeError):  # too long a name, a zero byte, a folder that may not be entered
        return False


def read_bytes(path: Path, largest: int) -> bytes:
    """The content of a file that a run has written, of at most `largest` bytes.

    Raises HsiError: no such file, or a larger one.
    """
    with _damage_told(path):
        _require_size(path, largest)
        return path.read_bytes()


def _require_size(path: Path, largest: int) -> None:
    if (size := path.stat().st_size) > largest:
        raise HsiError(f"{path} has {size:,} bytes, more than the {largest:,} that are read of such a file")


def read_json(path: Path, largest: int = LARGEST_JSON) -> dict[str, Any]:
    """Read a JSON object of at most `largest` bytes that a run has written."""
    content = read_bytes(path, largest)
    with _damage_told(path):
        value = json.loads(content, object_pairs_hook=_object)
        if not isinstance(value, dict):
            raise HsiError(f"{path} holds no JSON object: it is damaged, repeat the run with force=true")
        if _depth(value) > DEEPEST_JSON:
            raise HsiError(f"{path} nests its values deeper than any run does: it is damaged, repeat the run")
        return value


def read_array(path: Path) -> np.ndarray:
    """Read numbers of a .npy file that a run has written; no more is read than the file holds."""
    with _damage_told(path):
        _require_size(path, LARGEST_ARRAY)
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(array, np.ndarray):
            raise HsiError(f"{path} is an archive and not one array: repeat the run with force=true")
        if array.dtype.kind not in "biuf":
            raise HsiError(f"{path} holds no numbers: it is damaged, repeat the run with force=true")
        return np.array(array)


def read_arrays(path: Path, *names: str) -> tuple[np.ndarray, ...]:
    """Read arrays of an .npz file that a run has written."""
    with _damage_told(path), zipfile.ZipFile(path) as archive:
        members = [archive.getinfo(f"{name}.npy") for name in names]
        unpacked = sum(member.file_size for member in members)
        if unpacked > LARGEST_ARCHIVE:
            raise HsiError(f"{path} would unpack to {unpacked:,} bytes, more than any run writes: it is not read")
        if any(member.compress_type not in PACKED_BY for member in members):
            raise ValueError("no run packs it so")
        return tuple(array_of(_unpacked(archive, member)) for member in members)


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """As many bytes of a member as it says that it has: without that number, up to 2 GiB are unpacked at once."""
    with archive.open(member) as stream:
        return stream.read(member.file_size)


def array_of(content: bytes) -> np.ndarray:
    """The array that the content of a .npy file is; ValueError where its header promises more or less than there is."""
    header = npy_header(content)
    if header.dtype.hasobject:
        raise ValueError("it holds pickled objects")
    empty = 0 in header.shape
    values = np.empty(0, header.dtype) if empty else np.frombuffer(content, header.dtype, offset=header.start)
    return np.array(values.reshape(header.shape, order="F" if header.by_columns else "C"), order="C")


@dataclass(frozen=True)
class NpyHeader:
    """Of one array: its shape, whether the first axis changes fastest, and the byte at which its numbers start."""

    shape: tuple[int, ...]
    by_columns: bool
    dtype: np.dtype
    start: int


def npy_header(content: bytes) -> NpyHeader:
    """The header that the first bytes of a .npy file are; ValueError and others: damage."""
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    # version 3 differs from 2 only in how it spells the names of fields, and arrays with fields are no images
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read(stream)
    return NpyHeader(tuple(map(int, shape)), by_columns, dtype, stream.tell())


def read_table(path: Path, **how: Any) -> pd.DataFrame:
    """Read a .csv file that a run has written; `how` goes to `pandas.read_csv`."""
    content = read_bytes(path, LARGEST_TABLE)
    with _damage_told(path):
        # pandas makes a level of an index of every cell too many, however many these are, and takes minutes over a
        # great many columns, or hours if they have one name
        rows = (row for row in csv.reader(io.StringIO(content.decode(), newline="")) if row)
        names = next(rows, [])
        if not len(set(names)) == len(names) <= MOST_COLUMNS or any(len(row) != len(names) for row in rows):
            raise ValueError("its columns are none of a run, or its rows are not of one length")
        return pd.read_csv(io.BytesIO(content), **how)


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    """Turn whatever a library raises over the file at `path` into one sentence."""
    if not is_file(path):
        raise HsiError(f"{path} does not exist: {path.parent} holds no finished run")
    try:
        yield
    except HsiError:
        raise
    except Exception as error:  # libraries answer damage with dozens of unrelated exceptions
        raise HsiError(f"{path} is damaged or cut short: fetch it again, or repeat the run with force=true") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; ValueError where it has a key twice, of which other programs may take the first."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("it has a key twice")
    return found


def _depth(value: Any) -> int:
    """How deep lists and objects are nested, found level by level."""
    depth, level = 0, [value]
    while level := [each for each in level if isinstance(each, dict | list)]:
        depth += 1
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
    return depth


def file_checksum(path: Path, kind: str = "sha256") -> str:
    """Return '<kind>:<hex>' of a file.

    `kind` is 'sha256', or 'git-blob': the SHA-1 by which git knows it ('blob <size>', a zero byte, content).

    Raises HsiError: unknown kind.
    """
    with path.open("rb") as stream:
        if kind == "sha256":
            digest = hashlib.file_digest(stream, "sha256")
        elif kind == "git-blob":
            start = b"blob %d\0" % path.stat().st_size
            digest = hashlib.file_digest(stream, lambda: hashlib.sha1(start, usedforsecurity=False))
        else:
            raise HsiError(f"checksum kind '{kind}' is unknown: write sha256:<hex> or git-blob:<hex>.")
    return f"{kind}:{digest.hexdigest()}"

"""Files appear whole or not at all."""

import hashlib
import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hsi.errors import HsiError


def write(path: Path, content: bytes | str) -> None:
    """Write beside `path` under a temporary name, then rename.

    Raises HsiError when the disk is full or the folder may not be written.
    """
    partial = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(partial, path)
    except OSError as error:
        if partial.exists():
            partial.unlink()
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
    write(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object that a run has written."""
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise HsiError(f"{path} does not exist: {path.parent} holds no finished run") from error
    except (ValueError, RecursionError) as error:
        raise HsiError(f"{path} is damaged: repeat the run with force=true") from error
    if not isinstance(value, dict):
        raise HsiError(f"{path} holds no JSON object: it is damaged, repeat the run with force=true")
    return value


def read_array(path: Path) -> np.ndarray:
    """Read a .npy file that a run has written."""
    try:
        array: np.ndarray = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise HsiError(f"{path} is missing or damaged: repeat the run with force=true") from error
    if not isinstance(array, np.ndarray):
        raise HsiError(f"{path} is an archive and not one array: repeat the run with force=true")
    return array


def read_table(path: Path, **how: Any) -> pd.DataFrame:
    """Read a .csv file that a run has written; `how` goes to `pandas.read_csv`."""
    try:
        return pd.read_csv(path, **how)
    except (OSError, ValueError) as error:
        raise HsiError(f"{path} is missing or damaged: repeat the run with force=true") from error


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

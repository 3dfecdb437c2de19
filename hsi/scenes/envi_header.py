"""The header of an ENVI image: lines of ``name = value``, where braces hold lists that may go over several lines.

The format is that of "ENVI Header Files" in the documentation of ENVI (NV5 Geospatial Software). The parser is not that
of the package spectral, which refuses headers with signs outside of UTF-8 such as the 'µm' of older programs, and takes
a time that grows with the square of a long list.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hsi.errors import HsiError, shown
from hsi.scenes.wavelengths import numbers

LARGEST = 16 * 2**20  # bytes; a header with 10,000 bands and all lists has about one million


def read_header(path: Path) -> dict[str, str]:
    """Entries of a header: names in small letters, values as text, without braces.

    Raises HsiError: no header of ENVI, or a brace that is never closed.
    """
    with path.open("rb") as stream:
        content = stream.read(LARGEST + 1)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    lines = iter(text.splitlines())
    if len(content) > LARGEST or "\0" in text or not next(lines, "").strip().startswith("ENVI"):
        raise HsiError(f"{path} is no usable ENVI header (its first line is not 'ENVI'): give the header of an image.")
    header: dict[str, str] = {}
    for line in lines:
        name, sign, value = line.partition("=")
        if not sign or line.lstrip().startswith(";"):
            continue
        if value.lstrip().startswith("{"):
            parts = [value]
            while "}" not in parts[-1]:
                following = next(lines, None)
                if following is None:
                    raise HsiError(
                        f"{path} is no usable ENVI header ('{shown(name)}' opens a brace that is never closed): "
                        "correct it, or copy it again."
                    )
                if not following.lstrip().startswith(";"):
                    parts.append(following)
            value = "\n".join(parts).lstrip()[1:].rpartition("}")[0]
        header[" ".join(name.lower().split())] = value.strip()
    return header


def listed(header: Mapping[str, str], name: str) -> list[str]:
    """The values of a list; empty where there is none."""
    values = [value.strip() for value in header.get(name, "").split(",")]
    return values if values != [""] else []


def whole(path: Path, header: Mapping[str, str], name: str, default: int | None = None) -> int:
    """A whole number.

    Raises HsiError: it is none, or is missing and has no default.
    """
    if name not in header and default is not None:
        return default
    try:
        return int(header[name])
    except KeyError:
        raise HsiError(f"{path} is no usable ENVI header (it has no '{name}'): write it in.") from None
    except ValueError:
        raise HsiError(
            f"{path} is no usable ENVI header ('{name} = {shown(header[name])}' is no whole number): correct it."
        ) from None


def numbers_of(path: Path, header: Mapping[str, str], name: str) -> np.ndarray | None:
    """A list of finite numbers, float64, or None where there is none.

    Raises HsiError: something in it is no number, or NaN or infinite.
    """
    texts = listed(header, name)
    if not texts:
        return None
    if (values := numbers(texts)) is None:
        wrong = next(text for text in texts if numbers([text]) is None)
        raise HsiError(f"{path}: '{shown(wrong)}' in '{name}' is no number: correct the header.")
    return values

"""Data inside HTML: arrays as compressed text, values as JSON, neither of which can end the element that holds it."""

import base64
import json
import zlib
from typing import Any

import numpy as np

LEVEL = 6  # of zlib: more takes far longer and saves little


def packed(name: str, array: np.ndarray) -> str:
    """An element with the bytes of an array, little-endian, in C order; the page's script inflates them by `name`."""
    content = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    text = base64.b64encode(zlib.compress(content.tobytes(), LEVEL)).decode()
    return f'<script type="text/plain" id="data-{name}">{text}</script>\n'


def as_json(name: str, value: Any) -> str:
    """An element with a value as JSON. Whatever its texts hold, none of it is read as HTML; NaN is refused."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return f'<script type="application/json" id="data-{name}">{text}</script>\n'


def rounded(values: np.ndarray, digits: int = 6) -> list[Any]:
    """Numbers as nested lists with so many significant digits; None for what is no number."""
    if values.ndim > 1:
        return [rounded(row, digits) for row in values]
    return [float(f"{value:.{digits}g}") if np.isfinite(value) else None for value in values.tolist()]

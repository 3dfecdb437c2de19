"""Colours that colour-blind readers can tell apart: what they see, how far apart that is, and a palette that is safe.

Vision is simulated as by Machado, Oliveira, Fernandes, "A Physiologically-based Model for Simulation of Color Vision
Deficiency", IEEE TVCG 15(6), 2009, table 1, severity 1.0, on linear RGB. Differences are those of CIE 1976 in CIELAB
(CIE 15:2004), white point D65; about 2.3 is just noticeable side by side.
"""

from collections.abc import Sequence
from functools import cache
from itertools import product

import numpy as np

NEAR = 10.0  # delta E below which two classes of a map are easily taken for each other
VISIONS = {  # from linear RGB to what is seen
    "a deuteranope": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "a protanope": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
}
TO_XYZ = np.array(  # of sRGB, IEC 61966-2-1
    ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
)
WHITE = TO_XYZ.sum(axis=1)  # D65
LEVELS = range(0, 256, 17)  # of each channel, of the colours that a safe palette is chosen from
LIGHTNESS = (25.0, 90.0)  # CIELAB L of these: they stand out from black and from white
FAR = 25  # delta E that nobody takes for the same
MOST = 64  # classes of a safe palette: no eye tells more apart


def closest(colours: Sequence[str]) -> tuple[float, int, int, str]:
    """The two of some colours '#rrggbb' that a colour-blind reader sees nearest to each other.

    Returns their delta E, their numbers from 0, and who sees them so; infinity for fewer than two colours.
    """
    found = (np.inf, 0, 0, "")
    for vision, seen in _seen(_linear(colours)).items():
        if vision == "":
            continue
        apart = _apart(seen, seen)
        apart[np.tril_indices(len(apart))] = np.inf
        first, second = divmod(int(apart.argmin()), len(apart)) if apart.size else (0, 0)
        if apart.size and apart[first, second] < found[0]:
            found = (float(apart[first, second]), first, second, vision)
    return found


@cache
def safe_colours(customary: tuple[str, ...]) -> tuple[str, ...]:
    """As many colours that every reader sees well apart, those with full colour vision included.

    A class keeps its customary colour '#rrggbb' where that is far enough from those before it, and else takes the
    nearest to it that is. How far is enough is the largest whole number of delta E up to `FAR` for which all find one.
    """
    wanted = _linear(customary)
    levels = np.array(list(product(LEVELS, repeat=3)))
    seen = _seen(np.concatenate([_to_linear(levels / 255), wanted]))
    everyone, light = np.stack([*seen.values()]), seen[""][:, 0]
    usable = (light > LIGHTNESS[0]) & (light < LIGHTNESS[1])
    usable[len(levels) :] = False
    texts = [*("#" + bytes(level).hex() for level in levels.tolist()), *customary]
    for enough in range(FAR, 0, -1):
        if found := _placed(everyone, usable, len(customary), enough):
            return tuple(texts[place] for place in found)
    return customary


def _placed(everyone: np.ndarray, usable: np.ndarray, classes: int, enough: float) -> list[int] | None:
    """Where in `everyone` (readers, colours, 3), whose last are the customary ones, each class finds a colour."""
    own = range(everyone.shape[1] - classes, everyone.shape[1])
    nearest = np.full(everyone.shape[1], np.inf)
    places: dict[int, int] = {}
    for keep in (True, False):  # those that stay come first, so that few move
        for number, place in enumerate(own):
            if number in places or (keep and nearest[place] < enough):
                continue
            if not keep:
                free = np.flatnonzero(usable & (nearest >= enough))
                if not len(free):
                    return None
                place = int(free[np.linalg.norm(everyone[0, free] - everyone[0, place], axis=1).argmin()])
            places[number] = place
            nearest = np.minimum(nearest, np.linalg.norm(everyone - everyone[:, [place]], axis=2).min(axis=0))
    return [places[number] for number in range(classes)]


def lab(linear: np.ndarray) -> np.ndarray:
    """CIELAB (N, 3) of linear RGB (N, 3) in 0..1."""
    ratio = linear @ TO_XYZ.T / WHITE
    root = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    x, y, z = root.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def _linear(colours: Sequence[str]) -> np.ndarray:
    """Linear RGB (N, 3) in 0..1 of colours '#rrggbb'."""
    return _to_linear(np.array([[*bytes.fromhex(colour[1:])] for colour in colours]).reshape(-1, 3) / 255)


def _to_linear(encoded: np.ndarray) -> np.ndarray:
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def _seen(linear: np.ndarray) -> dict[str, np.ndarray]:
    """CIELAB (N, 3) of what readers see, by reader; '' has full colour vision."""
    simulated = {vision: np.clip(linear @ np.array(matrix).T, 0, 1) for vision, matrix in VISIONS.items()}
    return {vision: lab(seen) for vision, seen in ({"": linear} | simulated).items()}


def _apart(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Delta E (N, M) between CIELAB (N, 3) and (M, 3)."""
    return np.linalg.norm(some[:, None] - others[None], axis=2)

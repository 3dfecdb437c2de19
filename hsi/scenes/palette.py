"""Class colours for scenes that have no customary palette."""

from collections.abc import Iterator
from itertools import chain, islice

# Okabe & Ito, Color Universal Design (2008), https://jfly.uni-koeln.de/color/: told apart with any of the
# common colour vision deficiencies. Their black is grey here, because it would be hard to tell from dark classes.
OKABE_ITO = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#999999")


def distinct_colours(count: int) -> tuple[str, ...]:
    """Return `count` different colours as '#rrggbb', always the same ones in the same order.

    The first eight are Okabe's and Ito's, the following ones darker and lighter variants of them: hue alone
    does not carry more than about eight classes for a colour-blind reader, lightness helps.
    """
    return tuple(islice(dict.fromkeys(islice(_candidates(), 4 * count + 64)), count))


def _candidates() -> Iterator[str]:
    """Yield colours without end in sight (2**24), a few of them twice."""
    # 0, then dark and light in turn, then ever finer steps between: the far ones first
    shifts = chain([0.0, -0.45, 0.5], (sign * step / 16 for step in (4, 10, 2, 6, 3, 5, 7, 9) for sign in (-1, 1)))
    yield from (_shade(colour, shift) for shift in shifts for colour in OKABE_ITO)
    # Nobody reads a legend this long: different is all that is left to ask for, and an odd factor permutes.
    yield from (f"#{number * 0x9E3779 % 2**24:06x}" for number in range(1, 2**24))


def _shade(colour: str, shift: float) -> str:
    """Move a colour towards black (shift < 0) or white (shift > 0), by a share of the way."""
    channels = bytes.fromhex(colour[1:])
    goal = 255 if shift > 0 else 0
    return "#" + "".join(f"{round(value + (goal - value) * abs(shift)):02x}" for value in channels)

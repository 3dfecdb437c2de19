"""Names and colours of classes, as files of label images state them."""

from collections.abc import Sequence

from hsi.errors import shown


def class_table(
    names: Sequence[str], colours: Sequence[tuple[int, ...]] = ()
) -> dict[int, tuple[str, str | None]] | None:
    """Label value -> (name, colour '#rrggbb' or None).

    Parameters
    ----------
    names
        of the values from 0 on; a value without a name is left out, and so is 0, which means unlabelled.
    colours
        red, green and blue of the values from 0 on, each 0..255; anything else is no colour.

    Returns
    -------
    The table, or None where there is no name.
    """
    table: dict[int, tuple[str, str | None]] = {}
    for value, name in enumerate(names):
        if value and (text := shown(name)):
            levels = colours[value] if value < len(colours) else ()
            known = len(levels) >= 3 and all(0 <= level <= 255 for level in levels[:3])
            table[value] = (text, "#{:02x}{:02x}{:02x}".format(*levels[:3]) if known else None)
    return table or None

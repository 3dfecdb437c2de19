"""Names and colours of a map for QGIS, and as plain text."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from hsi import files
from hsi.errors import shown

Colour = tuple[int, int, int, int]

NO_DATA = "no data"
TRANSPARENT: Colour = (0, 0, 0, 0)
DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
VERSION = "3.22.0"  # of the oldest QGIS that the style is written for; later ones read it


def rgba(colour: str) -> Colour:
    """Red, green, blue and opacity in 0..255 of '#rrggbb'."""
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue, 255


def write_style(path: Path, names: Sequence[str], colours: Sequence[str]) -> Path:
    """Write a style that shows class 1..K in its colour with its name, and all else, 0 in the first place, not at all.

    QGIS takes ``map.qml`` for the style of a ``map.tif`` beside it without being asked. Colours are '#rrggbb'.
    """
    root = ElementTree.Element("qgis", version=VERSION, styleCategories="Symbology")
    pipe = ElementTree.SubElement(root, "pipe")
    drawn = {"type": "paletted", "band": "1", "alphaBand": "-1", "opacity": "1", "nodataColor": ""}
    renderer = ElementTree.SubElement(pipe, "rasterrenderer", drawn)
    ElementTree.SubElement(renderer, "rasterTransparency")
    palette = ElementTree.SubElement(renderer, "colorPalette")
    for value, (name, colour) in enumerate(zip(names, colours, strict=True), 1):
        entry = {"value": str(value), "color": colour, "alpha": "255", "label": shown(name)}
        ElementTree.SubElement(palette, "paletteEntry", entry)
    ElementTree.SubElement(pipe, "rasterresampler", maxOversampling="2")
    ElementTree.SubElement(root, "blendMode").text = "0"
    ElementTree.indent(root)
    files.write(path, DOCTYPE + ElementTree.tostring(root, encoding="unicode") + "\n")
    return path


def write_legend(path: Path, names: Sequence[str], colours: Sequence[str]) -> Path:
    """Write a line a class: value, red, green, blue, opacity in 0..255, name.

    It is GDAL's text format of colour tables, which QGIS loads as a colour map too; QGIS shows a blank for each comma
    and colon of a name.
    """
    listed = [(NO_DATA, TRANSPARENT), *zip(map(shown, names), map(rgba, colours), strict=True)]
    lines = ["# value red green blue alpha name"]
    lines += [f"{value} {' '.join(map(str, colour))} {name}" for value, (name, colour) in enumerate(listed)]
    files.write(path, "\n".join(lines) + "\n")
    return path

"""The style for QGIS and the legend."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from maps_made import COLOURS, NAMES

from hsi.output.qgis import write_legend, write_style

ANY_NAMES = st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=5)


def entries(path) -> list[dict[str, str]]:
    renderer = ElementTree.parse(path).getroot().find("pipe/rasterrenderer")
    assert renderer.attrib["type"] == "paletted"
    assert renderer.attrib["band"] == "1"
    return [dict(each.attrib) for each in renderer.findall("colorPalette/paletteEntry")]


def test_a_style_has_the_classes_and_nothing_for_no_data(tmp_path):
    path = write_style(tmp_path / "map.qml", NAMES, COLOURS)
    assert path.read_text().startswith("<!DOCTYPE qgis")
    assert entries(path) == [
        {"value": str(value), "color": colour, "alpha": "255", "label": name}
        for value, (name, colour) in enumerate(zip(NAMES, COLOURS, strict=True), 1)
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANY_NAMES)
def test_any_names_make_valid_xml_and_a_line_each(tmp_path, names):
    colours = ["#0a0b0c"] * len(names)
    assert len(entries(write_style(tmp_path / "map.qml", names, colours))) == len(names)
    lines = write_legend(tmp_path / "legend.txt", names, colours).read_text(encoding="utf-8").split("\n")
    assert len(lines) == len(names) + 3  # the heading, no data, and the end of the last line


def test_a_legend_by_hand(tmp_path):
    path = write_legend(tmp_path / "legend.txt", NAMES[:2], COLOURS[:2])
    assert path.read_text() == (
        "# value red green blue alpha name\n0 0 0 0 0 no data\n1 230 159 0 255 Corn\n2 86 180 233 255 Grass & <Trees>\n"
    )


def test_a_legend_as_qgis_parses_it(tmp_path):
    """QgsPalettedRasterRenderer::classDataFromString splits at blanks, commas and colons, and passes over the rest."""
    path = write_legend(tmp_path / "legend.txt", NAMES, COLOURS)
    lines = [re.split(r"[\s,:]+", line) for line in path.read_text(encoding="utf-8").splitlines()]
    found = {int(parts[0]): (parts[1:5], " ".join(parts[5:])) for parts in lines if parts[0].isdecimal()}
    assert list(found) == [0, 1, 2, 3, 4]
    assert found[2] == (["86", "180", "233", "255"], "Grass & <Trees>")
    assert found[3][1] == 'Drives "Steel" Towers ÄÖ'


@pytest.mark.parametrize("write", [write_style, write_legend])
def test_equal_classes_give_equal_bytes(tmp_path, write):
    assert write(tmp_path / "1", NAMES, COLOURS).read_bytes() == write(tmp_path / "2", NAMES, COLOURS).read_bytes()

"""Areas and steps on the ground, against geodesics, and against projections that are known to keep them."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsi.errors import HsiError, NotInstalled
from hsi.evaluation.ground import ground_of, read_crs, zone
from hsi.georeference import Georeference

pyproj = pytest.importorskip("pyproj")
pytest.importorskip("rasterio")

pytestmark = pytest.mark.filterwarnings("error")

GEOD = pyproj.Geod(ellps="WGS84")
UTM = "EPSG:32616"


def geodesic_area(lon: list[float], lat: list[float]) -> float:
    return abs(GEOD.polygon_area_perimeter(lon, lat)[0])


@given(st.floats(-89, 88), st.floats(0.001, 1))
def test_a_zone_has_the_area_of_a_finely_drawn_polygon(south, height):
    """Parallels are no geodesics, so the polygon has many corners on them."""
    north = min(south + height, 90.0)
    across = np.linspace(0, 1, 400)
    expected = geodesic_area([*across, *across[::-1]], [south] * 400 + [north] * 400)
    found = np.radians(1) * (zone(np.radians(north)) - zone(np.radians(south)))
    assert found == pytest.approx(expected, rel=1e-5)


def test_the_whole_earth():
    """510,065,621.7 km2: Moritz, Geodetic Reference System 1980, whose ellipsoid is WGS 84's to 0.1 mm."""
    both = 2 * np.pi * (zone(np.pi / 2) - zone(-np.pi / 2))
    assert both / 1e6 == pytest.approx(510_065_621.7, rel=1e-9)


def test_pixels_in_degrees_row_by_row():
    ground = ground_of(Georeference((0.001, 0, 11, 0, -0.002, 48), "EPSG:4326"))
    areas = ground.areas(2, 5, 7)
    assert areas.shape == (3, 1)
    for row, area in zip((2, 3, 4), areas[:, 0], strict=True):
        north, south = 48 - 0.002 * row, 48 - 0.002 * (row + 1)
        expected = geodesic_area([11, 11.001, 11.001, 11], [south, south, north, north])
        assert area == pytest.approx(expected, rel=1e-6)


def test_turned_pixels_in_degrees():
    """A pixel turned by 30 degrees is as large as an upright one of the same sides: the determinant is the same."""
    turn = np.radians(30)
    size, sine, cosine = 1e-4, np.sin(turn), np.cos(turn)
    transform = (size * cosine, size * sine, 11, size * sine, -size * cosine, 60)
    ground = ground_of(Georeference(transform, "EPSG:4326"))
    areas = ground.areas(100, 103, 50)
    assert areas.shape == (3, 50)
    corners = [ground.georeference.at(row, col) for row, col in ((101, 20), (101, 21), (102, 21), (102, 20))]
    assert areas[1, 20] == pytest.approx(geodesic_area(*zip(*corners, strict=True)), rel=1e-6)


def test_degrees_and_grads_of_the_same_pixel():
    first = ground_of(Georeference((0.009, 0, 0, 0, -0.009, 45), "EPSG:4326")).areas(0, 2, 3)
    grads = 'GEOGCS["grad",DATUM["w",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["G",0],UNIT["grad",{}]]'
    second = ground_of(Georeference((0.01, 0, 0, 0, -0.01, 50), grads.format(np.pi / 200))).areas(0, 2, 3)
    np.testing.assert_allclose(first, second, rtol=1e-9)


def test_metres_and_feet():
    metres = ground_of(Georeference((20, 0, 5e5, 0, -20, 4.5e6), UTM))
    assert metres.areas(3, 9, 4).tolist() == [[400.0]]
    feet = ground_of(Georeference((10, 0, 2e6, 0, -10, 1e7), "EPSG:2277"))
    assert feet.areas(0, 1, 1)[0, 0] == pytest.approx((10 * 1200 / 3937) ** 2)  # the foot of the US survey
    turned = ground_of(Georeference((12, 16, 5e5, 16, -12, 4.5e6), UTM))
    assert turned.areas(0, 1, 1)[0, 0] == pytest.approx(400)


@pytest.mark.parametrize(
    ("crs", "x", "y", "distortion"),
    [
        (UTM, 5e5, 4.5e6, 0.9996**2 - 1),  # on the middle meridian
        ("EPSG:3035", 4.4e6, 2.9e6, 0),  # keeps areas
        ("EPSG:3857", 1.2e6, 8_399_737.89, 1 / np.cos(np.radians(60)) ** 2 - 1),  # 60 degrees north, about
        ("EPSG:4326", 11, 48, 0),
    ],
)
def test_how_far_a_projection_stretches_areas(crs, x, y, distortion):
    size = 1e-4 if crs == "EPSG:4326" else 10
    ground = ground_of(Georeference((size, 0, x - 5 * size, 0, -size, y + 5 * size), crs))
    assert ground.distortion(10, 10) == pytest.approx(distortion, abs=2e-2 if crs == "EPSG:3857" else 1e-5)


def test_steps_are_geodesics():
    """Distance and azimuth between neighbouring pixels of a turned grid in the north of Norway."""
    transform = (20, 5, 7e5, -5, -20, 7.8e6)
    ground = ground_of(Georeference(transform, "EPSG:32633"))
    to_degrees = pyproj.Transformer.from_crs("EPSG:32633", "EPSG:4326", always_xy=True).transform
    steps = ground.steps(50, 60)
    for step, place in zip(steps.T, ((50, 61), (51, 60)), strict=True):
        azimuth, _, metres = GEOD.inv(
            *to_degrees(*ground.georeference.at(50, 60)), *to_degrees(*ground.georeference.at(*place))
        )
        assert np.hypot(*step) == pytest.approx(metres, rel=1e-5)
        assert np.degrees(np.arctan2(*step)) == pytest.approx(azimuth, abs=1e-3)


def test_steps_over_the_date_line():
    ground = ground_of(Georeference((100, 0, 0, 0, -100, 0), "EPSG:3832"))  # Mercator about 150 degrees east
    at = 3_339_584.7  # 180 degrees east
    moved = ground_of(Georeference((100, 0, at - 50, 0, -100, 0), "EPSG:3832"))
    np.testing.assert_allclose(moved.steps(0, 0), ground.steps(0, 0), atol=1e-3)


def test_steps_in_a_system_of_its_own_are_those_of_the_transform():
    local = 'LOCAL_CS["mine",UNIT["foot",0.3048]]'
    ground = ground_of(Georeference((10, 0, 0, 0, -10, 0), local))
    np.testing.assert_allclose(ground.steps(0, 0), [[3.048, 0], [0, -3.048]])
    assert ground.distortion(5, 5) == 0


def test_nothing_is_known_without_a_crs():
    assert ground_of(None) is None
    assert ground_of(Georeference((1, 0, 0, 0, -1, 0))) is None


@pytest.mark.parametrize("crs", ["no such thing", "EPSG:999999", "", 'PROJCS["', "x" * 100_000])
def test_a_crs_that_is_none(crs, capfd):
    with pytest.raises(HsiError, match="is none that is known") as caught:
        ground_of(Georeference((1, 0, 0, 0, -1, 0), crs))
    assert len(str(caught.value)) < 300
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "transform",
    [(0,) * 6, (1, 2, 0, 2, 4, 0), (np.nan, 0, 0, 0, -1, 0), (1, 0, np.inf, 0, -1, 0), (1e200, 0, 0, 0, 1e200, 0)],
)
def test_a_transform_that_leads_nowhere(transform):
    with pytest.raises(HsiError, match="no pixels on the ground"):
        ground_of(Georeference(transform, UTM))


@pytest.mark.parametrize("turn", [0, 1e-3])
def test_metres_that_are_called_degrees(turn):
    ground = ground_of(Georeference((20, turn, 5e5, turn, -20, 4.5e6), "EPSG:4326"))
    with pytest.raises(HsiError, match=r"a latitude of 4\.\d*e\+06 degrees"):
        ground.areas(0, 3, 3)


def test_without_rasterio_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.raises(NotInstalled, match=r'pip install "hsi\[geo\]"'):
        ground_of(Georeference((1, 0, 0, 0, -1, 0), UTM))


def test_a_projection_is_judged_at_the_middle_of_the_scene():
    """From 1,300 km north of the equator to 8,000 km in Mercator's projection."""
    ground = ground_of(Georeference((1000, 0, 1e6, 0, -1000, 8e6), "EPSG:3857"))
    to_degrees = pyproj.Transformer.from_crs("EPSG:3857", "EPSG:4326", always_xy=True).transform
    corners = [ground.georeference.at(row, col) for row, col in ((3300, 40), (3300, 41), (3301, 41), (3301, 40))]
    real = geodesic_area(*zip(*(to_degrees(*corner) for corner in corners), strict=True))
    assert ground.distortion(6600, 80) == pytest.approx(1e6 / real - 1, rel=1e-3)
    assert ground.distortion(6600, 80) > 2 * ground.distortion(13200, 80)


def test_steps_of_degrees_are_metres_east_and_north():
    """At 60 degrees north a degree of longitude is about half of one of latitude."""
    ground = ground_of(Georeference((0.001, 0, 11, 0, -0.002, 61), "EPSG:4326"))
    (east, across), (along, south) = ground.steps(500, 20)
    assert (across, along) == (0, 0)
    assert east == pytest.approx(GEOD.inv(11.02, 60, 11.021, 60)[2], rel=1e-6)
    assert south == pytest.approx(-GEOD.inv(11.02, 60, 11.02, 59.998)[2], rel=1e-4)
    assert ground.distortion(1000, 40) == 0


def test_latitudes_end_at_the_poles():
    at_the_pole = ground_of(Georeference((0.1, 0, 0, 0, -0.1, 90), "EPSG:4326")).areas(0, 1, 1)
    assert at_the_pole[0, 0] == pytest.approx(geodesic_area([0, 0, 0.1], [90, 89.9, 89.9]), rel=1e-3)
    for north in (90.001, -89.95):
        with pytest.raises(HsiError, match="a latitude of"):
            ground_of(Georeference((0.1, 0, 0, 0, -0.1, north), "EPSG:4326")).areas(0, 1, 1)


@pytest.mark.parametrize("epsg", [32616, 4326])
def test_wkt_without_an_authority_gets_the_code_that_it_is_equal_to(epsg):
    """As in ENVI headers; where a code is written it is that one that counts."""
    esri = pyproj.CRS.from_epsg(epsg).to_wkt("WKT1_ESRI")
    assert "AUTHORITY" not in esri
    assert read_crs(esri).to_epsg() == epsg
    assert f'AUTHORITY["EPSG","{epsg}"]' in read_crs(esri).to_wkt()
    assert read_crs(f"epsg:{epsg}").to_epsg() == epsg
    own = esri.replace("-87.0", "-86.5").replace('"WGS_1984",6378137.0', '"WGS_1984",6378000.0')
    assert read_crs(own).to_epsg() is None
    assert read_crs(pyproj.CRS.from_epsg(epsg).to_wkt("WKT1_GDAL")).to_epsg() == epsg

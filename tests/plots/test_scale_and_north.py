"""The scale bar is as long as it says, the arrow points north, both stay inside of the picture."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from hsi.georeference import Georeference
from hsi.plots.canvas import save
from hsi.plots.ground import STEPS, add_scale_and_north, round_length, say_length

pyproj = pytest.importorskip("pyproj")
pytest.importorskip("rasterio")

pytestmark = pytest.mark.filterwarnings("error")

UTM = "EPSG:32616"
UNITS = {"km": 1000, "m": 1, "cm": 0.01, "mm": 0.001}


def draw(georeference: Georeference | None, rows: int = 100, cols: int = 120, inches: float = 2.6) -> Figure:
    height, width = (inches * side / max(rows, cols) for side in (rows, cols))
    figure = Figure(figsize=(width + 1, height + 1), dpi=200)
    axes = figure.add_axes((0.5 / (width + 1), 0.5 / (height + 1), width / (width + 1), height / (height + 1)))
    axes.imshow(np.zeros((rows, cols)))
    add_scale_and_north(axes, georeference, rows, cols)
    figure.draw_without_rendering()
    return figure


def upright(crs: str = UTM, size: float = 20, x: float = 5e5, y: float = 4.5e6) -> Georeference:
    return Georeference((size, 0, x - 50 * size, 0, -size, y + 50 * size), crs)


def bar_in_pixels(figure: Figure) -> float:
    """Length of the two halves, in pixels of the scene."""
    axes = figure.axes[0]
    boxes = [patch.get_window_extent() for patch in axes.patches[1:3]]
    width = axes.get_window_extent().width / abs(np.diff(axes.get_xlim())[0])
    assert boxes[0].x1 == pytest.approx(boxes[1].x0)
    return (boxes[1].x1 - boxes[0].x0) / width


def said(figure: Figure) -> float:
    """The metres that stand above the bar."""
    number, unit = figure.axes[0].texts[0].get_text().split()
    return float(number) * UNITS[unit]


def arrow(figure: Figure) -> np.ndarray:
    """From the notch of the arrow to its tip, on the screen, of length 1."""
    corners = figure.axes[0].patches[3].get_transform().transform(figure.axes[0].patches[3].get_xy())
    way = corners[0] - corners[2]
    return way / np.hypot(*way)


@pytest.mark.parametrize("size", [0.02, 1.3, 20, 30, 1000])
@pytest.mark.parametrize("shape", [(100, 120), (610, 340), (30, 200), (1476, 256)])
def test_the_bar_is_as_long_as_it_says(size, shape):
    figure = draw(Georeference((size, 0, 5e5, 0, -size, 4.5e6), UTM), *shape)
    metres = said(figure)
    assert 0.14 < metres / (shape[1] * size) < 0.42
    assert bar_in_pixels(figure) * size == pytest.approx(metres, rel=2e-3)  # UTM is right to 0.04 % in its middle


def test_the_bar_in_degrees_is_in_metres_at_the_middle_of_the_scene():
    rows, cols, step = 400, 300, 0.002
    figure = draw(Georeference((step, 0, 10, 0, -step, 60.4), "EPSG:4326"), rows, cols)
    geodesic = pyproj.Geod(ellps="WGS84").inv(10, 60, 10 + step * bar_in_pixels(figure), 60)[2]
    assert geodesic == pytest.approx(said(figure), rel=1e-3)


def test_the_bar_in_feet():
    figure = draw(upright("EPSG:2277", size=100, x=2e6, y=1e7))
    assert bar_in_pixels(figure) * 100 * 0.3048 == pytest.approx(said(figure), rel=1e-3)


def test_the_bar_on_the_web_is_that_of_the_ground():
    """At 60 degrees a metre of Web Mercator is half a metre on the ground."""
    figure = draw(upright("EPSG:3857", x=1e6, y=8_399_738))
    assert bar_in_pixels(figure) * 20 / 2 == pytest.approx(said(figure), rel=5e-3)


@pytest.mark.parametrize("turn", [0, 30, 90, 135, 180, 250, 359])
def test_the_arrow_follows_the_rotation(turn):
    """Rows that run `turn` degrees counterclockwise of east have north `turn` degrees clockwise of up."""
    cosine, sine = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    figure = draw(Georeference((20 * cosine, 20 * sine, 5e5, 20 * sine, -20 * cosine, 4.5e6), UTM))
    np.testing.assert_allclose(arrow(figure), [sine, cosine], atol=2e-3)


def test_the_arrow_of_a_mirrored_scene_points_down():
    figure = draw(Georeference((20, 0, 5e5, 0, 20, 4.5e6), UTM))
    np.testing.assert_allclose(arrow(figure), [0, -1], atol=1e-3)


def test_the_arrow_points_along_the_meridian_and_not_along_the_grid():
    """In a polar projection the pole may be anywhere: 90 degrees east of its middle meridian it is to the left."""
    figure = draw(upright("EPSG:3413", size=1000, x=2e6, y=0))  # middle meridian 45 degrees west: the pole is at 0, 0
    np.testing.assert_allclose(arrow(figure), [-1, 0], atol=1e-2)


@pytest.mark.parametrize("turn", range(0, 360, 45))
@pytest.mark.parametrize("shape", [(100, 120), (30, 150), (300, 60)])
def test_all_stays_inside_of_the_picture(turn, shape):
    cosine, sine = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    figure = draw(Georeference((20 * cosine, 20 * sine, 5e5, 20 * sine, -20 * cosine, 4.5e6), UTM), *shape)
    axes = figure.axes[0]
    outer = axes.get_window_extent()
    boxes = [each.get_window_extent() for each in (*axes.patches, *axes.texts)]
    for box in boxes:
        assert outer.x0 <= box.x0 < box.x1 <= outer.x1
        assert outer.y0 <= box.y0 < box.y1 <= outer.y1
    assert axes.get_xlim() == (-0.5, shape[1] - 0.5)
    assert axes.get_ylim() == (shape[0] - 0.5, -0.5)


@pytest.mark.parametrize(
    "georeference",
    [
        None,
        Georeference((20, 0, 0, 0, -20, 0)),
        Georeference((20, 0, 0, 0, -20, 0), "nonsense"),
        Georeference((0, 0, 0, 0, 0, 0), UTM),
        Georeference((np.nan, 0, 0, 0, -1, 0), UTM),
        Georeference((1e300, 0, 0, 0, -1e300, 0), UTM),
        Georeference((20, 0, 5e5, 0, -20, 4.5e6), "EPSG:4326"),
    ],
)
def test_nothing_is_drawn_where_nothing_is_known(georeference):
    axes = draw(georeference).axes[0]
    assert not axes.patches
    assert not axes.texts


def test_nothing_is_drawn_without_rasterio(monkeypatch):
    monkeypatch.setitem(sys.modules, "rasterio", None)
    assert not draw(upright()).axes[0].patches


def test_equal_pictures_are_equal_bytes(tmp_path):
    for name in ("1.png", "2.png"):
        save(draw(upright()), tmp_path / name)
    assert (tmp_path / "1.png").read_bytes() == (tmp_path / "2.png").read_bytes()


@given(st.floats(1e-3, 1e7))
def test_round_lengths(metres):
    found = round_length(metres)
    mantissa = float(f"{found:e}".split("e")[0])
    assert mantissa in STEPS
    assert max(found / metres, metres / found) <= np.sqrt(2.5) * (1 + 1e-9)


@pytest.mark.parametrize(
    ("metres", "text"), [(20_000, "20 km"), (1000, "1 km"), (500, "500 m"), (1, "1 m"), (0.5, "50 cm"), (0.002, "2 mm")]
)
def test_lengths_are_said_in_short_numbers(metres, text):
    assert say_length(metres) == text

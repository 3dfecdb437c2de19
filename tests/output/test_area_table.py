"""The table of areas: by counting on every kind of ground, and corrected, against the paper's example."""

import sys

import numpy as np
import pandas as pd
import pytest

from hsi.errors import HsiError
from hsi.georeference import Georeference
from hsi.output import areas
from hsi.output.areas import area_table, write_areas

pyproj = pytest.importorskip("pyproj")
pytest.importorskip("rasterio")

pytestmark = pytest.mark.filterwarnings("error")

PLACE = Georeference((30.0, 0, 4e5, 0, -30.0, 4.5e6), "EPSG:32616")
# Olofsson et al. 2014, table 8, the other way round: rows are truth; and its map, a hundredth of the pixels
SAMPLE = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]]).T
NAMES = ("deforestation", "forest gain", "stable forest", "stable non-forest")
PIXELS = (2_000, 1_500, 32_000, 64_500)
COLUMNS = [
    "class",
    "pixels",
    "share",
    "hectares",
    *(f"adjusted_{what}{end}" for what in ("share", "hectares") for end in ("", "_low", "_high")),
    *(f"{whose}_accuracy{end}" for whose in ("users", "producers") for end in ("", "_low", "_high")),
]


def paper_map() -> np.ndarray:
    """250 x 404 pixels, of which 1,000 have no data."""
    values = np.repeat([0, 1, 2, 3, 4], [1000, *PIXELS]).astype(np.uint8)
    return np.random.default_rng(0).permutation(values).reshape(250, 404)


def test_the_example_of_the_paper(tmp_path):
    notes = write_areas(tmp_path, paper_map(), NAMES, PLACE, SAMPLE, ["It is an example."])
    table = pd.read_csv(tmp_path / "areas.csv")
    assert list(table.columns) == COLUMNS
    assert table["class"].tolist() == list(NAMES)
    assert table["pixels"].tolist() == list(PIXELS)
    assert table["share"].tolist() == [0.02, 0.015, 0.32, 0.645]
    np.testing.assert_allclose(table["hectares"], np.multiply(PIXELS, 0.09))
    np.testing.assert_array_equal(np.round(table["adjusted_hectares"] * 100), [21_158, 11_686, 285_770, 581_386])
    np.testing.assert_array_equal(np.round(table["adjusted_hectares_low"] * 100)[:2], [21_158 - 6_158, 11_686 - 3_756])
    np.testing.assert_array_equal(np.round(table["adjusted_hectares_high"] * 100)[:2], [27_315, 11_686 + 3_756])
    np.testing.assert_array_equal(np.round(table["users_accuracy_low"], 2), [0.81, 0.63, 0.89, 0.94])
    np.testing.assert_array_equal(np.round(table["producers_accuracy_high"], 2), [0.96, 1, 0.97, 0.98])
    assert notes == ("It is an example.", "Overall accuracy by area is 94.65%, 95 % interval 92.80% to 96.50%.")
    assert (tmp_path / "areas.txt").read_text().splitlines() == list(notes)


def test_without_test_pixels_areas_are_counted(tmp_path):
    notes = write_areas(tmp_path, paper_map(), NAMES, PLACE, notes=["Of a sample."])
    table = pd.read_csv(tmp_path / "areas.csv")
    assert list(table.columns) == COLUMNS
    assert table["hectares"].sum() == pytest.approx(9000)
    assert table.loc[:, "adjusted_share":].isna().all(axis=None)
    assert notes == ()


@pytest.mark.parametrize("georeference", [None, Georeference(PLACE.transform)])
def test_without_a_crs_there_are_shares_and_no_hectares(georeference):
    table, notes = area_table(paper_map(), NAMES, georeference, SAMPLE)
    assert table.filter(like="hectares").isna().all(axis=None)
    assert table["adjusted_share"][0] == pytest.approx(0.0235086, abs=1e-7)
    assert "no coordinate reference system" in notes[0]


def test_on_longitude_and_latitude_each_row_has_its_own_area():
    """The north is narrower: a class in the upper half covers less, though its pixels are as many."""
    rows, cols, step = 40, 20, 0.05
    class_map = np.ones((rows, cols), np.uint8)
    class_map[rows // 2 :] = 2
    table, _ = area_table(class_map, ("north", "south"), Georeference((step, 0, 10, 0, -step, 61), "EPSG:4326"))
    for hectares, (south, north) in zip(table["hectares"], ((60, 61), (59, 60)), strict=True):
        across = np.linspace(10, 11, 400)
        outline = [*across, *across[::-1]], [south] * 400 + [north] * 400
        expected = abs(pyproj.Geod(ellps="WGS84").polygon_area_perimeter(*outline)[0])
        assert hectares * 10_000 == pytest.approx(expected, rel=1e-5)
    assert table["share"].sum() == pytest.approx(1)
    assert table["share"][0] < 0.4951 < 0.5 < table["share"][1]


def test_feet_make_hectares():
    table, _ = area_table(np.ones((10, 10), np.uint8), ("all",), Georeference((10, 0, 2e6, 0, -10, 1e7), "EPSG:2277"))
    assert table["hectares"][0] == pytest.approx(100 * (10 * 1200 / 3937) ** 2 / 10_000)


@pytest.mark.parametrize("transform", [(1e-3, 0, 10, 0, -1e-3, 61), (1e-3, 2e-4, 10, 2e-4, -1e-3, 61)])
@pytest.mark.parametrize("size", [1, 1000, 10**9])
def test_any_size_of_blocks_counts_the_same(transform, size, monkeypatch, tmp_path):
    place = Georeference(transform, "EPSG:4326")
    expected, _ = area_table(paper_map(), NAMES, place, SAMPLE)
    monkeypatch.setattr(areas, "BLOCK_BYTES", size)
    np.save(tmp_path / "map.npy", paper_map())
    found, _ = area_table(np.load(tmp_path / "map.npy", mmap_mode="r"), NAMES, place, SAMPLE)
    pd.testing.assert_frame_equal(found, expected, check_exact=False, rtol=1e-12)


def test_pixels_without_data_change_nothing():
    """The same classes on a larger scene, around which there is no data."""
    whole = np.zeros((300, 500), np.uint8)
    whole[20:270, 30:434] = paper_map()
    for place in (PLACE, Georeference((1e-3, 0, 10, 0, -1e-3, 61), "EPSG:4326"), None):
        inside, _ = area_table(paper_map(), NAMES, place and place.moved(20, 30), SAMPLE)
        outside, _ = area_table(whole, NAMES, place, SAMPLE)
        pd.testing.assert_frame_equal(inside, outside, check_exact=False, rtol=1e-12)


def test_an_unknown_class_that_the_sample_does_not_have():
    class_map = paper_map()
    class_map[:25] = 5
    table, notes = area_table(class_map, (*NAMES, "unknown"), PLACE, SAMPLE)
    part = table["pixels"][4] / table["pixels"].sum()
    assert np.isnan(table["adjusted_hectares"][4])
    assert table["adjusted_share"][:4].sum() == pytest.approx(1)
    assert table["adjusted_hectares"][:4].sum() == pytest.approx(table["hectares"].sum() * (1 - part))
    assert any("No test pixel is mapped as unknown" in note and f"{part:.2%}" in note for note in notes)


def test_a_projection_that_stretches_areas_is_named():
    place = Georeference((30, 0, 1.2e6, 0, -30, 8.4e6), "EPSG:3857")
    _, notes = area_table(paper_map(), NAMES, place)
    assert "larger than they are" in notes[0]
    assert float(notes[0].split("+")[1].split("%")[0]) == pytest.approx(300, abs=5)  # 60 degrees north
    assert area_table(paper_map(), NAMES, PLACE)[1] == ()


def test_an_empty_map():
    table, _ = area_table(np.zeros((5, 6), np.uint8), NAMES, PLACE, SAMPLE)
    assert table["pixels"].tolist() == [0, 0, 0, 0]
    assert table["hectares"].tolist() == [0, 0, 0, 0]
    assert table["share"].isna().all()


@pytest.mark.parametrize(
    ("georeference", "reason"),
    [
        (Georeference(PLACE.transform, "nonsense"), "none that is known"),
        (Georeference(PLACE.transform, "EPSG:4326"), "none of a geographic CRS"),
        (Georeference((np.nan,) * 6, "EPSG:32616"), "no pixels on the ground"),
    ],
)
def test_a_bad_georeference_costs_the_hectares_alone(georeference, reason):
    table, notes = area_table(paper_map(), NAMES, georeference, SAMPLE)
    assert table["pixels"].tolist() == list(PIXELS)
    assert table["hectares"].isna().all()
    assert table["adjusted_share"].notna().all()
    assert reason in notes[0]


def test_without_rasterio_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "rasterio", None)
    table, notes = area_table(paper_map(), NAMES, PLACE, SAMPLE)
    assert table["hectares"].isna().all()
    assert 'pip install "hsi[geo]"' in notes[0]


def test_a_class_without_a_name_is_refused(tmp_path):
    with pytest.raises(HsiError, match="its 3 classes are 1 to 3"):
        write_areas(tmp_path, paper_map(), NAMES[:3], PLACE)
    assert list(tmp_path.iterdir()) == []

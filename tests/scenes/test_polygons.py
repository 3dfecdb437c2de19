"""Polygons and points drawn on a scene: which pixels, which class, which polygon."""

import numpy as np
import pytest
import rasterio.features
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from placed_files import CRS, grid_of, on_ground, rectangle, turned, write_layer
from shapely.geometry import GeometryCollection, LineString, MultiPoint, MultiPolygon, Point, Polygon

from hsi.errors import HsiError
from hsi.scenes.label_image import Grid
from hsi.scenes.label_sources import read_labels
from hsi.scenes.layers import Layer
from hsi.scenes.polygons import covered_pixels
from hsi.scenes.shapes import parts_in_scene

GRID = grid_of(20, 24)
FORMATS = ("fields.gpkg", "fields.geojson", "fields.shp", "fields.fgb", "fields.JSON")


def a_polygon(seed, rows=20, cols=24):
    """A valid polygon with corners anywhere, some outside the scene."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform([-4, -4], [cols + 4, rows + 4], (rng.integers(3, 9), 2))
    return shapely.convex_hull(shapely.MultiPoint(corners))


def painted(*pairs):
    """Labels with the rows and columns of slices set to values."""
    labels = np.zeros(GRID.shape, int)
    for part, value in pairs:
        labels[part] = value
    return labels


@given(seed=st.integers(0, 9999), all_touched=st.booleans(), degrees=st.sampled_from([0, 33, -120]))
def test_the_pixels_are_those_of_rasterio_on_the_ground(seed, all_touched, degrees):
    shape, transform = a_polygon(seed), turned(degrees)
    expected = rasterio.features.rasterize(
        [(on_ground(shape, transform), 1)],
        out_shape=GRID.shape,
        transform=rasterio.Affine(*transform),
        all_touched=all_touched,
    )
    np.testing.assert_array_equal(covered_pixels(shape, GRID, all_touched), np.flatnonzero(expected))


@given(seed=st.integers(0, 9999))
def test_the_pixels_are_those_whose_middle_is_inside(seed):
    shape = a_polygon(seed)
    row, col = np.indices(GRID.shape) + 0.5
    np.testing.assert_array_equal(covered_pixels(shape, GRID), np.flatnonzero(shapely.contains_xy(shape, col, row)))


def test_a_polygon_that_reaches_to_infinity_is_cut_first():
    shape = rectangle(-1e300, 3, 1e300, 5)
    assert covered_pixels(shape, GRID).tolist() == [24 * row + col for row in range(20) for col in (3, 4)]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_labels(tmp_path, name):
    shapes = [rectangle(1, 2, 5, 9), rectangle(8, 2, 12, 9), rectangle(1, 12, 5, 20)]
    to = "EPSG:4326" if "json" in name.lower() else None  # the only system of GeoJSON
    path = tmp_path / name.lower()
    write_layer(path, shapes, to=to, crop=["wheat", "Corn", "wheat"])
    path = path.rename(tmp_path / name)
    image = read_labels(path, GRID)
    expected = painted((np.s_[1:5, 2:9], 2), (np.s_[8:12, 2:9], 1), (np.s_[1:5, 12:20], 2))
    np.testing.assert_array_equal(image.labels, expected)
    assert image.classes == {1: ("Corn", None), 2: ("wheat", None)}
    drawn = painted((np.s_[1:5, 2:9], 1), (np.s_[8:12, 2:9], 2), (np.s_[1:5, 12:20], 3))
    np.testing.assert_array_equal(image.polygons, drawn)
    assert image.polygons.dtype == np.int32
    assert image.files[0] == path
    assert (len(image.files) > 3) == (name == "fields.shp")
    assert image.notes[0].startswith(f"{name}: 3 separate polygons or groups of points of 2 classes, out of 3 features")


def test_whole_numbers_stay_and_no_class_is_counted(tmp_path):
    shapes = [rectangle(1, 1, 3, 3), rectangle(5, 1, 7, 3), rectangle(9, 1, 11, 3), rectangle(13, 1, 15, 3)]
    for field, classes in ({"code": [7.0, 0.0, np.nan, 3.0]}, [7, 3]), ({"code": ["7", " ", None, "3"]}, [7, 3]):
        image = read_labels(write_layer(tmp_path / "l.gpkg", shapes, **field), GRID)
        np.testing.assert_array_equal(
            image.labels, painted((np.s_[1:3, 1:3], classes[0]), (np.s_[13:15, 1:3], classes[1]))
        )
        assert image.classes is None
        assert "2 of 4 features of l.gpkg have no class and label nothing (features 2 and 3)" in image.notes
        assert image.polygons.max() == 2


def test_touching_and_overlapping_parts_of_a_class_are_one_and_parts_of_a_feature_several(tmp_path):
    shapes = [
        MultiPolygon([rectangle(0, 0, 4, 4), rectangle(10, 0, 14, 4)]),  # two parts, far from each other
        rectangle(0, 4, 4, 8),  # shares an edge with the first part
        rectangle(4, 8, 7, 11),  # touches that at a corner
        rectangle(12, 2, 16, 6),  # overlaps the second part
        rectangle(0, 12, 4, 16),  # alone
        rectangle(4, 12, 8, 16),  # touches it, of another class
    ]
    image = read_labels(write_layer(tmp_path / "l.gpkg", shapes, k=[1, 1, 1, 1, 1, 2]), GRID)
    expected = painted(
        (np.s_[0:4, 0:8], 1),
        (np.s_[4:7, 8:11], 1),
        (np.s_[10:14, 0:4], 2),
        (np.s_[12:16, 2:6], 2),
        (np.s_[0:4, 12:16], 3),
        (np.s_[4:8, 12:16], 4),
    )
    np.testing.assert_array_equal(image.polygons, expected)


def test_edges_that_meet_between_corners_touch_also_in_another_projection(tmp_path):
    """A corner on the edge of a neighbour misses it by millimetres, once both were brought to another system."""
    left, right = Polygon([(1, 1), (8, 1.7), (8, 12.3), (1, 12)]), Polygon([(8, 3.1), (14, 4), (14, 9), (8, 8.3)])
    for to in (None, "EPSG:4326", "EPSG:3035"):
        image = read_labels(write_layer(tmp_path / "l.gpkg", [left, right], to=to, k=[1, 1]), GRID)
        assert image.polygons.max() == 1
    apart = shapely.transform(right, lambda p: p + np.array([0.05, 0]))
    assert read_labels(write_layer(tmp_path / "l.gpkg", [left, apart], k=[1, 1]), GRID).polygons.max() == 2


def test_polygons_that_claim_one_pixel_are_one(tmp_path):
    """Apart on the ground, they touch the same pixels."""
    shapes = [rectangle(2, 2, 5, 5.3), rectangle(2, 5.6, 5, 9)]
    path = write_layer(tmp_path / "l.gpkg", shapes, k=[1, 1])
    assert read_labels(path, GRID).polygons.max() == 2
    assert read_labels(path, GRID, all_touched=True).polygons.max() == 1


def test_pixels_of_two_classes_are_unlabelled_and_their_features_named(tmp_path):
    shapes = [rectangle(1, 1, 6, 6), rectangle(10, 10, 12, 12), rectangle(4, 4, 8, 8)]
    image = read_labels(write_layer(tmp_path / "l.gpkg", shapes, k=[1, 1, 2]), GRID)
    expected = painted((np.s_[1:6, 1:6], 1), (np.s_[10:12, 10:12], 1), (np.s_[4:8, 4:8], 2), (np.s_[4:6, 4:6], 0))
    np.testing.assert_array_equal(image.labels, expected)
    assert "4 pixels are claimed by two classes (features 1 and 3): they are unlabelled" in image.notes
    assert ((image.polygons > 0) == (expected > 0)).all()


def test_polygons_without_pixels_and_outside_are_named(tmp_path):
    shapes = [rectangle(1, 1, 3, 3), rectangle(5.1, 5.1, 5.4, 5.4), rectangle(40, 40, 44, 44)]
    path = write_layer(tmp_path / "l.gpkg", shapes, k=[1, 2, 3])
    image = read_labels(path, GRID)
    assert "1 features of l.gpkg lie outside the scene (feature 3)" in image.notes
    assert (
        "1 polygons of l.gpkg cover the middle of no pixel (feature 2): draw them larger, or set scene.all_touched=true"
        in image.notes
    )
    assert image.labels.max() == 1
    assert read_labels(path, GRID, all_touched=True).labels[5, 5] == 2


def test_a_bow_tie_is_mended_and_a_spike_labels_nothing(tmp_path):
    tie = Polygon([(1, 1), (7, 7), (7, 1), (1, 7)])
    spike = Polygon([(10, 10), (14, 10), (10, 10)])
    image = read_labels(write_layer(tmp_path / "l.gpkg", [tie, spike, rectangle(1, 12, 4, 16)], k=[1, 1, 2]), GRID)
    assert "polygons of l.gpkg that cross themselves were mended (features 1 and 2)" in image.notes
    assert "polygons of l.gpkg without area label nothing (feature 2)" in image.notes
    halves = [Polygon([(1, 1), (4, 4), (1, 7)]), Polygon([(7, 7), (4, 4), (7, 1)])]
    expected = np.concatenate([covered_pixels(half, GRID) for half in halves])
    assert set(np.flatnonzero(image.labels == 1)) == set(expected)
    assert len(np.unique(image.polygons[image.labels == 1])) == 1  # the halves touch


def test_points_label_their_pixel_and_touching_pixels_are_a_group(tmp_path):
    shapes = [
        Point(3.1, 2.9),
        Point(4.9, 3.1),  # the pixel right below of the first: they touch at a corner
        MultiPoint([(10.5, 2.5), (20.2, 10.7)]),
        Point(11.5, 2.5),  # beside the first of these, of another class
        Point(20.9, 10.1),  # in the pixel of the second
    ]
    image = read_labels(write_layer(tmp_path / "p.gpkg", shapes, k=[1, 1, 1, 2, 1]), GRID)
    expected = painted((np.s_[2, 3], 1), (np.s_[3, 4], 1), (np.s_[2, 10], 2), (np.s_[10, 20], 3), (np.s_[2, 11], 4))
    np.testing.assert_array_equal(image.polygons, expected)
    np.testing.assert_array_equal(image.labels, np.where(expected == 4, 2, np.minimum(expected, 1)))


def test_a_point_within_a_polygon_of_its_class_belongs_to_it(tmp_path):
    shapes = [Point(3.5, 3.5), Point(10.5, 10.5), rectangle(2, 2, 6, 6)]
    image = read_labels(write_layer(tmp_path / "p.gpkg", shapes, k=[1, 1, 1]), GRID)
    assert image.polygons.max() == 2
    assert len(np.unique(image.polygons[2:6, 2:6])) == 1


def test_a_collection_counts_as_its_parts(tmp_path):
    nested = GeometryCollection([Point(1.5, 1.5), GeometryCollection([rectangle(5, 5, 8, 8)])])
    image = read_labels(write_layer(tmp_path / "l.gpkg", [nested], k=[4]), GRID)
    np.testing.assert_array_equal(image.labels, painted((np.s_[1, 1], 4), (np.s_[5:8, 5:8], 4)))
    assert image.polygons.max() == 2


@settings(max_examples=40)
@given(seeds=st.lists(st.integers(0, 9999), min_size=2, max_size=7), all_touched=st.booleans(), data=st.data())
def test_whatever_is_drawn(tmp_path_factory, seeds, all_touched, data):
    """A polygon has one class; it is all of its pixels; labelled pixels are those of one class alone."""
    shapes = [a_polygon(seed) for seed in seeds]
    values = data.draw(st.lists(st.integers(1, 3), min_size=len(shapes), max_size=len(shapes)))
    path = write_layer(tmp_path_factory.mktemp("l") / "l.fgb", shapes, k=values)
    image = read_labels(path, GRID, all_touched=all_touched)
    covered = [set(covered_pixels(shape, GRID, all_touched)) for shape in shapes]
    for pixel in range(image.labels.size):
        claims = {value for value, pixels in zip(values, covered, strict=True) if pixel in pixels}
        assert image.labels.flat[pixel] == (claims.pop() if len(claims) == 1 else 0)
    assert ((image.polygons > 0) == (image.labels > 0)).all()
    assert set(np.unique(image.polygons)) - {0} == set(range(1, image.polygons.max() + 1))
    for number in range(1, image.polygons.max() + 1):
        assert len(np.unique(image.labels[image.polygons == number])) == 1
    for pixels in covered:  # no shape is in two polygons
        assert len(set(image.polygons.ravel()[list(pixels)]) - {0}) <= 1


def test_the_layer_is_brought_to_the_scenes_system_said_aloud(tmp_path):
    shape = rectangle(3, 4, 9, 15)
    for crs in ("EPSG:4326", "EPSG:3035", "EPSG:32633", None):
        path = write_layer(tmp_path / "l.gpkg", [shape], crs=CRS if crs else None, to=crs, k=[1])
        image = read_labels(path, GRID)
        np.testing.assert_array_equal(image.labels, painted((np.s_[3:9, 4:15], 1)))
        assert any(("brought from" if crs else "taken to be in that of the scene") in note for note in image.notes)


def test_a_turned_grid_takes_what_lies_on_it(tmp_path):
    transform = turned(25)
    path = write_layer(tmp_path / "l.gpkg", [rectangle(3, 4, 9, 15)], transform=transform, k=[1])
    np.testing.assert_array_equal(read_labels(path, grid_of(20, 24, transform)).labels, painted((np.s_[3:9, 4:15], 1)))


def test_the_class_column(tmp_path):
    path = write_layer(tmp_path / "l.gpkg", [rectangle(1, 1, 3, 3)], id=[4], crop=["corn"])
    assert read_labels(path, GRID, field="crop").classes == {1: ("corn", None)}
    assert read_labels(path, GRID, field="id").labels.max() == 4
    with pytest.raises(HsiError, match=r"has the columns id, crop: say which .* such as scene\.label_field=crop"):
        read_labels(path, GRID)
    with pytest.raises(HsiError, match=r"no column scene\.label_field=crops, did you mean crop\?: it has id, crop"):
        read_labels(path, GRID, field="crops")


def test_the_layer_of_a_geopackage(tmp_path):
    path = write_layer(tmp_path / "l.gpkg", [rectangle(1, 1, 3, 3)], layer="one", k=[1])
    assert read_labels(path, GRID, key="one").labels.max() == 1
    write_layer(path, [rectangle(1, 1, 3, 3)], layer="two", k=[2])
    assert read_labels(path, GRID, key="two").labels.max() == 2
    with pytest.raises(HsiError, match=r"holds 2 layers \(one, two\): choose one, such as scene\.labels_key=one"):
        read_labels(path, GRID)
    with pytest.raises(HsiError, match=r"no layer scene\.labels_key=three: choose one of one, two"):
        read_labels(path, GRID, key="three")
    shapes = write_layer(tmp_path / "l.shp", [rectangle(1, 1, 3, 3)], k=[1])
    with pytest.raises(HsiError, match="holds a single layer"):
        read_labels(shapes, GRID, key="one")


INSIDE = rectangle(1, 1, 3, 3)
FAULTS = {
    "lines": ({"shapes": [INSIDE, LineString([(1, 1), (4, 4)])], "k": [1, 2]}, GRID, r"holds lines \(feature 2\)"),
    "fractions": ({"shapes": [INSIDE], "k": [1.5]}, GRID, "column k holds 1.5, and classes are whole numbers or texts"),
    "dates": (
        {"shapes": [INSIDE], "k": [np.datetime64("2024-01-01")]},
        GRID,
        "column k holds neither numbers",
    ),
    "no column": ({"shapes": [INSIDE]}, GRID, "no column beside the geometry"),
    "no class": ({"shapes": [INSIDE], "k": [0]}, GRID, "none of its 1 features has a class"),
    "no geometry": ({"shapes": [None, None], "k": [1, 2]}, GRID, "holds no geometry that can be read"),
    "no place": ({"shapes": [INSIDE], "k": [1]}, Grid(20, 24), "holds places on the ground and the scene has none"),
    "no system": ({"shapes": [INSIDE], "k": [1]}, grid_of(20, 24, crs=None), "the scene names no coordinate reference"),
    "elsewhere": (
        {"shapes": [rectangle(90, 90, 95, 95)], "k": [1]},
        GRID,
        "not overlap the scene, which is in WGS",
    ),
    "beyond the world": ({"shapes": [INSIDE], "crs": "EPSG:4326", "k": [1]}, GRID, "does not overlap the scene"),
    "too small": ({"shapes": [rectangle(1.1, 1.1, 1.2, 1.2)], "k": [1]}, GRID, "cover the middle of no pixel"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_faults_are_sentences(tmp_path, case):
    how, grid, words = FAULTS[case]
    path = write_layer(tmp_path / "l.gpkg", **how)
    with pytest.raises(HsiError, match=words):
        read_labels(path, grid)


@pytest.mark.parametrize("name", ["l.gpkg", "l.shp", "l.fgb", "l.geojson", "l.json"])
def test_foreign_and_damaged_files_are_sentences(tmp_path, name):
    path = tmp_path / name
    with pytest.raises(HsiError, match="does not exist or is no file"):
        read_labels(path, GRID)
    # GDAL would take it for a virtual layer, whatever its name, and open what it points to
    path.write_text('<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer>')
    with pytest.raises(HsiError, match="does not begin as a"):
        read_labels(path, GRID)
    whole = write_layer(tmp_path / f"whole{path.suffix}", [INSIDE] * 50, k=range(50)) if name != "l.json" else None
    path.write_bytes(whole.read_bytes()[:300] if whole else b'{"type": "FeatureCollection", "features": [')
    with pytest.raises(HsiError):
        read_labels(path, GRID)


def test_what_is_said_of_many_features_is_short(tmp_path):
    shapes = [rectangle(1, 1, 3, 3)] + [rectangle(90, 90, 95, 95)] * 300
    image = read_labels(write_layer(tmp_path / "l.gpkg", shapes, k=[1] * 301), GRID)
    (note,) = [note for note in image.notes if "outside" in note]
    assert "(features 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 290 more)" in note


def test_the_order_of_the_file_makes_the_numbers_and_nothing_else(tmp_path):
    shapes, values = [a_polygon(seed) for seed in range(8)], [1, 2, 3, 1, 2, 3, 1, 2]
    there = read_labels(write_layer(tmp_path / "a.gpkg", shapes, k=values), GRID)
    back = read_labels(write_layer(tmp_path / "b.gpkg", shapes[::-1], k=values[::-1]), GRID)
    np.testing.assert_array_equal(there.labels, back.labels)
    pairs = {*zip(there.polygons.ravel().tolist(), back.polygons.ravel().tolist(), strict=True)}
    assert len(pairs) == len({one for one, _ in pairs}) == len({other for _, other in pairs})
    again = read_labels(tmp_path / "a.gpkg", GRID)
    np.testing.assert_array_equal(there.polygons, again.polygons)


@pytest.mark.parametrize(
    "system",
    [
        '{"type": "link", "properties": {"href": "http://127.0.0.1:9/crs"}}',
        '{"properties": {"href": "http://127.0.0.1:9/crs"}, "typ\\u0065": "L\\u0069nk"}',
    ],
)
@pytest.mark.parametrize("name", ["l.geojson", "l.json"])
def test_no_link_is_followed_to_a_coordinate_reference_system(tmp_path, name, system):
    """GDAL would fetch it."""
    feature = '{"type": "Feature", "properties": {"a": "link"}, "geometry": {"type": "Point", "coordinates": [9, 48]}}'
    path = tmp_path / name
    for text, told in ((f'"CRS": {system}, ', "by a link, which is not followed"), ("", "does not overlap the scene")):
        path.write_text(f'{{"type": "FeatureCollection", {text}"features": [{feature}]}}')
        with pytest.raises(HsiError, match=told):
            read_labels(path, GRID)


@pytest.mark.parametrize("far", [np.nan, np.inf, 1e300])
def test_corners_at_infinity_leave_their_polygon_out(tmp_path, far):
    """Also one that crosses itself, which is to be mended otherwise."""
    bow = [(1, 1), (5, 5), (5, 1), (1, 5)]
    shapes = [rectangle(10, 10, 14, 14), Polygon([bow[0], (far, 5), *bow[2:]]), Polygon(bow)]
    layer = Layer(np.array(shapes), np.arange(3), np.ones(3, np.int64), None, None, ())
    notes = []
    parts = parts_in_scene(layer, tmp_path / "l.gpkg", grid_of(20, 24, (1, 0, 0, 0, 1, 0)), notes)
    assert set(parts.features) == {0, 2}
    assert "1 features of l.gpkg lie outside the scene (feature 1)" in notes


def test_a_layer_of_another_world(tmp_path):
    path = write_layer(tmp_path / "l.gpkg", [INSIDE], crs="ESRI:104903", k=[1])  # the Moon
    with pytest.raises(HsiError, match="from which no way leads to WGS 84 / UTM zone 32N"):
        read_labels(path, GRID)


def test_no_memory_is_taken_for_features_that_a_file_cannot_hold(tmp_path):
    path = write_layer(tmp_path / "l.fgb", [INSIDE] * 77, k=range(77))
    stated = (77).to_bytes(8, "little")
    content = path.read_bytes()
    place = content.index(stated)
    path.write_bytes(content[:place] + (2**26).to_bytes(8, "little") + content[place + 8 :])
    with pytest.raises(HsiError, match=r"'features' has shape \(67108864,\), more than its \d+ bytes can hold"):
        read_labels(path, GRID)

"""Label images on other grids, against rasterio; masks of one class each."""

import numpy as np
import pytest
import rasterio.warp
from hypothesis import given
from hypothesis import strategies as st
from placed_files import CRS, NORTH_UP, ORIGIN, grid_of, turned, write_tiff

from hsi.errors import HsiError
from hsi.georeference import Georeference
from hsi.scenes import label_rasters
from hsi.scenes.coordinates import between, placed, same_crs
from hsi.scenes.label_image import Grid
from hsi.scenes.label_rasters import nearest, read_label_raster, short_name
from hsi.scenes.label_sources import read_labels

LABELS = np.arange(20, dtype=np.uint8).reshape(4, 5)


def by_rasterio(labels, there, here, shape):
    """What rasterio makes of an image on grid `there`, on grid `here`."""
    goal = np.zeros(shape, dtype=labels.dtype)
    rasterio.warp.reproject(
        labels,
        goal,
        src_transform=rasterio.Affine(*there),
        dst_transform=rasterio.Affine(*here),
        src_crs=CRS,
        dst_crs=CRS,
        resampling=rasterio.warp.Resampling.nearest,
        tolerance=0,
    )
    return goal


angles = st.sampled_from([0.0, 0.0, 12.0, 45.0, -78.0])


@given(
    seed=st.integers(0, 999),
    degrees=angles,
    label_degrees=angles,
    size=st.sampled_from([7.3, 30.0, 91.7]),
    shift=st.tuples(st.floats(-200, 200), st.floats(-200, 200)),
    pixels=st.sampled_from([1, 50, 2**18]),
)
def test_nearest_is_that_of_rasterio(seed, degrees, label_degrees, size, shift, pixels):
    rng = np.random.default_rng(seed)
    labels = rng.integers(1, 200, (rng.integers(2, 30), rng.integers(2, 30))).astype(np.uint8)
    here = turned(degrees)
    # a third of a pixel more, so that no middle lies on a border, where rounding decides
    there = turned(label_degrees, size, (ORIGIN[0] + shift[0] + size / 3.1, ORIGIN[1] + shift[1] - size / 2.9))
    place = between(placed(Georeference(here), "one"), placed(Georeference(there), "other"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(label_rasters, "PIXELS", pixels)
        found, outside = nearest(labels, place, (17, 23))
    np.testing.assert_array_equal(found, by_rasterio(labels, there, here, (17, 23)))
    assert outside == (found == 0).sum()  # no label is 0


def test_by_hand(tmp_path):
    """Label pixels of twice the size, one scene pixel to the right and one down."""
    path = write_tiff(tmp_path / "l.tif", np.array([[1, 2]], np.uint8), (60, 0, ORIGIN[0] + 30, 0, -60, ORIGIN[1] - 30))
    image = read_labels(path, grid_of(4, 6))
    expected = [[0, 0, 0, 0, 0, 0], [0, 1, 1, 2, 2, 0], [0, 1, 1, 2, 2, 0], [0, 0, 0, 0, 0, 0]]
    np.testing.assert_array_equal(image.labels, expected)
    (note,) = image.notes
    assert "from 1 x 2 pixels to 4 x 6" in note
    assert "; 16 pixels of the scene lie outside" in note
    assert image.files == (path,)
    assert image.polygons is None


def test_the_same_grid_is_taken_as_it_is(tmp_path):
    path = write_tiff(tmp_path / "l.tif", LABELS)
    for grid in (grid_of(4, 5), Grid(4, 5)):
        image = read_labels(path, grid)
        np.testing.assert_array_equal(image.labels, LABELS)
        assert image.notes == ()


def test_a_shift_of_less_than_half_a_pixel_changes_nothing_and_one_of_more_does(tmp_path):
    near = (*NORTH_UP[:2], ORIGIN[0] + 14, *NORTH_UP[3:])
    far = (*NORTH_UP[:2], ORIGIN[0] + 16, *NORTH_UP[3:])
    assert (read_labels(write_tiff(tmp_path / "a.tif", LABELS, near), grid_of(4, 5)).labels == LABELS).all()
    moved = read_labels(write_tiff(tmp_path / "b.tif", LABELS, far), grid_of(4, 5))
    np.testing.assert_array_equal(moved.labels[:, 1:], LABELS[:, :-1])
    assert "resampled" in moved.notes[0]


def test_nodata_and_nan_are_unlabelled(tmp_path):
    labels = np.array([[1, 255, 2]], np.uint8)
    image = read_labels(write_tiff(tmp_path / "l.tif", labels, nodata=255), grid_of(1, 3))
    assert image.labels.tolist() == [[1, 0, 2]]
    assert "1 pixels of l.tif hold no label (255)" in image.notes[0]
    image = read_labels(write_tiff(tmp_path / "f.tif", np.array([[1, np.nan, 2]], np.float32)), grid_of(1, 3))
    assert image.labels.tolist() == [[1, 0, 2]]
    assert read_labels(write_tiff(tmp_path / "z.tif", LABELS, nodata=0), grid_of(4, 5)).notes == ()


FAULTS = {
    "another size": ({"transform": NORTH_UP, "crs": CRS}, Grid(9, 9), "l.tif has 4 x 5 pixels, the scene 9 x 9"),
    "another system": ({"crs": "EPSG:32633"}, grid_of(4, 5), "is in WGS 84 / UTM zone 33N, the scene in WGS 84 / UTM"),
    "elsewhere": ({"transform": (30, 0, 0, 0, -30, 0)}, grid_of(4, 5), "l.tif lies beside the scene"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_faults_are_sentences(tmp_path, case):
    how, grid, words = FAULTS[case]
    with pytest.raises(HsiError, match=words):
        read_label_raster(write_tiff(tmp_path / "l.tif", LABELS, **how), grid)


def test_a_transform_without_area_is_a_sentence():
    with pytest.raises(HsiError, match="have no area"):
        placed(Georeference((1, 2, 0, 2, 4, 0)), "x.tif")
    with pytest.raises(HsiError, match="have no area"):
        placed(Georeference((1, 0, float("nan"), 0, 1, 0)), "x.tif")


def test_a_missing_system_is_taken_to_be_the_scenes_said_aloud(tmp_path):
    path = write_tiff(tmp_path / "l.tif", LABELS, crs=None)
    image = read_labels(path, grid_of(4, 5))
    assert "l.tif names no coordinate reference system: taken to be in WGS 84 / UTM zone 32N" in image.notes[0]


def test_one_system_is_known_in_different_words():
    from pyproj import CRS as System

    utm = System("EPSG:32632")
    esri = utm.to_wkt("WKT1_ESRI")
    assert esri != utm.to_wkt()
    assert same_crs("EPSG:32632", esri, "x")
    assert same_crs(utm.to_wkt(), utm.to_wkt("WKT1_GDAL"), "x")
    assert not same_crs("EPSG:32632", "EPSG:32633", "x")
    with pytest.raises(HsiError, match="x has a coordinate reference system that is not understood"):
        same_crs("EPSG:32632", "nonsense", "x")


def test_masks_are_classes_in_the_order_given(tmp_path):
    water, wood = np.zeros((3, 4), np.uint8), np.zeros((3, 4))
    water[0], wood[:2, 0] = 255, 1
    paths = [write_tiff(tmp_path / "water.tif", water), tmp_path / "forest.npy"]
    np.save(paths[1], wood)
    image = read_labels(paths, grid_of(3, 4))
    np.testing.assert_array_equal(image.labels, [[0, 1, 1, 1], [2, 0, 0, 0], [0, 0, 0, 0]])
    assert image.classes == {1: ("water", None), 2: ("forest", None)}
    assert image.notes == ("1 pixels are in two masks or more (forest, water): they are unlabelled",)
    assert image.files == tuple(paths)
    swapped = read_labels(paths[::-1], grid_of(3, 4))
    np.testing.assert_array_equal(swapped.labels, np.array([0, 2, 1])[image.labels])


@given(seed=st.integers(0, 500))
def test_masks_of_a_label_image_give_it_back(tmp_path_factory, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, (5, 6))
    folder = tmp_path_factory.mktemp("masks")
    for value in (1, 2, 3):
        np.save(folder / f"m{value}.npy", labels == value)
    image = read_labels([folder / f"m{value}.npy" for value in (1, 2, 3)], Grid(5, 6))
    np.testing.assert_array_equal(image.labels, labels)


def test_a_mask_may_lie_on_another_grid(tmp_path):
    fine = np.kron(np.eye(3, dtype=np.uint8), np.ones((2, 2), np.uint8))
    path = write_tiff(tmp_path / "m.tif", fine, (15, 0, ORIGIN[0], 0, -15, ORIGIN[1]))
    np.testing.assert_array_equal(read_labels([path], grid_of(3, 3)).labels, np.eye(3))


def test_faults_of_masks_are_sentences(tmp_path):
    path = write_tiff(tmp_path / "l.tif", LABELS)
    (tmp_path / "other").mkdir()
    twin = write_tiff(tmp_path / "other" / "l.tif", LABELS)
    with pytest.raises(HsiError, match="names no mask"):
        read_labels([], grid_of(4, 5))
    with pytest.raises(HsiError, match="19 values beside 0"):
        read_labels([path], grid_of(4, 5))
    with pytest.raises(HsiError, match=r"two masks of scene\.labels are called l"):
        read_labels([path, twin], grid_of(4, 5))
    with pytest.raises(HsiError, match=r"a\.gpkg no image"):
        read_labels([path, "a.gpkg"], grid_of(4, 5))
    with pytest.raises(HsiError, match=r"scene\.label_field is for polygons"):
        read_labels(path, grid_of(4, 5), field="crop")
    with pytest.raises(HsiError, match=r"scene\.all_touched is for polygons"):
        read_labels(path, grid_of(4, 5), all_touched=True)


def test_names_of_images(tmp_path):
    names = ["water.tif", "water.hdr", "water.dat.hdr", "water.1.hdr", "a.b.tif"]
    assert [short_name(tmp_path / name) for name in names] == ["water", "water", "water", "water.1", "a.b"]


@pytest.mark.parametrize("fine", [0.0001, 0.00027, 0.1, 0.3])
def test_a_middle_between_two_pixels_takes_the_right_lower_one_whatever_is_rounded(fine):
    labels = np.arange(1600).reshape(40, 40)
    here = Georeference((2 * fine, 0, 11.1, 0, -2 * fine, 48.3))
    for start in range(0, 20, 2):  # corners as files have them: in decimals, rounded
        there = Georeference((fine, 0, round(11.1 - start * fine, 9), 0, -fine, round(48.3 + start * fine, 9)))
        found, _ = nearest(labels, between(placed(here, "one"), placed(there, "other")), (10, 10))
        part = slice(start + 1, start + 21, 2)
        np.testing.assert_array_equal(found, labels[part, part])


def test_grids_that_no_number_connects():
    place = (1e-150, 0, ORIGIN[0], 0, -1e-150, 1e300)
    with pytest.raises(HsiError, match="have no grid in common"):
        between(placed(grid_of(4, 5).georeference, "one"), placed(Georeference(place), "other"))

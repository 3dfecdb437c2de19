"""A folder of tiles is the image that they were cut from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from placed_files import CRS, NORTH_UP, ORIGIN, rectangle, turned, write_layer, write_tiff
from spectral.io import envi

from hsi.cube import LazyCube
from hsi.errors import HsiError
from hsi.georeference import Georeference
from hsi.scenes import limits
from hsi.scenes import tiles as module
from hsi.scenes.mosaic import GAP, compose, lay_out
from hsi.scenes.tiles import list_rasters, load_tiles, match_labels

ROWS, COLS, BANDS = 20, 30, 6


def an_image(seed=0):
    """A cube without constant spectra, and labels of two classes with gaps."""
    rng = np.random.default_rng(seed)
    return rng.integers(1, 4000, (ROWS, COLS, BANDS)).astype(np.uint16), rng.integers(0, 3, (ROWS, COLS)).astype(
        np.uint8
    )


def at(row, col, transform=NORTH_UP):
    """The transform of a tile whose first pixel is (row, col) of the image."""
    return Georeference(tuple(transform)).moved(row, col).transform


def write_tiles(folder, parts, cube, labels, transform=NORTH_UP, ending="", crs=CRS):
    """Cut an image into tiles at (name, rows, cols), with label tiles beside them."""
    for name in ("cubes", "labels"):
        (folder / name).mkdir(exist_ok=True)
    for name, rows, cols in parts:
        place = at(rows.start, cols.start, transform) if crs else None
        write_tiff(folder / "cubes" / f"{name}.tif", cube[rows, cols], place, crs)
        if labels is not None:
            write_tiff(folder / "labels" / f"{name}{ending}.tif", labels[rows, cols], place, crs)
    return {"cubes": folder / "cubes", "labels": folder / "labels" if labels is not None else None}


QUARTERS = [
    ("b", slice(0, 9), slice(0, 17)),
    ("c", slice(0, 9), slice(17, 30)),
    ("d", slice(9, 20), slice(0, 17)),
    ("a", slice(9, 20), slice(17, 30)),
]


@pytest.mark.parametrize("memory_gb", [4.0, 0.0])
@pytest.mark.parametrize("degrees", [0, 31])
def test_a_mosaic_is_the_image_that_was_cut(tmp_path, memory_gb, degrees):
    cube, labels = an_image()
    folders = write_tiles(tmp_path, QUARTERS, cube, labels, turned(degrees), "_gt")
    scene = load_tiles(**folders, memory_gb=memory_gb, wavelengths=[*range(500, 506)])
    assert isinstance(scene.cube, LazyCube) == (memory_gb == 0)
    np.testing.assert_array_equal(scene.cube[:], cube, strict=True)
    np.testing.assert_array_equal(scene.labels, labels)
    np.testing.assert_allclose(scene.georeference.transform, turned(degrees), atol=1e-6)
    assert scene.tile_names == ("a", "b", "c", "d")
    for number, name in enumerate(scene.tile_names, 1):
        ((rows, cols),) = [(rows, cols) for tile, rows, cols in QUARTERS if tile == name]
        assert (scene.tiles[rows, cols] == number).all()
    assert scene.notes[0] == "4 tiles lie at their true positions, in 20 x 30 pixels"
    assert len(scene.checksums) == 8


def test_a_missing_corner_holds_no_data(tmp_path):
    cube, labels = an_image()
    scene = load_tiles(**write_tiles(tmp_path, QUARTERS[:3], cube, labels))
    corner = np.s_[9:20, 17:30]
    assert not scene.valid[corner].any()
    assert scene.valid.sum() == 20 * 30 - 11 * 13
    assert (scene.tiles[corner] == 0).all()
    assert (scene.labels[corner] == 0).all()


def test_where_tiles_overlap_the_first_counts(tmp_path):
    cube, labels = an_image()
    other, other_labels = an_image(1)
    write_tiles(tmp_path, [("a", slice(0, 12), slice(0, 30))], cube, labels)
    folders = write_tiles(tmp_path, [("b", slice(8, 20), slice(0, 30))], other, other_labels)
    scene = load_tiles(**folders, memory_gb=0)
    np.testing.assert_array_equal(scene.cube[:], np.concatenate([cube[:12], other[12:]]))
    np.testing.assert_array_equal(scene.labels, np.concatenate([labels[:12], other_labels[12:]]))
    np.testing.assert_array_equal(scene.tiles, np.repeat([1, 2], [12, 8])[:, None].repeat(30, 1))
    assert "120 pixels of tiles lie under other tiles: the first by name counts" in scene.notes


def test_tiles_without_place_lie_under_each_other_with_room_between(tmp_path):
    cube, labels = an_image()
    folders = write_tiles(tmp_path, QUARTERS[:2], cube, labels, crs=None)
    scene = load_tiles(**folders)
    assert scene.cube.shape == (9 + GAP + 9, 17, BANDS)
    np.testing.assert_array_equal(scene.cube[:9], cube[:9, :17])
    np.testing.assert_array_equal(scene.cube[9 + GAP :, :13], cube[:9, 17:])
    np.testing.assert_array_equal(scene.labels[9 + GAP :, :13], labels[:9, 17:])
    assert not scene.valid[9 : 9 + GAP].any()
    assert not scene.valid[9 + GAP :, 13:].any()
    assert scene.valid.sum() == 9 * 30
    assert scene.georeference is None
    assert scene.notes[0] == "2 tiles lie under each other, in 82 x 17 pixels: b has no georeference"


def placed_at(row, col, transform=NORTH_UP, crs=CRS):
    return Georeference(at(row, col, transform), crs)


REASONS = {
    "b has no georeference": [placed_at(0, 0), None],
    "b has another coordinate reference system than a": [placed_at(0, 0), placed_at(0, 5, crs="EPSG:32633")],
    "b has another resolution or orientation than a": [placed_at(0, 0), placed_at(0, 5, turned(0, 31))],
    "the pixels of b lie between those of a": [placed_at(0, 0), placed_at(0, 5.4)],
    "they fill 0.5% of the area around them": [placed_at(0, 0), placed_at(95, 95)],
}


@pytest.mark.parametrize("reason", REASONS)
def test_why_tiles_do_not_lie_at_their_true_positions(reason):
    layout = lay_out([(5, 5), (5, 5)], REASONS[reason], ["a", "b"])
    assert layout.reason == reason
    assert (layout.shape, layout.corners) == ((10 + GAP, 5), ((0, 0), (5 + GAP, 0)))


@settings(max_examples=50)
@given(data=st.data(), nodata=st.booleans())
def test_every_block_of_a_composed_cube_is_that_of_the_painted_one(data, nodata):
    count = data.draw(st.integers(1, 4))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    tiles = [rng.integers(1, 9, (*rng.integers(1, 6, 2), 3)).astype(np.int16) for _ in range(count)]
    places = [placed_at(*rng.integers(0, 4, 2)) for _ in tiles] if data.draw(st.booleans()) else [None] * count
    layout = lay_out([tile.shape[:2] for tile in tiles], places, [*"abcd"[:count]])
    own = [number + 1 if nodata else None for number in range(count)]
    fill = np.int16(own[0] or 0)
    cube = compose(layout, tiles.__getitem__, own, 3, fill)
    expected = np.full((*layout.shape, 3), fill)
    for (rows, cols), tile, value in reversed(list(zip(layout.parts(), tiles, own, strict=True))):
        expected[rows, cols] = np.where(tile == value, fill, tile) if nodata else tile
    first_row, first_col = (data.draw(st.integers(0, n - 1)) for n in layout.shape)
    part = np.s_[first_row : data.draw(st.integers(first_row, layout.shape[0])), first_col : layout.shape[1]]
    bands = data.draw(st.sampled_from([slice(None), slice(0, 2), np.array([2]), np.array([2, 0])]))
    np.testing.assert_array_equal(cube[(*part, bands)], expected[part][:, :, bands], strict=True)


def test_only_the_tiles_that_a_block_needs_are_read():
    asked = []

    def read(number):
        asked.append(number)
        return np.ones((5, 5, 2))

    layout = lay_out([(5, 5)] * 3, [placed_at(0, 0), placed_at(5, 0), placed_at(10, 0)], ["a", "b", "c"])
    cube = compose(layout, read, [None] * 3, 2, np.float64("nan"))
    assert cube[6:9].shape == (3, 5, 2)
    assert asked == [1]
    assert cube[4:6].shape == (2, 5, 2)
    assert sorted(asked[1:]) == [0, 1]


def test_cubes_of_formats_without_maps_are_read_again_as_they_are_needed(tmp_path, monkeypatch):
    cube, labels = an_image()
    for folder in ("cubes", "labels"):
        (tmp_path / folder).mkdir()
    for name, rows, cols in QUARTERS:
        np.savez_compressed(tmp_path / "cubes" / f"{name}.npz", cube=cube[rows, cols])
        np.save(tmp_path / "labels" / f"{name}.npy", labels[rows, cols])
    asked = []
    read = module.read_raster
    monkeypatch.setattr(module, "read_raster", lambda *given, **more: asked.append(given) or read(*given, **more))
    scene = load_tiles(tmp_path / "cubes", tmp_path / "labels", memory_gb=0)
    asked.clear()
    np.testing.assert_array_equal(scene.cube[:11, :13], cube[9:, 17:])  # of a, the first by name
    assert len(asked) <= 1


def test_envi_tiles_are_listed_by_their_headers(tmp_path):
    cube, _ = an_image()
    for name in ("one", "two"):
        envi.save_image(str(tmp_path / f"{name}.hdr"), cube, interleave="bsq")
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "._one.hdr").write_text("what macOS leaves on other disks")
    assert list(list_rasters(tmp_path, "scene.cubes")) == ["one", "two"]
    scene = load_tiles(tmp_path, memory_gb=0)
    np.testing.assert_array_equal(scene.cube[-20:], cube)
    assert scene.num_classes == 0


def test_labels_of_tiles_that_have_none_are_missing_said_aloud(tmp_path):
    cube, labels = an_image()
    folders = write_tiles(tmp_path, QUARTERS, cube, labels, ending="_mask")
    (tmp_path / "labels" / "c_mask.tif").unlink()
    scene = load_tiles(**folders)
    assert "1 of 4 tiles have no label tile and are unlabelled (c)" in scene.notes
    assert (scene.labels[:9, 17:] == 0).all()
    np.testing.assert_array_equal(scene.labels[9:], labels[9:])


def test_polygons_may_lie_over_all_tiles(tmp_path):
    cube, _ = an_image()
    folders = write_tiles(tmp_path, QUARTERS, cube, None)
    shapes = [rectangle(5, 10, 12, 22), rectangle(15, 2, 18, 6)]
    path = write_layer(tmp_path / "fields.gpkg", shapes, crop=["corn", "rye"])
    scene = load_tiles(folders["cubes"], path)
    assert scene.class_names == ("corn", "rye")
    assert (scene.labels[5:12, 10:22] == 1).all()
    assert scene.polygons.max() == 2


MATCHES = [
    (["a", "b"], ["b", "a"], {"a": "a", "b": "b"}),
    (["a", "b"], ["a_gt"], {"a": "a_gt"}),
    (["t1", "t10"], ["t1_labels", "t10_labels"], {"t1": "t1_labels", "t10": "t10_labels"}),
    (["a", "a_b"], ["a_b_gt", "a_gt"], {"a": "a_gt", "a_b": "a_b_gt"}),
    (["t1_image", "t2_image"], ["t1_ground_truth", "t2_ground_truth"], None),
    (["t1_image", "t2_image"], ["t2", "t1"], None),
]


@pytest.mark.parametrize(("cubes", "labels", "pairs"), MATCHES)
def test_label_tiles_are_found_by_their_names(cubes, labels, pairs):
    expected = pairs or {cube: label for cube in cubes for label in labels if cube[:2] == label[:2]}
    assert match_labels(cubes, labels) == expected


def test_a_label_tile_without_cube_is_a_sentence():
    with pytest.raises(HsiError, match=r"1 label tiles of .* have no cube in .*, the first is z_gt"):
        match_labels(["a", "b", "c"], ["a_gt", "b_gt", "z_gt"])


def test_faults_of_folders_are_sentences(tmp_path):
    cube, labels = an_image()
    with pytest.raises(HsiError, match="is no folder"):
        load_tiles(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(HsiError, match="holds no image"):
        load_tiles(tmp_path / "empty")
    folders = write_tiles(tmp_path, QUARTERS, cube, labels)
    with pytest.raises(HsiError, match="are for polygons"):
        load_tiles(**folders, label_field="crop")
    np.save(tmp_path / "labels" / "a.npy", labels)
    with pytest.raises(HsiError, match=r"a\.npy and a\.tif, two images of one name"):
        load_tiles(**folders)
    np.save(tmp_path / "cubes" / "e.npy", cube[:, :, :4])
    with pytest.raises(HsiError, match=r"e\.npy has 4 bands and a\.tif has 6"):
        load_tiles(**folders)


def test_tiles_of_other_wavelengths_are_refused(tmp_path):
    cube, _ = an_image()
    for name, start in (("one", 400), ("two", 410)):
        wavelengths = [str(start + 10 * band) for band in range(BANDS)]
        metadata = {"wavelength": wavelengths, "wavelength units": "Nanometers"}
        envi.save_image(str(tmp_path / f"{name}.hdr"), cube, metadata=metadata)
    with pytest.raises(HsiError, match=r"two\.hdr has band 1 at 410 nm and one\.hdr at 400 nm"):
        load_tiles(tmp_path)


def test_nodata_of_all_tiles_is_one(tmp_path):
    cube, _ = an_image()
    cube[2, 3] = 7
    cube[12, 3] = 9
    (tmp_path / "cubes").mkdir()
    write_tiff(tmp_path / "cubes" / "a.tif", cube[:10], nodata=7)
    write_tiff(tmp_path / "cubes" / "b.tif", cube[10:], (*NORTH_UP[:5], ORIGIN[1] - 300), nodata=9)
    scene = load_tiles(tmp_path / "cubes", memory_gb=0)
    assert scene.nodata == 7
    assert not scene.valid[2, 3]
    assert not scene.valid[12, 3]
    assert (scene.cube[12:13, 3:4] == 7).all()


def test_a_tile_at_the_end_of_the_world():
    layout = lay_out([(5, 5), (5, 5)], [placed_at(0, 0), Georeference((30.0, 0, 1e300, 0, -30.0, 0), CRS)], ["a", "b"])
    assert layout.reason == "b lies too far from a"


def test_tiles_that_take_too_much_room_under_each_other(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "CAP", 10**6)
    for name, shape in (("wide", (1, 2000, 2)), ("high", (2000, 1, 2))):
        np.save(tmp_path / f"{name}.npy", np.ones(shape, np.uint8))
    with pytest.raises(HsiError, match=r"2065 x 2000 pixels, more than its \d+ bytes can hold"):
        load_tiles(tmp_path)

import contextlib
import io
import os
import tempfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsi.cube import LazyCube
from hsi.errors import HsiError
from hsi.scenes import hdf5_heaps
from hsi.scenes.formats import read_raster

SHAPE = (7, 5, 6)
CUBE = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE) - 90
LABELS = (np.arange(35) % 4).reshape(7, 5).astype(np.uint8)
LAYOUTS = {
    "contiguous": {},
    "chunked": {"chunks": (3, 2, 4)},
    "deflated": {"chunks": (7, 5, 1), "compression": "gzip", "shuffle": True},
    "big-endian": {"dtype": ">i2"},
    "float": {"dtype": "f4", "chunks": (1, 5, 6)},
}


@pytest.fixture(scope="module")
def cubes(tmp_path_factory):
    path = tmp_path_factory.mktemp("layouts") / "all.h5"
    with h5py.File(path, "w") as file:
        for name, layout in LAYOUTS.items():
            file.create_dataset(f"group/{name}", data=CUBE, **layout)
            # the same cube, its bands in the middle
            file.create_dataset(f"moved/{name}", data=CUBE.transpose(0, 2, 1), **{"dtype": layout.get("dtype", "i2")})
            file[f"moved/{name}"].dims[1].label = "bands"
    return {
        key: read_raster(path, f"/{key}").array for key in (f"{a}/{b}" for a in ("group", "moved") for b in LAYOUTS)
    }


def parts(length):
    return st.tuples(st.integers(0, length), st.integers(0, length)).map(lambda ends: slice(min(ends), max(ends)))


@pytest.mark.parametrize("place", ["group", "moved"])
@pytest.mark.parametrize("layout", LAYOUTS)
@given(rows=parts(7), cols=parts(5), bands=st.one_of(parts(6), st.permutations(range(6)).map(lambda all: all[:3])))
def test_every_part_is_the_one_that_numpy_cuts(cubes, place, layout, rows, cols, bands):
    cube = cubes[f"{place}/{layout}"]
    assert isinstance(cube, LazyCube)
    assert cube.shape == SHAPE
    found = cube[rows, cols, bands]
    np.testing.assert_array_equal(found, CUBE[rows, cols][:, :, bands])
    assert found.dtype == cube.dtype == np.dtype(LAYOUTS[layout].get("dtype", "i2")).newbyteorder("=")
    assert found.flags.c_contiguous or not found.size


def write(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array


@pytest.mark.parametrize(
    ("names", "axes"),
    [
        (("y", "x", "bands"), (0, 1, 2)),
        (("wavelength", "y", "x"), (2, 0, 1)),
        (("Band", "x", "y"), (2, 1, 0)),
        (("lat", "lambda", "lon"), (0, 2, 1)),
        (("", "", "spectral"), (0, 1, 2)),
        (("samples", "lines", "channels"), (1, 0, 2)),
        (("", "", ""), (0, 1, 2)),
        (("bands", "band", "x"), (0, 1, 2)),  # two of them: none is moved
    ],
)
def test_named_dimensions_say_which_axis_is_which(tmp_path, names, axes):
    """Axis k of the file is rows (0), columns (1) or bands (2) by its name, never by its size."""
    path = tmp_path / "cube.hdf5"
    write(path, cube=CUBE.transpose(axes))
    with h5py.File(path, "a") as file:
        for dimension, name in zip(file["cube"].dims, names, strict=True):
            dimension.label = name
    raster = read_raster(path)
    np.testing.assert_array_equal(raster.array[:], CUBE)
    assert ("axis" in " ".join(raster.notes)) == (axes != (0, 1, 2))


@pytest.mark.parametrize(("interleave", "axes"), [("bip", (0, 1, 2)), ("BIL", (0, 2, 1)), ("bsq", (2, 0, 1))])
def test_interleave_says_which_axis_is_which(tmp_path, interleave, axes):
    write(tmp_path / "cube.h5", cube=CUBE.transpose(axes))
    with h5py.File(tmp_path / "cube.h5", "a") as file:
        file["cube"].attrs["interleave"] = interleave
    np.testing.assert_array_equal(read_raster(tmp_path / "cube.h5").array[:], CUBE)


def test_keys_are_paths(tmp_path):
    path = tmp_path / "scene.h5"
    write(path, **{"data/cube": CUBE, "data/error": CUBE, "truth/labels": LABELS, "vector": np.arange(5)})
    with pytest.raises(HsiError, match=r"2 arrays with 3 dim.*data/cube \(7, 5, 6\), data/error.*scene\.cube_key="):
        read_raster(path)
    with pytest.raises(HsiError, match=r"no array 'cube'.*data/cube"):
        read_raster(path, "cube")
    np.testing.assert_array_equal(read_raster(path, "/data/error/").array[:], CUBE)
    np.testing.assert_array_equal(read_raster(path, ndim=2).array, LABELS)
    np.testing.assert_array_equal(read_raster(path, "truth/labels", ndim=2).array, LABELS)
    with pytest.raises(HsiError, match=r"shape \(5,\), but a cube"):
        read_raster(path, "vector")
    with pytest.raises(HsiError, match=r"shape \(7, 5, 6\), but a label image"):
        read_raster(path, "data/cube", ndim=2)


def test_a_long_listing_is_cut(tmp_path):
    path = tmp_path / "many.h5"
    write(path, **{f"array_{number}": np.zeros((2, 2)) for number in range(100)})
    with pytest.raises(HsiError, match="and 70 more") as caught:
        read_raster(path)
    assert len(str(caught.value)) < 1500


def test_only_numbers_are_candidates(tmp_path):
    path = tmp_path / "scene.h5"
    with h5py.File(path, "w") as file:
        file["cube"] = CUBE
        file["compound"] = np.zeros(SHAPE, dtype=[("a", "f4"), ("b", "i2")])
        file["complex"] = np.zeros(SHAPE, dtype="c8")
        file.create_dataset("text", SHAPE, dtype=h5py.string_dtype())
        file.create_dataset("references", SHAPE, dtype=h5py.ref_dtype)
        file.create_dataset("ragged", SHAPE, dtype=h5py.vlen_dtype("i4"))
        file["empty"] = h5py.Empty("f4")
        file["type"] = np.dtype("f4")
    np.testing.assert_array_equal(read_raster(path).array[:], CUBE)
    for name in ("compound", "complex", "text", "references", "ragged"):
        with pytest.raises(HsiError, match="has no array"):
            read_raster(path, name)


def test_booleans_and_enumerations(tmp_path):
    path = tmp_path / "labels.h5"
    with h5py.File(path, "w") as file:
        file["mask"] = LABELS > 1
        file.create_dataset("classes", data=LABELS, dtype=h5py.enum_dtype({"water": 1, "soil": 2}, basetype="u1"))
    np.testing.assert_array_equal(read_raster(path, "mask", ndim=2).array, LABELS > 1)
    np.testing.assert_array_equal(read_raster(path, "classes", ndim=2).array, LABELS)


def test_large_files_are_read_where_they_are_asked_for(tmp_path):
    """A cube of 8 GB, of which one corner is written."""
    path = tmp_path / "large.h5"
    with h5py.File(path, "w") as file:
        cube = file.create_dataset("cube", (2000, 10000, 100), "f4", chunks=(50, 500, 100))
        for row in range(0, 2000, 50):
            cube[row, 0, 0] = 1  # a 1,000th of it all
    cube = read_raster(path).array
    assert cube.nbytes == 8 * 10**9
    np.testing.assert_array_equal(cube[50:51, 0:2, 0:2], [[[1, 0], [0, 0]]])


def test_pieces_that_reach_over_all_rows_are_mentioned(tmp_path):
    path = tmp_path / "slow.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("cube", (1000, 2000, 100), "f4", chunks=(1000, 20, 100))[0, 0, 0] = 1
    assert any("h5repack" in note for note in read_raster(path).notes)


# ---- files that are damaged or mean harm


@pytest.mark.parametrize("kept", [4, 100, 0.5, 0.95])
def test_cut_short(tmp_path, kept):
    path = tmp_path / "scene.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("cube", data=np.random.default_rng(0).random((20, 20, 20)), compression="gzip")
    content = path.read_bytes()
    path.write_bytes(content[: kept if kept > 1 else int(kept * len(content))])
    with pytest.raises(HsiError, match="damaged or cut short") as caught:
        read_raster(path)
    assert "\n" not in str(caught.value)


def test_damage_that_shows_only_when_it_is_read(tmp_path):
    path = tmp_path / "scene.h5"
    noise = np.random.default_rng(0).integers(0, 255, (30, 30, 30), dtype=np.uint8)
    with h5py.File(path, "w") as file:
        file.create_dataset("cube", data=noise, compression="gzip", fletcher32=True, chunks=(30, 30, 30))
        start = file["cube"].id.get_chunk_info(0).byte_offset
    cube = read_raster(path).array
    content = bytearray(path.read_bytes())
    content[start + 1000 : start + 1100] = bytes(100)
    path.write_bytes(content)
    with pytest.raises(HsiError, match="damaged or cut short"):
        cube[:2]
    path.unlink()
    with pytest.raises(HsiError, match="cannot be read"):
        cube[:2]


def test_changed_under_way(tmp_path):
    path = tmp_path / "scene.h5"
    write(path, cube=CUBE)
    cube = read_raster(path).array
    write(path, cube=CUBE[:3])
    with pytest.raises(HsiError, match="has changed while it was read"):
        cube[:2]


@pytest.mark.parametrize("fill", [b"any text", b"<html></html>" * 100, b""])
def test_no_hdf5_at_all(tmp_path, fill):
    for name in ("scene.h5", "scene.nc"):
        (tmp_path / name).write_bytes(fill)
        with pytest.raises(HsiError, match="neither HDF5 nor netCDF"):
            read_raster(tmp_path / name)


def other_file(tmp_path):
    write(tmp_path / "secret.h5", cube=CUBE)
    return str(tmp_path / "secret.h5")


def external_link(path, secret):
    with h5py.File(path, "w") as file:
        file["cube"] = h5py.ExternalLink(secret, "/cube")


def external_group(path, secret):
    with h5py.File(path, "w") as file:
        file["cube"] = h5py.ExternalLink(secret, "/")


def soft_link_out(path, secret):
    with h5py.File(path, "w") as file:
        file["there"] = h5py.ExternalLink(secret, "/")
        file["cube"] = h5py.SoftLink("/there/cube")


def external_storage(path, secret):
    with h5py.File(path, "w") as file:
        file.create_dataset("cube", SHAPE, "i2", external=[(secret, 0, h5py.h5f.UNLIMITED)])


def virtual(path, secret):
    layout = h5py.VirtualLayout(shape=SHAPE, dtype="i2")
    layout[:] = h5py.VirtualSource(secret, "cube", shape=SHAPE)
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("cube", layout)


@pytest.mark.parametrize("suffix", [".h5", ".mat", ".nc"])
@pytest.mark.parametrize("make", [external_link, external_group, soft_link_out, external_storage, virtual])
def test_nothing_outside_of_the_file_is_opened(tmp_path, make, suffix):
    path = tmp_path / f"scene{suffix}"
    make(path, other_file(tmp_path))
    for key in (None, "cube", "/cube", "cube/cube"):
        with pytest.raises(HsiError, match=r"'(cube|there)' (is a|has external)") as caught:
            read_raster(path, key)
        assert "\n" not in str(caught.value)


def test_other_arrays_beside_a_link_are_read(tmp_path):
    path = tmp_path / "scene.h5"
    external_link(path, other_file(tmp_path))
    with h5py.File(path, "a") as file:
        file["own"] = CUBE
        file["alias"] = h5py.SoftLink("/own")
    np.testing.assert_array_equal(read_raster(path).array[:], CUBE)
    with pytest.raises(HsiError, match="name what it leads to, '/own'"):
        read_raster(path, "alias")


def test_circles_of_groups_end(tmp_path):
    path = tmp_path / "scene.h5"
    with h5py.File(path, "w") as file:
        file["a/b/cube"] = CUBE
        file["a/b/again"] = file["a"]
        file["a/root"] = file["/"]
        file["twice"] = file["a/b/cube"]  # a second name of one array
    np.testing.assert_array_equal(read_raster(path).array[:], CUBE)


@pytest.mark.parametrize("suffix", [".h5", ".mat"])
@pytest.mark.parametrize("layout", [{}, {"chunks": (100, 100, 1)}, {"chunks": (10, 10, 10), "compression": "gzip"}])
def test_shapes_that_no_file_holds(tmp_path, layout, suffix):
    """10^15 numbers, in a file of some thousand bytes."""
    path = tmp_path / f"scene{suffix}"
    with h5py.File(path, "w") as file:
        file.create_dataset("cube", (10**5, 10**5, 10**5), "f4", **layout)
    assert path.stat().st_size < 20_000
    for key in (None, "cube"):
        with pytest.raises(HsiError, match=r"shape \(100000, 100000, 100000\), more than.*can hold"):
            read_raster(path, key)


def test_a_chunk_larger_than_its_file(tmp_path):
    """A single number makes HDF5 expand the whole of its chunk, here 3.2 GB for a cube of 8 numbers."""
    path = tmp_path / "scene.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("cube", (2, 2, 2), "f4", chunks=(2000, 2000, 200), maxshape=(None, None, None))
    with pytest.raises(HsiError, match=r"more than its 0 bytes can hold.*was never filled"):
        read_raster(path)


@given(st.data())
def test_flipped_bytes_are_a_sentence_or_a_cube(data):
    """Whatever else is raised fails the test."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scene.h5"
        write(path, **{"group/cube": CUBE, "labels": LABELS})
        with h5py.File(path, "a") as file:
            file["group/cube"].dims[2].label = "bands"
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(content)
        with contextlib.suppress(HsiError):
            np.asarray(read_raster(path).array)


def test_labels_of_dimensions_of_another_type(tmp_path):
    """The library's own function for them crashes here."""
    path = tmp_path / "scene.h5"
    write(path, cube=CUBE)
    with h5py.File(path, "a") as file:
        file["cube"].attrs["DIMENSION_LABELS"] = np.arange(3)
        file["cube"].attrs["DIMENSION_LIST"] = np.arange(3.0)
    np.testing.assert_array_equal(read_raster(path).array[:], CUBE)


def test_texts_of_a_kind_that_there_is_not(tmp_path):
    """One byte says sequence, text, or what the library crashes at; whichever it says, the cube is read."""
    path = tmp_path / "scene.h5"
    write(path, cube=CUBE)
    with h5py.File(path, "a") as file:
        file["cube"].attrs["units"] = "nm of light"
        message = file["cube"].attrs.get_id("units").get_type().encode()[2:6] + bytes(
            [16]
        )  # a length and where it lies
    assert message[:2] == bytes([0x19, 1])
    content = path.read_bytes()
    assert content.count(message) == 1
    place = content.index(message) + 1
    for kind in range(256):
        path.write_bytes(content[:place] + bytes([kind]) + content[place + 1 :])
        np.testing.assert_array_equal(read_raster(path).array[:], CUBE)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_no_permission(tmp_path):
    write(tmp_path / "scene.h5", cube=CUBE)
    (tmp_path / "scene.h5").chmod(0)
    with pytest.raises(HsiError, match="give yourself permission"):
        read_raster(tmp_path / "scene.h5")


def test_nothing_was_put_into_a_null_data_space(tmp_path):
    for path in (tmp_path / "a.h5", tmp_path / "a.mat"):
        write(path, cube=h5py.Empty("f4"))
        for key in (None, "cube"):
            with pytest.raises(HsiError, match=r"has no array.*it holds: no numeric array"):
                read_raster(path, key)


def test_what_is_compressed_twice_is_not_unpacked(tmp_path):
    """A megabyte of zeros, deflated twice, is a few bytes: what is in between has no size that the file declares."""
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk((100, 100, 100))
    plan.set_deflate(9)
    plan.set_deflate(9)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        space = h5py.h5s.create_simple((100, 100, 100))
        dataset = h5py.h5d.create(file.id, b"cube", h5py.h5t.NATIVE_UINT8, space, plan)
        dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.zeros((100, 100, 100), np.uint8))
    with pytest.raises(HsiError, match=r"packs '/cube' by filters that are not read here \(numbers \[1, 1\]\)"):
        read_raster(tmp_path / "a.h5")


def heap_of(path):
    """Where the heap of texts starts: signature, 16 bytes in all, then objects of 16 bytes and their contents."""
    content = path.read_bytes()
    assert content.count(b"GCOL") == 1
    return bytearray(content), content.index(b"GCOL")


@pytest.mark.parametrize(
    ("number", "size"), [(0, 0), (0, 1), (0, 4000), (1, 2**64 - 16), (1, 5000), (1, 2**63)], ids=str
)
def test_a_heap_without_end_is_not_looked_through(tmp_path, number, size):
    """In most of these the library looks for the next object for ever."""
    path = tmp_path / "a.h5"
    write(path, cube=CUBE)
    with h5py.File(path, "a") as file:
        file["cube"].attrs["units"] = "some text"
    np.testing.assert_array_equal(read_raster(path).array[:], CUBE)
    content, start = heap_of(path)
    content[start + 16 : start + 18] = number.to_bytes(2, "little")
    content[start + 24 : start + 32] = size.to_bytes(8, "little")
    path.write_bytes(content)
    with pytest.raises(HsiError, match=rf"the heap of texts at byte {start} has no end"):
        read_raster(path)


@given(gaps=st.lists(st.integers(0, 40), max_size=9), block=st.integers(8, 50))
def test_heaps_are_found_across_the_blocks_that_are_read(gaps, block):
    content = b"".join(b"G" * gap + hdf5_heaps.SIGNATURE for gap in gaps)
    starts = np.cumsum([gap + len(hdf5_heaps.SIGNATURE) for gap in gaps]) - len(hdf5_heaps.SIGNATURE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hdf5_heaps, "BLOCK", block)
        assert [*hdf5_heaps._places(io.BytesIO(content))] == starts.tolist()


def test_addresses_of_another_width(tmp_path):
    plan = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    plan.set_sizes(4, 4)
    with h5py.File(h5py.h5f.create(bytes(tmp_path / "a.h5"), h5py.h5f.ACC_TRUNC, fcpl=plan)) as file:
        file["cube"] = CUBE
    with pytest.raises(HsiError, match="addresses of an odd width"):
        read_raster(tmp_path / "a.h5")


@pytest.mark.parametrize("size", [0, 3, 2**31 - 1])
def test_pieces_of_a_size_that_cannot_be_are_not_unpacked(tmp_path, size):
    """The library takes the checksum off whatever is there, and reads beyond it."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        cube = file.create_dataset("cube", data=CUBE, chunks=(7, 5, 3), compression="gzip", fletcher32=True)
        chunk = cube.id.get_chunk_info(0)
    stated = chunk.size.to_bytes(4, "little") + bytes(4)  # and the filter mask, in the node of the tree
    content = path.read_bytes()
    assert content.count(stated) >= 1
    path.write_bytes(content.replace(stated, size.to_bytes(4, "little") + bytes(4), 1))
    with pytest.raises(HsiError, match="a piece of '/cube' of a size that cannot be"):
        read_raster(path)


def test_filters_whose_decoders_trust_the_file(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("cube", data=CUBE, chunks=SHAPE, scaleoffset=12)
    with pytest.raises(HsiError, match=r"by filters that are not read here \(numbers \[6\]\)"):
        read_raster(tmp_path / "a.h5")

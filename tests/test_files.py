"""What a run has written is read back; what it has not is told, and nothing is allocated because a header says so."""

import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from hsi import files
from hsi.errors import HsiError

LITTLE = 2**20  # bytes


def npy(descr: str, shape: str, rest: bytes = b"") -> bytes:
    head = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}}}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + rest


def archive(path, packed=zipfile.ZIP_DEFLATED, **members: bytes):
    with zipfile.ZipFile(path, "w", packed) as made:
        for name, content in members.items():
            made.writestr(f"{name}.npy", content)
    return path


@pytest.fixture
def little():
    """Fails where more is allocated on the way than a small file is worth."""
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < LITTLE


@pytest.mark.parametrize("array", [np.arange(6).reshape(2, 3), np.asfortranarray(np.ones((2, 3))), np.empty((0, 4))])
def test_arrays_come_back_as_they_were(tmp_path, array):
    files.write_array(tmp_path / "a.npy", array)
    files.write_arrays(tmp_path / "a.npz", one=array, word=np.array("é"))
    one, word = files.read_arrays(tmp_path / "a.npz", "one", "word")
    for found in (files.read_array(tmp_path / "a.npy") if array.size else one, one):
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)
    assert str(word) == "é"
    one[...] = 0  # it may be written to


@pytest.mark.parametrize(
    "content",
    [
        npy("|V0", "(1000000000000000,)"),
        npy("|S0", "(1000000000000000,)"),
        npy("<U3", "(1,)", b"a\0\0\0b\0\0\0c\0\0\0"),
        npy("<c8", "(1,)", bytes(8)),
        npy("|u1", "(1000000000000000,)", b"1"),
    ],
)
def test_an_array_of_no_numbers_or_too_many_is_told(tmp_path, content, little):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(HsiError, match=r"a\.npy (is damaged|holds no numbers)"):
        files.read_array(tmp_path / "a.npy")


@pytest.mark.parametrize(
    "content",
    [
        npy("|u1", "(2147483648,)", b"1"),
        npy("|u1", "(1,)", b"12"),
        npy("|V0", "(1000000000000000,)"),
        npy("|O", "(1,)", b"1"),
        b"no array",
        b"",
    ],
)
def test_an_archive_whose_member_is_not_what_it_says_is_told(tmp_path, content, little):
    with pytest.raises(HsiError, match=r"a\.npz is damaged"):
        files.read_arrays(archive(tmp_path / "a.npz", role=content), "role")


def test_an_archive_packed_by_what_asks_for_gigabytes_is_told(tmp_path):
    buffer = io.BytesIO()
    np.save(buffer, np.ones(3))
    for packed in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        with pytest.raises(HsiError, match="is damaged"):
            files.read_arrays(archive(tmp_path / "a.npz", packed, role=buffer.getvalue()), "role")
    with pytest.raises(HsiError, match="is damaged"):
        files.read_arrays(archive(tmp_path / "a.npz", role=buffer.getvalue()), "other")


def test_a_file_that_is_larger_than_any_is_not_read(tmp_path, little):
    with (tmp_path / "a.npy").open("wb") as stream:
        stream.write(npy("|u1", f"({2**40},)"))
        stream.truncate(2**40 + 1000)  # takes no room on the disk
    with pytest.raises(HsiError, match="more than the 8,589,934,592 that are read"):
        files.read_array(tmp_path / "a.npy")


@pytest.mark.parametrize("content", ["a,b\n1,2,3\n", f"a\n{',' * 100_000}\n", "", "\n\n", 'a,b\n"1,2\n', "a,b\n1\n"])
def test_a_table_of_rows_of_several_lengths_is_told(tmp_path, content):
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(HsiError, match=r"a\.csv is damaged"):
        files.read_table(tmp_path / "a.csv")


def test_an_archive_unpacks_to_no_more_than_it_says(tmp_path):
    path, size = tmp_path / "a.npz", 2**26
    np.savez_compressed(path, a=np.zeros(size - 128, np.uint8))
    path.write_bytes(path.read_bytes().replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    tracemalloc.start()
    with pytest.raises(HsiError, match="is damaged"):
        files.read_arrays(path, "a")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < size / 4


@pytest.mark.parametrize("names", ["a,b,a", ",".join(map(str, range(files.MOST_COLUMNS + 1)))])
def test_a_table_that_takes_pandas_hours_is_refused(tmp_path, names):
    (tmp_path / "a.csv").write_text(f"{names}\n")
    with pytest.raises(HsiError, match="is damaged"):
        files.read_table(tmp_path / "a.csv")


def test_a_table_comes_back(tmp_path):
    files.write(tmp_path / "a.csv", 'a,"b, c"\n1,\n2,"x\ny"\n')
    table = files.read_table(tmp_path / "a.csv")
    assert [*table] == ["a", "b, c"]
    assert table["b, c"].isna().tolist() == [True, False]


@pytest.mark.parametrize("end", [KeyboardInterrupt, OSError])
def test_an_end_between_writing_and_renaming_leaves_nothing(tmp_path, monkeypatch, end):
    def stop(*_):
        raise end

    monkeypatch.setattr("os.replace", stop)
    with pytest.raises(end if end is KeyboardInterrupt else HsiError):
        files.write(tmp_path / "a.json", "{}")
    assert list(tmp_path.iterdir()) == []

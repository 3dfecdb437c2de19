import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsi import files
from hsi.errors import HsiError
from hsi.splits.counts import share_out
from hsi.splits.roles import Split, load_split, save_split


def test_the_hash_knows_shape_and_region():
    role = np.ones((2, 3), np.uint8)
    hashes = {Split(role).hash, Split(role.T).hash, Split(role, region=role).hash}
    assert len(hashes) == 3


@given(sizes=st.lists(st.integers(1, 50), min_size=1, max_size=9), data=st.data())
def test_shares_add_up_and_stay_within_one_of_proportion(sizes, data):
    sizes = np.array(sizes)
    total = data.draw(st.integers(0, int(sizes.sum())))
    shares = share_out(total, sizes)
    assert shares.sum() == total
    assert (np.abs(shares - total * sizes / sizes.sum()) < 1).all()
    assert (shares <= sizes).all()


@pytest.mark.parametrize("region", [None, np.array([[1, 1, 3], [1, 3, 3]], np.uint8)])
def test_a_saved_split_comes_back_and_a_changed_one_is_refused(tmp_path, region):
    split = Split(np.array([[1, 0, 3], [2, 3, 3]], np.uint8), region)
    save_split(tmp_path / "split.npz", split)
    again = load_split(tmp_path / "split.npz")
    assert again.hash == split.hash
    assert (again.region is None) == (region is None)
    with np.load(tmp_path / "split.npz") as saved:
        files.write_arrays(tmp_path / "split.npz", **{**saved, "role": 3 - saved["role"]})
    with pytest.raises(HsiError, match="was changed"):
        load_split(tmp_path / "split.npz")


def test_a_part_keeps_roles_regions_and_notes():
    role, region = np.arange(12, dtype=np.uint8).reshape(3, 4) % 4, np.arange(12, dtype=np.uint8).reshape(3, 4)
    part = Split(role, region, ("said",)).part(slice(1, 3), slice(0, 2))
    assert (part.role == [[0, 1], [0, 1]]).all()
    assert (part.region == [[4, 5], [8, 9]]).all()
    assert part.notes == ("said",)
    assert Split(role).part(slice(1, 3), slice(0, 2)).region is None


def test_pixels_of_a_role_are_numbered_row_by_row():
    assert Split(np.array([[1, 0, 3], [3, 1, 1]], np.uint8)).pixels(1).tolist() == [0, 4, 5]


GOOD = np.ones((2, 3), np.uint8)


@pytest.mark.parametrize(
    ("role", "region"),
    [
        (GOOD.astype(int), GOOD),
        (GOOD, GOOD.astype(float)),
        (GOOD[0], GOOD),
        (GOOD[None], GOOD),
        (GOOD, GOOD[None]),
    ],
)
def test_what_is_no_image_of_roles_is_damaged(tmp_path, role, region):
    files.write_arrays(tmp_path / "split.npz", role=role, region=region, hash=np.array(Split(GOOD, GOOD).hash))
    with pytest.raises(HsiError, match="holds no roles of pixels"):
        load_split(tmp_path / "split.npz")


def test_the_hash_is_of_shape_roles_and_regions_as_bytes_whatever_their_layout():
    role, written = np.array([[1, 3], [2, 0]]), b"(2, 2)" + bytes([1, 3, 2, 0])
    assert Split(role).hash == hashlib.sha256(written).hexdigest()
    turned = np.asfortranarray(role.astype(np.uint8))
    assert Split(turned, 4 - role).hash == hashlib.sha256(written + bytes([3, 1, 2, 4])).hexdigest()
    assert Split(role, 4 - turned).hash == Split(turned, 4 - role).hash

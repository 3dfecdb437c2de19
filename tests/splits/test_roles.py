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

"""Values of JSON survive a CSV file, digit for digit and type for type."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from studies.cells import decode, encode, flatten, nest, read_rows, write_rows

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | st.integers() | FLOATS | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="."), min_size=1)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1)


def same(one: object, other: object) -> bool:
    """Equal in value and in type, at every depth: 1, 1.0 and True are three."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@given(VALUES)
@example("null")
@example("1")
@example("NaN")
@example("")
@example('"quoted"')
@example("[1")
@example(0.1 + 0.2)
@example(5e-324)
def test_a_value_comes_back_from_its_cell(value):
    assert same(decode(encode(value)), value)
    assert encode(value) != ""  # an empty cell means that there is no value


@given(FLOATS)
def test_floats_keep_every_bit(number):
    (row,) = read_rows(write_rows([{"run": "a", "oa": encode(number)}], ["run"]))
    assert decode(row["oa"]).hex() == number.hex()


@given(st.dictionaries(NAMES, VALUES))
@example({"config": {"model": {}, "split": {"train": 0.1}}, "files": {"map.npy": "sha256:0"}})
def test_a_tree_comes_back_from_its_columns(tree):
    assert same(nest(flatten(tree)), tree)


@given(st.lists(st.dictionaries(TEXT, TEXT, min_size=1)))
@example([{"a": "x,y"}, {"b": 'say "no"'}, {"a": "two\nlines"}])
def test_rows_come_back_from_their_text(rows):
    assert read_rows(write_rows(rows, ["a"])) == rows


def test_columns_have_one_order_whatever_the_order_of_the_rows():
    rows = [{"run": "1", "b": "x"}, {"run": "2", "a": "y"}]
    headers = {write_rows(order, ["run"]).splitlines()[0] for order in (rows, rows[::-1])}
    assert headers == {"run,a,b"}


@pytest.mark.parametrize("text", ["", "a,b\n1\n", "a,b\n1,2,3\n", "a,a\n1,2\n", 'a,b\n"1,2\n'])
def test_a_damaged_table_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        read_rows(text)

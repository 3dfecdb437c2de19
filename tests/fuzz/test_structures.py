"""Changes of trees: they reach what they are meant to reach, and leave other files alone."""

import json
import struct
from random import Random

import numpy as np
import pytest
import yaml
from safetensors.numpy import save

from .structures import changed

TREE = {"a": 1, "b": [1.5, {"c": "word"}], "d": {"e": None}}
MANY = 400


def made(content: bytes) -> list[bytes]:
    found = [changed(content, Random(number), content) for number in range(MANY)]
    return [each for each in found if each is not None]


@pytest.mark.parametrize("write", [json.dumps, yaml.safe_dump])
def test_trees_lose_keys_and_get_what_no_writer_makes(write):
    found = made(write(TREE).encode())
    assert len(found) > 0.9 * MANY
    assert any(b'"a"' not in each and b"a:" not in each for each in found)
    for piece in (b"[" * 1000, b"9" * 5000, b"x" * 600_000, b"NaN" if write is json.dumps else b"!!python"):
        assert any(piece in each for each in found), piece[:10]


def test_a_header_keeps_its_length_whatever_stands_in_it():
    whole = save({"one": np.ones(3, np.float32), "two": np.zeros((2, 2))}, {"state": json.dumps(TREE)})
    found = made(whole)
    data = whole[8 + struct.unpack_from("<Q", whole)[0] :]
    headers = []
    for each in found:
        (size,) = struct.unpack_from("<Q", each)
        assert len(each) == 8 + size + len(data)
        headers.append(each[8 : 8 + size].decode())
    assert any(each.endswith(data) is False for each in found)
    assert any('"state": "' in head and "word" not in head for head in headers)
    assert any('"shape": [3, 1]' in head for head in headers)


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01\x00", b"a,b\n1,2\n", b"ENVI\nsamples = 6\n", b"\xff" * 20])
def test_what_holds_no_tree_is_left_alone(content):
    assert made(content) == []

"""Files that hold a tree of values (JSON, YAML, the header of safetensors) with one value or key of it changed."""

import json
import struct
from collections.abc import Iterator
from random import Random
from typing import Any

import yaml

Place = tuple[Any, Any]  # a list or mapping, and an index or key of it

RAW = {  # what no writer of JSON or YAML would make, put in as it stands
    "nested": "[" * 1000 + "]" * 1000,
    "keys": '{"a": ' * 1000 + "1" + "}" * 1000,
    "digits": "9" * 5000,
    "zeros": "[" + ",".join("0" * 10**5) + "]",
    "lists": "[" + ",".join(["[]"] * 10**5) + "]",
}
YAML = {  # only there
    "bomb": "[&a [x,x,x,x,x,x,x,x,x,x]" + "".join(f",&{b} [{','.join([f'*{a}'] * 10)}]" for a, b in ["ab", "bc", "cd"]),
    "hexadecimal": "0x" + "f" * 5000,
    "sexagesimal": "1" + ":59" * 5000,
    "tag": "!!python/object/apply:os.system ['touch x']",
    "date": "2001-01-01",
    "bytes": "!!binary aGVsbG8=",
}
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 3, 10**4, 10**9, 2**31, 2**63, 10**15, 10**30, 10**400),
    *(0.5, -0.0, -1.5, 1e-320, 1e16, 1e308, float("nan"), float("inf"), -float("inf")),
    *("", "a", "1", "null", "nan", "../../secret", "a/b", "a\nb", "\0", "\x1b[31m", "é", "x" * 1000, "x" * 600_000),
    *("${seed}", "${oc.env:HOME}", "$\\frac{$", "hsi.models.lenet.lenet", "os.system", "/dev/zero", "#000000"),
    *([], [0], [[]], [[[1]]], [None], ["a"], ["a", "a"], [float("nan")] * 20, list(range(20)), [1e308] * 20),
    *({}, {"a": 1}, {"": {}}, {"_target_": "os.system"}, {"_target_": "os.getcwd"}, {"x" * 1000: 1}),
)
DTYPES = ("F16", "F32", "F64", "BF16", "I8", "I32", "I64", "U8", "BOOL", "F8_E4M3", "C64", "x")


def changed(content: bytes, chance: Random, donor: bytes) -> bytes | None:
    """One value or key changed; None where the file holds no tree."""
    if (header := _header(content)) is not None:
        return _in_header(content, header, chance)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    if text.startswith(("{", "[")):
        tree = _parsed(json.loads, text)
        return None if tree is None else _written(_altered(tree, chance, RAW), RAW)
    tree = _parsed(yaml.safe_load, text)
    return (
        None if tree is None else _written(_altered(tree, chance, RAW | YAML), RAW | YAML, plain=chance.random() < 0.5)
    )


def _parsed(load: Any, text: str) -> Any:
    """A tree; None where the text holds none."""
    try:
        tree = load(text)
        json.dumps(tree, default=str)  # it ends somewhere
    except Exception:  # damaged before
        return None
    return tree if isinstance(tree, dict | list) and tree else None


def _altered(tree: Any, chance: Random, raw: dict[str, str]) -> Any:
    """One change; names of `raw` behind a mark stand for its texts."""
    places = list(_places(tree))
    branch, key = chance.choice(places)
    match chance.randrange(8):
        case 0:
            del branch[key]
        case 1 if isinstance(branch, dict):
            branch[chance.choice((f"{key}x", "", "_target_", "_args_", chance.choice(places)[1]))] = branch.pop(key)
        case 2:
            other, name = chance.choice(places)
            other[name], branch[key] = branch[key], other[name]
        case 3 if isinstance(branch[key], list):
            branch[key] = branch[key] * chance.choice((0, 2, 1000))
        case 4:
            branch[key] = f"<raw {chance.choice(sorted(raw))}>"
        case 5 if isinstance(branch[key], int | float):
            branch[key] = branch[key] * chance.choice((-1, 0, 0.5, 2, 1000, 10**15)) + chance.choice((0, 1, -1))
        case 6:
            branch[key] = chance.choice(places)[0]
        case _:
            branch[key] = chance.choice(VALUES)
    return tree


def _places(tree: Any) -> Iterator[Place]:
    for key in tree if isinstance(tree, dict) else range(len(tree)):
        yield tree, key
        if isinstance(tree[key], dict | list):
            yield from _places(tree[key])


def _written(tree: Any, raw: dict[str, str], plain: bool = True) -> bytes | None:
    """The text of a tree: JSON, which YAML reads too, or YAML's own; None of one that contains itself."""
    try:
        text = json.dumps(tree) if plain else yaml.safe_dump(tree, sort_keys=False)
    except (ValueError, TypeError, RecursionError):
        return None
    for name, instead in raw.items():
        text = text.replace(f'"<raw {name}>"', instead).replace(f"<raw {name}>", instead)
    return text.encode()


def _header(content: bytes) -> dict[str, Any] | None:
    """The header of a safetensors file; None where it is no such file."""
    if len(content) < 9 or content[8:9] != b"{":
        return None
    (size,) = struct.unpack_from("<Q", content)
    found = _parsed(json.loads, content[8 : 8 + size].decode("utf-8", "replace"))
    return found if isinstance(found, dict) else None


def _in_header(content: bytes, header: dict[str, Any], chance: Random) -> bytes | None:
    """The header changed, its length right again; or a tensor changed with all that follows from it."""
    (size,) = struct.unpack_from("<Q", content)
    data = content[8 + size :]
    names = [name for name, value in header.items() if _is_tensor(value)]
    said = header.get("__metadata__")
    if isinstance(said, dict) and chance.random() < 0.4:
        for key, text in said.items():
            tree = _parsed(json.loads, str(text))
            if tree is not None:
                said[key] = (_written(_altered(tree, chance, RAW), RAW) or b"").decode()
    elif not names or chance.random() < 0.3:
        header = _altered(header, chance, RAW)
    else:
        header, data = _with_tensor(header, data, chance.choice(names), chance)
    if not isinstance(header, dict) or (text := _written(header, RAW)) is None:
        return None
    return struct.pack("<Q", len(text)) + text + data


def _is_tensor(about: Any) -> bool:
    """Whether an earlier change has left the entry of a tensor as it was made."""
    if not isinstance(about, dict) or not {"shape", "dtype", "data_offsets"} <= about.keys():
        return False
    places = about["data_offsets"]
    whole = isinstance(places, list) and len(places) == 2 and all(isinstance(place, int) for place in places)
    return whole and isinstance(about["shape"], list) and 0 <= places[0] <= places[1] < 2**30


def _with_tensor(header: dict[str, Any], data: bytes, name: str, chance: Random) -> tuple[dict[str, Any], bytes]:
    about = header[name]
    start, end = about["data_offsets"]
    match chance.randrange(6):
        case 0:
            about["shape"] = chance.choice(([*reversed(about["shape"])], [*about["shape"], 1], [-1], [], [0, 10**15]))
        case 1:
            about["dtype"] = chance.choice(DTYPES)
        case 2:
            header[chance.choice(("more", f"{name}x", "reducer.x", "model.x", "best.x"))] = header.pop(name)
        case 3:
            other = chance.choice([key for key in header if key != "__metadata__"])
            header[name], header[other] = header[other], header[name]
        case 4:  # a tensor of nothing beside it
            header[f"{name}x"] = {"dtype": "F32", "shape": [0, 10**15], "data_offsets": [end, end]}
        case _:
            value = struct.pack("<f", chance.choice((float("nan"), float("inf"), -1.0, 0.0, 1e30, -1e-30, 1e-40)))
            data = data[:start] + (value * ((end - start) // 4 + 1))[: end - start] + data[end:]
    return header, data

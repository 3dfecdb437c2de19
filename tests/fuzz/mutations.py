"""Valid files made damaged ones, by a number: the same number gives the same damage.

A file is damaged as bytes, as text where it holds some, and inside of its compressed parts under a right checksum.
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random

from . import structures

Files = Mapping[str, bytes]  # name within a folder -> content
Change = Callable[[bytes, Random, bytes], bytes | None]  # content, chance, another file; None where it cannot be done

BITS = (7, 8, 15, 16, 31, 32, 63, 64)
EXTREMES = (0, 1, 2, 3, 7, 255, 10**5, 10**9, *(2**bits - 1 for bits in BITS), *(2**bits for bits in BITS[::2]), -1, -2)
FLOATS = (float("nan"), float("inf"), -float("inf"), 1e308, -1e38, 5e-324, 0.0, -1.0)
TEXTS = (
    *(
        "0",
        "-1",
        "1",
        "7",
        "99",
        "2.5",
        "-0.0",
        "1e308",
        "1e999",
        "1e-320",
        "nan",
        "-inf",
        "abc",
        "",
        "{",
        "}",
        '"',
        "[",
    ),
    *("65535", "2147483647", "2147483648", "4294967295", "9223372036854775807", "1000000000000000", "9" * 400, "null"),
    *("{}", "[]", "1,2", "../../secret", "\n", "\0", "é"),
)
TEXT = re.compile(rb"[\t\n\r\x20-\x7e]{4,}")
NUMBER = re.compile(rb"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
WORD = re.compile(rb"[A-Za-z_][\w.-]*")
MOST = 2**20  # bytes of a damaged file; the seeds have a few thousand


def damaged(seeds: Sequence[Files], number: int) -> dict[str, bytes]:
    """One of the seeds with one to three changes, all drawn by `number`."""
    chance = Random(number)
    files = dict(chance.choice(seeds))
    for _ in range(chance.choice((1, 1, 2, 3))):
        name = chance.choice(sorted(files))
        donors = [seed[name] for seed in seeds if name in seed] or [files[name]]
        files[name] = _changed(files[name], chance, chance.choice(donors))[:MOST]
    return files


def load(path: Path) -> dict[str, bytes]:
    """A file, or the files of a folder."""
    if path.is_file():
        return {path.name: path.read_bytes()}
    inside = sorted(file for file in path.rglob("*") if file.is_file())
    return {str(file.relative_to(path.parent)): file.read_bytes() for file in inside}


def lay(files: Files, folder: Path) -> Path:
    """Write the files into an empty folder; returns the file, or the folder that holds them all."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / Path(min(files)).parts[0]


def _changed(content: bytes, chance: Random, donor: bytes) -> bytes:
    while (found := chance.choice(chance.choice((BYTES, TEXTUAL, INNER, INNER)))(content, chance, donor)) is None:
        pass  # a change of bytes can always be made
    return found


def _place(content: bytes, chance: Random) -> int:
    """Anywhere, or more often than that near the start, where headers are."""
    end = len(content) if chance.random() < 0.5 else min(len(content), chance.choice((64, 512, 4096)))
    return chance.randrange(end) if end else 0


def _flip(content: bytes, chance: Random, donor: bytes) -> bytes:
    flipped = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 8))):
        if flipped:
            flipped[_place(content, chance)] ^= chance.choice((1, 2, 4, 16, 128, 255, chance.randrange(1, 256)))
    return bytes(flipped)


def _cut(content: bytes, chance: Random, donor: bytes) -> bytes:
    return content[: _place(content, chance)]


def _insert(content: bytes, chance: Random, donor: bytes) -> bytes:
    place, length = _place(content, chance), chance.choice((1, 2, 8, 100, 5000))
    piece = chance.choice((bytes(length), chance.randbytes(length), b"\xff" * length, content[place : place + length]))
    return content[:place] + piece + content[place:]


def _delete(content: bytes, chance: Random, donor: bytes) -> bytes:
    place = _place(content, chance)
    return content[:place] + content[place + chance.choice((1, 2, 4, 8, 100)) :]


def _splice(content: bytes, chance: Random, donor: bytes) -> bytes:
    place = _place(content, chance)
    return content[:place] + donor[place if chance.random() < 0.7 else _place(donor, chance) :]


def _extreme(content: bytes, chance: Random, donor: bytes) -> bytes:
    size, order = chance.choice((1, 2, 4, 8)), chance.choice("<>")
    if size > 2 and chance.random() < 0.25:
        value = struct.pack(order + "fd"[size == 8], chance.choice(FLOATS[:3] if size == 4 else FLOATS))
    else:
        number = chance.choice(EXTREMES) % 2 ** (8 * size)
        value = number.to_bytes(size, "little" if order == "<" else "big")
    place = _place(content, chance)
    place -= place % size if chance.random() < 0.7 else 0
    return content[:place] + value + content[place + size :]


def _number(content: bytes, chance: Random, donor: bytes) -> bytes | None:
    return _replaced(NUMBER, content, chance)


def _word(content: bytes, chance: Random, donor: bytes) -> bytes | None:
    return _replaced(WORD, content, chance)


def _replaced(pattern: re.Pattern[bytes], content: bytes, chance: Random) -> bytes | None:
    """One match within the texts of a file replaced; by half of the chances what follows keeps its place."""
    texts = list(TEXT.finditer(content, 0, 2**16))
    if not texts:
        return None
    run = chance.choice(texts)
    found = list(pattern.finditer(run[0]))
    if not found:
        return None
    match = chance.choice(found)
    new = chance.choice((*TEXTS, chance.choice(found)[0].decode("ascii"))).encode()
    rest, grown = run[0][match.end() :], len(new) - (match.end() - match.start())
    if chance.random() < 0.5:
        if grown <= 0:
            new += b" " * -grown
        elif (spaces := rest.find(b" " * (grown + 1))) >= 0:
            rest = rest[:spaces] + rest[spaces + grown :]
    return content[: run.start()] + run[0][: match.start()] + new + rest + content[run.end() :]


def _lines(content: bytes, chance: Random, donor: bytes) -> bytes | None:
    """A line, or an element of JSON, XML or a list, dropped, doubled, or put in the place of another."""
    if content.count(0, 0, 2**16):
        return None
    parts = re.split(rb"(\n|,|(?<=>)(?=<))", content)
    if len(parts) < 3:
        return None
    here, there = (2 * chance.randrange(len(parts) // 2 + 1) for _ in range(2))
    match chance.randrange(3):
        case 0:
            del parts[here : here + 2]
        case 1:
            parts[here:here] = parts[here : here + 2] * chance.choice((1, 2, 1000))
        case _:
            parts[here], parts[there] = parts[there], parts[here]
    return b"".join(parts)


def _keys(content: bytes, chance: Random, donor: bytes) -> bytes | None:
    """The values of two lines or elements of ``key = value`` or ``key: value`` swapped."""
    if content.count(0, 0, 2**16):
        return None
    found = list(re.finditer(rb"[=:]\s*([^=:,\n{}\[\]<>]+)", content))
    if len(found) < 2:
        return None
    one, other = sorted(chance.sample(found, 2), key=lambda match: match.start())
    between = content[one.end(1) : other.start(1)]
    return content[: one.start(1)] + other[1] + between + one[1] + content[other.end(1) :]


def _zip_member(content: bytes, chance: Random, donor: bytes) -> bytes | None:
    """A member of an archive damaged, or called otherwise, under a right checksum."""
    if not content.startswith(b"PK\3\4"):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    except Exception:  # damaged before
        return None
    if not members:
        return None
    place = chance.randrange(len(members))
    name, inside = members[place]
    if chance.random() < 0.15:
        name = chance.choice((*(member for member, _ in members), "../out.npy", "", name.removesuffix(".npy"), "é.npy"))
    else:
        inside = chance.choice((*BYTES, *TEXTUAL))(inside, chance, members[0][1]) or inside
    members[place] = (name, inside)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for name, inside in dict(members).items():
            archive.writestr(zipfile.ZipInfo(name), inside)
    return buffer.getvalue()


def _mat_element(content: bytes, chance: Random, donor: bytes) -> bytes | None:
    """A compressed variable of a MATLAB file damaged under a right checksum."""
    if not content.startswith(b"MATLAB 5.0"):
        return None
    elements, place = [], 128
    while place + 8 <= len(content):
        kind, size = struct.unpack_from("<II", content, place)
        elements += [(place, size)] if kind == 15 else []
        place += 8 + size
    if not elements:
        return None
    place, size = chance.choice(elements)
    try:
        inside = zlib.decompress(content[place + 8 : place + 8 + size])
    except zlib.error:
        return None
    packed = zlib.compress(chance.choice((*BYTES, *TEXTUAL))(inside, chance, inside) or inside)
    return content[:place] + struct.pack("<II", 15, len(packed)) + packed + content[place + 8 + size :]


BYTES: tuple[Change, ...] = (_flip, _flip, _cut, _insert, _delete, _splice, _extreme, _extreme, _extreme)
TEXTUAL: tuple[Change, ...] = (_number, _number, _word, _lines, _keys)
INNER: tuple[Change, ...] = (_zip_member, _mat_element, structures.changed)

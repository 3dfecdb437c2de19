"""Hostile runs, as in test_hostile_scenes: what a run says that it has measured, and where `compare` writes."""

import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import KEPT, LONG, METRICS, RUN, Payload, answers, hostile, instead, watched

from hsi import files
from hsi.comparison.groups import NEEDED, OPTIONAL
from hsi.config.build import check_value
from hsi.errors import HsiError
from hsi.splits.roles import Split


@pytest.fixture
def commands(tmp_path, monkeypatch, capfd, caplog):
    return hostile(tmp_path, monkeypatch, capfd, caplog)


def metrics(**changes) -> Callable[[], None]:
    def attack() -> None:
        METRICS.write_text(json.dumps(json.loads(METRICS.read_text()) | changes))

    return attack


def array(name: str, make: Callable[[np.ndarray], np.ndarray]) -> Callable[[], None]:
    return lambda: np.save(RUN / name, make(np.load(RUN / name)), allow_pickle=True)


def header(name: str, content: str) -> Callable[[], None]:
    """A .npy file whose header says what it likes."""
    head = content.encode()
    return lambda: (RUN / name).write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + b"\0" * 64)


def split(**arrays) -> Callable[[], None]:
    def attack() -> None:
        with np.load(RUN / "split.npz") as saved:
            kept = dict(saved)
        kept |= arrays
        kept["hash"] = np.array(Split(kept["role"], kept["region"] if kept["region"].size else None).hash)
        np.savez(RUN / "split.npz", **kept)

    return attack


ROLE = np.load(KEPT / "network" / "split.npz")["role"]
OBJECTS = np.array([[Payload()]], dtype=object)

# what verify says, and whether the loader opens it all the same
MEASURED = {
    "a map of pickles": (array("map.npy", lambda _: OBJECTS), "map.npy is damaged"),
    "a map of words": (array("map.npy", lambda map_: map_.astype(str)), "map.npy holds no numbers"),
    "a map of fractions": (array("map.npy", lambda map_: map_ * 0.5), "holds no map"),
    "a map of cubes": (array("map.npy", lambda map_: map_[..., None]), "holds no map"),
    "a map of nothing": (array("map.npy", lambda map_: map_[:0]), "map.npy"),
    "a class 0": (array("map.npy", lambda map_: map_ * 0), "holds no map"),
    "a class that there is not": (array("map.npy", lambda map_: map_ + 50), "map.npy has the class 5"),
    "a class without end": (array("map.npy", lambda map_: map_.astype(np.int64) + 2**60), "map.npy has the class 115"),
    "a map of another size": (array("map.npy", lambda map_: map_[1:]), "differ in size"),
    "a map without end": (
        header("map.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': (1000000, 1000000)}"),
        "map.npy is damaged",
    ),
    "a map of a negative size": (
        header("map.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 5)}"),
        "map.npy is damaged",
    ),
    "a header that calls": (header("map.npy", "__import__('os').system('touch x')"), "map.npy is damaged"),
    "a header that is cut": (header("map.npy", "{'descr': ("), "map.npy is damaged"),
    "a map that is an archive": (lambda: shutil.copy(RUN / "split.npz", RUN / "map.npy"), "map.npy is an archive"),
    "a map that is a pipe": (instead(RUN / "map.npy", os.mkfifo), "map.npy"),
    "a map that is a device": (instead(RUN / "map.npy", lambda path: path.symlink_to("/dev/zero")), "map.npy"),
    "confidence of pickles": (array("confidence.npy", lambda _: OBJECTS), "confidence.npy is damaged"),
    "confidence that is none": (array("confidence.npy", lambda values: values * np.nan), "holds no confidence"),
    "confidence beyond one": (array("confidence.npy", lambda values: values * 100), "holds no confidence"),
    "confidence in words": (
        array("confidence.npy", lambda values: values.astype(str)),
        "confidence.npy holds no numbers",
    ),
    "a split of pickles": (lambda: np.savez(RUN / "split.npz", role=OBJECTS, region=OBJECTS, hash="x"), "split.npz"),
    "a split that is no archive": (lambda: (RUN / "split.npz").write_bytes(b"PK\x03\x04" + b"x" * 99), "split.npz"),
    "a split of words": (split(role=ROLE.astype(str)), "holds no roles"),
    "roles that there are not": (split(role=ROLE + 100), "holds no roles"),
    "roles of another size": (split(role=ROLE[1:]), "differ in size"),
    "regions of another size": (split(region=ROLE[1:]), "holds no roles"),
    "no training pixels": (split(role=np.where(ROLE == 1, 0, ROLE).astype(np.uint8)), "no training or no test"),
    "no test pixels": (split(role=np.where(ROLE == 3, 0, ROLE).astype(np.uint8)), "no training or no test"),
    "a table of bytes": (lambda: (RUN / "confusion.csv").write_bytes(b"\xff\0\x1b" * 100), "confusion.csv"),
    "an empty table": (lambda: (RUN / "confusion.csv").write_bytes(b""), "confusion.csv"),
    "a table that is a device": (
        instead(RUN / "confusion.csv", lambda path: path.symlink_to("/dev/zero")),
        "confusion.csv",
    ),
    "a checksum of a device": (metrics(files={"/dev/zero": "sha256:0"}), "/dev/zero is no file of a run"),
    "a checksum of a pipe": (
        lambda: (os.mkfifo(RUN / "pipe"), metrics(files={"pipe": "x"})()),
        "pipe is no file of a run",
    ),
    "a checksum of a file elsewhere": (metrics(files={"../cube.npy": "x"}), "../cube.npy is no file of a run"),
    "a checksum of a long name": (metrics(files={LONG: "x"}), "... is no file of a run"),
    "a checksum of a zero byte": (metrics(files={"a\0b": "x"}), "a b is no file of a run"),
    "a checksum of a folder": (metrics(files={"..": "x", "": "x"}), ".. is no file of a run"),
    "a large window": (
        metrics(leakage={"window": 10**9 + 1, "context": "own"}),
        "leakage.window: 1000000001 written, 9 found",
    ),
    "a window in words": (metrics(leakage={"window": "9", "context": "own"}), "leakage.mean_overlap: nothing written"),
    "another context": (metrics(leakage={"window": 9, "context": LONG}), "leakage.context: xxx"),
    "no leakage": (metrics(leakage=[]), "metrics.json, environment.json or .hydra/config.yaml is damaged"),
    "a configuration that nests": (
        lambda: METRICS.write_text('{"config": ' + '{"a": ' * 200 + "1" + "}" * 201),
        "nests its values",
    ),
    "metrics that are a pipe": (instead(METRICS, os.mkfifo), "metrics.json"),
    "metrics that are a device": (instead(METRICS, lambda path: path.symlink_to("/dev/zero")), "metrics.json"),
    "metrics that are a list": (lambda: METRICS.write_text("[]"), "no JSON object"),
    "metrics that are a folder": (instead(METRICS, Path.mkdir), "metrics.json"),
}


@pytest.mark.parametrize("name", MEASURED)
def test_measures_that_are_none_are_named(commands, name):
    attack, reason = MEASURED[name]
    attack()
    found = answers(commands, "verify", "compare", "loader")
    status, told = found["verify"]
    assert status in (1, 2)
    assert reason in " ".join(told.split())
    assert len(told) < 10_000


def test_a_split_that_unpacks_to_more_than_any_is_not_read(commands, monkeypatch):
    monkeypatch.setattr(files, "LARGEST_ARCHIVE", 2**20)
    np.savez_compressed(RUN / "split.npz", role=np.zeros((2**10, 2**10), np.uint8), region=ROLE, hash="x")
    assert (RUN / "split.npz").stat().st_size < 2**15
    assert "more than any run writes" in answers(commands, "verify")["verify"][1]


JUDGED = ("oa", "aa", "kappa", "per_class", "leakage", "calibration", "data", "config", "config_hash", "scene_hash")


@pytest.mark.parametrize("value", [None, "x", -1, 1e308, [[1]], {}, np.nan, 10**400])
def test_metrics_of_other_types_are_named(commands, value):
    """Each key of metrics.json in turn."""
    whole = json.loads(METRICS.read_text())
    for key in JUDGED:
        METRICS.write_text(json.dumps(whole | {key: value}))
        assert answers(commands, "verify")["verify"][0] in (1, 2), key
    for key, hint in (NEEDED | OPTIONAL).items():
        METRICS.write_text(json.dumps(whole | {key.partition(".")[0]: value}))
        fits = True
        try:
            check_value(hint, value, key)
        except HsiError:
            fits = False
        if key != "split_hash":  # any word fits there, but not the split
            assert answers(commands, "compare")["compare"][0] == (0 if fits and "." not in key else 2), key


def test_names_of_settings_are_drawn_as_they_stand(commands):
    whole = json.loads(METRICS.read_text())
    other = whole | {"choices": whole["choices"] | {"model": r"$\frac{$" + "x" * 150}, "seed": 9, "split_hash": "0"}
    other["config"] = whole["config"] | {"more": "\x1b[31m$" + LONG, "a\nb": {"$": LONG}}
    Path("other").mkdir()
    Path("other/metrics.json").write_text(json.dumps(other))
    with watched():
        status, told = commands.compare("network", "other", "--out", "compared")
    assert status == 0, told
    assert "\x1b" not in told
    assert len(told) < 30_000


@pytest.mark.parametrize("content", [OBJECTS, np.ones((2, 2)), np.full((24, 24, 3), "x")])
def test_votes_of_what_are_no_probabilities(commands, content):
    """Two runs that share a split vote; one of them is hostile."""
    shutil.copytree("network", "other")
    other = json.loads(METRICS.read_text())
    other["config"]["seed"] = other["seed"] = 2
    Path("other/metrics.json").write_text(json.dumps(other))
    np.save("other/probabilities.npy", content, allow_pickle=True)
    with watched():
        status, told = commands.compare("network", "other", "--out", "compared")
    assert status == 2
    assert "other/probabilities.npy" in told


@pytest.mark.parametrize("name", ["summary.csv", ".summary.csv.part", ".settings.png.part", ".comparison.md.part"])
def test_nothing_is_written_through_a_link(commands, tmp_path, name):
    """`compare` writes its tables into the folder of the run, where a link may lie in wait."""
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    (RUN / name).symlink_to(mine)
    status, told = answers(commands, "compare")["compare"]
    assert status == 0, told
    assert mine.read_text() == "mine"
    assert files.is_file(RUN / "summary.csv")
    assert not (RUN / "summary.csv").is_symlink()

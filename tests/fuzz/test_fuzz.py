"""Some damaged files of every reader: each is read, or refused in a sentence. `python -m tests.fuzz` reads more."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hsi.errors import HsiError

from . import cases
from .cases import make_seeds, read_case
from .every import TARGETS
from .targets import Target

CASES = 5  # of a target; `make fuzz` reads thousands


@pytest.fixture(scope="module", params=TARGETS, ids=lambda target: target.name)
def target(request):
    return request.param


@pytest.fixture(scope="module")
def folder(target, tmp_path_factory):
    return tmp_path_factory.mktemp(target.name)


@pytest.fixture(scope="module")
def seeds(target, folder):
    return make_seeds(target, folder / "seeds")


def test_what_is_whole_is_read(target, seeds, folder):
    for path in target.seeds(folder):
        target.read(path)


@settings(
    max_examples=CASES,
    derandomize=True,
    phases=[Phase.generate],  # a smaller number is no simpler case
    suppress_health_check=[HealthCheck.too_slow],
)
@given(number=st.integers(0, 2**32))
def test_damage_is_read_or_told_in_a_sentence(target, seeds, folder, number):
    result = read_case(target, seeds, number, folder / "case")
    assert result.kind in ("read", "sentence"), f"{target.name}:{number}\n{result.said}"


LITTLE = 32 * 2**20  # bytes


def refuse(path):
    raise HsiError(f"{path} is refused.")


def quote(path):
    raise HsiError("a sentence\nof two lines")


def run_short_of_memory(path):
    try:
        raise MemoryError
    except MemoryError as error:
        raise HsiError(f"{path} holds more than fits into memory.") from error


READERS = {
    "read": lambda path: path.read_bytes(),
    "sentence": refuse,
    "over the cap": run_short_of_memory,
    "over the cap, and found out by its peak": lambda path: np.ones(2 * LITTLE, np.uint8),
    "traceback": lambda path: {}["key"],
    "traceback of two lines": quote,
    "executed": lambda path: subprocess.run([sys.executable, "--version"], capture_output=True),
    "executed, that is written beside its folder": lambda path: Path(path.parents[1] / "out").write_text("any"),
}


@pytest.mark.parametrize("kind", READERS)
def test_faults_of_readers_are_found(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(cases, "CAP", LITTLE)
    target = Target("any", lambda folder: [], READERS[kind])
    result = read_case(target, [{"a": b"content"}], 0, tmp_path / "case")
    assert kind.startswith(result.kind), result.said

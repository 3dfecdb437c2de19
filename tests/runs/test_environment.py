"""What a run says of where it was made: held against what the system and git themselves say."""

import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest
import torch

from hsi.runs import environment as record
from hsi.version import __version__

GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main"]


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A checkout of its own, in whose place the package seems to lie."""
    monkeypatch.setattr(record, "__file__", str(tmp_path / "hsi" / "runs" / "environment.py"))
    return tmp_path


def git(folder, *words):
    return subprocess.run([*GIT, "-C", str(folder), *words], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here")
def test_a_checkout_is_named_by_its_commit_and_what_was_changed_since(source):
    git(source, "init")
    assert record.code_version() == {"version": __version__, "commit": None, "dirty": None}  # no commit yet
    (source / "file").write_text("a")
    git(source, "add", "file")
    git(source, "commit", "-m", "first")
    commit = git(source, "rev-parse", "HEAD")
    assert record.code_version() == {"version": __version__, "commit": commit, "dirty": False}
    (source / "notes").write_text("not of the code")
    assert record.code_version()["dirty"] is False
    (source / "file").write_text("b")
    assert record.code_version() == {"version": __version__, "commit": commit, "dirty": True}


def test_an_installed_package_has_its_version_alone(source, monkeypatch):
    """Without a checkout nobody is asked; without git there is no answer."""
    asked = []

    def missing(*given, **_):
        asked.append(given)
        raise FileNotFoundError("git")

    monkeypatch.setattr(record.subprocess, "run", missing)
    alone = {"version": __version__, "commit": None, "dirty": None}
    assert record.code_version() == alone
    assert not asked
    (source / ".git").mkdir()
    assert record.code_version() == alone
    assert asked


def test_the_processor_is_named_as_the_system_names_it(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    kept = Path.exists
    text = "processor\t: 0\nmodel name\t: A quick one: 3 GHz\nmodel name\t: another\n"
    monkeypatch.setattr(Path, "read_text", lambda path, *_: {"/proc/cpuinfo": text}[str(path)])
    monkeypatch.setattr(Path, "exists", lambda path: str(path) == "/proc/cpuinfo" or kept(path))
    assert record.processor() == "A quick one: 3 GHz, 6 cores"
    monkeypatch.setattr(platform, "processor", lambda: "some other")
    monkeypatch.setattr(Path, "exists", lambda path: False)
    assert record.processor() == "some other, 6 cores"


def test_a_run_says_all_that_a_reader_needs_to_judge_whether_it_should_repeat():
    assert record.environment("a card", "bf16", ["seed=1", "model=svm"]) == {
        "hsi": __version__,
        "code": record.code_version(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": record.processor(),
        "packages": {name: version(name) for name in record.RECORDED_PACKAGES},
        "device": "a card",
        "threads": torch.get_num_threads(),
        "precision": "bf16",
        "command": ["python", "-m", "hsi.run", "seed=1", "model=svm"],
    }

"""The first second of a command: locales without signs, too little room, signals while the libraries load."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

ASCII = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def command(*words: str, folder: Path, limit: int | None = None, **variables: str) -> subprocess.Popen[str]:
    def restrict() -> None:
        import resource

        signal.signal(signal.SIGINT, signal.SIG_DFL)  # which tests that were started in the background ignore
        if limit:
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    return subprocess.Popen(
        [sys.executable, "-m", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | variables,
        preexec_fn=restrict,
    )


@pytest.mark.parametrize("name", ["hsi.run", "hsi.predict", "hsi.compare", "hsi.models"])
def test_too_little_address_space_gets_one_sentence(tmp_path, name):
    process = command(name, folder=tmp_path, limit=900_000_000)
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert told.count("Error: ") == 1
    assert "this process may take 0.9 GB of address space" in told
    assert "Traceback" not in told


@pytest.mark.parametrize(("number", "word", "status"), [("SIGINT", "Interrupted", 130), ("SIGTERM", "Terminated", 143)])
def test_a_signal_ends_a_command_that_still_loads(tmp_path, number, word, status):
    process = command("hsi.run", "scene=synthetic", folder=tmp_path)
    assert "loading libraries" in process.stdout.readline()
    time.sleep(0.3)
    process.send_signal(getattr(signal, number))
    told, _ = process.communicate(timeout=60)
    assert process.returncode == status
    assert told == f"\n{word}.\n"


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_a_signal_among_what_libraries_tidy_up_changes_nothing(tmp_path, number):
    """All is done by then: no status but 0, no word of an exception in a callback."""
    program = (
        "import atexit, os, signal; from hsi.cli.start import prepare; from hsi.cli.telling import telling; prepare()"
    )
    program += f"; atexit.register(os.kill, os.getpid(), signal.{number})"
    process = command("timeit", "-n1", "-r1", "-s", program, "with telling(): pass", folder=tmp_path)
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Exception ignored" not in told
    assert "Traceback" not in told


def test_a_locale_without_signs_changes_no_file_and_stops_no_line(tmp_path):
    """Names with umlauts in an ASCII terminal: every line is written, and every file is UTF-8."""
    folder = tmp_path / "Größe"
    folder.mkdir()
    generator = np.random.default_rng(0)
    np.save(folder / "cube.npy", generator.integers(1, 5000, (20, 21, 30)).astype(np.uint16))
    np.save(folder / "labels.npy", 1 + np.arange(20 * 21).reshape(20, 21) // 250)
    words = ["scene=custom", "scene.cube=cube.npy", "scene.labels=labels.npy", "model=svm", "hydra.run.dir=here"]
    words += ['scene.classes=["Gräser","Wald"]', 'scene.name="Größe"']
    process = command("hsi", "run", *words, folder=folder, **ASCII)
    told, _ = process.communicate(timeout=120)
    assert process.returncode == 0, told
    assert told.isascii()
    assert "Gr\\xe4ser" in told
    assert "/Gr\\xf6\\xdfe/here/map.png\n" in told
    assert "Scene Größe" in (folder / "here" / "run.log").read_text(encoding="utf-8")
    assert list(json.loads((folder / "here" / "metrics.json").read_bytes())["per_class"]) == ["Gräser", "Wald"]
    assert (folder / "here" / "confusion.csv").read_text(encoding="utf-8").startswith(",Gräser,Wald")

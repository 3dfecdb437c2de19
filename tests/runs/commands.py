"""Commands on the kept runs of ee5a441, in this process, and an eye on what they should never do."""

import pickle
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from hsi import compare, predict, verify
from hsi.cli import main as cli
from hsi.errors import HsiError
from hsi.runs.opened import open_run

KEPT = ROOT / "tests" / "runs" / "of_ee5a441"
RUN = Path("network")
CONFIG, BUNDLE, METRICS, WEIGHTS = (
    RUN / name for name in (".hydra/config.yaml", "bundle.json", "metrics.json", "model.safetensors")
)
MARK = Path("the pickle has run")
LONG = "x" * 5000
NAMES = ("network", "baseline", "calibrated", "spectra", "spectra_2")
FORBIDDEN = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect", "pickle.find_class")
TRACEBACK = "Traceback (most recent call last)"
SECONDS = 30  # far more than any command takes

_seen: list[str] | None = None


def _listen(event: str, arguments: tuple[object, ...]) -> None:
    if _seen is not None and event in FORBIDDEN and arguments[0] != "uname":  # which libraries ask once
        _seen.append(f"{event}{arguments}")


sys.addaudithook(_listen)  # there is no way to take it off again, so it looks away where nobody watches


@contextmanager
def watched() -> Iterator[None]:
    """Fails where a process is started, the network used, something unpickled, or where nothing comes to an end."""
    global _seen

    def stop(*_: object) -> None:
        raise BaseException(f"it did not end within {SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    _seen = seen = []
    try:
        yield
    finally:
        _seen = None
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert not seen, seen


def keep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Copies of kept runs, and the scene that they name, in an empty current directory."""
    for name in names:
        shutil.copytree(KEPT / name, tmp_path / name)
    for name in ("cube.npy", "labels.npy"):
        shutil.copy(KEPT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)


class Commands:
    """The four ways to open the run in the folder ``network``, each in this process: (exit status, what it tells)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], caplog) -> None:
        self.monkeypatch, self.capfd, self.caplog = monkeypatch, capfd, caplog
        caplog.set_level("INFO")

    def predict(self, run: str = "network", *words: str) -> tuple[int, str]:
        scene = ["scene.cube=cube.npy", "scene.labels=null", "hydra.run.dir=there", "device=cpu"]
        return self._call(lambda: cli.main(predict.predict, "predict"), f"run={run}", *scene, *words)

    def verify(self, run: str = "network", *words: str) -> tuple[int, str]:
        return self._call(verify.main, run, *words)

    def compare(self, *words: str) -> tuple[int, str]:
        return self._call(compare.main, *(words or ["network"]))

    def loader(self, run: str = "network") -> tuple[int, str]:
        try:
            open_run(run).load_scene()
        except HsiError as error:
            return 2, str(error)
        return 0, ""

    def _call(self, main, *words: str) -> tuple[int, str]:
        self.monkeypatch.setattr(sys, "argv", ["hsi", *words])
        self.caplog.clear()
        self.capfd.readouterr()
        status = 0
        try:
            main()
        except SystemExit as leaving:
            status = int(leaving.code or 0)
        return status, "\n".join((*self.capfd.readouterr(), *self.caplog.messages))


class Payload:
    """Touches a file when it is unpickled."""

    def __reduce__(self):
        return Path.touch, (MARK,)


def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *captured) -> Commands:
    """Commands on a copy of the kept run ``network``, in whose folder pickles lie."""
    keep(tmp_path, monkeypatch, "network")
    (RUN / "evil.pkl").write_bytes(pickle.dumps(Payload()))
    np.save(RUN / "evil.npy", np.array([Payload()], dtype=object), allow_pickle=True)
    return Commands(monkeypatch, *captured)


def answers(commands: Commands, *ways: str) -> dict[str, tuple[int, str]]:
    """What the ways to open the run say, and that nothing else happened."""
    with watched():
        found = {way: getattr(commands, way)() for way in ways}
    assert not MARK.exists()
    for way, (status, told) in found.items():
        assert status in (0, 1, 2), way
        assert TRACEBACK not in told, way
        if status == 2:
            (sentence,) = [line for line in told.splitlines() if line.startswith("Error: ")] or [told]
            assert len(sentence) < 1000, way
    return found


def instead(path: Path, make: Callable[[Path], object]) -> Callable[[], None]:
    """Something else in place of a file."""

    def attack() -> None:
        path.unlink(missing_ok=True)
        make(path)

    return attack

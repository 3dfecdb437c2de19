"""Members side by side: no more threads than cores, the same files, and a killed one goes on where it was."""

import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from conftest import ROOT, TRIAL
from omegaconf import OmegaConf

from hsi import files
from hsi.config import words
from hsi.config.shipped import CONF
from hsi.errors import NotInstalled
from hsi.sweeps.threads import Threads, side_by_side

STEPS = [word.replace("steps=4", "steps=20") for word in TRIAL] + ["train.checkpoint_seconds=0"]


def launcher(kind: str, **keys: object) -> dict[str, object]:
    return {"_target_": f"hydra_plugins.some.{kind}", **keys}


def config(kind: str, members: int, **keys: object):
    sweeper = {"_target_": "hydra._internal.core_plugins.basic_sweeper.BasicSweeper", "params": None}
    task = {"task": [f"seed=range({members})"]}
    return OmegaConf.create({"hydra": {"sweeper": sweeper, "overrides": task, "launcher": launcher(kind, **keys)}})


@pytest.mark.parametrize("cores", [1, 2, 3, 16])
@pytest.mark.parametrize("members", [1, 2, 5, 100])
@pytest.mark.parametrize(("kind", "keys"), [("JoblibLauncher", {"n_jobs": -1}), ("LocalLauncher", {})])
def test_members_at_a_time_use_the_cores_and_no_more(monkeypatch, cores, members, kind, keys):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("hsi.sweeps.threads.cpu_count", lambda: cores)
    together = side_by_side(launcher(kind, **keys), members, cores)
    shared = Threads()
    shared.on_multirun_start(config(kind, members, **keys))
    assert together == min(cores, members)
    assert cores - together < together * shared.threads <= cores


def test_a_limit_from_outside_is_kept_and_other_launchers_are_left_alone(monkeypatch):
    monkeypatch.setattr("hsi.sweeps.threads.cpu_count", lambda: 16)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    found = {}
    for kind, keys in (("JoblibLauncher", {"n_jobs": 2}), ("BasicLauncher", {}), ("SlurmLauncher", {})):
        shared = Threads()
        shared.on_multirun_start(config(kind, 4, **keys))
        found[kind] = shared.threads
    assert found == {"JoblibLauncher": 3, "BasicLauncher": None, "SlurmLauncher": None}


def test_a_job_of_slurm_uses_the_cores_that_it_was_given(monkeypatch):
    before = torch.get_num_threads()
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", str(before + 1))
    try:
        Threads().on_job_start(config("SlurmLauncher", 1))
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


def test_a_launcher_that_is_not_installed_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr(words, "find_spec", lambda name: None)
    for path in (CONF / "hydra" / "launcher").glob("*.yaml"):
        with pytest.raises(NotInstalled, match=r"\.\[cluster\]"):
            words.require_words([f"hydra/launcher={path.stem}"], "config")
    words.require_words(["hydra/launcher=basic"], "config")


@pytest.mark.long
def test_a_killed_member_is_named_and_goes_on_to_the_same_bytes(tmp_path, hsi_run):
    """What joblib began goes on without it; the member that was killed, against one that ran by itself."""
    sweep = ["-m", *STEPS, "seed=0,1", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    process = start(tmp_path, *sweep)
    while not (checkpoints := [*tmp_path.rglob("checkpoint.safetensors")]):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    folder = checkpoints[0].parent
    os.kill(holder(folder / ".lock"), signal.SIGKILL)
    said, _ = process.communicate()
    assert process.returncode == 1
    assert "Traceback" not in said
    assert "its process ended before it was done" in said
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        again = hsi_run(*sweep[:-2])
        assert again.status == 0, again.err
        seed = files.read_json(folder / "metrics.json")["seed"]
        assert hsi_run(*STEPS, f"seed={seed}", "hydra.run.dir=alone").status == 0
    finally:
        torch.set_num_threads(before)
    assert "Resuming from step" in (folder / "run.log").read_text()
    for name in ("map.npy", "confidence.npy", "model.safetensors", "history.csv", "split.npz", "confusion.csv"):
        assert (folder / name).read_bytes() == (tmp_path / "alone" / name).read_bytes(), name
    figures = [files.read_json(each / "metrics.json") for each in (folder, tmp_path / "alone")]
    assert figures[0]["threads"] == figures[1]["threads"] == 1
    assert all(figures[0][key] == figures[1][key] for key in figures[0] if key not in ("seconds", "files"))


def start(folder: Path, *told: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "hsi.run", *told]
    out = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, cwd=folder, env=environment, text=True, **out)


def holder(lock: Path) -> int:
    """The process that has a file open."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(os.readlink(link) == str(lock) for link in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:
            continue
    raise AssertionError(f"nobody holds {lock}")


def test_the_shipped_options_know_no_key_that_their_launchers_do_not():
    if not find_spec("hydra_plugins"):
        pytest.skip("the extra cluster is not installed")
    from hydra_plugins.hydra_submitit_launcher.config import LocalQueueConf, SlurmQueueConf

    for name, known in (("submitit_local", LocalQueueConf), ("submitit_slurm", SlurmQueueConf)):
        ours = OmegaConf.to_container(OmegaConf.load(CONF / "hydra" / "launcher" / f"{name}.yaml"))
        assert ours.keys() <= OmegaConf.structured(known).keys()

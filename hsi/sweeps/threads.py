"""How many threads a member of a sweep computes with, so that those side by side do not stand in each other's way."""

import os
import tempfile
from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock, Timeout
from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from joblib import cpu_count
from omegaconf import DictConfig

from hsi.sweeps.count import count_members

PATIENCE = 0.2  # s of waiting for one place before another is tried
FROM_OUTSIDE = "OMP_NUM_THREADS"  # a limit that the user has set


class Threads(Callback):
    """Shares out the cores of a machine among the members that a launcher runs on it at a time.

    `submitit_local` starts all at once: there each waits until one of as many places as there are cores is free.
    """

    def __init__(self) -> None:
        self.threads: int | None = None  # of each member; None: as many as ever
        self.places: list[Path] = []
        self._place: FileLock | None = None

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Share out, where the sweep is launched."""
        cores = cpu_count()
        together = side_by_side(config.hydra.launcher, count_members(config), cores)
        if together is not None:
            limit = os.environ.get(FROM_OUTSIDE, "")
            self.threads = min(max(1, cores // together), int(limit) if limit.isdecimal() and int(limit) else cores)
        if _kind(config.hydra.launcher) == "LocalLauncher":
            token = uuid4().hex
            self.places = [Path(tempfile.gettempdir(), f"hsi_{token}_{number}.lock") for number in range(cores)]

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Keep to the share, where a member is computed."""
        given = os.environ.get("SLURM_CPUS_PER_TASK") if _kind(config.hydra.launcher) == "SlurmLauncher" else None
        threads = int(given) if given else self.threads
        if threads is not None:
            limit_threads(threads)
        for path in cycle(self.places):
            try:
                self._place = FileLock(path)
                self._place.acquire(PATIENCE)
                break
            except Timeout:
                continue

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        """Leave the place to another."""
        if self._place:
            self._place.release()
            Path(self._place.lock_file).unlink(missing_ok=True)


def side_by_side(launcher: Mapping[str, Any], members: int | None, cores: int) -> int | None:
    """How many members a launcher runs at a time on this machine; None where it is one, or where they run elsewhere."""
    kind = _kind(launcher)
    if kind == "JoblibLauncher":
        jobs = int(launcher["n_jobs"])
        most = jobs if jobs > 0 else max(1, cores + 1 + jobs)
    elif kind == "LocalLauncher":
        most = cores
    else:
        return None
    return most if members is None else min(most, members)


def limit_threads(number: int) -> None:
    """Let torch, and what scikit-learn and NumPy compute with, use so many threads in this process from now on."""
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(number)
    threadpool_limits(number)


def _kind(launcher: Mapping[str, Any]) -> str:
    return str(launcher["_target_"]).rpartition(".")[2]

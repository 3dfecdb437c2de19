"""A cluster of one node: munged, slurmctld and slurmd as processes of ours, by a configuration of ours."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
COMMANDS = ("sbatch", "srun", "squeue", "sinfo")
PLUGINS = (
    "disabled",
    "cgroup/v1",
    "cgroup/v2",
)  # the first came with Slurm 23; of the others one is that of the machine
PATIENCE = 60.0  # s
CONF = """\
ClusterName=hsi
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdTimeout=10
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> list[str]:
    """The programs that are not here; Debian has them in slurm-wlm and munge."""
    return [name for name in (*DAEMONS, *COMMANDS) if not _program(name)]


class Cluster:
    """A running cluster; `environment` is what its commands, and those that send jobs, need."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cores = folder, os.cpu_count() or 1
        self.environment = os.environ | {"SLURM_CONF": str(folder / "slurm.conf")}
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start the daemons and wait for the node. Raises SystemExit with what they said."""
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(1024))
        values = {"host": socket.gethostname().partition(".")[0], "user": _user(), "folder": self.folder}
        (self.folder / "slurm.conf").write_text(CONF.format(**values, ports=_ports(2), cores=self.cores))
        own = [f"--{word}-file={self.folder}/munge.{word}" for word in ("key", "pid", "log", "seed")]
        self._start("munged", "--foreground", "--force", f"--socket={self.folder}/munge.socket", *own)
        time.sleep(1)  # slurmctld gives up where there is no munged yet
        self._start("slurmctld", "-D")
        for plugin in PLUGINS:
            (self.folder / "cgroup.conf").write_text(f"CgroupPlugin={plugin}\n")
            self.start_node()
            if self._ready():
                return
        raise SystemExit(f"no node of Slurm can be started here:\n{self._said('slurmctld')}\n{self._said('slurmd')}")

    def stop(self) -> None:
        """End jobs and daemons."""
        self.lose_node()
        for name in reversed(self._daemons):
            self._daemons[name].terminate()
            self._daemons[name].wait()

    def jobs(self) -> list[str]:
        """The jobs that wait or run."""
        return self._ask("squeue", "--noheader", "--format=%i").split()

    def members(self) -> list[int]:
        """The processes of jobs that compute, the oldest first."""
        return sorted(process for process in self._of_jobs() if b"submitit.core._submit" in _read(process, "cmdline"))

    def lose_node(self) -> None:
        """Kill all that runs on the node at once, as if its machine had lost its power."""
        ours = self._of_jobs()
        keepers = {parent for process in ours if _read(parent := _parent(process), "comm").startswith(b"slurmstepd")}
        for process in (self._daemons["slurmd"].pid, *keepers, *ours):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._daemons["slurmd"].wait()

    def start_node(self) -> None:
        """Start the node, or start it again."""
        self._start("slurmd", "-D")

    def _start(self, name: str, *words: str) -> None:
        with (self.folder / f"{name}.out").open("ab") as told:
            command = [str(_program(name)), *words]
            self._daemons[name] = subprocess.Popen(command, stdout=told, stderr=told, env=self.environment)

    def _ready(self) -> bool:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self._daemons["slurmd"].poll() is None:
            if self._ask("sinfo", "--noheader", "--format=%t").strip() == "idle":
                return True
            time.sleep(0.5)
        return False

    def _ask(self, *words: str) -> str:
        return subprocess.run(words, env=self.environment, capture_output=True, text=True, check=False).stdout

    def _said(self, name: str) -> str:
        return "\n".join((self.folder / f"{name}.out").read_text().splitlines()[-5:])

    def _of_jobs(self) -> list[int]:
        """Every process of a job of this cluster."""
        mark = f"SLURM_CONF={self.environment['SLURM_CONF']}".encode()
        found = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
        told = {process: _read(process, "environ").split(b"\0") for process in found}
        return [
            process
            for process, words in told.items()
            if mark in words and any(word.startswith(b"SLURM_JOB_ID=") for word in words)
        ]


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """A cluster whose files are in `folder`, while it is needed."""
    folder.mkdir()
    made = Cluster(folder)
    try:
        made.start()
        yield made
    finally:
        if "slurmd" in made._daemons:
            made.stop()


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def _user() -> str:
    return subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()


def _ports(count: int) -> list[int]:
    """Ports that are free."""
    doors = [socket.socket() for _ in range(count)]
    for door in doors:
        door.bind(("127.0.0.1", 0))
    found = [door.getsockname()[1] for door in doors]
    for door in doors:
        door.close()
    return found


def _read(process: int, name: str) -> bytes:
    """A file of /proc; empty where the process has gone."""
    try:
        return Path(f"/proc/{process}/{name}").read_bytes()
    except OSError:
        return b""


def _parent(process: int) -> int:
    told = _read(process, "stat").rpartition(b")")[2].split()
    return int(told[1]) if told else 0

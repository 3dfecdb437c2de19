"""A sweep and a sharded map by Slurm, members and the node killed meanwhile, held against the same without Slurm.

``python -m tests.cluster``; needs slurm-wlm and munge of Debian, or what other systems call them.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.cluster.slurm import Cluster, cluster, missing
from tests.soak.commands import OUT, Command, prediction, sweep, training, write_scenes
from tests.soak.yard import content, files_of

SLURM = ("hydra/launcher=submitit_slurm", "hydra.launcher.cpus_per_task=1", "hydra.launcher.timeout_min=30")
PATIENCE = 900.0  # s, of any wait
ONE = {"OMP_NUM_THREADS": "1"}  # a member has a core: sums are rounded alike where threads are as many


def main() -> None:
    """Leave with status 1 when a file differs or a command does not end as it should."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    parser.add_argument("--members", type=int, default=8, help="of the sweep")
    parser.add_argument("--shards", type=int, default=4, help="of the map")
    parser.add_argument("--steps", type=int, default=60, help="of each training")
    parser.add_argument("--size", type=int, default=1, help="the scene is so many times as high and wide")
    options = parser.parse_args()
    if lacking := missing():
        raise SystemExit(f"Slurm is not here ({', '.join(lacking)}): apt-get install slurm-wlm munge")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the cluster is stopped
    folder = Path(tempfile.mkdtemp(prefix="cluster-"))
    folder.chmod(0o755)
    write_scenes(folder, options.size)
    print(f"in {folder}", flush=True)
    with cluster(folder / "slurm") as slurm:
        print(f"Slurm runs, {slurm.cores} cores.", flush=True)
        differing = [*_sweep(folder, slurm, options), *_map(folder, slurm, options)]
    print(*differing, sep="\n", file=sys.stderr)
    sys.exit(int(bool(differing)))


def _sweep(folder: Path, slurm: Cluster, options: argparse.Namespace) -> list[str]:
    """Kill a member, then the node with all on it; the same command repeats what is missing."""
    command = sweep(folder, options.steps, options.members)
    alone, shared = _place(folder, "sweep_alone"), _place(folder, "sweep_shared")
    seconds = _run(command, alone, ())
    print(f"Sweep of {options.members} on this machine: {seconds:.0f} s.", flush=True)
    launched, started = _start(command, shared, SLURM, slurm.environment), time.monotonic()
    _wait(lambda: len(_checkpoints(shared)) > 0, "a checkpoint")
    os.kill(slurm.members()[0], signal.SIGKILL)
    print("A member is killed.", flush=True)
    killed = time.time()
    _wait(lambda: any(_changed(path) > killed for path in _checkpoints(shared)), "the checkpoint of another")
    slurm.lose_node()
    lost = sum((path.parent / "metrics.json").exists() for path in shared.rglob("run.log"))
    print(f"The node is lost, {lost} members are done.", flush=True)
    slurm.start_node()
    _end(launched, slurm)
    print(f"The queue is empty after {time.monotonic() - started:.0f} s. The same command once more:", flush=True)
    _run(command, shared, SLURM, slurm.environment)
    return _compare("sweep", alone, shared)


def _map(folder: Path, slurm: Cluster, options: argparse.Namespace) -> list[str]:
    """Kill a shard once it has mapped a block; the same command maps what is missing."""
    model = _place(folder, "model")
    _run(training(folder, options.steps), model, ())
    command = prediction(folder, model / OUT)
    alone, shared = _place(folder, "map_alone"), _place(folder, "map_shared")
    _run(command, alone, ())
    sharded = replace(command, words=("-m", *command.words, f"shard=range({options.shards})"))
    launched = _start(sharded, shared, SLURM, slurm.environment)
    _wait(lambda: len(_blocks(shared)) > 1, "a block")
    os.kill(slurm.members()[0], signal.SIGKILL)
    print(f"A shard is killed, {len(_blocks(shared))} blocks are there.", flush=True)
    _end(launched, slurm)
    _run(sharded, shared, SLURM, slurm.environment)
    return _compare("map", alone, shared)


def _place(folder: Path, name: str) -> Path:
    place = folder / name
    place.mkdir()
    return place


def _start(
    command: Command, place: Path, more: tuple[str, ...], environment: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", command.module, *command.words, *more]
    with (place / "told.txt").open("ab") as told:
        environment = (environment or dict(os.environ)) | ONE | {"PYTHONPATH": str(Path(__file__).parents[2])}
        return subprocess.Popen(words, cwd=place, stdout=told, stderr=told, env=environment)


def _run(command: Command, place: Path, more: tuple[str, ...], environment: dict[str, str] | None = None) -> float:
    """Run a command to its end, which has to be a good one; its seconds."""
    started = time.monotonic()
    if _start(command, place, more, environment).wait(PATIENCE) != 0:
        raise SystemExit(f"{command.name} failed:\n{(place / 'told.txt').read_text()}")
    return time.monotonic() - started


def _end(launched: subprocess.Popen[bytes], slurm: Cluster) -> None:
    """Wait for an empty queue, and end what still waits: without its database Slurm tells of no job that was killed."""
    _wait(lambda: not slurm.jobs(), "an empty queue")
    try:
        launched.wait(10)
    except subprocess.TimeoutExpired:
        launched.terminate()
        launched.wait()


def _wait(holds: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > until:
            raise SystemExit(f"{what} did not come in {PATIENCE:.0f} s")
        time.sleep(0.02)


def _checkpoints(place: Path) -> set[Path]:
    return set(place.rglob("checkpoint.safetensors"))


def _changed(path: Path) -> float:
    """When a file was written last; 0 where it is gone."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _blocks(place: Path) -> list[Path]:
    return [*(place / OUT / ".blocks").glob("*.safetensors")]


def _compare(name: str, alone: Path, shared: Path) -> list[str]:
    """A sentence for each file that is not alike; what submitit leaves is none of the results."""
    ours, theirs = files_of(alone), files_of(shared)
    theirs = {name: path for name, path in theirs.items() if ".submitit" not in path.parts}
    wrong = ours.keys() ^ theirs.keys()
    wrong |= {each for each in ours.keys() & theirs.keys() if content(ours[each]) != content(theirs[each])}
    print(f"{name}: {len(ours)} files compared, {len(wrong)} differ.", flush=True)
    return [f"{name}: {each}" for each in sorted(wrong)]


if __name__ == "__main__":
    main()

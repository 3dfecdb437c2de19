"""The folder of a run: to whom it belongs, whether the run in it is finished, and who is at work in it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from hsi import files
from hsi.config.saved import read_config
from hsi.errors import HsiError, shown
from hsi.runs.identity import comparable

CHECKPOINT = "checkpoint.safetensors"
CONFIG = Path(".hydra") / "config.yaml"
OVERRIDES = CONFIG.with_name("overrides.yaml")
REPORT = "report.html"  # quotes the hash of the next file, so that it has no checksum there
METRICS = "metrics.json"  # written last, in one rename: its presence means that the run is whole


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder; the lock dies with its process.

    Raises HsiError: another process is at work there, or the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock", timeout=0)
        lock.acquire()
    except Timeout as error:
        raise HsiError(
            f"another process is at work in {folder}: wait for it, or give this run a folder of its own with "
            "hydra.run.dir="
        ) from error
    except OSError as error:
        raise HsiError(
            f"{folder} cannot be used ({error.strerror}): choose another folder with hydra.run.dir="
        ) from error
    try:
        yield
    finally:
        lock.release()


def finished(
    folder: Path, config: Mapping[str, Any], scene_hash: str, split_hash: str, precision: str, force: bool
) -> dict[str, Any] | None:
    """The metrics of the finished run in `folder` that is the very same; None where there is none yet.

    Parameters
    ----------
    config
        As `hsi.runs.identity.settle` gives it.
    scene_hash, split_hash, precision
        With `config` they make the run what it is: see `hsi.runs.identity.identity`.
    force
        Repeat whatever run is there.

    Raises
    ------
    HsiError
        The folder holds a run of another configuration, of other data or in another precision.
    """
    if force:
        return None
    if not (folder / CONFIG).exists():
        return None
    if not ((folder / METRICS).exists() or (folder / CHECKPOINT).exists()):
        return None  # a start that failed leaves nothing that blocks the next
    theirs, ours = comparable(read_config(folder / CONFIG)), comparable(config)
    differing = [key for key in sorted(theirs | ours) if theirs.get(key) != ours.get(key)]
    if differing:
        key = differing[0]
        many = "1 key differs," if len(differing) == 1 else f"{len(differing)} keys differ, for instance"
        raise HsiError(
            f"{folder} belongs to another configuration ({many} {key}: there {shown(theirs.get(key))}, here "
            f"{shown(ours.get(key))}): choose another hydra.run.dir, or repeat with force=true to replace it"
        )
    if not (folder / METRICS).exists():
        return None
    metrics = files.read_json(folder / METRICS)
    for name, ours_now in (("scene_hash", scene_hash), ("split_hash", split_hash), ("precision", precision)):
        if metrics.get(name) != ours_now:
            raise HsiError(
                f"{folder} holds a finished run of this configuration on other data, another split or in another "
                f"precision ({name}: there {shown(metrics.get(name))}, here {ours_now}): choose another hydra.run.dir "
                "or scene.name, or repeat with force=true to replace it"
            )
    return metrics


def manifest_hash(folder: Path) -> str:
    """What a paper can quote of the finished run in `folder`: '<kind>:<hex>' over all its files.

    It is that of metrics.json, which holds the checksum of every other file: ``sha256sum metrics.json``.
    """
    return files.file_checksum(folder / METRICS)


def claim(folder: Path, config: Mapping[str, Any], overrides: list[str], force: bool) -> None:
    """Write into a folder whose it is from now on; `force` clears it of the run that was there, finished or not."""
    if force:
        for old in (folder / METRICS, folder / REPORT, folder / CHECKPOINT):
            old.unlink(missing_ok=True)
    files.write(folder / OVERRIDES, yaml.safe_dump(overrides))
    files.write(folder / CONFIG, yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True))

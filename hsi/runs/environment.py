"""The record of where a run was made: versions, commit, processor, command."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from hsi.version import __version__

RECORDED_PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "scikit-learn",
    "spectral",
    "pandas",
    "hydra-core",
    "matplotlib",
)


def environment(device: str, precision: str, overrides: list[str]) -> dict[str, Any]:
    """What a reader needs to judge whether a result should repeat on their machine; `device` as in `Result`."""
    return {
        "hsi": __version__,
        "code": code_version(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor(),
        "packages": {name: version(name) for name in RECORDED_PACKAGES},
        "device": device,
        "threads": torch.get_num_threads(),
        "precision": precision,
        "command": command_of(overrides),
    }


def command_of(overrides: list[str]) -> list[str]:
    """The command that makes a run, word by word."""
    return ["python", "-m", "hsi.run", *overrides]


def code_version() -> dict[str, Any]:
    """Commit and dirty flag of a source checkout; of an installed package, its version alone."""
    source = Path(__file__).resolve().parents[2]
    if not (source / ".git").exists():
        return {"version": __version__, "commit": None, "dirty": None}

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(source), *words], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        commit, dirty = git("rev-parse", "HEAD"), bool(git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.CalledProcessError):  # no git program, or no commit yet
        commit, dirty = None, None
    return {"version": __version__, "commit": commit, "dirty": dirty}


def processor() -> str:
    """The processor's name; Linux tells it only in /proc."""
    cpuinfo = Path("/proc/cpuinfo")
    names = [
        line.partition(":")[2].strip()
        for line in (cpuinfo.read_text().splitlines() if cpuinfo.exists() else [])
        if line.startswith("model name")
    ]
    return f"{names[0] if names else platform.processor()}, {os.cpu_count()} cores"

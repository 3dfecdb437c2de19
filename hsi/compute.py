"""Where and how numbers are computed: device, precision, determinism, and the record of it all."""

import os
import platform
import random
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hsi import __version__
from hsi.errors import HsiError

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


def resolve_device(word: str) -> torch.device:
    """``auto`` takes a GPU where there is one."""
    if word not in ("auto", "cpu", "cuda"):
        raise HsiError(f"device={word}: choose auto, cpu or cuda")
    if word == "cuda" and not torch.cuda.is_available():
        raise HsiError("device=cuda: torch sees no GPU here; use device=auto, or install a GPU build of torch")
    return torch.device("cuda" if word != "cpu" and torch.cuda.is_available() else "cpu")


def resolve_precision(word: str, device: torch.device) -> str:
    """``auto`` trains in bfloat16 on a GPU that has it, else in float32.

    Never on a CPU: an instruction flag says nothing of speed, and processors that have one were slower in bfloat16.
    """
    if word not in ("auto", "fp32", "bf16"):
        raise HsiError(f"precision={word}: choose auto, fp32 or bf16")
    if word != "auto":
        return word
    native = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return "bf16" if native else "fp32"


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch, and make torch choose deterministic algorithms."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read by CUDA when it starts
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - for libraries that draw from the global generator
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False


def environment(device: torch.device, precision: str, overrides: list[str]) -> dict[str, Any]:
    """What a reader needs to judge whether a result should repeat on their machine."""
    return {
        "hsi": __version__,
        "code": code_version(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor(),
        "packages": {name: version(name) for name in RECORDED_PACKAGES},
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "precision": precision,
        "command": ["python", "-m", "hsi.run", *overrides],
    }


def code_version() -> dict[str, Any]:
    """Commit and dirty flag of a source checkout; of an installed package, its version alone."""
    source = Path(__file__).resolve().parent.parent
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

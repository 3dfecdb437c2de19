"""Where and how numbers are computed: device, precision, determinism, and the record of it all."""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import numpy as np
import torch

from hsi.errors import HsiError

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "fp32", "bf16"]


def resolve_device(word: Device) -> torch.device:
    """``auto`` takes a GPU where there is one."""
    if word == "cuda" and not torch.cuda.is_available():
        raise HsiError("device=cuda: torch sees no GPU here; use device=auto, or install a GPU build of torch")
    return torch.device("cuda" if word != "cpu" and torch.cuda.is_available() else "cpu")


def resolve_precision(word: Precision, device: torch.device) -> str:
    """``auto`` trains in bfloat16 on a GPU that has it, else in float32.

    Never on a CPU: an instruction flag says nothing of speed, and processors that have one were slower in bfloat16.
    """
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
    # Not `use_deterministic_algorithms`: it also sets an option of torch.compile, whose import takes a second or two.
    torch.set_deterministic_debug_mode("error")
    torch.backends.cudnn.benchmark = False


@contextmanager
def generators_kept() -> Iterator[None]:
    """Put back afterwards what `seed_everything` sets, for callers whose own draws must not depend on a training."""
    drawn, numbers = random.getstate(), np.random.get_state()  # noqa: NPY002 - what libraries draw from
    deterministic, benchmark = torch.get_deterministic_debug_mode(), torch.backends.cudnn.benchmark
    with torch.random.fork_rng():
        try:
            yield
        finally:
            random.setstate(drawn)
            np.random.set_state(numbers)  # noqa: NPY002
            torch.set_deterministic_debug_mode(deterministic)
            torch.backends.cudnn.benchmark = benchmark

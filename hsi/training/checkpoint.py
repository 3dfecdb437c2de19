"""The state of an unfinished training, in one safetensors file: nothing in it can run code when it is read.

Tensors (weights, best weights, optimizer moments, generator states) are stored as such; counters, schedule and
history as JSON in the file's header.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from hsi import files
from hsi.errors import HsiError


def save(
    path: Path,
    model: nn.Module,
    optimizer: Optimizer,
    schedule: LRScheduler,
    best: dict[str, Tensor],
    progress: dict[str, Any],
) -> None:
    """Write everything that the next step depends on; `progress` is any JSON value."""
    state = optimizer.state_dict()
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"best.{name}": value for name, value in best.items()}
    tensors |= {
        f"optimizer.{index}.{name}": torch.as_tensor(value)
        for index, values in state["state"].items()
        for name, value in values.items()
        if value is not None
    }
    tensors["generator.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["generator.cuda"] = torch.cuda.get_rng_state()
    header = {"groups": state["param_groups"], "schedule": schedule.state_dict(), "progress": progress}
    files.write(path, to_bytes({k: v.contiguous() for k, v in tensors.items()}, {"state": json.dumps(header)}))


def load(
    path: Path, model: nn.Module, optimizer: Optimizer, schedule: LRScheduler
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Put the state back in place; returns (best weights, progress) as they were saved."""
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads(file.metadata()["state"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise HsiError(f"{path} is not a whole checkpoint: delete it, or start again with force=true") from error

    def under(prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

    model.load_state_dict(under("model."))
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in under("optimizer.").items():
        index, _, key = name.partition(".")
        moments.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": moments, "param_groups": header["groups"]})
    schedule.load_state_dict(header["schedule"])
    torch.set_rng_state(tensors["generator.cpu"])
    if torch.cuda.is_available() and "generator.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["generator.cuda"])
    return under("best."), header["progress"]

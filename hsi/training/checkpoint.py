"""The state of an unfinished training, in one safetensors file: nothing in it can run code when it is read.

Tensors (weights, best weights, optimizer moments, generator states) are stored as such; counters, schedule and
history as JSON in the file's header.
"""

import json
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Checkpoint:
    """Where the state of a training is kept, and of which training: `identity` binds it to scene, split and recipe."""

    path: Path
    identity: str

    def exists(self) -> bool:
        """Whether there is one to resume from."""
        return self.path.exists()

    def save(
        self,
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
        header = {
            "identity": self.identity,
            "groups": state["param_groups"],
            "schedule": schedule.state_dict(),
            "progress": progress,
        }
        content = to_bytes({k: v.contiguous() for k, v in tensors.items()}, {"state": json.dumps(header)})
        files.write(self.path, content)

    def load(
        self, model: nn.Module, optimizer: Optimizer, schedule: LRScheduler
    ) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Put the state back in place; returns (best weights, progress) as they were saved.

        Raises HsiError: a damaged file, or the state of another training.
        """
        try:
            with safe_open(self.path, framework="pt") as file:
                header = json.loads(file.metadata()["state"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            identity = header["identity"]
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            raise HsiError(
                f"{self.path} is not a whole checkpoint: delete it, or start again with force=true"
            ) from error
        if identity != self.identity:
            raise HsiError(
                f"{self.path} belongs to a training on other data, another split or another recipe: what it was made "
                "from has changed since; start again with force=true"
            )

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

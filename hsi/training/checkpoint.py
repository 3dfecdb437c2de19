"""The state of an unfinished training, in one safetensors file: nothing in it can run code when it is read.

Tensors (weights, best weights, optimizer moments, generator states) are stored as such; identity and history as JSON in
the file's header. Learning rates follow from the number of steps, so the schedule is gone through again.
"""

import copy
import json
import logging
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import TypeAdapter
from safetensors import safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from hsi import files
from hsi.config.values import Real
from hsi.errors import HsiError

log = logging.getLogger(__name__)

Column = Literal["step", "loss", "accuracy", "learning_rate", "validation_accuracy"]
HISTORY = TypeAdapter(list[dict[Column, float]])
REST = TypeAdapter(dict[Literal["best_accuracy", "seconds"], Real])
MOMENTS, BEST = "optimizer.", "best."


@dataclass(frozen=True)
class Checkpoint:
    """Where the state of a training is kept, and of which training: `identity` binds it to scene, split and recipe.

    `follow` is told the history, a row a step, each time that it has been kept.
    """

    path: Path
    identity: str
    follow: Callable[[Sequence[Mapping[str, float]]], None] | None = None

    def exists(self) -> bool:
        """Whether there is one to resume from."""
        return self.path.exists()

    def save(
        self, model: nn.Module, optimizer: Optimizer, best: Mapping[str, Tensor], progress: Mapping[str, Any]
    ) -> None:
        """Write everything that the next step depends on.

        `progress` has the `history`, a row a step, the `best_accuracy` so far, and the `seconds` that it took.
        """
        tensors = _state(model, optimizer) | {f"{BEST}{name}": value for name, value in best.items()}
        if torch.cuda.is_available():
            tensors["generator.cuda"] = torch.cuda.get_rng_state()
        threads = torch.get_num_threads()
        header = json.dumps({"identity": self.identity, "threads": threads, "progress": progress})
        files.write(self.path, to_bytes({k: v.contiguous() for k, v in tensors.items()}, {"state": header}))

    def tell(self, history: Sequence[Mapping[str, float]]) -> float:
        """Tell who follows the training how far the state has come that is kept; returns the seconds that it took."""
        started = time.monotonic()
        if self.follow:
            self.follow(history)
        return time.monotonic() - started

    def load(
        self, model: nn.Module, optimizer: Optimizer, schedule: LRScheduler, steps: int
    ) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Put the state back in place, all three fresh; returns (best weights, progress) as they were saved.

        `steps` is how many the training has. Raises HsiError: a damaged file, or the state of another training.
        """
        if not files.is_file(self.path):
            raise HsiError(f"{self.path} is no file: delete it, or start again with force=true")
        try:
            with safe_open(self.path, framework="pt") as file:
                header = json.loads(file.metadata()["state"])
                ours = header["identity"] == self.identity
                if ours:
                    progress = _progress(header["progress"], steps)
                    tensors = _tensors(file, model, optimizer)
            if ours:
                _restore(tensors, model, optimizer, schedule, len(progress["history"]))
        except Exception as error:  # whatever a file that no training wrote makes of JSON, safetensors and torch
            raise HsiError(
                f"{self.path} is not a whole checkpoint: delete it, or start again with force=true"
            ) from error
        if not ours:
            raise HsiError(
                f"{self.path} belongs to a training on other data, another split or another recipe: what it was made "
                "from has changed since; start again with force=true"
            )
        if (now := torch.get_num_threads()) != header.get("threads", now):
            log.warning(
                "%s was written with another number of threads than %d: the result will differ in its last digits from "
                "that of an undisturbed run.",
                *(self.path, now),
            )
        return _part(tensors, BEST), progress


def _state(model: nn.Module, optimizer: Optimizer) -> dict[str, Tensor]:
    """The tensors that a step depends on, by their names in the file."""
    moments = {
        f"{MOMENTS}{index}.{name}": torch.as_tensor(value)
        for index, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
        if value is not None
    }
    weights = {f"model.{name}": value for name, value in model.state_dict().items()}
    return weights | moments | {"generator.cpu": torch.get_rng_state()}


def _progress(found: Mapping[str, Any], steps: int) -> dict[str, Any]:
    """What the header says of the way so far; ValueError where it is not that of a training of so many steps."""
    rest = dict(found)
    history = HISTORY.validate_python(rest.pop("history"))
    whole = all(len(row) == 5 and row["step"] == number for number, row in enumerate(history, 1))
    if not (whole and 0 < len(history) <= steps):
        raise ValueError("its history is not one of such a training")
    values = {str(key): value for key, value in REST.validate_python(rest).items()}
    if len(values) != 2 or values["seconds"] < 0:
        raise ValueError("its header lacks what was measured")
    return {"history": [row | {"step": number} for number, row in enumerate(history, 1)], **values}


def _tensors(file: Any, model: nn.Module, optimizer: Optimizer) -> dict[str, Tensor]:
    """The tensors of an open file, whose names and shapes have to be those of a state; ValueError otherwise."""
    names = set(file.keys()) - {"generator.cuda"}
    wanted = _state(model, _stepped(optimizer))
    moved = {name.split(".")[1] for name in names if name.startswith(MOMENTS)}
    for name in [name for name in wanted if name.startswith(MOMENTS) and name.split(".")[1] not in moved]:
        del wanted[name]  # a weight that has no part in the loss has no moments
    if any(name.startswith(BEST) for name in names):
        wanted |= {f"{BEST}{name}": value for name, value in model.state_dict().items()}
    if names != set(wanted) or any(file.get_slice(name).get_shape() != [*wanted[name].shape] for name in names):
        raise ValueError("its tensors are not those of this model and optimizer")
    tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    if any(tensors[name].dtype != like.dtype for name, like in wanted.items()):
        raise ValueError("its tensors have other types")
    return tensors


def _stepped(optimizer: Optimizer) -> Optimizer:
    """A copy of a fresh optimizer after a step that changes nothing: its state has the shapes of every later one."""
    copied = copy.deepcopy(optimizer)
    for group in copied.param_groups:
        for weight in group["params"]:
            weight.grad = torch.zeros_like(weight)
    copied.step()
    return copied


def _restore(
    tensors: Mapping[str, Tensor], model: nn.Module, optimizer: Optimizer, schedule: LRScheduler, done: int
) -> None:
    """Put everything in its place, `done` steps on; ValueError where the optimizer has counted others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it remarks that no step of the optimizer comes between
        for _ in range(done):
            schedule.step()
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in _part(tensors, MOMENTS).items():
        index, _, key = name.partition(".")
        moments.setdefault(int(index), {})[key] = value
    if any(not 1 <= state["step"] <= done for state in moments.values() if "step" in state):
        raise ValueError("its optimizer has made other steps than its history")
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
    model.load_state_dict(_part(tensors, "model."))
    torch.set_rng_state(tensors["generator.cpu"])
    if torch.cuda.is_available() and "generator.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["generator.cuda"])


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin so, without that beginning."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

"""What sharing the trunk brings: ``python -m hsi.bench [key=value ...]``.

First which share of the multiply-adds lies in the trunk, which bounds what can be gained. Then one line a case, ending
in ``ratio=`` (window-by-window seconds / shared seconds) and in how well both agree.
"""

if __name__ == "__main__":  # the first line appears before the libraries load
    from hsi.cli.start import announce

    announce("bench")

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
import pandas as pd
import torch
from omegaconf import DictConfig
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from hsi import files
from hsi.cli.main import main
from hsi.cli.request import Request
from hsi.config.build import check
from hsi.config.values import Count
from hsi.engine.contract import WindowClassifier
from hsi.engine.cost import cost
from hsi.engine.device import resolve_device, seed_everything
from hsi.engine.forward import Engine, forward, logits_of
from hsi.engine.samples import Samples, gather
from hsi.errors import HsiError
from hsi.runs.environment import processor

Mode = Literal["dense", "patch"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What is timed; the keys are explained in conf/bench.yaml."""

    batches: Annotated[
        list[Count | Literal["all"]],
        Field(min_length=1, description="a list of whole numbers from 1 on, or all, such as [256,all]"),
    ]
    repeats: Count
    warm_up: Count


def bench(config: DictConfig) -> None:
    """Time mapping and training steps both ways on the configured scene and model."""
    request = Request.read(config)
    plan = Plan(**check(Plan, request.tree["bench"], "bench"))
    warm_up = {**request.tree["train"], "steps": plan.warm_up, "epochs": None}
    recipe, seed = replace(request, tree={**request.tree, "train": warm_up}).recipe(), request.seed
    device = resolve_device(request.device)
    scene = request.scene()
    recipe.require_room(scene)
    split = request.split(scene)
    features = recipe.reduce(scene.cube, split)
    seed_everything(seed)
    model = recipe.model(features.image.shape[2], scene.num_classes)
    costs = cost(model, scene.rows, scene.cols)
    if costs is None:
        raise HsiError(f"model={recipe.name} has no layers, so there is nothing to share: bench a network")
    engine = recipe.engine
    engine.lay_out(model.to(device))
    samples = gather(features.image, scene.labels, split, scene.num_classes, device)
    log.info("%s, %d threads, %s", processor(), torch.get_num_threads(), request.precision)
    log.info("%s", costs)
    recipe.training.fit(model, samples, engine, seed)

    rows = [_compare_maps(model, samples.image, engine, plan.repeats)]
    shuffled = samples.train[torch.from_numpy(np.random.default_rng(seed).permutation(len(samples.train))).to(device)]
    for size in plan.batches:
        pixels = shuffled if size == "all" else shuffled[:size]
        rows.append(_compare_steps(model, samples, pixels, engine, plan.repeats))
    files.write(request.folder / "bench.csv", pd.DataFrame(rows).to_csv(index=False))
    log.info("Table: %s", request.folder / "bench.csv")


def _compare_maps(model: WindowClassifier, image: Tensor, engine: Engine, repeats: int) -> dict[str, float | str]:
    def run(mode: Mode) -> Tensor:
        model.eval()
        return logits_of(model, image, replace(engine, mode=mode))

    return _line(f"map {image.shape[1] * image.shape[2]} pixels", run, repeats)


def _compare_steps(
    model: WindowClassifier, samples: Samples, pixels: Tensor, engine: Engine, repeats: int
) -> dict[str, float | str]:
    def run(mode: Mode) -> Tensor:
        """Forward and backward with dropout off, so that both ways have the same gradients; returns them."""
        model.zero_grad()
        logits = forward(model, samples.image, pixels, shared=mode == "dense", padding=engine.padding)
        F.cross_entropy(logits, samples.targets[pixels]).backward()
        return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

    return _line(f"training step {len(pixels)} pixels", run, repeats)


def _line(case: str, run: Callable[[Mode], Tensor], repeats: int) -> dict[str, float | str]:
    """Time both ways and log the line; for maps (N, classes) the share of equal labels is told as well."""
    shared, fast = _time(run, "dense", repeats)
    by_window, slow = _time(run, "patch", 1)
    row: dict[str, float | str] = {
        "case": case,
        "shared_seconds": shared,
        "window_by_window_seconds": by_window,
        "ratio": by_window / shared,
        "max_abs_diff": (fast - slow).abs().max().item(),
    }
    if fast.dim() == 2:
        row["agree"] = (fast.argmax(1) == slow.argmax(1)).float().mean().item()
    log.info(
        "%-28s shared %7.2f s   window by window %7.2f s   ratio=%.1f max_abs_diff=%.1e%s",
        *(case, shared, by_window, row["ratio"], row["max_abs_diff"]),
        f" agree={row['agree']:.6f}" if "agree" in row else "",
    )
    return row


def _time(run: Callable[[Mode], Tensor], mode: Mode, repeats: int) -> tuple[float, Tensor]:
    """Seconds of the fastest of `repeats`, and the result."""
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        result = run(mode)
        if result.is_cuda:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    return min(seconds), result


if __name__ == "__main__":
    main(bench, "bench")

"""What sharing the trunk brings: ``python -m hsi.bench [key=value ...]``.

First which share of the multiply-adds lies in the trunk, which bounds what can be gained. Then one line a case, ending
in ``ratio=`` (window-by-window seconds / shared seconds) and in how well both agree.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig
from torch import Tensor
from torch.nn import functional as F

from hsi import files
from hsi.cli.main import main
from hsi.engine.contract import WindowClassifier, to_targets
from hsi.engine.cost import cost
from hsi.engine.device import resolve_device, seed_everything
from hsi.engine.forward import Engine, as_image, forward, map_logits
from hsi.runs.environment import processor
from hsi.splits.roles import TRAIN
from hsi.training.steps import fit

log = logging.getLogger(__name__)


def bench(config: DictConfig) -> None:
    """Time mapping and training steps both ways on the configured scene and model."""
    folder = Path(HydraConfig.get().runtime.output_dir)
    device = resolve_device(config.device)
    seed_everything(config.seed)
    scene = instantiate(config.scene)
    split = instantiate(config.split)(scene.labels)
    features = instantiate(config.reduce)(scene.cube, split)
    model = instantiate(config.model, in_channels=features.image.shape[2], num_classes=scene.num_classes)
    engine: Engine = instantiate(config.engine)
    engine.lay_out(model.to(device))
    image = as_image(features.image, device)
    log.info("%s, %d threads, %s", processor(), torch.get_num_threads(), config.precision)
    log.info("%s", cost(model, scene.rows, scene.cols))
    fit(
        model,
        image,
        scene.labels,
        split,
        engine=engine,
        training=instantiate(config.train, steps=config.bench.warm_up, epochs=None),
        optimizer=instantiate(config.optimizer),
        schedule=instantiate(config.schedule),
        seed=config.seed,
    )

    rows = [_compare_maps(model, image, engine, config.bench.repeats)]
    targets = to_targets(torch.as_tensor(scene.labels, device=device)).flatten()
    train_pixels = torch.as_tensor(np.random.default_rng(config.seed).permutation(split.pixels(TRAIN)), device=device)
    for size in config.bench.batches:
        pixels = train_pixels if size == "all" else train_pixels[: int(size)]
        rows.append(_compare_steps(model, image, pixels, targets[pixels], engine, config.bench.repeats))
    files.write(folder / "bench.csv", pd.DataFrame(rows).to_csv(index=False))
    log.info("Table: %s", folder / "bench.csv")


def _compare_maps(model: WindowClassifier, image: Tensor, engine: Engine, repeats: int) -> dict[str, float | str]:
    def run(mode: str) -> Tensor:
        model.eval()
        way = Engine(mode, engine.padding, engine.memory_gb, engine.channels_last)
        parts = list(map_logits(model, image, way))
        return torch.cat([logits for _, logits in parts])[torch.argsort(torch.cat([pixels for pixels, _ in parts]))]

    return _line(f"map {image.shape[1] * image.shape[2]} pixels", run, repeats)


def _compare_steps(
    model: WindowClassifier, image: Tensor, pixels: Tensor, targets: Tensor, engine: Engine, repeats: int
) -> dict[str, float | str]:
    def run(mode: str) -> Tensor:
        """Forward and backward with dropout off, so that both ways have the same gradients; returns them."""
        model.zero_grad()
        logits = forward(model, image, pixels, shared=mode == "dense", padding=engine.padding)
        F.cross_entropy(logits, targets).backward()
        return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

    return _line(f"training step {len(pixels)} pixels", run, repeats)


def _line(case: str, run: Callable[[str], Tensor], repeats: int) -> dict[str, float | str]:
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


def _time(run: Callable[[str], Tensor], mode: str, repeats: int) -> tuple[float, Tensor]:
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

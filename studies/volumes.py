"""What HybridSN gains by `hsi.engine.volumes` over torch's own layers: ``python -m studies.volumes [--rounds N]``.

One training step of 1,024 pixels and one map of a scene of the size of Indian Pines (random numbers), with the same
weights, by turns on the threads that torch takes (OMP_NUM_THREADS).
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import torch
from tabulate import tabulate
from torch import Tensor, nn
from torch.nn import functional as F

from hsi.engine.contract import WindowClassifier
from hsi.engine.forward import Engine, forward, logits_of
from hsi.engine.volumes import FlatteningConv, VolumeConv
from hsi.models.hybridsn import hybridsn

CHANNELS, CLASSES = 30, 16


class _Flat(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(1, 2))


def plain(network: WindowClassifier) -> WindowClassifier:
    """The same network with layers of torch's own; its weights stay."""
    for layer in network.modules():
        if isinstance(layer, VolumeConv):
            layer.__class__ = nn.Conv3d  # type: ignore[assignment]
        elif isinstance(layer, FlatteningConv):
            layer.__class__ = _Flat  # type: ignore[assignment]
    return network


def train(network: WindowClassifier, image: Tensor, pixels: Tensor) -> Tensor:
    """The loss of one step, forward and backward. Gradients are compared in tests/engine/test_volumes.py."""
    network.train().zero_grad()
    torch.manual_seed(0)  # of dropout
    loss = F.cross_entropy(forward(network, image, pixels, shared=True), pixels % CLASSES)
    loss.backward()
    return loss.detach()


def draw(network: WindowClassifier, image: Tensor, pixels: Tensor) -> Tensor:
    """The logits of the whole scene."""
    return logits_of(network.eval(), image, Engine())


def main(words: list[str] | None = None) -> None:
    """Time both by turns, and print medians and ratios."""
    parser = argparse.ArgumentParser(prog="python -m studies.volumes", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument("--side", type=int, default=145, help="of the scene in pixels; default: 145")
    chosen = parser.parse_args(words)
    torch.manual_seed(0)
    image, pixels = torch.randn(CHANNELS, chosen.side, chosen.side), torch.randint(chosen.side**2, (1024,))
    torch.manual_seed(1)
    ours = Engine().lay_out(hybridsn(CHANNELS, CLASSES))
    theirs = plain(Engine().lay_out(hybridsn(CHANNELS, CLASSES)))
    theirs.load_state_dict(ours.state_dict())
    rows = []
    for name, work in (("training step", train), ("map", draw)):
        both = [partial(work, network, image, pixels) for network in (ours, theirs)]
        one, other = (call() for call in both)
        seconds = [[_time(call) for call in both] for _ in range(chosen.rounds)]
        quick, slow = (median(column) for column in zip(*seconds, strict=True))
        rows.append([name, quick, slow, quick / slow, float((one - other).abs().max() / other.abs().max())])
    headings = ["", "s, by volumes", "s, by torch's layers", "ratio", "largest difference, relative"]
    print(
        tabulate(rows, headings, floatfmt=("", ".3f", ".3f", ".2f", ".1e")),
        f"{torch.get_num_threads()} threads",
        sep="\n",
    )


def _time(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()

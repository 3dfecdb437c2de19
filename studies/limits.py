"""What a training step achieves against what the processor can: ``python -m studies.limits [--rounds N]``.

The limit is the rate of a large product of two matrices, measured between the layers on the same threads
(OMP_NUM_THREADS). One step of HybridSN, 1,024 pixels of a scene of the size of Indian Pines (random numbers), is timed
whole, and every layer that multiplies alone, forward and backward, on inputs of the shapes that it meets in the step.
"""

import argparse
import math
import time
from collections.abc import Callable, Iterator
from statistics import median

import torch
from tabulate import tabulate
from torch import Tensor, nn

from hsi.engine.contract import WindowClassifier
from hsi.engine.forward import Engine
from hsi.models.hybridsn import hybridsn
from studies.volumes import CHANNELS, CLASSES, train

SQUARE = 4096  # rows and columns of the matrices that say what the processor can


def product_rate() -> float:
    """Operations a second of a product of two float32 matrices."""
    one, other = torch.randn(2, SQUARE, SQUARE)
    return 2 * SQUARE**3 / min(_seconds(lambda: one @ other) for _ in range(3))


def operations(layer: nn.Module, given: Tensor, found: Tensor) -> int:
    """Operations of a convolution or a fully connected layer, forward; a multiply-add counts as two."""
    if isinstance(layer, nn.Linear):
        return 2 * found.numel() * layer.in_features
    assert isinstance(layer, nn.Conv2d | nn.Conv3d)
    return 2 * found.numel() * (layer.in_channels // layer.groups) * math.prod(layer.kernel_size)


def layers_of(network: WindowClassifier, image: Tensor, pixels: Tensor) -> dict[str, tuple[nn.Module, Tensor, bool]]:
    """Every layer that multiplies: by name, the layer, what it is given in a step, whether that needs a gradient."""
    met: dict[str, tuple[nn.Module, Tensor, bool]] = {}
    names = {layer: name for name, layer in network.named_modules()}

    def look(layer: nn.Module, given: tuple[Tensor, ...], _: Tensor) -> None:
        met[names[layer]] = layer, given[0].detach(), given[0].requires_grad

    hooks = [
        layer.register_forward_hook(look)
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d | nn.Conv3d | nn.Linear)
    ]
    train(network, image, pixels)
    for hook in hooks:
        hook.remove()
    return met


def measure(layer: nn.Module, given: Tensor, needs: bool, rounds: int) -> tuple[float, float, int, int]:
    """Seconds forward and backward, medians, and operations forward and backward, of one layer alone."""
    entrance = given.clone(memory_format=torch.preserve_format).requires_grad_(needs)
    found = layer(entrance)
    onward = torch.randn_like(found)
    ahead = median(_seconds(lambda: layer(entrance)) for _ in range(rounds))

    def back() -> float:
        layer.zero_grad()
        entrance.grad = None
        out = layer(entrance)
        return _seconds(lambda: out.backward(onward))

    once = operations(layer, given, found)
    return ahead, median(back() for _ in range(rounds)), once, once * (2 if needs else 1)


def rows(rounds: int, side: int, batch: int) -> Iterator[list[object]]:
    """Rows of the table: name, GFLOP, ms forward, backward and both, achieved GFLOP/s, share of the limit in %."""
    torch.manual_seed(0)
    image, pixels = torch.randn(CHANNELS, side, side), torch.randint(side**2, (batch,))
    network = Engine().lay_out(hybridsn(CHANNELS, CLASSES))
    train(network, image, pixels)
    rates, total, spent = [product_rate()], 0, 0.0
    for name, (layer, given, needs) in layers_of(network, image, pixels).items():
        ahead, back, forth, returns = measure(layer, given, needs, rounds)
        rates.append(product_rate())
        work, seconds = forth + returns, ahead + back
        total, spent = total + work, spent + seconds
        label, rate = f"{name} {type(layer).__name__}", work / seconds
        yield [label, work / 1e9, 1e3 * ahead, 1e3 * back, 1e3 * seconds, rate / 1e9, 100 * rate / rates[-1]]
    step = median(_seconds(lambda: train(network, image, pixels)) for _ in range(rounds))
    rates.append(product_rate())
    limit = median(rates)
    yield ["all of these", total / 1e9, None, None, 1e3 * spent, total / spent / 1e9, 100 * total / spent / limit]
    yield ["the whole step", total / 1e9, None, None, 1e3 * step, total / step / 1e9, 100 * total / step / limit]
    yield ["the same at the limit", total / 1e9, None, None, 1e3 * total / limit, limit / 1e9, 100.0]


def main(words: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m studies.limits", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument("--side", type=int, default=145, help="of the scene in pixels; default: 145")
    parser.add_argument("--batch", type=int, default=1024, help="pixels of a step; default: 1024")
    chosen = parser.parse_args(words)
    headings = ["layer", "GFLOP", "forward ms", "backward ms", "both ms", "GFLOP/s", "of the limit %"]
    found = list(rows(chosen.rounds, chosen.side, chosen.batch))
    print(tabulate(found, headings, floatfmt=("", ".1f", *[".0f"] * 5)))
    print(f"{torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}")


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()

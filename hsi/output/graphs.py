"""A trained model as graphs that stand alone: from raw spectra to logits, window by window or a block at once."""

import copy

import numpy as np
import torch
from torch import Tensor, nn

from hsi.engine.contract import WindowClassifier
from hsi.engine.forward import cut
from hsi.reduce import Reducer
from hsi.runs.model import TrainedModel

LARGEST = torch.finfo(torch.float32).max


class Reduction(nn.Module):
    """Spectra (B, bands, H, W) float32 -> components (B, C, H, W): the affine map of the run.

    A pixel that holds no data, NaN or infinite in any band, becomes zero, as what lies beyond a scene's border. The
    mean is subtracted in two steps, so that nothing is lost where values are much larger than their spread.
    """

    mean: Tensor
    rest: Tensor
    weights: Tensor

    def __init__(self, reducer: Reducer) -> None:
        super().__init__()
        mean = reducer.mean.astype(np.float32)
        rest = (reducer.mean - mean).astype(np.float32)
        self.register_buffer("mean", torch.from_numpy(mean).view(-1, 1, 1))
        self.register_buffer("rest", torch.from_numpy(rest).view(-1, 1, 1))
        self.register_buffer("weights", torch.from_numpy(reducer.weights.astype(np.float32)))

    def forward(self, spectra: Tensor) -> Tensor:
        """Reduce."""
        centred = spectra - self.mean - self.rest
        components = (centred.permute(0, 2, 3, 1) @ self.weights).permute(0, 3, 1, 2)
        return torch.where(components.abs() <= LARGEST, components, 0.0)


class WindowGraph(nn.Module):
    """Windows of raw spectra (N, bands, P, P) float32 -> logits (N, K), divided by the temperature."""

    def __init__(self, network: WindowClassifier, reducer: Reducer, temperature: float) -> None:
        super().__init__()
        self.reduction, self.network, self.temperature = Reduction(reducer), network, temperature

    def forward(self, windows: Tensor) -> Tensor:
        """Classify."""
        return self.network(self.reduction(windows)) / self.temperature


class BlockGraph(nn.Module):
    """Raw spectra of a block with its margin -> logits of all its pixels; the trunk runs once.

    (1, bands, rows + P - 1, cols + P - 1) float32 -> (1, K, rows, cols), divided by the temperature.
    """

    def __init__(self, network: WindowClassifier, reducer: Reducer, temperature: float) -> None:
        super().__init__()
        self.reduction, self.network, self.temperature = Reduction(reducer), network, temperature

    def forward(self, block: Tensor) -> Tensor:
        """Classify."""
        margin = self.network.window - 1
        rows, cols = block.shape[2] - margin, block.shape[3] - margin
        field = self.network.trunk(self.reduction(block))[0]
        first = torch.arange(rows, device=block.device)[:, None] * field.shape[2]
        corners = (first + torch.arange(cols, device=block.device)).flatten()
        logits = self.network.head(cut(field, corners, self.network.trunk_window)) / self.temperature
        return logits.T.reshape(1, -1, rows, cols)


def graphs_of(trained: TrainedModel) -> dict[str, nn.Module]:
    """Both graphs of a model by the names of their inputs, `windows` and `block`: on the CPU, for evaluation."""
    network = copy.deepcopy(trained.network).cpu().float().eval().requires_grad_(False)
    return {
        "windows": WindowGraph(network, trained.reducer, trained.temperature).eval(),
        "block": BlockGraph(network, trained.reducer, trained.temperature).eval(),
    }


@torch.inference_mode()
def own_logits(trained: TrainedModel, graph: nn.Module, spectra: np.ndarray) -> np.ndarray:
    """What the run itself makes of the input of one of its graphs: reduced in float64, then window by window."""
    assert isinstance(graph, WindowGraph | BlockGraph)
    network, values = graph.network, np.moveaxis(spectra, 1, 3)
    valid = np.isfinite(values).all(axis=3)
    images = [trained.reducer.transform(part, seen) for part, seen in zip(values, valid, strict=True)]
    fields = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
    if isinstance(graph, WindowGraph):
        return (network(fields) / trained.temperature).numpy()
    rows, cols = (side - network.window + 1 for side in fields.shape[2:])
    corners = torch.arange(rows)[:, None] * fields.shape[3] + torch.arange(cols)
    logits = network(cut(fields[0], corners.flatten(), network.window)) / trained.temperature
    return logits.T.reshape(1, -1, rows, cols).numpy()

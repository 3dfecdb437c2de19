"""The trained model of a run: written, and read back to predict with."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra.utils import instantiate
from safetensors import SafetensorError
from safetensors.torch import load as from_bytes
from safetensors.torch import save as to_bytes

from hsi import files
from hsi.engine.contract import WindowClassifier
from hsi.errors import HsiError
from hsi.reduce import Reducer
from hsi.runs.identity import plain
from hsi.runs.result import Result


def save_model(folder: Path, result: Result) -> None:
    """Write model.safetensors (weights and reducer) and bundle.json (how to build the network, what it has seen)."""
    tensors = {f"model.{name}": value.cpu().contiguous() for name, value in result.model.state_dict().items()}
    tensors |= {
        f"reducer.{name}": torch.as_tensor(np.ascontiguousarray(value))
        for name, value in vars(result.features.reducer).items()
    }
    files.write(folder / "model.safetensors", to_bytes(tensors))
    scene, config = result.scene, plain(result.config)
    description = {
        "format": 1,
        "model": config["model"],
        "engine": config["engine"],
        "map": config["map"],
        "temperature": result.temperature,
        "components": result.features.image.shape[2],
        "scene": scene.name,
        "bands": scene.bands,
        "dtype": str(scene.cube.dtype),
        "wavelengths_nm": None if scene.wavelengths is None else scene.wavelengths.tolist(),
        "class_names": list(scene.class_names),
        "colours": list(scene.colours),
        "label_values": list(scene.label_values),
    }
    files.write_json(folder / "bundle.json", description)


def load_model(folder: Path) -> tuple[WindowClassifier, Reducer, dict[str, Any]]:
    """Read back what `save_model` wrote: (network in evaluation mode, reducer, description)."""
    description = files.read_json(folder / "bundle.json")
    foreign = [t for t in _targets(description) if not t.startswith("hsi.")]
    if foreign:
        raise HsiError(f"{folder / 'bundle.json'} asks to run {foreign[0]}, which is no part of hsi: it is not loaded")
    model: WindowClassifier = instantiate(
        description["model"],
        in_channels=description["components"],
        num_classes=len(description["class_names"]),
    )
    weights = folder / "model.safetensors"
    try:
        tensors = from_bytes(weights.read_bytes())
    except (OSError, SafetensorError) as error:
        raise HsiError(f"{weights} is missing or damaged: repeat the run with force=true") from error
    model.load_state_dict({k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")})
    reducer = Reducer(**{k.removeprefix("reducer."): v.numpy() for k, v in tensors.items() if k.startswith("reducer.")})
    return model.eval(), reducer, description


def _targets(tree: Any) -> list[str]:
    """Every `_target_` in nested dictionaries and lists."""
    if isinstance(tree, dict):
        return [str(v) for k, v in tree.items() if k == "_target_"] + [t for v in tree.values() for t in _targets(v)]
    return [t for v in tree for t in _targets(v)] if isinstance(tree, list) else []

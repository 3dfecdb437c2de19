"""What a run leaves behind: write it, open it again, and the model in it to predict with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from safetensors import SafetensorError
from safetensors.torch import load as from_bytes
from safetensors.torch import save as to_bytes

from hsi import files
from hsi.cost import Cost
from hsi.download import file_checksum
from hsi.errors import HsiError
from hsi.evaluate import Evaluation, scene_hash
from hsi.folder import CHECKPOINT, METRICS, config_hash, load_config, plain
from hsi.mapping import Prediction
from hsi.models.contract import WindowClassifier
from hsi.plots import canvas
from hsi.plots.calibration import draw_reliability, draw_risk_coverage
from hsi.plots.leakage import draw_leakage
from hsi.plots.maps import draw_map
from hsi.plots.scores import draw_confusion, draw_history
from hsi.reduce import Features, Reducer
from hsi.scene import Scene
from hsi.split import TEST, Split, load_split, save_split

# files whose checksums stand in metrics.json, so that `hsi.verify` sees any later change
EVIDENCE = (
    "map.npy",
    "confidence.npy",
    "probabilities.npy",
    "split.npz",
    "confusion.csv",
    "history.csv",
    "model.safetensors",
    "bundle.json",
)


@dataclass(frozen=True)
class Result:
    """All that the chain has made: the value that `write` turns into files."""

    config: DictConfig
    choices: dict[str, str]  # group -> name, as chosen
    scene: Scene
    split: Split
    features: Features
    model: WindowClassifier
    cost: Cost | None  # None for a scikit-learn estimator, whose size follows from the training pixels
    history: pd.DataFrame
    temperature: float  # by which the logits are divided
    prediction: Prediction
    evaluation: Evaluation
    seconds: dict[str, float]
    environment: dict[str, Any]


def write(folder: Path, result: Result) -> None:
    """Write every file of a finished run, metrics.json last, and drop the checkpoint."""
    scene, split, prediction, scores = result.scene, result.split, result.prediction, result.evaluation.scores
    title = f"{scene.name}, {result.choices['model']}, seed {result.config.seed}: OA {scores.oa:.2%}"
    files.write_array(folder / "map.npy", prediction.class_map)
    files.write_array(folder / "confidence.npy", prediction.confidence)
    (folder / "probabilities.npy").unlink(missing_ok=True)  # of an earlier run that kept them
    if prediction.probabilities is not None:
        files.write_array(folder / "probabilities.npy", prediction.probabilities)
    save_split(folder / "split.npz", split)
    names = list(scene.class_names)
    files.write(folder / "confusion.csv", pd.DataFrame(scores.confusion, names, names).to_csv())
    files.write(folder / "history.csv", result.history.to_csv(index=False))
    canvas.save(draw_map(scene, prediction.class_map, split.role == TEST, title), folder / "map.png")
    canvas.save(draw_confusion(scores.confusion, names, title), folder / "confusion.png")
    canvas.save(draw_history(result.history), folder / "history.png")
    canvas.save(draw_leakage(result.evaluation.leakage), folder / "leakage.png")
    canvas.save(draw_reliability(result.evaluation.calibration), folder / "reliability.png")
    canvas.save(draw_risk_coverage(result.evaluation.calibration), folder / "risk_coverage.png")
    save_model(folder, result)
    files.write_json(folder / "environment.json", result.environment)
    files.write_json(folder / METRICS, describe(folder, result))
    (folder / CHECKPOINT).unlink(missing_ok=True)


def describe(folder: Path, result: Result) -> dict[str, Any]:
    """The content of metrics.json, once all other files are in `folder`; accuracies are fractions."""
    evaluation, cost, environment = result.evaluation.as_json(), result.cost, result.environment
    evaluation["calibration"]["temperature"] = result.temperature
    return {
        **evaluation,
        "seconds": result.seconds,
        "seed": result.config.seed,
        "model": result.choices["model"],
        "scene": result.scene.name,
        "scene_hash": scene_hash(result.scene),
        "split_hash": result.split.hash,
        "split_notes": list(result.split.notes),
        "parameters": cost and cost.parameters,
        "multiply_adds_per_pixel": cost and {"window_by_window": cost.whole, "shared": cost.shared},
        "data": dict(result.scene.checksums),
        "files": {name: file_checksum(folder / name) for name in EVIDENCE if (folder / name).exists()},
        "precision": environment["precision"],
        "device": environment["device"],
        "processor": environment["processor"],
        "threads": environment["threads"],
        "code": environment["code"],
        "python": environment["python"],
        "libraries": environment["packages"],
        "command": environment["command"],
        "choices": result.choices,
        "config_hash": config_hash(result.config),
        "config": plain(result.config),
    }


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


@dataclass(frozen=True)
class Run:
    """A finished run, opened: what the notebook and the comparisons read."""

    folder: Path
    config: DictConfig
    metrics: dict[str, Any]
    class_map: np.ndarray
    confidence: np.ndarray
    split: Split
    confusion: pd.DataFrame
    history: pd.DataFrame

    def load_scene(self, data_dir: str | Path | None = None) -> Scene:
        """The scene that the run classified; `data_dir` says where its files are now, if they have moved."""
        moved = {} if data_dir is None else {"data_dir": str(data_dir)}
        scene: Scene = instantiate(OmegaConf.merge(self.config, moved).scene)
        return scene


def open_run(folder: str | Path) -> Run:
    """Open a run directory; raises HsiError when there is no finished run in it."""
    folder = Path(folder)
    metrics = files.read_json(folder / METRICS)
    return Run(
        folder=folder,
        config=load_config(folder),
        metrics=metrics,
        class_map=np.load(folder / "map.npy", allow_pickle=False),
        confidence=np.load(folder / "confidence.npy", allow_pickle=False),
        split=load_split(folder / "split.npz"),
        confusion=pd.read_csv(folder / "confusion.csv", index_col=0),
        history=pd.read_csv(folder / "history.csv"),
    )

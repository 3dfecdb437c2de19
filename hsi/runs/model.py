"""A trained model as a value: it maps scenes, refuses those that it does not fit, and lies in two files.

model.safetensors holds weights and reducer, bundle.json how to build the network and what it was trained on.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as from_bytes
from safetensors.torch import save as to_bytes

from hsi import files
from hsi.config.build import build
from hsi.config.saved import vet
from hsi.engine.contract import WindowClassifier
from hsi.engine.device import Device, resolve_device
from hsi.engine.forward import Engine, as_image
from hsi.errors import HsiError
from hsi.mapping.scene_map import MapSettings, Prediction, map_scene
from hsi.models.building import build_model
from hsi.reduce import Reducer
from hsi.runs.sensor import Sensor, require_fit
from hsi.scene import Scene

FORMAT = 2
BUNDLE, WEIGHTS = "bundle.json", "model.safetensors"


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A network, all that it needs to map a scene, and what it was trained on.

    Parameters
    ----------
    temperature
        By which the logits are divided; 1 where none was fitted.
    scene
        Name of the scene that it was trained on.
    class_names, colours, label_values
        Of class 1..K, as in `hsi.scene.Scene`.
    """

    network: WindowClassifier
    reducer: Reducer
    engine: Engine
    settings: MapSettings
    temperature: float
    scene: str
    sensor: Sensor
    class_names: tuple[str, ...]
    colours: tuple[str, ...]
    label_values: tuple[int, ...]

    def check(self, scene: Scene) -> None:
        """Raise HsiError, which says how, where a scene does not fit: its bands, wavelengths or values."""
        require_fit(scene, self.sensor, self.scene)

    def without_values(self) -> "TrainedModel":
        """The same model, whose `check` looks at bands and wavelengths and not at values."""
        return replace(self, sensor=replace(self.sensor, quantiles=None))

    def map(self, scene: Scene, device: Device = "auto") -> Prediction:
        """Map a whole scene, which meets the reducer of the training; rejects one that does not fit."""
        self.check(scene)
        return self.map_image(as_image(self.reducer.transform(scene.cube), resolve_device(device)))

    def map_image(self, image: torch.Tensor, region: np.ndarray | None = None) -> Prediction:
        """Map an image (C, rows, cols) float32 that has been reduced; `region` as in `hsi.mapping.scene_map`."""
        return map_scene(
            self.engine.lay_out(self.network.to(image.device)),
            image,
            engine=self.engine,
            settings=self.settings,
            region=region,
            temperature=self.temperature,
        )

    def name_classes_of(self, scene: Scene) -> Scene:
        """The scene with the classes of this model and without labels, as its map is to be drawn."""
        return replace(
            scene,
            labels=np.zeros_like(scene.labels),
            label_values=self.label_values,
            class_names=self.class_names,
            colours=self.colours,
        )


def save_model(folder: Path, trained: TrainedModel, config: Mapping[str, Any]) -> None:
    """Write both files; `config`, as in metrics.json, says how model, engine and mapping are built."""
    tensors = {f"model.{name}": value.cpu().contiguous() for name, value in trained.network.state_dict().items()}
    tensors |= {
        f"reducer.{name}": torch.as_tensor(np.ascontiguousarray(value)) for name, value in vars(trained.reducer).items()
    }
    files.write(folder / WEIGHTS, to_bytes(tensors))
    description = {
        "format": FORMAT,
        "model": config["model"],
        "engine": {**config["engine"], **asdict(trained.engine)},
        "map": config["map"],
        "temperature": trained.temperature,
        "components": trained.reducer.weights.shape[1],
        "scene": trained.scene,
        **trained.sensor.as_json(),
        "class_names": list(trained.class_names),
        "colours": list(trained.colours),
        "label_values": list(trained.label_values),
    }
    files.write_json(folder / BUNDLE, description)


def load_model(folder: Path, trust: Collection[str] = ()) -> TrainedModel:
    """Read back what `save_model` wrote, network in evaluation mode; `trust` names callables beside those of hsi.

    Raises HsiError: missing or damaged files, or a description that asks for more than a model of this version.
    """
    path = folder / BUNDLE
    bundle = files.read_json(path)
    model = vet(bundle.get("model"), "model", path, trust)
    if "pretrained" in model:
        model["pretrained"] = False  # the weights lie beside it
    engine, settings = (vet(bundle.get(group), group, path) for group in ("engine", "map"))
    try:
        sensor = Sensor.from_json(bundle)
        names = tuple(str(name) for name in bundle["class_names"])
        network = build_model(model, int(bundle["components"]), len(names))
        network.load_state_dict(_tensors(folder / WEIGHTS, "model."))
        reducer = Reducer(**{name: value.numpy() for name, value in _tensors(folder / WEIGHTS, "reducer.").items()})
        return TrainedModel(
            network=network.eval(),
            reducer=reducer,
            engine=build(engine, "engine"),
            settings=build(settings, "map"),
            temperature=float(bundle["temperature"]),
            scene=str(bundle["scene"]),
            sensor=sensor,
            class_names=names,
            colours=tuple(str(colour) for colour in bundle["colours"]),
            label_values=tuple(int(value) for value in bundle["label_values"]),
        )
    except (KeyError, TypeError, ValueError, RuntimeError, OverflowError) as error:
        reason = " ".join(str(error).split())[:120]
        raise HsiError(
            f"{path} and {WEIGHTS} do not fit together or are damaged ({reason}): repeat the run with force=true"
        ) from error


def _tensors(path: Path, prefix: str) -> dict[str, torch.Tensor]:
    try:
        tensors = from_bytes(path.read_bytes())
    except (OSError, SafetensorError) as error:
        raise HsiError(f"{path} is missing or damaged: repeat the run with force=true") from error
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

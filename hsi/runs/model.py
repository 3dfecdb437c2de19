"""A trained model as a value: it maps scenes, refuses those that it does not fit, and lies in two files.

model.safetensors holds weights and reducer, bundle.json how to build the network and what it was trained on.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import Field
from safetensors.torch import load as from_bytes
from safetensors.torch import save as to_bytes
from torch.nn.modules.module import register_module_parameter_registration_hook

from hsi import files
from hsi.config.build import TARGET, build, check_value
from hsi.config.saved import vet
from hsi.config.values import Positive
from hsi.engine.contract import WindowClassifier
from hsi.engine.device import Device
from hsi.engine.forward import Engine
from hsi.errors import HsiError, shown
from hsi.mapping.scene_map import MapSettings, Prediction, map_scene
from hsi.mapping.unknown import tables_as_json, tables_from_json
from hsi.models.building import build_model
from hsi.reduce import Reducer
from hsi.runs.adapt import adapt
from hsi.runs.applied import Application, Options
from hsi.runs.sensor import Sensor
from hsi.scene import Scene

FORMAT = 2
BUNDLE, WEIGHTS = "bundle.json", "model.safetensors"
LARGEST = 2**35  # bytes of weights
HIGHEST = 1e18  # of what a reducer subtracts and multiplies by: its image has to fit into float32
SPARE = 100  # weights that a network may make and drop again while it is built

Name = Annotated[str, Field(min_length=1, max_length=200, description="names of 1 to 200 signs")]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$", description="colours '#rrggbb'")]
DESCRIBED: dict[str, Any] = {  # what bundle.json says as plain values
    "temperature": Positive,
    "scene": Name,
    "class_names": tuple[Name, ...],
    "colours": tuple[Colour, ...],
    "label_values": tuple[int, ...],
}


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
    unknown
        How sure it was of its validation pixels, see `hsi.mapping.unknown.evidence_table`; None without such pixels.
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
    unknown: Mapping[str, np.ndarray] | None = None

    def adapt(self, scene: Scene, *, resample: bool = False, scale: float = 1.0, accept_range: bool = False) -> Scene:
        """The scene with the bands, wavelengths and values that the model takes, see `hsi.runs.adapt.adapt`.

        Raises HsiError, which says how, where it does not fit.
        """
        self.require_spectra()
        return adapt(scene, self.sensor, self.scene, resample=resample, scale=scale, accept_range=accept_range)

    def require_spectra(self) -> None:
        """Raise HsiError where the model knows pixels by row and column alone."""
        if self.reducer.by_place:
            raise HsiError(
                f"this model knows the pixels of {shown(self.scene)} by row and column, which say nothing about any "
                "other scene: its own map is in its run, for another scene choose a model that reads spectra"
            )

    def map(self, scene: Scene, device: Device = "auto", region: np.ndarray | None = None) -> Prediction:
        """Map a whole scene, block by block, which meets the reducer of the training; rejects one that does not fit.

        `region` (rows, cols) masks windows as in training.
        """
        keep, memory = self.settings.save_probabilities, self.engine.memory_gb
        return Application((self,), scene, Options(probabilities=keep, memory_gb=memory), device, region).map()

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


def save_model(folder: Path, trained: TrainedModel, config: Mapping[str, Any]) -> None:
    """Write both files; `config`, as in metrics.json, says how model, engine and mapping are built."""
    tensors = {f"model.{name}": value.cpu().contiguous() for name, value in trained.network.state_dict().items()}
    tensors |= {
        f"reducer.{name}": torch.as_tensor(np.ascontiguousarray(value)) for name, value in vars(trained.reducer).items()
    }
    files.write(folder / WEIGHTS, to_bytes(tensors))
    files.write_json(folder / BUNDLE, describe_model(trained, config))


def describe_model(trained: TrainedModel, config: Mapping[str, Any]) -> dict[str, Any]:
    """The content of bundle.json; `config` as in `save_model`."""
    return {
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
        "unknown": tables_as_json(trained.unknown),
    }


def load_model(folder: Path, trust: Collection[str] = ()) -> TrainedModel:
    """Read back what `save_model` wrote, network in evaluation mode; `trust` names callables beside those of hsi.

    Raises HsiError: missing or damaged files, or a description that asks for more than a model of this version.
    """
    path = folder / BUNDLE
    bundle = files.read_json(path)
    if bundle.get("format") not in (1, FORMAT):
        raise HsiError(
            f"{path} is of format {shown(bundle.get('format'))}, not one that this version reads: update hsi"
        )
    model = vet(bundle.get("model"), "model", path, trust)
    if "pretrained" in model:
        model["pretrained"] = False  # the weights lie beside it
    engine, settings = (vet(bundle.get(group), group, path) for group in ("engine", "map"))
    described = {key: check_value(hint, bundle.get(key), f"{path}: {key}") for key, hint in DESCRIBED.items()}
    content = files.read_bytes(folder / WEIGHTS, LARGEST)
    try:
        _require_as_many(described)
        tensors = from_bytes(content)
        sensor = Sensor.from_json(bundle)
        reducer = _reducer(tensors, sensor.bands)
        return TrainedModel(
            network=_network(model, reducer.weights.shape[1], len(described["class_names"]), tensors),
            reducer=reducer,
            engine=build(engine, "engine"),
            settings=build(settings, "map"),
            sensor=sensor,
            unknown=tables_from_json(bundle.get("unknown")),
            **described,
        )
    except HsiError as error:
        raise type(error)(f"{path}: {error}") from error
    except Exception as error:  # networks and tensors that are no run's fail in whatever way
        raise HsiError(
            f"{path} and {WEIGHTS} do not fit together or are damaged ({shown(error, 120)}): repeat the run with "
            "force=true"
        ) from error


def _require_as_many(described: Mapping[str, Any]) -> None:
    """ValueError unless each class has a name of its own, a colour and a value."""
    names = described["class_names"]
    if not len(set(names)) == len(names) == len(described["colours"]) == len(described["label_values"]) > 0:
        raise ValueError("class names, colours and label values are not one each")


def _reducer(tensors: Mapping[str, torch.Tensor], bands: int) -> Reducer:
    reducer = Reducer(**{name: value.numpy() for name, value in _part(tensors, "reducer.").items()})
    shapes = reducer.mean.shape, reducer.weights.shape[:1], reducer.weights.ndim
    if shapes != ((bands,), (bands,), 2) or not (reducer.by_place or 0 < reducer.weights.shape[1] <= bands):
        raise ValueError(f"the reducer is not one of {bands} bands")
    floats = reducer.mean.dtype.kind == reducer.weights.dtype.kind == "f"
    if not floats or max(np.abs(reducer.mean).max(), np.abs(reducer.weights).max()) > HIGHEST:
        raise ValueError("the reducer holds other numbers")
    return reducer


def _network(
    description: Mapping[str, Any], components: int, classes: int, tensors: Mapping[str, torch.Tensor]
) -> WindowClassifier:
    """The network with its weights, in evaluation mode.

    It is built on the meta device first, where nothing takes memory: a description may ask for more than the file
    holds. Not so networks that need not run there: what the user trusts, and those of timm, whose sizes are its own.
    """
    weights = _part(tensors, "model.")
    name = str(description[TARGET])
    if name.startswith("hsi.") and not name.endswith(".from_timm"):
        with torch.device("meta"), _at_most(SPARE + 2 * len(weights)):
            shadow = build_model(description, components, classes)
        for part, value in shadow.named_parameters():
            if part not in weights or weights[part].shape != value.shape:
                raise ValueError(f"{part} is not of shape {tuple(value.shape)}")
    network = build_model(description, components, classes)
    network.load_state_dict(weights)
    return network.eval()


@contextmanager
def _at_most(most: int) -> Iterator[None]:
    """ValueError as soon as networks that are built here register more than so many weights: some take their time."""
    made = 0

    def count(*_: object) -> None:
        nonlocal made
        made += 1
        if made > most:
            raise ValueError(f"the network has more than {most} weights, more than lie beside it")

    handle = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        handle.remove()


def _part(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """The tensors whose names begin so, without that beginning; ValueError: one has no finite values."""
    found = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
    for name, value in found.items():
        if not value.isfinite().all():
            raise ValueError(f"{name} has values that are no numbers")
    return found

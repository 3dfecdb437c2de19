"""The chain as a function, without Hydra: reduce, fit, map and evaluate a scene under a split."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch

from hsi.cube import LazyCube
from hsi.engine.contract import WindowClassifier
from hsi.engine.cost import Cost, cost
from hsi.engine.device import Device, resolve_device, seed_everything
from hsi.engine.forward import Engine
from hsi.engine.mosaic import gather_tiles
from hsi.engine.nodata import fill
from hsi.engine.samples import Bands, Samples, gather
from hsi.errors import HsiError
from hsi.evaluation.evaluation import evaluate
from hsi.mapping.scene_map import MapSettings, Prediction, symmetric_logits
from hsi.mapping.unknown import evidence_table
from hsi.reduce import Features
from hsi.reports.terminal import introduce
from hsi.runs.model import TrainedModel
from hsi.runs.result import Result
from hsi.runs.sensor import sensor_of
from hsi.scene import Scene
from hsi.scenes.assemble import require_classes
from hsi.splits.roles import VALIDATION, Split
from hsi.training.checkpoint import Checkpoint
from hsi.training.fitted import Training
from hsi.training.temperature import best_temperature


@dataclass(frozen=True)
class Recipe:
    """How a scene is classified: every choice but scene, split, and the seed that sets all others.

    Parameters
    ----------
    reduce
        Called with the cube (rows, cols, bands), the split, and `valid`, (rows, cols) bool; gives `Features`.
    model
        Called with the numbers of components and of classes; gives a network, see `hsi.models.building`.
    training
        How the network learns, see `hsi.training.fitted`.
    """

    reduce: Callable[..., Features]
    model: Callable[[int, int], WindowClassifier]
    training: Training
    engine: Engine
    settings: MapSettings
    name: str = "model"  # of the model, for messages
    window: int | None = None  # side of the windows, where it is known before there is a network
    start_seed: int | None = None  # of the first weights, where it is not that of all
    order_seed: int | None = None  # of the order of the pixels, augmentation and dropout, likewise

    def require_room(self, scene: Scene) -> None:
        """Raise HsiError where the windows are larger than a scene: before a network of that size is made."""
        if self.window is not None and self.window > min(scene.rows, scene.cols):
            raise HsiError(
                f"patch_size={self.window} is larger than the scene of {scene.rows} x {scene.cols} pixels: choose a "
                "smaller window"
            )


@dataclass(frozen=True, eq=False)
class Trained:
    """What training has made of a scene.

    Parameters
    ----------
    samples
        What it saw; its image, (C, rows, cols) float32, is the scene reduced, or of a scene on disk a mosaic of tiles.
    cost, history, device, precision
        As in `hsi.runs.result.Result`.
    seconds
        Wall time: ``load`` (reducing and building), ``train``.
    """

    model: TrainedModel
    samples: Samples
    cost: Cost | None
    history: pd.DataFrame
    seconds: Mapping[str, float]
    device: str
    precision: str


def train(
    scene: Scene,
    split: Split,
    recipe: Recipe,
    *,
    seed: int = 0,
    device: Device = "auto",
    checkpoint: Checkpoint | None = None,
    ready: Callable[[], object] | None = None,
) -> Trained:
    """Reduce and fit; test pixels are not needed.

    Training resumes from `checkpoint` where there is one. `ready` is called when all is built and nothing has been
    trained yet. Raises HsiError: fewer than two classes, or whatever of the
    recipe does not fit the scene.
    """
    require_classes(scene)
    recipe.require_room(scene)
    _require_validation(recipe.settings, split)
    started = time.monotonic()
    chosen = resolve_device(device)
    start, order = (seed if own is None else own for own in (recipe.start_seed, recipe.order_seed))
    seed_everything(start)
    features = recipe.reduce(scene.cube, split, valid=scene.valid)
    network = recipe.model(features.components, scene.num_classes)
    costs = cost(network, scene.rows, scene.cols)
    precision = recipe.training.precision_on(chosen)
    introduce(scene, split, features, recipe.name, costs, chosen.type, precision)
    network = recipe.engine.lay_out(network.to(chosen))
    samples = _samples(scene, split, features, network.window, recipe.engine, chosen)
    loaded = time.monotonic() - started

    if ready:
        ready()
    if order != start:  # or dropout would follow the seed of the first weights
        seed_everything(order)
    fitted = recipe.training.fit(network, samples, recipe.engine, order, checkpoint)
    model = TrainedModel(
        network=network,
        reducer=features.reducer,
        engine=recipe.engine,
        settings=recipe.settings,
        temperature=1.0,
        scene=scene.name,
        sensor=sensor_of(scene),
        class_names=scene.class_names,
        colours=scene.colours,
        label_values=scene.label_values,
    )
    return Trained(
        model=_with_validation(model, samples),
        samples=samples,
        cost=costs,
        history=fitted.history,
        seconds={"load": loaded, "train": fitted.seconds},
        device=torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else "cpu",
        precision=precision,
    )


def classify(
    scene: Scene,
    split: Split,
    recipe: Recipe,
    *,
    seed: int = 0,
    device: Device = "auto",
    checkpoint: Checkpoint | None = None,
    ready: Callable[[], object] | None = None,
) -> Result:
    """Reduce, fit, map, evaluate: `train`, and what its model makes of the whole scene.

    Rows and columns at the edges that hold no data are cut off before, and put back into the map.
    """
    inner, place = with_data(scene)
    part = split.part(*place)
    trained = train(inner, part, recipe, seed=seed, device=device, checkpoint=checkpoint, ready=ready)
    found = _map(inner, part, trained.model, trained.samples, device)
    prediction = found.laid_into(scene.labels.shape, place, scene.valid)
    window, context = trained.model.network.window, recipe.settings.context
    return Result(
        scene=scene,
        split=split,
        seed=seed,
        trained=trained.model,
        cost=trained.cost,
        history=trained.history,
        prediction=prediction,
        evaluation=evaluate(scene, split, prediction.class_map, prediction.confidence, window, context),
        seconds={**trained.seconds, "map": prediction.seconds},
        device=trained.device,
        precision=trained.precision,
    )


def follow(scene: Scene, split: Split, model: TrainedModel, device: Device = "auto") -> tuple[TrainedModel, Prediction]:
    """What follows from the weights of a model that was trained on a scene under a split.

    Returns the model with its temperature and its evidence found again, and the map of the scene: both as `classify`
    made them, to the byte on the same machine.
    """
    inner, place = with_data(scene)
    part = split.part(*place)
    chosen = resolve_device(device)
    seen = replace(model, network=model.engine.lay_out(model.network.to(chosen)))
    features = Features(inner.cube, model.reducer, inner.valid)
    samples = _samples(inner, part, features, seen.network.window, seen.engine, chosen)
    again = _with_validation(seen, samples)
    return again, _map(inner, part, again, samples, device).laid_into(scene.labels.shape, place, scene.valid)


def with_data(scene: Scene) -> tuple[Scene, tuple[slice, slice]]:
    """The smallest part of a scene that has all its data, and where it lies."""
    if scene.valid is None:
        raise HsiError(f"scene {scene.name}: scene.drop_bands=model is for hsi predict: choose auto, none or ranges")
    used = [np.flatnonzero(scene.valid.any(axis=axis)) for axis in (1, 0)]
    place = slice(int(used[0][0]), int(used[0][-1]) + 1), slice(int(used[1][0]), int(used[1][-1]) + 1)
    return (scene if scene.valid[place].shape == scene.valid.shape else scene.part(*place)), place


def _map(scene: Scene, split: Split, model: TrainedModel, samples: Samples, device: Device) -> Prediction:
    """The map of a scene that has data up to its edges; `samples` as training saw them."""
    if isinstance(scene.cube, LazyCube):
        return model.map(scene, device, split.region)
    region = samples.region
    return model.map_image(samples.image, None if region is None else region.cpu().numpy())


def _samples(
    scene: Scene, split: Split, features: Features, window: int, engine: Engine, device: torch.device
) -> Samples:
    """What training may see: the whole scene reduced, or of a scene on disk what its windows need."""
    valid, reducer = scene.valid, features.reducer
    assert valid is not None
    bands = Bands(reducer.mean, np.diag(reducer.weights)) if reducer.by_band else None
    if not isinstance(scene.cube, LazyCube):
        samples = gather(features.image, scene.labels, split, scene.num_classes, device)
        image, region = fill(samples.image, valid, window, engine.padding, samples.region)
        return replace(samples, image=image, region=region, bands=bands)
    if engine.padding != "zero" and not valid.all():
        raise HsiError(
            f"scene {scene.name} stays on disk and has pixels without data: choose engine.padding=zero, or raise "
            "scene.memory_gb if it fits into memory"
        )

    def read(rows: slice, cols: slice) -> np.ndarray:
        return reducer.transform(*scene.read(rows, cols))

    found = gather_tiles(read, scene.labels, split, scene.num_classes, device, window=window, padding=engine.padding)
    return replace(found, bands=bands)


def _require_validation(settings: MapSettings, split: Split) -> None:
    """Say before anything is trained that a temperature has nothing to be fitted on."""
    if settings.calibrate == "temperature" and len(split.pixels(VALIDATION)) == 0:
        raise HsiError(
            "map.calibrate=temperature is fitted on validation pixels and the split has none: "
            "set split.validation, for instance to 0.05"
        )


def _with_validation(model: TrainedModel, samples: Samples) -> TrainedModel:
    """The model with what the validation pixels decide: its temperature, and how sure it is of what it knows."""
    if len(samples.validation) == 0:
        return model
    turns = symmetric_logits(
        model.network, samples.image, model.engine, model.settings, samples.region, samples.validation
    )
    logits = torch.stack(list(turns)).numpy()
    targets = samples.targets[samples.validation].cpu().numpy()
    temperature = 1.0 if model.settings.calibrate == "none" else best_temperature(logits, targets)
    return replace(model, temperature=temperature, unknown=evidence_table(logits))

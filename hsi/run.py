"""One experiment: ``python -m hsi.run [key=value ...]``, and ``-m`` for a sweep of them."""

import logging
import time
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig

from hsi.cli.main import main
from hsi.engine.cost import cost
from hsi.engine.device import resolve_device, resolve_precision, seed_everything
from hsi.engine.forward import as_image
from hsi.evaluation.evaluation import evaluate
from hsi.mapping.scene_map import map_scene
from hsi.models.baselines import EstimatorHead
from hsi.output.result import write
from hsi.reports.terminal import conclude, introduce
from hsi.runs.environment import environment
from hsi.runs.folder import CHECKPOINT, claim
from hsi.runs.result import Result
from hsi.scenes.assemble import require_classes
from hsi.training.steps import fit
from hsi.training.temperature import fit_temperature, require_validation

log = logging.getLogger(__name__)


def run(config: DictConfig) -> None:
    """Load, split, reduce, fit, map, evaluate, write."""
    hydra = HydraConfig.get()
    folder = Path(hydra.runtime.output_dir)
    choices = {group: name for group, name in hydra.runtime.choices.items() if not group.startswith("hydra/")}
    if not claim(folder, config, config.force):
        log.info("Finished already, nothing to do (force=true repeats it): %s", folder)
        return
    device = resolve_device(config.device)
    seed_everything(config.seed)
    started = time.monotonic()

    scene = instantiate(config.scene)
    require_classes(scene)
    split = instantiate(config.split)(scene.labels)
    features = instantiate(config.reduce)(scene.cube, split)
    model = instantiate(config.model, in_channels=features.image.shape[2], num_classes=scene.num_classes)
    loading_seconds = time.monotonic() - started
    learns_by_steps = not isinstance(model.head, EstimatorHead)
    price = cost(model, scene.rows, scene.cols) if learns_by_steps else None
    precision = resolve_precision(config.precision if learns_by_steps else "fp32", device)
    introduce(scene, split, choices["model"], price, device.type, precision, folder)

    mapping = instantiate(config.map)
    require_validation(mapping, split)
    image = as_image(features.image, device)
    engine = instantiate(config.engine)
    model = engine.lay_out(model.to(device))
    history, training_seconds = fit(
        model,
        image,
        scene.labels,
        split,
        engine=engine,
        training=instantiate(config.train),
        optimizer=instantiate(config.optimizer),
        schedule=instantiate(config.schedule),
        precision=precision,
        seed=config.seed,
        resume=folder / CHECKPOINT,
    )

    temperature = fit_temperature(model, image, scene.labels, split, engine=engine, mapping=mapping)
    prediction = map_scene(
        model,
        image,
        scene.num_classes,
        engine=engine,
        mapping=mapping,
        region=split.region,
        temperature=temperature,
    )
    result = Result(
        config=config,
        choices=choices,
        scene=scene,
        split=split,
        features=features,
        model=model,
        cost=price,
        history=history,
        temperature=temperature,
        prediction=prediction,
        evaluation=evaluate(scene, split, prediction.class_map, prediction.confidence, model.window, mapping.context),
        seconds={"load": loading_seconds, "train": training_seconds, "map": prediction.seconds},
        environment=environment(device, precision, list(hydra.overrides.task)),
    )
    write(folder, result)
    conclude(folder, result)


if __name__ == "__main__":
    main(run, "config")

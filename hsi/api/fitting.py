"""A model trained on a split of a scene, in one call."""

from typing import Any

from hsi.api.runs import Run
from hsi.api.scenes import Scene, Split
from hsi.config.build import check_value
from hsi.config.values import Seed
from hsi.engine.device import Device
from hsi.errors import WrongInput
from hsi.experiment import classify
from hsi.recipes import SHORT, compose_settings, of_the_run, override, recipe_of
from hsi.runs.result import Record
from hsi.scene import scene_hash


def fit(
    scene: Scene,
    split: Split,
    model: str = "hybridsn",
    *words: str,
    attention: str | None = None,
    seed: int = 0,
    **choices: Any,
) -> Run:
    """Train a model on the training pixels of `split`, map the whole scene, and evaluate the map on the test pixels.

    Parameters
    ----------
    model, attention
        Names of files in conf/model/ and conf/attention/.
    words
        Further overrides as on the command line, such as ``"optimizer.lr=1e-3"``.
    seed
        Of weights, batches and augmentation.
    choices
        Options of groups (``train="few_labels"``), keys of the top (``patch_size=11``, ``device="cpu"``), and by short
        names ``steps``, ``batch_size``, ``learning_rate``, ``components``, ``symmetries``.
    """
    asked = [f"model={model}", *([] if attention is None else [f"+attention={attention}"])]
    asked += [override(SHORT.get(key, key), value) for key, value in choices.items()]
    overrides = [*(scene.overrides or ()), *(split.overrides or ()), *asked, override("seed", seed), *words]
    if of_the_run(overrides) != overrides:
        raise WrongInput("tracking= is for the command, hsi run: leave it out")
    tree, chosen = compose_settings(overrides)
    if scene.overrides is None:
        tree["scene"], chosen["scene"] = {"name": scene.name, "given": scene_hash(scene)}, "arrays"
    if split.overrides is None:
        tree["split"], chosen["split"] = {"given": split.hash}, "roles"
    device = check_value(Device, tree["device"], "device")
    result = classify(scene, split, recipe_of(tree, model), seed=check_value(Seed, tree["seed"], "seed"), device=device)
    prediction = result.prediction
    return Run(
        scene=scene,
        split=split,
        class_map=prediction.class_map,
        confidence=prediction.confidence,
        history=result.history,
        evaluation=result.evaluation,
        trained=result.trained,
        made=(result, Record(tree, chosen, overrides)),
    )

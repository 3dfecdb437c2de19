"""From words to a recipe: the shipped configuration composed, and the stages of the chain built from it.

`hsi.run` is given words by Hydra's command line; whoever calls from Python gives them to `compose_settings`, and both
build what they have with `recipe_of`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from numbers import Real
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from hsi.config.build import DIRECTIVES, TARGET, build, build_as, build_later, check, check_value, described, taken
from hsi.config.faults import explain
from hsi.config.shipped import CONF, TRACKING
from hsi.config.sources import guard_sources
from hsi.config.values import Seed, Window
from hsi.config.window import register_window
from hsi.config.words import require_words
from hsi.engine.device import Precision
from hsi.engine.forward import Engine
from hsi.errors import HsiError
from hsi.experiment import Recipe
from hsi.mapping.scene_map import MapSettings
from hsi.models.building import build_model, require_settings
from hsi.reduce import Features
from hsi.runs.identity import settle
from hsi.scene import Scene
from hsi.splits import alike
from hsi.splits.roles import Split
from hsi.training.fitted import Training
from hsi.training.steps import Steps

SHORT = {  # names in Python for keys below a group
    "steps": "train.steps",
    "batch_size": "train.batch_size",
    "learning_rate": "optimizer.lr",
    "components": "reduce.components",
    "symmetries": "map.symmetries",
}
PLAIN = re.compile(r"(?!(?:null|true|false|inf|nan)$)[A-Za-z_][A-Za-z0-9_./-]*", re.IGNORECASE)  # needs no quotes


def compose_settings(overrides: Sequence[str] = (), command: str = "config") -> tuple[dict[str, Any], dict[str, str]]:
    """Compose the shipped configuration as the command line does; a Hydra application that is running goes on.

    Parameters
    ----------
    overrides
        Words of a command line, such as ``model=svm`` and ``+attention=se``; `override` writes them from values.
    command
        The file under conf/: ``config``, ``predict``, ``audit`` or ``bench``.

    Returns
    -------
    The settled configuration, see `hsi.runs.identity.settle`, whose values `recipe_of` and `hsi.config.build` check;
    and the name chosen in each group.

    Raises
    ------
    HsiError
        An unknown key or choice, or a word that cannot be read.
    """
    register_window()
    guard_sources()
    require_words(overrides, command)
    running = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            config = compose(command, overrides=list(overrides), return_hydra_config=True)
        return settle(config), chosen(config.hydra.runtime.choices)
    except HsiError:
        raise
    except Exception as error:  # Hydra has other kinds beside its own
        if (sentence := explain(error, overrides)) is None:
            raise
        raise HsiError(sentence) from error
    finally:
        GlobalHydra.instance().hydra = running


def chosen(choices: Mapping[str, str]) -> dict[str, str]:
    """The name chosen in each group, those of Hydra and of tracking left out."""
    return {group: name for group, name in choices.items() if group.partition("/")[0] not in ("hydra", TRACKING)}


def of_the_run(words: Sequence[str]) -> list[str]:
    """The words of a command line without those on tracking."""
    return [word for word in words if re.split(r"[.=@]", word.lstrip("+~"), maxsplit=1)[0] != TRACKING]


def override(key: str, value: Any) -> str:
    """A value as a word of a command line: ``train.steps=100``, ``scene.cube="a b.npy"``, ``model.C=[1,10]``."""
    return f"{key}={_written(value)}"


def recipe_of(tree: Mapping[str, Any], name: str) -> Recipe:
    """Build every choice but scene, split, and the seed that sets all others.

    Parameters
    ----------
    tree
        A settled configuration, as `compose_settings` gives it.
    name
        Of the model, for messages.

    Raises
    ------
    HsiError
        A value that is not allowed.
    """
    require_settings(tree["model"])  # not only when there is data
    return Recipe(
        reduce=build_later(Features, tree["reduce"], "reduce"),
        model=partial(build_model, tree["model"]),
        training=_training(tree),
        engine=build_as(Engine, tree["engine"], "engine"),
        settings=build_as(MapSettings, tree["map"], "map"),
        name=name,
        window=check_value(Window | None, tree["model"].get("patch_size"), "model.patch_size"),
        start_seed=check_value(Seed | None, tree.get("start_seed"), "start_seed"),
        order_seed=check_value(Seed | None, tree.get("order_seed"), "order_seed"),
    )


def split_of(scene: Scene, description: Mapping[str, Any]) -> Split:
    """Who of a scene's pixels trains, validates and tests, by a description such as those under conf/split/.

    A way of splitting is given the labels, and the polygons or tiles of the scene where it takes them. The notes of the
    split say, too, which classes have training pixels that teach nothing.

    Raises HsiError: a value that is not allowed, or a scene that it cannot split.
    """
    units = {"polygons": scene.polygons, "tiles": scene.tiles, "tile_names": scene.tile_names}
    half = build_later(Split, description, "split")
    made = half(scene.labels, **taken(description, "split", **units))
    notes = (*made.notes, *alike.notes_on(scene, made))
    return replace(made, notes=tuple(_with_names(note, scene) for note in notes))


def _with_names(note: str, scene: Scene) -> str:
    """A note of a split, which knows classes by their numbers alone."""

    def name(found: re.Match[str]) -> str:
        known = scene.class_names[int(found[1]) - 1] if 0 < int(found[1]) <= scene.num_classes else found[0]
        return found[0] if known == found[0] else f"class {found[1]} ({known})"

    return re.sub(r"\bclass (\d+)\b", name, note)


def _training(tree: Mapping[str, Any]) -> Training:
    """The strategy, given those keys and stages that it takes: an estimator's takes neither steps nor optimizer.

    The other keys are checked like those of `Steps`, so that one command can sweep networks and estimators, and no
    misspelt one passes.
    """
    learning = {
        "optimizer": build_later(Optimizer, tree["optimizer"], "optimizer"),
        "schedule": build_later(LRScheduler, tree["schedule"], "schedule"),
        "precision": check_value(Precision, tree["precision"], "precision"),
    }
    train = described(tree["train"], "train")
    own = taken(train, "train", **train)
    check(Steps, {key: value for key, value in train.items() if key not in (*own, *DIRECTIVES)}, "train")
    made = build({TARGET: train[TARGET], **own}, "train", **taken(train, "train", **learning))
    if not callable(getattr(made, "fit", None)) or not callable(getattr(made, "precision_on", None)):
        raise HsiError(
            f"train._target_={train[TARGET]} makes a {type(made).__name__}: name a hsi.training.fitted.Training"
        )
    training: Training = made
    return training


def _written(value: Any) -> str:
    """A value in the grammar of Hydra's command line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{_written(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_written, value))}]"
    if isinstance(value, Real):
        return str(value)
    text = str(value)
    if PLAIN.fullmatch(text):
        return text
    # within quotes no sign means anything else; only backslashes before a quote are special
    escaped = re.sub(r'(\\*)("|$)', lambda found: 2 * found[1] + found[2].replace('"', '\\"'), text)
    return f'"{escaped}"'

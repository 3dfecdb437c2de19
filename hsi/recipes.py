"""From words to a recipe: the shipped configuration composed, and the stages of the chain built from it.

`hsi.run` is given words by Hydra's command line; whoever calls from Python gives them to `compose_settings`, and both
build what they have with `recipe_of`.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from numbers import Real
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from hsi.config.build import TARGET, build, check_value, taken
from hsi.config.faults import explain
from hsi.config.shipped import CONF
from hsi.config.window import register_window
from hsi.engine.device import Precision
from hsi.errors import HsiError
from hsi.experiment import Recipe
from hsi.models.building import build_model
from hsi.runs.identity import settle

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

    Raises HsiError: an unknown key or choice, or a word that cannot be read.
    """
    register_window()
    running = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            config = compose(command, overrides=list(overrides), return_hydra_config=True)
        return settle(config), chosen(config.hydra.runtime.choices)
    except (HydraException, OmegaConfBaseException) as error:
        raise HsiError(explain(error, overrides)) from error
    finally:
        GlobalHydra.instance().hydra = running


def chosen(choices: Mapping[str, str]) -> dict[str, str]:
    """The name chosen in each group, Hydra's own groups left out."""
    return {group: name for group, name in choices.items() if not group.startswith("hydra/")}


def override(key: str, value: Any) -> str:
    """A value as a word of a command line: ``train.steps=100``, ``scene.cube="a b.npy"``, ``model.C=[1,10]``."""
    return f"{key}={_written(value)}"


def recipe_of(tree: Mapping[str, Any], name: str) -> Recipe:
    """Build every choice but scene, split and seed.

    Parameters
    ----------
    tree
        A settled configuration, as `compose_settings` gives it.
    name
        Of the model, for messages.

    Raises HsiError: a value that is not allowed.
    """
    learning = {group: build(tree[group], group) for group in ("optimizer", "schedule")}
    precision = check_value(Precision, tree["precision"], "precision")
    train = tree["train"]
    # a strategy takes what it needs: an estimator's neither steps nor optimizer
    described = {TARGET: train[TARGET], **taken(train, "train", **train)}
    return Recipe(
        reduce=build(tree["reduce"], "reduce"),
        model=partial(build_model, tree["model"]),
        training=build(described, "train", **taken(train, "train", **learning, precision=precision)),
        engine=build(tree["engine"], "engine"),
        settings=build(tree["map"], "map"),
        name=name,
    )


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

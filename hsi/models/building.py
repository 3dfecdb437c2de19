"""A model from its description, which is what a file of conf/model/ holds: a network of ours, or any other module.

``model._target_`` names a class or function. What it returns is a `hsi.engine.contract.WindowClassifier`, or any other
`torch.nn.Module` that turns windows into logits, which is wrapped: then nothing is shared between windows.
"""

import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn

from hsi.config.build import DIRECTIVES, TARGET, as_given, build, check, check_value, locate
from hsi.config.nearest import suggest
from hsi.config.values import Window
from hsi.engine.contract import PlainHead, WindowClassifier
from hsi.engine.cost import activation_floats
from hsi.errors import HsiError
from hsi.models.blocks.stages import Position

log = logging.getLogger(__name__)

MISSING = "???"  # OmegaConf's mark of a value that has to be given
PAGE = "docs/adding_a_model.md"
DATA = ("in_channels", "num_classes")  # parameters that follow from the scene


def build_model(description: Mapping[str, Any] | DictConfig, in_channels: int, num_classes: int) -> WindowClassifier:
    """Build the model of `description` for windows (B, in_channels, P, P) and `num_classes` classes.

    Parameters
    ----------
    description
        ``config.model``, or what a run has saved of it: `_target_` and values for its parameters. `in_channels`,
        `num_classes`, ``patch_size``, ``attention`` and ``attention_position`` go only to callables that take them.

    Raises
    ------
    HsiError
        For a value that is not allowed, a key that the callable does not take, attention where it has no place, and
        what does not turn windows into (B, num_classes) logits.
    """
    settings = _resolved(description)
    name, target = settings[TARGET], locate(settings[TARGET], "model")
    window = settings.get("patch_size", _default(target, "patch_size"))
    given = {"in_channels": in_channels, "num_classes": num_classes}
    names, _, open_ended = _parameters(target)
    given = {key: value for key, value in given.items() if open_ended or key in names}
    model = build(_required(settings, target), "model", **given)
    if isinstance(model, WindowClassifier):
        return model
    if not isinstance(model, nn.Module):
        raise HsiError(
            f"model._target_={name} returns a {type(model).__name__}: it has to be, or return, a torch.nn.Module"
        )
    if window is None:
        raise HsiError(f"model.patch_size has no value yet, and {name} has none of its own: give +model.patch_size=...")
    return wrap(model, in_channels, num_classes, check_value(Window, window, "model.patch_size"), name)


def require_settings(description: Mapping[str, Any] | DictConfig) -> None:
    """Check the values of `description` before there is data; raises HsiError as `build_model` does."""
    settings = _resolved(description)
    target = locate(settings[TARGET], "model")
    kept = _required(settings, target)
    check(target, {key: value for key, value in kept.items() if key not in DIRECTIVES}, "model")


def wrap(module: nn.Module, in_channels: int, num_classes: int, window: int, name: str) -> WindowClassifier:
    """Make a classifier of any module (B, in_channels, window, window) -> (B, num_classes); the log says what it loses.

    `name` is what messages call it. Its state is that of `module`, each name behind ``head.module.``.

    Raises HsiError for another output, and for a module that fails on windows of zeros.
    """
    shape = (in_channels, window, window)
    _require_logits(module, shape, num_classes, name)
    log.info(
        "%s is a plain torch.nn.Module: nothing is shared between windows, so it trains and maps window by window, "
        "which takes longer; %s says how to share its first layers.",
        name,
        PAGE,
    )
    return WindowClassifier(
        nn.Identity(), PlainHead(module, num_classes, _runs_on_meta(module, shape)), in_channels, window
    )


def _resolved(description: Mapping[str, Any] | DictConfig) -> dict[str, Any]:
    """The description as plain values, none missing."""
    plain: Any = OmegaConf.to_container(description, resolve=True) if OmegaConf.is_config(description) else description
    if not isinstance(plain, Mapping):
        raise HsiError(f"model={as_given(plain)}: choose one of the files under conf/model/")
    settings = {
        key: OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
        for key, value in plain.items()
    }
    if settings.get(TARGET, MISSING) == MISSING:
        raise HsiError(
            f"model._target_ has no value yet: give the name of your class, as in model._target_=my_models.Net ({PAGE})"
        )
    for key, value in settings.items():
        if value == MISSING:
            raise HsiError(f"model.{key} has no value yet: give model.{key}=...")
    return settings


def _parameters(target: Callable[..., Any]) -> tuple[list[str], list[str], bool]:
    """Names of the parameters that a callable takes, of those without a default, and whether it takes any other."""
    try:
        parameters = inspect.signature(target).parameters
    except (TypeError, ValueError):  # some callables written in C
        return [], [], True
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    named = {name: parameter for name, parameter in parameters.items() if parameter.kind not in variable}
    required = [name for name, parameter in named.items() if parameter.default is parameter.empty]
    return list(named), required, any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())


def _default(target: Callable[..., Any], name: str) -> Any:
    """The default of a parameter; None where there is no such parameter, or no default."""
    try:
        parameter = inspect.signature(target).parameters[name]
    except (KeyError, TypeError, ValueError):
        return None
    return None if parameter.default is parameter.empty else parameter.default


def _fitting(settings: dict[str, Any], names: list[str], open_ended: bool, own: Any) -> dict[str, Any]:
    """The settings without those keys that every model's configuration has and this callable does not take.

    `own` is the attention that it has by itself.
    """
    name, kept = settings[TARGET], dict(settings)
    called = f"model={name.rpartition('.')[2]}" if name.startswith("hsi.") else name
    attention = settings.get("attention")
    check_value(Position, settings.get("attention_position", "last"), "model.attention_position")
    if attention not in (None, own) and not (isinstance(attention, Mapping) or callable(attention)):
        name = attention if isinstance(attention, str) else "NAME"
        raise HsiError(
            f"model.attention={as_given(attention)}: attention is a group of its own, give +attention={name}"
        )
    if "attention" not in names and (attention is None or not open_ended):
        if attention is not None:
            raise HsiError(f"{called} takes no attention: leave +attention= out")
        kept.pop("attention", None)
        if "attention_position" not in names:
            kept.pop("attention_position", None)
    if "patch_size" not in names and not open_ended:
        kept.pop("patch_size", None)
    return kept


def _required(settings: dict[str, Any], target: Callable[..., Any]) -> dict[str, Any]:
    """The settings that fit `target`; HsiError for keys that somebody's own callable does not take, or lacks."""
    names, required, open_ended = _parameters(target)
    kept = _fitting(settings, names, open_ended, _default(target, "attention"))
    name = settings[TARGET]
    if not name.startswith("hsi."):
        _require_own_keys(name, kept, names, open_ended)
        if missing := [key for key in required if key not in (*kept, *DATA)]:
            raise HsiError(f"{name} needs a value for {missing[0]}: give +model.{missing[0]}=...")
    return kept


def _require_own_keys(name: str, settings: dict[str, Any], names: list[str], open_ended: bool) -> None:
    """Raise HsiError for a key that a user's callable does not take, such as one of another model's file."""
    unknown = [key for key in settings if key not in names and not key.startswith("_") and not open_ended]
    if unknown:
        guess = f" ({suggest(unknown[0], names)})" if names else ""
        raise HsiError(
            f"model.{unknown[0]} is no parameter of {name}{guess}: correct it, or start from model=custom, which sets "
            "no keys of other models"
        )


def _runs_on_meta(module: nn.Module, shape: tuple[int, int, int]) -> bool:
    """Whether its layers can be counted on the meta device, where nothing is computed."""
    try:
        activation_floats(module, shape)
    except Exception:  # whatever a module does that has no meaning without values
        return False
    return True


def _require_logits(module: nn.Module, shape: tuple[int, int, int], num_classes: int, name: str) -> None:
    """Raise HsiError unless the module turns two windows of zeros into logits; also settles what lazy layers take."""
    training = module.training
    device = next((values.device for values in module.parameters()), torch.device("cpu"))
    windows = torch.zeros(2, *shape, device=device)
    wanted = f"its forward has to turn windows (B, {', '.join(map(str, shape))}) into logits (B, {num_classes})"
    try:
        with torch.no_grad():
            logits = module.eval()(windows)
    except Exception as error:  # whatever the user's code raises
        reason = " ".join(str(error).split())
        raise HsiError(f"{name} fails on windows of zeros ({type(error).__name__}: {reason}): {wanted}") from error
    finally:
        module.train(training)
    if not isinstance(logits, Tensor):
        raise HsiError(f"{name} puts out a {type(logits).__name__}: {wanted}")
    if logits.shape != (2, num_classes):
        raise HsiError(f"{name} puts out {tuple(logits.shape)} for two windows: {wanted}")

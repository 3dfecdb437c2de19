"""Stages built from their descriptions: the one place where the values of a configuration are checked.

A description is what a file under conf/ holds: a `_target_`, the dotted name of a callable, and values for its
parameters; with `_partial_: true` the rest of the parameters is given later. The types of the parameters say what is
allowed (`hsi.config.values`).
"""

import difflib
import inspect
import types
import typing
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Annotated, Any, Literal

from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from hsi.config.nearest import suggest
from hsi.errors import HsiError

TARGET, PARTIAL = "_target_", "_partial_"
DIRECTIVES = (TARGET, PARTIAL, "_convert_", "_machine_")  # keys of a description that are no parameters


def build(description: Mapping[str, Any] | DictConfig, key: str, **given: Any) -> Any:
    """Call what `description` names with its values, checked, and with what is `given`, unchecked.

    Parameters
    ----------
    description
        From the configuration, or from a saved one that has passed `hsi.config.saved`.
    key
        Where it stands in the configuration, such as ``train``; messages begin with it.
    given
        What data decides; goes before values of the same name.

    Raises HsiError: a value that is not allowed, a key that the callable does not take, a callable that is not there.
    """
    if isinstance(description, DictConfig):
        description = typing.cast(Mapping[str, Any], OmegaConf.to_container(description, resolve=True))
    settings = {str(k): value for k, value in description.items() if k not in (*DIRECTIVES, *given)}
    if not isinstance(description.get(TARGET), str):
        raise HsiError(f"{key} does not say what to build: choose one of the files under conf/{key}/")
    name: str = description[TARGET]
    target = locate(name, key)
    values = check(target, settings, key)
    if description.get(PARTIAL):
        return partial(target, **values, **given)
    _require_all(target, {**values, **given}, key)
    if name.startswith("hsi."):
        return target(**values, **given)
    try:
        return target(**values, **given)
    except HsiError:
        raise
    except Exception as error:
        raise HsiError(f"{key}: {name} could not be built ({type(error).__name__}: {error}): correct it") from error


def taken(description: Mapping[str, Any], key: str, **offered: Any) -> dict[str, Any]:
    """Those of the offered values that what `description` names has a parameter for."""
    parameters = inspect.signature(locate(description[TARGET], key)).parameters
    return {name: value for name, value in offered.items() if name in parameters}


def locate(name: str, key: str) -> Callable[..., Any]:
    """Import a callable by its dotted name."""
    try:
        found = get_object(name)
    except Exception as error:  # whatever the import of a module raises
        reason = " ".join(str(error).split())
        raise HsiError(f"{key}._target_={name} cannot be imported ({reason}): check the name") from error
    if not callable(found):
        raise HsiError(f"{key}._target_={name} is nothing that can be called: name a function or class")
    return found


def check(target: Callable[..., Any], settings: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Check `settings` against the parameters of `target`, by name; nested descriptions are built."""
    parameters: Mapping[str, inspect.Parameter] = {}
    hints: dict[str, Any] = {}
    try:
        parameters = inspect.signature(target).parameters
        hints = typing.get_type_hints(target.__init__ if inspect.isclass(target) else target, include_extras=True)
    except (TypeError, ValueError, NameError):  # a callable written in C, or types that are not at hand
        pass
    takes_any = not parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    values = {}
    for name, value in settings.items():
        place = f"{key}.{name}" if key else name
        if name not in parameters and not takes_any:
            raise HsiError(f"unknown key {place}: {suggest(name, parameters)}")
        if isinstance(value, Mapping) and TARGET in value:
            values[name] = build(value, place)
        else:
            values[name] = check_value(hints.get(name, Any), value, place)
    return values


def check_value(hint: Any, value: Any, place: str) -> Any:
    """Check one value; returns it in the type of `hint`.

    Raises HsiError: ``place=value: give what is allowed``.
    """
    try:
        return TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True)).validate_python(value)
    except ValidationError as error:
        shown = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
        words = allowed(hint) or error.errors()[0]["msg"]
        known = list(_choices(hint))
        guess = difflib.get_close_matches(str(value), known, 1)
        hint_of_word = f"; did you mean {guess[0]}?" if guess else ""
        verb = "choose" if known else "give"
        raise HsiError(f"{place}={shown}: {verb} {words}{hint_of_word}") from error


def allowed(hint: Any) -> str:
    """What a type allows, in words; empty where there is nothing to say."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        said = [extra.description for extra in parts[1:] if isinstance(extra, FieldInfo) and extra.description]
        return said[-1] if said else allowed(parts[0])
    if origin is Literal:
        return _join([str(part) for part in parts])
    if origin in (typing.Union, types.UnionType):
        return _join([words for part in parts if (words := allowed(part))])
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "a mapping such as {a: b}"
    if isinstance(origin, type) and issubclass(origin, Collection) and origin is not str:
        inner = allowed(parts[0]) if parts else ""
        return f"a list, each {inner}" if inner else "a list"
    simple = {int: "a whole number", float: "a number", bool: "true or false", str: "text", type(None): "null"}
    return simple.get(hint, "")


def _choices(hint: Any) -> typing.Iterator[str]:
    if typing.get_origin(hint) is Literal:
        yield from map(str, typing.get_args(hint))
    elif typing.get_origin(hint) in (typing.Union, types.UnionType, Annotated):
        for part in typing.get_args(hint):
            yield from _choices(part)


def _join(words: list[str]) -> str:
    """'a, b or c', each once."""
    *most, last = dict.fromkeys(words)
    if most and any(" " in word for word in most):
        return f"{', '.join(most)}, or {last}"
    return f"{', '.join(most)} or {last}" if most else last


def _require_all(target: Callable[..., Any], values: Mapping[str, Any], key: str) -> None:
    try:
        parameters = inspect.signature(target).parameters
    except (TypeError, ValueError):
        return
    for name, parameter in parameters.items():
        wanted = parameter.default is parameter.empty and parameter.kind not in (
            parameter.VAR_KEYWORD,
            parameter.VAR_POSITIONAL,
        )
        if wanted and name not in values:
            raise HsiError(f"{key}.{name} has no value yet: give {key}.{name}=...")

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
from typing import Annotated, Any, Literal, TypeVar

from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from hsi.config.nearest import suggest
from hsi.errors import HsiError, shown

TARGET, PARTIAL = "_target_", "_partial_"
DIRECTIVES = (TARGET, PARTIAL, "_convert_", "_machine_")  # keys of a description that are no parameters
LONGEST = 60  # characters of a value in a message
SWITCH = "true or false"

T = TypeVar("T")


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

    Raises
    ------
    HsiError
        A value that is not allowed, a key that the callable does not take, a callable that is not there.
    """
    if isinstance(description, DictConfig):
        description = typing.cast(Mapping[str, Any], OmegaConf.to_container(description, resolve=True))
    description = described(description, key)
    settings = {str(k): value for k, value in description.items() if k not in (*DIRECTIVES, *given)}
    name: str = description[TARGET]
    target = locate(name, key)
    values = check(target, settings, key)
    if description.get(PARTIAL):
        return partial(target, **values, **given)
    _require_all(target, {**values, **given}, key)
    return _call(target, name, key, **values, **given)


def described(description: Any, key: str) -> Mapping[str, Any]:
    """The description, which has to say what to build, and give values to names; HsiError otherwise."""
    if not isinstance(description, Mapping) or TARGET not in description:
        raise HsiError(f"{key} does not say what to build: choose one of the files under conf/{key}/")
    _require_names(description, key)
    return description


def _require_names(settings: Mapping[Any, Any], key: str) -> None:
    if strange := [name for name in settings if not isinstance(name, str)]:
        raise HsiError(f"{key} has the key {as_given(strange[0])}, which is no name: put quotes around it, or drop it")


def build_as(kind: type[T], description: Mapping[str, Any], key: str) -> T:
    """Build what has to be of a kind; parameters and errors as in `build`."""
    return _require_kind(kind, build(description, key), description, key)


def build_later(kind: type[T], description: Mapping[str, Any], key: str) -> Callable[..., T]:
    """Check a description with ``_partial_: true``; what it returns takes the rest, and gives what is of a kind.

    Parameters and errors as in `build`.
    """
    half = build(description, key)
    if not callable(half):
        raise HsiError(f"{key}._target_={description[TARGET]} makes a {type(half).__name__}: {_wanted(kind)}")

    def finish(*given: Any, **more: Any) -> T:
        return _require_kind(kind, _call(half, description[TARGET], key, *given, **more), description, key)

    return finish


def _call(target: Callable[..., Any], name: str, key: str, /, *given: Any, **values: Any) -> Any:
    """Call what a description names; what a foreign one raises is for its user to mend."""
    if name.startswith("hsi."):
        return target(*given, **values)
    try:
        return target(*given, **values)
    except HsiError:
        raise
    except Exception as error:
        raise HsiError(f"{key}: {name} could not be built ({type(error).__name__}: {error}): correct it") from error


def _require_kind(kind: type[T], made: Any, description: Mapping[str, Any], key: str) -> T:
    if not isinstance(made, kind):
        raise HsiError(f"{key}._target_={description[TARGET]} makes a {type(made).__name__}: {_wanted(kind)}")
    return made


def _wanted(kind: type) -> str:
    return f"name what makes a {kind.__module__}.{kind.__qualname__}"


def taken(description: Mapping[str, Any], key: str, **offered: Any) -> dict[str, Any]:
    """Those of the offered values that what `description` names has a parameter for."""
    parameters = inspect.signature(locate(description[TARGET], key)).parameters
    return {name: value for name, value in offered.items() if name in parameters}


def locate(name: str, key: str) -> Callable[..., Any]:
    """Import a callable by its dotted name."""
    if not isinstance(name, str) or not name:
        raise HsiError(f"{key}._target_={as_given(name)}: give the dotted name of a function or class")
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
    if not isinstance(settings, Mapping):
        raise HsiError(f"{key}={as_given(settings)}: give values for its keys, such as {key}.NAME=...")
    _require_names(settings, key)
    parameters: Mapping[str, inspect.Parameter] | None = None
    hints: dict[str, Any] = {}
    try:
        parameters = inspect.signature(target).parameters
        hints = typing.get_type_hints(target.__init__ if inspect.isclass(target) else target, include_extras=True)
    except (TypeError, ValueError, NameError):  # a callable written in C, or types that are not at hand
        pass
    takes_any = parameters is None or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    values = {}
    for name, value in settings.items():
        place = f"{key}.{name}" if key else name
        if not takes_any and name not in (parameters or ()):
            raise HsiError(_unknown(place, name, parameters or {}, settings))
        if isinstance(value, Mapping) and TARGET in value:
            values[name] = build(value, place)
        else:
            values[name] = check_value(hints.get(name, Any), value, place)
    return values


def _unknown(place: str, name: str, parameters: Mapping[str, inspect.Parameter], settings: Mapping[str, Any]) -> str:
    """For a key that a callable does not take; keys without a default, such as a cube, are not the user's to give."""
    known = [other for other, p in parameters.items() if other in settings or _is_setting(p)]
    guess = suggest(name, known) if known else "no key is known there"
    away = "" if guess.startswith("did") else f"; where a file sets it, ~{place} takes it away"
    return f"unknown key {place}: {guess}{away}"


def _is_setting(parameter: inspect.Parameter) -> bool:
    """Whether it is the user's to give: not what data decide, such as a cube or which of its pixels are valid."""
    return parameter.default is not parameter.empty and "ndarray" not in str(parameter.annotation)


def check_value(hint: Any, value: Any, place: str) -> Any:
    """Check one value; returns it in the type of `hint`.

    Raises HsiError: ``place=value: give what is allowed``.
    """
    try:
        return TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True)).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        words = allowed(hint) or first["msg"]
        if first["type"] == "less_than_equal" and (most := f"{first['ctx']['le']:.0f}") not in words:
            words = f"{words}, up to {most}"
        known = list(_choices(hint))
        guess = difflib.get_close_matches(str(value), known, 1)
        hint_of_word = f"; did you mean {guess[0]}?" if guess else ""
        verb = "choose" if known else "give"
        raise HsiError(f"{place}={as_given(value)}: {verb} {words}{hint_of_word}") from error


def as_given(value: Any) -> str:
    """A value as one writes it on the command line, fit for a sentence: see `hsi.errors.shown`."""
    return shown(_written(value), LONGEST)


def _written(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_written(entry)}' for key, entry in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_written, value))}]"
    return str(value)


def allowed(hint: Any) -> str:
    """What a type allows, in words; empty where there is nothing to say."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        said = [extra.description for extra in parts[1:] if isinstance(extra, FieldInfo) and extra.description]
        return said[-1] if said else allowed(parts[0])
    if origin is Literal:
        return _join([str(part) for part in parts])
    if origin in (typing.Union, types.UnionType):
        words = [words for part in parts if (words := allowed(part))]
        return _join([word for text in words for word in (text.split(" or ") if text == SWITCH else [text])])
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "a mapping such as {a: b}"
    if isinstance(origin, type) and issubclass(origin, Collection) and origin is not str:
        inner = allowed(parts[0]) if parts else ""
        return f"a list, each {inner}" if inner else "a list"
    simple = {int: "a whole number", float: "a number", bool: SWITCH, str: "text", type(None): "null"}
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

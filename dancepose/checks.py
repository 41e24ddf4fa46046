"""Checks of plain configuration values against the constructor or dataclass that takes them."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from dancepose.errors import ConfigError, did_you_mean


def read_arguments(
    make: Callable[..., Any], node: Any, where: str, skip: Iterable[str] = ()
) -> dict[str, Any]:
    """Check a plain mapping against the arguments of a class, by name and type.

    Args:
        make: a class; its constructor's type hints say what fits. A dataclass in them takes any mapping.
        node: argument -> value.
        where: path of the node in the configuration, for messages; empty: its keys stand at the top.
        skip: arguments that do not come from the configuration.

    Returns:
        The arguments that were given.

    Raises:
        ConfigError: `node` is no mapping, a key is unknown or missing, or a value has the wrong type.
    """
    if not isinstance(node, Mapping):
        raise ConfigError(f"{where}={node!r}: a group of keys is needed")
    parameters = {k: p for k, p in inspect.signature(make).parameters.items() if k not in set(skip)}
    refuse_unknown(where, node, parameters)
    hints, prefix = get_type_hints(make.__init__), f"{where}." if where else ""
    for key, value in node.items():
        if not fits(value, hints.get(key, Any)):
            hint = hints[key]
            needed = (
                "group of keys" if is_dataclass(hint) else f"value of type {inspect.formatannotation(hint)}"
            )
            raise ConfigError(f"{prefix}{key}={value!r}: a {needed} is needed")
    for key, parameter in parameters.items():
        if parameter.default is parameter.empty and key not in node:
            raise ConfigError(f"{prefix}{key} is missing")
    return dict(node)


def refuse_unknown(where: str, node: Iterable[str], known: Iterable[str]) -> None:
    """Check the names of a group's keys.

    Raises:
        ConfigError: a key is none of `known`; names the nearest.
    """
    names = list(known)
    for key in node:
        if key not in names:
            prefix = f"{where}." if where else ""
            raise ConfigError(f"unknown key {prefix}{key}.{did_you_mean(str(key), names)}")


def default_arguments(make: Callable[..., Any], skip: Iterable[str] = ()) -> dict[str, Any]:
    """Return argument -> default of a class's constructor."""
    parameters = inspect.signature(make).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty and p.name not in set(skip)}


def one_of(where: str, value: str, known: Iterable[str]) -> None:
    """Check a choice.

    Raises:
        ConfigError: `value` is none of `known`; names the nearest.
    """
    names = list(known)
    if value not in names:
        raise ConfigError(
            f"{where}={value}: choose one of {', '.join(names)}.{did_you_mean(str(value), names)}"
        )


def at_least(where: str, value: float, least: float) -> None:
    """Check a number.

    Raises:
        ConfigError: `value` is below `least`.
    """
    if value < least:
        raise ConfigError(f"{where}={value}: it must be at least {least}")


def fits(value: Any, hint: Any) -> bool:
    """Tell whether a plain value has the type that a hint asks for."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin in (Union, UnionType):
        return any(fits(value, a) for a in arguments)
    if origin is Literal:
        return any(value == a and type(value) is type(a) for a in arguments)
    if (origin or hint) in (list, tuple, Sequence):
        return isinstance(value, (list, tuple)) and all(fits(v, a) for v in value for a in arguments[:1])
    if (origin or hint) in (dict, Mapping) or is_dataclass(hint):
        return isinstance(value, Mapping)
    if hint in (None, NoneType):
        return value is None
    if hint in (int, float):  # true is no number, but 1 is a float
        return isinstance(value, (int, hint)) and not isinstance(value, bool)
    return isinstance(value, hint)


def is_simple(hint: Any) -> bool:
    """Tell whether a hint speaks of plain values alone, so that `fits` can decide by it."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal or (origin or hint) in (dict, Mapping):
        return True
    if origin in (Union, UnionType, list, tuple, Sequence):
        return all(a is Ellipsis or is_simple(a) for a in arguments)
    return hint in (Any, None, NoneType, bool, int, float, str, list, tuple, Sequence)


def needed(hint: Any) -> str:
    """Return the words for what a hint asks for: `a number`, `true or false`, ..."""
    parts = set(get_args(hint)) if get_origin(hint) in (Union, UnionType) else {hint}
    parts -= {None, NoneType}
    if parts == {bool}:
        return "true or false"
    if parts == {int}:
        return "a whole number"
    if parts <= {int, float}:
        return "a number"
    if all(get_origin(part) is Literal for part in parts):
        return "one of " + ", ".join(sorted({str(a) for part in parts for a in get_args(part)}))
    return f"a value of type {inspect.formatannotation(hint)}"

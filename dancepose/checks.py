"""Checks of plain configuration values against the constructor or dataclass that takes them."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from dancepose.errors import ConfigError, did_you_mean


def read_arguments(
    make: Callable[..., Any], node: Any, where: str, skip: Iterable[str] = ()
) -> dict[str, Any]:
    """Check a plain mapping against the arguments of a class, by name and type.

    Args:
        make: a class; its constructor's type hints say what fits. A dataclass in them takes any mapping.
        node: argument -> value.
        where: path of the node in the configuration, for messages.
        skip: arguments that do not come from the configuration.

    Returns:
        The arguments that were given.

    Raises:
        ConfigError: `node` is no mapping, a key is unknown or missing, or a value has the wrong type.
    """
    if not isinstance(node, Mapping):
        raise ConfigError(f"{where}={node!r}: a group of keys is needed")
    parameters = {k: p for k, p in inspect.signature(make).parameters.items() if k not in set(skip)}
    hints = get_type_hints(make.__init__)
    for key, value in node.items():
        if key not in parameters:
            raise ConfigError(f"unknown key {where}.{key}.{did_you_mean(str(key), parameters)}")
        if not _fits(value, hints.get(key, Any)):
            hint = hints[key]
            needed = (
                "group of keys" if is_dataclass(hint) else f"value of type {inspect.formatannotation(hint)}"
            )
            raise ConfigError(f"{where}.{key}={value!r}: a {needed} is needed")
    for key, parameter in parameters.items():
        if parameter.default is parameter.empty and key not in node:
            raise ConfigError(f"{where}.{key} is missing")
    return dict(node)


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


def _fits(value: Any, hint: Any) -> bool:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin in (Union, UnionType):
        return any(_fits(value, a) for a in arguments)
    if origin in (list, tuple):
        return isinstance(value, (list, tuple)) and all(_fits(v, arguments[0]) for v in value)
    if hint in (None, NoneType):
        return value is None
    if is_dataclass(hint):
        return isinstance(value, Mapping)
    if hint in (int, float):  # true is no number, but 1 is a float
        return isinstance(value, (int, hint)) and not isinstance(value, bool)
    return isinstance(value, hint)

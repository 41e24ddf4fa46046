"""What a node's `_target_` names: which names are trusted, what they take, and the safe `instantiate`."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, get_type_hints

from omegaconf import OmegaConf

from dancepose.errors import ConfigError, DanceposeError

TRUSTED = ("dancepose.", "torch.optim.", "lightning.pytorch.")
HOMES = (*TRUSTED, "lightning.fabric.")  # where the classes of the trusted names may really live
SCHEDULES = "dancepose.tasks.schedules"


def plain(node: Any) -> Any:
    """Return a config node as plain resolved containers: what checkpoints and constructors get."""
    return OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else node


def instantiate(node: Any, *args: Any, where: str = "", **kwargs: Any) -> Any:
    """Make what a node's `_target_` names, from plain containers, its errors told as ours.

    Args:
        node: a config node or plain mapping with `_target_`; with `_partial_: true` a callable comes back,
            whose errors are told likewise.
        args: positional arguments, passed as they are (Hydra's own function would turn dataclasses into
            configs).
        where: path of the node in the configuration, for messages.
        kwargs: arguments by name; they win over the node's.

    Raises:
        ConfigError: the constructor refused its arguments; names the target.
    """
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate as hydra_instantiate
    from lightning.fabric.utilities.exceptions import MisconfigurationException

    values = plain(node)
    what = f"{where}: {values['_target_']}" if where else values["_target_"]

    def told(make: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return make(*args, **kwargs)
        except InstantiationException as error:
            if isinstance(error.__cause__, DanceposeError):
                raise error.__cause__ from None
            raise ConfigError(f"{what} cannot be made: {error.__cause__ or error}") from error
        except (TypeError, ValueError, ImportError, RuntimeError, MisconfigurationException) as error:
            raise ConfigError(f"{what} cannot be made: {error}") from error

    make = told(hydra_instantiate, {**values, "_partial_": True}, _convert_="all")
    if values.get("_partial_"):
        return lambda *more, **named: told(make, *args, *more, **{**kwargs, **named})
    return told(make, *args, **kwargs)


def check_targets(values: Any, trusted: Sequence[str] = TRUSTED, source: str = "the configuration") -> None:
    """Refuse `_target_`s that no run is made of: a config from a file must not run any code that it names.

    A name below one of `TRUSTED` has to be the class or function itself, not something that a module happens
    to import, and of an allowed kind. The data make their own parts, so nothing inside them may have a
    `_target_`.

    Args:
        values: plain containers: a whole configuration, or a node of it.
        trusted: prefixes; what begins with one that is not in `TRUSTED` is the user's own code and passes.
        source: where the values are from, for messages.

    Raises:
        ConfigError: names the target and how to allow it.
    """
    _check_targets(values, tuple(t for t in trusted if t not in TRUSTED), source, (), False)


def _check_targets(
    values: Any, own: tuple[str, ...], source: str, path: tuple[str, ...], in_data: bool
) -> None:
    if isinstance(values, Mapping):
        target = values.get("_target_")
        is_data = path == ("data",)
        if target is not None and not (isinstance(target, str) and own and target.startswith(own)):
            kind = None if in_data else _kind(target, f"{source}: {'.'.join(path)}")
            if kind is None:
                what = "which the data cannot hold" if in_data else "which is no part of a training"
                raise ConfigError(
                    f"{source} asks to run '{target}', {what} by dancepose, torch.optim or Lightning. If it "
                    "is your own code and you trust the file, allow its package: 'trust=[my_package.]'"
                )
            is_data = is_data or kind == "LightningDataModule"
        for key, value in values.items():
            _check_targets(value, own, source, (*path, str(key)), in_data or is_data)
    elif isinstance(values, (list, tuple)):
        for value in values:
            _check_targets(value, own, source, (*path, "[]"), in_data)


def _kind(target: Any, where: str) -> str | None:
    """Return of which kind of a run's parts a name is, or None; import it if its prefix is allowed."""
    if not isinstance(target, str) or not target.startswith(TRUSTED):
        return None
    found = locate(target, where)
    if inspect.isfunction(found):
        public = found.__module__ == SCHEDULES and found.__qualname__.isidentifier()
        return "schedule" if public and not found.__name__.startswith("_") else None
    if not inspect.isclass(found) or not f"{found.__module__}.{found.__qualname__}".startswith(HOMES):
        return None
    from lightning.pytorch import Callback, LightningDataModule, Trainer
    from lightning.pytorch.loggers import Logger
    from lightning.pytorch.profilers import Profiler
    from lightning.pytorch.strategies import Strategy
    from torch.optim import Optimizer

    kinds = (LightningDataModule, Callback, Logger, Optimizer, Trainer, Strategy, Profiler)
    return next((kind.__name__ for kind in kinds if issubclass(found, kind)), None)


def locate(target: Any, path: str) -> Any:
    """Import what a `_target_` names.

    Raises:
        ConfigError: there is no such thing.
    """
    from hydra.errors import InstantiationException
    from hydra.utils import get_object

    try:
        if not isinstance(target, str):
            raise ValueError("it is no text")
        return get_object(target)
    except (InstantiationException, ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"{path}._target_ names '{target}', which cannot be imported: {error}") from None


def signature_of(found: Any, target: str, path: str) -> Mapping[str, inspect.Parameter]:
    """Return the parameters of what a `_target_` names.

    Args:
        found: what was imported.
        target: its name.
        path: of the node, for messages.

    Raises:
        ConfigError: it cannot be called, or does not say with what.
    """
    try:
        parameters = dict(inspect.signature(found).parameters)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"{path}._target_ names '{target}', which is no class or function with known arguments: {error}"
        ) from None
    parameters.pop("self", None)
    return parameters


def hints_of(found: Any) -> dict[str, Any]:
    """Return argument -> type hint, without those that name what is not there at run time."""
    function = found.__init__ if inspect.isclass(found) else found
    hints: dict[str, Any] = {}
    for name, annotation in getattr(function, "__annotations__", {}).items():
        one = SimpleNamespace(__annotations__={name: annotation})
        try:
            hints |= get_type_hints(one, getattr(function, "__globals__", None))
        except (NameError, TypeError, AttributeError):
            continue
    return hints

"""The check of a composed configuration before anything starts, and the safe `instantiate`.

Hydra refuses an unknown key on the command line, but swallows it behind `+` and in an experiment file. Here
every key has to have a reader: a node with `_target_` is checked against that constructor's signature and
hints, `model` and `skeleton` against their dataclasses, and every other node against what the shipped
configuration composes to for the same choices.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, get_type_hints

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from dancepose.checks import fits, is_simple, needed
from dancepose.errors import ConfigError, DanceposeError, did_you_mean

OPEN_GROUPS = ("callbacks", "logger")  # a new member is welcome if it says its _target_
CHECKED_ELSEWHERE = ("model", "skeleton")  # by the dataclasses of build.py and skeleton.py
GLOBAL_GROUPS = ("experiment", "debug")  # their files write into other nodes
TRUSTED = ("dancepose.", "torch.optim.", "lightning.pytorch.")
HOMES = (*TRUSTED, "lightning.fabric.")  # where the classes of the trusted names may really live
SCHEDULES = "dancepose.tasks.schedules"
INSTANTIATE_KEYS = ("_target_", "_partial_", "_convert_", "_recursive_", "_args_")
MAY_BE_LEFT_OUT = ("scheduler",)  # by `~`
SEEDS = 2**32  # numpy's generator takes no larger one
# keys outside of `_target_` nodes whose default does not say their type
TYPES: dict[str, Any] = {
    "seed": int,
    "trust": list[str],
    "inference.scales": list[float],
    "flip": bool | None,  # conf/evaluate.yaml
    "scales": list[float] | None,
}
# arguments that dancepose-train gives to the trainer itself, and where they come from instead
GIVEN_TO_TRAINER = {
    "callbacks": "add one with +callbacks.<name>._target_=...",
    "logger": "choose one with logger=csv, wandb, tensorboard or none, or add +logger.<name>._target_=...",
    "plugins": "the trainer is given the one that writes checkpoints whole",
}


def plain(node: Any) -> Any:
    """Return a config node as plain resolved containers: what checkpoints and constructors get."""
    return OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else node


def check_config(
    cfg: DictConfig, config_name: str, choices: Mapping[str, Any], searchpath: Sequence[str] = ()
) -> None:
    """Refuse missing values, keys that nothing would read, and values of the wrong type.

    Args:
        cfg: the composed configuration, without the `hydra` node.
        config_name: the entry point's config, `train` for instance.
        choices: group -> chosen option, as in `hydra.runtime.choices`.
        searchpath: where the user's own groups lie, as in `hydra.searchpath`.

    Raises:
        ConfigError: names the key, and the nearest known one or what its value must be.
    """
    for key in sorted(OmegaConf.missing_keys(cfg)):
        raise ConfigError(f"{key} is not set: give {key}=... on the command line{_comment(key, choices)}")
    try:
        values: Any = OmegaConf.to_container(cfg, resolve=True)
    except OmegaConfBaseException as error:
        raise ConfigError(f"the configuration cannot be resolved: {error}") from None
    assert isinstance(values, dict)
    if "model" in values:
        from dancepose.build import model_config

        model_config(values["model"])
    if isinstance(values.get("skeleton"), dict):
        from dancepose.skeleton import Skeleton

        Skeleton.from_dict(values["skeleton"])
    reference = compose_reference(config_name, choices, searchpath)
    for key in reference:
        if key not in values and key not in MAY_BE_LEFT_OUT:
            raise ConfigError(f"{key} is left out, but is read.{_none_option(str(key))}")
    _compare(values, reference, "")
    if "seed" in values and not 0 <= values["seed"] < SEEDS:
        raise ConfigError(f"seed={values['seed']}: it must be from 0 to {SEEDS - 1}")


def compose_reference(
    config_name: str, choices: Mapping[str, Any], searchpath: Sequence[str] = ()
) -> dict[str, Any]:
    """Compose the entry point's config with the same group choices and nothing else.

    What is unknown to it is a key that no shipped file, and no file of the user's chosen groups, declares.
    """
    from hydra import compose
    from hydra.core.override_parser.types import Quote, QuotedString

    paths = [QuotedString(path, Quote.single).with_quotes() for path in searchpath]
    overrides = [f"hydra.searchpath=[{','.join(paths)}]"] if paths else []
    for group, choice in choices.items():
        if choice is None or group.split("/")[0] == "hydra" or group in GLOBAL_GROUPS or "@" in group:
            continue
        overrides.append(f"{group}={choice}")
    reference = compose(config_name, overrides=overrides)
    return OmegaConf.to_container(reference, resolve=False)  # type: ignore[return-value]


def _none_option(group: str) -> str:
    """Return how to switch a group off, if it has the option `none`."""
    from dancepose.paths import config_dir

    return f" To have none: {group}=none" if (config_dir() / group / "none.yaml").is_file() else ""


def _comment(key: str, choices: Mapping[str, Any]) -> str:
    """Return what the shipped file says about a mandatory key, to go with the error."""
    from dancepose.paths import config_dir

    group, _, name = key.rpartition(".")
    path = config_dir() / group / f"{choices.get(group)}.yaml"
    if path.is_file():
        for line in path.read_text().splitlines():
            if line.strip().startswith(f"{name}:") and "#" in line:
                return f" ({line.split('#', 1)[1].strip()})"
    return ""


def _compare(values: Mapping[str, Any], reference: Mapping[str, Any], path: str) -> None:
    for key, value in values.items():
        where = f"{path}.{key}" if path else str(key)
        if where in CHECKED_ELSEWHERE:
            continue
        if isinstance(value, Mapping) and "_target_" in value:
            if key not in reference and path not in OPEN_GROUPS:
                _refuse(where, key, reference)
            _check_target(value, _mapping(reference.get(key)), where)
        elif key not in reference:
            _refuse(where, key, reference)
        elif isinstance(value, Mapping):
            inner = reference[key]
            if isinstance(inner, Mapping) and (inner or not path):  # empty below the top: its owner checks it
                _compare(value, inner, where)
            elif inner is not None and not isinstance(inner, Mapping):
                raise ConfigError(f"{where} is a value ({inner!r}), not a group of keys")
        elif isinstance(reference[key], Mapping) and value is not None:
            raise ConfigError(f"{where}={value!r}: a group of keys is needed")
        else:
            _check_value(where, value, TYPES.get(where), reference[key])


def _mapping(node: Any) -> Mapping[str, Any]:
    return node if isinstance(node, Mapping) else {}


def _check_value(where: str, value: Any, hint: Any, default: Any) -> None:
    """Check a value by its type hint, else by the type of what the shipped files say in its place."""
    if hint is None or not is_simple(hint):
        if isinstance(default, bool):
            hint = bool
        elif isinstance(default, (int, float)):
            hint = float | None
        else:
            return
    digits = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not fits(value, hint) and not (digits and fits(str(value), hint)):  # a name may consist of digits
        raise ConfigError(f"{where}={value!r}: {needed(hint)} is needed")


def _check_target(node: Mapping[str, Any], reference: Mapping[str, Any], path: str) -> None:
    """Check a node against the signature and the type hints of what its `_target_` names."""
    target = node["_target_"]
    found = _locate(target, path)
    parameters = signature_of(found, target, path)
    hints = _hints(found)
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    known = {*parameters, *INSTANTIATE_KEYS}
    for key, value in node.items():
        where = f"{path}.{key}"
        if key not in known and open_ended:
            known |= {*reference, *_passed_on(target)}
        if key not in known:
            raise ConfigError(
                f"unknown key {where}: {target} does not take it."
                + did_you_mean(key, [k for k in known if not k.startswith("_")])
            )
        if path == "trainer" and key in GIVEN_TO_TRAINER and value not in (None, False):
            raise ConfigError(f"{where} cannot be set: {GIVEN_TO_TRAINER[key]}")
        if key in INSTANTIATE_KEYS:
            continue
        inner = _mapping(reference.get(key))
        if isinstance(value, Mapping) and "_target_" in value:
            _check_target(value, inner, where)
            continue
        if key not in parameters or value != parameters[key].default:
            _check_value(where, value, hints.get(key), reference.get(key))
        if isinstance(value, Mapping) and inner:  # an empty default is open: its owner checks it
            _compare(value, inner, where)


def _locate(target: Any, path: str) -> Any:
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


def _hints(found: Any) -> dict[str, Any]:
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


def _passed_on(target: str) -> list[str]:
    """Return the arguments that a constructor passes on to another function, where that is known."""
    if not target.startswith("lightning.pytorch.loggers.") or not target.endswith(".WandbLogger"):
        return []
    try:
        import wandb
    except ImportError:
        return []
    return list(inspect.signature(wandb.init).parameters)


def _refuse(where: str, key: str, reference: Mapping[str, Any]) -> None:
    siblings = did_you_mean(key, [str(k) for k in reference])
    hint = siblings or did_you_mean(where, list(dotted_keys(reference)))
    raise ConfigError(f"unknown key {where}: nothing reads it.{hint}")


def dotted_keys(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield every key of nested mappings in dotted form, groups included."""
    for key, value in values.items():
        yield f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from dotted_keys(value, f"{prefix}{key}.")


def suggest_key(key: str, known: Sequence[str]) -> str:
    """Return ` Did you mean ...?` for a dotted key: by its whole, else by its last word."""
    if hint := did_you_mean(key, known):
        return hint
    last = key.rsplit(".", 1)[-1]
    by_last = {k.rsplit(".", 1)[-1]: k for k in reversed(known)}
    if last in by_last:
        return f" Did you mean '{by_last[last]}'?"
    near = did_you_mean(last, list(by_last))
    word = near.split("'")[1] if near else ""
    return f" Did you mean '{by_last[word]}'?" if word else ""


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
    found = _locate(target, where)
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

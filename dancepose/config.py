"""The check of a composed configuration before anything starts, and the safe `instantiate`.

Hydra refuses an unknown key on the command line, but swallows it behind `+` and in an experiment file. Here
every
key has to have a reader: a node with `_target_` is checked against that constructor's signature, `model` and
`skeleton` against their dataclasses, and every other node against what the shipped configuration composes to
for the same choices.
"""

import functools
import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from dancepose.errors import ConfigError, DanceposeError, did_you_mean

OPEN_GROUPS = ("callbacks", "logger")  # a new member is welcome if it says its _target_
CHECKED_ELSEWHERE = ("model", "skeleton")  # by the dataclasses of build.py and skeleton.py
GLOBAL_GROUPS = ("experiment", "debug")  # their files write into other nodes
TRUSTED = ("dancepose.", "torch.optim.", "lightning.pytorch.")
INSTANTIATE_KEYS = ("_target_", "_partial_", "_convert_", "_recursive_", "_args_")


def plain(node: Any) -> Any:
    """Return a config node as plain resolved containers: what checkpoints and constructors get."""
    return OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else node


def check_config(cfg: DictConfig, config_name: str, choices: Mapping[str, Any]) -> None:
    """Refuse missing values and keys that nothing would read.

    Args:
        cfg: the composed configuration, without the `hydra` node.
        config_name: the entry point's config, `train` for instance.
        choices: group -> chosen option, as in `hydra.runtime.choices`.

    Raises:
        ConfigError: names the key, and the nearest known one.
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
    reference = compose_reference(config_name, choices)
    _compare(values, reference, "")


def compose_reference(config_name: str, choices: Mapping[str, Any]) -> dict[str, Any]:
    """Compose the entry point's config with the same group choices and nothing else.

    What is unknown to it is a key that no shipped file, and no file of the user's chosen groups, declares.
    """
    from hydra import compose

    overrides = []
    for group, choice in choices.items():
        if choice is None or group.split("/")[0] == "hydra" or group in GLOBAL_GROUPS or "@" in group:
            continue
        overrides.append(f"{group}={choice}")
    reference = compose(config_name, overrides=overrides)
    return OmegaConf.to_container(reference, resolve=False)  # type: ignore[return-value]


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
            inner = reference.get(key)
            _check_target(value, inner if isinstance(inner, Mapping) else {}, where)
        elif key not in reference:
            _refuse(where, key, reference)
        elif isinstance(value, Mapping):
            inner = reference[key]
            if isinstance(inner, Mapping) and inner:
                _compare(value, inner, where)
            elif inner is not None and not isinstance(inner, Mapping):
                raise ConfigError(f"{where} is a value ({inner!r}), not a group of keys")


def _check_target(node: Mapping[str, Any], reference: Mapping[str, Any], path: str) -> None:
    """Check a node against the signature of what its `_target_` names."""
    parameters = signature_of(node["_target_"], path)
    known = {*parameters, *INSTANTIATE_KEYS}
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for key, value in node.items():
        where = f"{path}.{key}"
        if key not in known and not (open_ended and key in reference):
            raise ConfigError(
                f"unknown key {where}: {node['_target_']} does not take it."
                + did_you_mean(key, [k for k in known if not k.startswith("_")])
            )
        if isinstance(value, Mapping) and "_target_" in value:
            inner = reference.get(key)
            _check_target(value, inner if isinstance(inner, Mapping) else {}, where)
        elif isinstance(value, Mapping):
            inner = reference.get(key)
            if (
                isinstance(inner, Mapping) and inner
            ):  # an empty mapping in the default is open: its owner checks it
                _compare(value, inner, where)


def signature_of(target: str, path: str) -> Mapping[str, inspect.Parameter]:
    """Import what a `_target_` names and return its parameters.

    Raises:
        ConfigError: there is no such thing.
    """
    from hydra.errors import InstantiationException
    from hydra.utils import get_object

    try:
        found = get_object(target)
    except (InstantiationException, ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"{path}._target_ names '{target}', which cannot be imported: {error}") from None
    parameters = dict(inspect.signature(found).parameters)
    parameters.pop("self", None)
    return parameters


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
    """Refuse `_target_`s outside the allowed prefixes: a config from a file must not run any code it names.

    Raises:
        ConfigError: names the target and how to allow it.
    """
    if isinstance(values, Mapping):
        target = values.get("_target_")
        if target is not None and not (isinstance(target, str) and target.startswith(tuple(trusted))):
            raise ConfigError(
                f"{source} asks to run '{target}', which is not dancepose's, torch.optim's or Lightning's. "
                "If it is your own code and you trust the file, allow its package: 'trust=[my_package.]'"
            )
        for value in values.values():
            check_targets(value, trusted, source)
    elif isinstance(values, (list, tuple)):
        for value in values:
            check_targets(value, trusted, source)


def instantiate(node: Any, *args: Any, **kwargs: Any) -> Any:
    """Make what a node's `_target_` names, from plain containers, its errors told as ours.

    Args:
        node: a config node or plain mapping with `_target_`; with `_partial_: true` a callable comes back.
        args: positional arguments, passed as they are (Hydra's own function would turn dataclasses into
            configs).
        kwargs: likewise by name; they win over the node's.

    Raises:
        ConfigError: the constructor refused its arguments; names the target.
    """
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate as hydra_instantiate
    from lightning.fabric.utilities.exceptions import MisconfigurationException

    values = plain(node)
    try:
        make = hydra_instantiate({**values, "_partial_": True}, _convert_="all")
        return functools.partial(make, *args, **kwargs) if values.get("_partial_") else make(*args, **kwargs)
    except InstantiationException as error:
        if isinstance(error.__cause__, DanceposeError):
            raise error.__cause__ from None
        raise ConfigError(f"{values['_target_']} cannot be made: {error.__cause__ or error}") from error
    except (TypeError, ValueError, ImportError, RuntimeError, MisconfigurationException) as error:
        raise ConfigError(f"{values['_target_']} cannot be made: {error}") from error

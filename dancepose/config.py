"""The check of a composed configuration before anything starts.

Hydra refuses an unknown key on the command line, but swallows it behind `+` and in an experiment file. Here
every key has to have a reader: a node with `_target_` is checked against that constructor's signature and
hints, `model` and `skeleton` against their dataclasses, and every other node against what the shipped
configuration composes to for the same choices.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from dancepose.checks import fits, is_simple, needed
from dancepose.errors import ConfigError, did_you_mean
from dancepose.key_comments import GLOBAL_GROUPS, key_comments
from dancepose.limits import check_limits
from dancepose.resolvers import register
from dancepose.targets import hints_of, locate, signature_of

register()

OPEN_GROUPS = ("callbacks", "logger")  # a new member is welcome if it says its _target_
OPEN_KEYS = ("data.labels",)  # its members are words of the user's data
CHECKED_ELSEWHERE = ("model", "skeleton", "networks", "motions")  # by the dataclasses of the models' keys
INSTANTIATE_KEYS = ("_target_", "_partial_", "_convert_", "_recursive_", "_args_")
MAY_BE_LEFT_OUT = ("scheduler",)  # by `~`
# keys outside of `_target_` nodes whose default does not say their type
TYPES: dict[str, Any] = {
    "seed": int,
    "minutes": float | None,
    "trust": list[str],
    "inference.scales": list[float],
    "flip": bool | None,  # conf/evaluate.yaml
    "scales": list[float] | None,
    **dict.fromkeys(("parts", "precisions"), list[str]),  # conf/benchmark.yaml
    "batches": list[int],
}
SETTLED = {"trainer.precision": "auto"}  # words that the program replaces before the target is called
# arguments that the program gives itself, and where they come from instead; it would overwrite what is set
FOLDER = "it is in the run directory: hydra.run.dir=... says where that is"
GIVEN: dict[str, dict[str, str]] = {
    "trainer": {
        "callbacks": "add one with +callbacks.<name>._target_=...",
        "logger": "choose one with logger=csv, wandb, ..., or add +logger.<name>._target_=...",
        "plugins": "the trainer is given the one that writes checkpoints whole",
    },
    "data": {
        "skeleton": "it is the run's: skeleton=...",
        "codec": "it is the model's: model.codec.<key>=...",
        "encoder": "it is the model's: model.features=[...], model.frames=...",
        "images": "the model says it: model.branches=[...]",
        "known_actions": "they are those of the data, or of the trained network",
        "seed": "it is the run's: seed=...",
    },
    "optimizer": {"params": "they are the network's"},
    "scheduler": {
        "optimizer": "it is the run's: optimizer=...",
        "epochs": "they are the trainer's: trainer.max_epochs=...",
        "steps_per_epoch": "they follow from data and batch size",
    },
    "callbacks.best": {"dirpath": FOLDER},
    "callbacks.last": {"dirpath": FOLDER},
    "callbacks.pictures": {"dirpath": FOLDER},
    "callbacks.curves": {"dirpath": FOLDER},
    "callbacks.motion_pictures": {"dirpath": FOLDER},
    "logger.*": {"save_dir": FOLDER},
    "logger.wandb": {"id": "the run directory keeps it, for resume", "resume": "resume=<run> does it"},
}


def check_composed(cfg: DictConfig, hydra: Any) -> None:
    """Check what a command line composed to; see `check_config`.

    Args:
        cfg: the configuration, without the `hydra` node.
        hydra: that node.
    """
    searchpath = [
        f"{source.schema}://{source.path}"
        for source in hydra.runtime.config_sources
        if source.provider.startswith("hydra.searchpath")
    ]
    check_config(cfg, hydra.job.config_name, hydra.runtime.choices, searchpath)


def check_config(
    cfg: DictConfig, config_name: str, choices: Mapping[str, Any], searchpath: Sequence[str] = ()
) -> None:
    """Refuse missing values, keys that nothing would read, values of the wrong type and impossible numbers.

    Args:
        cfg: the composed configuration, without the `hydra` node.
        config_name: the entry point's config, `train` for instance.
        choices: group -> chosen option, as in `hydra.runtime.choices`.
        searchpath: where the user's own groups lie, as in `hydra.searchpath`.

    Raises:
        ConfigError: names the key, and the nearest known one or what its value must be.
    """
    try:
        values: Any = OmegaConf.to_container(cfg, resolve=True)
    except OmegaConfBaseException as error:
        _refuse_missing(cfg, config_name, choices)
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
    _refuse_missing(cfg, config_name, choices)  # after the unknown ones: it may be misspelt among them
    check_limits(values)


def _refuse_missing(cfg: DictConfig, config_name: str, choices: Mapping[str, Any]) -> None:
    for key in sorted(OmegaConf.missing_keys(cfg)):
        comment = key_comments(config_name, choices).get(str(key))
        told = f" ({comment})" if comment else ""
        raise ConfigError(f"{key} is not set: give {key}=... on the command line{told}")


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
    if value == MISSING:  # told apart
        return
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
    found = locate(target, path)
    parameters = signature_of(found, target, path)
    hints = hints_of(found)
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
        if (source := _given(path, key)) and value not in (None, False):
            raise ConfigError(f"{where} cannot be set: {source}")
        if key in INSTANTIATE_KEYS or SETTLED.get(where) == value:
            continue
        inner = _mapping(reference.get(key))
        if isinstance(value, Mapping) and "_target_" in value:
            _check_target(value, inner, where)
            continue
        if key not in parameters or value != parameters[key].default:
            _check_value(where, value, hints.get(key), reference.get(key))
        open_key = not inner or where in OPEN_KEYS  # its owner checks it
        if isinstance(value, Mapping) and not open_key:
            _compare(value, inner, where)


def _given(path: str, key: str) -> str | None:
    """Return where an argument comes from if the program gives it itself."""
    anyone = f"{path.rpartition('.')[0]}.*"
    return (GIVEN.get(anyone, {}) | GIVEN.get(path, {})).get(key)


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

"""The check of a configuration's keys and values against what reads them.

A node with `_target_` is compared with that constructor's signature and hints, every other one with what the
shipped files say in its place.
"""

import inspect
from collections.abc import Mapping
from typing import Any

from omegaconf import MISSING

from dancepose.checks import fits, is_simple, needed
from dancepose.config_keys import refuse_unknown
from dancepose.errors import ConfigError, did_you_mean
from dancepose.targets import hints_of, locate, signature_of

OPEN_GROUPS = ("callbacks", "logger")  # a new member is welcome if it says its _target_
OPEN_KEYS = ("data.labels",)  # its members are words of the user's data
CHECKED_ELSEWHERE = ("model", "skeleton", "networks", "motions")  # by the dataclasses of the models' keys
INSTANTIATE_KEYS = ("_target_", "_partial_", "_convert_", "_recursive_", "_args_")
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
    **dict.fromkeys(("size", "tile", "batch_size"), int | None),  # conf/predict.yaml
    "action_smooth": float | None,
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


def compare(values: Mapping[str, Any], reference: Mapping[str, Any], path: str) -> None:
    """Refuse keys of a group that nothing would read, and values of the wrong type.

    Args:
        values: the group, resolved.
        reference: what the shipped files say in its place.
        path: the group's key in dotted form, empty at the top.

    Raises:
        ConfigError: names the key, and the nearest known one or what its value must be.
    """
    for key, value in values.items():
        where = f"{path}.{key}" if path else str(key)
        if where in CHECKED_ELSEWHERE:
            continue
        if isinstance(value, Mapping) and "_target_" in value:
            if key not in reference and path not in OPEN_GROUPS:
                refuse_unknown(where, key, reference)
            _check_target(value, _mapping(reference.get(key)), where)
        elif key not in reference:
            refuse_unknown(where, key, reference)
        elif isinstance(value, Mapping):
            inner = reference[key]
            if isinstance(inner, Mapping) and (inner or not path):  # empty below the top: its owner checks it
                compare(value, inner, where)
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
                + (
                    did_you_mean(key, [k for k in known if not k.startswith("_")])
                    or f" Where an experiment sets it for another choice, '~{where}' drops it"
                )
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
            compare(value, inner, where)


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

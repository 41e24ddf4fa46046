"""Going on with a run: does its checkpoint fit what is asked for now, and which settings win."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from dancepose.errors import CheckpointError, ConfigError
from dancepose.networks.weights import read_file

log = logging.getLogger(__name__)


def check_resumable(path: Path, build_config: Mapping[str, Any], optimizer: Mapping[str, Any]) -> None:
    """Refuse a checkpoint that was trained with another model, skeleton or class of optimizer.

    Args:
        path: the run's last.ckpt.
        build_config: of the model that was built now, as `build.Model.config` has it.
        optimizer: config node of now.

    Raises:
        CheckpointError: the file is broken or no checkpoint of a run.
        ConfigError: names the first key that differs, with both values.
    """
    content = read_file(path)
    if not isinstance(content, Mapping) or not {"dancepose", "hyper_parameters"} <= content.keys():
        raise CheckpointError(f"{path} is no checkpoint of dancepose-train: nothing can be resumed from it")
    before = content["dancepose"]
    for node in ("model", "skeleton"):
        for key, was, now in _differences(before.get(node), build_config.get(node), node):
            if key != "model.weights":  # where training began
                raise ConfigError(
                    f"{key}={now}: the run was trained with {was}, and a resumed run keeps its model. Leave "
                    "the key out, or start a new run (model.weights=<checkpoint> starts from its weights)"
                )
    was = content["hyper_parameters"]["optimizer"]["_target_"]
    if was != optimizer["_target_"]:
        raise ConfigError(
            f"optimizer: the run was trained with {was}, whose state {optimizer['_target_']} cannot go on "
            "with. Keep the optimizer, or start a new run from its weights (model.weights=<checkpoint>)"
        )


def _differences(was: Any, now: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield dotted key, old and new value wherever two nested mappings differ."""
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*was, *now]):
            yield from _differences(was.get(key), now.get(key), f"{path}.{key}")
    elif was != now and not (isinstance(was, Sequence) and isinstance(now, Sequence) and [*was] == [*now]):
        yield path, was, now


def apply_optimizer(
    optimizer: Optimizer, schedules: Sequence[Any], was: Mapping[str, Any], now: Mapping[str, Any]
) -> None:
    """Put settings that changed since the checkpoint into an optimizer whose state was restored from it.

    Restoring brings back the settings too, so that `optimizer.lr=` given beside `resume=` would be ignored.

    Args:
        optimizer: made from `now`, its state restored.
        schedules: the optimizer's learning-rate schedules, restored.
        was: config node of the checkpoint.
        now: config node of this run.
    """
    changed = [key for key in dict.fromkeys([*was, *now]) if was.get(key) != now.get(key)]
    changed = [key for key in changed if key in optimizer.defaults]
    for group in optimizer.param_groups:
        for key in changed:
            group[key] = optimizer.defaults[key]
    if "lr" in changed:
        rate = optimizer.defaults["lr"]
        for group in optimizer.param_groups:
            group["initial_lr"] = rate
        for schedule in schedules:
            schedule.base_lrs = [rate] * len(schedule.base_lrs)
            if isinstance(schedule, LambdaLR):
                for group, factor in zip(optimizer.param_groups, schedule.lr_lambdas, strict=True):
                    group["lr"] = rate * factor(schedule.last_epoch)
                schedule._last_lr = [group["lr"] for group in optimizer.param_groups]
    for key in changed:
        value = optimizer.defaults[key]
        log.info("resumed with optimizer.%s=%s instead of %s", key, value, was.get(key))

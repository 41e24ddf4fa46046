"""Going on with a run: does its checkpoint fit what is asked for now, and which settings win."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from dancepose.data.collection import PoseData
from dancepose.data.hashes import label_hashes, split_hash
from dancepose.data.json_file import load_mapping
from dancepose.data.split_file import PARTS
from dancepose.errors import CheckpointError, ConfigError, DataError
from dancepose.networks.weights import read_file
from dancepose.tasks.never_labelled import read_never_labelled
from dancepose.tasks.run_directory import LABELS, RunDirectory
from dancepose.tasks.sameness import differences

log = logging.getLogger(__name__)

EXAMPLES = 3  # pictures that an error names
# the keys of `data` that divide the pictures; where they lie, and how often they come up, does not
SPLIT_KEYS = (
    *("kind", "split", "clip", "parts", "val", "test", "split_seed", "min_people", "limit", "overfit"),
    *("labels", "classes", "own_split", "split_by", "gap", "train_sources", "test_sources"),
)

KEPT = (
    "target",
    "holdout",
    "sampler",
    "pose_run",
    "pose_all",
)  # of `data`: what is learnt, from whom and what


def check_resumable(path: Path, build_config: Mapping[str, Any], optimizer: Mapping[str, Any]) -> None:
    """Refuse a checkpoint that was trained with another model, skeleton, seed or class of optimizer.

    Args:
        path: the run's last.ckpt.
        build_config: of the model that was built now, as `build.Model.config` has it.
        optimizer: config node of now.

    Raises:
        CheckpointError: the file is broken or no checkpoint of a run.
        ConfigError: names the first key that differs, with both values.
    """
    best = path.with_name("best.ckpt")
    weights = f"start a new run from its best weights (model.weights={best}), or " * best.is_file()
    remedy = f"nothing can be resumed from it. Copy it again, {weights}remove it: the run then starts afresh"
    content = read_file(path, remedy)
    if not isinstance(content, Mapping) or not {"dancepose", "hyper_parameters"} <= content.keys():
        raise CheckpointError(f"{path} is no checkpoint of dancepose-train: nothing can be resumed from it")
    before = content["dancepose"]
    for node in (
        "model",
        "skeleton",
        "classes",
        "seed",
    ):  # order, augmentation and dropout go on by the same seed
        for key, was, now in differences(before.get(node), build_config.get(node), node):
            if key != "model.weights":  # where training began
                kept = "seed" if node == "seed" else "model"
                raise ConfigError(
                    f"{key}={now}: the run was trained with {was}, and a resumed run keeps its {kept}. Leave "
                    "the key out, or start a new run (model.weights=<checkpoint> starts from its weights)"
                )
    was = content["hyper_parameters"]["optimizer"]["_target_"]
    if was != optimizer["_target_"]:
        raise ConfigError(
            f"optimizer: the run was trained with {was}, whose state {optimizer['_target_']} cannot go on "
            "with. Keep the optimizer, or start a new run from its weights (model.weights=<checkpoint>)"
        )


def check_kept(run: RunDirectory, config: Mapping[str, Any]) -> None:
    """Refuse to go on with other answers, other people or another sampler than those with which a run began.

    Args:
        run: its folder.
        config: the node `data` of now.

    Raises:
        ConfigError: names the key with both values.
    """
    for key, was, now in differences(run.read_config().get("data"), config, "data"):
        if key.removeprefix("data.") in KEPT:
            raise ConfigError(
                f"{key}={now}: the run was trained with {was}, and a resumed run keeps what it learns from. "
                f"Leave the key out, or start a new run (model.weights={run.checkpoints / 'last.ckpt'})"
            )


def keep_data(run: RunDirectory, config: Mapping[str, Any], data: PoseData) -> None:
    """Give a resumed run the very pictures with which it began, each in its part, or refuse.

    Else pictures of its test could come into its training, and best.ckpt would keep a score of another
    validation part. Pictures that have come to the data since stay unused.

    Args:
        run: its folder.
        config: the node `data` of now.
        data: made from it; divided here.

    Raises:
        ConfigError: keys of now divide the pictures otherwise; names them with both values.
        DataError: annotations are broken, pictures are missing, or labels have changed since.
    """
    before, stored, metrics = run.read_config().get("data"), run.read_split(), run.read_metrics()
    if not isinstance(before, Mapping):
        raise ConfigError(f"{run.path / 'config.yaml'} names no data: nothing can be resumed from it")
    new_run = f"start a new run from its weights (model.weights={run.checkpoints / 'last.ckpt'})"
    changes = [c for c in differences(before, config, "data") if _divides(c[0])]
    data.never_labelled = read_never_labelled(run)
    new = data.keep(stored) if stored is not None and not changes else 0
    data.divided_by = run.read_division() if stored is not None and not changes else None
    data.unusable().raise_fatal()  # else its pictures would pass for missing ones
    if stored is not None and before.get("overfit"):
        stored = {part: stored["train"] for part in PARTS}
    # runs from before split.json have the hash alone
    expected = metrics.get("split") if stored is None else split_hash(stored)
    difference = "" if data.split_hash == expected else _other_homes(stored, data.names)
    other_labels = not difference and metrics.get("data") not in (None, data.data_hash)
    if changes and (difference or other_labels):
        asked = ", ".join(f"{key}={now} (it was {was})" for key, was, now in changes)
        raise ConfigError(
            f"{asked}: a resumed run keeps its pictures and what each is for{difference}. Leave "
            f"{'the key' if len(changes) == 1 else 'the keys'} out, or {new_run}"
        )
    if difference:
        own_file = stored is not None and config.get("split") is not None
        kept = f"divide them as then (data.split={run.path / 'split.json'}), " if own_file else ""
        raise DataError(
            f"{_places(data)}: the pictures are not those with which {run.path} began{difference}. Put them "
            f"back as they were, {kept}or {new_run}"
        )
    if other_labels:
        raise DataError(
            f"{_places(data)}: labels have changed since {run.path} began{_relabelled(run, data)}. Put them "
            f"back as they were, or {new_run}"
        )
    if new:
        log.info("%d new pictures in the data stay unused: a resumed run keeps its split", new)


def _relabelled(run: RunDirectory, data: PoseData) -> str:
    """Name pictures whose labels differ from those with which a run began: ` (of 4: a.jpg, ...)`."""
    try:
        was = load_mapping(run.path / LABELS)
    except DataError:  # of an older run, or broken: that labels have changed is what has to be told
        return ""
    now = label_hashes(frame for part in PARTS for frame in data.frames(part))
    names = [name for name, digits in now.items() if was.get(name, digits) != digits]
    more = ", ..." if len(names) > EXAMPLES else ""
    return f" (of {len(names)}: {', '.join(names[:EXAMPLES])}{more})" if names else ""


def _divides(key: str) -> bool:
    """Tell whether a dotted key of the config has a say in which picture is in which part."""
    words = key.split(".")
    of_data_set = words[1:2] != ["parts"] or len(words) < 4 or words[3] in SPLIT_KEYS
    return len(words) > 1 and words[1] in SPLIT_KEYS and of_data_set


def _places(data: PoseData) -> str:
    """Return where the data lie, as keys: pictures, and the split files that divide them."""
    found = []
    for name, config in data.configs.items():
        key = f"data.parts.{name}" if data.mixed else "data"
        found += [
            f"{key}.{field}={value}"
            for field in ("root", "annotations", "split")
            if (value := getattr(config, field))
        ]
    return " ".join(found)


def _other_homes(
    was: Mapping[str, Sequence[str]] | None, now: Mapping[str, Sequence[str]], examples: int = 3
) -> str:
    """Say in how far two splits differ: ` (2 missing: a.jpg, b.jpg; 1 in another part: c.jpg; ...)`."""
    if was is None:
        return " (by the split's hash in its metrics.json)"
    old, new = ({name: part for part in PARTS for name in split.get(part, ())} for split in (was, now))
    cases = {
        "missing": [name for name in old if name not in new],
        "in another part": [name for name in old if name in new and new[name] != old[name]],
        "more": [name for name in new if name not in old],
    }
    if not any(cases.values()):  # with data.overfit a picture is in several parts
        return " (in other parts)"
    told = []
    for word, names in cases.items():
        if names:
            more = ", ..." if len(names) > examples else ""
            told.append(f"{len(names)} {word}: {', '.join(names[:examples])}{more}")
    return f" ({'; '.join(told)})"


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

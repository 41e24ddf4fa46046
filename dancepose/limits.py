"""What the numbers of a configuration must be, beyond their types: one table for all commands.

A network's own numbers are checked behind `build.py` and by its codec, those of the data by the data module.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from dancepose.errors import ConfigError

SEEDS = 2**32  # numpy's generator takes no larger one
# of Lightning's precisions: they cast the targets and coordinates of a batch, too
ROUNDED = ("16-true", "bf16-true", "64", "64-true", "transformer-engine", "transformer-engine-float16")


@dataclass(frozen=True)
class Limit:
    """What a number must be; NaN and infinity are nothing that any of these allow.

    Attributes:
        words: after `it must be`.
        holds: whether a number is right, or a list of numbers.
        of_list: whether it is a list.
    """

    words: str
    holds: Callable[[Any], bool]
    of_list: bool = False


ABOVE_0 = Limit("above 0", lambda v: 0 < v < inf)
FROM_0 = Limit("at least 0", lambda v: 0 <= v < inf)
FROM_1 = Limit("at least 1", lambda v: 1 <= v < inf)
SHARE = Limit("from 0 to below 1", lambda v: 0 <= v < 1)
OR_ENDLESS = Limit("at least 0, or -1 for no end", lambda v: v == -1 or 0 <= v < inf)
SEED = Limit(f"from 0 to {SEEDS - 1}", lambda v: 0 <= v < SEEDS)
PAIR = Limit(
    "two numbers from 0 to below 1", lambda v: len(v) == 2 and all(0 <= x < 1 for x in v), of_list=True
)
RISING = Limit(
    "numbers that rise from 0, all below 1 (shares of the training) or none (epochs)",
    lambda v: [*v] == sorted(v) and all(0 <= x < inf for x in v) and len({x < 1 for x in v if x}) < 2,
    of_list=True,
)
SCALES = Limit(
    "positive numbers, 1 among them: [1.0,0.5] for instance",
    lambda v: 1 in v and all(0 < x < inf for x in v),
    of_list=True,
)

LIMITS: dict[str, Limit] = {
    "seed": SEED,
    "minutes": ABOVE_0,
    **dict.fromkeys(("optimizer.lr", "optimizer.weight_decay", "optimizer.eps"), FROM_0),
    **dict.fromkeys(("optimizer.momentum", "optimizer.alpha"), SHARE),
    "optimizer.betas": PAIR,
    "scheduler.gamma": ABOVE_0,
    "scheduler.milestones": RISING,
    **dict.fromkeys(("scheduler.warmup", "scheduler.final_ratio"), FROM_0),
    **dict.fromkeys(("trainer.max_epochs", "trainer.max_steps", "trainer.num_sanity_val_steps"), OR_ENDLESS),
    **dict.fromkeys(("trainer.accumulate_grad_batches", "trainer.num_nodes"), FROM_1),
    "trainer.check_val_every_n_epoch": FROM_1,
    **dict.fromkeys(("trainer.gradient_clip_val", "trainer.log_every_n_steps"), FROM_0),
    **dict.fromkeys((f"trainer.limit_{part}_batches" for part in ("train", "val", "test")), FROM_0),
    **dict.fromkeys(("data.val", "data.test"), FROM_0),
    "callbacks.ema.decay": SHARE,
    "callbacks.early_stop.patience": FROM_1,
    **dict.fromkeys(("callbacks.ema.warmup", "callbacks.early_stop.min_delta"), FROM_0),
    **dict.fromkeys(
        (f"callbacks.{name}.every" for name in ("pictures", "curves", "motion_pictures")), FROM_1
    ),
    **dict.fromkeys(("callbacks.pictures.count", "callbacks.summary.depth"), FROM_0),
    **dict.fromkeys(("callbacks.progress.seconds", "callbacks.progress.refresh_rate"), FROM_0),
    **dict.fromkeys(("inference.scales", "scales"), SCALES),
}


def check_limits(values: Mapping[str, Any]) -> None:
    """Refuse numbers that cannot work. What is null, no number, or not there is nobody's concern here.

    Args:
        values: a whole configuration, plain.

    Raises:
        ConfigError: names the key, its value, and what it must be.
    """
    for key, limit in LIMITS.items():
        value: Any = values
        for word in key.split("."):
            value = value.get(word) if isinstance(value, Mapping) else None
        if limit.of_list:
            right = not isinstance(value, Sequence) or isinstance(value, str) or limit.holds(value)
        else:
            right = not isinstance(value, (int, float)) or limit.holds(value)
        if not right:
            raise ConfigError(f"{key}={value}: it must be {limit.words}")
    optimizer, trainer = values.get("optimizer"), values.get("trainer")
    if isinstance(trainer, Mapping) and str(trainer.get("precision")) in ROUNDED:
        raise ConfigError(
            f"trainer.precision={trainer['precision']}: the targets of a batch would be cast, too, which are "
            "float32. Give 32-true, bf16-mixed, 16-mixed or auto"
        )
    if isinstance(optimizer, Mapping) and isinstance(trainer, Mapping):
        clips = trainer.get("precision") == "16-mixed" and trainer.get("gradient_clip_val")
        if clips and optimizer.get("fused"):
            raise ConfigError(
                "trainer.precision=16-mixed with trainer.gradient_clip_val: a fused optimizer unscales its "
                "gradients itself, after they would be clipped. Give optimizer.fused=false"
            )

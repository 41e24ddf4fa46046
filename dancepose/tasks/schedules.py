"""Learning-rate schedules as factors of the optimizer's rate, one step of the schedule per optimizer step."""

import bisect
import logging
import math
from collections.abc import Callable, Sequence

import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from dancepose.errors import ConfigError

log = logging.getLogger(__name__)


def multistep(
    optimizer: Optimizer,
    epochs: float,
    steps_per_epoch: float,
    milestones: Sequence[float],
    gamma: float,
    warmup: float = 0,
) -> LambdaLR:
    """Multiply the rate by `gamma` at each milestone.

    Args:
        optimizer: whose rates are scaled.
        epochs: length of the training; milestones below 1 are shares of it.
        steps_per_epoch: optimizer steps in an epoch.
        milestones: epochs, or shares of the training, in rising order; those beyond the end never come.
        gamma: factor per milestone.
        warmup: epochs in which the rate rises linearly.

    Raises:
        ConfigError: the milestones do not rise, one is negative, or shares and epochs are mixed.
    """
    if list(milestones) != sorted(milestones) or (milestones and milestones[0] < 0):
        raise ConfigError(f"scheduler.milestones must rise from 0, not {list(milestones)}")
    if len({m < 1 for m in milestones if m}) > 1:
        raise ConfigError(
            f"scheduler.milestones={list(milestones)}: those below 1 are shares of the training, the others "
            "epochs: give all as one or the other"
        )
    steps = [round((m * epochs if m < 1 else m) * steps_per_epoch) for m in milestones]
    return LambdaLR(
        optimizer,
        _with_warmup(lambda step: gamma ** sum(step >= s for s in steps), warmup * steps_per_epoch),
    )


def cosine(
    optimizer: Optimizer, epochs: float, steps_per_epoch: float, warmup: float = 0, final_ratio: float = 0.0
) -> LambdaLR:
    """Let the rate fall along a half cosine, after a linear warm-up, to `final_ratio` of itself.

    Args:
        optimizer: whose rates are scaled.
        epochs: length of the training.
        steps_per_epoch: optimizer steps in an epoch.
        warmup: epochs in which the rate rises linearly; cut to half of the training where it would leave
            nothing of it (one epoch of `debug=profiler`).
        final_ratio: the factor at the end.
    """
    if warmup and warmup >= epochs:
        log.warning("scheduler.warmup=%g of %g epochs of training: cut to %g", warmup, epochs, epochs / 2)
        warmup = epochs / 2
    begin, total = warmup * steps_per_epoch, epochs * steps_per_epoch

    def factor(step: int) -> float:
        share = min(max((step - begin) / max(total - begin, 1), 0.0), 1.0)
        return final_ratio + (1 - final_ratio) * (1 + math.cos(math.pi * share)) / 2

    return LambdaLR(optimizer, _with_warmup(factor, begin))


def in_stages(
    make: Callable[..., LambdaLR], optimizer: Optimizer, stages: Sequence[float], steps_per_epoch: float
) -> LambdaLR:
    """Run a schedule in each of several stages of a training, one after the other, as if each were all of it.

    Args:
        make: a schedule of this module, with all but optimizer and lengths given.
        optimizer: whose rates are scaled.
        stages: the epochs of each stage.
        steps_per_epoch: optimizer steps in an epoch.
    """
    factors, starts, begin = [], [], 0.0
    for epochs in stages:
        scratch = torch.optim.SGD([torch.zeros(1)], lr=1.0)  # a schedule moves its optimizer when it is made
        factors.append(make(scratch, epochs=epochs, steps_per_epoch=steps_per_epoch).lr_lambdas[0])
        starts.append(begin)
        begin += epochs * steps_per_epoch

    def factor(step: int) -> float:
        stage = bisect.bisect_right(starts, step) - 1
        return factors[stage](round(step - starts[stage]))

    return LambdaLR(optimizer, factor)


def go_on_at(schedule: LambdaLR, step: int) -> None:
    """Let a schedule whose state was restored go on at another step, with the rates of that step.

    Args:
        schedule: as its optimizer goes on with it.
        step: of the schedule as it is now, whose epochs may have another number of steps than before.
    """
    schedule.last_epoch = step
    rates = [base * factor(step) for base, factor in zip(schedule.base_lrs, schedule.lr_lambdas, strict=True)]
    for group, rate in zip(schedule.optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
    schedule._last_lr = rates


def _with_warmup(factor: Callable[[int], float], steps: float) -> Callable[[int], float]:
    return lambda step: factor(step) * min(1.0, (step + 1) / (steps + 1))

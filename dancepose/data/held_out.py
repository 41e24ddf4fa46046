"""What is held out of training for the samplers: how much of each class, and whether that can be measured."""

from collections import Counter
from collections.abc import Sequence

from dancepose.data.motion_samples import MotionSample
from dancepose.errors import ConfigError

MUCH = 0.2  # share of the training samples from which the way out is told


def told_held_out(
    held: Sequence[MotionSample],
    left: Sequence[MotionSample],
    classes: Sequence[str],
    unit: str,
    sampler: str,
) -> str:
    """Say how many samples are held out, of each class, for whole clips are, and at least one of each class.

    Args:
        held: samples that are held out.
        left: samples that are trained on.
        classes: their names.
        unit: what samples are called.
        sampler: one of `SAMPLERS`.
    """
    counts = Counter(sample.label for sample in held)
    all_counts = counts + Counter(sample.label for sample in left)
    of_each = [f"{name} {counts[i]} of {all_counts[i]}" for i, name in enumerate(classes) if all_counts[i]]
    use = "the sampler measures on them" if sampler == "confusion" else "for any sampler alike"
    if sampler != "confusion" and len(held) > MUCH * (len(held) + len(left)):
        use += ". That is much, for there are few clips: data.holdout=0 trains on all"
    return f"{len(held)} {unit}, {len(left)} left ({', '.join(of_each)}); {use}"


def check_held_out(held: Sequence[MotionSample], classes: Sequence[str]) -> None:
    """Refuse to measure a recall of classes of which nothing is held out.

    Args:
        held: samples that are held out.
        classes: their names.

    Raises:
        ConfigError: it names the classes and the remedy.
    """
    there = {sample.label for sample in held}
    if lacking := [name for i, name in enumerate(classes) if i not in there]:
        raise ConfigError(
            f"data.sampler=confusion measures how often a class is recognised; of {', '.join(lacking)} no "
            "clip can be held out of training: there is but one. Give more clips, or data.sampler=balanced"
        )

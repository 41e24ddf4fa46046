"""The keys of a configuration in dotted form, and what was meant by one that nothing reads."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dancepose.errors import ConfigError, did_you_mean

# words of other programs -> what stands for them here
HABITS = {
    **dict.fromkeys(("ckpt_path", "resume_from", "resume_from_checkpoint"), "resume=<run directory>"),
    **dict.fromkeys(("load_from", "pretrained", "weights", "checkpoint"), "model.weights"),
    **{"epochs": "trainer.max_epochs", "max_epochs": "trainer.max_epochs", "max_steps": "trainer.max_steps"},
    **{"batch": "data.batch_size", "imgsz": "data.size", "lr0": "optimizer.lr", "gpus": "trainer.devices"},
    **{"device": "trainer.accelerator", "amp": "trainer.precision", "ema": "callbacks.ema.decay"},
}


def refuse_unknown(where: str, key: str, reference: Mapping[str, Any]) -> None:
    """Refuse a key that nothing reads.

    Args:
        where: the key in dotted form.
        key: its last part.
        reference: the keys beside it that are read.

    Raises:
        ConfigError: always; suggests the nearest one.
    """
    below = list(dotted_keys(reference))
    hint = (
        _habit(where, below) or did_you_mean(key, [str(k) for k in reference]) or did_you_mean(where, below)
    )
    raise ConfigError(f"unknown key {where}: nothing reads it.{hint}")


def dotted_keys(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield every key of nested mappings in dotted form, groups included."""
    for key, value in values.items():
        yield f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from dotted_keys(value, f"{prefix}{key}.")


def _habit(key: str, known: Sequence[str]) -> str:
    """Return ` Did you mean ...?` for a word of another program, if what stands for it is among the keys."""
    habit = HABITS.get(key, "")
    return f" Did you mean '{habit}'?" if habit.partition("=")[0] in known else ""


def suggest_key(key: str, known: Sequence[str]) -> str:
    """Return ` Did you mean ...?` for a dotted key: by habit, by its whole, else by its last word."""
    if hint := _habit(key, known) or did_you_mean(key, known):
        return hint
    last = key.rsplit(".", 1)[-1]
    by_last = {k.rsplit(".", 1)[-1]: k for k in reversed(known)}
    if last in by_last:
        return f" Did you mean '{by_last[last]}'?"
    near = did_you_mean(last, list(by_last))
    word = near.split("'")[1] if near else ""
    return f" Did you mean '{by_last[word]}'?" if word else ""

"""Which way a metric is better."""

PARTS = ("train/", "val/", "test/")
OF_CLASS = "accuracy_"  # before the name of a class, which may be any
LESS = ("loss", "ECE", "swaps")  # words in the names of metrics of which less is better


def higher_is_better(metric: str) -> bool:
    """Return whether more of a metric is better: of losses, calibration errors and left/right swaps less is.

    Args:
        metric: as in metrics.json, or without its part: `val/accuracy`, `val/loss`, `ECE`.
    """
    name = next((metric[len(part) :] for part in PARTS if metric.startswith(part)), metric)
    return name.startswith(OF_CLASS) or not any(word in LESS for word in name.split("_"))


def mode_of(metric: str) -> str:
    """Return `max` or `min`: what of a metric is looked for, in the words of callbacks.

    Args:
        metric: as `higher_is_better` takes it.
    """
    return "max" if higher_is_better(metric) else "min"

"""How a global batch is dealt out."""

from typing import Any

from dancepose.errors import ConfigError


def device_batch(batch_size: int, trainer: Any) -> int:
    """Return the batch of one device and one step: the global one by devices x accumulation.

    Args:
        batch_size: of all devices and accumulated steps together, `data.batch_size`.
        trainer: knows how many there are; None: one device and one step.

    Raises:
        ConfigError: it cannot be divided; names the nearest that can.
    """
    devices = trainer.world_size if trainer else 1
    steps = trainer.accumulate_grad_batches if trainer else 1
    if batch_size % (devices * steps):
        nearest = max(1, round(batch_size / (devices * steps))) * devices * steps
        raise ConfigError(
            f"data.batch_size={batch_size} is for all devices together and must be a multiple of "
            f"{devices} devices x {steps} steps (trainer.accumulate_grad_batches): {nearest} is"
        )
    return batch_size // (devices * steps)

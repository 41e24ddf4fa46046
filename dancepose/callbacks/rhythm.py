"""`Rhythm`: what callbacks share that act at every so many validations, over interruptions too."""

from typing import Any

from lightning.pytorch import Callback, Trainer


class Rhythm(Callback):
    """Counts validations; the count is in the checkpoint, so that a resumed run goes on in step.

    Args:
        every: validations from one that is acted on to the next.
    """

    def __init__(self, every: int = 1):
        self.every = every
        self._validations = 0

    @property
    def due(self) -> bool:
        """Whether the validation that runs now is acted on."""
        return self._validations % self.every == 0

    def tick(self, trainer: Trainer) -> None:
        """Note the end of a validation; a sanity check is none."""
        self._validations += not trainer.sanity_checking

    def state_dict(self) -> dict[str, Any]:
        """Return the count."""
        return {"validations": self._validations}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the count back."""
        self._validations = state_dict["validations"]

"""`StageTimes`: where the time of a prediction goes."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from dancepose.text_table import aligned

STAGES = ("read", "network", "decode", "motion", "draw", "write", "activation")


class StageTimes:
    """Adds up the seconds of each stage, from any thread.

    Stages run beside each other, so that their sum may exceed the time by the clock.
    """

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self._lock = threading.Lock()
        self._begin = time.perf_counter()

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Count what is done inside to a stage, one of `STAGES`."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            passed = time.perf_counter() - begin
            with self._lock:
                self.seconds[stage] += passed

    def table(self, pictures: int, unit: str = "picture") -> str:
        """Return ms for each picture and shares, as text.

        Args:
            pictures: that were predicted.
            unit: what they are called: `frame` in a video.
        """
        whole, wall = sum(self.seconds.values()), time.perf_counter() - self._begin
        count = max(1, pictures)
        rows = [
            [stage, f"{1000 * spent / count:.1f}", f"{100 * spent / whole if whole else 0:.1f}"]
            for stage, spent in self.seconds.items()
        ]
        rows.append(["sum", f"{1000 * whole / count:.1f}", "100.0" if whole else "0.0"])
        rows.append(["by the clock", f"{1000 * wall / count:.1f}", ""])
        return "\n".join(aligned([["stage", f"ms per {unit}", "share %"], *rows]))

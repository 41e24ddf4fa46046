"""A clock that stands still but for what is said to take time."""

import cv2
import torch


class FakeClock:
    """Takes the place of the module `time` in a module that measures.

    Attributes:
        threads: of PyTorch and of OpenCV whenever something took time.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.threads: set[tuple[int, int]] = set()

    def perf_counter(self) -> float:
        """Seconds."""
        return self.now

    def spend(self, milliseconds: float) -> None:
        self.now += milliseconds / 1e3
        self.threads.add((torch.get_num_threads(), cv2.getNumThreads()))

    def slowed(self, do, milliseconds):
        """What `do` does, in a known time; a function gives that of its result."""

        def slow(*given, **named):
            found = do(*given, **named)
            self.spend(milliseconds(found) if callable(milliseconds) else milliseconds)
            return found

        return slow

"""`summary.json` of a prediction: what is counted in it, and what becomes of it when something fails."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dancepose.errors import DanceposeError
from dancepose.files import write_json
from dancepose.inference.interface import Prediction
from dancepose.text_table import counted

log = logging.getLogger(__name__)


class Tally:
    """Counts what happens to pictures and people, so that nobody goes missing in silence.

    Args:
        unit: what a picture is called where the counts are told: `frame` in a video.
        least_drawn: who has a lower score is counted as not drawn.
    """

    def __init__(self, unit: str = "picture", least_drawn: float = 0.0) -> None:
        self.unit, self.least_drawn = unit, least_drawn
        self.pictures = self.people = self.joined = self.not_drawn = 0
        self.broken: dict[str, str] = {}  # name -> what is wrong with it
        self.left_out: Counter[str] = Counter()
        self.without_action: Counter[str] = Counter()
        self.actions: Counter[str] = Counter()
        self._begin = time.perf_counter()

    def count(self, prediction: Prediction) -> None:
        """Count a prediction."""
        if prediction.error is not None:
            self.broken[prediction.frame.name] = prediction.error
            return
        self.pictures += 1
        self.people += len(prediction.frame.people)
        self.not_drawn += sum(person.score < self.least_drawn for person in prediction.frame.people)
        self.joined += prediction.joined
        self.left_out.update(prediction.left_out)
        self.without_action.update(prediction.without_action)
        self.actions.update(p.action for p in prediction.frame.people if p.action is not None)

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as plain containers."""
        counts = {"left_out": self.left_out, "without_action": self.without_action, "actions": self.actions}
        plain = {name: dict(counter.most_common()) for name, counter in counts.items()}
        return {
            "pictures": self.pictures,
            "people": self.people,
            "not_drawn": self.not_drawn,
            "joined": self.joined,
            **plain,
            "broken": self.broken,
        }

    def __str__(self) -> str:
        passed = time.perf_counter() - self._begin
        rate = f"{self.pictures / max(passed, 1e-9):.2f} {self.unit}s/s"
        people = counted(self.people, "person", "people")
        lines = [f"{counted(self.pictures, self.unit)}, {people}, {rate}"]
        for label, counter in (
            ("actions", self.actions),
            ("without an action", self.without_action),
            ("found and left out", self.left_out),
        ):
            if counter:
                lines.append(f"{label}: {', '.join(f'{name} {n}' for name, n in counter.most_common())}")
        if self.pictures and not self.people:
            by_limits = ", lower min_score and min_size keep more" if self.left_out else ""
            lines.append(
                f"nobody was found{by_limits}: heatmaps=true draws what the network sees of each keypoint"
            )
        if self.not_drawn:
            lines.append(
                f"not drawn, but in the files (draw_min_score={self.least_drawn:g}): {self.not_drawn}"
            )
        if self.joined:
            lines.append(f"found again in another tile, and joined: {self.joined}")
        return "\n".join(lines)


class Summary:
    """Writes `summary.json` when it ends, whatever ends it; a context manager.

    Attributes:
        status: `done`, or what is set in its place; `failed` after an error, `interrupted` after Ctrl-C.

    Args:
        folder: of the file.
        tell: returns what stands in it beside the status.

    Raises:
        DanceposeError: the file cannot be written.
    """

    def __init__(self, folder: Path, tell: Callable[[], dict[str, Any]]) -> None:
        self.folder, self._tell, self.status = folder, tell, "done"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        head: dict[str, Any] = {"status": self.status}
        if kind is not None and issubclass(kind, Exception):
            told = " ".join(str(error).split())[:500]
            head = {"status": "failed", "error": told or kind.__name__}
        elif kind is not None:
            head = {"status": "interrupted"}
        try:
            write_json(self.folder / "summary.json", head | self._tell())
        except DanceposeError as second:
            if kind is None:
                raise
            log.warning("%s", second)  # the first error is told by whoever catches it
        else:
            log.info("written to %s", self.folder)

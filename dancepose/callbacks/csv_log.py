"""`metrics.csv` of a run: every logged scalar, kept over interruptions."""

import csv
import io
import time
from functools import cached_property
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers.logger import Logger, rank_zero_experiment
from lightning.pytorch.utilities.rank_zero import rank_zero_only
from torch import Tensor

from dancepose.files import write_text

FILE = "metrics.csv"
SAVE_EVERY = 30.0  # seconds; Lightning asks after every logged step, and the whole file is written


class CSVLog(Logger):
    """Write `<run>/metrics.csv`, one row per logged step, whole or not at all.

    Lightning's own CSV logger deletes the file of the run that it resumes; this one keeps its rows, up to
    the step from which the training goes on.

    Args:
        save_dir: the run directory.
    """

    def __init__(self, save_dir: str | Path):
        super().__init__()
        self._path = Path(save_dir) / FILE
        self._rows: dict[int, dict[str, float]] = {}
        self._saved = -float("inf")  # when; monotonic seconds

    @property
    def name(self) -> str:
        """Lightning's name for the logger."""
        return "csv"

    @property
    def version(self) -> str:
        """A run directory holds one version."""
        return ""

    @property
    def save_dir(self) -> str:
        """The run directory."""
        return str(self._path.parent)

    @property
    @rank_zero_experiment
    def experiment(self) -> Path:
        """The file."""
        return self._path

    @cached_property
    def _old(self) -> list[dict[str, str]]:
        """Rows of the file as training begins: till then those of an earlier run may make way."""
        if not self._path.is_file():
            return []
        with self._path.open(newline="") as file:
            return [row for row in csv.DictReader(file) if row.get("step")]

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Leave hyper-parameters to the run's config.yaml."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, Any], step: int | None = None) -> None:
        """Add scalars to the row of a step."""
        step = 0 if step is None else int(step)
        if not self._rows:  # the rows of a broken-off epoch come again
            self._old = [row for row in self._old if int(float(row["step"])) < step]
        row = self._rows.setdefault(step, {})
        row.update({k: float(v) if isinstance(v, (Tensor, int, float)) else v for k, v in metrics.items()})
        if any(name.startswith(("val/", "test/")) for name in metrics):
            self._write()

    @rank_zero_only
    def complete(self, metrics: dict[str, float], step: int) -> None:
        """Add to the row of a step what an earlier process did not come to write.

        Args:
            metrics: name -> value; what the row has already stays.
            step: the last one before the training goes on.
        """
        rows = [row for row in self._old if int(float(row["step"])) == step]
        if not rows:
            rows = [{"step": str(step)}]
            self._old.extend(rows)
        for name, value in metrics.items():
            rows[-1][name] = rows[-1].get(name) or str(value)

    @rank_zero_only
    def save(self) -> None:
        """Write the file, if the last time is long enough ago."""
        if time.monotonic() - self._saved >= SAVE_EVERY:
            self._write()

    @rank_zero_only
    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """Write the file: a run that goes on from the checkpoint shall have the rows before it."""
        self._write()

    def _write(self) -> None:
        self._saved = time.monotonic()
        rows: list[dict[str, Any]] = [*self._old]
        rows += [{"step": step, **self._rows[step]} for step in sorted(self._rows)]
        if not rows:
            return
        columns = sorted({key for row in rows for key in row} - {"step", "epoch"})
        text = io.StringIO()
        writer = csv.DictWriter(text, ["step", "epoch", *columns], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(self._path, text.getvalue())

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Write what is left."""
        self._write()

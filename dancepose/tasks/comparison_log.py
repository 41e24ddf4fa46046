"""A comparison in Weights & Biases: its tables, and its page."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import wandb

from dancepose.errors import DanceposeError
from dancepose.sweeps.formats import records
from dancepose.sweeps.output import NAME
from dancepose.sweeps.results import Comparison
from dancepose.sweeps.sheets import sheets_of


def log_comparison(comparison: Comparison, folder: Path, project: str, entity: str | None) -> None:
    """Log the tables of a comparison and its page as a run of its own, of the group of its first sweep.

    Args:
        comparison: what is logged.
        folder: in which its files lie.
        project: of W&B.
        entity: a team; None: the user's own.

    Raises:
        DanceposeError: W&B refuses the run.
    """
    try:
        run = wandb.init(
            project=project,
            entity=entity,
            group=Path(comparison.sweeps[0]).resolve().name,
            name=f"comparison {comparison.title}",
            job_type="comparison",
            dir=folder,
            config={
                "sweeps": list(comparison.sweeps),
                "by": list(comparison.by),
                "against": comparison.against,
            },
        )
    except wandb.errors.Error as error:
        raise DanceposeError(
            f"Weights & Biases refused the run: {error} Or log without a network: WANDB_MODE=offline"
        ) from error
    try:
        rows = records(comparison)
        run.log({"comparison": _table(rows[0], [list(row.values()) for row in rows])})
        run.log({sheet.title: _table(sheet.header, sheet.rows) for sheet in sheets_of(comparison)})
        run.log({"page": wandb.Html(folder / f"{NAME}.html", inject=False)})
    finally:
        run.finish()


def _table(columns: Iterable[str], rows: Iterable[Sequence[Any]]) -> Any:
    return wandb.Table(columns=[*columns], data=[list(row) for row in rows])

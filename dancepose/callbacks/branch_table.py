"""At the end of a sweep over `model.branches`: what each branch is worth."""

import logging
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback

from dancepose.errors import DataError
from dancepose.files import write_json, write_text
from dancepose.sweeps.branch_seeds import SeedTable, over_seeds
from dancepose.sweeps.branches import BranchBlock, RefusedBlock, compare_branches
from dancepose.sweeps.ledger import Sweep

log = logging.getLogger(__name__)


class BranchTable(Callback):
    """Print the comparison when the jobs are done, one over all seeds after those of each.

    `branches.txt` and `branches.json` are written beside the jobs.
    """

    def on_multirun_end(self, config: Any, **kwargs: Any) -> None:
        """Compare what the jobs left; a job that failed is missing in the table."""
        sweep = Path(config.hydra.sweep.dir)
        try:
            blocks = compare_branches(sweep)
        except DataError as error:
            log.warning("no comparison of the branches: %s", error)
            return
        if not blocks:
            log.warning("no comparison of the branches: no job of %s is done", sweep)
            return
        tables: list[BranchBlock | RefusedBlock | SeedTable] = [*blocks, *over_seeds(blocks)]
        text = "\n\n".join(table.table() for table in tables)
        print(text)  # Hydra's logging is that of the last job by now
        with Sweep(sweep).writing():
            write_text(sweep / "branches.txt", text + "\n")
            write_json(sweep / "branches.json", [table.to_dict() for table in tables])
        print(f"written to {sweep}")

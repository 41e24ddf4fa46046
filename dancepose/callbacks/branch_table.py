"""At the end of a sweep over `model.branches`: what each branch is worth."""

import logging
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback

from dancepose.errors import DataError
from dancepose.files import write_json, write_text
from dancepose.sweeps.branches import compare_branches
from dancepose.sweeps.ledger import Sweep

log = logging.getLogger(__name__)


class BranchTable(Callback):
    """Print the comparison when the jobs are done; write `branches.txt` and `branches.json` beside them."""

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
        text = "\n\n".join(block.table() for block in blocks)
        print(text)  # Hydra's logging is that of the last job by now
        with Sweep(sweep).writing():
            write_text(sweep / "branches.txt", text + "\n")
            write_json(sweep / "branches.json", [block.to_dict() for block in blocks])
        print(f"written to {sweep}")

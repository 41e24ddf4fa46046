"""What an earlier launch of a sweep has left in a job's folder."""

from collections.abc import Mapping
from typing import Any

from dancepose.tasks.config_hash import config_hash
from dancepose.tasks.run_directory import RunDirectory

DATA = "d1"  # stands for the data of the run


def leave_run(
    config: Mapping[str, Any], run: RunDirectory, status: str, last: bool = True, **more: Any
) -> None:
    """Write what a run of a configuration leaves that began.

    Args:
        config: plain.
        run: its folder, without checkpoints.
        status: of metrics.json.
        last: whether an epoch of it has ended.
        more: entries of metrics.json.
    """
    run.write_config(config, [], {})
    run.write_metrics(status, hash=config_hash(config, DATA), data=DATA, **more)
    if last:
        run.checkpoints.mkdir()
        (run.checkpoints / "last.ckpt").write_text("")

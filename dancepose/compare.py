"""`dancepose-compare`: compare the arms of finished sweeps, and say what may be claimed."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from dancepose.sweeps.origin import Made
    from dancepose.sweeps.results import Comparison, Table

log = logging.getLogger(__name__)

UNASKED = 60.0  # seconds that are spent on times of the networks unasked
WIDTH = 250  # characters of a line where no terminal shows it, and $COLUMNS says nothing


def compare(cfg: DictConfig) -> None:
    """Read the jobs of sweeps, compare them, print the tables and write them beside each other.

    Args:
        cfg: what conf/compare.yaml composes to, its keys checked.

    Raises:
        ConfigError: a factor, level or metric is none, or a value is impossible; tells what there is.
        DataError: there is no job, or the jobs cannot be compared with each other.
    """
    from hydra.core.hydra_config import HydraConfig

    from dancepose.sweeps.arms import JOINT, group_jobs
    from dancepose.sweeps.comparison import Draws, compare_groups
    from dancepose.sweeps.evaluations import evaluation_notes
    from dancepose.sweeps.launched import ledger_notes
    from dancepose.sweeps.measures import choose_metrics
    from dancepose.sweeps.output import write_comparison
    from dancepose.sweeps.results import Comparison
    from dancepose.sweeps.whole import comparable_jobs
    from dancepose.targets import plain

    config = plain(cfg)
    _check(config)
    sweeps = _names(config["sweeps"])
    jobs, left_out, poses = comparable_jobs(sweeps, _evaluation(config))
    groups = group_jobs(
        jobs,
        _names(config["by"]),
        JOINT.join(_names(config["against"])) or None,
        _names(config["split"]),
        {str(factor): _names(levels) for factor, levels in (config["only"] or {}).items()},
        _names(config["allow"]),
    )
    chosen = None if config["metrics"] is None else _names(config["metrics"])
    metrics = choose_metrics(chosen, jobs, poses)
    draws = Draws(config["level"], config["resamples"], config["seed"])
    tables = compare_groups(groups, metrics, poses, draws)
    notes = [*evaluation_notes(jobs), *ledger_notes(sweeps)]
    comparison = Comparison(
        tuple(sweeps),
        groups[0].by,
        groups[0].against,
        poses,
        tuple(_with_notes(_with_costs(tables, config), notes)),
        (*left_out, *(one for group in groups for one in group.left_out)),
        draws.level,
        draws.resamples,
        _made(config, groups[0].by, groups[0].against, [metric.name for metric in metrics]),
    )
    folder = Path(HydraConfig.get().runtime.output_dir)
    files = write_comparison(folder, comparison, config["pictures"])
    _show(comparison)  # when it is kept: whoever reads may close the pipe in the midst of a table
    if config["wandb"]:
        from dancepose.tasks.comparison_log import log_comparison

        log_comparison(comparison, folder, config["project"], config["entity"])
    log.info("written to %s: %s", folder, ", ".join(path.name for path in files))


def _made(config: Mapping[str, Any], by: Sequence[str], against: str, metrics: Sequence[str]) -> Made:
    """Return when and by what the comparison is made, with all that decides its figures."""
    from datetime import UTC, datetime

    from dancepose import __version__
    from dancepose.commit import commit
    from dancepose.sweeps.origin import Made

    told = {"sweeps": _names(config["sweeps"]), "by": [*by], "against": config["against"] or against}
    told["evaluation"] = _evaluation(config)
    kept = {key: config[key] for key in ("split", "only", "allow", "level", "resamples", "seed")}
    version = f"{__version__}, commit {commit()}" if commit() else __version__
    date = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return Made(date, version, {**told, "metrics": [*metrics], **kept})


def _check(config: Mapping[str, Any]) -> None:
    """Refuse impossible values, whose types are right, before anything is read."""
    from dancepose.checks import at_least
    from dancepose.errors import ConfigError
    from dancepose.inference.devices import find_device
    from dancepose.sweeps.bootstrap import check_level
    from dancepose.sweeps.evaluations import check_name

    if not _names(config["sweeps"]):
        raise ConfigError("sweeps is not set: give the folders of finished sweeps, 'sweeps=[<dir>, <dir>]'")
    if (name := _evaluation(config)) is not None:
        check_name(name)
    check_level(config["level"])
    for key, least in (("resamples", 1), ("seed", 0), ("costs", 0), ("rounds", 1), ("pictures", 0)):
        at_least(key, config[key], least)
    if config["threads"] is not None:
        at_least("threads", config["threads"], 1)
    if config["latency"] not in (True, False, "auto"):
        raise ConfigError(f"latency={config['latency']}: choose of true, false, auto")
    if config["only"] is not None and not isinstance(config["only"], Mapping):
        raise ConfigError(f"only={config['only']!r}: give it as only={{factor: [levels]}}")
    find_device(config["device"])


def _evaluation(config: Mapping[str, Any]) -> str | None:
    """Return the name of the evaluation that jobs are compared by; None of their trainings' own tests."""
    return None if config["evaluation"] is None else str(config["evaluation"])


def _names(value: Any) -> list[str]:
    """Return one name or several as they are typed; nothing for null."""
    from dancepose.sweeps.factors import told_value

    if value is None:
        return []
    return [told_value(item) for item in (value if isinstance(value, list) else [value])]


def _with_costs(tables: Sequence[Table], config: Mapping[str, Any]) -> list[Table]:
    """Count, and time if asked, the networks of the arms."""
    if not config["costs"]:
        return list(tables)
    import torch

    from dancepose.benchmarks.run_costs import RunCosts
    from dancepose.inference.devices import find_device

    if config["threads"] is not None:
        torch.set_num_threads(config["threads"])
    device = torch.device(find_device(config["device"]))
    rounds = config["rounds"] if config["latency"] else 0
    costs = RunCosts(config["costs"], rounds, device, UNASKED if config["latency"] == "auto" else None)
    found = costs.measure(tables)
    return [table.with_costs(of, costs.notes) for table, of in zip(tables, found, strict=True)]


def _with_notes(tables: Sequence[Table], notes: Sequence[str]) -> list[Table]:
    """Add notes on the sweeps as a whole to the first table."""
    first, *others = tables
    return [replace(first, notes=(*first.notes, *notes)), *others]


def _show(comparison: Comparison) -> None:
    from rich.console import Console

    from dancepose.sweeps.console import rich_tables

    console = Console()
    if not console.is_terminal:
        console = Console(width=None if "COLUMNS" in os.environ else WIDTH, color_system=None)
    with console.capture() as captured:  # rich itself would end the program where the pipe is closed
        for shown in rich_tables(comparison, console.width):
            console.print(shown)
    print(captured.get(), end="", flush=True)


def main() -> None:
    """Run `dancepose-compare`."""
    from dancepose.entry import run

    run(compare, "compare")


if __name__ == "__main__":
    main()
